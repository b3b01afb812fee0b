// The producer's loop against formulas: batches, requests in flight, memory, trouble.
#include <cmath>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "models/workload/keys.h"
#include "tests/models/mini_pipeline.h"
#include "tests/oracle/oracle_data.h"

namespace freshet {
namespace {

// One client, one broker, one replica, and nothing but the client takes time.
MiniSettings Alone() {
  MiniSettings s = Instant();
  s.brokers = 1;
  s.topic.partitions = 1;
  s.topic.replication_factor = 1;
  s.topic.min_in_sync_replicas = 1;
  s.producers.acks = Acks::kLeader;
  return s;
}

// --- Batches ---

struct BatchRow {
  const char* id;
  int64_t per_second;
  Duration linger;
  int64_t records;
  Duration run;
};

class ProducerBatchTest : public testing::TestWithParam<BatchRow> {};

TEST_P(ProducerBatchTest, MeetsTheClosedFormsOfLingerAndSize) {
  const BatchRow& row = GetParam();
  MiniSettings s = Alone();
  s.producers.arrivals = ArrivalLaw::kPoisson;
  s.producers.rate = Steady(row.per_second);
  s.producers.linger = row.linger;
  s.producers.batch_size = Bytes(61) + kStoredSize * row.records;
  s.producers.max_request_size = s.producers.batch_size;
  s.producers.buffer_memory = s.producers.batch_size * 16;
  MiniPipeline pipeline(s);
  pipeline.Run(row.run);
  const auto expect = [&](double value, const char* metric, double tolerance) {
    const double oracle = oracle::Value(row.id, metric);
    EXPECT_NEAR(value, oracle, tolerance * oracle) << metric;
  };
  const Histogram records = pipeline.ProducerHistogram(Producers::kBatchRecords);
  const Histogram wait = pipeline.ProducerHistogram(Producers::kBatchWait);
  expect(records.Mean(), "mean records per batch", 0.01);
  expect(static_cast<double>(records.count()) / row.run.ToSeconds(), "batches per second", 0.01);
  expect(wait.Mean() * 1e-9, "mean wait in batch (s)", 0.01);
  expect(static_cast<double>(wait.Quantile(50, 100)) * 1e-9, "wait p50 (s)", 0.02);
  expect(static_cast<double>(wait.Quantile(99, 100)) * 1e-9, "wait p99 (s)", 0.02);
  EXPECT_EQ(pipeline.Producer(Producers::kRequests), records.count());
}

INSTANTIATE_TEST_SUITE_P(
    Oracles, ProducerBatchTest,
    testing::Values(BatchRow{"B01", 100, Milliseconds(5), 16, Seconds(1500)},
                    BatchRow{"B02", 1'000, Milliseconds(5), 16, Seconds(500)},
                    BatchRow{"B03", 5'000, Milliseconds(5), 16, Seconds(300)},
                    BatchRow{"B04", 20'000, Milliseconds(250), 8192, Seconds(1000)},
                    BatchRow{"B05", 50'000, Milliseconds(250), 8192, Seconds(1000)}),
    [](const auto& row) { return std::string(row.param.id); });

// cal.I3: batches/s = rate / min(batch.size, rate x linger), where the record that opens a batch
// comes on top of those that its linger lets in.
TEST(ProducerTest, TheLingerMakesBatchesOfWhatComesMeanwhile) {
  MiniSettings s = Alone();
  s.producers.rate = Steady(50'000);
  s.producers.linger = Milliseconds(1);
  s.producers.batch_size = KiB(128);
  MiniPipeline pipeline(s);
  pipeline.Run(Milliseconds(10'200));
  const Histogram records = pipeline.ProducerHistogram(Producers::kBatchRecords);
  EXPECT_EQ(records.min(), 51);  // One every 20 us: the first, and fifty in its millisecond.
  EXPECT_EQ(records.max(), 51);
  EXPECT_NEAR(records.count(), 10'000, 1);  // One batch every 1.02 ms.
}

TEST(ProducerTest, AFullBatchDoesNotWaitForItsLinger) {
  MiniSettings s = Alone();
  s.producers.rate = Steady(16'000);
  s.producers.linger = Milliseconds(100);
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(10));
  EXPECT_NEAR(pipeline.Producer(Producers::kRequests), 10'000, 1);  // Sixteen a millisecond.
  EXPECT_EQ(pipeline.ProducerHistogram(Producers::kBatchWait).max(), 937'500);  // 15 gaps.
}

TEST(ProducerTest, WithoutLingerARecordLeavesAtOnce) {
  MiniSettings s = Alone();
  s.producers.linger = Duration::Zero();
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(10));
  EXPECT_NEAR(pipeline.Producer(Producers::kRequests), 10'000, 1);
  EXPECT_LE(pipeline.ProducerHistogram(Producers::kLatency).max(), 10);  // Cards round up.
}

TEST(ProducerTest, WithoutLingerBatchesGrowWhileTheRequestInFlightIsUnderWay) {
  MiniSettings s = Alone();
  s.producers.linger = Duration::Zero();
  s.producers.max_in_flight = 1;
  s.network.rtt_within_zone = Sampler::Constant(10'000'000);
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(10));
  EXPECT_NEAR(pipeline.ProducerHistogram(Producers::kBatchRecords).Mean(), 10, 0.1);
}

TEST(ProducerTest, KeyedRecordsFillABatchForEachPartition) {
  MiniSettings s = Alone();
  s.topic.partitions = 10;
  s.producers.keys = {KeyDistribution::Kind::kUniform, 1'000'000, 0, Ratio()};
  s.producers.arrivals = ArrivalLaw::kPoisson;
  s.producers.rate = Steady(5'000);
  s.producers.linger = Milliseconds(10);
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(100));
  // The first record starts its partition's linger, and when that is over the broker gets what all
  // partitions have: 1 + 50 records of 5000/s in 10 ms, in one batch and in those of the nine
  // others that have any, each with probability 1 - e^-5.
  const double batches = 1 + 9 * (1 - std::exp(-5));
  EXPECT_NEAR(pipeline.ProducerHistogram(Producers::kBatchRecords).Mean(), 51 / batches, 0.05);
  EXPECT_NEAR(pipeline.Producer(Producers::kRequests), 100 / 0.0102, 50);
}

TEST(ProducerTest, KeysGiveEachPartitionItsShare) {
  MiniSettings s = Alone();
  s.topic.partitions = 5;
  s.producers.keys = {KeyDistribution::Kind::kHot, 1000, 0, Ratio::Percent(40)};
  s.producers.arrivals = ArrivalLaw::kPoisson;
  s.producers.rate = Steady(10'000);
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(20));
  const std::vector<double> shares = PartitionShares(s.producers.keys, 5);
  EXPECT_GT(*std::max_element(shares.begin(), shares.end()), 0.4);
  for (PartitionId p = 0; p < 5; ++p) {
    const double expected = 200'000 * shares[p];
    EXPECT_NEAR(pipeline.log.LogOf(p).log_end_offset(), expected, 5 * std::sqrt(expected));
  }
}

TEST(ProducerTest, StickyByBatchSpreadsBatchesEvenly) {
  MiniSettings s = Alone();
  s.topic.partitions = 8;
  s.producers.rate = Steady(16'000);
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(10));
  for (PartitionId p = 0; p < 8; ++p) {
    const int64_t batches = pipeline.log.LogOf(p).log_end_offset() / kRecordsPerBatch;
    EXPECT_NEAR(batches, 1250, 5 * std::sqrt(1250));
  }
}

TEST(ProducerTest, StickyByBytesFillsBatchSizeBeforeItMovesOn) {
  MiniSettings s = Alone();
  s.topic.partitions = 100;
  s.producers.sticky = StickyRule::kPerBatchSizeBytes;
  s.producers.rate = Steady(1'000);
  s.producers.linger = Milliseconds(3);  // Four records a batch, four batches a partition.
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(1));
  int unfinished = 0;
  for (PartitionId p = 0; p < 100; ++p) {
    unfinished += pipeline.log.LogOf(p).log_end_offset() % 16 != 0;
  }
  EXPECT_LE(unfinished, 1);
}

// In Kafka a request takes the first batch of each partition; the last one fills up behind the
// others.
TEST(ProducerTest, ABatchBehindAnotherOneGoesOnFilling) {
  MiniSettings s = Alone();
  s.producers.rate = Steady(9'000);  // Five records in a linger of 0.5 ms.
  s.producers.linger = Microseconds(500);
  s.producers.max_in_flight = 1;
  s.network.rtt_within_zone = Sampler::Constant(2'000'000);  // 18 records a round trip.
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(10));
  EXPECT_GT(pipeline.ProducerHistogram(Producers::kBatchRecords).Mean(), 15.9);
}

// --- The window and the buffer ---

// A round trip of 10 ms and a broker that answers at once: five requests every 10 ms.
TEST(ProducerTest, RequestsInFlightBoundTheThroughput) {
  MiniSettings s = Alone();
  s.producers.rate = Steady(16'000);
  s.network.rtt_within_zone = Sampler::Constant(10'000'000);
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(20));
  EXPECT_NEAR(pipeline.Producer(Producers::kRequests), 500 * 20, 10);
  EXPECT_NEAR(pipeline.Producer(Producers::kAcked), 8'000 * 20, 200);
}

// cal.I8, Little's law: 2 x 127 batches of 16445 bytes fit the buffers; the broker's card passes
// 10 MB/s; so a record is 254 x 16445 / 10^7 = 417.7 ms under way, however many are offered.
TEST(ProducerTest, SaturatedLatencyIsTheBuffersOverTheThroughput) {
  for (const int64_t offered : {15'000, 30'000}) {
    MiniSettings s = Alone();
    s.producers.client_zones = {0, 0};
    s.producers.rate = Steady(offered);
    s.producers.buffer_memory = MiB(2);
    s.producers.max_block = Milliseconds(1);
    s.topic.partitions = 4;
    MiniPipeline pipeline(s);
    pipeline.Fault(FaultVerb::kThrottle, pipeline.nic_handles[0].get(), Seconds(1), Seconds(60),
                   BytesPerSecond(10'000'000));
    pipeline.faults.SchedulePhases(Seconds(10));
    pipeline.Run(Seconds(40));
    const Histogram latency = pipeline.ProducerHistogram(Producers::kLatency);
    EXPECT_NEAR(latency.Mean() * 1e-9, 0.4177, 0.03 * 0.4177) << offered;
    EXPECT_NEAR(static_cast<double>(latency.count()) / 30, 1e7 / 16445 * 16, 100);
    EXPECT_NEAR(pipeline.Producer(Producers::kBuffered), 254 * 16445, 5 * 16445);
    EXPECT_GT(pipeline.Producer(Producers::kRefused), 0);
  }
}

TEST(ProducerTest, WhatSendCannotTakeIsRefusedAfterMaxBlock) {
  MiniSettings s = Alone();
  s.producers.rate = Until(Seconds(50), 1'000);
  s.producers.buffer_memory = MiB(1);  // 63 batches.
  s.producers.max_block = Seconds(10);
  MiniPipeline pipeline(s);
  pipeline.Fault(FaultVerb::kDown, pipeline.broker_handles[0].get(), Seconds(1), Seconds(60));
  pipeline.Run(Seconds(40));
  EXPECT_EQ(pipeline.Producer(Producers::kBlocked), 1);
  // While it blocks: refused is what came 10 s ago and before, counted once a second.
  const int64_t at_40 =
      pipeline.Producer(Producers::kTaken) + pipeline.Producer(Producers::kRefused);
  EXPECT_LE(at_40, 30'000);
  EXPECT_GE(at_40, 29'000);
  pipeline.Run(Seconds(300));
  // All 50000 have an outcome; the brokers were back before the delivery timeout.
  EXPECT_EQ(pipeline.Producer(Producers::kTaken) + pipeline.Producer(Producers::kRefused), 50'000);
  EXPECT_EQ(pipeline.Producer(Producers::kAcked), pipeline.Producer(Producers::kTaken));
  EXPECT_EQ(pipeline.RecordsInLog(), pipeline.Producer(Producers::kAcked));
  EXPECT_EQ(pipeline.Producer(Producers::kBlocked), 0);
  EXPECT_EQ(pipeline.Producer(Producers::kBuffered), 0);
}

TEST(ProducerTest, ManyLargeBatchesOfIdlePartitionsDoNotEatTheBuffer) {
  MiniSettings s = Alone();
  s.topic.partitions = 100;
  s.producers.keys = {KeyDistribution::Kind::kUniform, 1'000'000, 0, Ratio()};
  s.producers.arrivals = ArrivalLaw::kPoisson;
  s.producers.batch_size = MiB(1);  // 100 of them would be three times the buffer.
  s.producers.rate = Steady(1'000);
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(20));
  EXPECT_LE(pipeline.ProducerHistogram(Producers::kLatency).max(), 5'100'000);  // The linger.
}

// --- Trouble ---

// One partition, two replicas; the follower's card passes nothing from 10 s to 30 s, and so nothing
// is acknowledged; the client gives up each request after 5 s.
MiniSettings Stuck(bool idempotent) {
  MiniSettings s = Plausible();
  s.brokers = 2;
  s.topic.partitions = 1;
  s.topic.replication_factor = 2;
  s.topic.min_in_sync_replicas = 1;
  s.cluster.replica_lag_time_max = Seconds(60);
  s.producers.rate = Until(Seconds(40), 1'000);
  s.producers.idempotent = idempotent;
  s.producers.request_timeout = Seconds(5);
  return s;
}

void RunStuck(MiniPipeline& pipeline) {
  const BrokerId leader = pipeline.log.CurrentMetadata(0)->leader[0];
  pipeline.Fault(FaultVerb::kThrottle, pipeline.nic_handles[static_cast<size_t>(1 - leader)].get(),
                 Seconds(10), Seconds(20));
  pipeline.Run(Seconds(100));
}

TEST(ProducerTest, ARequestThatIsNotAnsweredIsRepeatedWithoutDuplicates) {
  MiniPipeline pipeline(Stuck(true));
  RunStuck(pipeline);
  EXPECT_GT(pipeline.Producer(Producers::kRetries), 0);
  EXPECT_EQ(pipeline.Producer(Producers::kAcked), 40'000);
  EXPECT_EQ(pipeline.RecordsInLog(), 40'000);
  EXPECT_EQ(pipeline.Log(KafkaCluster::kDuplicates), 0);
}

TEST(ProducerTest, WithoutIdempotenceRepetitionsAreCountedAsDuplicates) {
  MiniPipeline pipeline(Stuck(false));
  RunStuck(pipeline);
  EXPECT_EQ(pipeline.Producer(Producers::kAcked), 40'000);
  EXPECT_GT(pipeline.Log(KafkaCluster::kDuplicates), 0);
  EXPECT_EQ(pipeline.RecordsInLog(), 40'000 + pipeline.Log(KafkaCluster::kDuplicates));
}

TEST(ProducerTest, ABatchFailsWhenItsDeliveryTimeIsOver) {
  MiniSettings s = Alone();
  s.producers.rate = Until(Seconds(20), 100);
  s.producers.acks = Acks::kAll;
  s.producers.request_timeout = Seconds(5);
  s.producers.delivery_timeout = Seconds(30);
  MiniPipeline pipeline(s);
  pipeline.Fault(FaultVerb::kDown, pipeline.broker_handles[0].get(), Seconds(10), Seconds(35));
  pipeline.Run(Seconds(100));
  // Back at 45 s: what was sent before 15 s has failed, the rest has arrived.
  EXPECT_EQ(pipeline.Producer(Producers::kTaken), 2'000);
  EXPECT_NEAR(pipeline.Producer(Producers::kFailed), 500, 20);
  EXPECT_EQ(pipeline.Producer(Producers::kAcked) + pipeline.Producer(Producers::kFailed), 2'000);
  EXPECT_EQ(pipeline.RecordsInLog(), pipeline.Producer(Producers::kAcked));
}

TEST(ProducerTest, AnIdleClientFindsTheNewLeaderToo) {
  MiniSettings s = Plausible();
  s.topic.partitions = 1;
  s.producers.rate = Until(Seconds(50), 1);  // Nothing is under way when the leader dies.
  MiniPipeline pipeline(s);
  const BrokerId leader = pipeline.log.CurrentMetadata(0)->leader[0];
  pipeline.Fault(FaultVerb::kDown, pipeline.broker_handles[static_cast<size_t>(leader)].get(),
                 Milliseconds(10'500), Duration::Zero());
  pipeline.Run(Seconds(60));
  EXPECT_EQ(pipeline.Producer(Producers::kAcked), 50);
  EXPECT_LT(pipeline.ProducerHistogram(Producers::kLatency).max(), Milliseconds(9'200).nanos());
}

TEST(ProducerTest, ARefusalForTooFewReplicasIsRepeatedUntilThereAreEnough) {
  MiniSettings s = Plausible();
  s.topic.partitions = 1;
  s.producers.rate = Until(Seconds(40), 100);
  MiniPipeline pipeline(s);
  const BrokerId leader = pipeline.log.CurrentMetadata(0)->leader[0];
  for (BrokerId broker = 0; broker < 3; ++broker) {
    if (broker == leader) continue;
    pipeline.Fault(FaultVerb::kDown, pipeline.broker_handles[static_cast<size_t>(broker)].get(),
                   Seconds(10), Seconds(20));
  }
  pipeline.Run(Seconds(20));
  EXPECT_EQ(pipeline.log.InSyncCount(0), 1);
  const int64_t acked = pipeline.Producer(Producers::kAcked);
  EXPECT_NEAR(acked, 1'000, 5);
  pipeline.Run(Seconds(29));
  EXPECT_EQ(pipeline.Producer(Producers::kAcked), acked);
  EXPECT_GT(pipeline.Producer(Producers::kRetries), 0);
  pipeline.Run(Seconds(60));
  EXPECT_EQ(pipeline.Producer(Producers::kAcked), 4'000);
  EXPECT_EQ(pipeline.RecordsInLog(), 4'000);
}

}  // namespace
}  // namespace freshet
