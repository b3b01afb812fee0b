// When closed segments become remote, how fast, and who goes on when a leader dies.
#include "gtest/gtest.h"
#include "tests/models/tiered/tiered_pipeline.h"

namespace freshet {
namespace {

Offset RemoteEnd(const MiniPipeline& pipeline) { return pipeline.log.RemoteLogAt(0).end_offset(); }

TEST(TieredCopyTest, AClosedSegmentIsCopiedByTheNextTask) {
  MiniPipeline pipeline(Tiered(Days(7)));
  // The first segment is closed by batch 101, at 16.16 s; the task of 30 s finds it.
  pipeline.Run(Milliseconds(30'335));
  EXPECT_EQ(RemoteEnd(pipeline), 0);
  pipeline.Run(Milliseconds(30'337));
  EXPECT_EQ(RemoteEnd(pipeline), kSegmentRecords);
  EXPECT_EQ(pipeline.Log(KafkaCluster::kRemoteBytes), kSegmentBytes);
  // Data, indexes (an entry of 20 bytes for each 4096 begun) with 1 KiB behind, manifest.
  EXPECT_EQ(pipeline.store->object_count(), 3);
  EXPECT_EQ(pipeline.store->stored().count(),
            kSegmentBytes + 20 * (kSegmentBytes / 4096 + 1) + 1024 + 1024);
  EXPECT_EQ(ValueOf(pipeline.sim, *pipeline.store, ObjectStore::kPutRequests), 3);

  // The next task begins 30 s after the end of the first, and finds two: closed by 48.16 s.
  pipeline.Run(Milliseconds(60'336 + 335));
  EXPECT_EQ(RemoteEnd(pipeline), kSegmentRecords);
  pipeline.Run(Milliseconds(60'337 + 336));
  EXPECT_EQ(RemoteEnd(pipeline), 2 * kSegmentRecords);
  pipeline.Run(Milliseconds(60'337 + 336 + 337));
  EXPECT_EQ(RemoteEnd(pipeline), 3 * kSegmentRecords);
  EXPECT_EQ(OfManagers(pipeline, RemoteLogManager::kCopiedBytes), 3 * kSegmentBytes);
}

TEST(TieredCopyTest, ALargeSegmentGoesInPartsOneAfterTheOther) {
  MiniSettings s = Tiered(Days(7));
  s.cluster.remote_log->part_size = MiB(1);  // 1 MiB and 595 924 bytes.
  MiniPipeline pipeline(s);
  // Created, 10 ms and 100 ms for the first part, 5.7 ms and 100 ms for the other, completed.
  pipeline.Run(Milliseconds(30'020 + 6 * 100 + 15));
  EXPECT_EQ(RemoteEnd(pipeline), 0);
  pipeline.Run(Milliseconds(30'020 + 6 * 100 + 17));
  EXPECT_EQ(RemoteEnd(pipeline), kSegmentRecords);
  EXPECT_EQ(ValueOf(pipeline.sim, *pipeline.store, ObjectStore::kPutRequests), 4 + 2);
}

TEST(TieredCopyTest, NothingAboveTheHighWatermarkIsCopied) {
  MiniSettings s = Tiered(Days(7));
  s.producers.acks = Acks::kLeader;
  s.producers.idempotent = false;
  MiniPipeline pipeline(s);
  // Followers stand still, and stay in the in-sync set for 30 s at the least.
  for (int follower = 1; follower < 3; ++follower) {
    pipeline.Fault(FaultVerb::kThrottle, pipeline.nic_handles[follower].get(), Seconds(8),
                   Minutes(10));
  }
  pipeline.Run(Seconds(31));
  ASSERT_LT(pipeline.log.LogOf(0).high_watermark(), kSegmentRecords);
  ASSERT_GT(pipeline.log.LogOf(0).segments().size(), 1);
  EXPECT_EQ(OfManagers(pipeline, RemoteLogManager::kCopyRequests), 0);
}

// Ten segments within 16 s, nine of them closed. A copy costs ten seconds of the quota, and of what
// was not used before ten seconds count: copies begin at 30 s, at once, at 40 s, 50 s and so on.
TEST(TieredCopyTest, TheQuotaHoldsToTheByte) {
  MiniSettings s = Tiered(Days(7));
  s.producers.rate = Until(Seconds(16), 1'000);
  s.cluster.remote_log->copy_quota = BytesPerSecond(kSegmentBytes / 10);
  MiniPipeline pipeline(s);
  const auto copied = [&] { return OfManagers(pipeline, RemoteLogManager::kCopiedSegments); };
  pipeline.Run(Milliseconds(39'900));
  EXPECT_EQ(copied(), 2);
  for (int64_t i = 3; i <= 9; ++i) {
    pipeline.Run(Seconds(10) * (i + 1) + Milliseconds(335));
    EXPECT_EQ(copied(), i - 1);
    pipeline.Run(Seconds(10) * (i + 1) + Milliseconds(337));
    EXPECT_EQ(copied(), i);
  }
  EXPECT_EQ(pipeline.log.LogOf(0).segments().size(), 10);
}

TEST(TieredCopyTest, OneCopierThreadCopiesPartitionAfterPartition) {
  MiniSettings s = Tiered(Days(7));
  s.brokers = s.topic.replication_factor = s.topic.min_in_sync_replicas = 1;
  s.topic.partitions = 4;
  s.topic.segments.bytes = Bytes(500'000);
  s.producers.rate = Until(Seconds(24), 100);
  MiniSettings one_thread = s;
  one_thread.cluster.remote_log->copier_threads = 1;
  MiniPipeline wide(s);
  MiniPipeline narrow(one_thread);
  wide.Run(Minutes(2));
  narrow.Run(Minutes(2));
  const int64_t segments = OfManagers(wide, RemoteLogManager::kCopiedSegments);
  ASSERT_GE(segments, 4);
  EXPECT_EQ(OfManagers(narrow, RemoteLogManager::kCopiedSegments), segments);
  // All at once, and one by one: 0.3 s each and more.
  MiniPipeline wide_again(s);
  MiniPipeline narrow_again(one_thread);
  wide_again.Run(Milliseconds(30'400));
  narrow_again.Run(Milliseconds(30'400));
  EXPECT_GE(OfManagers(wide_again, RemoteLogManager::kCopiedSegments), 4);
  EXPECT_EQ(OfManagers(narrow_again, RemoteLogManager::kCopiedSegments), 1);
}

TEST(TieredCopyTest, TheNextLeaderGoesOnFromTheRemoteLogEnd) {
  MiniSettings s = Tiered(Days(7));
  s.producers.rate = Until(Seconds(150), 100);
  MiniPipeline pipeline(s);
  const BrokerId leader = pipeline.log.CurrentMetadata(0)->leader[0];
  // In the middle of the third copy: the second task begins at 60.336 s.
  pipeline.Fault(FaultVerb::kDown, pipeline.broker_handles[leader].get(), Milliseconds(60'850),
                 Minutes(20));
  pipeline.Run(Milliseconds(60'900));
  EXPECT_EQ(RemoteEnd(pipeline), 2 * kSegmentRecords);
  pipeline.Run(Minutes(4));
  EXPECT_NE(pipeline.log.CurrentMetadata(0)->leader[0], leader);
  const auto& segments = pipeline.log.LogOf(0).segments();
  EXPECT_EQ(RemoteEnd(pipeline), segments.back().base_offset);
  EXPECT_EQ(pipeline.log.RemoteLogAt(0).size(), segments.size() - 1);
  // The dead broker's two, and what its successor copied: nothing twice.
  EXPECT_EQ(OfManagers(pipeline, RemoteLogManager::kCopiedSegments),
            static_cast<int64_t>(segments.size()) - 1);
}

TEST(TieredCopyTest, ABrokerThatIsSoonBackGoesOnToo) {
  MiniPipeline pipeline(Tiered(Days(7)));
  const BrokerId leader = pipeline.log.CurrentMetadata(0)->leader[0];
  pipeline.Fault(FaultVerb::kDown, pipeline.broker_handles[leader].get(), Seconds(20), Seconds(3));
  pipeline.Run(Minutes(2));
  // Registered again only when its old session has ended: a follower leads by then.
  EXPECT_GE(pipeline.Log(KafkaCluster::kElections), 1);
  EXPECT_GE(RemoteEnd(pipeline), 4 * kSegmentRecords);
  EXPECT_EQ(OfManagers(pipeline, RemoteLogManager::kCopiedSegments),
            static_cast<int64_t>(pipeline.log.RemoteLogAt(0).size()));
}

}  // namespace
}  // namespace freshet
