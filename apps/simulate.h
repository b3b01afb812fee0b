// What the verbs that run scenarios share: loading the one that is named, and what is said of a run
// that came to no result.
#ifndef FRESHET_APPS_SIMULATE_H_
#define FRESHET_APPS_SIMULATE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "scenarios/language/load.h"
#include "scenarios/language/run.h"
#include "sim/check.h"

namespace freshet {

// Loads the one scenario that a verb takes, as the flags say.
absl::StatusOr<LoadResult> LoadOnly(absl::string_view verb,
                                    const std::vector<std::string>& operands);
// Those that --variant asks for; kInvalidArgument with the names when there is no such one.
absl::StatusOr<std::vector<const ExpandedVariant*>> WantedVariants(const LoadResult& loaded);

// Of a variant of the scenario in `file`, with what the flags say about all verbs.
RunOptions OptionsOf(const std::string& file, const ExpandedVariant& variant);

// Say on stderr what happened and how to repeat it, and return the exit code.
int SayBroken(const InvariantBroken& broken, const std::string& file, const std::string& variant);
int SayInterrupted(const RunOutcome& outcome, const std::string& record_path);
void SayVacuous(const RunOutcome& outcome);

}  // namespace freshet

#endif  // FRESHET_APPS_SIMULATE_H_
