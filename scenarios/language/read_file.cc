#include "scenarios/language/read_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

absl::Status WorldError(const std::string& path, const char* what, int error) {
  return absl::ErrnoToStatus(error, absl::StrCat(path, ": cannot ", what));
}

}  // namespace

absl::StatusOr<std::string> ReadRegularFile(const std::string& path, size_t limit) {
  if (path.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError("the path has a NUL byte; name a file");
  }
  // Without O_NONBLOCK the open of a FIFO would wait for a writer that never comes.
  const int fd = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  if (fd < 0 && (errno == ENXIO || errno == ENODEV)) {
    return absl::InvalidArgumentError("this is not a regular file; name a file of text");
  }
  if (fd < 0) return WorldError(path, "open", errno);
  const absl::Cleanup close_file = [fd] { close(fd); };

  struct stat about;
  if (fstat(fd, &about) != 0) return WorldError(path, "stat", errno);
  if (S_ISDIR(about.st_mode)) {
    return absl::InvalidArgumentError("this is a directory; name a file in it");
  }
  if (!S_ISREG(about.st_mode)) {
    return absl::InvalidArgumentError("this is not a regular file; name a file of text");
  }

  const auto too_large = [&] {
    return absl::InvalidArgumentError(
        absl::StrCat("the file is larger than ", limit >> 20, " MiB; a scenario is smaller"));
  };
  if (static_cast<size_t>(about.st_size) > limit) return too_large();
  std::string text;
  // The size was a promise of a moment ago: files grow.
  char chunk[1 << 16];
  while (true) {
    const ssize_t got = read(fd, chunk, sizeof(chunk));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return WorldError(path, "read", errno);
    if (got == 0) return text;
    text.append(chunk, static_cast<size_t>(got));
    if (text.size() > limit) return too_large();
  }
}

}  // namespace freshet
