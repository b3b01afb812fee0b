#include "results/run_summary.h"

#include "gmock/gmock.h"
#include "results/metric_window.h"
#include "sim/histogram.h"
#include "tests/results/sample_run.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;

const SummaryMetric& MetricOf(const RunSummary& summary, const std::string& name) {
  for (const SummaryMetric& metric : summary.metric()) {
    if (metric.name() == name) return metric;
  }
  ADD_FAILURE() << "no " << name;
  return summary.metric(0);
}

double ValueOf(const RunSummary& summary, const std::string& name, const std::string& statistic,
               const std::string& window = "after_warm_up") {
  const SummaryWindow* found = FindWindow(MetricOf(summary, name), window);
  const SummaryValue* value = found == nullptr ? nullptr : FindValue(*found, statistic);
  EXPECT_NE(value, nullptr) << name << " " << statistic;
  return value == nullptr ? -1 : value->value();
}

TEST(RunSummaryTest, CountersHaveATotalAndARatePerWindow) {
  SampleRun run;
  run.Run();
  const RunSummary summary = run.Summary();
  // Ten a second for nine minutes after the warm-up, for two minutes of faults.
  EXPECT_EQ(ValueOf(summary, "producer.records_acked", "total"), 5400);
  EXPECT_EQ(ValueOf(summary, "producer.records_acked", "rate"), 10);
  EXPECT_EQ(ValueOf(summary, "producer.records_acked", "total", "during_faults"), 1200);
  EXPECT_EQ(ValueOf(summary, "producer.records_acked", "rate", "during_faults"), 10);
}

TEST(RunSummaryTest, LevelsHaveTheirAverageOverTimeAndTheirHighest) {
  SampleRun run;
  run.Run();
  const RunSummary summary = run.Summary();
  EXPECT_DOUBLE_EQ(ValueOf(summary, "producer.queued", "mean"), (8 * 3 + 9) / 9.0);
  EXPECT_EQ(ValueOf(summary, "producer.queued", "max"), 9);
  EXPECT_EQ(ValueOf(summary, "producer.queued", "mean", "during_faults"), 6);
  EXPECT_EQ(ValueOf(summary, "producer.queued", "max", "before_faults"), 3);
}

TEST(RunSummaryTest, PercentilesStayWithinTheStatedBound) {
  SampleRun run(nullptr, 100);  // 1, 2, ... 1000 ms, each 5.4 times 100.
  run.Run();
  const RunSummary summary = run.Summary();
  const double bound = summary.histogram_relative_error();
  EXPECT_EQ(bound, Histogram::kRelativeError);
  EXPECT_NEAR(ValueOf(summary, "producer.latency", "p99") / 1e6, 990, 990 * bound + 2);
  const SummaryWindow& window = *FindWindow(MetricOf(summary, "producer.latency"), "after_warm_up");
  EXPECT_EQ(window.count(), 540'000);
  EXPECT_EQ(FindValue(window, "p99")->exactness(), SummaryValue::APPROXIMATE);
  EXPECT_EQ(FindValue(window, "p99")->relative_error(), bound);
  EXPECT_EQ(FindValue(window, "max")->exactness(), SummaryValue::EXACT);
  EXPECT_EQ(FindValue(window, "max")->value(), 1e9);
}

TEST(RunSummaryTest, APercentileWithoutSamplesBeyondItHasNotConverged) {
  SampleRun run;  // 5400 samples: 54 beyond p99, 270 beyond p95.
  run.Run();
  const RunSummary summary = run.Summary();
  const SummaryWindow& window = *FindWindow(MetricOf(summary, "producer.latency"), "after_warm_up");
  EXPECT_EQ(FindValue(window, "p95")->exactness(), SummaryValue::APPROXIMATE);
  EXPECT_EQ(FindValue(window, "p5")->exactness(), SummaryValue::APPROXIMATE);
  EXPECT_EQ(FindValue(window, "p99")->exactness(), SummaryValue::NOT_CONVERGED);
  EXPECT_EQ(FindValue(window, "p99")->value(), 0);
}

TEST(RunSummaryTest, ARunWithoutFaultsHasOneWindowAfterItsWarmUp) {
  SampleRun run;
  run.Run();
  RunResults results = run.Results();
  results.metrics.clear_span();
  PhaseSpan* span = results.metrics.add_span();
  span->set_phase(MetricPhase::BEFORE_FAULTS);
  span->set_until_ns(Minutes(10).nanos());
  const RunSummary summary = Summarise(SampleHeader(), results);
  std::vector<std::string> windows;
  for (const SummaryWindow& window : summary.metric(0).window()) windows.push_back(window.window());
  EXPECT_THAT(windows, ElementsAre("after_warm_up"));
}

TEST(MetricWindowTest, QuantilesAreThoseOfTheHistogram) {
  SampleRun run(nullptr, 7);
  run.Run();
  const Histogram histogram = run.latency().AfterWarmUp();
  const RunResults results = run.Results();
  for (const MetricRow& row : results.metrics.metric()) {
    if (row.name() != "producer.latency") continue;
    const MetricWindow window(row, Window::kAfterWarmUp);
    EXPECT_EQ(window.Mean(), histogram.Mean());
    for (int64_t permille = 0; permille <= 1000; ++permille) {
      EXPECT_EQ(window.Quantile(permille, 1000), histogram.Quantile(permille, 1000)) << permille;
    }
  }
}

TEST(MetricWindowTest, SumsBeyond64BitsSurvive) {
  for (const Wide value : {Wide{0}, Wide{-1}, Wide{INT64_MIN} * 5, Wide{INT64_MAX} * INT64_MAX}) {
    EXPECT_TRUE(FromMessage(ToMessage(value)) == value);
  }
}

TEST(ParsePercentileTest, ReadsExactFractions) {
  Percentile percentile = {0, 0};
  ASSERT_TRUE(ParsePercentile("99.9", &percentile));
  EXPECT_EQ(percentile.numerator, 999);
  EXPECT_EQ(percentile.denominator, 1000);
  ASSERT_TRUE(ParsePercentile("100", &percentile));
  EXPECT_EQ(percentile.numerator, percentile.denominator);
  for (const char* wrong : {"", ".", "5.", ".5", "-1", "100.1", "101", "p99", "1e1", "9 9"}) {
    EXPECT_FALSE(ParsePercentile(wrong, &percentile)) << wrong;
  }
}

TEST(DigestTest, IsOneLineOfThreeNumbers) {
  EXPECT_EQ(FormatDigests({1, 0xabc, UINT64_MAX}),
            "digest order=0000000000000001 full=0000000000000abc result=ffffffffffffffff");
}

}  // namespace
}  // namespace freshet
