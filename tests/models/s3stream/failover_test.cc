// A broker dies, or gives a partition away: who reads its write-ahead log, and when it serves
// again.
#include <algorithm>

#include "gtest/gtest.h"
#include "tests/models/s3stream/s3stream_pipeline.h"

namespace freshet {

class S3StreamClusterTestPeer {
 public:
  static void ForgetWhereItIs(S3StreamCluster& cluster) {
    cluster.placements_[0].home = (cluster.placements_[0].home + 1) % cluster.broker_count();
  }
};

namespace {

VolumeWal::Config OnAVolume(Duration attach_time) {
  return {
      {MiBPerSecond(125), Sampler::Constant(2e6), Sampler::Constant(2e6), Sampler::Constant(2e6)},
      GiB(2),
      MiB(512),
      8,
      Microseconds(333),
      attach_time};
}

// Session 7 to 9 s, a scan within 1 s, lease, read, upload and two words with the controller within
// 1 s, then 1.5 s to open.
TEST(S3StreamFailoverTest, PartitionsServeElsewhereOnceTheirTailIsUploaded) {
  Duration earliest = Duration::Max();
  Duration latest;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    S3Settings s = PlausibleS3();
    s.seed = seed;
    s.producers.rate = Steady(1'000);
    S3Pipeline pipeline(s);
    ASSERT_EQ(pipeline.LedBy(0), 2);
    pipeline.Down(pipeline.Broker(0), Seconds(10), Duration::Zero());
    pipeline.Run(Seconds(30));
    EXPECT_EQ(pipeline.LedBy(0), 0);
    EXPECT_EQ(pipeline.LedBy(1), 3);
    EXPECT_EQ(pipeline.LedBy(2), 3);
    EXPECT_EQ(pipeline.Log(S3StreamCluster::kRecoveries), 1);
    EXPECT_EQ(pipeline.Log(BrokerCluster::kOffline), 0);
    EXPECT_EQ(pipeline.Log(BrokerCluster::kElections), 2);
    const Histogram unavailable =
        HistogramOf(pipeline.sim, pipeline.log, S3StreamCluster::kUnavailable);
    EXPECT_EQ(unavailable.count(), 2);
    earliest = std::min(earliest, Nanoseconds(unavailable.min()));
    latest = std::max(latest, Nanoseconds(unavailable.max()));
  }
  EXPECT_GE(earliest, Milliseconds(7'000 + 1'500));
  EXPECT_LE(latest, Milliseconds(9'000 + 1'000 + 1'000 + 1'500));
  EXPECT_GT(latest - earliest, Seconds(1));
}

// What a crash costs: everything acknowledged is there, and nothing is there twice.
struct Outcome {
  int64_t acked, lost, in_log, failed, stored;
};

Outcome Crash(const S3Settings& base, Acks acks, uint64_t seed, int crashes) {
  S3Settings s = base;
  s.seed = seed;
  s.network.rtt_within_zone = Sampler::Constant(10'000'000);
  s.producers.acks = acks;
  s.producers.client_zones = {0, 0, 0, 0};
  s.producers.arrivals = ArrivalLaw::kPoisson;
  s.producers.rate = Until(Seconds(150), 4'000);
  s.consumers = Reading(2);
  S3Pipeline pipeline(s);
  for (int i = 0; i < crashes; ++i) {
    const auto phase = static_cast<int64_t>(seed * 37 % 1000);
    pipeline.Down(pipeline.Broker(static_cast<BrokerId>((seed + static_cast<uint64_t>(i)) % 3)),
                  Milliseconds(10'000 + 25'000 * i + phase), Seconds(i % 2 == 0 ? 20 : 3));
  }
  pipeline.Run(Seconds(400));
  EXPECT_EQ(pipeline.Consumer(Consumers::kLag), 0) << seed;
  EXPECT_EQ(pipeline.Log(S3StreamCluster::kRecoveries), crashes) << seed;
  EXPECT_EQ(pipeline.Log(BrokerCluster::kOffline), 0) << seed;
  return {pipeline.Producer(Producers::kAcked), pipeline.Log(BrokerCluster::kLostAcked),
          pipeline.RecordsInLog(), pipeline.Producer(Producers::kFailed),
          pipeline.Store(ObjectStore::kStoredBytes)};
}

TEST(S3StreamFailoverTest, AcksAllLosesNothingAndRepeatsNothing) {  // inv.I10
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    const Outcome outcome = Crash(PlausibleS3(), Acks::kAll, seed, 5);
    EXPECT_EQ(outcome.lost, 0) << seed;
    EXPECT_EQ(outcome.failed, 0) << seed;
    EXPECT_EQ(outcome.in_log, outcome.acked) << seed;
  }
}

TEST(S3StreamFailoverTest, AcksOneLosesWhatWasToldAndNotDurable) {
  int64_t lost = 0;
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    const Outcome outcome = Crash(PlausibleS3(), Acks::kLeader, seed, 2);
    EXPECT_EQ(outcome.in_log, outcome.acked - outcome.lost) << seed;
    EXPECT_EQ(outcome.failed, 0) << seed;
    lost += outcome.lost;
  }
  // A third of 4000 a second, for the wait of up to 250 ms and the put: some 300 each time.
  EXPECT_GT(lost, 4 * 2 * 50);
}

TEST(S3StreamFailoverTest, ALogOnAVolumeLosesNothingEither) {
  S3Settings s = PlausibleS3();
  s.broker.wal = OnAVolume(Seconds(5));
  s.broker.log_cache = MiB(6);
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    const Outcome outcome = Crash(s, Acks::kAll, seed, 5);
    EXPECT_EQ(outcome.lost, 0) << seed;
    EXPECT_EQ(outcome.in_log, outcome.acked) << seed;
  }
}

