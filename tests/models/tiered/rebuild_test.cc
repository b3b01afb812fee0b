// A replica that begins anew copies what its leader's disk has, and no more.
#include "gtest/gtest.h"
#include "tests/models/tiered/tiered_pipeline.h"

namespace freshet {
namespace {

// 600 s of writing are 60 000 records. With a local retention of a minute the check of 630 s leaves
// what ends after 570 s: 35 segments are gone, 4000 records (250 batches) stay.
TEST(TieredRebuildTest, OnlyTheLocalTailIsCopied) {
  for (const bool tiered : {true, false}) {
    MiniSettings s = Tiered(Minutes(1));
    if (!tiered) s.topic.local_retention.reset();
    s.producers.rate = Until(Seconds(600), 100);
    MiniPipeline pipeline(s);
    pipeline.Fault(FaultVerb::kLose, pipeline.disk_handles[0].get(), Seconds(700), Seconds(20));
    pipeline.Run(Seconds(719));
    const auto replicated = [&] {
      return ValueOf(pipeline.sim, pipeline.log.broker(0), KafkaBroker::kReplicatedIn);
    };
    const int64_t before = replicated();
    EXPECT_EQ(pipeline.log.broker(0).SegmentBytes(), Bytes(0));
    EXPECT_EQ(pipeline.Log(KafkaCluster::kUnderReplicated), 1);
    pipeline.Run(Seconds(760));
    EXPECT_EQ(pipeline.Log(KafkaCluster::kUnderReplicated), 0);
    const int64_t copied = (tiered ? 250 : 3'750) * kBatchBytes;
    EXPECT_EQ(replicated() - before, copied);
    EXPECT_EQ(pipeline.log.broker(0).SegmentBytes().count(), copied);
    if (!tiered) continue;
    EXPECT_EQ(pipeline.Log(KafkaCluster::kAuxiliaryStates), 1);
    // Manifest, leader epochs, snapshot of producers.
    EXPECT_EQ(ValueOf(pipeline.sim, *pipeline.store, ObjectStore::kGetRequests), 3);
  }
}

TEST(TieredRebuildTest, TimeGrowsWithTheLocalTail) {
  const auto rebuild_time = [](Duration local) {
    MiniSettings s = Tiered(local);
    s.producers.rate = Until(Seconds(600), 100);
    s.cluster.replication_throttle = BytesPerSecond(1'000'000);
    MiniPipeline pipeline(s);
    pipeline.Fault(FaultVerb::kLose, pipeline.disk_handles[0].get(), Seconds(700), Seconds(20));
    Duration at = Seconds(721);
    pipeline.Run(at);
    while (pipeline.Log(KafkaCluster::kUnderReplicated) > 0) pipeline.Run(at += Milliseconds(100));
    return at - Seconds(720);
  };
  // 250 batches are 4.1 MB; of five minutes, 14 more segments: 27.1 MB; all: 61.7 MB.
  const Duration minute = rebuild_time(Minutes(1));
  const Duration five = rebuild_time(Minutes(5));
  const Duration all = rebuild_time(Days(7));
  EXPECT_NEAR(static_cast<double>(minute / Milliseconds(1)), 4'100, 1'500);
  EXPECT_NEAR(static_cast<double>(five / Milliseconds(1)), 28'800, 2'500);
  EXPECT_NEAR(static_cast<double>(all / Milliseconds(1)), 61'700, 3'000);
}

TEST(TieredRebuildTest, AReplicaThatWasAwayTooLongBeginsAtTheLocalLogStart) {
  MiniSettings s = Tiered(Minutes(1));
  s.producers.rate = Until(Seconds(600), 100);
  MiniPipeline pipeline(s);
  const BrokerId leader = pipeline.log.CurrentMetadata(0)->leader[0];
  const BrokerId follower = leader == 0 ? 1 : 0;
  pipeline.Fault(FaultVerb::kDown, pipeline.broker_handles[follower].get(), Seconds(10),
                 Seconds(690));
  pipeline.Run(Minutes(15));
  EXPECT_EQ(pipeline.Log(KafkaCluster::kUnderReplicated), 0);
  EXPECT_EQ(pipeline.Log(KafkaCluster::kAuxiliaryStates), 1);
  EXPECT_EQ(pipeline.log.broker(follower).SegmentBytes(),
            pipeline.log.broker(leader).SegmentBytes());
}

TEST(TieredRebuildTest, WithoutTheStoreItWaits) {
  MiniSettings s = Tiered(Minutes(1));
  s.producers.rate = Until(Seconds(600), 100);
  MiniPipeline pipeline(s);
  pipeline.Fault(FaultVerb::kLose, pipeline.disk_handles[0].get(), Seconds(700), Seconds(20));
  pipeline.Fault(FaultVerb::kDown, pipeline.store_handle.get(), Seconds(710), Seconds(100));
  pipeline.Run(Seconds(800));
  EXPECT_EQ(pipeline.Log(KafkaCluster::kUnderReplicated), 1);
  pipeline.Run(Seconds(900));
  EXPECT_EQ(pipeline.Log(KafkaCluster::kUnderReplicated), 0);
}

}  // namespace
}  // namespace freshet
