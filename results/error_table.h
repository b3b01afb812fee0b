// A published table beside what was simulated: every row with its error, the worst first.
//
// results/published/README.md describes the file and the rules of scoring; one global set of
// parameters serves all tables, so a row that misses is printed, not fitted.
#ifndef FRESHET_RESULTS_ERROR_TABLE_H_
#define FRESHET_RESULTS_ERROR_TABLE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "results/record.pb.h"
#include "results/report.h"

namespace freshet {

// How far simulated may lie from published. Percent: |simulated / published - 1|. Factor: the
// larger of the two over the smaller.
struct Tolerance {
  enum class Kind { kPercent, kFactor, kNotScored };
  Kind kind = Kind::kNotScored;
  double pass = 0;  // 15 means 15 %; 2 means times or divided by 2.
  double good = 0;
};

struct PublishedRow {
  int line = 0;  // Of the file.
  std::string id;
  std::string quantity_kind;
  // A ratio row may have "numerator/denominator" in each of these four.
  std::string metric;
  std::string owner;  // Empty: the one component that has the metric.
  std::string variant;
  std::string statistic;
  std::string unit;
  double published_low = 0;  // Equal to high unless a band "19..20" was published.
  double published_high = 0;
  Tolerance tolerance;
  std::string note;
};

// All problems at once, one a line, each "<name>:<line>: problem; remedy".
absl::StatusOr<std::vector<PublishedRow>> ParsePublished(absl::string_view name,
                                                         absl::string_view csv_text);

struct ErrorRow {
  enum class Score { kNoValue, kMiss, kPass, kGood, kNotScored };
  PublishedRow published;
  Score score = Score::kNotScored;
  bool has_value = false;
  double simulated = 0;  // In the row's unit.
  double error = 0;      // simulated / published - 1; 0 inside a band.
  double severity = 0;   // Error as a share of what passes: above 1 is a miss.
  std::string why;       // Why there is no value, or "wrong order".
};

struct ErrorTable {
  std::vector<ErrorRow> rows;  // Scored rows worst first, then the others in file order.
  int good = 0, pass = 0, miss = 0, no_value = 0, not_scored = 0;
  // No scored row missed or lacked a value.
  bool Passed() const { return miss == 0 && no_value == 0; }
};

// `summaries`: one per variant that the table names. A row whose variant is not among them, whose
// metric the run does not have, or whose number has not converged has no value: not a pass.
ErrorTable BuildErrorTable(const std::vector<PublishedRow>& published,
                           absl::Span<const RunSummary> summaries);

void WriteErrorTableText(const ErrorTable& table, const ReportOptions& options, std::string* out);
void WriteErrorTableMarkdown(const ErrorTable& table, std::string* out);
// published and simulated in the row's unit, error_percent, verdict.
void WriteErrorTableCsv(const ErrorTable& table, std::string* out);

}  // namespace freshet

#endif  // FRESHET_RESULTS_ERROR_TABLE_H_
