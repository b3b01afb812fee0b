// From a produce request to its acknowledgement: the open file, its writing, its commit.
#include <array>

#include "gtest/gtest.h"
#include "tests/models/leaderless/leaderless_pipeline.h"

namespace freshet {
namespace {

double InMilliseconds(double nanoseconds) { return nanoseconds / 1e6; }

TEST(LeaderlessPublishTest, ALoneBatchWaitsForTheFileThePutAndTheCommit) {
  LeaderlessSettings s = AloneLeaderless();
  s.producers.rate = Steady(1);
  s.producers.linger = Duration::Zero();
  LeaderlessPipeline pipeline(s);
  pipeline.Run(Seconds(60));
  const Histogram latency = HistogramOf(pipeline.sim, pipeline.producers, Producers::kLatency);
  // 250 + 100 + 10 ms; bodies take nanoseconds.
  EXPECT_NEAR(InMilliseconds(static_cast<double>(latency.max())), 360, 0.001);
  EXPECT_NEAR(InMilliseconds(latency.Mean()), 360, 0.001);
}

// cal.I10: U(0, 250) + LN(150 to 177, 0.35) + LN(10, 0.3) has 293 to 321 ms at p50 and 523 to 578
// at p99. The PUT is drawn whole here, its body takes no time.
class PublishLatency : public ::testing::TestWithParam<std::array<double, 3>> {};

TEST_P(PublishLatency, IsTheWaitForTheFileAPutAndACommit) {
  const auto [put_median, p50, p99] = GetParam();
  LeaderlessSettings s = AloneLeaderless();
  s.store.small_put_latency = s.store.large_put_latency =
      Sampler::Lognormal(put_median * 1e6, 0.35);
  s.cluster.coordinator.commit_latency = Sampler::Lognormal(10e6, 0.3);
  s.cluster.requests_per_connection = 1'000'000;
  s.producers.rate = Steady(1'000);
  s.producers.arrivals = ArrivalLaw::kPoisson;
  s.producers.linger = Duration::Zero();
  s.producers.max_in_flight = 1'000'000;
  s.producers.idempotent = false;
  LeaderlessPipeline pipeline(s);
  pipeline.Run(Minutes(10));
  const Histogram latency = HistogramOf(pipeline.sim, pipeline.producers, Producers::kLatency);
  EXPECT_NEAR(InMilliseconds(static_cast<double>(latency.Quantile(50, 100))), p50, 0.02 * p50);
  EXPECT_NEAR(InMilliseconds(static_cast<double>(latency.Quantile(99, 100))), p99, 0.02 * p99);
}

INSTANTIATE_TEST_SUITE_P(CalI10, PublishLatency,
                         ::testing::Values(std::array<double, 3>{150, 293, 523},
                                           std::array<double, 3>{177, 321, 578}));

// A connection's next request is taken when the last is answered, whatever the producer has in
// flight: with nothing but the timer four requests a second.
TEST(LeaderlessPublishTest, AProducerGetsFourRequestsASecond) {
  LeaderlessSettings s = AloneLeaderless();
  s.store.small_put_latency = s.store.large_put_latency = Sampler::Constant(0);
  s.cluster.coordinator.commit_latency = Sampler::Constant(0);
  s.producers.rate = Steady(1'000);
  s.producers.max_request_size = kBatchSize;
  LeaderlessPipeline pipeline(s);
  pipeline.Run(Seconds(60));
  const int64_t requests = pipeline.OfBroker(0, LeaderlessBroker::kProduceRequests);
  EXPECT_NEAR(static_cast<double>(requests), 4 * 60, 2);
}

TEST(LeaderlessPublishTest, AndFewerWithThePutAndTheCommit) {
  LeaderlessSettings s = AloneLeaderless();
  s.producers.rate = Steady(1'000);
  s.producers.max_request_size = kBatchSize;
  LeaderlessPipeline pipeline(s);
  pipeline.Run(Seconds(60));
  // One in 360 ms.
  EXPECT_NEAR(static_cast<double>(pipeline.OfBroker(0, LeaderlessBroker::kProduceRequests)),
              60 / 0.36, 2);
}

TEST(LeaderlessPublishTest, RequestsThatMayBeManyShareAFile) {
  LeaderlessSettings s = AloneLeaderless();
  s.cluster.requests_per_connection = 1'000'000;
  s.producers.rate = Steady(1'000);
  s.producers.linger = Milliseconds(16);
  s.producers.max_in_flight = 50;
  LeaderlessPipeline pipeline(s);
  pipeline.Run(Seconds(60));
  EXPECT_NEAR(static_cast<double>(pipeline.Producer(Producers::kAcked)), 60'000, 400);
  // cal.I9: a file 250 ms after the first request of each; the next comes within 16 ms.
  EXPECT_NEAR(static_cast<double>(pipeline.OfBroker(0, LeaderlessBroker::kFiles)), 60 / 0.2575, 7);
}

TEST(LeaderlessPublishTest, AFileThatIsLargeEnoughIsWrittenAtOnce) {
  LeaderlessSettings s = AloneLeaderless();
  s.broker.batch_bytes = KiB(64);  // Four batches of 16 KiB and their headers are above it.
  s.cluster.requests_per_connection = 1'000'000;
  s.producers.rate = Steady(3'200);  // A batch each 5 ms.
  s.producers.linger = Milliseconds(16);
  s.producers.max_in_flight = 1'000'000;
  s.producers.idempotent = false;
  LeaderlessPipeline pipeline(s);
  pipeline.Run(Seconds(60));
  const Histogram bytes =
      HistogramOf(pipeline.sim, pipeline.log.broker(0), LeaderlessBroker::kFileBytes);
  EXPECT_EQ(bytes.max(), 4 * kBatchSize.count());
  // The first record of a file waits for its batch, 5 ms, and for three more.
  const Histogram latency = HistogramOf(pipeline.sim, pipeline.producers, Producers::kLatency);
  EXPECT_NEAR(InMilliseconds(static_cast<double>(latency.max())), 20 + 100 + 10, 0.5);
}

TEST(LeaderlessPublishTest, AcksOneWaitsAsAcksAllDoes) {
  LeaderlessSettings s = AloneLeaderless();
  s.producers.acks = Acks::kLeader;
  s.producers.rate = Steady(1);
  s.producers.linger = Duration::Zero();
  LeaderlessPipeline pipeline(s);
  pipeline.Run(Seconds(60));
  const Histogram latency = HistogramOf(pipeline.sim, pipeline.producers, Producers::kLatency);
  EXPECT_NEAR(InMilliseconds(static_cast<double>(latency.max())), 360, 0.001);
  EXPECT_EQ(pipeline.Log(BrokerCluster::kLostAcked), 0);
}

// Eight threads, PUTs of a second and a file each 100 ms: ten files are on their way if they may
// be, and the two that may not wait.
TEST(LeaderlessPublishTest, UploadThreadsLimitWhatIsWritten) {
  LeaderlessSettings s = AloneLeaderless();
  s.store.small_put_latency = s.store.large_put_latency = Sampler::Constant(1e9);
  s.broker.batch_interval = Milliseconds(100);
  s.broker.upload_threads = 4;
  s.cluster.requests_per_connection = 1'000'000;
  s.producers.rate = Until(Seconds(30), 1'000);
  s.producers.linger = Duration::Zero();
  s.producers.max_in_flight = 1'000'000;
  s.producers.idempotent = false;
  LeaderlessPipeline pipeline(s);
  pipeline.Run(Seconds(30));
  // Four a second, from the first second on, instead of ten.
  EXPECT_NEAR(static_cast<double>(pipeline.OfBroker(0, LeaderlessBroker::kFiles)), 4 * 29, 4);
  pipeline.Run(Minutes(3));
  EXPECT_EQ(pipeline.Producer(Producers::kAcked), 30'000);
}

// A writer that takes 100 ms for a commit: what its producers have beyond ten files a second waits.
TEST(LeaderlessPublishTest, TheCoordinatorsSingleWriterBoundsCommits) {
  LeaderlessSettings s = AloneLeaderless();
  s.brokers = 4;
  s.topic.partitions = 8;
  s.cluster.coordinator.most_commits = Rate::PerSecond(10);
  s.producers.client_zones = {0, 0, 0, 0, 0, 0, 0, 0};
  s.producers.rate = Steady(8'000);
  s.producers.linger = Milliseconds(5);
  s.cluster.requests_per_connection = 1'000'000;
  LeaderlessPipeline pipeline(s);
  pipeline.Run(Seconds(60));
  const int64_t files = pipeline.OfBroker(0, LeaderlessBroker::kFiles) +
                        pipeline.OfBroker(1, LeaderlessBroker::kFiles) +
                        pipeline.OfBroker(2, LeaderlessBroker::kFiles) +
                        pipeline.OfBroker(3, LeaderlessBroker::kFiles);
  EXPECT_LE(files, 10 * 60 + 8 * 4);
  EXPECT_GT(
      HistogramOf(pipeline.sim, pipeline.log.coordinator(), BatchCoordinator::kCommitLatency).max(),
      Milliseconds(110).nanos());
}

}  // namespace
}  // namespace freshet
