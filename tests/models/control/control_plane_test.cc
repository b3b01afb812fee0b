// What hangs on the controllers: sessions, elections, the in-sync set, who may lead.
#include <memory>

#include "gtest/gtest.h"
#include "tests/models/mini_pipeline.h"

namespace freshet {
namespace {

class ControlPlaneTest : public testing::Test {
 protected:
  MiniPipeline& Make(const MiniSettings& s) {
    pipeline_ = std::make_unique<MiniPipeline>(s);
    for (int i = 0; i < 3; ++i) {
      controllers_.push_back(std::make_unique<ControllerTarget>(&pipeline_->log, i));
    }
    return *pipeline_;
  }
  FaultTarget* Controller(int i) { return controllers_[static_cast<size_t>(i)].get(); }
  FaultTarget* Broker(BrokerId id) {
    return pipeline_->broker_handles[static_cast<size_t>(id)].get();
  }
  int64_t OfControllers(const MetricDef& def) const {
    return ValueOf(pipeline_->sim, *pipeline_->log.Controllers(), def);
  }
  // From 10 s on: when broker 0 leads nothing any more.
  Duration LeadersMove() {
    Duration at = Seconds(10);
    while (pipeline_->LedBy(0) > 0) pipeline_->Run(at = at + Milliseconds(1));
    return at - Seconds(10);
  }

