// A file that appears whole or not at all, and whose every failure is told.
//
// Bytes go to NAME.partial; Commit() flushes, syncs, closes and renames it to NAME. Until then an
// earlier NAME is untouched, and after a crash NAME.partial holds what was written. A NAME.partial
// that a crash left behind is written over: the run that made it can be repeated.
//
// An advisory lock is held meanwhile: a second writer of the same name gets an error, not a
// mixture.
#ifndef FRESHET_RESULTS_OUTPUT_FILE_H_
#define FRESHET_RESULTS_OUTPUT_FILE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace freshet {

enum class Overwrite { kNo, kYes };

class OutputFile {
 public:
  // kAlreadyExists when `path` exists and may not be overwritten; kAborted when another process
  // writes it; otherwise the system's reason.
  static absl::StatusOr<OutputFile> Create(const std::string& path, Overwrite overwrite);

  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  // Without Commit() the .partial stays: it may be all that is left of a long run.
  ~OutputFile();

  // Errors stick: after one, nothing more is written and every call returns it.
  absl::Status Write(absl::string_view bytes);
  // Hands what is buffered to the system, so that a crash of this process loses nothing before.
  absl::Status Flush();
  absl::Status Commit();
  // Removes the .partial.
  void Discard();

  uint64_t size() const { return size_; }
  const std::string& path() const { return path_; }
  const absl::Status& status() const { return status_; }

 private:
  OutputFile(std::string path, int descriptor, Overwrite overwrite);
  std::string PartialPath() const { return path_ + ".partial"; }
  absl::Status Fail(absl::string_view what, int error);

  std::string path_;
  int descriptor_;
  Overwrite overwrite_;
  uint64_t size_ = 0;
  std::string buffer_;
  absl::Status status_;
};

// All of `bytes` as `path`, or an error and the earlier file. "/dev/stdout" and other files that
// are not regular are written in place.
absl::Status WriteWholeFile(const std::string& path, absl::string_view bytes, Overwrite overwrite);

// All of a regular file of at most `most_bytes`.
absl::StatusOr<std::string> ReadWholeFile(const std::string& path, uint64_t most_bytes);

}  // namespace freshet

#endif  // FRESHET_RESULTS_OUTPUT_FILE_H_
