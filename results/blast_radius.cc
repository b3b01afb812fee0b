#include "results/blast_radius.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "results/number_format.h"
#include "results/run_summary.h"

namespace freshet {
namespace {

// A summary has no window for all of a run: these two make it up.
constexpr const char* kWindows[] = {"warm_up", "after_warm_up"};

struct Figure {
  const char* column;
  const char* metric;
  const char* statistic;
};
constexpr Figure kFigures[] = {
    {"unreadable", "schema.unreadable_records", "total"},
    {"stops", "schema.stops", "total"},
    {"quarantined, most", "schema.quarantined_records", "max"},
    {"dead letters, most", "schema.dead_letters", "max"},
    {"set aside, longest", "schema.set_aside_age", "max"},
    {"read wrong", "schema.corrupt_records", "total"},
    {"windows hit", "schema.blast_windows", "max"},
    {"files hit", "schema.blast_files", "max"},
};

std::optional<double> ValueOf(const RunSummary& run, const std::string& owner, const Figure& figure,
                              MetricRow::Measure* measure) {
  std::optional<double> all;
  for (const SummaryMetric& metric : run.metric()) {
    if (metric.owner() != owner || metric.name() != figure.metric) continue;
    *measure = metric.measure();
    for (const char* name : kWindows) {
      const SummaryWindow* window = FindWindow(metric, name);
      const SummaryValue* value =
          window == nullptr ? nullptr : FindValue(*window, figure.statistic);
      if (value == nullptr) continue;
      const double one = value->value();
      const bool sums = figure.statistic == absl::string_view("total");
      all = !all ? one : sums ? *all + one : std::max(*all, one);
    }
  }
  return all;
}

ComparisonCell CellOf(const RunSummary& run, const std::string& owner, const Figure& figure) {
  MetricRow::Measure measure = MetricRow::COUNT;
  const std::optional<double> value = ValueOf(run, owner, figure, &measure);
  if (!value) return {"-", ""};
  // People count these: never rounded.
  if (measure == MetricRow::COUNT) {
    const std::string count = absl::StrCat(static_cast<int64_t>(*value));
    return {count, count};
  }
  return {HumanValue(*value, measure), ShortestText(*value / MachineUnitOf(measure).divisor)};
}

// Those that met anything, in the order in which they are met.
std::vector<std::string> ReadersOf(absl::Span<const RunSummary> runs) {
  std::vector<std::string> readers;
  for (const RunSummary& run : runs) {
    for (const SummaryMetric& metric : run.metric()) {
      if (metric.name() != kFigures[0].metric) continue;
      MetricRow::Measure measure = MetricRow::COUNT;
      if (ValueOf(run, metric.owner(), kFigures[0], &measure).value_or(0) <= 0) continue;
      if (std::find(readers.begin(), readers.end(), metric.owner()) == readers.end()) {
        readers.push_back(metric.owner());
      }
    }
  }
  return readers;
}

std::string ComponentOf(const std::string& reader) { return reader.substr(0, reader.find('/')); }

}  // namespace

void AddBlastRadius(const RunSummary& summary, std::vector<ReportTable>* tables) {
  ReportTable table = {
      "What readers could not read, and how far it reached (whole run)", {"reader"}, {}, 1};
  for (const Figure& figure : kFigures) table.columns.push_back(figure.column);
  for (const std::string& reader : ReadersOf(absl::MakeConstSpan(&summary, 1))) {
    std::vector<std::string> row = {ComponentOf(reader)};
    for (const Figure& figure : kFigures) row.push_back(CellOf(summary, reader, figure).text);
    table.rows.push_back(std::move(row));
  }
  if (!table.rows.empty()) tables->push_back(std::move(table));
}

void AddBlastRadius(absl::Span<const RunSummary> runs, Comparison* comparison) {
  for (const std::string& reader : ReadersOf(runs)) {
    for (const Figure& figure : kFigures) {
      ComparisonRow row = {"blast radius",
                           ComponentOf(reader),
                           figure.column,
                           absl::StrCat(figure.metric, "_", figure.statistic),
                           {}};
      for (const RunSummary& run : runs) row.cells.push_back(CellOf(run, reader, figure));
      comparison->rows.push_back(std::move(row));
    }
  }
}

}  // namespace freshet
