// From a finished Simulation to what is stored, and from that to the numbers that are shown.
//
//   RunResults results = CollectResults(sim, phases, resolution_note);   // in the record
//   RunSummary summary = Summarise(header, results);                     // what reports read
//
// A summary is made from what a record holds and nothing else, so that a report of last year's
// record and a report of the run just finished are one code path.
//
// Every number carries its label: exact (counters, counts, sums, means, extremes, time averages),
// approximate within the histogram's bound (quantiles), or not converged (a quantile with fewer
// than 100 samples on one side). One run is one seed: no number here has an interval over seeds.
#ifndef FRESHET_RESULTS_RUN_SUMMARY_H_
#define FRESHET_RESULTS_RUN_SUMMARY_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "results/record.pb.h"
#include "results/record_reader.h"
#include "results/record_writer.h"
#include "sim/simulation.h"
#include "sim/stamps.h"

namespace freshet {

// When the plan entered a phase, in the order of time. Before the first, the run is in the phase of
// MetricClock's default, kBeforeFaults.
struct PhaseChange {
  Time at;
  Phase phase;
};

// Everything but the verdict. Settles the gauges and finishes the digests: call once, at the end.
// `resolution_note` says in words what a coarser resolution may add to a latency; may be empty.
RunResults CollectResults(Simulation& sim, absl::Span<const PhaseChange> phases,
                          absl::string_view resolution_note);

// Adds where the records of `owner`'s feed spent their time.
void CollectWaterfall(const Simulation& sim, absl::string_view owner, const Waterfall& waterfall,
                      RunResults* results);

// The engine's words in those of the record, whose numbers never move.
MetricRow::Kind MessageOf(MetricKind kind);
MetricRow::Measure MessageOf(MetricUnit unit);
MetricPhase::Phase MessageOf(Phase phase);

// The percentiles of every distribution.
struct NamedPercentile {
  const char* name;  // "p99_9"
  int64_t numerator;
  int64_t denominator;
};
absl::Span<const NamedPercentile> SummaryPercentiles();

// Metrics sorted by owner and name, so that two runs compare line by line.
RunSummary Summarise(const RunRecordHeader& header, const RunResults& results);
// kFailedPrecondition, saying where it ends, when the record is not complete.
absl::StatusOr<RunSummary> Summarise(const RunRecord& record);

// Null when there is none.
const SummaryValue* FindValue(const SummaryWindow& window, absl::string_view statistic);
const SummaryWindow* FindWindow(const SummaryMetric& metric, absl::string_view window);

// "digest order=0123456789abcdef full=... result=..."
std::string FormatDigests(const Digests& digests);
Digests DigestsOf(const RunSummary& summary);

}  // namespace freshet

#endif  // FRESHET_RESULTS_RUN_SUMMARY_H_
