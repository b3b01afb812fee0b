// A run's summary in the formats people and programs read.
//
// A format is one file with one function, and one line in the list of report.cc.
#ifndef FRESHET_RESULTS_REPORT_H_
#define FRESHET_RESULTS_REPORT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "results/record.pb.h"

namespace freshet {

struct ReportOptions {
  bool colour = false;  // Whether a format for terminals may use escape sequences.
  // Whether formats for people also show the parts of components ("log/broker-1/cpu").
  bool parts = false;
};

struct ReportFormat {
  const char* name;
  const char* help;
  void (*write)(const RunSummary& summary, const ReportOptions& options, std::string* out);
};

// All formats; the first is the default.
absl::Span<const ReportFormat> ReportFormats();

// Appends to `out`. kInvalidArgument, with the known names, for an unknown format.
absl::Status WriteReport(absl::string_view format, const RunSummary& summary,
                         const ReportOptions& options, std::string* out);

// Verdict first, then a table per kind of metric, then what the numbers rest on.
void WriteTextReport(const RunSummary& summary, const ReportOptions& options, std::string* out);
void WriteMarkdownReport(const RunSummary& summary, const ReportOptions& options, std::string* out);
// RFC 4180: a line per window; columns such as shop.producer.latency_ms_p99. An empty cell is a
// number that has not converged or that the window does not have.
void WriteCsvReport(const RunSummary& summary, const ReportOptions& options, std::string* out);
// One document; integers beyond 2^53 and digests are strings.
void WriteJsonReport(const RunSummary& summary, const ReportOptions& options, std::string* out);

// What text and Markdown share: cells as text, so that each format only lays them out.
struct ReportTable {
  std::string title;  // "Distributions, after warm up"
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
  size_t text_columns;  // The first so many are words; the others are numbers.
};
// Columns as wide as their widest cell; words to the left, numbers to the right.
void LayOutTable(const ReportTable& table, std::string* out);
void WriteMarkdownTable(const ReportTable& table, std::string* out);
// With what would open a column, a tag or an emphasis escaped: names come from scenarios.
std::string MarkdownText(const std::string& text);
// Only tables with rows: what broke, where the time went, what it costs, then the metrics.
std::vector<ReportTable> ReportTables(const RunSummary& summary, const ReportOptions& options);
// "headline, shared_nothing, seed 92"
std::string ReportTitle(const RunSummary& summary);
// "MISSED: 1 of 3 objectives" / "met: all 3 objectives" / "no objectives"
std::string ReportHeadline(const RunSummary& summary);
// What the labels mean, resolution, digests.
std::vector<std::string> ReportNotes(const RunSummary& summary);
// Objectives that were not met first.
std::vector<const ObjectiveVerdict*> WorstFirst(const Verdict& verdict);

}  // namespace freshet

#endif  // FRESHET_RESULTS_REPORT_H_
