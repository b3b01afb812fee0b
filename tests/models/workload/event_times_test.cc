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
