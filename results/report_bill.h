// A bill in the formats people and programs read: alone, or as a part of a run's report.
#ifndef FRESHET_RESULTS_REPORT_BILL_H_
#define FRESHET_RESULTS_REPORT_BILL_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "results/bill.pb.h"
#include "results/json_writer.h"
#include "results/report.h"

namespace freshet {

// The lines with their total, then what is not priced; only tables with rows. For people: the
// window to a millionth of a dollar, the month to a cent.
std::vector<ReportTable> BillTables(const Bill& bill);
// What the figures rest on: the book and its date, the window, the length of the month.
std::string BillNote(const Bill& bill);

// As the value of a key: every amount exact, as decimal text in dollars.
void WriteBill(const Bill& bill, JsonWriter& json);

// A document with the bill of `summary` and nothing else, as text, md, csv or json. In CSV a line a
// quantity, amounts exact; an empty price is one that the book does not have.
// kInvalidArgument, with the known names, for an unknown format. REQUIRES: summary.has_bill().
absl::Status WriteBillReport(absl::string_view format, const RunSummary& summary, std::string* out);

}  // namespace freshet

#endif  // FRESHET_RESULTS_REPORT_BILL_H_
