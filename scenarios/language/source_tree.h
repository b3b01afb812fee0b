// A file and all that it includes, parsed and merged into one scenario.
#ifndef FRESHET_SCENARIOS_LANGUAGE_SOURCE_TREE_H_
#define FRESHET_SCENARIOS_LANGUAGE_SOURCE_TREE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "scenarios/language/places.h"
#include "scenarios/language/problem.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

struct MergedSource {
  v1::Scenario scenario;
  Places places;
  std::vector<Place> blanked;  // As in ParsedText, over all files.
  bool names_are_missing = false;
};

// Reads `path` and its includes; those behind "library:" stand in the directory `library`, and what
// they include does too. Included files come first, in the order of the text: lists are
// appended, and what the including file says of a single value holds. A file that is included twice
// counts once. An error is the world's.
absl::Status ReadSource(const std::string& path, const std::string& root,
                        const std::string& library, Findings* findings, MergedSource* source);

// The same for text in memory, where an include is a problem.
void ReadText(absl::string_view text, const std::string& name, Findings* findings,
              MergedSource* source);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_SOURCE_TREE_H_
