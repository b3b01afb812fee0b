// Several runs side by side: designs, variants or versions as the columns of one table.
//
// Rows are what a reader decides by: the objectives, what clients felt, where their records' time
// went, and the bill. A metric is a row where at least one run has it; what a run does not have is
// a dash. Nothing is averaged over runs, and nothing is called better: that is the objectives'
// business.
#ifndef FRESHET_RESULTS_COMPARE_H_
#define FRESHET_RESULTS_COMPARE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "results/record.pb.h"
#include "results/report.h"

namespace freshet {

struct ComparisonCell {
  std::string text;  // For people: "1.49 s", "MISSED 2.07 s", "-".
  // For machines: the plain number in the unit that the row's name states; empty if there is none
  // or it has not converged.
  std::string number;
};

struct ComparisonRow {
  std::string
      section;  // "objectives", "clients", "blast radius", "resolution", "time", "bill", "run"
  std::string owner;                  // The component, or the feed.
  std::string name;                   // "producer.latency p99"
  std::string machine_name;           // "producer.latency_ms_p99"
  std::vector<ComparisonCell> cells;  // One a run.
};

struct Comparison {
  std::string scenario;           // Empty when the runs are of several.
  std::vector<std::string> runs;  // The columns: variants, with the scenario where it differs.
  std::vector<ComparisonRow> rows;
  std::vector<std::string> notes;
};

// REQUIRES: at least one run.
Comparison Compare(absl::Span<const RunSummary> runs);

// As text, md, csv or json. kInvalidArgument, with the known names, for another format.
absl::Status WriteComparison(absl::string_view format, const Comparison& comparison,
                             const ReportOptions& options, std::string* out);

}  // namespace freshet

#endif  // FRESHET_RESULTS_COMPARE_H_
