// Replication, the high watermark and the in-sync set, to the nanosecond where nothing is random.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/models/mini_pipeline.h"

namespace freshet {
namespace {

// A record every 100 ms, sent at once; only the network takes time: 1 ms for a round trip.
MiniSettings Sparse(Acks acks, int replication_factor) {
  MiniSettings s = Instant();
  s.network.rtt_within_zone = Sampler::Constant(1'000'000);
  s.topic.partitions = 1;
  s.topic.replication_factor = replication_factor;
  s.topic.min_in_sync_replicas = 1;
  s.producers.acks = acks;
  s.producers.linger = Duration::Zero();
  s.producers.rate = Steady(10);
  return s;
}

constexpr int64_t kRounding = 20;  // Cards round each message up to a nanosecond.

TEST(ReplicationTest, AcksOneTakesOneRoundTrip) {
  MiniPipeline pipeline(Sparse(Acks::kLeader, 3));
  pipeline.Run(Seconds(10));
  const Histogram latency = pipeline.ProducerHistogram(Producers::kLatency);
  EXPECT_EQ(latency.count(), 99);
  EXPECT_NEAR(latency.min(), 1'000'000, kRounding);
  EXPECT_NEAR(latency.max(), 1'000'000, kRounding);
}

// Half a round trip to the leader, half to the follower whose fetch waits there, half for the fetch
// that acknowledges, half for the answer.
TEST(ReplicationTest, AcksAllTakesTwoRoundTrips) {
  MiniPipeline pipeline(Sparse(Acks::kAll, 3));
  pipeline.Run(Seconds(10));
  const Histogram latency = pipeline.ProducerHistogram(Producers::kLatency);
  EXPECT_NEAR(latency.min(), 2'000'000, kRounding);
  EXPECT_NEAR(latency.max(), 2'000'000, kRounding);
}

TEST(ReplicationTest, AloneInSyncAcksAllTakesOneRoundTrip) {
  MiniPipeline pipeline(Sparse(Acks::kAll, 1));
  pipeline.Run(Seconds(10));
  EXPECT_NEAR(pipeline.ProducerHistogram(Producers::kLatency).max(), 1'000'000, kRounding);
}

TEST(ReplicationTest, ConsumersReadWhatIsReplicatedEvenIfItIsAcknowledgedBefore) {
  MiniSettings s = Sparse(Acks::kLeader, 3);
  s.consumers = Reading();
  s.consumers->network_bandwidth = s.producers.network_bandwidth;
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(10));
  const Histogram latency = HistogramOf(pipeline.sim, *pipeline.consumers, Consumers::kEndToEnd);
  EXPECT_EQ(latency.count(), 99);
  EXPECT_NEAR(latency.min(), 2'000'000, kRounding);
  EXPECT_NEAR(latency.max(), 2'000'000, kRounding);
}

// The broker takes one request of a connection at a time until it has answered: with a window of
// five it is busy without a pause, a round trip to the followers for each; with a window of one the
// way of request and answer comes on top.
TEST(ReplicationTest, AConnectionIsMutedUntilTheAnswer) {
  for (const auto& [in_flight, per_second] : {std::pair(5, 1000), std::pair(1, 500)}) {
    MiniSettings s = Sparse(Acks::kAll, 3);
    s.producers.max_in_flight = in_flight;
    s.producers.rate = Steady(32'000);
    s.producers.max_block = Milliseconds(1);
    MiniPipeline pipeline(s);
    pipeline.Run(Seconds(10));
    EXPECT_NEAR(pipeline.Producer(Producers::kAcked), 10 * per_second * kRecordsPerBatch,
                2 * per_second);
  }
}

TEST(ReplicationTest, EveryReplicaGetsEveryByteOnce) {
  MiniSettings s = Plausible();
  s.producers.rate = Until(Seconds(10), 5'000);
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(20));
  int64_t led = 0;
  int64_t copied = 0;
  for (BrokerId broker = 0; broker < 3; ++broker) {
    led += pipeline.log.broker(broker).bytes_in().Value();
    copied += pipeline.log.broker(broker).replicated_bytes_in().Value();
  }
  EXPECT_EQ(led, pipeline.Producer(Producers::kBytesAcked));
  EXPECT_EQ(copied, 2 * led);
}

// An answer has room for two of three partitions: who had no turn comes first in the next one.
TEST(ReplicationTest, WhatDoesNotFitIntoAnAnswerKeepsItsTurn) {
  MiniSettings s = Instant();
  s.brokers = 1;
  s.topic.partitions = 3;
  s.topic.replication_factor = s.topic.min_in_sync_replicas = 1;
  s.producers.rate = Until(Milliseconds(40), 10'000);
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(1));
  FetchSession session;
  session.request_on = session.reply_on =
      pipeline.network.Connect(pipeline.log.HostOf(0), pipeline.log.HostOf(0));
  session.max_bytes = kBatchSize * 2 + KiB(8);
  session.max_partition_bytes = kBatchSize;
  for (PartitionId p = 0; p < 3; ++p) session.positions.push_back({p, 0});
  std::vector<std::vector<PartitionId>> answers;
  session.on_response = [&] {
    std::vector<PartitionId>& answer = answers.emplace_back();
    for (const FetchedRange& range : session.response) answer.push_back(range.partition);
    if (answers.size() < 5) pipeline.log.Fetch(&session, 0);
  };
  pipeline.log.OpenSession(&session, 0);
  pipeline.log.Fetch(&session, 0);
  pipeline.Run(Seconds(2));
  pipeline.log.CloseSession(&session, 0);
  EXPECT_THAT(answers, testing::ElementsAre(testing::ElementsAre(0, 1), testing::ElementsAre(2, 0),
                                            testing::ElementsAre(1, 2), testing::ElementsAre(0, 1),
                                            testing::ElementsAre(2, 0)));
}

TEST(ReplicationTest, EachBatchIsFlushedWhereTheTopicSaysSo) {
  MiniSettings s = Sparse(Acks::kAll, 3);
  s.topic.flush_messages = 1;
  s.broker.volume.flush_latency = Sampler::Constant(5'000'000);
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(10));
  // Two round trips, a flush of 5 ms at the leader and one at the followers, side by side.
  EXPECT_NEAR(pipeline.ProducerHistogram(Producers::kLatency).max(), 12'000'000, kRounding);
}

// The sweep comes every 15 s and drops who has not been caught up for 30 s. Stalled at 10 s: at 30
// s it is late by 20 s only, at 45 s it goes.
TEST(ReplicationTest, AStalledFollowerIsDroppedByTheSweepAndComesBack) {
  MiniSettings s = Plausible();
  s.topic.partitions = 1;
  s.producers.rate = Until(Seconds(100), 1'000);
  MiniPipeline pipeline(s);
  const BrokerId follower = (pipeline.log.CurrentMetadata(0)->leader[0] + 1) % 3;
  pipeline.Fault(FaultVerb::kThrottle, pipeline.nic_handles[static_cast<size_t>(follower)].get(),
                 Seconds(10), Seconds(60));
  pipeline.Run(Milliseconds(44'900));
  EXPECT_EQ(pipeline.log.InSyncCount(0), 3);
  EXPECT_NEAR(pipeline.Producer(Producers::kAcked), 10'000, 20);  // acks=all waits meanwhile.
  pipeline.Run(Milliseconds(46'000));
  EXPECT_EQ(pipeline.log.InSyncCount(0), 2);
  EXPECT_GT(pipeline.Producer(Producers::kAcked), 30'000);
  EXPECT_EQ(pipeline.Log(KafkaCluster::kUnderReplicated), 1);
  pipeline.Run(Milliseconds(69'900));
  EXPECT_EQ(pipeline.log.InSyncCount(0), 2);
  pipeline.Run(Seconds(75));
  EXPECT_EQ(pipeline.log.InSyncCount(0), 3);
  EXPECT_EQ(pipeline.Log(KafkaCluster::kUnderReplicated), 0);
  pipeline.Run(Seconds(120));
  EXPECT_EQ(pipeline.Producer(Producers::kAcked), 100'000);
  EXPECT_EQ(pipeline.RecordsInLog(), 100'000);
}

TEST(ReplicationTest, ShrinkTakesBetweenThirtyAndFortyFiveSeconds) {
  for (int64_t stalled_at = 8; stalled_at < 24; stalled_at += 3) {
    MiniSettings s = Plausible();
    s.topic.partitions = 1;
    MiniPipeline pipeline(s);
    const BrokerId follower = (pipeline.log.CurrentMetadata(0)->leader[0] + 1) % 3;
    pipeline.Fault(FaultVerb::kThrottle, pipeline.nic_handles[static_cast<size_t>(follower)].get(),
                   Seconds(stalled_at), Duration::Zero());
    pipeline.Run(Milliseconds(stalled_at * 1000 + 29'900));
    EXPECT_EQ(pipeline.log.InSyncCount(0), 3) << stalled_at;
    pipeline.Run(Milliseconds(stalled_at * 1000 + 45'100));
    EXPECT_EQ(pipeline.log.InSyncCount(0), 2) << stalled_at;
  }
}

TEST(ReplicationTest, APartitionWithoutTrafficKeepsItsReplicasInSync) {
  MiniSettings s = Plausible();
  s.topic.partitions = 50;
  s.network.rtt_within_zone = Sampler::Constant(100'000'000);  // Sweeps do meet open fetches.
  s.producers.rate = Steady(2);
  MiniPipeline pipeline(s);
  for (int second = 1; second < 1000; ++second) {
    pipeline.Run(Seconds(second));
    ASSERT_EQ(pipeline.Log(KafkaCluster::kUnderReplicated), 0) << second;
  }
}

}  // namespace
}  // namespace freshet
