#include "results/golden.h"

#include "gmock/gmock.h"
#include "tests/results/sample_run.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

RunSummary Sample(int64_t records_per_tick = 1) {
  SampleRun run(nullptr, records_per_tick);
  run.Run();
  return run.Summary();
}

TEST(GoldenTest, IsNamedAfterScenarioAndVariant) {
  RunSummary summary = Sample();
  EXPECT_EQ(GoldenFileName(summary), "sample.calm.txt");
  summary.clear_variant();
  EXPECT_EQ(GoldenFileName(summary), "sample.txt");
}

TEST(GoldenTest, HoldsTheResultDigestAndTheHeadlinesOnly) {
  RunSummary summary = Sample();
  const std::string text = GoldenText(summary);
  EXPECT_THAT(text, HasSubstr("metric shop producer.latency_ms_max 1000\n"));
  EXPECT_THAT(text, HasSubstr("metric shop producer.latency_ms_p99 not converged\n"));
  EXPECT_THAT(text, HasSubstr("metric shop producer.records_acked_total 5400\n"));
  summary.set_order_digest(1);
  summary.set_full_digest(2);
  EXPECT_EQ(GoldenText(summary), text);
  summary.set_result_digest(3);
  EXPECT_THAT(GoldenText(summary), HasSubstr("result_digest 0000000000000003\n"));
}

TEST(GoldenTest, HasALineForEachHangingTransaction) {
  RunSummary summary = Sample();
  HangingTransaction* aborted = summary.add_hanging_transaction();
  aborted->set_transactional_id("shop-1");
  aborted->set_producer(7);
  aborted->set_topic("orders");
  aborted->set_partition(3);
  aborted->set_since_ns(122'500'000'000);
  aborted->set_ended(true);
  aborted->set_ended_ns(190'000'000'000);
  aborted->add_waits("billing");
  aborted->add_waits("audit");
  HangingTransaction* open = summary.add_hanging_transaction();
  open->set_producer(8);
  open->set_topic("orders");
  open->set_since_ns(1'500'000);
  const std::string text = GoldenText(summary);
  EXPECT_THAT(text, HasSubstr("\nhanging_transaction shop-1 of 7 in orders-3 since_ms 122500 "
                              "ended_ms 190000 waits billing,audit\n"));
  EXPECT_THAT(text, HasSubstr("\nhanging_transaction unknown of 8 in orders-0 since_ms 1.5 open "
                              "waits nobody\n"));
  // A run whose block is gone differs from its golden.
  EXPECT_THAT(DiffGolden(text, GoldenText(Sample())), HasSubstr("- hanging_transaction shop-1"));
}

TEST(GoldenTest, UpdateThenCompareIsEqual) {
  TemporaryDirectory directory;
  EXPECT_EQ(CompareWithGolden(directory.path(), Sample()).code(), absl::StatusCode::kNotFound);
  absl::StatusOr<std::string> accepted = UpdateGolden(directory.path(), Sample());
  ASSERT_TRUE(accepted.ok()) << accepted.status();
  EXPECT_THAT(*accepted, HasSubstr("+ exit_code 0\n"));
  EXPECT_TRUE(CompareWithGolden(directory.path(), Sample()).ok());
  EXPECT_EQ(*UpdateGolden(directory.path(), Sample()), "");
}

TEST(GoldenTest, ADifferenceIsShownLineByLine) {
  TemporaryDirectory directory;
  ASSERT_TRUE(UpdateGolden(directory.path(), Sample(1)).ok());
  const absl::Status differs = CompareWithGolden(directory.path(), Sample(2));
  EXPECT_EQ(differs.code(), absl::StatusCode::kFailedPrecondition);
  const std::string message(differs.message());
  EXPECT_THAT(message, HasSubstr("sample.calm.txt: "));
  EXPECT_THAT(message, HasSubstr("--update-goldens"));
  EXPECT_THAT(message, HasSubstr("- metric shop producer.records_acked_total 5400\n"
                                 "+ metric shop producer.records_acked_total 10800\n"));
  EXPECT_EQ(message.find("producer.queued"), std::string::npos);
}

}  // namespace
}  // namespace freshet
