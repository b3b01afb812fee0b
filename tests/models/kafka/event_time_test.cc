// Event times from the producer to whoever reads: lateness, devices that were offline, marks.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "tests/models/mini_pipeline.h"

namespace freshet {
namespace {

std::shared_ptr<const EventTimes> Late(std::vector<EventTimes::Class> classes) {
  return std::make_shared<EventTimes>(std::move(classes));
}

MiniSettings WithConsumers() {
  MiniSettings s = Instant();
  s.producers.rate = Until(Seconds(10), 1'000);
  s.consumers = Reading();
  s.consumers->event_times = true;
  return s;
}

TEST(EventTimeTest, StalenessAndEventToVisibleCountFromTheEvent) {
  MiniSettings s = WithConsumers();
  s.producers.event_times = Late({{1, Sampler::Constant(60e9)}});
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(20));
  EXPECT_EQ(pipeline.Consumer(Consumers::kEndToEnd), 10'000);
  const Histogram all = HistogramOf(pipeline.sim, *pipeline.consumers, Consumers::kEventToVisible);
  EXPECT_EQ(all.count(), 10'000);
  EXPECT_GE(all.Quantile(1, 1000), Seconds(59).nanos());
  EXPECT_LT(all.max(), (Minutes(1) + Seconds(1)).nanos());
  // The minute before sending is in the waterfall, as a wait for a connection.
  __int128 offline = 0;
  for (const Waterfall::Row& row : pipeline.consumers->waterfall().Rows()) {
    if (row.why == WaitFor::kOffline) offline += row.total;
  }
  EXPECT_GT(offline, __int128{10'000} * Seconds(59).nanos());
  EXPECT_LE(offline, __int128{10'000} * Minutes(1).nanos());
  pipeline.consumers->waterfall().Audit();
}

// chk.N08: an event of a quarter past two that arrives at thirteen to three.
TEST(EventTimeTest, AnEventOfAQuarterPastTwoArrivesAtThirteenToThree) {
  MiniSettings s = WithConsumers();
  s.producers.rate = Until(Minutes(60), 10);
  // The run begins at two o'clock.
  s.producers.offline = {{Time() + Minutes(15), Time() + Minutes(47), 1}};
  MiniPipeline pipeline(s);
  pipeline.Run(Minutes(61));
  EXPECT_EQ(pipeline.Producer(Producers::kOffline), 1);
  const Histogram all = HistogramOf(pipeline.sim, *pipeline.consumers, Consumers::kEventToVisible);
  EXPECT_GE(all.max(), Minutes(32).nanos());
  EXPECT_LT(all.max(), (Minutes(32) + Seconds(1)).nanos());
}

// A group that begins in an hour of history reads coalesced ranges: their events follow the law.
TEST(EventTimeTest, AHistoryIsAsLateAsItsProducers) {
  MiniSettings s = WithConsumers();
  s.producers.rate = Steady(10);
  s.producers.event_times = Late({{1, Sampler::Constant(600e9)}});
  s.topic.history = Hours(1);
  s.topic.history_rate = Rate::PerSecond(10);
  s.topic.history_record_bytes = kStoredSize;
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(60));
  EXPECT_GE(pipeline.Consumer(Consumers::kInterpolated), 36'000);
  const Histogram all = HistogramOf(pipeline.sim, *pipeline.consumers, Consumers::kEventToVisible);
  EXPECT_EQ(all.count(), pipeline.Consumer(Consumers::kRecords));
  EXPECT_GE(all.Quantile(1, 1000), Minutes(9).nanos());
  EXPECT_LT(all.max(), Minutes(72).nanos());
  EXPECT_GE(all.max(), Minutes(69).nanos());
}

// Takes what consumers poll.
class Taker : public PollHandler {
 public:
  void HandlePoll(int member, const std::vector<RecordRange>& poll) override {
    taken.insert(taken.end(), poll.begin(), poll.end());
    consumers->PollHandled(member);
  }
  Consumers* consumers = nullptr;
  std::vector<RecordRange> taken;
};

TEST(EventTimeTest, WhatIsMarkedComesAsRangesOfItsOwn) {
  Taker taker;
  MiniSettings s = WithConsumers();
  s.producers.poison_share = Ratio::Percent(1);
  s.producers.offline = {{Time() + Seconds(1), Time() + Seconds(5), 3}};
  s.consumers->handler = &taker;
  s.consumers->event_times = false;
  MiniPipeline pipeline(s);
  taker.consumers = pipeline.consumers.get();
  pipeline.Run(Seconds(20));
  int64_t all = 0;
  int64_t poison = 0;
  int64_t offline = 0;
  Bytes bytes;
  for (const RecordRange& range : taker.taken) {
    all += range.record_count();
    bytes += range.bytes;
    if (range.mark.kind == RecordKind::kPoison) poison += range.record_count();
    if (range.mark.kind == RecordKind::kOffline) offline += range.record_count();
    EXPECT_GE(range.trail.End(), range.trail.Start());
  }
  EXPECT_EQ(all, 10'000);
  EXPECT_EQ(bytes, Bytes(pipeline.Consumer(Consumers::kBytesRead)));
  EXPECT_EQ(poison, pipeline.Producer(Producers::kPoison));
  EXPECT_NEAR(static_cast<double>(poison), 100, 50);
  EXPECT_EQ(offline, 3);
}

TEST(EventTimeTest, ProfilesOfAllPollsHoldAllRecords) {
  Taker taker;
  MiniSettings s = WithConsumers();
  s.producers.event_times = Late({{0.7, Sampler::Constant(0)}, {0.3, Sampler::Exponential(5e9)}});
  s.consumers->handler = &taker;
  s.consumers->max_poll_records = 7;  // Polls end inside batches.
  MiniPipeline pipeline(s);
  taker.consumers = pipeline.consumers.get();
  pipeline.Run(Seconds(20));
  int64_t records = 0;
  int64_t late = 0;
  for (const RecordRange& range : taker.taken) {
    pipeline.log.profiles().VisitRuns(StretchOf(range), [&](const EventRun& run) {
      records += run.to - run.from;
      if (run.lateness > Duration::Zero()) late += run.to - run.from;
    });
  }
  EXPECT_EQ(records, 10'000);
  EXPECT_NEAR(static_cast<double>(late), 3'000, 5 * 46);
}

}  // namespace
}  // namespace freshet
