// What readers could not read, and how far it reached: records, windows of their output, files of
// a table. A table of a run's report, and rows of a comparison, so that policies stand side by
// side.
#ifndef FRESHET_RESULTS_BLAST_RADIUS_H_
#define FRESHET_RESULTS_BLAST_RADIUS_H_

#include <vector>

#include "absl/types/span.h"
#include "results/compare.h"
#include "results/record.pb.h"
#include "results/report.h"

namespace freshet {

// One row for each reader that met anything; no table without. Of the whole run.
void AddBlastRadius(const RunSummary& summary, std::vector<ReportTable>* tables);
// A row for each figure of each reader that met anything in any run.
void AddBlastRadius(absl::Span<const RunSummary> runs, Comparison* comparison);

}  // namespace freshet

#endif  // FRESHET_RESULTS_BLAST_RADIUS_H_
