// The entry to the language: a file in; scenarios to run, or every problem at once, out.
//
//   text -> parse (includes) -> fields -> variants -> values set -> catalogue -> required
//        -> defaults -> references, rules, bursts, topology
#ifndef FRESHET_SCENARIOS_LANGUAGE_LOAD_H_
#define FRESHET_SCENARIOS_LANGUAGE_LOAD_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "scenarios/language/places.h"
#include "scenarios/language/problem.h"
#include "scenarios/language/scenario.pb.h"
#include "scenarios/language/variants.h"

namespace freshet {

struct LoadOptions {
  // Includes and other paths stay below it. Empty: the directory of the file.
  std::string root;
  // The directory that `include: "library:..."` means. Empty: there is none.
  std::string library;
  // `path=value`, applied in order to every variant in which the path exists. See SetValue().
  std::vector<std::string> sets;
  // The metrics that objectives may name. Empty: they are not checked.
  std::vector<std::string> metrics;
};

struct LoadResult {
  // Sorted by file, line and column. With an error among them nothing may be run.
  std::vector<Problem> problems;
  // The scenario itself: includes merged, values set, defaults filled in, variants as written.
  v1::Scenario scenario;
  // Where the fields of `scenario` were written; Place::file is an index into `files`.
  Places places;
  std::vector<std::string> files;
  // What to run: one scenario for each variant, or one without a name. With defaults. Empty when
  // the text could not be read at all.
  std::vector<ExpandedVariant> variants;

  bool ok() const { return !HasError(problems); }
};

// Loads and checks a scenario. A status is the world's error (missing, forbidden, a failed read);
// the author's are problems.
absl::StatusOr<LoadResult> Load(const std::string& path, const LoadOptions& options = {});

// The same for text in memory, under the name that problems shall give it. Touches no file, so an
// include is a problem.
LoadResult LoadText(absl::string_view text, const std::string& name,
                    const LoadOptions& options = {});

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_LOAD_H_
