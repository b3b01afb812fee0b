#include <algorithm>

#include "absl/strings/str_cat.h"
#include "results/report.h"
#include "results/verdict.h"

namespace freshet {
namespace {

constexpr const char* kBold = "\x1b[1m";
constexpr const char* kRed = "\x1b[31m";
constexpr const char* kGreen = "\x1b[32m";
constexpr const char* kPlain = "\x1b[0m";

}  // namespace

void LayOutTable(const ReportTable& table, std::string* out) {
  std::vector<size_t> widths;
  for (const std::string& column : table.columns) widths.push_back(column.size());
  for (const auto& row : table.rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string text = " ";
    for (size_t i = 0; i < cells.size(); ++i) {
      const std::string padding(widths[i] - cells[i].size(), ' ');
      absl::StrAppend(&text, " ", i < table.text_columns ? cells[i] + padding : padding + cells[i],
                      i + 1 < cells.size() ? " " : "");
    }
    text.erase(text.find_last_not_of(' ') + 1);
    absl::StrAppend(out, text, "\n");
  };
  line(table.columns);
  for (const auto& row : table.rows) line(row);
}

void WriteTextReport(const RunSummary& summary, const ReportOptions& options, std::string* out) {
  const auto paint = [&options](const char* colour, const std::string& text) {
    return options.colour ? absl::StrCat(colour, text, kPlain) : text;
  };
  const Verdict& verdict = summary.verdict();
  const char* colour = verdict.objective_size() == 0     ? kBold
                       : verdict.exit_code() == kExitMet ? kGreen
                                                         : kRed;
  absl::StrAppend(out, paint(kBold, ReportTitle(summary)), ": ",
                  paint(colour, ReportHeadline(summary)), "\n");
  for (const ObjectiveVerdict* objective : WorstFirst(verdict)) {
    const bool met = objective->outcome() == ObjectiveVerdict::MET;
    absl::StrAppend(out, "  ", paint(met ? kGreen : kRed, Describe(*objective)), "\n");
  }
  for (const ReportTable& table : ReportTables(summary, options)) {
    absl::StrAppend(out, "\n", paint(kBold, table.title), "\n");
    LayOutTable(table, out);
  }
  absl::StrAppend(out, "\n");
  for (const std::string& note : ReportNotes(summary)) absl::StrAppend(out, note, "\n");
}

}  // namespace freshet