  std::unique_ptr<MiniPipeline> pipeline_;
  std::vector<std::unique_ptr<ControllerTarget>> controllers_;
};

// One partition on two brokers, the first leads; nobody is needed in sync but the leader.
MiniSettings TwoReplicas() {
  MiniSettings s = Plausible();
  s.topic.partitions = 1;
  s.topic.replication_factor = 2;
  s.topic.min_in_sync_replicas = 1;
  s.brokers = 2;
  return s;
}

TEST_F(ControlPlaneTest, AnUndisturbedClusterAsksItsControllersNothing) {
  MiniPipeline& pipeline = Make(Plausible());
  pipeline.Run(Minutes(2));
  EXPECT_EQ(pipeline.log.Decisions(), 0);
}

// The controller dies after the broker: the next one, active after 1.5 to 2 s (its fetch timeout)
// and a vote, gives the dead broker a session of 9 s anew.
TEST_F(ControlPlaneTest, AControllerFailoverGivesDeadBrokersASessionAnew) {
  MiniPipeline& pipeline = Make(Plausible());
  pipeline.Fault(FaultVerb::kDown, Broker(0), Seconds(10), Duration::Zero());
  pipeline.Fault(FaultVerb::kDown, Controller(0), Seconds(15), Duration::Zero());
  const Duration moved = LeadersMove();
  EXPECT_GE(moved, Milliseconds(5'000 + 1'500 + 9'000));
  EXPECT_LE(moved, Milliseconds(5'000 + 2'010 + 9'000 + 526 + 1));
  EXPECT_EQ(OfControllers(KraftQuorum::kElections), 1);
  EXPECT_FALSE(pipeline.faults.Effects()[1].Vacuous());
}

TEST_F(ControlPlaneTest, BrokersServeWithoutControllersButNobodyIsElected) {
  MiniSettings s = Plausible();
  s.producers.rate = Until(Seconds(50), 1'000);
  MiniPipeline& pipeline = Make(s);
  // Two of three: no majority, from before the broker's death to 40 s.
  pipeline.Fault(FaultVerb::kDown, Controller(0), Seconds(5), Seconds(35));
  pipeline.Fault(FaultVerb::kDown, Controller(1), Seconds(5), Seconds(35));
  pipeline.Run(Seconds(9));
  EXPECT_NEAR(pipeline.Producer(Producers::kAcked), 9'000, 50);
  pipeline.Fault(FaultVerb::kDown, Broker(0), Seconds(10), Seconds(60));
  pipeline.Run(Seconds(39));
  EXPECT_EQ(pipeline.LedBy(0), 2);
  EXPECT_EQ(OfControllers(KraftQuorum::kLeaderless), 1);
  pipeline.Run(Seconds(120));
  EXPECT_EQ(pipeline.LedBy(0), 0);
  EXPECT_FALSE(pipeline.faults.Effects()[1].Vacuous());  // It was asked for its vote.
  EXPECT_EQ(pipeline.Producer(Producers::kAcked), 50'000);
  EXPECT_EQ(pipeline.RecordsInLog(), 50'000);
}

TEST_F(ControlPlaneTest, AFollowersCrashThatDecidesNothingIsVacuous) {
  MiniPipeline& pipeline = Make(Plausible());
  pipeline.Fault(FaultVerb::kDown, Controller(2), Seconds(5), Seconds(5));
  pipeline.Run(Seconds(20));
  EXPECT_TRUE(pipeline.faults.Effects()[0].Vacuous());
}

// Consumers do not see what fewer than min.insync.replicas have (KIP-966); before, they did.
TEST_F(ControlPlaneTest, TheHighWatermarkStandsStillBelowTheMinimumInSync) {
  for (const bool strict : {true, false}) {
    MiniSettings s = TwoReplicas();
    s.topic.min_in_sync_replicas = 2;
    s.producers.acks = Acks::kLeader;
    s.producers.rate = Steady(100);
    s.cluster.strict_min_in_sync = strict;
    MiniPipeline& pipeline = Make(s);
    const BrokerId leader = pipeline.log.CurrentMetadata(0)->leader[0];
    pipeline.Fault(FaultVerb::kDown, Broker(1 - leader), Seconds(10), Seconds(40));
    pipeline.Run(Seconds(40));
    const PartitionLog& log = pipeline.log.LogOf(0);
    EXPECT_NEAR(log.high_watermark(), strict ? 1'000 : 4'000, 5);
    EXPECT_NEAR(log.log_end_offset(), 4'000, 5);
    pipeline.Run(Seconds(60));  // The follower is back.
    EXPECT_NEAR(log.high_watermark(), 6'000, 5);
    controllers_.clear();
  }
}

// The follower dies at 10 s, the leader goes on alone and dies at 60 s, long after its last record;
// then the follower is back, and is all there is.
struct Outcome {
  int64_t acked, lost, in_log, unclean;
  BrokerId leader;
};
Outcome LastReplicaDies(MiniSettings s, Duration leader_is_back) {
  s.topic.min_in_sync_replicas = s.cluster.eligible_leader_replicas ? 2 : 1;
  s.producers.acks = s.cluster.eligible_leader_replicas ? Acks::kLeader : Acks::kAll;
  s.producers.rate = Until(Seconds(50), 100);
  s.consumers = Reading();
  MiniPipeline pipeline(s);
  const BrokerId leader = pipeline.log.CurrentMetadata(0)->leader[0];
  const auto handle = [&](BrokerId id) {
    return pipeline.broker_handles[static_cast<size_t>(id)].get();
  };
  pipeline.Fault(FaultVerb::kDown, handle(1 - leader), Seconds(10), Seconds(80));
  pipeline.Fault(FaultVerb::kDown, handle(leader), Seconds(60), leader_is_back);
  pipeline.Run(Minutes(5));
  const Metric* unclean = pipeline.sim.metrics().Find(KafkaCluster::kUncleanElections.name,
                                                      pipeline.log.component_id());
  return {pipeline.Producer(Producers::kAcked), pipeline.Log(KafkaCluster::kLostAcked),
          pipeline.RecordsInLog(), unclean == nullptr ? 0 : unclean->Value(),
          pipeline.log.CurrentMetadata(0)->leader[0]};
}

TEST_F(ControlPlaneTest, AnUncleanElectionLosesExactlyWhatItCountsAsLost) {
  MiniSettings s = TwoReplicas();
  s.cluster.unclean_leader_election = true;
  const Outcome outcome = LastReplicaDies(s, Duration::Zero());
  EXPECT_EQ(outcome.unclean, 1);
  EXPECT_EQ(outcome.acked, 5'000);
  // Told between the follower's death at 10 s and the end at 50 s.
  EXPECT_NEAR(outcome.lost, 4'000, 5);
  EXPECT_EQ(outcome.in_log, outcome.acked - outcome.lost);
}

TEST_F(ControlPlaneTest, WithoutUncleanElectionThePartitionWaitsForItsLastReplica) {
  const Outcome gone = LastReplicaDies(TwoReplicas(), Duration::Zero());
  EXPECT_EQ(gone.leader, kNoBroker);
  EXPECT_EQ(gone.lost, 0);
  const Outcome back = LastReplicaDies(TwoReplicas(), Seconds(60));
  EXPECT_NE(back.leader, kNoBroker);
  EXPECT_EQ(back.unclean, 0);
  EXPECT_EQ(back.in_log, 5'000);
}

// One follower dies, the other is shut down in good order, the leader dies; the second comes back.
// It left a set that was too small, so it may lead: nothing was committed without it. As Kafka was
// before, the partition waits for the leader.
TEST_F(ControlPlaneTest, AReplicaThatLeftTooSmallASetMayLead) {
  for (const bool eligible : {true, false}) {
    MiniSettings s = Plausible();
    s.topic.partitions = 1;
    s.topic.min_in_sync_replicas = 2;
    s.cluster.eligible_leader_replicas = eligible;
    s.producers.rate = Until(Seconds(20), 1'000);
    MiniPipeline& pipeline = Make(s);
    const std::vector<BrokerId> replicas = pipeline.log.BrokersOf(0);
    pipeline.Fault(FaultVerb::kDown, Broker(replicas[1]), Seconds(25), Duration::Zero());
    pipeline.Run(Seconds(40));
    pipeline.log.ShutDown(replicas[2], [] {});
    pipeline.Run(Seconds(50));
    EXPECT_FALSE(pipeline.log.IsUp(replicas[2]));
    EXPECT_EQ(pipeline.log.InSyncCount(0), 1);
    pipeline.log.CrashBroker(replicas[0]);
    pipeline.Run(Seconds(70));
    EXPECT_EQ(pipeline.log.CurrentMetadata(0)->leader[0], kNoBroker);
    pipeline.log.StartBroker(replicas[2]);
    pipeline.Run(Seconds(80));
    EXPECT_EQ(pipeline.log.CurrentMetadata(0)->leader[0], eligible ? replicas[2] : kNoBroker);
    EXPECT_EQ(pipeline.Log(KafkaCluster::kLostAcked), 0);
    EXPECT_EQ(pipeline.Producer(Producers::kAcked), 20'000);
    EXPECT_EQ(pipeline.RecordsInLog(), 20'000);
    controllers_.clear();
  }
}

// With eligible leaders the set may run empty: the last one to lead is believed when it is back,
// and what followers hold below the high watermark, which stood still, is a prefix of it.
TEST_F(ControlPlaneTest, TheLastLeaderIsBelievedWhenNobodyElseIsEligible) {
  MiniSettings s = TwoReplicas();
  s.cluster.eligible_leader_replicas = true;
  const Outcome outcome = LastReplicaDies(s, Seconds(60));
  EXPECT_NE(outcome.leader, kNoBroker);
  EXPECT_EQ(outcome.unclean, 0);
  EXPECT_EQ(outcome.lost, 0);
}

}  // namespace
}  // namespace freshet
