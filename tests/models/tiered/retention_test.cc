// What disks keep of a tiered log and what remote storage keeps.
#include "gtest/gtest.h"
#include "tests/models/tiered/tiered_pipeline.h"

namespace freshet {
namespace {

int64_t OnDisk(const MiniPipeline& pipeline, BrokerId broker) {
  return const_cast<MiniPipeline&>(pipeline).log.broker(broker).SegmentBytes().count();
}

// The check of 330 s finds 16 segments whose latest record is older than a minute: the 17th ends at
// 272 s. The log itself keeps all.
TEST(TieredRetentionTest, DisksKeepTheLocalTailAndTheLogAllOfIt) {
  MiniPipeline pipeline(Tiered(Minutes(1)));
  pipeline.Run(Seconds(331));
  EXPECT_EQ(pipeline.log.LocalLogStart(0), 16 * kSegmentRecords);
  EXPECT_EQ(pipeline.log.LogOf(0).log_start_offset(), 0);
  EXPECT_EQ(pipeline.Log(KafkaCluster::kDeleted), 0);
  pipeline.Run(Seconds(391));  // The files are unlinked.
  for (BrokerId broker = 0; broker < 3; ++broker) {
    EXPECT_EQ(OnDisk(pipeline, broker), pipeline.log.LogOf(0).bytes().count() - 16 * kSegmentBytes);
  }
}

TEST(TieredRetentionTest, LocalRetentionBySizeKeepsAtLeastSoMuch) {
  MiniSettings s = Tiered(Days(7));
  s.topic.local_retention->bytes = Bytes(3 * kSegmentBytes);
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(331));
  // 330 s are 20 segments and 62 batches: of 20 whole ones 17 can go, and 3.62 stay.
  EXPECT_EQ(pipeline.log.LocalLogStart(0), 17 * kSegmentRecords);
}

TEST(TieredRetentionTest, WhileTheStoreIsDownDisksGrowAndAreRelievedLater) {
  MiniPipeline pipeline(Tiered(Minutes(1)));
  pipeline.Fault(FaultVerb::kDown, pipeline.store_handle.get(), Seconds(20), Seconds(600));
  pipeline.Run(Seconds(619));
  // Two checks have passed, and nothing could go.
  EXPECT_EQ(pipeline.log.LocalLogStart(0), 0);
  EXPECT_EQ(OnDisk(pipeline, 0), pipeline.log.LogOf(0).bytes().count());
  EXPECT_GT(OfManagers(pipeline, RemoteLogManager::kCopyErrors), 5);
  EXPECT_EQ(OfManagers(pipeline, RemoteLogManager::kCopiedSegments), 0);
  // The last task looked within 30 s and the time that a copy takes to fail: 38 or 37 closed.
  EXPECT_GE(OfManagers(pipeline, RemoteLogManager::kCopyLagSegments), 35);
  EXPECT_EQ(OfManagers(pipeline, RemoteLogManager::kCopyLagBytes),
            OfManagers(pipeline, RemoteLogManager::kCopyLagSegments) * kSegmentBytes);
  pipeline.Run(Seconds(931));  // Copied, and the check of 930 s has been.
  // 930 s - 60 s: the 55th segment ends at 880 s, so 54 go.
  EXPECT_EQ(pipeline.log.LocalLogStart(0), 54 * kSegmentRecords);
  EXPECT_LE(OfManagers(pipeline, RemoteLogManager::kCopyLagSegments), 2);
}

TEST(TieredRetentionTest, ADiskFillsWhileCopiesFailAndItsBrokerHalts) {
  MiniSettings s = Tiered(Minutes(1));
  s.first_broker_volume = Bytes(30 * kSegmentBytes);
  s.consumers = Reading();
  {
    MiniPipeline healthy(s);
    healthy.Run(Seconds(800));
    EXPECT_TRUE(healthy.log.IsUp(0));
  }
  MiniPipeline pipeline(s);
  pipeline.Fault(FaultVerb::kDown, pipeline.store_handle.get(), Seconds(20), Seconds(600));
  pipeline.Run(Seconds(600));
  EXPECT_FALSE(pipeline.log.IsUp(0));
  EXPECT_EQ(ValueOf(pipeline.sim, pipeline.log.broker(0), KafkaBroker::kLogDirFailures), 1);
}

TEST(TieredRetentionTest, TheExpirationTaskDeletesByTotalRetention) {
  MiniPipeline pipeline(Tiered(Seconds(60), Seconds(120)));
  pipeline.Run(Seconds(400));
  const PartitionLog& log = pipeline.log.LogOf(0);
  const RemoteLog& remote = pipeline.log.RemoteLogAt(0);
  // The last task looked at 370 s or later: what ended before 250 s is gone, 15 segments, and what
  // ends after 280 s is not, the 18th and later.
  EXPECT_GE(log.log_start_offset(), 15 * kSegmentRecords);
  EXPECT_LE(log.log_start_offset(), 17 * kSegmentRecords);
  EXPECT_EQ(pipeline.Log(KafkaCluster::kDeleted), log.log_start_offset());
  // Every object that is left belongs to a segment that is left, and is deleted one by one.
  EXPECT_EQ(remote.deleted().size(), 0);
  EXPECT_EQ(pipeline.store->object_count(), 3 * remote.size());
  EXPECT_EQ(OfManagers(pipeline, RemoteLogManager::kDeletedSegments),
            log.log_start_offset() / kSegmentRecords);
  EXPECT_EQ(pipeline.Log(KafkaCluster::kRemoteBytes), remote.bytes().count());
}

TEST(TieredRetentionTest, HistoryBeyondLocalRetentionBeginsInTheStore) {
  MiniSettings s = Tiered(Seconds(160));
  s.producers.rate = Until(Milliseconds(1), 100);
  s.topic.segments.bytes = Bytes(1'600 * 1'024);
  s.topic.history = Seconds(1'600);
  s.topic.history_rate = Rate::PerSecond(100);
  s.topic.history_record_bytes = kStoredSize;
  MiniPipeline pipeline(s);
  // 100 segments, the last one active; disks keep the last ten, whose records are younger, and the
  // one whose last record is just 160 s old.
  EXPECT_EQ(pipeline.log.RemoteLogAt(0).size(), 99);
  EXPECT_EQ(pipeline.store->object_count(), 3 * 99);
  EXPECT_EQ(pipeline.log.LocalLogStart(0), 89 * 1'600);
  EXPECT_EQ(OnDisk(pipeline, 0), 11 * 1'600 * 1'024);
  EXPECT_EQ(ValueOf(pipeline.sim, *pipeline.store, ObjectStore::kPutRequests), 0);
}

}  // namespace
}  // namespace freshet
