// The consumer's loop: long polls, lag and its drain, where the time went, sessions that survive.
#include <numeric>

#include "gtest/gtest.h"
#include "tests/models/mini_pipeline.h"

namespace freshet {
namespace {

TEST(ConsumerTest, AnIdleFetchWaitsForItsTime) {
  MiniSettings s = Instant();
  s.brokers = 1;
  s.topic.replication_factor = s.topic.min_in_sync_replicas = 1;
  s.producers.rate = Until(Nanoseconds(1), 1);
  s.consumers = Reading();
  MiniPipeline pipeline(s);
  pipeline.Run(Milliseconds(10'100));
  EXPECT_EQ(pipeline.Consumer(Consumers::kFetches), 20);  // One every 500 ms.
}

TEST(ConsumerTest, AFetchIsAnsweredWhenItsLeastBytesAreThere) {
  MiniSettings s = Instant();
  s.brokers = 1;
  s.topic.partitions = 1;
  s.topic.replication_factor = s.topic.min_in_sync_replicas = 1;
  s.producers.rate = Steady(16'000);  // A batch of 16445 bytes every millisecond.
  s.consumers = Reading();
  s.consumers->fetch_min_bytes = Bytes(10 * 16'445);
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(10));
  EXPECT_NEAR(pipeline.Consumer(Consumers::kFetches), 1000, 10);  // Every tenth one.
}

TEST(ConsumerTest, AReaderThatComesLateIsServedAtOnce) {
  MiniSettings s = Plausible();
  s.producers.rate = Until(Seconds(5), 1'000);
  s.consumers = Reading();
  MiniPipeline pipeline(s);
  pipeline.producers.Start();
  pipeline.sim.RunUntil(Time() + Seconds(10));
  pipeline.consumers->Start();
  pipeline.sim.RunUntil(Time() + Milliseconds(10'100));  // Not after fetch.max.wait.
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 5'000);
}

TEST(ConsumerTest, FromTheLatestOffsetOnlyWhatComesIsRead) {
  MiniSettings s = Plausible();
  s.producers.rate = Until(Seconds(10), 1'000);
  s.consumers = Reading();
  s.consumers->start_from = StartFrom::kLatest;
  MiniPipeline pipeline(s);
  pipeline.producers.Start();
  pipeline.sim.RunUntil(Time() + Seconds(4));
  pipeline.consumers->Start();
  pipeline.sim.RunUntil(Time() + Seconds(20));
  EXPECT_NEAR(pipeline.Consumer(Consumers::kRecords), 6'000, 20);
}

TEST(ConsumerTest, OffsetsAreCommittedAtTheInterval) {
  MiniSettings s = Plausible();
  s.consumers = Reading(2);
  s.consumers->auto_commit = true;
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(22));
  EXPECT_EQ(pipeline.Consumer(Consumers::kCommits), 2 * 4);
}

// cal.I2: a lag of 30000 records, taken in at 2000 a second while 1000 a second come, is gone after
// 30000 / (2000 - 1000) = 30 s.
TEST(ConsumerTest, LagDrainsAtServiceMinusArrival) {
  MiniSettings s = Plausible();
  s.consumers = Reading();
  s.consumers->cpu_per_record = Microseconds(500);
  s.consumers->max_partition_fetch_bytes = KiB(64);
  MiniPipeline pipeline(s);
  pipeline.producers.Start();
  pipeline.sim.RunUntil(Time() + Seconds(30));
  pipeline.consumers->Start();
  for (int second = 31; second <= 59; second += 7) {
    pipeline.sim.RunUntil(Time() + Milliseconds(second * 1000 + 1));
    const int64_t fluid = 30'000 - 1'000 * (second - 30);
    EXPECT_NEAR(pipeline.Consumer(Consumers::kLag), fluid, 400) << second;
  }
  pipeline.sim.RunUntil(Time() + Milliseconds(61'001));
  EXPECT_LT(pipeline.Consumer(Consumers::kLag), 100);
  EXPECT_LT(pipeline.Consumer(Consumers::kStaleness), Milliseconds(100).nanos());
}

TEST(ConsumerTest, StalenessIsTheAgeOfTheOldestUnread) {
  MiniSettings s = Plausible();
  s.topic.partitions = 1;
  s.consumers = Reading();
  s.consumers->cpu_per_poll = Seconds(1'000);  // It never comes back from its first poll.
  MiniPipeline pipeline(s);
  pipeline.Run(Milliseconds(20'001));
  EXPECT_NEAR(pipeline.Consumer(Consumers::kStaleness), Seconds(20).nanos(), 10e6);
  EXPECT_NEAR(pipeline.Consumer(Consumers::kLag), 20'000, 20);
}

TEST(ConsumerTest, NothingIsReadBeforeItIsDurableAndTheWaterfallSumsExactly) {
  MiniSettings s = Plausible();
  s.network.zones = {"a", "b", "c"};
  s.producers.client_zones = {0, 1, 2};
  s.producers.arrivals = ArrivalLaw::kPoisson;
  s.producers.rate = Until(Seconds(10), 20'000);
  s.consumers = Reading(3);
  s.consumers->cpu_per_record = Microseconds(10);
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(20));
  const Waterfall& waterfall = pipeline.consumers->waterfall();
  const Histogram end_to_end = HistogramOf(pipeline.sim, *pipeline.consumers, Consumers::kEndToEnd);
  ASSERT_EQ(pipeline.Consumer(Consumers::kInterpolated), 0);
  EXPECT_EQ(waterfall.records(), pipeline.Producer(Producers::kTaken));
  EXPECT_EQ(end_to_end.count(), waterfall.records());
  // To the nanosecond, over all records and all segments.
  __int128 sum = 0;
  __int128 until_durable = 0;
  for (const Waterfall::Row& row : waterfall.Rows()) {
    sum += row.total;
    if (row.until <= Milestone::kDurable) until_durable += row.total;
  }
  EXPECT_TRUE(sum == waterfall.EndToEnd());
  EXPECT_TRUE(sum == end_to_end.sum());
  EXPECT_TRUE(until_durable < sum);
  waterfall.Audit();
  // And by record: none is visible before two half round trips more than its leader's append.
  EXPECT_GT(end_to_end.min(), Microseconds(200).nanos());
}

TEST(ConsumerTest, ReadersOfOtherBrokersGoOnDuringAFailover) {
  MiniSettings s = Plausible();
  s.topic.replication_factor = s.topic.min_in_sync_replicas = 1;  // Nothing waits for the dead one.
  s.producers.rate = Steady(100);
  s.producers.keys = {KeyDistribution::Kind::kUniform, 1'000'000, 0, Ratio()};
  s.producers.arrivals = ArrivalLaw::kPoisson;
  s.consumers = Reading();
  s.consumers->cpu_per_poll = Milliseconds(150);  // Longer than it waits to look for leaders again.
  MiniPipeline pipeline(s);
  pipeline.Fault(FaultVerb::kDown, pipeline.broker_handles[0].get(), Seconds(10), Duration::Zero());
  pipeline.Run(Milliseconds(10'500));
  const int64_t before = pipeline.Consumer(Consumers::kRecords);
  pipeline.Run(Milliseconds(16'500));  // Nobody has been elected yet.
  EXPECT_EQ(pipeline.LedBy(0), 2);
  EXPECT_NEAR(pipeline.Consumer(Consumers::kRecords) - before, 400, 120);  // Two thirds.
}

TEST(ConsumerTest, CoalescedRangesAreCountedAndSaidToBeInterpolated) {
  MiniSettings s = Plausible();
  s.topic.partitions = 1;
  s.producers.linger = Duration::Zero();
  s.producers.rate = Until(Seconds(10), 1'000);  // Far more batches than the log keeps apart.
  s.consumers = Reading();
  MiniPipeline pipeline(s);
  pipeline.producers.Start();
  pipeline.sim.RunUntil(Time() + Seconds(20));
  ASSERT_LT(pipeline.log.LogOf(0).range_count(), 5'000u);
  pipeline.consumers->Start();
  pipeline.sim.RunUntil(Time() + Seconds(30));
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 10'000);
  EXPECT_GT(pipeline.Consumer(Consumers::kInterpolated), 0);
  EXPECT_NEAR(pipeline.Consumer(Consumers::kBytesRead), pipeline.Producer(Producers::kBytesAcked),
              200);  // Parts of ranges round up.
}

}  // namespace
}  // namespace freshet
