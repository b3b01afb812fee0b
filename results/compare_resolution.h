// What a coarser resolution did to the latencies of a comparison's runs.
#ifndef FRESHET_RESULTS_COMPARE_RESOLUTION_H_
#define FRESHET_RESULTS_COMPARE_RESOLUTION_H_

#include "absl/types/span.h"
#include "results/compare.h"
#include "results/record.pb.h"

namespace freshet {

// Adds a row for each latency that clients see: how much longer it was, in each coarser run, than
// in the run of the same scenario at full resolution. Adds what else is known of each run's
// resolution as a note. Nothing where no run has both.
void AddResolutionErrors(absl::Span<const RunSummary> runs, Comparison* comparison);

}  // namespace freshet

#endif  // FRESHET_RESULTS_COMPARE_RESOLUTION_H_
