// Reading an author's file without being hurt by what stands under its name.
#ifndef FRESHET_SCENARIOS_LANGUAGE_READ_FILE_H_
#define FRESHET_SCENARIOS_LANGUAGE_READ_FILE_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

namespace freshet {

inline constexpr size_t kLargestFile = size_t{16} << 20;

// The bytes of a regular file of at most `limit` bytes. It never blocks on a FIFO or a device and
// never reads more than the limit.
//
// kInvalidArgument: the name stands for something that is no scenario (a directory, a FIFO, a
// device, a file too large); the author erred. Any other error is the world's: missing, forbidden,
// or a read that failed, with the text of errno.
absl::StatusOr<std::string> ReadRegularFile(const std::string& path, size_t limit = kLargestFile);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_READ_FILE_H_
