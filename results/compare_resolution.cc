#include "results/compare_resolution.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "results/number_format.h"
#include "results/run_summary.h"

namespace freshet {
namespace {

constexpr const char* kMetrics[] = {"producer.latency", "consumer.end_to_end_latency"};
constexpr const char* kStatistics[] = {"p50", "p99", "max"};

// The run that differs from `run` by its full resolution alone; null if there is none.
const RunSummary* ReferenceOf(const RunSummary& run, absl::Span<const RunSummary> runs) {
  if (run.resolution_note().empty()) return nullptr;
  const auto found = std::find_if(runs.begin(), runs.end(), [&run](const RunSummary& other) {
    return other.resolution_note().empty() &&
           other.address_but_resolution() == run.address_but_resolution();
  });
  return found == runs.end() ? nullptr : &*found;
}

const SummaryValue* ValueOf(const RunSummary& run, const SummaryMetric& wanted,
                            const char* statistic) {
  for (const SummaryMetric& metric : run.metric()) {
    if (metric.owner() != wanted.owner() || metric.name() != wanted.name()) continue;
    const SummaryWindow* window = FindWindow(metric, "after_warm_up");
    return window == nullptr ? nullptr : FindValue(*window, statistic);
  }
  return nullptr;
}

ComparisonCell ErrorOf(const RunSummary& run, const RunSummary* reference,
                       const SummaryMetric& metric, const char* statistic) {
  const SummaryValue* value = reference == nullptr ? nullptr : ValueOf(run, metric, statistic);
  const SummaryValue* exact =
      reference == nullptr ? nullptr : ValueOf(*reference, metric, statistic);
  if (value == nullptr || exact == nullptr) return {"-", ""};
  if (value->exactness() == SummaryValue::NOT_CONVERGED ||
      exact->exactness() == SummaryValue::NOT_CONVERGED) {
    return {"n.c.", ""};
  }
  const double error = value->value() - exact->value();
  return {
      absl::StrCat(error < 0 ? "-" : "+", HumanValue(error < 0 ? -error : error, metric.measure())),
      ShortestText(error / MachineUnitOf(metric.measure()).divisor)};
}

}  // namespace

void AddResolutionErrors(absl::Span<const RunSummary> runs, Comparison* comparison) {
  std::vector<const RunSummary*> references;
  for (const RunSummary& run : runs) references.push_back(ReferenceOf(run, runs));
  const auto known = std::find_if(references.begin(), references.end(),
                                  [](const RunSummary* each) { return each != nullptr; });
  if (known != references.end()) {
    for (const char* name : kMetrics) {
      for (const SummaryMetric& metric : (*known)->metric()) {
        if (metric.name() != name) continue;
        for (const char* statistic : kStatistics) {
          ComparisonRow row = {
              "resolution",
              metric.owner(),
              absl::StrCat(name, " ", statistic, ", error"),
              absl::StrCat(name, MachineUnitOf(metric.measure()).suffix, "_", statistic, "_error"),
              {}};
          for (size_t i = 0; i < runs.size(); ++i) {
            row.cells.push_back(ErrorOf(runs[i], references[i], metric, statistic));
          }
          comparison->rows.push_back(std::move(row));
        }
      }
    }
  }
  for (size_t i = 0; i < runs.size(); ++i) {
    if (runs[i].resolution_note().empty()) continue;
    comparison->notes.push_back(
        absl::StrCat(comparison->runs[i], ", resolution: ", runs[i].resolution_note()));
  }
}

}  // namespace freshet
