#include "results/report.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "results/number_format.h"
#include "results/run_summary.h"

namespace freshet {
namespace {

constexpr ReportFormat kFormats[] = {
    {"text", "for a terminal: the verdict, then tables", WriteTextReport},
    {"md", "Markdown, for a page, a ticket or a job summary", WriteMarkdownReport},
    {"csv", "RFC 4180, one line per window, units in the column names", WriteCsvReport},
    {"json", "one document, every number with its label", WriteJsonReport},
};

std::string Cell(const SummaryMetric& metric, const SummaryWindow& window, const char* statistic,
                 bool per_second = false) {
  const SummaryValue* value = FindValue(window, statistic);
  if (value == nullptr) return "-";
  if (value->exactness() == SummaryValue::NOT_CONVERGED) return "n.c.";
  return HumanValue(value->value(), metric.measure(), per_second);
}

void AddRow(const SummaryMetric& metric, const SummaryWindow& window, ReportTable* table) {
  std::vector<std::string> row = {metric.owner(), metric.name()};
  switch (metric.kind()) {
    case MetricRow::COUNTER:
      row.push_back(Cell(metric, window, "total"));
      row.push_back(Cell(metric, window, "rate", true));
      break;
    case MetricRow::GAUGE:
      row.push_back(Cell(metric, window, "mean"));
      row.push_back(Cell(metric, window, "max"));
      break;
    default:
      row.push_back(HumanValue(static_cast<double>(window.count()), MetricRow::COUNT));
      for (const char* statistic : {"mean", "p50", "p90", "p99", "p99_9", "max"}) {
        row.push_back(Cell(metric, window, statistic));
      }
      break;
  }
  table->rows.push_back(std::move(row));
}

}  // namespace

absl::Span<const ReportFormat> ReportFormats() { return kFormats; }

absl::Status WriteReport(absl::string_view format, const RunSummary& summary,
                         const ReportOptions& options, std::string* out) {
  std::string known;
  for (const ReportFormat& candidate : kFormats) {
    if (format == candidate.name) {
      candidate.write(summary, options, out);
      return absl::OkStatus();
    }
    absl::StrAppend(&known, known.empty() ? "" : ", ", candidate.name);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("\"", format, "\" is not a report format; known: ", known));
}

std::vector<ReportTable> ReportTables(const RunSummary& summary) {
  // Windows in the order in which the summary lists them.
  std::vector<std::string> windows;
  for (const SummaryMetric& metric : summary.metric()) {
    for (const SummaryWindow& window : metric.window()) {
      if (std::find(windows.begin(), windows.end(), window.window()) == windows.end()) {
        windows.push_back(window.window());
      }
    }
  }
  struct KindOfTable {
    MetricRow::Kind kind;
    const char* title;
    std::vector<std::string> columns;
  };
  const KindOfTable kinds[] = {
      {MetricRow::DISTRIBUTION,
       "Distributions",
       {"component", "metric", "samples", "mean", "p50", "p90", "p99", "p99.9", "max"}},
      {MetricRow::COUNTER, "Counters", {"component", "metric", "total", "rate"}},
      {MetricRow::GAUGE, "Levels", {"component", "metric", "average", "max"}},
  };
  std::vector<ReportTable> tables;
  for (const std::string& name : windows) {
    for (const KindOfTable& kind : kinds) {
      ReportTable table = {absl::StrCat(kind.title, ", ", absl::StrReplaceAll(name, {{"_", " "}})),
                           kind.columns,
                           {},
                           2};
      for (const SummaryMetric& metric : summary.metric()) {
        const SummaryWindow* window = FindWindow(metric, name);
        if (metric.kind() != kind.kind || window == nullptr) continue;
        // A metric that never spoke in this window says nothing by a row of dashes.
        if (window->value_size() == 0) continue;
        AddRow(metric, *window, &table);
      }
      if (!table.rows.empty()) tables.push_back(std::move(table));
    }
  }
  return tables;
}

std::string ReportTitle(const RunSummary& summary) {
  std::string title = summary.scenario();
  if (!summary.variant().empty()) absl::StrAppend(&title, ", ", summary.variant());
  return absl::StrCat(title, ", seed ", summary.seed());
}

std::string ReportHeadline(const RunSummary& summary) {
  const int all = summary.verdict().objective_size();
  int met = 0;
  for (const ObjectiveVerdict& objective : summary.verdict().objective()) {
    if (objective.outcome() == ObjectiveVerdict::MET) ++met;
  }
  if (all == 0) return "no objectives";
  if (met == all)
    return absl::StrCat("met: ",
                        all == 1 ? "the objective" : absl::StrCat("all ", all, " objectives"));
  return absl::StrCat("MISSED: ", all - met, " of ", all, all == 1 ? " objective" : " objectives");
}

std::vector<const ObjectiveVerdict*> WorstFirst(const Verdict& verdict) {
  std::vector<const ObjectiveVerdict*> ordered;
  for (const ObjectiveVerdict& objective : verdict.objective()) ordered.push_back(&objective);
  const auto rank = [](const ObjectiveVerdict* verdict_of_one) {
    switch (verdict_of_one->outcome()) {
      case ObjectiveVerdict::MISSED:
        return 0;
      case ObjectiveVerdict::MET:
        return 2;
      default:
        return 1;
    }
  };
  std::stable_sort(ordered.begin(), ordered.end(),
                   [&](const ObjectiveVerdict* a, const ObjectiveVerdict* b) {
                     if (rank(a) != rank(b)) return rank(a) < rank(b);
                     return a->margin_percent() < b->margin_percent();
                   });
  return ordered;
}

std::vector<std::string> ReportNotes(const RunSummary& summary) {
  std::vector<std::string> notes;
  notes.push_back(absl::StrCat(
      "simulated ", HumanMoment(summary.simulated_ns()), ", ", summary.events_fired(), " events",
      summary.kafka_version().empty() ? "" : ", Kafka ", summary.kafka_version()));
  notes.push_back(absl::StrCat(
      "one seed: percentiles are approximate, bound ",
      SignificantText(summary.histogram_relative_error() * 100, 2),
      " %; all other numbers are exact for this seed; n.c. = not converged, fewer than 100 samples "
      "on one side of the percentile"));
  if (!summary.resolution_note().empty()) {
    notes.push_back(absl::StrCat("resolution: ", summary.resolution_note()));
  }
  notes.push_back(FormatDigests(DigestsOf(summary)));
  return notes;
}

}  // namespace freshet
