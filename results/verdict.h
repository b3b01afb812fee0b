// Judges a run's objectives: met or missed, by how much, and when it was worst.
//
// The bound comes resolved to an integer of the metric's measure (nanoseconds, bytes, billionths,
// counts; per second when `per_second`), since only the scenario language knows how quantities are
// written. Comparison is in integers; a rate is compared without rounding.
#ifndef FRESHET_RESULTS_VERDICT_H_
#define FRESHET_RESULTS_VERDICT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "results/metric_window.h"
#include "results/record.pb.h"
#include "results/record_writer.h"

namespace freshet {

struct ResolvedObjective {
  Objective text;  // As written: metric, owner, percentile, which bound, window.
  int64_t bound = 0;
  bool per_second = false;  // A counter's rate is judged rather than its total.
};

// What an exit code says; the largest over many runs wins.
inline constexpr int kExitMet = 0;
inline constexpr int kExitMissed = 1;

// What is judged: a counter's total or rate; a gauge's average, or its highest level at percentile
// 100; a distribution's mean, or its percentile (100: the largest value).
//
// A percentile with too few samples is kNotConverged, unless no sample at all breaks the bound; so
// is a window in which nothing was recorded. Both count as not met.
//
// kInvalidArgument, naming the objective, when it cannot be judged: no such metric, several owners
// and none named, a percentile of a counter, both bounds or none.
absl::StatusOr<Verdict> Judge(absl::Span<const ResolvedObjective> objectives,
                              const RunResults& results);

// "freshness.staleness p99 of dashboard, before faults, at most 5min"
std::string Describe(const Objective& objective);
// "MISSED  <objective>: 6.20 min; over by 1.20 min (24.0 %); worst 9.40 min at 1h02m"
std::string Describe(const ObjectiveVerdict& verdict);

}  // namespace freshet

#endif  // FRESHET_RESULTS_VERDICT_H_
