// Runs one expanded scenario from its first event to its verdict.
#ifndef FRESHET_SCENARIOS_LANGUAGE_RUN_H_
#define FRESHET_SCENARIOS_LANGUAGE_RUN_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "results/record.pb.h"
#include "results/record_writer.h"
#include "scenarios/language/scenario.pb.h"
#include "sim/time.h"

namespace freshet {

// Two numbers name what was run beside scenario and seed. The model revision goes up whenever a
// golden's result digest moves; CHANGELOG.md says which and why.
inline constexpr const char* kModelRevision = "1";

struct RunProgress {
  Time now;
  Time end;
  uint64_t events = 0;
};

struct RunOptions {
  std::string variant;      // For the record; empty without variants.
  std::string root;         // Where replayed arrivals and the price book are looked up.
  std::string record_path;  // Empty: no record.
  Overwrite overwrite = Overwrite::kNo;
  uint64_t until_event = UINT64_MAX;  // Stop after so many events: the replay of a failure.
  bool periodic_audits = true;        // Off only to measure what audits cost.
  bool trace = false;                 // Print each event of the last slice; with until_event.
  // Called now and then from the running thread; may be empty.
  std::function<void(const RunProgress&)> on_progress;
  // When it becomes true the run ends after the events at hand, and its record stays partial.
  const std::atomic<bool>* interrupted = nullptr;
};

struct RunOutcome {
  RunSummary summary;
  RunResults results;
  // Faults that touched nothing, in words; such a run proves nothing about them (exit code 1).
  std::vector<std::string> vacuous_faults;
  uint64_t events = 0;
  double wall_seconds = 0;
  bool interrupted = false;
  bool stopped_early = false;  // At until_event: nothing was collected or judged.
  int exit_code = 0;
};

// kInvalidArgument: the author's error (exit 2). Other codes: the world's (exit 3). A broken
// invariant leaves as InvariantBroken (exit 4). REQUIRES: `scenario` is expanded, checked, and has
// its defaults.
absl::StatusOr<RunOutcome> RunScenario(const v1::Scenario& scenario, const RunOptions& options);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_RUN_H_
