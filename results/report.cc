#include "results/report.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "results/metric_window.h"
#include "results/number_format.h"
#include "results/report_bill.h"
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

bool IsPart(const std::string& owner) { return owner.find('/') != std::string::npos; }

void AddFaultTable(const RunSummary& summary, std::vector<ReportTable>* tables) {
  ReportTable table = {"Faults", {"fault", "target", "at", "lasts", "touched"}, {}, 2};
  for (const FaultEffect& fault : summary.fault()) {
    table.rows.push_back(
        {fault.name().empty() ? fault.verb() : absl::StrCat(fault.name(), " (", fault.verb(), ")"),
         fault.target(), HumanMoment(fault.at_ns()),
         fault.lasts_ns() == 0 ? "to the end" : HumanMoment(fault.lasts_ns()),
         fault.touched() == 0
             ? "nothing: vacuous"
             : HumanValue(static_cast<double>(fault.touched()), MetricRow::COUNT)});
  }
  if (!table.rows.empty()) tables->push_back(std::move(table));
}

void AddOperationTable(const RunSummary& summary, std::vector<ReportTable>* tables) {
  ReportTable table = {"Operations", {"operation", "at", "took", "partitions moved"}, {}, 1};
  for (const OperationOutcome& operation : summary.operation()) {
    const std::string moves = absl::StrCat(operation.moves_done(), " of ", operation.moves());
    table.rows.push_back({operation.name().empty()
                              ? operation.kind()
                              : absl::StrCat(operation.name(), " (", operation.kind(), ")"),
                          HumanMoment(operation.at_ns()),
                          operation.ended() ? HumanMoment(operation.ended_ns() - operation.at_ns())
                          : operation.begun() ? "not finished"
                                              : "not begun",
                          operation.moves() == 0 ? "-" : moves});
  }
  if (!table.rows.empty()) tables->push_back(std::move(table));
}

void AddHangingTable(const RunSummary& summary, std::vector<ReportTable>* tables) {
  ReportTable table = {"Hanging transactions",
                       {"transactional id", "producer", "partition", "since", "for", "who waits"},
                       {},
                       3};
  for (const HangingTransaction& each : summary.hanging_transaction()) {
    const int64_t until =
        each.ended() ? each.ended_ns() : static_cast<int64_t>(summary.simulated_ns());
    table.rows.push_back(
        {each.transactional_id().empty() ? "unknown to its coordinator" : each.transactional_id(),
         absl::StrCat(each.producer()), absl::StrCat(each.topic(), "-", each.partition()),
         HumanMoment(each.since_ns()),
         absl::StrCat(HumanMoment(until - each.since_ns()), each.ended() ? "" : ", still open"),
         each.waits().empty() ? "nobody" : absl::StrJoin(each.waits(), ", ")});
  }
  if (!table.rows.empty()) tables->push_back(std::move(table));
}

// One feed's mean record, by the milestones of its way; the parts of a component are one row.
void AddWaterfallTable(const WaterfallTable& waterfall, std::vector<ReportTable>* tables) {
  if (waterfall.records() == 0) return;
  ReportTable table = {absl::StrCat("Where a record's time goes on its way to ", waterfall.owner(),
                                    " (mean, whole run)"),
                       {"until", "spent", "at", "mean", "share", "longest"},
                       {},
                       3};
  const auto records = static_cast<double>(waterfall.records());
  const auto all = static_cast<double>(FromMessage(waterfall.end_to_end()));
  struct Line {
    std::string until, spent, at;
    double total = 0;
    int64_t longest = 0;
  };
  std::vector<Line> lines;
  for (const WaterfallRow& row : waterfall.row()) {
    const std::string spent = row.wait() ? absl::StrCat("waiting: ", row.why()) : "service";
    const std::string at = row.resource().substr(0, row.resource().find('/'));
    Line* line = nullptr;
    for (Line& known : lines) {
      if (known.until == row.until() && known.spent == spent && known.at == at) line = &known;
    }
    if (line == nullptr) {
      lines.push_back({row.until(), spent, at});
      line = &lines.back();
    }
    line->total += static_cast<double>(FromMessage(row.total()));
    line->longest = std::max<int64_t>(line->longest, row.max_ns());
  }
  for (const Line& line : lines) {
    if (line.longest == 0) continue;
    table.rows.push_back(
        {line.until, line.spent, line.at, HumanValue(line.total / records, MetricRow::NANOSECONDS),
         absl::StrCat(SignificantText(all > 0 ? 100 * line.total / all : 0, 3), " %"),
         HumanValue(static_cast<double>(line.longest), MetricRow::NANOSECONDS)});
  }
  table.rows.push_back(
      {"", "sum", "", HumanValue(all / records, MetricRow::NANOSECONDS), "100 %", ""});
  tables->push_back(std::move(table));
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

std::vector<ReportTable> ReportTables(const RunSummary& summary, const ReportOptions& options) {
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
  AddFaultTable(summary, &tables);
  AddOperationTable(summary, &tables);
  AddHangingTable(summary, &tables);
  for (const WaterfallTable& waterfall : summary.waterfall()) {
    AddWaterfallTable(waterfall, &tables);
  }
  if (summary.has_bill()) {
    for (ReportTable& table : BillTables(summary.bill())) tables.push_back(std::move(table));
  }
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
        if (!options.parts && IsPart(metric.owner())) continue;
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
  if (summary.has_bill()) notes.push_back(BillNote(summary.bill()));
  notes.push_back(FormatDigests(DigestsOf(summary)));
  return notes;
}

}  // namespace freshet
