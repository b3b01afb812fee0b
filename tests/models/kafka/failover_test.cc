// What a broker's death does: who leads when, what is lost, what comes back.
#include <algorithm>

#include "gtest/gtest.h"
#include "tests/models/mini_pipeline.h"
#include "tests/oracle/oracle_data.h"

namespace freshet {

class BrokerClusterTestPeer {
 public:
  static BrokerCluster::Partition& First(BrokerCluster& cluster) { return cluster.partitions_[0]; }
};

namespace {

std::string BrokenBy(MiniPipeline& pipeline) {
  try {
    pipeline.Run(Seconds(6));
  } catch (const InvariantBroken& broken) {
    return broken.invariant();
  }
  return "nothing";
}

FaultTarget* Broker(MiniPipeline& pipeline, BrokerId broker) {
  return pipeline.broker_handles[static_cast<size_t>(broker)].get();
}

// The session of 9 s runs from a heartbeat that was sent up to 2 s before the crash; the
// controllers decide in 25 ms and a round trip, and brokers hear of it within 500 ms.
TEST(FailoverTest, LeadersMoveSevenToNineSecondsAfterTheCrash) {
  Duration earliest = Duration::Max();
  Duration latest;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    MiniSettings s = Plausible();
    s.seed = seed;
    s.producers.rate = Steady(10);
    MiniPipeline pipeline(s);
    ASSERT_EQ(pipeline.LedBy(0), 2);
    pipeline.Fault(FaultVerb::kDown, Broker(pipeline, 0), Seconds(10), Duration::Zero());
    Duration at = Seconds(10);
    while (pipeline.LedBy(0) > 0) pipeline.Run(at = at + Milliseconds(50));
    earliest = std::min(earliest, at - Seconds(10));
    latest = std::max(latest, at - Seconds(10));
    EXPECT_EQ(pipeline.Log(KafkaCluster::kElections), 2);
    EXPECT_EQ(pipeline.Log(KafkaCluster::kOffline), 0);
    EXPECT_EQ(pipeline.Log(KafkaCluster::kUnderReplicated), 6);
  }
  EXPECT_GE(earliest, Seconds(7));
  EXPECT_LE(latest, Milliseconds(9'026 + 500 + 50));
  EXPECT_GT(latest - earliest, Seconds(1));
}

// DUPLICATE_BROKER_REGISTRATION: it starts in 5 s and comes in when its session has ended, which
// costs it its leaders.
TEST(FailoverTest, ABrokerThatIsBackBeforeItsSessionEndsIsRefusedUntilThen) {
  MiniSettings s = Plausible();
  s.producers.rate = Until(Seconds(30), 1'000);
  MiniPipeline pipeline(s);
  pipeline.Fault(FaultVerb::kDown, Broker(pipeline, 0), Seconds(10), Seconds(5));
  pipeline.Run(Milliseconds(16'900));
  EXPECT_FALSE(pipeline.log.IsUp(0));
  pipeline.Run(Milliseconds(19'000 + 2 * 526));
  EXPECT_TRUE(pipeline.log.IsUp(0));
  pipeline.Run(Seconds(60));
  EXPECT_EQ(pipeline.Log(KafkaCluster::kElections), 2);
  EXPECT_EQ(pipeline.Log(KafkaCluster::kUnderReplicated), 0);
  EXPECT_EQ(pipeline.Producer(Producers::kAcked), 30'000);
  EXPECT_EQ(pipeline.RecordsInLog(), 30'000);
}

TEST(FailoverTest, ARestartedBrokerCatchesUpAndLeadsAgainAtTheCheck) {
  MiniSettings s = Plausible();
  MiniPipeline pipeline(s);
  pipeline.Fault(FaultVerb::kDown, Broker(pipeline, 0), Seconds(10), Seconds(60));
  pipeline.Run(Seconds(69));
  EXPECT_EQ(pipeline.LedBy(0), 0);
  EXPECT_EQ(pipeline.Log(KafkaCluster::kUnderReplicated), 6);
  pipeline.Run(Seconds(75));
  EXPECT_EQ(pipeline.Log(KafkaCluster::kUnderReplicated), 0);  // In sync, but not leading.
  EXPECT_EQ(pipeline.LedBy(0), 0);
  pipeline.Run(Seconds(317));  // The check comes 300 s after the leaders went, at 17 to 19 s.
  EXPECT_EQ(pipeline.LedBy(0), 0);
  pipeline.Run(Seconds(320));
  EXPECT_EQ(pipeline.LedBy(0), 2);
  EXPECT_EQ(pipeline.Log(KafkaCluster::kElections), 4);
}

// What it had is still a prefix of its leaders' logs, which were never cut: it copies what came
// while it was away, not all it ever had.
TEST(FailoverTest, ARestartedBrokerCopiesOnlyWhatItMissed) {
  MiniSettings s = Plausible();
  s.producers.rate = Until(Seconds(60), 1'000);
  s.topic.history = Hours(1);
  s.topic.history_rate = Rate::PerSecond(1'000);
  s.topic.history_record_bytes = kStoredSize;
  MiniPipeline pipeline(s);
  pipeline.Fault(FaultVerb::kDown, Broker(pipeline, 0), Seconds(10), Seconds(20));
  pipeline.Run(Minutes(2));
  EXPECT_EQ(pipeline.Log(KafkaCluster::kUnderReplicated), 0);
  // Appended or copied: each of the 60 000 records once, and no history.
  const KafkaBroker& broker = pipeline.log.broker(0);
  const int64_t taken = ValueOf(pipeline.sim, broker, Broker::kBytesIn) +
                        ValueOf(pipeline.sim, broker, Broker::kReplicatedIn);
  int64_t came = 0;
  for (PartitionId p = 0; p < pipeline.Partitions(); ++p) {
    came += pipeline.log.LogOf(p).end_position() - int64_t{600} * 1'024 * 1'000;
  }
  // Batches that coalesced with the history have its mean size, a little less than theirs.
  EXPECT_NEAR(taken, came, came / 100);
}

TEST(FailoverTest, TheCheckComesAgainWhileALeaderIsMissing) {
  MiniSettings s = Plausible();
  s.producers.rate = Steady(10);
  MiniPipeline pipeline(s);
  pipeline.Fault(FaultVerb::kDown, Broker(pipeline, 0), Seconds(10), Seconds(400));
  pipeline.Run(Seconds(616));
  EXPECT_EQ(pipeline.LedBy(0), 0);
  pipeline.Run(Seconds(620));
  EXPECT_EQ(pipeline.LedBy(0), 2);
}

TEST(FailoverTest, AReplicaThatHasEverythingJoinsWithoutTraffic) {
  MiniSettings s = Plausible();
  s.producers.rate = Until(Seconds(5), 1'000);
  MiniPipeline pipeline(s);
  pipeline.Fault(FaultVerb::kDown, Broker(pipeline, 0), Seconds(10), Seconds(20));
  pipeline.Run(Seconds(29));
  EXPECT_EQ(pipeline.Log(KafkaCluster::kUnderReplicated), 6);
  pipeline.Run(Seconds(32));  // Registered, unfenced, and the leader's proposal accepted.
  EXPECT_EQ(pipeline.Log(KafkaCluster::kUnderReplicated), 0);
}

// A crash, and what is in the log afterwards: every record acknowledged is there but for those
// counted as lost, and none is there twice but for those counted as duplicates.
struct Outcome {
  int64_t acked, lost, duplicates, in_log, failed;
};

Outcome Crash(Acks acks, uint64_t seed, int crashes = 1) {
  MiniSettings s = Plausible();
  s.seed = seed;
  s.network.rtt_within_zone = Sampler::Constant(10'000'000);  // Much is on its way.
  s.producers.acks = acks;
  s.producers.client_zones = {0, 0, 0, 0};
  s.producers.arrivals = ArrivalLaw::kPoisson;
  s.producers.rate = Until(Seconds(100), 4'000);
  s.consumers = Reading(2);
  MiniPipeline pipeline(s);
  for (int i = 0; i < crashes; ++i) {
    const auto phase = static_cast<int64_t>(seed * 37 % 1000);
    pipeline.Fault(FaultVerb::kDown, Broker(pipeline, static_cast<BrokerId>((seed + i) % 3)),
                   Milliseconds(10'000 + 25'000 * i + phase), Seconds(i % 2 == 0 ? 20 : 3));
  }
  pipeline.Run(Seconds(300));
  const Outcome outcome = {pipeline.Producer(Producers::kAcked),
                           pipeline.Log(KafkaCluster::kLostAcked),
                           pipeline.Log(KafkaCluster::kDuplicates), pipeline.RecordsInLog(),
                           pipeline.Producer(Producers::kFailed)};
  EXPECT_EQ(outcome.acked + outcome.failed, pipeline.Producer(Producers::kTaken));
  EXPECT_EQ(pipeline.Consumer(Consumers::kLag), 0);
  return outcome;
}

TEST(FailoverTest, AcksAllLosesNothingAndRepeatsNothing) {  // inv.I10
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    const Outcome outcome = Crash(Acks::kAll, seed, 3);
    EXPECT_EQ(outcome.lost, 0) << seed;
    EXPECT_EQ(outcome.duplicates, 0) << seed;
    EXPECT_EQ(outcome.failed, 0) << seed;
    EXPECT_EQ(outcome.in_log, outcome.acked) << seed;
  }
}

TEST(FailoverTest, AcksOneLosesExactlyWhatWasToldAndNotReplicated) {
  int64_t lost = 0;
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    const Outcome outcome = Crash(Acks::kLeader, seed);
    EXPECT_EQ(outcome.in_log, outcome.acked - outcome.lost + outcome.duplicates) << seed;
    EXPECT_EQ(outcome.failed, 0) << seed;
    lost += outcome.lost;
  }
  // A third of 4000 a second, told after half a round trip more, copied after a whole: about 5 ms.
  EXPECT_GT(lost, 8);
  EXPECT_LT(lost, 8 * 60);
}

TEST(FailoverTest, AcksNoneLosesWhatIsOnItsWayToo) {
  int64_t lost = 0;
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    const Outcome outcome = Crash(Acks::kNone, seed);
    EXPECT_EQ(outcome.in_log, outcome.acked - outcome.lost) << seed;
    lost += outcome.lost;
  }
  EXPECT_GT(lost, 8);
}

TEST(FailoverTest, TheLastReplicaInSyncIsWaitedFor) {
  MiniSettings s = Plausible();
  s.topic.partitions = 1;
  s.topic.replication_factor = 2;
  s.topic.min_in_sync_replicas = 1;
  s.producers.rate = Until(Seconds(60), 1'000);
  MiniPipeline pipeline(s);
  const BrokerId leader = pipeline.log.CurrentMetadata(0)->leader[0];
  BrokerId follower = 0;
  while (follower == leader || pipeline.log.PartitionsOn(follower) == 0) ++follower;
  pipeline.Fault(FaultVerb::kDown, Broker(pipeline, follower), Seconds(10), Seconds(40));
  pipeline.Fault(FaultVerb::kDown, Broker(pipeline, leader), Seconds(25), Seconds(35));
  pipeline.Run(Seconds(55));
  EXPECT_EQ(pipeline.log.CurrentMetadata(0)->leader[0],
            kNoBroker);  // The follower is back, but late.
  EXPECT_EQ(pipeline.Log(KafkaCluster::kOffline), 1);
  pipeline.Run(Seconds(100));
  EXPECT_EQ(pipeline.log.CurrentMetadata(0)->leader[0], leader);
  EXPECT_EQ(pipeline.Producer(Producers::kAcked), 60'000);
  EXPECT_EQ(pipeline.RecordsInLog(), 60'000);
  EXPECT_EQ(pipeline.log.InSyncCount(0), 2);
}

TEST(FailoverTest, WhatWasNotCommittedBecomesVisibleWhenTheSurvivorLeads) {
  MiniSettings s = Plausible();
  s.topic.partitions = 1;
  s.topic.replication_factor = 2;
  s.topic.min_in_sync_replicas = 1;
  s.producers.acks = Acks::kLeader;
  s.producers.rate = Until(Seconds(10), 1'000);  // Nothing comes after the crash.
  s.consumers = Reading();
  MiniPipeline pipeline(s);
  const BrokerId leader = pipeline.log.CurrentMetadata(0)->leader[0];
  pipeline.Fault(FaultVerb::kDown, Broker(pipeline, leader), Milliseconds(9'990), Duration::Zero());
  pipeline.Run(Seconds(40));
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), pipeline.RecordsInLog());
}

// --- Faults and their proof on real handles ---

TEST(FailoverTest, ACrashTouchesTheReplicasOfItsBroker) {
  MiniPipeline pipeline(Plausible());
  pipeline.Fault(FaultVerb::kDown, Broker(pipeline, 1), Seconds(1), Seconds(1));
  pipeline.Run(Seconds(3));
  EXPECT_EQ(pipeline.faults.Effects()[0].touched, 6);
}

TEST(FailoverTest, ASlowDiskThatNobodyUsesIsVacuous) {
  MiniPipeline pipeline(Plausible());
  pipeline.Fault(FaultVerb::kSlow, pipeline.disk_handles[0].get(), Seconds(1), Seconds(10),
                 BytesPerSecond(1), Ratio::Whole(10));
  pipeline.Run(Seconds(20));  // The page cache writes after 30 s.
  EXPECT_TRUE(pipeline.faults.Effects()[0].Vacuous());
}

TEST(FailoverTest, ASlowBrokerTakesLongerOverItsRequests) {
  MiniSettings s = Plausible();
  s.brokers = 1;
  s.topic.replication_factor = s.topic.min_in_sync_replicas = 1;
  s.broker.cpu_per_request = Milliseconds(1);
  s.broker.cpu_per_mib = Duration::Zero();
  s.producers.rate = Steady(10);
  MiniPipeline pipeline(s);
  pipeline.Fault(FaultVerb::kSlow, Broker(pipeline, 0), Seconds(10), Seconds(10), BytesPerSecond(1),
                 Ratio::Whole(10));
  pipeline.faults.SchedulePhases(Duration::Zero());
  pipeline.Run(Seconds(30));
  const Metric* latency =
      pipeline.sim.metrics().Find(Producers::kLatency.name, pipeline.producers.component_id());
  const auto mean = [&](Phase phase) {
    return static_cast<const Distribution*>(latency)->InPhase(phase)->Mean();
  };
  EXPECT_NEAR(mean(Phase::kDuringFaults) - mean(Phase::kBeforeFaults), 9e6, 0.1e6);
  EXPECT_NEAR(mean(Phase::kAfterFaults), mean(Phase::kBeforeFaults), 0.1e6);
  EXPECT_FALSE(pipeline.faults.Effects()[0].Vacuous());
}

// ora.A04: records that are acknowledged with acks=1 and not on the follower at a moment nobody
// chose are lambda E[delay] on average, whatever the law of the delay. Here it is the pull of one
// fetcher: with a round trip R between the brokers a record waits for the fetch that is under way
// and then takes R / 2. A cycle begins with an answer; the N = lambda R = 5 records that come until
// the next fetch wait R / 2 on average, and with probability exp(-5) the first one comes later and
// does not wait. So E[delay] = R / 2 + (R / 2) N / (N + exp(-5)), which is 4.9966 ms at R = 5 ms.
TEST(FailoverTest, AcksOfTheLeaderLoseTheRateTimesTheReplicationDelay) {
  constexpr int kCrashes = 1'000;
  int64_t crashes = 0;
  int64_t lost = 0;
  for (uint64_t seed = 1; crashes < kCrashes; ++seed) {
    MiniSettings s = Instant();
    s.seed = seed;
    s.network.zones = {"a", "b"};
    s.network.rtt_across_zones = Sampler::Constant(5'000'000);
    s.brokers = 2;
    s.topic.partitions = 1;
    s.topic.replication_factor = 2;
    s.topic.min_in_sync_replicas = 1;
    s.producers.acks = Acks::kLeader;
    s.producers.idempotent = false;
    s.producers.linger = Duration::Zero();
    s.producers.arrivals = ArrivalLaw::kPoisson;
    s.producers.rate = Until(Milliseconds(100), 1'000);
    MiniPipeline pipeline(s);
    // The producer is next to the leader, so that an acknowledgement takes no time.
    if (pipeline.log.CurrentMetadata(0)->leader[0] != 0) continue;
    // Anywhere in a cycle: 617 and 5000 have no common divisor.
    const auto phase = Microseconds(static_cast<int64_t>(seed * 617 % 5'000));
    pipeline.Fault(FaultVerb::kDown, Broker(pipeline, 0), Milliseconds(90) + phase,
                   Duration::Zero());
    pipeline.Run(Seconds(10));
    lost += pipeline.Log(KafkaCluster::kLostAcked);
    ++crashes;
  }
  // The standard error is sqrt(5 / 1000) = 0.07 at the most.
  const double mean = static_cast<double>(lost) / kCrashes;
  EXPECT_NEAR(mean, oracle::Value("A04", "mean lost on failover"), 0.25);
}

// Canaries: the audits ring when an epoch gets a second leader, and when epochs go back.
TEST(FailoverTest, TwoLeadersInOneEpochAreNoticed) {
  MiniPipeline pipeline(Plausible());
  pipeline.Run(Seconds(5));
  BrokerId& leader = BrokerClusterTestPeer::First(pipeline.log).leader;
  leader = (leader + 1) % pipeline.log.broker_count();
  EXPECT_EQ(BrokenBy(pipeline), "inv.I12");
}

TEST(FailoverTest, AnEpochThatGoesBackIsNoticed) {
  MiniPipeline pipeline(Plausible());
  pipeline.Run(Seconds(5));
  BrokerClusterTestPeer::First(pipeline.log).leader_epoch -= 1;
  EXPECT_EQ(BrokenBy(pipeline), "inv.I12");
}

}  // namespace
}  // namespace freshet