TEST(S3StreamFailoverTest, AVolumeMustBeAttachedBeforeItIsRead) {
  for (const Duration attach : {Duration::Zero(), Seconds(40)}) {
    S3Settings s = PlausibleS3();
    s.broker.wal = OnAVolume(attach);
    s.producers.rate = Steady(1'000);
    S3Pipeline pipeline(s);
    pipeline.Down(pipeline.Broker(0), Seconds(10), Duration::Zero());
    pipeline.Run(Seconds(70));
    const Histogram unavailable =
        HistogramOf(pipeline.sim, pipeline.log, S3StreamCluster::kUnavailable);
    ASSERT_EQ(unavailable.count(), 2);
    EXPECT_GE(Nanoseconds(unavailable.min()), attach + Milliseconds(8'500));
    EXPECT_LE(Nanoseconds(unavailable.max()), attach + Milliseconds(12'500));
  }
}

TEST(S3StreamFailoverTest, ABrokerThatIsBackInTimeRecoversItsOwnLog) {
  S3Settings s = PlausibleS3();
  s.producers.rate = Until(Seconds(60), 1'000);
  S3Pipeline pipeline(s);
  pipeline.Down(pipeline.Broker(0), Seconds(10), Seconds(4));
  pipeline.Run(Seconds(20));
  EXPECT_EQ(pipeline.Log(S3StreamCluster::kRecoveries), 1);
  EXPECT_EQ(pipeline.LedBy(0), 2);
  pipeline.Run(Seconds(90));
  EXPECT_EQ(pipeline.Producer(Producers::kAcked), 60'000);
  EXPECT_EQ(pipeline.RecordsInLog(), 60'000);
}

TEST(S3StreamFailoverTest, ASurvivorThatDiesOverItIsReplaced) {
  S3Settings s = PlausibleS3();
  s.brokers = 4;
  s.topic.partitions = 8;
  s.broker.wal = OnAVolume(Seconds(10));  // Broker 2 is busy from 8 to 20 s after the crash.
  s.producers.rate = Until(Seconds(100), 1'000);
  S3Pipeline pipeline(s);
  pipeline.Down(pipeline.Broker(0), Seconds(10), Duration::Zero());
  pipeline.Down(pipeline.Broker(1), Seconds(24), Duration::Zero());
  pipeline.Run(Seconds(200));
  EXPECT_EQ(pipeline.Log(S3StreamCluster::kRecoveries), 2);
  EXPECT_EQ(pipeline.LedBy(2), 4);
  EXPECT_EQ(pipeline.LedBy(3), 4);
  EXPECT_EQ(pipeline.Producer(Producers::kAcked), 100'000);
  EXPECT_EQ(pipeline.RecordsInLog(), 100'000);
}

// The owner is back, and waits for the survivor, who dies over it: then it does so itself.
TEST(S3StreamFailoverTest, AnOwnerThatIsBackTakesOverFromASurvivorThatDies) {
  S3Settings s = PlausibleS3();
  s.broker.wal = OnAVolume(Seconds(30));
  s.producers.rate = Until(Seconds(60), 1'000);
  S3Pipeline pipeline(s);
  pipeline.Down(pipeline.Broker(0), Seconds(10), Seconds(20));
  pipeline.Down(pipeline.Broker(1), Seconds(35), Seconds(3));
  pipeline.Run(Seconds(40));
  EXPECT_EQ(pipeline.Log(S3StreamCluster::kRecoveries), 2);
  pipeline.Run(Seconds(120));
  EXPECT_EQ(pipeline.Log(BrokerCluster::kOffline), 0);
  EXPECT_EQ(pipeline.RecordsInLog(), 60'000);
}

// One failed node at a time: the second waits for the first.
TEST(S3StreamFailoverTest, TwoThatDieTogetherAreRecoveredOneAfterTheOther) {
  S3Settings s = PlausibleS3();
  s.broker.wal = OnAVolume(Seconds(30));
  s.producers.rate = Until(Seconds(100), 1'000);
  S3Pipeline pipeline(s);
  pipeline.Down(pipeline.Broker(0), Seconds(10), Duration::Zero());
  pipeline.Down(pipeline.Broker(1), Seconds(10), Duration::Zero());
  pipeline.Run(Seconds(60));
  EXPECT_EQ(pipeline.Log(S3StreamCluster::kRecoveries), 1);
  pipeline.Run(Seconds(200));
  EXPECT_EQ(pipeline.Log(S3StreamCluster::kRecoveries), 2);
  EXPECT_EQ(pipeline.LedBy(2), 6);
  EXPECT_EQ(pipeline.RecordsInLog(), 100'000);
}

TEST(S3StreamFailoverTest, WhenAllAreDownTheFirstThatIsBackServesItsOwn) {
  S3Settings s = PlausibleS3();
  s.producers.rate = Until(Seconds(100), 1'000);
  S3Pipeline pipeline(s);
  for (BrokerId id = 0; id < 3; ++id) {
    pipeline.Down(pipeline.Broker(id), Seconds(10), Seconds(20) + Seconds(20) * id);
  }
  pipeline.Run(Seconds(250));
  EXPECT_EQ(pipeline.Producer(Producers::kAcked), 100'000);
  EXPECT_EQ(pipeline.RecordsInLog(), 100'000);
  EXPECT_EQ(pipeline.Log(BrokerCluster::kOffline), 0);
}

TEST(S3StreamFailoverTest, ObjectsThatNobodyKnowsOfAreCollectedAfterTheirTime) {
  S3Settings s = PlausibleS3();
  s.brokers = 2;
  s.topic.partitions = 2;
  s.producers.rate = Until(Seconds(70), 1'000);
  s.broker.uploader.metadata_latency = Sampler::Constant(5e9);  // Long enough to die before it.
  S3Pipeline pipeline(s);
  // The upload begins at 60 s, asks until 65, writes, and would commit at 70 or later.
  pipeline.Down(pipeline.Broker(0), Seconds(68), Duration::Zero());
  pipeline.Run(Minutes(10));
  const int64_t with_orphans = pipeline.Store(ObjectStore::kStoredBytes);
  pipeline.Run(Minutes(62));
  EXPECT_EQ(pipeline.RecordsInLog(), 70'000);
  EXPECT_GT(with_orphans, pipeline.BytesInLog().count() + MiB(10).count());
  EXPECT_LE(pipeline.Store(ObjectStore::kStoredBytes), pipeline.BytesInLog().count() + 2 * 21);
}

TEST(S3StreamFailoverTest, ALeaseThatIsLostHaltsItsBroker) {
  S3Settings s = PlausibleS3();
  s.producers.rate = Until(Seconds(60), 1'000);
  S3Pipeline pipeline(s);
  pipeline.sim.At<"test.lose">(Time() + Seconds(20), pipeline.log.component_id(), [&] {
    static_cast<S3Wal&>(pipeline.log.broker(1).wal()).LoseLease();
  });
  pipeline.Run(Seconds(120));
  EXPECT_FALSE(pipeline.log.broker(1).up());
  EXPECT_EQ(pipeline.LedBy(1), 0);
  EXPECT_EQ(pipeline.Producer(Producers::kAcked), 60'000);
  EXPECT_EQ(pipeline.RecordsInLog(), 60'000);
}

// --- Moves ---

// chk.N25: seconds, whatever the partition holds; no more than the tail is uploaded.
TEST(S3StreamMoveTest, APartitionMovesInSeconds) {
  S3Settings s = PlausibleS3();
  s.producers.rate = Steady(1'000);
  s.consumers = Reading();
  S3Pipeline pipeline(s);
  pipeline.Run(Minutes(10));
  const BrokerId from = pipeline.log.CurrentMetadata(0)->leader[0];
  const BrokerId to = (from + 1) % 3;
  EXPECT_TRUE(pipeline.log.MovePartition(0, to));
  EXPECT_FALSE(pipeline.log.MovePartition(0, from));  // Not while it is on its way.
  pipeline.Run(Minutes(11));
  EXPECT_EQ(pipeline.log.CurrentMetadata(0)->leader[0], to);
  EXPECT_EQ(pipeline.Log(S3StreamCluster::kMoves), 1);
  const Histogram time = HistogramOf(pipeline.sim, pipeline.log, S3StreamCluster::kMoveTime);
  // Durable within 0.4 s, the forced upload a tick and a put later, 1.5 s to open.
  EXPECT_GE(time.min(), 1'500'000'000);
  EXPECT_LE(time.max(), 3'000'000'000);
  EXPECT_EQ(pipeline.Log(BrokerCluster::kLostAcked), 0);
  EXPECT_EQ(pipeline.Log(BrokerCluster::kDuplicates), 0);
  EXPECT_LT(pipeline.Consumer(Consumers::kLag), 1'000);
}

TEST(S3StreamMoveTest, AnIdlePartitionOnlyOpens) {
  S3Settings s = PlausibleS3();
  s.producers.rate = Until(Seconds(1), 1'000);
  S3Pipeline pipeline(s);
  pipeline.Run(Minutes(5));
  const BrokerId to = (pipeline.log.CurrentMetadata(0)->leader[0] + 1) % 3;
  EXPECT_TRUE(pipeline.log.MovePartition(0, to));
  pipeline.Run(Minutes(6));
  EXPECT_EQ(HistogramOf(pipeline.sim, pipeline.log, S3StreamCluster::kMoveTime).max(),
            1'500'000'000);
}

TEST(S3StreamMoveTest, ATargetThatDiesIsReplacedAndASourceThatDiesIsRecovered) {
  S3Settings s = PlausibleS3();
  s.producers.rate = Until(Seconds(60), 1'000);
  for (const bool source : {true, false}) {
    S3Pipeline pipeline(s);
    pipeline.Run(Seconds(10));
    const BrokerId from = pipeline.log.CurrentMetadata(0)->leader[0];
    const BrokerId to = (from + 1) % 3;
    EXPECT_TRUE(pipeline.log.MovePartition(0, to));
    pipeline.Down(pipeline.Broker(source ? from : to), Milliseconds(10'200), Duration::Zero());
    pipeline.Run(Seconds(120));
    const BrokerId now = pipeline.log.CurrentMetadata(0)->leader[0];
    EXPECT_NE(now, source ? from : to);
    EXPECT_NE(now, kNoBroker);
    EXPECT_EQ(pipeline.Producer(Producers::kAcked), 60'000);
    EXPECT_EQ(pipeline.RecordsInLog(), 60'000);
  }
}

// Canary: the audit rings when a log's tail is where nobody would look for it.
TEST(S3StreamFailoverTest, ATailInTheWrongPlaceIsNoticed) {
  S3Settings s = PlausibleS3();
  S3Pipeline pipeline(s);
  pipeline.Run(Seconds(10));
  S3StreamClusterTestPeer::ForgetWhereItIs(pipeline.log);
  EXPECT_THROW(pipeline.Run(Seconds(11)), InvariantBroken);
}

}  // namespace
}  // namespace freshet
