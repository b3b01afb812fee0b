#include "results/compare.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "results/blast_radius.h"
#include "results/compare_resolution.h"
#include "results/money.h"
#include "results/number_format.h"
#include "results/report_bill.h"
#include "results/run_summary.h"
#include "results/verdict.h"

namespace freshet {
namespace {

// What clients feel, of each component that has it: metric, statistic, and whether a run in which
// it is zero everywhere says nothing by it.
struct ClientFigure {
  const char* metric;
  const char* statistic;
  bool only_if_any;
};
constexpr ClientFigure kClientFigures[] = {
    {"producer.latency", "mean", false},
    {"producer.latency", "p50", false},
    {"producer.latency", "p99", false},
    {"producer.latency", "max", false},
    {"producer.records_failed", "total", true},
    {"consumer.end_to_end_latency", "mean", false},
    {"consumer.end_to_end_latency", "p99", false},
    {"consumer.catch_up_time", "mean", false},
    {"consumer.records_skipped_by_retention", "total", true},
    {"freshness.staleness", "max", false},
    {"log.lost_acked_records", "total", true},
    {"log.partition_unavailable", "max", true},
    {"log.rebuild_left", "max", true},
    {"network.cross_zone_bytes", "total", false},
};
constexpr const char* kWindow = "after_warm_up";

const SummaryMetric* FindMetric(const RunSummary& run, const std::string& owner,
                                const std::string& name) {
  for (const SummaryMetric& metric : run.metric()) {
    if (metric.owner() == owner && metric.name() == name) return &metric;
  }
  return nullptr;
}

// Owners of `metric` in any run, in the order in which they are met; without parts of components.
std::vector<std::string> OwnersOf(absl::Span<const RunSummary> runs, const std::string& metric) {
  std::vector<std::string> owners;
  for (const RunSummary& run : runs) {
    for (const SummaryMetric& candidate : run.metric()) {
      const std::string& owner = candidate.owner();
      if (candidate.name() != metric || owner.find('/') != std::string::npos) continue;
      if (std::find(owners.begin(), owners.end(), owner) == owners.end()) owners.push_back(owner);
    }
  }
  return owners;
}

ComparisonCell CellOf(const SummaryMetric* metric, const char* statistic) {
  const SummaryWindow* window = metric == nullptr ? nullptr : FindWindow(*metric, kWindow);
  const SummaryValue* value = window == nullptr ? nullptr : FindValue(*window, statistic);
  if (value == nullptr) return {"-", ""};
  if (value->exactness() == SummaryValue::NOT_CONVERGED) return {"n.c.", ""};
  const double divisor = MachineUnitOf(metric->measure()).divisor;
  return {HumanValue(value->value(), metric->measure()), ShortestText(value->value() / divisor)};
}

// "producer.latency p99, at most 5s": the component has a column of its own.
std::string AskedFor(const ObjectiveVerdict& verdict) {
  Objective objective = verdict.objective();
  objective.clear_of();
  return absl::StrCat(verdict.owner(), " ", Describe(objective));
}

// "met all 4", "MISSED 1 of 4"
std::string VerdictText(const RunSummary& run, int missed) {
  const int all = run.verdict().objective_size();
  if (all == 0) return "-";
  return missed == 0 ? absl::StrCat("met all ", all) : absl::StrCat("MISSED ", missed, " of ", all);
}

void AddObjectives(absl::Span<const RunSummary> runs, Comparison* comparison) {
  ComparisonRow verdicts = {"objectives", "", "verdict", "objectives_missed", {}};
  for (const RunSummary& run : runs) {
    int missed = 0;
    for (const ObjectiveVerdict& objective : run.verdict().objective()) {
      missed += objective.outcome() != ObjectiveVerdict::MET;
    }
    verdicts.cells.push_back({VerdictText(run, missed), absl::StrCat(missed)});
  }
  comparison->rows.push_back(std::move(verdicts));
  // An objective is one row, even if a design does not have it or has other bounds for it.
  std::vector<std::string> known;
  for (const RunSummary& run : runs) {
    for (const ObjectiveVerdict& objective : run.verdict().objective()) {
      const std::string asked = AskedFor(objective);
      if (std::find(known.begin(), known.end(), asked) == known.end()) known.push_back(asked);
    }
  }
  for (const std::string& asked : known) {
    const std::string name = asked.substr(asked.find(' ') + 1);
    ComparisonRow row = {"objectives", asked.substr(0, asked.find(' ')), name, name, {}};
    for (const RunSummary& run : runs) {
      ComparisonCell cell = {"-", ""};
      for (const ObjectiveVerdict& objective : run.verdict().objective()) {
        if (AskedFor(objective) != asked) continue;
        if (objective.outcome() == ObjectiveVerdict::NOT_CONVERGED) {
          cell = {"n.c.", ""};
          break;
        }
        const auto value = static_cast<double>(objective.value());
        const std::string text = HumanValue(value, objective.measure(), objective.per_second());
        cell = {absl::StrCat(objective.outcome() == ObjectiveVerdict::MET ? "" : "MISSED ", text),
                ShortestText(value / MachineUnitOf(objective.measure()).divisor)};
      }
      row.cells.push_back(cell);
    }
    comparison->rows.push_back(std::move(row));
  }
}

void AddClients(absl::Span<const RunSummary> runs, Comparison* comparison) {
  for (const ClientFigure& figure : kClientFigures) {
    for (const std::string& owner : OwnersOf(runs, figure.metric)) {
      ComparisonRow row = {
          "clients", owner, absl::StrCat(figure.metric, " ", figure.statistic), "", {}};
      bool any = false;
      for (const RunSummary& run : runs) {
        const SummaryMetric* metric = FindMetric(run, owner, figure.metric);
        row.cells.push_back(CellOf(metric, figure.statistic));
        any = any || (row.cells.back().number != "" && row.cells.back().number != "0");
        if (metric != nullptr) {
          row.machine_name = absl::StrCat(figure.metric, MachineUnitOf(metric->measure()).suffix,
                                          "_", figure.statistic);
        }
      }
      if (any || !figure.only_if_any) comparison->rows.push_back(std::move(row));
    }
  }
}

// Of each feed, where most of the mean record's time went.
void AddTime(absl::Span<const RunSummary> runs, Comparison* comparison) {
  std::vector<std::string> feeds;
  for (const RunSummary& run : runs) {
    for (const WaterfallTable& waterfall : run.waterfall()) {
      if (std::find(feeds.begin(), feeds.end(), waterfall.owner()) == feeds.end()) {
        feeds.push_back(waterfall.owner());
      }
    }
  }
  for (const std::string& feed : feeds) {
    ComparisonRow row = {"time", feed, "most of a record's time", "most_time_share", {}};
    for (const RunSummary& run : runs) {
      ComparisonCell cell = {"-", ""};
      for (const WaterfallTable& waterfall : run.waterfall()) {
        if (waterfall.owner() != feed || waterfall.records() == 0) continue;
        absl::btree_map<std::string, double> spent;
        for (const WaterfallRow& part : waterfall.row()) {
          const std::string at = part.resource().substr(0, part.resource().find('/'));
          spent[absl::StrCat(part.wait() ? part.why() : "service", ", ", at)] +=
              static_cast<double>(FromMessage(part.total()));
        }
        const auto most =
            std::max_element(spent.begin(), spent.end(),
                             [](const auto& a, const auto& b) { return a.second < b.second; });
        const auto all = static_cast<double>(FromMessage(waterfall.end_to_end()));
        if (most == spent.end() || all <= 0) continue;
        const double share = most->second / all;
        cell = {absl::StrCat(most->first, " ", SignificantText(100 * share, 3), " %"),
                ShortestText(share)};
      }
      row.cells.push_back(cell);
    }
    comparison->rows.push_back(std::move(row));
  }
}

void AddBill(absl::Span<const RunSummary> runs, Comparison* comparison) {
  const bool any =
      std::any_of(runs.begin(), runs.end(), [](const RunSummary& run) { return run.has_bill(); });
  if (!any) return;
  std::vector<std::string> categories;
  for (const RunSummary& run : runs) {
    for (const BillLine& line : run.bill().line()) {
      if (std::find(categories.begin(), categories.end(), line.category()) == categories.end()) {
        categories.push_back(line.category());
      }
    }
  }
  const auto add = [&](const std::string& name,
                       const std::function<int64_t(const Bill&)>& nanodollars) {
    ComparisonRow row = {"bill",
                         "",
                         absl::StrCat(name, ", dollars a month"),
                         absl::StrCat(name, "_dollars_a_month"),
                         {}};
    for (const RunSummary& run : runs) {
      if (!run.has_bill()) {
        row.cells.push_back({"-", ""});
        continue;
      }
      const int64_t amount = nanodollars(run.bill());
      row.cells.push_back({DollarText(amount, 2), BillionthsText(amount)});
    }
    comparison->rows.push_back(std::move(row));
  };
  for (const std::string& category : categories) {
    add(category, [&category](const Bill& bill) {
      int64_t sum = 0;
      for (const BillLine& line : bill.line()) {
        if (line.category() == category) sum += line.month_amount_nanodollars();
      }
      return sum;
    });
  }
  add("total", [](const Bill& bill) { return bill.month_amount_nanodollars(); });
}

void AddRun(absl::Span<const RunSummary> runs, Comparison* comparison) {
  ComparisonRow events = {"run", "", "events", "events", {}};
  ComparisonRow digest = {"run", "", "result digest", "result_digest", {}};
  for (const RunSummary& run : runs) {
    const std::string count = absl::StrCat(run.events_fired());
    events.cells.push_back({count, count});
    const std::string text = absl::StrFormat("%016x", run.result_digest());
    digest.cells.push_back({text, text});
  }
  comparison->rows.push_back(std::move(events));
  comparison->rows.push_back(std::move(digest));
}

}  // namespace

Comparison Compare(absl::Span<const RunSummary> runs) {
  Comparison comparison;
  const bool one_scenario = std::all_of(runs.begin(), runs.end(), [&runs](const RunSummary& run) {
    return run.scenario() == runs[0].scenario();
  });
  if (one_scenario) comparison.scenario = runs[0].scenario();
  for (const RunSummary& run : runs) {
    const std::string variant = run.variant().empty() ? run.scenario() : run.variant();
    comparison.runs.push_back(one_scenario || run.variant().empty()
                                  ? variant
                                  : absl::StrCat(run.scenario(), ".", variant));
  }
  AddObjectives(runs, &comparison);
  AddClients(runs, &comparison);
  AddBlastRadius(runs, &comparison);
  AddResolutionErrors(runs, &comparison);
  AddTime(runs, &comparison);
  AddBill(runs, &comparison);
  AddRun(runs, &comparison);
  comparison.notes.push_back(
      "after warm-up, but for objectives that say otherwise and for shares of time, which are of "
      "the "
      "whole run; n.c. = not converged, a dash = the run has none");
  std::string seeds;
  for (const RunSummary& run : runs) {
    const std::string seed = absl::StrCat(run.seed());
    if (seeds.find(seed) == std::string::npos)
      absl::StrAppend(&seeds, seeds.empty() ? "" : ", ", seed);
  }
  comparison.notes.push_back(
      absl::StrCat("one run a column, seed ", seeds,
                   ": percentiles are approximate, all other numbers are exact for that seed"));
  for (const RunSummary& run : runs) {
    if (!run.has_bill()) continue;
    comparison.notes.push_back(BillNote(run.bill()));
    break;
  }
  return comparison;
}

}  // namespace freshet
