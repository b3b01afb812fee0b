// What commits of table_topic.textproto cost, reckoned by hand.
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "results/bill.h"
#include "results/run_summary.h"
#include "tests/scenarios/library/library_run.h"

namespace freshet {
namespace {

// Three brokers write a file for each of eight open partitions with a commit, and its manifest,
// list and metadata file; the rest are reads. The first commit comes after ten seconds, the others
// an interval, a look and their own seconds after the one before.
TEST(TableBillTest, EachCommitIsPaidByItsFiles) {
  for (const auto& [variant, snapshots] :
       {std::pair<std::string, int64_t>("every_minute", 11), {"every_five_minutes", 3}}) {
    SCOPED_TRACE(variant);
    const RunOutcome run = OutcomeOf(Briefly(VariantOf("table_topic", variant), "11min", "0s"));
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
