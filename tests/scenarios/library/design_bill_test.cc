// Each design of design_swap.textproto is billed for what it runs on.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "results/bill.h"
#include "tests/scenarios/library/library_run.h"

namespace freshet {
namespace {

// Half a minute of the variant, without its fault.
Bill BillOf(const std::string& variant) {
  return OutcomeOf(Briefly(VariantOf("design_swap", variant), "35s", "5s")).summary.bill();
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
