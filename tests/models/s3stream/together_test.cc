// All at once: retention, history, compaction, self-balancing, routing by zones, crashes and an
// outage of the store. Every audit runs all the while; what was acknowledged is there once.
#include "gtest/gtest.h"
#include "tests/models/s3stream/s3stream_pipeline.h"

namespace freshet {
namespace {

S3Settings Everything(uint64_t seed) {
  S3Settings s = PlausibleS3();
  s.seed = seed;
  const auto varied = static_cast<int>(seed);
  s.brokers = 3 + varied % 4;
  s.network.zones = {"a", "b", "c"};
  s.topic.partitions = 9 + varied % 7;
  s.topic.segments = {Bytes(300'000), Days(7)};
  s.topic.retention.time = Seconds(20 + 15 * (varied % 5));
  s.topic.history = Minutes(30);
  s.topic.history_rate = Rate::PerSecond(500);
  s.topic.history_record_bytes = kStoredSize;
  s.broker.log_cache = MiB(6);
  s.broker.upload_interval = Seconds(5);
  s.broker.compactor.interval = Seconds(65);
  s.broker.compactor.stream_interval = Seconds(40);
  s.cluster.retention_check_interval = Seconds(7);
  s.cluster.deleted_object_retention = Seconds(3);
  s.cluster.router_channel = std::get<S3Wal::Config>(s.broker.wal);
  s.cluster.router_channel->cause = ObjectCause::kRouter;
  AutoBalancer::Config balancer;
  balancer.report_interval = Seconds(3);
  balancer.metrics_delay = Seconds(9);
  balancer.detect_interval = Seconds(5);
  balancer.goals = {
      {{Ratio::Percent(10), BytesPerSecond(1)}, {Ratio::Percent(10), BytesPerSecond(1)}}};
  balancer.most_moves = 3;
  balancer.execution_interval = Seconds(1);
  s.cluster.balancer = balancer;
  s.producers.client_zones = {0, 1, 2, 0};
  s.producers.arrivals = ArrivalLaw::kPoisson;
  s.producers.rate = Until(Seconds(150), 2'000);
  s.consumers = Reading(3);
  s.consumers->member_zones = {0, 1, 2};
  if (varied % 3 == 0) s.consumers->cpu_per_record = Milliseconds(2);
  return s;
}

TEST(S3StreamTogetherTest, WhatIsAcknowledgedIsThereOnce) {  // inv.I10, inv.I13
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    S3Pipeline pipeline(Everything(seed));
    pipeline.sim.SetPeriodicAudits(true);
    const int64_t history = pipeline.RecordsInLog();
    const int brokers = pipeline.log.broker_count();
    for (int i = 0; i < 8; ++i) {
      const auto at = static_cast<int64_t>(seed) * 131 % 900 + 8'000 + 17'000 * i;
      const auto lasts = 700 + (static_cast<int64_t>(seed) * 313 + i * 2711) % 15'000;
      pipeline.Down(pipeline.Broker((static_cast<BrokerId>(seed) * 7 + 5 * i) % brokers),
                    Milliseconds(at), Milliseconds(lasts));
    }
    if (seed % 2 == 0) pipeline.Down(&pipeline.store_handle, Seconds(60), Seconds(12));
    pipeline.Run(Seconds(500));
    EXPECT_EQ(pipeline.Producer(Producers::kFailed), 0) << seed;
    EXPECT_EQ(pipeline.Log(BrokerCluster::kLostAcked), 0) << seed;
    EXPECT_EQ(pipeline.RecordsInLog(), history + pipeline.Producer(Producers::kAcked)) << seed;
    EXPECT_EQ(pipeline.Consumer(Consumers::kLag), 0) << seed;
    EXPECT_EQ(pipeline.Log(BrokerCluster::kOffline), 0) << seed;
    EXPECT_GT(pipeline.Log(S3StreamCluster::kMoves), 0) << seed;
    EXPECT_GT(pipeline.BytesIn(ObjectCause::kRouter), 0) << seed;
    // Seven minutes after the last record nothing is young enough to be kept.
    for (PartitionId id = 0; id < pipeline.Partitions(); ++id) {
      EXPECT_TRUE(pipeline.log.objects().ExtentsOf(id).empty()) << seed;
    }
  }
}

}  // namespace
}  // namespace freshet
