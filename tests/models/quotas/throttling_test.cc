// Clients under quotas before brokers of every design: what they get through, and who feels it.
#include <memory>

#include "gtest/gtest.h"
#include "models/broker/client_quotas.h"
#include "tests/models/mini_pipeline.h"

namespace freshet {
namespace {

constexpr int64_t kBatchBytes = kBatchSize.count();

// One broker with six partitions; nothing but clients and quotas takes time. 2000 records a second
// are 125 batches of sixteen.
MiniSettings Throttled(int64_t producer_byte_rate) {
  MiniSettings s = Instant();
  s.brokers = 1;
  s.topic.replication_factor = 1;
  s.topic.min_in_sync_replicas = 1;
  s.producers.rate = Steady(2'000);
  s.producers.linger = Milliseconds(100);
  s.cluster.quotas.emplace();
  s.cluster.quotas->by_default[QuotaType::kProduce] = producer_byte_rate;
  return s;
}

int64_t LogBytesIn(MiniPipeline& pipeline, Duration from, Duration to) {
  pipeline.Run(from);
  const int64_t before = pipeline.BytesInLog().count();
  pipeline.Run(to);
  return pipeline.BytesInLog().count() - before;
}

// Conservation: what the log has is what was acknowledged, or is about to be.
void ExpectNothingLost(const MiniPipeline& pipeline) {
  EXPECT_EQ(pipeline.Producer(Producers::kFailed), 0);
  EXPECT_EQ(pipeline.Log(BrokerCluster::kDuplicates), 0);
  const int64_t in_log = pipeline.RecordsInLog();
  const int64_t acked = pipeline.Producer(Producers::kAcked);
  EXPECT_GE(in_log, acked);
  EXPECT_LE(in_log, acked + 5 * 6 * kRecordsPerBatch);
}

// What leaves the window is what may come: the rhythm of the first eleven seconds, five at full
// rate and six of silence, comes again and again, and over whole rounds of it the mean is the
// quota.
constexpr Duration kFrom = Seconds(22);
constexpr Duration kTo = Seconds(88);

TEST(ThrottlingTest, AProducerAtTwiceItsQuotaGetsItsQuota) {
  for (const Acks acks : {Acks::kNone, Acks::kLeader, Acks::kAll}) {
    SCOPED_TRACE(static_cast<int>(acks));
    const int64_t quota = 1'250 * kBatchBytes / 2;
    MiniSettings s = Throttled(quota);
    s.producers.rate = Steady(20'000);
    s.producers.acks = acks;
    s.producers.max_block = Seconds(10);
    MiniPipeline pipeline(s);
    const int64_t bytes = LogBytesIn(pipeline, kFrom, kTo);
    EXPECT_NEAR(static_cast<double>(bytes), 66.0 * quota, 0.01 * 66 * quota);
    if (acks != Acks::kNone) ExpectNothingLost(pipeline);
    // Of the other half, 880'000, a tenth went in the first five seconds, the buffer holds 32'000,
    // and what has waited for ten seconds was refused.
    EXPECT_GT(pipeline.Producer(Producers::kRefused), 600'000);
    EXPECT_EQ(pipeline.Log(BrokerCluster::kLostAcked), 0);
  }
}

TEST(ThrottlingTest, TheFirstTenWindowsWorthGoAtOnce) {
  const int64_t quota = 125 * kBatchBytes / 2;
  MiniPipeline pipeline(Throttled(quota));
  // Ten windows of the quota have come after five seconds at twice the rate: no wait until then.
  pipeline.Run(Milliseconds(4'900));
  EXPECT_EQ(pipeline.ProducerHistogram(ClientQuotas::kProduceThrottle).max(), 0);
  pipeline.Run(Milliseconds(5'500));
  EXPECT_GT(pipeline.ProducerHistogram(ClientQuotas::kProduceThrottle).max(), 0);
}

TEST(ThrottlingTest, BelowItsQuotaAClientFeelsNothing) {
  MiniSettings s = Throttled(125 * kBatchBytes * 101 / 100);
  MiniPipeline throttled(s);
  throttled.Run(Seconds(60));
  s.cluster.quotas.reset();
  MiniPipeline free(s);
  free.Run(Seconds(60));
  const Histogram with = throttled.ProducerHistogram(Producers::kLatency);
  const Histogram without = free.ProducerHistogram(Producers::kLatency);
  EXPECT_EQ(with.count(), without.count());
  EXPECT_EQ(with.max(), without.max());
  EXPECT_EQ(throttled.ProducerHistogram(ClientQuotas::kProduceThrottle).max(), 0);
}

TEST(ThrottlingTest, AnotherClientIsNotTouched) {
  MiniSettings s = Throttled(125 * kBatchBytes / 2);
  Producers::Config quiet_config = s.producers;
  quiet_config.rate = Steady(500);
  MiniPipeline pipeline(s);
  Producers quiet(pipeline.sim, "quiet", &pipeline.network, &pipeline.log, quiet_config);
  quiet.Start();
  pipeline.Run(Seconds(30));
  const Histogram latency = HistogramOf(pipeline.sim, quiet, Producers::kLatency);
  EXPECT_EQ(HistogramOf(pipeline.sim, quiet, ClientQuotas::kProduceThrottle).max(), 0);
  EXPECT_LE(latency.max(), Milliseconds(101).nanos());  // Its linger.
  EXPECT_GE(latency.count(), 500 * 29);
  EXPECT_GT(pipeline.ProducerHistogram(Producers::kLatency).max(), Seconds(1).nanos());
}

// While a channel is muted nothing that is in flight on it is taken; the client sends nothing.
TEST(ThrottlingTest, RequestsInFlightWaitUntilTheChannelIsHeardAgain) {
  MiniSettings s = Throttled(10 * kBatchBytes);
  s.network.rtt_within_zone = Sampler::Constant(100'000'000);
  s.producers.rate = Steady(16 * 1'000);
  s.producers.linger = Duration::Zero();
  MiniPipeline pipeline(s);
  // A request has one batch of some partitions; their throttles add up to what was sent.
  pipeline.Run(Seconds(60));
  const int64_t bytes = pipeline.BytesInLog().count();
  const int64_t requests = pipeline.Producer(Producers::kRequests);
  // Five in flight may pass over the first ten windows' worth and 60 s.
  EXPECT_LE(bytes, (10 + 60 + 11) * 10 * kBatchBytes + 5 * 6 * kBatchBytes);
  EXPECT_GE(bytes, 50 * 10 * kBatchBytes);
  EXPECT_GT(requests, 60);
  ExpectNothingLost(pipeline);
}

// A backlog of 3.6 GB is read at the quota.
TEST(ThrottlingTest, AConsumerReadsAtItsQuota) {
  MiniSettings s = Throttled(int64_t{1} << 40);
  s.producers.rate = Steady(1);
  s.topic.history = Minutes(60);
  s.topic.history_rate = Rate::PerSecond(1'000);
  s.topic.history_record_bytes = kStoredSize;
  s.topic.retention.time = Minutes(600);
  s.consumers = Reading();
  s.consumers->max_partition_fetch_bytes = KiB(16);
  s.cluster.quotas->by_default[QuotaType::kFetch] = 10'000'000;
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(60));
  const int64_t before = pipeline.Consumer(Consumers::kBytesRead);
  pipeline.Run(Seconds(180));
  const int64_t read = pipeline.Consumer(Consumers::kBytesRead) - before;
  EXPECT_LE(read, 120 * 10'000'000);
  EXPECT_GE(read, 120 * 9'900'000);
  EXPECT_GT(HistogramOf(pipeline.sim, *pipeline.consumers, ClientQuotas::kFetchThrottle).max(), 0);
}

// No fetch is asked for more than ten windows of the quota, 1 MB at 100 KB/s or 976 records, though
// a partition would give 1 MiB and all of them six. Otherwise each would be over the quota, and
// nothing would ever be read. Such a client gets half of its quota: while its last answer counts,
// the next one would be at twice the quota and waits, 10 s and then 9 to 10 s more.
TEST(ThrottlingTest, AFetchIsNeverLargerThanTheQuotaAllows) {
  MiniSettings s = Throttled(int64_t{1} << 40);
  s.producers.rate = Steady(1);
  s.topic.history = Minutes(60);
  s.topic.history_rate = Rate::PerSecond(1'000);
  s.topic.history_record_bytes = kStoredSize;
  s.topic.retention.time = Minutes(600);
  s.consumers = Reading();
  s.cluster.quotas->by_default[QuotaType::kFetch] = 100'000;
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(60));
  const int64_t before = pipeline.Consumer(Consumers::kBytesRead);
  EXPECT_GT(before, 1'000'000);
  pipeline.Run(Seconds(660));
  const int64_t read = pipeline.Consumer(Consumers::kBytesRead) - before;
  EXPECT_EQ(read % (976 * 1'024), 0);
  EXPECT_GE(read / (976 * 1'024), 30);
  EXPECT_LE(read / (976 * 1'024), 32);
}

// A request of a millisecond of a thread, one after the other: half a thread is 500 of them.
TEST(ThrottlingTest, ThreadTimeIsShared) {
  MiniSettings s = Throttled(int64_t{1} << 40);
  s.broker.cpu_per_request = Milliseconds(1);
  s.producers.rate = Steady(20'000);
  s.producers.linger = Duration::Zero();
  s.producers.max_block = Seconds(1);
  s.topic.partitions = 1;
  s.cluster.quotas->by_default[QuotaType::kRequest] = 500'000'000;
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(60));
  const int64_t before = pipeline.Producer(Producers::kRequests);
  pipeline.Run(Seconds(120));
  EXPECT_NEAR(static_cast<double>(pipeline.Producer(Producers::kRequests) - before), 30'000, 300);
  EXPECT_LE(pipeline.ProducerHistogram(ClientQuotas::kRequestThrottle).max(), Seconds(1).nanos());
  ExpectNothingLost(pipeline);
}

// Two brokers: each grants the quota.
TEST(ThrottlingTest, TheQuotaIsABrokers) {
  const int64_t quota = 1'250 * kBatchBytes / 4;
  MiniSettings s = Throttled(quota);
  s.producers.rate = Steady(20'000);
  s.brokers = 2;
  s.producers.max_block = Seconds(10);
  MiniPipeline pipeline(s);
  const int64_t bytes = LogBytesIn(pipeline, kFrom, kTo);
  EXPECT_NEAR(static_cast<double>(bytes), 2 * 66.0 * quota, 0.01 * 2 * 66 * quota);
}

TEST(ThrottlingTest, AQuotaComesAndGoes) {
  MiniSettings s = Throttled(int64_t{1} << 40);
  MiniPipeline pipeline(s);
  const int64_t free = LogBytesIn(pipeline, Seconds(20), Seconds(40));
  EXPECT_NEAR(static_cast<double>(free), 20.0 * 125 * kBatchBytes, 0.01 * 20 * 125 * kBatchBytes);
  const int64_t quota = 125 * kBatchBytes / 2;
  pipeline.log.AlterQuota("shop", QuotaType::kProduce, quota);
  // What it has sent in the last eleven seconds counts: it is silent for as long first.
  pipeline.Run(Seconds(60));
  const int64_t throttled = LogBytesIn(pipeline, Seconds(60), Seconds(70));
  EXPECT_NEAR(static_cast<double>(throttled), 10.0 * quota, 0.12 * 10 * quota);
  pipeline.log.AlterQuota("shop", QuotaType::kProduce, std::nullopt);
  const int64_t after = LogBytesIn(pipeline, Seconds(75), Seconds(95));
  EXPECT_NEAR(static_cast<double>(after), 20.0 * 125 * kBatchBytes, 0.01 * 20 * 125 * kBatchBytes);
  ExpectNothingLost(pipeline);
}

}  // namespace
}  // namespace freshet
