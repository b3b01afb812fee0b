// A comparison in the formats people and programs read.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "results/compare.h"
#include "results/csv.h"
#include "results/json_writer.h"

namespace freshet {
namespace {

std::string Title(const Comparison& comparison) {
  return absl::StrCat(comparison.scenario.empty() ? "Runs" : comparison.scenario, ", ",
                      comparison.runs.size(),
                      comparison.runs.size() == 1 ? " run" : " runs side by side");
}

ReportTable TableOf(const Comparison& comparison) {
  ReportTable table = {Title(comparison), {"of", "figure"}, {}, 2};
  table.columns.insert(table.columns.end(), comparison.runs.begin(), comparison.runs.end());
  std::string section;
  for (const ComparisonRow& row : comparison.rows) {
    if (!section.empty() && section != row.section) {
      table.rows.emplace_back(table.columns.size());  // A line between two sections.
    }
    section = row.section;
    std::vector<std::string> cells = {row.owner, row.name};
    for (const ComparisonCell& cell : row.cells) cells.push_back(cell.text);
    table.rows.push_back(std::move(cells));
  }
  return table;
}

void WriteText(const Comparison& comparison, const ReportOptions& options, std::string* out) {
  const ReportTable table = TableOf(comparison);
  absl::StrAppend(
      out, options.colour ? absl::StrCat("\x1b[1m", table.title, "\x1b[0m") : table.title, "\n\n");
  LayOutTable(table, out);
  absl::StrAppend(out, "\n");
  for (const std::string& note : comparison.notes) absl::StrAppend(out, note, "\n");
}

void WriteMarkdown(const Comparison& comparison, const ReportOptions&, std::string* out) {
  const ReportTable table = TableOf(comparison);
  absl::StrAppend(out, "# ", MarkdownText(table.title), "\n\n");
  WriteMarkdownTable(table, out);
  absl::StrAppend(out, "\n");
  for (const std::string& note : comparison.notes) {
    absl::StrAppend(out, "- ", MarkdownText(note), "\n");
  }
}

void WriteCsv(const Comparison& comparison, const ReportOptions&, std::string* out) {
  std::vector<std::string> cells = {"section", "of", "figure"};
  cells.insert(cells.end(), comparison.runs.begin(), comparison.runs.end());
  AppendCsvLine(cells, out);
  for (const ComparisonRow& row : comparison.rows) {
    cells = {row.section, row.owner, row.machine_name};
    for (const ComparisonCell& cell : row.cells) cells.push_back(cell.number);
    AppendCsvLine(cells, out);
  }
}

void WriteJson(const Comparison& comparison, const ReportOptions&, std::string* out) {
  JsonWriter json(out);
  json.BeginObject();
  json.Field("scenario", comparison.scenario);
  json.Key("runs");
  json.BeginArray();
  for (const std::string& run : comparison.runs) json.Text(run);
  json.EndArray();
  json.Key("rows");
  json.BeginArray();
  for (const ComparisonRow& row : comparison.rows) {
    json.BeginObject();
    json.Field("section", row.section);
    json.Field("of", row.owner);
    json.Field("figure", row.machine_name);
    json.Key("cells");
    json.BeginArray();
    for (const ComparisonCell& cell : row.cells) {
      json.BeginObject();
      json.Field("text", cell.text);
      json.Field("number", cell.number);  // As text: digests and exact dollars are no doubles.
      json.EndObject();
    }
    json.EndArray();
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
  absl::StrAppend(out, "\n");
}

struct Format {
  const char* name;
  void (*write)(const Comparison& comparison, const ReportOptions& options, std::string* out);
};
constexpr Format kFormats[] = {
    {"text", WriteText}, {"md", WriteMarkdown}, {"csv", WriteCsv}, {"json", WriteJson}};

}  // namespace

absl::Status WriteComparison(absl::string_view format, const Comparison& comparison,
                             const ReportOptions& options, std::string* out) {
  std::string known;
  for (const Format& candidate : kFormats) {
    if (format == candidate.name) {
      candidate.write(comparison, options, out);
      return absl::OkStatus();
    }
    absl::StrAppend(&known, known.empty() ? "" : ", ", candidate.name);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("a comparison has no format \"", format, "\"; choose one of ", known));
}

}  // namespace freshet
