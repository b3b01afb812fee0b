// The waterfall of each feed: where the time of its records went, from creation to visible, stage
// by stage, with whom they waited for and what for.
//
// The mean is over all records, the exemplars are single ones: what is at the median, at the 99th
// percentile, and the longest of all. Each column sums to its end-to-end time, to the nanosecond;
// that is added up again from the integers of the record, and the report says so.
#ifndef FRESHET_RESULTS_REPORT_WATERFALL_H_
#define FRESHET_RESULTS_REPORT_WATERFALL_H_

#include <string>

#include "results/report.h"

namespace freshet {

// Appends as text. False when a column does not sum: a mistake of the simulator, or a record that
// somebody has changed.
bool WriteWaterfallReport(const RunSummary& summary, const ReportOptions& options,
                          std::string* out);

}  // namespace freshet

#endif  // FRESHET_RESULTS_REPORT_WATERFALL_H_
