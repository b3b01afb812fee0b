// Retention trims streams and objects go; a history is there in no time.
#include "gtest/gtest.h"
#include "tests/models/s3stream/s3stream_pipeline.h"

namespace freshet {
namespace {

// One partition on one broker, and a batch of 16 records (16 445 bytes) every 160 ms: 100 records
// a second, some 0.98 MiB in ten. A segment of 1 650 000 bytes takes 100 batches, which are 16 s;
// uploads come once a minute, one stream object each.
constexpr int64_t kStoredBatch = 16'445;
S3Settings Kept(Duration retention) {
  S3Settings s = PlausibleS3();
  s.brokers = 1;
  s.topic.partitions = 1;
  s.topic.segments = {Bytes(1'650'000), Days(7)};
  s.topic.retention.time = retention;
  s.producers.rate = Steady(100);
  s.producers.linger = Seconds(1);
  s.cluster.deleted_object_retention = Seconds(10);
  return s;
}

Bytes InExtents(const S3Pipeline& pipeline, PartitionId partition) {
  Bytes bytes;
  for (const StreamExtent& extent : pipeline.log.objects().ExtentsOf(partition)) {
    bytes += extent.bytes;
  }
  return bytes;
}

// As with Kafka, segment by segment, five minutes apart; extents leave whole, so the first one may
// reach below the log start.
TEST(S3StreamRetentionTest, TheLogStartIsKafkasAndExtentsBelowItLeave) {
  S3Settings s = Kept(Minutes(1));
  S3Pipeline pipeline(s);
  const PartitionLog& log = pipeline.log.LogOf(0);
  pipeline.Run(Seconds(329));
  EXPECT_EQ(log.log_start_offset(), 0);
  EXPECT_EQ(pipeline.log.objects().ExtentsOf(0).size(), 5u);
  pipeline.Run(Seconds(331));
  EXPECT_EQ(log.log_start_offset(), 16 * 1'600);
  EXPECT_EQ(pipeline.Log(BrokerCluster::kDeleted), 16 * 1'600);
  EXPECT_EQ(pipeline.log.objects().StartOf(0), 16 * 1'600);
  // 25 600 records: uploads end at about 6000, 12 000, 18 000, 24 000, 30 000.
  EXPECT_EQ(pipeline.log.objects().ExtentsOf(0).size(), 1u);
  EXPECT_LE(pipeline.log.objects().FirstHeld(0), 16 * 1'600);
}

TEST(S3StreamRetentionTest, ObjectsGoWithTheNextCompactionAndTheirRoomIsBack) {
  S3Settings s = Kept(Minutes(1));
  s.broker.compactor.stream_interval = Minutes(10);
  S3Pipeline pipeline(s);
  // What is stored beside extents, the write-ahead log and the lease of 21 bytes.
  const auto garbage = [&] {
    return pipeline.Store(ObjectStore::kStoredBytes) - pipeline.log.broker(0).wal().Held().count() -
           21 - InExtents(pipeline, 0).count();
  };
  pipeline.Run(Seconds(325));
  EXPECT_EQ(garbage(), 0);
  const int64_t held = InExtents(pipeline, 0).count();
  pipeline.Run(Seconds(335));
  const int64_t trimmed = held - InExtents(pipeline, 0).count();
  EXPECT_GT(trimmed, 200 * kStoredBatch * 7);  // Four minutes of it.
  EXPECT_EQ(garbage(), trimmed);
  pipeline.Run(Seconds(595));
  EXPECT_EQ(garbage(), trimmed);  // For compaction to come.
  pipeline.Run(Seconds(625));
  EXPECT_EQ(garbage(), 0);
  EXPECT_EQ(pipeline.Log(S3StreamCluster::kStreamObjects),
            static_cast<int64_t>(pipeline.log.objects().ExtentsOf(0).size()));
}

TEST(S3StreamRetentionTest, WhatIsAllOverdueLeavesNothingBehind) {
  S3Settings s = Kept(Minutes(1));
  s.topic.partitions = 6;  // And stream-set objects.
  s.topic.segments = {Bytes(200'000), Days(7)};
  s.broker.compactor.stream_interval = Minutes(10);
  s.producers.rate = Until(Minutes(20), 100);
  S3Pipeline pipeline(s);
  pipeline.Run(Minutes(60));
  for (PartitionId id = 0; id < 6; ++id) {
    const PartitionLog& log = pipeline.log.LogOf(id);
    EXPECT_EQ(log.log_start_offset(), log.log_end_offset());
    EXPECT_TRUE(pipeline.log.objects().ExtentsOf(id).empty());
    EXPECT_EQ(pipeline.log.objects().EndOf(id), log.log_end_offset());
  }
  EXPECT_EQ(pipeline.Producer(Producers::kAcked), 120'000);
  EXPECT_EQ(pipeline.Log(BrokerCluster::kDeleted), 120'000);
  EXPECT_EQ(pipeline.Store(ObjectStore::kStoredBytes), 21);  // The lease.
}

TEST(S3StreamRetentionTest, BySizeAPartitionKeepsItsLimitAndUpToASegmentMore) {
  S3Settings s = Kept(Days(7));
  s.topic.retention.bytes = Bytes(5'000'000);
  S3Pipeline pipeline(s);
  pipeline.Run(Seconds(331));
  EXPECT_GE(pipeline.log.LogOf(0).bytes(), Bytes(5'000'000));
  EXPECT_LE(pipeline.log.LogOf(0).bytes(), Bytes(5'000'000 + 100 * kStoredBatch));
}

// What is read late, moved or recovered while the log start runs on.
TEST(S3StreamRetentionTest, ReadersMovesAndCrashesMeetATrimmedLog) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    S3Settings s = Kept(Minutes(1));
    s.seed = seed;
    s.brokers = 3;
    s.topic.partitions = 6;
    s.topic.segments = {Bytes(200'000), Days(7)};
    s.broker.log_cache = MiB(3);
    s.broker.compactor.interval = Minutes(2);
    s.broker.compactor.stream_interval = Minutes(3);
    s.cluster.retention_check_interval = Seconds(20);
    s.producers.rate = Until(Minutes(10), 600);
    s.consumers = Reading(2);
    s.consumers->cpu_per_record = Milliseconds(6);  // Half of what comes.
    S3Pipeline pipeline(s);
    const auto phase = Milliseconds(static_cast<int64_t>(seed * 377 % 1000));
    pipeline.Down(pipeline.Broker(static_cast<BrokerId>(seed % 3)), Seconds(150) + phase,
                  Seconds(20));
    pipeline.Run(Minutes(5));
    pipeline.log.MovePartition(2, (pipeline.log.CurrentMetadata(0)->leader[2] + 1) % 3);
    pipeline.Run(Minutes(60));
    EXPECT_EQ(pipeline.Producer(Producers::kAcked), 360'000) << seed;
    EXPECT_EQ(pipeline.Consumer(Consumers::kLag), 0) << seed;
    EXPECT_GT(pipeline.Consumer(Consumers::kSkipped), 0) << seed;
    EXPECT_EQ(pipeline.Consumer(Consumers::kRecords) + pipeline.Consumer(Consumers::kSkipped),
              360'000)
        << seed;
    EXPECT_EQ(pipeline.Log(BrokerCluster::kDeleted), 360'000) << seed;
  }
}

// --- History ---

// 10 000 records of 1 KiB a second for a day are 824 GiB, which over 6 partitions are 137 GiB each:
// 1099 objects of 128 MiB.
S3Settings WithHistory() {
  S3Settings s = PlausibleS3();
  s.topic.history = Days(1);
  s.topic.history_rate = Rate::PerSecond(10'000);
  s.topic.history_record_bytes = kStoredSize;
  return s;
}

TEST(S3StreamHistoryTest, ItLiesInCompactedObjects) {
  S3Settings s = WithHistory();
  S3Pipeline pipeline(s);
  const int64_t each = int64_t{86'400} * 10'000 / 6;
  EXPECT_EQ(pipeline.RecordsInLog(), 6 * each);
  EXPECT_EQ(pipeline.Store(ObjectStore::kStoredBytes),
            6 * each * kStoredSize.count() + 3 * 21);  // And three leases.
  EXPECT_EQ(pipeline.log.objects().ExtentsOf(0).size(),
            static_cast<size_t>(MulDivCeil(each, kStoredSize.count(), MiB(128).count())));
  EXPECT_EQ(pipeline.log.objects().EndOf(0), each);
  EXPECT_EQ(pipeline.Log(S3StreamCluster::kStreamSetObjects), 0);
}

TEST(S3StreamHistoryTest, SmallPartitionsShareAnObjectOfTheirBroker) {
  S3Settings s = WithHistory();
  s.topic.history = Seconds(30);  // 4.9 MiB for each of the six, less than the split size.
  s.topic.history_rate = Rate::PerSecond(1'000);
  S3Pipeline pipeline(s);
  EXPECT_EQ(pipeline.Log(S3StreamCluster::kStreamSetObjects), 3);
  EXPECT_EQ(pipeline.Store(ObjectStore::kObjects), 3 + 3);
  EXPECT_EQ(pipeline.Store(ObjectStore::kStoredBytes), 30'000 * kStoredSize.count() + 3 * 21);
}

TEST(S3StreamHistoryTest, RetentionHasBeenAppliedToItAndGoesOn) {
  S3Settings s = WithHistory();
  s.topic.segments = {GiB(1), Days(7)};
  s.topic.retention.time = Hours(6);
  s.broker.compactor.stream_interval = Minutes(10);
  s.producers.rate = Steady(10'000);
  S3Pipeline pipeline(s);
  // Six hours and up to a segment more: 1 GiB of one partition is 629 s.
  const int64_t six_hours = int64_t{6} * 3600 * 10'000 / 6;
  const auto kept = [&] {
    const PartitionLog& log = pipeline.log.LogOf(0);
    return log.log_end_offset() - log.log_start_offset();
  };
  EXPECT_GE(kept(), six_hours);
  EXPECT_LE(kept(), six_hours + 1'048'576);
  const int64_t stored = pipeline.Store(ObjectStore::kStoredBytes);
  pipeline.Run(Minutes(30));
  EXPECT_GE(kept(), six_hours);
  EXPECT_LE(kept(), six_hours + 1'048'576 + 300 * 10'000 / 6);
  EXPECT_GT(pipeline.Log(BrokerCluster::kDeleted), 0);
  // What came in half an hour went at the other end, but for a segment, a check and a compaction.
  EXPECT_LT(pipeline.Store(ObjectStore::kStoredBytes) - stored, GiB(20).count());
}

TEST(S3StreamHistoryTest, AReplayReadsItFromTheStore) {
  S3Settings s = WithHistory();
  s.topic.history_rate = Rate::PerSecond(10);
  s.producers.rate = Until(Seconds(60), 10);
  s.consumers = Reading(3);
  S3Pipeline pipeline(s);
  pipeline.Run(Minutes(5));
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 864'000 + 600);
  EXPECT_GE(
      pipeline.BytesOut(ObjectCause::kCatchUpRead) + pipeline.BytesOut(ObjectCause::kReadAhead),
      864'000 * kStoredSize.count());
}

}  // namespace
}  // namespace freshet
