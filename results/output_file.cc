#include "results/output_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

constexpr size_t kBufferBytes = 256 * 1024;

absl::Status SystemError(absl::string_view what, const std::string& path, int error) {
  // strerror() is locale-dependent and not for threads; the GNU strerrordesc_np() is neither.
  const char* reason = strerrordesc_np(error);
  return absl::UnavailableError(
      absl::StrCat(path, ": ", what, ": ", reason == nullptr ? "unknown error" : reason));
}

int WriteAll(int descriptor, const char* data, size_t length) {
  while (length > 0) {
    const ssize_t written = ::write(descriptor, data, length);
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    data += written;
    length -= static_cast<size_t>(written);
  }
  return 0;
}

bool Exists(const std::string& path) {
  struct stat facts;
  return ::lstat(path.c_str(), &facts) == 0;
}

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

OutputFile::OutputFile(std::string path, int descriptor, Overwrite overwrite)
    : path_(std::move(path)), descriptor_(descriptor), overwrite_(overwrite) {
  buffer_.reserve(kBufferBytes);
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      overwrite_(other.overwrite_),
      size_(other.size_),
      buffer_(std::move(other.buffer_)),
      status_(std::move(other.status_)) {}

OutputFile::~OutputFile() {
  if (descriptor_ < 0) return;
  Flush().IgnoreError();  // The file stays a .partial either way.
  ::close(descriptor_);
}

absl::StatusOr<OutputFile> OutputFile::Create(const std::string& path, Overwrite overwrite) {
  const auto refuse_existing = [&]() -> absl::Status {
    if (overwrite == Overwrite::kYes || !Exists(path)) return absl::OkStatus();
    return absl::AlreadyExistsError(absl::StrCat(path, ": exists; ask for it to be overwritten"));
  };
  if (absl::Status refused = refuse_existing(); !refused.ok()) return refused;
  const std::string partial = path + ".partial";
  // Between open() and flock() another writer may rename its finished .partial away; then the lock
  // is on a file that no longer has the name, and we try again.
  for (int attempt = 0; attempt < 8; ++attempt) {
    const int descriptor =
        ::open(partial.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
    if (descriptor < 0) return SystemError("cannot be created", partial, errno);
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
      const int error = errno;
      ::close(descriptor);
      if (error == EWOULDBLOCK) {
        return absl::AbortedError(absl::StrCat(path, ": another process is writing it"));
      }
      return SystemError("cannot be locked", partial, error);
    }
    struct stat ours, named;
    if (::fstat(descriptor, &ours) != 0 || ::stat(partial.c_str(), &named) != 0 ||
        ours.st_ino != named.st_ino || ours.st_dev != named.st_dev) {
      ::close(descriptor);
      continue;
    }
    OutputFile file(path, descriptor, overwrite);
    // The other writer may have finished since we looked.
    if (absl::Status refused = refuse_existing(); !refused.ok()) {
      file.Discard();
      return refused;
    }
    if (ours.st_size > 0 && ::ftruncate(descriptor, 0) != 0) {
      return SystemError("cannot be emptied", partial, errno);
    }
    return file;
  }
  return absl::AbortedError(absl::StrCat(path, ": another process keeps writing it"));
}

absl::Status OutputFile::Fail(absl::string_view what, int error) {
  status_ = SystemError(what, PartialPath(), error);
  return status_;
}

absl::Status OutputFile::Write(absl::string_view bytes) {
  if (!status_.ok()) return status_;
  size_ += bytes.size();
  if (buffer_.size() + bytes.size() > kBufferBytes) {
    if (absl::Status flushed = Flush(); !flushed.ok()) return flushed;
  }
  if (bytes.size() < kBufferBytes) {
    buffer_.append(bytes.data(), bytes.size());
    return absl::OkStatus();
  }
  if (const int error = WriteAll(descriptor_, bytes.data(), bytes.size())) {
    return Fail("cannot be written", error);
  }
  return absl::OkStatus();
}

absl::Status OutputFile::Flush() {
  if (!status_.ok()) return status_;
  const int error = WriteAll(descriptor_, buffer_.data(), buffer_.size());
  buffer_.clear();
  if (error != 0) return Fail("cannot be written", error);
  return absl::OkStatus();
}

absl::Status OutputFile::Commit() {
  if (absl::Status flushed = Flush(); !flushed.ok()) return flushed;
  if (::fsync(descriptor_) != 0) return Fail("cannot be brought to disk", errno);
  // Renamed before it is closed: the lock falls with the descriptor.
  if (overwrite_ == Overwrite::kNo && Exists(path_)) {
    status_ = absl::AlreadyExistsError(absl::StrCat(path_, ": has appeared meanwhile"));
    return status_;
  }
  if (::rename(PartialPath().c_str(), path_.c_str()) != 0) {
    return Fail("cannot be renamed", errno);
  }
  if (::close(std::exchange(descriptor_, -1)) != 0) return Fail("cannot be closed", errno);
  // The name itself must survive a power cut too. Some file systems refuse; the file is whole then.
  const int directory = ::open(DirectoryOf(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) {
    ::fsync(directory);
    ::close(directory);
  }
  return absl::OkStatus();
}

void OutputFile::Discard() {
  if (descriptor_ < 0) return;
  buffer_.clear();
  ::unlink(PartialPath().c_str());
  ::close(std::exchange(descriptor_, -1));
  status_ = absl::CancelledError(absl::StrCat(path_, ": discarded"));
}

absl::Status WriteWholeFile(const std::string& path, absl::string_view bytes, Overwrite overwrite) {
  struct stat facts;
  if (::stat(path.c_str(), &facts) == 0 && !S_ISREG(facts.st_mode) && !S_ISDIR(facts.st_mode)) {
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) return SystemError("cannot be opened", path, errno);
    const int write_error = WriteAll(descriptor, bytes.data(), bytes.size());
    const int close_error = ::close(descriptor) != 0 ? errno : 0;
    if (write_error != 0) return SystemError("cannot be written", path, write_error);
    if (close_error != 0) return SystemError("cannot be closed", path, close_error);
    return absl::OkStatus();
  }
  absl::StatusOr<OutputFile> file = OutputFile::Create(path, overwrite);
  if (!file.ok()) return file.status();
  if (absl::Status written = file->Write(bytes); !written.ok()) {
    file->Discard();
    return written;
  }
  absl::Status committed = file->Commit();
  if (!committed.ok()) file->Discard();
  return committed;
}

absl::StatusOr<std::string> ReadWholeFile(const std::string& path, uint64_t most_bytes) {
  // Not blocking: a FIFO without a writer must give an error, not a wait.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return SystemError("cannot be opened", path, errno);
  struct stat facts;
  absl::Status problem;
  std::string bytes;
  if (::fstat(descriptor, &facts) != 0) {
    problem = SystemError("cannot be read", path, errno);
  } else if (!S_ISREG(facts.st_mode)) {
    problem = absl::InvalidArgumentError(absl::StrCat(path, ": is not a regular file"));
  } else if (static_cast<uint64_t>(facts.st_size) > most_bytes) {
    problem = absl::InvalidArgumentError(
        absl::StrCat(path, ": has ", facts.st_size, " bytes; at most ", most_bytes, " are read"));
  } else {
    bytes.resize(static_cast<size_t>(facts.st_size));
    size_t filled = 0;
    while (filled < bytes.size()) {
      const ssize_t count = ::read(descriptor, bytes.data() + filled, bytes.size() - filled);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) problem = SystemError("cannot be read", path, errno);
      if (count <= 0) break;
      filled += static_cast<size_t>(count);
    }
    bytes.resize(filled);
  }
  ::close(descriptor);
  if (!problem.ok()) return problem;
  return bytes;
}

}  // namespace freshet
