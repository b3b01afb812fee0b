// Whether a run tells of its hanging transactions, and what.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "results/golden.h"
#include "results/report.h"
#include "tests/scenarios/library/library_run.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

RunSummary Hanging(const std::string& run_for) {
  v1::Scenario scenario = VariantOf("hanging_transaction", "timeout_10s");
  scenario.set_run_for(run_for);
  scenario.clear_objective();
  return OutcomeOf(scenario).summary;
}

// It begins in the second before 123 s, in all twelve partitions that 500 records a second have.
// Past its timeout at 133 s it hangs; the sweep of 140 s ends it.
TEST(HangingReportTest, ARunTellsWhoHangsAndWhoWaits) {
  for (const bool swept : {false, true}) {
    const RunSummary summary = Hanging(swept ? "145s" : "138s");
    ASSERT_GE(summary.hanging_transaction_size(), 1);
    EXPECT_LE(summary.hanging_transaction_size(), 8);
    for (const HangingTransaction& each : summary.hanging_transaction()) {
      EXPECT_GT(each.since_ns(), Seconds(122).nanos());
      EXPECT_LE(each.since_ns(), Seconds(123).nanos() + Milliseconds(100).nanos());
      EXPECT_EQ(each.transactional_id(), summary.hanging_transaction(0).transactional_id());
      EXPECT_FALSE(each.transactional_id().empty());
      EXPECT_EQ(each.topic(), "orders");
      EXPECT_THAT(each.waits(), ElementsAre("settled"));  // The other group reads uncommitted.
      EXPECT_EQ(each.ended(), swept);
      if (!swept) continue;
      EXPECT_GE(each.ended_ns(), Seconds(140).nanos());
      EXPECT_LT(each.ended_ns(), Seconds(141).nanos());
    }
    std::string text;
    ASSERT_TRUE(WriteReport("text", summary, {false}, &text).ok());
    EXPECT_THAT(text, HasSubstr("Hanging transactions\n"));
    EXPECT_THAT(GoldenText(summary), HasSubstr("\nhanging_transaction shop"));
  }
}

}  // namespace
}  // namespace freshet
