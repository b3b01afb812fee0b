#include <vector>

#include "absl/strings/str_cat.h"
#include "results/csv.h"
#include "results/number_format.h"
#include "results/report.h"
#include "results/run_summary.h"

namespace freshet {
namespace {

struct Column {
  const SummaryMetric* metric;
  std::string statistic;  // "count" stands for the samples of a distribution.
  double divisor;
};

std::vector<std::string> StatisticsOf(const SummaryMetric& metric) {
  switch (metric.kind()) {
    case MetricRow::COUNTER:
      return {"total", "rate"};
    case MetricRow::GAUGE:
      return {"mean", "max"};
    default:
      break;
  }
  std::vector<std::string> names = {"count", "mean", "min"};
  for (const NamedPercentile& percentile : SummaryPercentiles()) names.push_back(percentile.name);
  names.push_back("max");
  return names;
}

std::string ColumnName(const SummaryMetric& metric, const std::string& statistic) {
  const std::string stem = absl::StrCat(metric.owner(), ".", metric.name());
  if (statistic == "count") return absl::StrCat(stem, "_count");
  const char* unit = MachineUnitOf(metric.measure()).suffix;
  if (statistic == "rate") return absl::StrCat(stem, unit, "_per_s");
  return absl::StrCat(stem, unit, "_", statistic);
}

std::string CellOf(const Column& column, const std::string& window_name) {
  const SummaryWindow* window = FindWindow(*column.metric, window_name);
  if (window == nullptr) return "";
  if (column.statistic == "count") return absl::StrCat(window->count());
  const SummaryValue* value = FindValue(*window, column.statistic);
  if (value == nullptr || value->exactness() == SummaryValue::NOT_CONVERGED) return "";
  return ShortestText(value->value() / column.divisor);
}

}  // namespace

void WriteCsvReport(const RunSummary& summary, const ReportOptions&, std::string* out) {
  std::vector<Column> columns;
  std::vector<std::string> cells = {"scenario", "variant", "seed", "window", "window_s"};
  for (const SummaryMetric& metric : summary.metric()) {
    for (const std::string& statistic : StatisticsOf(metric)) {
      columns.push_back({&metric, statistic, MachineUnitOf(metric.measure()).divisor});
      cells.push_back(ColumnName(metric, statistic));
    }
  }
  AppendCsvLine(cells, out);
  if (summary.metric_size() == 0) return;
  for (const SummaryWindow& window : summary.metric(0).window()) {
    cells = {summary.scenario(), summary.variant(), absl::StrCat(summary.seed()), window.window(),
             ShortestText(static_cast<double>(window.nanos()) / 1e9)};
    for (const Column& column : columns) cells.push_back(CellOf(column, window.window()));
    AppendCsvLine(cells, out);
  }
}

}  // namespace freshet
