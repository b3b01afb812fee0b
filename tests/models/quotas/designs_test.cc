// Quotas with brokers that keep no replicas, and through crashes.
#include "gtest/gtest.h"
#include "models/broker/client_quotas.h"
#include "tests/models/leaderless/leaderless_pipeline.h"
#include "tests/models/mini_pipeline.h"
#include "tests/models/s3stream/s3stream_pipeline.h"

namespace freshet {
namespace {

template <class Settings>
Settings OneBroker(Settings s, int64_t producer_byte_rate) {
  s.brokers = 1;
  s.producers.rate = Steady(2'000);
  s.producers.max_block = Seconds(10);
  s.cluster.quotas.emplace();
  s.cluster.quotas->by_default[QuotaType::kProduce] = producer_byte_rate;
  return s;
}

template <class Pipeline>
void ExpectTheQuota(Pipeline& pipeline, int64_t quota, double within) {
  pipeline.Run(Seconds(22));
  const int64_t before = pipeline.BytesInLog().count();
  pipeline.Run(Seconds(88));
  const int64_t bytes = pipeline.BytesInLog().count() - before;
  EXPECT_NEAR(static_cast<double>(bytes), 66.0 * quota, within * 66 * quota);
  EXPECT_GT(pipeline.ProducerHistogram(ClientQuotas::kProduceThrottle).max(), 0);
  EXPECT_EQ(pipeline.Producer(Producers::kFailed), 0);
  EXPECT_EQ(pipeline.Log(BrokerCluster::kDuplicates), 0);
  EXPECT_GE(pipeline.RecordsInLog(), pipeline.Producer(Producers::kAcked));
}

// 125 batches a second of sixteen records, at half of that. The broker takes several requests
// before it has answered the first, and looks when it answers.
TEST(QuotaDesignsTest, SharedStorageGrantsTheQuota) {
  const int64_t quota = 125 * kBatchSize.count() / 2;
  S3Settings s = OneBroker(PlausibleS3(), quota);
  s.producers.max_in_flight = 5;
  S3Pipeline pipeline(s);
  ExpectTheQuota(pipeline, quota, 0.02);
}

// Fifty in flight are answered together: lumps of five seconds' worth. Two of them in ten windows
// are within the quota though eleven seconds are not over, so a seventh more gets through: Kafka's
// rule.
TEST(QuotaDesignsTest, LumpsOfSecondsGetMoreThanTheQuota) {
  const int64_t quota = 125 * kBatchSize.count() / 2;
  S3Pipeline pipeline(OneBroker(PlausibleS3(), quota));
  ExpectTheQuota(pipeline, quota, 0.15);
}

// A request every 360 ms or so of six batches: 270 KB a second, at half of that. A request is most
// of a second's worth, by which the measured rate is too high.
TEST(QuotaDesignsTest, LeaderlessBrokersGrantTheQuota) {
  const int64_t quota = 130'000;
  LeaderlessPipeline pipeline(OneBroker(PlausibleLeaderless(), quota));
  ExpectTheQuota(pipeline, quota, 0.06);
}

// A broker dies while channels are muted: its connections begin anew, and what it has measured is
// gone. Nothing is lost and nothing comes twice.
TEST(QuotaDesignsTest, ACrashUnderQuotasLosesNothing) {
  for (int moment = 0; moment < 20; ++moment) {
    SCOPED_TRACE(moment);
    MiniSettings s = Plausible();
    s.producers.rate = Steady(3'000);
    s.consumers = Reading(2);
    s.cluster.quotas.emplace();
    s.cluster.quotas->by_default[QuotaType::kProduce] = 100'000;
    s.cluster.quotas->by_default[QuotaType::kFetch] = 80'000;
    s.cluster.quotas->by_default[QuotaType::kRequest] = 20'000'000;
    MiniPipeline pipeline(s);
    pipeline.Down(pipeline.Broker(0), Seconds(12) + Milliseconds(37) * moment, Seconds(15));
    pipeline.Run(Seconds(60));
    EXPECT_EQ(pipeline.Log(BrokerCluster::kLostAcked), 0);
    EXPECT_EQ(pipeline.Log(BrokerCluster::kDuplicates), 0);
    EXPECT_GE(pipeline.RecordsInLog(), pipeline.Producer(Producers::kAcked));
    EXPECT_GT(pipeline.Consumer(Consumers::kRecords), 0);
    EXPECT_GT(HistogramOf(pipeline.sim, *pipeline.consumers, ClientQuotas::kFetchThrottle).max(),
              0);
  }
}

}  // namespace
}  // namespace freshet
