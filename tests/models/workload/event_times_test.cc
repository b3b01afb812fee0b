#include "models/workload/event_times.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace freshet {
namespace {

RandomStream Stream() { return RandomStream(92, "client", "event_times"); }

TEST(EventTimesTest, RunsGoFromTheLastClassToTheFirst) {
  const EventTimes half({{0.5, Sampler::Constant(0)}, {0.5, Sampler::Constant(60e9)}});
  RandomStream stream = Stream();
  const LatenessRuns runs = half.Draw(1'000, stream);
  ASSERT_EQ(runs.count, 2);
  EXPECT_EQ(runs.runs[0].delay, Minutes(1));
  EXPECT_EQ(runs.runs[1], (LatenessRuns::Run{1'000, Duration::Zero()}));
}

TEST(EventTimesTest, ClassesHaveTheirShares) {
  const EventTimes mixed({{0.9, Sampler::Constant(0)}, {0.1, Sampler::Constant(7.2e12)}});
  RandomStream stream = Stream();
  int64_t late = 0;
  for (int i = 0; i < 1'000; ++i) {
    const LatenessRuns runs = mixed.Draw(50, stream);
    if (runs.runs[0].delay == Hours(2)) late += runs.runs[0].end;
  }
  EXPECT_NEAR(static_cast<double>(late), 5'000, 5 * 67);
}

// chk.N07: a watermark that waits five minutes finds 99 % of the records of mobile clients in time.
// With an exponential law that takes a mean of 300 s / ln 100 (ora.W07).
TEST(EventTimesTest, FiveMinutesCapture99PercentOfAnExponentialLawOfMean65Seconds) {
  const EventTimes mobile({{1, Sampler::Exponential(65.1441722854878e9)}});
  RandomStream stream = Stream();
  constexpr int kRecords = 200'000;
  int in_time = 0;
  for (int i = 0; i < kRecords; ++i) {
    if (mobile.Draw(1, stream).runs[0].delay <= Seconds(300)) ++in_time;
  }
  EXPECT_NEAR(in_time / double{kRecords}, 0.99, 0.002);
}

// ora.W01 to W05: how many records are behind a watermark that follows the newest event of all by
// a bound, when records arrive as a Poisson process in batches of one.
double LateShare(const Sampler& lateness, double per_second, Duration bound) {
  const EventTimes times({{1, lateness}});
  RandomStream arrivals(92, "client", "arrivals");
  RandomStream stream = Stream();
  constexpr int kRecords = 400'000;
  Time at;
  Time newest = Time() - Hours(1);
  int late = 0;
  for (int i = 0; i < kRecords; ++i) {
    at += Nanoseconds(static_cast<int64_t>(arrivals.NextExponential() * 1e9 / per_second));
    const Time event = at - times.Draw(1, stream).runs[0].delay;
    if (event < newest - bound) ++late;
    newest = std::max(newest, event);
  }
  return late / double{kRecords};
}

TEST(EventTimesTest, LateSharesAreThoseOfTheOracles) {
  const Sampler second = Sampler::Exponential(1e9);
  EXPECT_NEAR(LateShare(second, 100, Seconds(1)), 0.324185593105342, 0.006);
  EXPECT_NEAR(LateShare(second, 100, Seconds(2)), 0.119261214827426, 0.004);
  EXPECT_NEAR(LateShare(second, 100, Seconds(5)), 0.00593766625624755, 0.001);
  EXPECT_NEAR(LateShare(second, 10, Seconds(2)), 0.0902314407024928, 0.003);
  EXPECT_NEAR(LateShare(Sampler::Lognormal(0.5e9, 1), 1000, Seconds(5)), 0.0102217063022879,
              0.0012);
}

RC_GTEST_PROP(EventTimesTest, EveryRecordIsInOneRun, ()) {
  const EventTimes mixed({{0.6, Sampler::Exponential(1e9)},
                          {0.3, Sampler::Exponential(60e9)},
                          {0.1, Sampler::Exponential(3'600e9)}});
  RandomStream stream(*rc::gen::arbitrary<uint64_t>(), "client", "event_times");
  const auto count = *rc::gen::inRange<int64_t>(1, 5'000);
  const LatenessRuns runs = mixed.Draw(count, stream);
  int64_t end = 0;
  for (const LatenessRuns::Run& run : runs) {
    RC_ASSERT(run.end > end);
    end = run.end;
  }
  RC_ASSERT(end == count);
}

}  // namespace
}  // namespace freshet
