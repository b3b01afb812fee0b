// What brokers keep on their disks, when it goes, and what a reader meets who comes too late.
#include "gtest/gtest.h"
#include "tests/models/mini_pipeline.h"

namespace freshet {
namespace {

// One partition, three replicas, a batch of 16 records (16 445 bytes) every 160 ms: 100 records and
// about 100 KB a second. A segment of 1 650 000 bytes takes 100 batches, which are 16 s.
constexpr int64_t kStoredBatch = 16'445;
MiniSettings Kept(Duration retention) {
  MiniSettings s = Plausible();
  s.topic.partitions = 1;
  s.topic.segments = {Bytes(1'650'000), Days(7)};
  s.topic.retention.time = retention;
  s.producers.rate = Steady(100);
  s.producers.linger = Seconds(1);
  return s;
}

int64_t SegmentBytes(MiniPipeline& pipeline, BrokerId broker) {
  return pipeline.log.broker(broker).SegmentBytes().count();
}

TEST(RetentionTest, AllReplicasTakeRoomWithTheirIndexes) {
  MiniSettings s = Kept(Days(7));
  s.producers.rate = Until(Seconds(16), 100);  // 100 batches.
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(30));
  for (BrokerId broker = 0; broker < 3; ++broker) {
    EXPECT_EQ(SegmentBytes(pipeline, broker), 100 * kStoredBatch);
    // 20 bytes for each 4096.
    EXPECT_EQ(ValueOf(pipeline.sim, pipeline.log.broker(broker), KafkaBroker::kLogBytes),
              100 * kStoredBatch + 100 * kStoredBatch * 20 / 4096);
  }
}

// Retention of a minute, but a check every five, segments of 16 s, and a minute until a deleted
// file is unlinked: what is kept overshoots by up to the sum of the three.
TEST(RetentionTest, RetentionOvershootsByASegmentACheckAndTheDeleteDelay) {
  MiniSettings s = Kept(Minutes(1));
  MiniPipeline pipeline(s);
  const PartitionLog& log = pipeline.log.LogOf(0);
  // The first check comes at 30 s, when nothing is old enough, the second five minutes later.
  pipeline.Run(Seconds(329));
  EXPECT_EQ(log.log_start_offset(), 0);
  pipeline.Run(Seconds(331));
  // Kept: created after 330 s - 60 s = 270 s. Segment 17 ends at 272 s, so 16 whole ones go.
  EXPECT_EQ(log.log_start_offset(), 16 * 1'600);
  EXPECT_EQ(log.segments().front().last_created.SinceStart() / Seconds(1), 272);
  EXPECT_EQ(pipeline.Log(KafkaCluster::kDeleted), 16 * 1'600);

  const int64_t before = 16 * 100 * kStoredBatch;
  pipeline.Run(Seconds(389));
  EXPECT_EQ(SegmentBytes(pipeline, 0) - log.bytes().count(), before);  // Not unlinked yet.
  pipeline.Run(Seconds(391));
  EXPECT_EQ(SegmentBytes(pipeline, 0) - log.bytes().count(), 0);

  // The most that is ever on the disk: all that comes from one check to the unlinking after the
  // next, 330 + 300 s + 60 s, less what went: about 60 + 16 + 300 + 60 s of writing.
  pipeline.Run(Seconds(689));
  const int64_t per_second = kStoredBatch * 100 / 16;
  const int64_t most = SegmentBytes(pipeline, 0);
  EXPECT_GT(most, (60 + 300 + 60 - 1) * per_second);
  EXPECT_LE(most, (60 + 16 + 300 + 60) * per_second);
  pipeline.Run(Seconds(691));
  EXPECT_LT(SegmentBytes(pipeline, 0), (60 + 16 + 60 + 3) * per_second);
}

TEST(RetentionTest, BySizeAPartitionKeepsItsLimitAndUpToASegmentMore) {
  MiniSettings s = Kept(Days(7));
  s.topic.retention.bytes = Bytes(5'000'000);
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(331));
  EXPECT_GE(pipeline.log.LogOf(0).bytes(), Bytes(5'000'000));
  EXPECT_LE(pipeline.log.LogOf(0).bytes(), Bytes(5'000'000 + 100 * kStoredBatch));
}

// inv.I9: what was acknowledged is kept or was deleted.
TEST(RetentionTest, WhatIsAcknowledgedIsKeptOrCountedAsDeleted) {
  MiniSettings s = Kept(Minutes(1));
  s.producers.rate = Until(Seconds(640), 100);
  MiniPipeline pipeline(s);
  pipeline.Run(Minutes(20));
  const PartitionLog& log = pipeline.log.LogOf(0);
  EXPECT_EQ(pipeline.Producer(Producers::kAcked), 64'000);
  EXPECT_EQ(log.log_end_offset() - log.log_start_offset() + pipeline.Log(KafkaCluster::kDeleted),
            64'000);
  EXPECT_EQ(log.log_start_offset(), 64'000);  // The last segment goes when all of it is overdue.
  for (BrokerId broker = 0; broker < 3; ++broker) EXPECT_EQ(SegmentBytes(pipeline, broker), 0);
}

// A reader that manages a fifth of what comes for 400 s: the log start overtakes it.
struct Late {
  int64_t read, skipped;
};
Late ReadLate(StartFrom reset) {
  MiniSettings s = Kept(Minutes(1));
  s.producers.rate = Until(Seconds(400), 100);
  s.consumers = Reading();
  s.consumers->start_from = reset;
  s.consumers->cpu_per_record = Milliseconds(50);  // A fifth of what comes.
  MiniPipeline pipeline(s);
  pipeline.Run(Hours(1));
  EXPECT_EQ(pipeline.Consumer(Consumers::kLag), 0);
  return {pipeline.Consumer(Consumers::kRecords), pipeline.Consumer(Consumers::kSkipped)};
}

TEST(RetentionTest, AReaderOvertakenByTheLogStartIsResetAndTheSkippedAreCounted) {
  const Late earliest = ReadLate(StartFrom::kEarliest);
  EXPECT_EQ(earliest.read + earliest.skipped, 40'000);
  EXPECT_GT(earliest.skipped, 0);
  const Late latest = ReadLate(StartFrom::kLatest);
  EXPECT_EQ(latest.read + latest.skipped, 40'000);
  EXPECT_GT(latest.skipped, earliest.skipped);  // All up to the high watermark.
}

TEST(RetentionTest, AFollowerThatComesBackBehindTheLogStartBeginsThere) {
  MiniSettings s = Kept(Minutes(1));
  MiniPipeline pipeline(s);
  const BrokerId follower = (pipeline.log.CurrentMetadata(0)->leader[0] + 1) % 3;
  pipeline.Fault(FaultVerb::kDown, pipeline.broker_handles[static_cast<size_t>(follower)].get(),
                 Seconds(10), Seconds(340));
  pipeline.Run(Seconds(340));
  EXPECT_NEAR(SegmentBytes(pipeline, follower), 10 * 100 * 1'028, 2 * kStoredBatch);
  pipeline.Run(Seconds(460));  // Back at 350 s; its old files are unlinked at 410 s.
  EXPECT_EQ(pipeline.Log(KafkaCluster::kUnderReplicated), 0);
  EXPECT_NEAR(SegmentBytes(pipeline, follower), pipeline.log.LogOf(0).bytes().count(),
              2 * kStoredBatch);
}

// A day at 1000 records of 1 KiB a second over two partitions.
TEST(RetentionTest, HistoryIsOnDisksAtTheStartAndRetentionWasApplied) {
  MiniSettings s = Kept(Hours(12));
  s.topic.partitions = 2;
  s.topic.segments.bytes = Bytes(1'024 * 500 * 3'600);  // An hour.
  s.topic.history = Days(1);
  s.topic.history_rate = Rate::PerSecond(1'000);
  s.topic.history_record_bytes = kStoredSize;
  s.producers.rate = Until(Seconds(10), 100);
  s.consumers = Reading();
  s.consumers->start_from = StartFrom::kLatest;
  MiniPipeline pipeline(s);
  for (PartitionId p = 0; p < 2; ++p) {
    const PartitionLog& log = pipeline.log.LogOf(p);
    EXPECT_EQ(log.log_end_offset(), 500 * 86'400);
    // The segment that ends twelve hours before the start is exactly twelve hours old: kept.
    EXPECT_EQ(log.log_start_offset(), 500 * 11 * 3'600);
    EXPECT_EQ(log.bytes(), Bytes(int64_t{1'024} * 500 * 13 * 3'600));
  }
  for (BrokerId broker = 0; broker < 3; ++broker) {
    EXPECT_EQ(SegmentBytes(pipeline, broker), int64_t{2} * 1'024 * 500 * 13 * 3'600);
  }
  pipeline.Run(Seconds(31));  // The first check deletes one more.
  EXPECT_EQ(pipeline.log.LogOf(0).log_start_offset(), 500 * 12 * 3'600);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 1'000);  // What came, and no history.
}

}  // namespace
}  // namespace freshet
