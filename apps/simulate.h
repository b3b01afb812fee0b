// What several verbs share: loading the scenario or the records that are named, and what is said of
// a run that came to no result.
#ifndef FRESHET_APPS_SIMULATE_H_
#define FRESHET_APPS_SIMULATE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "results/record_reader.h"
#include "scenarios/language/load.h"
#include "scenarios/language/run.h"
#include "sim/check.h"

namespace freshet {

// Loads the one scenario that a verb takes, as the flags say.
absl::StatusOr<LoadResult> LoadOnly(absl::string_view verb,
                                    const std::vector<std::string>& operands);
// Those that --variant asks for; kInvalidArgument with the names when there is no such one.
absl::StatusOr<std::vector<const ExpandedVariant*>> WantedVariants(const LoadResult& loaded);

// Complete records and what they say; a file that is damaged, cut short or no record at all is the
// world's fault, not the author's (kDataLoss).
struct ReadRuns {
  std::vector<RunRecord> records;
  std::vector<RunSummary> summaries;  // One a record.
};
absl::StatusOr<ReadRuns> ReadRecords(const std::vector<std::string>& paths);

// Of a variant of the scenario in `file`, with what the flags say about all verbs.
RunOptions OptionsOf(const std::string& file, const ExpandedVariant& variant);

// Say on stderr what happened and how to repeat it, and return the exit code.
int SayBroken(const InvariantBroken& broken, const std::string& file, const std::string& variant);
int SayInterrupted(const RunOutcome& outcome, const std::string& record_path);
void SayVacuous(const RunOutcome& outcome);

}  // namespace freshet

#endif  // FRESHET_APPS_SIMULATE_H_
