// Shipped scenarios for tests: one variant of one, run as it is or cut short.
#ifndef FRESHET_TESTS_SCENARIOS_LIBRARY_LIBRARY_RUN_H_
#define FRESHET_TESTS_SCENARIOS_LIBRARY_LIBRARY_RUN_H_

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "results/metric_window.h"
#include "scenarios/language/load.h"
#include "scenarios/language/run.h"

namespace freshet {

inline RunOptions FromLibrary() {
  RunOptions options;
  options.root = FRESHET_LIBRARY;
  return options;
}

// A variant of library/`name`.textproto; an empty scenario, and a failure, if there is none.
inline v1::Scenario VariantOf(const std::string& name, const std::string& variant) {
  const absl::StatusOr<LoadResult> loaded =
      Load(absl::StrCat(FRESHET_LIBRARY, "/", name, ".textproto"));
  EXPECT_TRUE(loaded.ok()) << loaded.status();
  for (const auto& each : loaded->variants) {
    if (each.name == variant) return each.scenario;
  }
  ADD_FAILURE() << "no variant " << variant;
  return v1::Scenario();
}

// So long of it, without its faults and objectives.
inline v1::Scenario Briefly(v1::Scenario scenario, const std::string& run_for,
                            const std::string& warm_up) {
  scenario.set_run_for(run_for);
  scenario.set_warm_up(warm_up);
  scenario.clear_fault();
  scenario.clear_objective();
  return scenario;
}

inline RunOutcome OutcomeOf(const v1::Scenario& scenario) {
  absl::StatusOr<RunOutcome> outcome = RunScenario(scenario, FromLibrary());
  EXPECT_TRUE(outcome.ok()) << outcome.status();
  return outcome.ok() ? *std::move(outcome) : RunOutcome();
}

// A counter's total after warm-up.
inline int64_t TotalOf(const RunOutcome& run, const std::string& owner, const std::string& metric) {
  for (const MetricRow& row : run.results.metrics.metric()) {
    if (row.owner() != owner || row.name() != metric) continue;
    return MetricWindow(row, Window::kAfterWarmUp).total();
  }
  ADD_FAILURE() << "no " << metric << " of " << owner;
  return 0;
}

}  // namespace freshet

#endif  // FRESHET_TESTS_SCENARIOS_LIBRARY_LIBRARY_RUN_H_
