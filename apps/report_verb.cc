// `freshet report`: from records alone, without running anything again; `freshet list`, `explain`.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "apps/flags.h"
#include "apps/simulate.h"
#include "apps/verbs.h"
#include "results/bill.h"
#include "results/error_table.h"
#include "results/record_reader.h"
#include "results/report.h"
#include "results/report_bill.h"
#include "results/report_waterfall.h"
#include "results/run_summary.h"
#include "scenarios/language/assemble.h"
#include "scenarios/language/explain.h"
#include "scenarios/language/price_book.h"
#include "scenarios/language/read_file.h"

namespace freshet {
namespace {

// The bills of `records` by the book of --price-book.
int PriceRecords(const std::vector<RunRecord>& records, std::vector<RunSummary> summaries,
                 const std::string& format) {
  absl::StatusOr<PriceBookResult> loaded = LoadPriceBook(absl::GetFlag(FLAGS_price_book));
  if (!loaded.ok()) return Complain(loaded.status());
  std::fputs(Report(loaded->problems).c_str(), stderr);
  if (!loaded->ok()) return kExitAuthor;
  std::string text;
  for (size_t i = 0; i < records.size(); ++i) {
    absl::StatusOr<Bill> bill = BuildBill(loaded->book, records[i].results(), Window::kAfterWarmUp);
    if (!bill.ok()) return Complain(bill.status());
    *summaries[i].mutable_bill() = *std::move(bill);
    const absl::Status written = WriteBillReport(format, summaries[i], &text);
    if (!written.ok()) return Complain(written);
  }
  return Print(text, 0);
}

int DrawWaterfalls(const std::vector<RunSummary>& summaries, const ReportOptions& options) {
  std::string text;
  bool sums = true;
  for (const RunSummary& summary : summaries) {
    if (!text.empty()) text += "\n";
    sums = WriteWaterfallReport(summary, options, &text) && sums;
  }
  return Print(text, sums ? 0 : kExitOurs);
}

}  // namespace

int ReportVerb(const std::vector<std::string>& operands) {
  if (operands.empty()) {
    return Complain(absl::InvalidArgumentError("`freshet report` takes one or more run records"));
  }
  absl::StatusOr<ReadRuns> runs = ReadRecords(operands);
  if (!runs.ok()) return Complain(runs.status());
  const std::vector<RunSummary>& summaries = runs->summaries;
  ReportOptions options;
  options.colour = ColourWanted();
  options.parts = absl::GetFlag(FLAGS_parts);
  const std::string format =
      absl::GetFlag(FLAGS_json) ? std::string("json") : absl::GetFlag(FLAGS_format);
  if (absl::GetFlag(FLAGS_waterfall)) {
    if (format != "text" || !absl::GetFlag(FLAGS_against).empty() ||
        !absl::GetFlag(FLAGS_price_book).empty()) {
      return Complain(absl::InvalidArgumentError(
          "--waterfall is a report of its own, as text; leave out the other flags"));
    }
    return DrawWaterfalls(summaries, options);
  }
  if (!absl::GetFlag(FLAGS_price_book).empty()) {
    if (!absl::GetFlag(FLAGS_against).empty()) {
      return Complain(absl::InvalidArgumentError(
          "--against and --price-book are two reports; ask for one of them"));
    }
    return PriceRecords(runs->records, std::move(runs->summaries), format);
  }
  std::string text;
  if (absl::GetFlag(FLAGS_against).empty()) {
    int worst = 0;
    for (const RunSummary& summary : summaries) {
      const absl::Status written = WriteReport(format, summary, options, &text);
      if (!written.ok()) return Complain(written);
      worst = std::max(worst, static_cast<int>(summary.verdict().exit_code()));
    }
    return Print(text, worst);
  }
  absl::StatusOr<std::string> csv = ReadRegularFile(absl::GetFlag(FLAGS_against));
  if (!csv.ok()) return Complain(csv.status());
  absl::StatusOr<std::vector<PublishedRow>> rows =
      ParsePublished(absl::GetFlag(FLAGS_against), *csv);
  if (!rows.ok()) return Complain(rows.status());
  const ErrorTable table = BuildErrorTable(*rows, summaries);
  if (format == "csv") {
    WriteErrorTableCsv(table, &text);
  } else if (format == "md") {
    WriteErrorTableMarkdown(table, &text);
  } else if (format == "text") {
    WriteErrorTableText(table, options, &text);
  } else {
    return Complain(absl::InvalidArgumentError(
        absl::StrCat("an error table has no format \"", format, "\"; choose text, md or csv")));
  }
  return Print(text, table.Passed() ? 0 : 1);
}

int ExplainVerb(const std::vector<std::string>& operands) {
  if (operands.size() != 1) {
    return Complain(
        absl::InvalidArgumentError("`freshet explain` takes one field, such as linger"));
  }
  absl::StatusOr<std::string> text = Explain(operands[0]);
  if (!text.ok()) {
    for (const MetricDef* metric : KnownMetrics()) {
      if (operands[0] == metric->name) {
        return Print(absl::StrCat(metric->name, "\n  ", metric->help, "\n"), 0);
      }
    }
    return Complain(absl::InvalidArgumentError(text.status().message()));
  }
  return Print(*text, 0);
}

int ListVerb(const std::vector<std::string>& operands) {
  const std::string what = operands.empty() ? "scenarios" : operands[0];
  std::string text;
  if (what == "metrics") {
    for (const MetricDef* metric : KnownMetrics()) {
      absl::StrAppend(&text, metric->name, "\n      ", metric->help, "\n");
    }
    return Print(text, 0);
  }
  if (what == "formats") {
    for (const ReportFormat& format : ReportFormats()) {
      absl::StrAppend(&text, format.name, "\n      ", format.help, "\n");
    }
    return Print(text, 0);
  }
  if (what != "scenarios") {
    return Complain(absl::InvalidArgumentError(
        absl::StrCat("\"", what, "\" cannot be listed; choose scenarios, metrics or formats")));
  }
  const std::string root = LibraryDirectory();
  if (root.empty()) {
    return Complain(absl::NotFoundError(
        "no scenario library here; run it from the root of the source tree, or install the "
        "package"));
  }
  std::error_code error;
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root, error)) {
    const std::string path = entry.path().string();
    if (absl::EndsWith(path, ".textproto") && !absl::StrContains(path, "/fragments/") &&
        !absl::StrContains(path, "/catalogue/") && !absl::StrContains(path, "/prices/")) {
      files.push_back(path);
    }
  }
  std::sort(files.begin(), files.end());
  for (const std::string& file : files) absl::StrAppend(&text, file, "\n");
  return Print(text, 0);
}

}  // namespace freshet
