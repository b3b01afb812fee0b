// What dies with a leaderless broker, with its coordinator, with its store: nothing acknowledged.
#include "gtest/gtest.h"
#include "tests/models/leaderless/leaderless_pipeline.h"

namespace freshet {

class LeaderlessClusterTestPeer {
 public:
  static StreamObjects& IndexOf(LeaderlessCluster& cluster) { return cluster.index_; }
};

namespace {

// Two zones with two brokers each, a producer and a reader in both, two minutes of records.
LeaderlessSettings TwoZones() {
  LeaderlessSettings s = PlausibleLeaderless();
  s.network.zones = {"a", "b"};
  s.brokers = 4;
  s.topic.partitions = 8;
  s.producers.client_zones = {0, 1};
  s.producers.rate = Until(Minutes(2), 1'000);
  s.producers.linger = Milliseconds(100);
  s.producers.batch_size = MiB(1);
  s.producers.max_request_size = MiB(16);
  s.groups = {Reading(2)};
  s.groups[0].member_zones = {0, 1};
  return s;
}

void ExpectAllThereOnce(LeaderlessPipeline& pipeline) {
  EXPECT_EQ(pipeline.Producer(Producers::kAcked), 120'000);
  EXPECT_EQ(pipeline.Producer(Producers::kFailed), 0);
  EXPECT_EQ(pipeline.RecordsInLog(), 120'000);
  EXPECT_EQ(pipeline.Group(Consumers::kRecords), 120'000);
  EXPECT_EQ(pipeline.Log(BrokerCluster::kLostAcked), 0);
  EXPECT_EQ(pipeline.Log(BrokerCluster::kElections), 0);
}

TEST(LeaderlessFailureTest, WithoutFaultsNothingCrossesZones) {
  LeaderlessPipeline pipeline(TwoZones());
  pipeline.Run(Minutes(3));
  ExpectAllThereOnce(pipeline);
  EXPECT_EQ(pipeline.AcrossZones(TrafficCause::kProduce), 0);
  EXPECT_EQ(pipeline.AcrossZones(TrafficCause::kFetch), 0);
}

TEST(LeaderlessFailureTest, ClientsOfADeadBrokerGoToTheOtherOfTheirZone) {
  LeaderlessPipeline pipeline(TwoZones());
  pipeline.Down(pipeline.Broker(0), Seconds(60), Duration::Zero());
  pipeline.Run(Minutes(4));
  ExpectAllThereOnce(pipeline);
  EXPECT_EQ(pipeline.AcrossZones(TrafficCause::kProduce), 0);
  EXPECT_EQ(pipeline.AcrossZones(TrafficCause::kFetch), 0);
  // Its session ends 7 to 9 s later; what was held at producers comes then.
  const int64_t worst = HistogramOf(pipeline.sim, pipeline.producers, Producers::kLatency).max();
  EXPECT_GT(worst, Seconds(7).nanos());
  EXPECT_LT(worst, Seconds(11).nanos());
}

TEST(LeaderlessFailureTest, AZoneWithoutBrokersGoesToTheOther) {
  LeaderlessPipeline pipeline(TwoZones());
  pipeline.Down(pipeline.Broker(0), Seconds(60), Duration::Zero());
  pipeline.Down(pipeline.Broker(2), Seconds(60), Duration::Zero());
  pipeline.Run(Minutes(4));
  ExpectAllThereOnce(pipeline);
  EXPECT_GT(pipeline.AcrossZones(TrafficCause::kProduce), 0);
  EXPECT_GT(pipeline.AcrossZones(TrafficCause::kFetch), 0);
}

TEST(LeaderlessFailureTest, ClientsComeBackToABrokerThatDoes) {
  LeaderlessSettings s = TwoZones();
  s.producers.rate = Until(Minutes(20), 1'000);
  LeaderlessPipeline pipeline(s);
  pipeline.Down(pipeline.Broker(0), Seconds(60), Seconds(60));
  pipeline.Run(Seconds(119));
  const int64_t before = pipeline.OfBroker(0, LeaderlessBroker::kProduceRequests);
  pipeline.Run(Minutes(8));
  EXPECT_GT(pipeline.OfBroker(0, LeaderlessBroker::kProduceRequests), before + 100);
}

// What it had written and not committed is garbage, which the cleaner finds an hour later.
TEST(LeaderlessFailureTest, AnUncommittedFileIsDeletedAsAnOrphan) {
  LeaderlessSettings s = AloneLeaderless();
  s.producers.rate = Steady(1);
  s.producers.linger = Duration::Zero();
  s.cluster.coordinator.commit_latency = Sampler::Constant(30e9);  // The second file waits in line.
  s.cluster.requests_per_connection = 100;
  LeaderlessPipeline pipeline(s);
  // The first record comes at 1 s; files are written at 1.35 s, 2.35 s ..., the first at the
  // coordinator.
  pipeline.Down(pipeline.Broker(0), Milliseconds(3'500), Seconds(20));
  pipeline.Run(Seconds(5));
  EXPECT_EQ(pipeline.Log(LeaderlessCluster::kGarbage), 2);
  EXPECT_EQ(pipeline.store.object_count(), 3u);
  EXPECT_EQ(pipeline.Producer(Producers::kAcked), 0);
  pipeline.Run(Minutes(66));
  EXPECT_LE(pipeline.Log(LeaderlessCluster::kGarbage), 1);  // Of repetitions.
}

// The coordinator carries out what it was asked for, though nobody waits: repetitions are known.
TEST(LeaderlessFailureTest, ACommitThatOutlivesItsBrokerIsNotRepeated) {
  LeaderlessSettings s = TwoZones();
  s.cluster.coordinator.commit_latency = Sampler::Constant(2e9);
  LeaderlessPipeline pipeline(s);
  pipeline.Down(pipeline.Broker(0), Milliseconds(60'400), Duration::Zero());
  pipeline.Run(Minutes(10));
  ExpectAllThereOnce(pipeline);
}

// Whatever the broker was about to do: gathering, writing, committing, answering.
TEST(LeaderlessFailureTest, ACrashAtAnyMomentLosesNothingAcknowledged) {
  for (int64_t moment = 0; moment < 20; ++moment) {
    LeaderlessSettings s = TwoZones();
    s.cluster.requests_per_connection = moment % 2 == 0 ? 1 : 5;
    LeaderlessPipeline pipeline(s);
    pipeline.Down(pipeline.Broker(0), Milliseconds(60'000 + 23 * moment), Seconds(20));
    pipeline.Down(pipeline.Broker(1), Milliseconds(63'000 + 29 * moment), Milliseconds(300));
    pipeline.Run(Minutes(5));
    ExpectAllThereOnce(pipeline);
  }
}

// The owner of blocks that others wait for: they look again, and read them themselves.
TEST(LeaderlessFailureTest, AReadOutlivesTheOwnerOfItsBlocks) {
  LeaderlessSettings s = TwoZones();
  s.brokers = 8;
  s.broker.keeps_written = false;
  s.broker.reader.lagging_threads = 0;
  s.store.get_latency = Sampler::Constant(2e9);
  s.cluster.shared_cache = true;
  s.cluster.assignment = LeaderlessCluster::Assignment::kPerClient;
  LeaderlessPipeline pipeline(s);
  pipeline.Down(pipeline.Broker(0), Seconds(60), Seconds(15));
  pipeline.Down(pipeline.Broker(2), Seconds(80), Seconds(15));
  pipeline.Down(pipeline.Broker(3), Seconds(100), Seconds(15));
  pipeline.Run(Minutes(5));
  ExpectAllThereOnce(pipeline);
  EXPECT_GT(pipeline.OfReaders(FileReader::kPeerBytes), 0);
}

TEST(LeaderlessFailureTest, NothingCommitsWhileTheCoordinatorIsDown) {
  LeaderlessSettings s = TwoZones();
  LeaderlessPipeline pipeline(s);
  pipeline.Down(&pipeline.coordinator_handle, Seconds(30), Seconds(60));
  pipeline.Run(Milliseconds(30'011));
  const int64_t before = pipeline.RecordsInLog();
  pipeline.Run(Milliseconds(89'999));
  EXPECT_EQ(pipeline.RecordsInLog(), before);
  int64_t held = 0;
  for (BrokerId id = 0; id < 4; ++id) held += pipeline.OfBroker(id, LeaderlessBroker::kUncommitted);
  EXPECT_GT(held, 0);
  // Producers gave up waiting after 30 s and asked again; what came twice is there once.
  EXPECT_GT(pipeline.Producer(Producers::kRetries), 0);
  pipeline.Run(Minutes(5));
  ExpectAllThereOnce(pipeline);
  EXPECT_EQ(pipeline.Log(BrokerCluster::kDuplicates), 0);
  EXPECT_FALSE(pipeline.faults.Effects()[0].Vacuous());
}

TEST(LeaderlessFailureTest, ASlowCoordinatorSlowsAcknowledgements) {
  LeaderlessSettings s = AloneLeaderless();
  s.producers.rate = Steady(1);
  s.producers.linger = Duration::Zero();
  LeaderlessPipeline pipeline(s);
  pipeline.Fault(FaultVerb::kSlow, &pipeline.coordinator_handle, Seconds(10), Seconds(20),
                 BytesPerSecond(1), Ratio::Whole(10));
  pipeline.Run(Seconds(60));
  const Histogram latency = HistogramOf(pipeline.sim, pipeline.producers, Producers::kLatency);
  EXPECT_NEAR(static_cast<double>(latency.max()) / 1e6, 450, 0.01);  // 100 ms a commit, not 10.
}

TEST(LeaderlessFailureTest, AnOutageOfTheStoreRefusesAndLosesNothing) {
  LeaderlessSettings s = TwoZones();
  LeaderlessPipeline pipeline(s);
  pipeline.Down(&pipeline.store_handle, Seconds(30), Seconds(45));
  pipeline.Run(Minutes(6));
  ExpectAllThereOnce(pipeline);
  int64_t failed = 0;
  for (BrokerId id = 0; id < 4; ++id) failed += pipeline.OfBroker(id, LeaderlessBroker::kFailed);
  EXPECT_GT(failed, 0);
}

// acks=0: the producer holds it for sent, and what was in the memory of the broker is lost.
TEST(LeaderlessFailureTest, AcksZeroLosesTheOpenFileAndSaysSo) {
  LeaderlessSettings s = AloneLeaderless();
  s.producers.acks = Acks::kNone;
  s.producers.rate = Until(Seconds(10), 1'000);
  s.producers.linger = Duration::Zero();
  s.cluster.requests_per_connection = 100'000;
  LeaderlessPipeline pipeline(s);
  pipeline.Down(pipeline.Broker(0), Milliseconds(5'100), Seconds(2));
  pipeline.Run(Seconds(60));
  EXPECT_EQ(pipeline.Producer(Producers::kAcked), 10'000);
  EXPECT_GT(pipeline.Log(BrokerCluster::kLostAcked), 0);
  EXPECT_EQ(pipeline.RecordsInLog() + pipeline.Log(BrokerCluster::kLostAcked), 10'000);
}

// Canary: the audit rings when a batch is in no file.
TEST(LeaderlessFailureTest, AnIndexThatMissesABatchIsNoticed) {
  LeaderlessSettings s = AloneLeaderless();
  LeaderlessPipeline pipeline(s);
  pipeline.Run(Seconds(10));
  StreamObjects& index = LeaderlessClusterTestPeer::IndexOf(pipeline.log);
  index.Trim(0, index.ExtentsOf(0)[0].to);
  EXPECT_THROW(pipeline.Run(Seconds(11)), InvariantBroken);
}

}  // namespace
}  // namespace freshet
