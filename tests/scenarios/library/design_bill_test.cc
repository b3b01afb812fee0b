// Each design of design_swap.textproto is billed for what it runs on.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "results/bill.h"
#include "scenarios/language/load.h"
#include "scenarios/language/run.h"

namespace freshet {
namespace {

// Half a minute of the variant, without its fault.
Bill BillOf(const std::string& variant) {
  const absl::StatusOr<LoadResult> loaded =
      Load(absl::StrCat(FRESHET_LIBRARY, "/design_swap.textproto"));
  EXPECT_TRUE(loaded.ok()) << loaded.status();
  RunOptions options;
  options.root = FRESHET_LIBRARY;
  for (const auto& each : loaded->variants) {
    if (each.name != variant) continue;
    v1::Scenario scenario = each.scenario;
    scenario.set_run_for("35s");
    scenario.set_warm_up("5s");
    scenario.clear_fault();
    scenario.clear_objective();
    const absl::StatusOr<RunOutcome> outcome = RunScenario(scenario, options);
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    return outcome->summary.bill();
  }
  ADD_FAILURE() << "no variant " << variant;
  return Bill();
}

std::set<std::string> ItemsOf(const Bill& bill) {
  std::set<std::string> items;
  for (const BillLine& line : bill.line()) items.insert(line.item());
  return items;
}

TEST(DesignBillTest, KafkaPaysForDisksAndReplicas) {
  const std::set<std::string> items = ItemsOf(BillOf("kafka"));
  EXPECT_EQ(items, std::set<std::string>({"r6i.2xlarge", "gp3 capacity", "produce", "replicate",
                                          "fetch", "control"}));
}

TEST(DesignBillTest, TieredBrokersPayForBoth) {
  const std::set<std::string> items = ItemsOf(BillOf("tiered"));
  EXPECT_EQ(items,
            std::set<std::string>({"r6i.2xlarge", "gp3 capacity", "produce", "replicate", "fetch",
                                   "control", "object_store.stored_bytes",
                                   "object_store.put_requests", "object_store.get_requests"}));
}

TEST(DesignBillTest, SharedStoragePaysForObjectsAndRequests) {
  const std::set<std::string> items = ItemsOf(BillOf("s3stream"));
  EXPECT_EQ(items, std::set<std::string>({"r6i.2xlarge", "produce", "fetch", "control",
                                          "object_store.stored_bytes", "object_store.put_requests",
                                          "object_store.get_requests"}));
}

// No byte of produce or fetch crosses a zone, and no disk is there.
TEST(DesignBillTest, LeaderlessBrokersPayForObjectsAndRequestsAlone) {
  const std::set<std::string> items = ItemsOf(BillOf("leaderless"));
  EXPECT_EQ(items,
            std::set<std::string>({"r6i.2xlarge", "control", "object_store.stored_bytes",
                                   "object_store.put_requests", "object_store.get_requests"}));
}

}  // namespace
}  // namespace freshet
