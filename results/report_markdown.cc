#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "results/report.h"
#include "results/verdict.h"

namespace freshet {

std::string MarkdownText(const std::string& text) {
  return absl::StrReplaceAll(
      text, {{"|", "\\|"}, {"<", "&lt;"}, {"*", "\\*"}, {"_", "\\_"}, {"\n", " "}, {"\r", " "}});
}

void WriteMarkdownTable(const ReportTable& table, std::string* out) {
  absl::StrAppend(out, "|");
  for (const std::string& column : table.columns) absl::StrAppend(out, " ", column, " |");
  absl::StrAppend(out, "\n|");
  for (size_t i = 0; i < table.columns.size(); ++i) {
    absl::StrAppend(out, i < table.text_columns ? "---|" : "---:|");
  }
  absl::StrAppend(out, "\n");
  for (const auto& row : table.rows) {
    absl::StrAppend(out, "|");
    for (const std::string& cell : row) absl::StrAppend(out, " ", MarkdownText(cell), " |");
    absl::StrAppend(out, "\n");
  }
}

void WriteMarkdownReport(const RunSummary& summary, const ReportOptions& options,
                         std::string* out) {
  absl::StrAppend(out, "# ", MarkdownText(ReportTitle(summary)), "\n\n**",
                  MarkdownText(ReportHeadline(summary)), "**\n");
  if (summary.verdict().objective_size() > 0) absl::StrAppend(out, "\n");
  for (const ObjectiveVerdict* objective : WorstFirst(summary.verdict())) {
    absl::StrAppend(out, "- ", MarkdownText(Describe(*objective)), "\n");
  }
  for (const ReportTable& table : ReportTables(summary, options)) {
    absl::StrAppend(out, "\n## ", MarkdownText(table.title), "\n\n");
    WriteMarkdownTable(table, out);
  }
  absl::StrAppend(out, "\n");
  for (const std::string& note : ReportNotes(summary)) {
    absl::StrAppend(out, "- ", MarkdownText(note), "\n");
  }
}

}  // namespace freshet
