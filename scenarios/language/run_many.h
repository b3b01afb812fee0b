// Runs several scenarios at once, each in a thread of its own: a simulation is a value and shares
// nothing, so results do not depend on how many run side by side.
#ifndef FRESHET_SCENARIOS_LANGUAGE_RUN_MANY_H_
#define FRESHET_SCENARIOS_LANGUAGE_RUN_MANY_H_

#include <exception>
#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "scenarios/language/run.h"

namespace freshet {

struct RunJob {
  const v1::Scenario* scenario;  // REQUIRES: as for RunScenario(), and it outlives the run.
  RunOptions options;
};

struct FinishedRun {
  absl::StatusOr<RunOutcome> outcome;
  std::exception_ptr broken;  // What left RunScenario(), a broken invariant above all, or null.
};

// In the order of `jobs`. `on_finished`, which may be empty, hears the number of runs that are
// over, from the thread of one, and of one at a time. REQUIRES: workers > 0.
std::vector<FinishedRun> RunMany(absl::Span<const RunJob> jobs, int workers,
                                 const std::function<void(size_t)>& on_finished);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_RUN_MANY_H_
