// What commits of table_topic.textproto cost, reckoned by hand.
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "results/bill.h"
#include "results/run_summary.h"
#include "scenarios/language/load.h"
#include "scenarios/language/run.h"

namespace freshet {
namespace {

// Eleven minutes of the variant.
RunOutcome OutcomeOf(const std::string& variant) {
  const absl::StatusOr<LoadResult> loaded =
      Load(absl::StrCat(FRESHET_LIBRARY, "/table_topic.textproto"));
  EXPECT_TRUE(loaded.ok()) << loaded.status();
  RunOptions options;
  options.root = FRESHET_LIBRARY;
  for (const auto& each : loaded->variants) {
    if (each.name != variant) continue;
    v1::Scenario scenario = each.scenario;
    scenario.set_run_for("11min");
    scenario.set_warm_up("0s");
    scenario.clear_fault();
    scenario.clear_objective();
    absl::StatusOr<RunOutcome> outcome = RunScenario(scenario, options);
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    return *std::move(outcome);
  }
  ADD_FAILURE() << "no variant " << variant;
  return {};
}

int64_t TotalOf(const RunOutcome& run, const std::string& owner, const std::string& metric) {
  for (const MetricRow& row : run.results.metrics.metric()) {
    if (row.owner() != owner || row.name() != metric) continue;
    return MetricWindow(row, Window::kAfterWarmUp).total();
  }
  ADD_FAILURE() << "no " << metric << " of " << owner;
  return 0;
}

// Three brokers write a file for each of eight open partitions with a commit, and its manifest,
// list and metadata file; the rest are reads. The first commit comes after ten seconds, the others
// an interval, a look and their own seconds after the one before.
TEST(TableBillTest, EachCommitIsPaidByItsFiles) {
  for (const auto& [variant, snapshots] :
       {std::pair<std::string, int64_t>("every_minute", 11), {"every_five_minutes", 3}}) {
    SCOPED_TRACE(variant);
    const RunOutcome run = OutcomeOf(variant);
    EXPECT_EQ(TotalOf(run, "lake", "table.snapshots"), snapshots);
    EXPECT_EQ(TotalOf(run, "lake/warehouse", "object_store.put_requests"), snapshots * (24 + 3));
    EXPECT_EQ(TotalOf(run, "lake/warehouse", "object_store.get_requests"),
              TotalOf(run, "lake", "table.metadata_requests") - 3 * snapshots);
    int64_t billed = 0;
    for (const BillLine& line : run.summary.bill().line()) {
      if (line.component() == "lake/warehouse") ++billed;
    }
    EXPECT_EQ(billed, 3);  // Capacity, and both classes of requests.
  }
}

}  // namespace
}  // namespace freshet
