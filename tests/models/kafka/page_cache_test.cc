// Reads that the page cache answers, reads that the disk answers, and what they do to others.
#include "gtest/gtest.h"
#include "tests/models/mini_pipeline.h"

namespace freshet {
namespace {

// One broker with a history of 1000 records of 1 KiB a second in one partition. Nothing but its
// disk takes time.
MiniSettings OneBroker(Duration history) {
  MiniSettings s = Instant();
  s.brokers = 1;
  s.topic.partitions = 1;
  s.topic.replication_factor = s.topic.min_in_sync_replicas = 1;
  s.topic.history = history;
  s.topic.history_rate = Rate::PerSecond(1'000);
  s.topic.history_record_bytes = kStoredSize;
  s.producers.rate = Until(Nanoseconds(1), 1);
  s.consumers = Reading();
  s.consumers->network_bandwidth = BytesPerSecond(int64_t{1} << 45);
  return s;
}

int64_t Missed(const MiniPipeline& pipeline, const KafkaBroker& broker) {
  return ValueOf(pipeline.sim, broker, KafkaBroker::kCacheMisses);
}

TEST(PageCacheReadTest, HistoryIsReadFromTheDiskAtItsRate) {
  MiniSettings s = OneBroker(Seconds(1'000));  // 1 024 000 000 bytes.
  s.broker.volume.bandwidth = BytesPerSecond(102'400'000);
  s.broker.volume.read_latency = Sampler::Constant(0);
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(5));
  EXPECT_NEAR(pipeline.Consumer(Consumers::kRecords), 500'000, 1'024);  // Half of it in 5 s.
  pipeline.Run(Milliseconds(9'990));
  EXPECT_LT(pipeline.Consumer(Consumers::kRecords), 1'000'000);
  pipeline.Run(Milliseconds(10'010));
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 1'000'000);
  EXPECT_EQ(Missed(pipeline, pipeline.log.broker(0)), 1'024'000'000);
}

TEST(PageCacheReadTest, TheSecondReaderOfTheSameDataReadsMemory) {
  MiniSettings s = OneBroker(Seconds(1'000));
  s.broker.page_cache.memory = GiB(1);
  MiniPipeline pipeline(s);
  Consumers::Config later = *s.consumers;
  later.start_at = Seconds(100);
  Consumers second(pipeline.sim, "later", &pipeline.network, &pipeline.log, later);
  second.Start();
  pipeline.Run(Seconds(99));
  EXPECT_EQ(Missed(pipeline, pipeline.log.broker(0)), 1'024'000'000);
  EXPECT_EQ(ValueOf(pipeline.sim, second, Consumers::kRecords), 0);
  pipeline.Run(Seconds(101));
  EXPECT_EQ(ValueOf(pipeline.sim, second, Consumers::kRecords), 1'000'000);
  EXPECT_EQ(Missed(pipeline, pipeline.log.broker(0)), 1'024'000'000);
}

// 1 MB a second is written, and a reader reads it a minute later, while the cache holds 100 MB. A
// replay of 10 minutes of history drives out what he is about to read.
int64_t MissedBesideReplay(bool replay) {
  MiniSettings s = OneBroker(Seconds(600));
  s.broker.page_cache.memory = Bytes(100'000'000);
  s.producers.rate = Steady(1'000);
  s.consumers->start_from = StartFrom::kLatest;
  s.consumers->start_at = Seconds(60);
  s.consumers->start_from_age = Seconds(60);
  MiniPipeline pipeline(s);
  Consumers::Config old = *s.consumers;
  old.start_at = Seconds(50);
  old.start_from_age = Seconds(650);
  Consumers replayer(pipeline.sim, "replay", &pipeline.network, &pipeline.log, old);
  if (replay) replayer.Start();
  pipeline.Run(Seconds(90));
  EXPECT_EQ(pipeline.Consumer(Consumers::kLag), 0);
  return Missed(pipeline, pipeline.log.broker(0));
}

TEST(PageCacheReadTest, AReplayDrivesOutWhatOthersAreAboutToRead) {
  EXPECT_EQ(MissedBesideReplay(false), 0);
  // The replay reads 614.4 MB of history, and of the minute since the start all but what the cache
  // still held; then the other one reads the rest again.
  const int64_t missed = MissedBesideReplay(true);
  EXPECT_GT(missed, 614'400'000);
  EXPECT_LT(missed, 614'400'000 + 2 * 62'000'000);
}

TEST(PageCacheReadTest, AReaderCanStartAtAnAge) {
  MiniSettings s = OneBroker(Hours(1));
  s.consumers->start_at = Seconds(10);
  s.consumers->start_from_age = Seconds(110);  // 100 s before the run began.
  MiniPipeline pipeline(s);
  pipeline.Run(Milliseconds(9'999));
  EXPECT_EQ(pipeline.Consumer(Consumers::kFetches), 0);
  pipeline.Run(Seconds(60));
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 100'000);
}

}  // namespace
}  // namespace freshet
