// What operators do to a Kafka cluster: what it costs, how long it takes, what it must not lose.
#include "models/control/operations.h"

#include <memory>

#include "gtest/gtest.h"
#include "tests/models/mini_pipeline.h"

namespace freshet {
namespace {

class OperationsTest : public testing::Test {
 protected:
  MiniPipeline& Make(const MiniSettings& s) {
    pipeline_ = std::make_unique<MiniPipeline>(s);
    operations_ = std::make_unique<Operations>(pipeline_->sim, "operations", &pipeline_->log);
    return *pipeline_;
  }
  int64_t Value(const MetricDef& def) const { return ValueOf(pipeline_->sim, *operations_, def); }
  bool Ended(size_t i) const { return operations_->outcomes()[i].ended.has_value(); }
  Duration Took(size_t i) const {
    return *operations_->outcomes()[i].ended - operations_->outcomes()[i].plan.at;
  }

  std::unique_ptr<MiniPipeline> pipeline_;
  std::unique_ptr<Operations> operations_;
};

OperationPlan Plan(OperationKind kind, Duration at) {
  OperationPlan plan;
  plan.kind = kind;
  plan.at = Time() + at;
  return plan;
}

// One partition of 1 GiB on the first two of three brokers; no new record unless `rate`.
MiniSettings OneBigPartition(int64_t batches_a_second = 0) {
  MiniSettings s = Plausible();
  s.topic.partitions = 1;
  s.topic.replication_factor = 2;
  s.topic.min_in_sync_replicas = 1;
  s.topic.history = Seconds(1);
  s.topic.history_rate = Rate::PerSecond(int64_t{1} << 20);
  s.topic.history_record_bytes = KiB(1);
  s.producers.rate = batches_a_second == 0 ? Until(Nanoseconds(1), 1)
                                           : Steady(batches_a_second * kRecordsPerBatch);
  s.producers.linger = Seconds(10);
  return s;
}

BrokerId Spare(const MiniPipeline& pipeline) {
  BrokerId spare = 0;
  while (pipeline.log.PartitionsOn(spare) > 0) ++spare;
  return spare;
}

// The spare broker takes the follower's place.
OperationPlan MoveFollower(const MiniPipeline& pipeline, int64_t throttle) {
  OperationPlan plan = Plan(OperationKind::kReassign, Seconds(10));
  plan.partitions = {0};
  plan.brokers = {pipeline.log.BrokersOf(0)[0], Spare(pipeline)};
  plan.throttle = BytesPerSecond(throttle);
  return plan;
}

// 2^30 bytes at 2^23 a second are 128 s; deciding to begin and to end take 526 ms each at the most.
TEST_F(OperationsTest, AReassignmentTakesItsBytesOverTheThrottle) {
  MiniPipeline& pipeline = Make(OneBigPartition());
  const BrokerId spare = Spare(pipeline);
  const BrokerId old = pipeline.log.BrokersOf(0)[1];
  operations_->Schedule(MoveFollower(pipeline, 1 << 23));
  pipeline.Run(Seconds(100));
  EXPECT_EQ(pipeline.log.PartitionsOn(old), 1);
  EXPECT_EQ(Value(Operations::kActive), 1);
  EXPECT_EQ(Value(Operations::kMovesLeft), 1);
  EXPECT_EQ(pipeline.Log(KafkaCluster::kUnderReplicated), 0);  // Nothing is missed meanwhile.
  EXPECT_EQ(pipeline.Log(KafkaCluster::kRebuilding), 1);
  pipeline.Run(Minutes(5));
  ASSERT_TRUE(Ended(0));
  EXPECT_NEAR(Took(0).ToSeconds(), 128, 2.5);
  EXPECT_EQ(Value(Operations::kMovedBytes), int64_t{1} << 30);
  EXPECT_EQ(pipeline.log.PartitionsOn(spare), 1);
  EXPECT_EQ(pipeline.log.PartitionsOn(old), 0);
  EXPECT_EQ(pipeline.log.broker(spare).SegmentBytes(), Bytes(int64_t{1} << 30));
  EXPECT_EQ(pipeline.log.broker(old).SegmentBytes(), Bytes(0));  // Unlinked a minute later.
  EXPECT_EQ(pipeline.Log(KafkaCluster::kElections), 0);          // The leader stays.
}

// 51 batches of 16 445 bytes a second are 0.84 MB/s: 2^30 bytes over (throttle - ingress).
TEST_F(OperationsTest, WhatComesInMeanwhileHasToBeCopiedToo) {
  MiniPipeline& pipeline = Make(OneBigPartition(51));
  operations_->Schedule(MoveFollower(pipeline, 1 << 23));
  pipeline.Run(Minutes(5));
  ASSERT_TRUE(Ended(0));
  const double ingress = 51 * 16'445;
  const double expected = ((1 << 30) + 10 * ingress) / ((1 << 23) - ingress);
  EXPECT_NEAR(Took(0).ToSeconds(), expected, 3);
}

TEST_F(OperationsTest, AThrottleBelowTheIngressNeverFinishes) {
  MiniPipeline& pipeline = Make(OneBigPartition(51));
  operations_->Schedule(MoveFollower(pipeline, 500'000));
  pipeline.Run(Hours(2));
  EXPECT_FALSE(Ended(0));
  EXPECT_EQ(pipeline.Log(KafkaCluster::kFallingBehind), 1);
  EXPECT_EQ(operations_->outcomes()[0].moves, 1);
  EXPECT_EQ(operations_->outcomes()[0].moves_done, 0);
}

// Under a throttle that holds a move for minutes, replicas in sync do not wait with it.
TEST_F(OperationsTest, AThrottledMoveDoesNotHoldBackAcknowledgements) {
  MiniSettings s = Plausible();
  s.brokers = 4;
  s.topic.history = Seconds(1);
  s.topic.history_rate = Rate::PerSecond(int64_t{6} << 18);
  s.topic.history_record_bytes = KiB(1);
  s.cluster.absent_brokers = 1;
  MiniPipeline& pipeline = Make(s);
  OperationPlan plan = Plan(OperationKind::kAddBroker, Seconds(10));
  plan.brokers = {3};
  plan.throttle = BytesPerSecond(4'000'000);
  operations_->Schedule(plan);
  pipeline.Run(Minutes(4));
  EXPECT_GT(pipeline.Log(KafkaCluster::kRebuilding), 0);
  EXPECT_LT(pipeline.ProducerHistogram(Producers::kLatency).max(), Milliseconds(30).nanos());
}

// --- Restarts ---

MiniSettings Restarting() {
  MiniSettings s = Plausible();
  s.producers.rate = Until(Minutes(4), 1'000);
  s.producers.arrivals = ArrivalLaw::kPoisson;
  s.consumers = Reading();
  return s;
}

TEST_F(OperationsTest, ARollingRestartLosesNothingAndLeavesNoPartitionWithoutALeader) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    MiniSettings s = Restarting();
    s.seed = seed;
    MiniPipeline& pipeline = Make(s);
    OperationPlan plan = Plan(OperationKind::kRollingRestart, Seconds(30));
    plan.start_time = Seconds(20);
    operations_->Schedule(plan);
    Duration at;
    while (at < Minutes(6)) {
      pipeline.Run(at = at + Milliseconds(100));
      ASSERT_EQ(pipeline.Log(KafkaCluster::kOffline), 0) << seed;
      ASSERT_GE(pipeline.log.InSyncCount(0), 2) << seed;
    }
    ASSERT_TRUE(Ended(0));
    EXPECT_EQ(Value(Operations::kRestarts), 3);
    // Three times: shut down in half a second and a heartbeat, 20 s, registered, unfenced, in sync.
    EXPECT_NEAR(Took(0).ToSeconds(), 3 * (0.5 + 2 + 20 + 1.5 + 0.5), 6);
    EXPECT_EQ(pipeline.Producer(Producers::kAcked), pipeline.Producer(Producers::kTaken)) << seed;
    EXPECT_EQ(pipeline.Producer(Producers::kAcked), pipeline.RecordsInLog()) << seed;
    EXPECT_EQ(pipeline.Log(KafkaCluster::kLostAcked), 0) << seed;
    EXPECT_EQ(pipeline.Consumer(Consumers::kLag), 0) << seed;
    for (BrokerId broker = 0; broker < 3; ++broker) {  // Logs were closed in good order.
      EXPECT_EQ(ValueOf(pipeline.sim, pipeline.log.broker(broker), KafkaBroker::kRecovered), 0);
    }
  }
}

TEST_F(OperationsTest, WithoutControlledShutdownLeadersMoveWhenTheSessionEnds) {
  const auto longest = [this](bool controlled) {
    MiniSettings s = Restarting();
    s.cluster.controlled_shutdown = controlled;
    MiniPipeline& pipeline = Make(s);
    OperationPlan plan = Plan(OperationKind::kRollingRestart, Seconds(30));
    plan.start_time = Seconds(20);
    operations_->Schedule(plan);
    pipeline.Run(Minutes(6));
    EXPECT_TRUE(Ended(0));
    EXPECT_EQ(pipeline.Log(KafkaCluster::kLostAcked), 0);
    EXPECT_EQ(pipeline.Producer(Producers::kAcked), pipeline.RecordsInLog());
    return Nanoseconds(pipeline.ProducerHistogram(Producers::kLatency).max());
  };
  EXPECT_LT(longest(true), Seconds(1));
  EXPECT_GT(longest(false), Seconds(7));
}

TEST_F(OperationsTest, ARestartWaitsUntilNothingElseIsAmiss) {
  MiniPipeline& pipeline = Make(Restarting());
  OperationPlan plan = Plan(OperationKind::kRollingRestart, Seconds(30));
  plan.start_time = Seconds(20);
  operations_->Schedule(plan);
  pipeline.Fault(FaultVerb::kDown, pipeline.broker_handles[1].get(), Seconds(10), Minutes(2));
  pipeline.Run(Seconds(129));
  EXPECT_TRUE(pipeline.log.IsUp(0));
  EXPECT_EQ(Value(Operations::kRestarts), 0);
  pipeline.Run(Minutes(6));
  EXPECT_TRUE(Ended(0));
}

// --- Brokers come and go ---

TEST_F(OperationsTest, ANewBrokerGetsItsShareAndARemovedOneGivesAllAway) {
  MiniSettings s = Plausible();
  s.brokers = 4;
  s.topic.partitions = 8;
  s.cluster.absent_brokers = 1;
  s.producers.rate = Until(Minutes(3), 1'000);
  s.consumers = Reading();
  MiniPipeline& pipeline = Make(s);
  OperationPlan add = Plan(OperationKind::kAddBroker, Seconds(20));
  add.brokers = {3};
  add.start_time = Seconds(10);
  operations_->Schedule(add);
  OperationPlan remove = Plan(OperationKind::kRemoveBroker, Seconds(21));  // Waits for the other.
  remove.brokers = {0};
  remove.most_moves = 2;
  operations_->Schedule(remove);
  EXPECT_FALSE(pipeline.log.IsUp(3));
  pipeline.Run(Seconds(29));
  EXPECT_EQ(pipeline.log.PartitionsOn(3), 0);
  EXPECT_EQ(Value(Operations::kWaiting), 1);
  pipeline.Run(Minutes(5));
  ASSERT_TRUE(Ended(0));
  ASSERT_TRUE(Ended(1));
  EXPECT_EQ(operations_->outcomes()[0].moves, 6);  // Of 24 replicas a fourth.
  EXPECT_EQ(operations_->outcomes()[1].moves, 6);
  EXPECT_EQ(Value(Operations::kMoves), 12);
  EXPECT_FALSE(pipeline.log.IsUp(0));
  EXPECT_EQ(pipeline.log.PartitionsOn(0), 0);
  for (BrokerId broker = 1; broker < 4; ++broker) {
    EXPECT_EQ(pipeline.log.PartitionsOn(broker), 8);
    EXPECT_GE(pipeline.LedBy(broker), 1);
  }
  EXPECT_EQ(pipeline.Log(KafkaCluster::kUnderReplicated), 0);
  EXPECT_EQ(pipeline.Log(KafkaCluster::kLostAcked), 0);
  EXPECT_EQ(pipeline.Producer(Producers::kAcked), 180'000);
  EXPECT_EQ(pipeline.RecordsInLog(), 180'000);
  EXPECT_EQ(pipeline.Consumer(Consumers::kLag), 0);
}

// With one of the others away a replica has nowhere to go: the broker stays until it has.
TEST_F(OperationsTest, ABrokerIsNotShutDownBeforeAllItHoldsIsElsewhere) {
  MiniSettings s = Plausible();
  s.brokers = 4;
  s.producers.rate = Until(Minutes(2), 1'000);
  MiniPipeline& pipeline = Make(s);
  OperationPlan plan = Plan(OperationKind::kRemoveBroker, Seconds(30));
  plan.brokers = {0};
  operations_->Schedule(plan);
  pipeline.Fault(FaultVerb::kDown, pipeline.broker_handles[1].get(), Seconds(10), Seconds(100));
  pipeline.Run(Seconds(100));
  EXPECT_TRUE(pipeline.log.IsUp(0));
  EXPECT_GT(pipeline.log.PartitionsOn(0), 0);
  pipeline.Run(Minutes(5));
  EXPECT_TRUE(Ended(0));
  EXPECT_FALSE(pipeline.log.IsUp(0));
  EXPECT_EQ(pipeline.log.PartitionsOn(0), 0);
  EXPECT_EQ(pipeline.Log(KafkaCluster::kUnderReplicated), 0);
  EXPECT_EQ(pipeline.RecordsInLog(), 120'000);
}

TEST_F(OperationsTest, AReplacedBrokerCopiesAllItHeld) {
  MiniSettings s = Plausible();
  s.producers.rate = Until(Minutes(1), 1'000);
  MiniPipeline& pipeline = Make(s);
  OperationPlan plan = Plan(OperationKind::kReplaceBroker, Seconds(30));
  plan.brokers = {1};
  plan.start_time = Seconds(5);
  operations_->Schedule(plan);
  pipeline.Run(Minutes(3));
  EXPECT_TRUE(Ended(0));
  EXPECT_EQ(pipeline.Log(KafkaCluster::kUnderReplicated), 0);
  EXPECT_EQ(pipeline.log.broker(1).SegmentBytes(), pipeline.log.broker(0).SegmentBytes());
  EXPECT_EQ(pipeline.RecordsInLog(), 60'000);
}

// --- Faults while operations run ---

TEST_F(OperationsTest, NoCrashDuringMovesLosesWhatAllHaveAcknowledged) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    MiniSettings s = Plausible();
    s.seed = seed;
    s.brokers = 5;
    s.topic.partitions = 8;
    s.topic.history = Minutes(1);
    s.topic.history_rate = Rate::PerSecond(2'000);
    s.topic.history_record_bytes = kStoredSize;
    s.cluster.absent_brokers = 1;
    s.producers.rate = Until(Minutes(6), 500);
    s.consumers = Reading();
    MiniPipeline& pipeline = Make(s);
    OperationPlan add = Plan(OperationKind::kAddBroker, Seconds(20));
    add.brokers = {4};
    add.throttle = BytesPerSecond(2'000'000);
    operations_->Schedule(add);
    OperationPlan remove = Plan(OperationKind::kRemoveBroker, Seconds(60));
    remove.brokers = {static_cast<BrokerId>(seed % 4)};
    remove.throttle = BytesPerSecond(2'000'000);
    remove.most_moves = 3;
    operations_->Schedule(remove);
    OperationPlan restart = Plan(OperationKind::kRollingRestart, Seconds(90));
    restart.start_time = Seconds(5);
    operations_->Schedule(restart);
    RandomStream dice(seed, "test", "faults");
    for (int i = 0; i < 4; ++i) {
      const auto at =
          Milliseconds(20'000 + 70'000 * i + static_cast<int64_t>(dice.NextBelow(30'000)));
      const auto lasts = Milliseconds(1'000 + static_cast<int64_t>(dice.NextBelow(25'000)));
      // Not the one that goes: the end of a fault would start it again.
      auto broker = static_cast<BrokerId>(dice.NextBelow(4));
      if (broker == remove.brokers[0]) broker = 4;
      if (broker == 4 && i == 0) continue;  // It may not be there yet.
      pipeline.Fault(FaultVerb::kDown, pipeline.broker_handles[static_cast<size_t>(broker)].get(),
                     at, lasts);
    }
    // And the controllers fail over, whoever is active.
    ControllerTarget first(&pipeline.log, 0);
    ControllerTarget second(&pipeline.log, 1);
    pipeline.Fault(FaultVerb::kDown, &first,
                   Milliseconds(40'000 + 997 * static_cast<int64_t>(seed)), Seconds(60));
    pipeline.Fault(FaultVerb::kDown, &second,
                   Milliseconds(120'000 + 997 * static_cast<int64_t>(seed)), Seconds(60));
    pipeline.Run(Minutes(30));
    for (size_t i = 0; i < 3; ++i) EXPECT_TRUE(Ended(i)) << seed << " " << i;
    EXPECT_EQ(pipeline.Producer(Producers::kFailed), 0) << seed;
    EXPECT_EQ(pipeline.Producer(Producers::kAcked), pipeline.RecordsInLog() - 120'000) << seed;
    EXPECT_EQ(pipeline.Log(KafkaCluster::kLostAcked), 0) << seed;
    EXPECT_EQ(pipeline.Log(KafkaCluster::kUnderReplicated), 0) << seed;
    EXPECT_EQ(pipeline.Log(KafkaCluster::kOffline), 0) << seed;
    EXPECT_EQ(pipeline.Consumer(Consumers::kLag), 0) << seed;
  }
}

// --- Orders that take no time ---

TEST_F(OperationsTest, AShorterRetentionDeletesAtTheNextCheck) {
  MiniSettings s = Plausible();
  s.topic.history = Hours(1);
  s.topic.history_rate = Rate::PerSecond(1'000);
  s.topic.history_record_bytes = kStoredSize;
  s.topic.segments.bytes = MiB(8);
  MiniPipeline& pipeline = Make(s);
  OperationPlan plan = Plan(OperationKind::kChangeRetention, Minutes(10));
  plan.topic = "t";
  plan.retention_time = Minutes(30);
  operations_->Schedule(plan);
  pipeline.Run(Minutes(10));
  EXPECT_EQ(pipeline.Log(KafkaCluster::kDeleted), 0);
  pipeline.Run(Minutes(16));
  // Checks come at 30 s, 5 min 30 s ... 15 min 30 s: 45.5 min of the history are older than 30.
  EXPECT_NEAR(pipeline.Log(KafkaCluster::kDeleted), 45.5 * 60 * 1'000, 6 * 8'192);
}

TEST_F(OperationsTest, AGroupStartsWhereItIsTold) {
  MiniSettings s = Plausible();
  s.topic.partitions = 1;
  s.producers.rate = Until(Seconds(100), 1'000);
  s.consumers = Reading();
  for (const int64_t from : {0, 30'000}) {
    pipeline_ = std::make_unique<MiniPipeline>(s);
    operations_ = std::make_unique<Operations>(pipeline_->sim, "operations", &pipeline_->log);
    OperationPlan plan = Plan(OperationKind::kStartConsumer, Seconds(200));
    plan.consumers = pipeline_->consumers.get();
    plan.from.emplace();
    plan.from->offset = from;
    operations_->Schedule(plan);
    pipeline_->producers.Start();
    pipeline_->sim.RunUntil(Time() + Seconds(199));
    EXPECT_EQ(pipeline_->Consumer(Consumers::kRecords), 0);
    pipeline_->sim.RunUntil(Time() + Seconds(300));
    EXPECT_EQ(pipeline_->Consumer(Consumers::kRecords), 100'000 - from);
  }
}

}  // namespace
}  // namespace freshet
