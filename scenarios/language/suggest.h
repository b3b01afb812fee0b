// "Did you mean": the nearest of a list of names, by edit distance.
#ifndef FRESHET_SCENARIOS_LANGUAGE_SUGGEST_H_
#define FRESHET_SCENARIOS_LANGUAGE_SUGGEST_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace freshet {

// Insertions, deletions, substitutions and swaps of neighbours that turn one text into the other.
int EditDistance(absl::string_view a, absl::string_view b);

// The nearest candidate, or nothing when none is near: at most a third of the letters may differ,
// but one always may; a single letter resembles nothing. Of equally near ones the first wins.
std::string Closest(absl::string_view name, const std::vector<std::string>& candidates);

// Text of the author inside a message: quoted, unprintable bytes escaped, cut at 60 bytes.
std::string Quoted(absl::string_view text);

// "\"a\", \"b\" and \"c\""; of long lists the first dozen and how many more.
std::string Listed(const std::vector<std::string>& names);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_SUGGEST_H_
