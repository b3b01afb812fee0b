// Which file an include (or another path in a scenario) means, and that it lies inside the root.
#ifndef FRESHET_SCENARIOS_LANGUAGE_INCLUDE_H_
#define FRESHET_SCENARIOS_LANGUAGE_INCLUDE_H_

#include <string>

#include "absl/status/statusor.h"

namespace freshet {

inline constexpr int kDeepestInclude = 16;
inline constexpr int kMostIncludes = 256;

// The real path of `path`, as it is written in the file `from`: relative to that file's directory.
// kInvalidArgument, with the text of a problem: an absolute path, one with "..", or one that leaves
// `root` once symbolic links are followed. Whether the file exists is not asked.
absl::StatusOr<std::string> ResolveInside(const std::string& root, const std::string& from,
                                          const std::string& path);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_INCLUDE_H_
