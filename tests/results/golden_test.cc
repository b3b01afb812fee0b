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
