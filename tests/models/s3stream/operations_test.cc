// What operators do to brokers that keep their log in object storage.
#include "models/control/operations.h"

#include <memory>

#include "gtest/gtest.h"
#include "tests/models/s3stream/s3stream_pipeline.h"

namespace freshet {
namespace {

OperationPlan Plan(OperationKind kind, Duration at) {
  OperationPlan plan;
  plan.kind = kind;
  plan.at = Time() + at;
  return plan;
}

TEST(S3StreamOperationsTest, ANewBrokerServesItsShareWithinSecondsOfItsStart) {
  S3Settings s = PlausibleS3();
  s.brokers = 4;
  s.topic.partitions = 8;
  s.cluster.absent_brokers = 1;
  s.producers.rate = Until(Minutes(2), 1'000);
  s.consumers = Reading();
  S3Pipeline pipeline(s);
  Operations operations(pipeline.sim, "operations", &pipeline.log);
  OperationPlan add = Plan(OperationKind::kAddBroker, Seconds(30));
  add.brokers = {3};
  add.start_time = Seconds(10);
  operations.Schedule(add);
  pipeline.Run(Seconds(39));
  EXPECT_EQ(pipeline.LedBy(3), 0);
  pipeline.Run(Minutes(5));
  ASSERT_TRUE(operations.outcomes()[0].ended.has_value());
  EXPECT_EQ(operations.outcomes()[0].moves, 2);
  EXPECT_EQ(pipeline.LedBy(3), 2);
  // 10 s, registered and unfenced in half a second each, its log opened, a look, then the moves:
  // uploads of at most 40 s of records, 1.5 s to open.
  EXPECT_LT(*operations.outcomes()[0].ended, Time() + Seconds(50));
  EXPECT_GT(ValueOf(pipeline.sim, operations, Operations::kMovedBytes), 0);
  EXPECT_EQ(pipeline.Log(S3StreamCluster::kRecoveries), 0);
  EXPECT_EQ(pipeline.Producer(Producers::kAcked), 120'000);
  EXPECT_EQ(pipeline.RecordsInLog(), 120'000);
  EXPECT_EQ(pipeline.Consumer(Consumers::kLag), 0);
}

TEST(S3StreamOperationsTest, ARollingRestartRecoversNothingAndLosesNothing) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    S3Settings s = PlausibleS3();
    s.seed = seed;
    s.producers.rate = Until(Minutes(4), 1'000);
    s.consumers = Reading();
    S3Pipeline pipeline(s);
    Operations operations(pipeline.sim, "operations", &pipeline.log);
    OperationPlan plan = Plan(OperationKind::kRollingRestart, Seconds(30));
    plan.start_time = Seconds(20);
    operations.Schedule(plan);
    Duration at;
    while (at < Minutes(6)) {
      pipeline.Run(at = at + Milliseconds(100));
      ASSERT_EQ(pipeline.Log(BrokerCluster::kOffline), 0) << seed;
    }
    EXPECT_TRUE(operations.outcomes()[0].ended.has_value()) << seed;
    EXPECT_EQ(pipeline.Log(S3StreamCluster::kRecoveries), 0) << seed;
    EXPECT_EQ(pipeline.Producer(Producers::kAcked), pipeline.Producer(Producers::kTaken)) << seed;
    EXPECT_EQ(pipeline.Producer(Producers::kAcked), pipeline.RecordsInLog()) << seed;
    EXPECT_EQ(pipeline.Consumer(Consumers::kLag), 0) << seed;
    EXPECT_LT(pipeline.Producer(Producers::kFailed), 1) << seed;
  }
}

TEST(S3StreamOperationsTest, ARemovedBrokerGivesAllItsPartitionsAway) {
  S3Settings s = PlausibleS3();
  s.producers.rate = Until(Minutes(2), 1'000);
  S3Pipeline pipeline(s);
  Operations operations(pipeline.sim, "operations", &pipeline.log);
  OperationPlan plan = Plan(OperationKind::kRemoveBroker, Seconds(30));
  plan.brokers = {0};
  plan.most_moves = 1;
  operations.Schedule(plan);
  pipeline.Run(Minutes(4));
  EXPECT_TRUE(operations.outcomes()[0].ended.has_value());
  EXPECT_EQ(operations.outcomes()[0].moves_done, 2);
  EXPECT_FALSE(pipeline.log.IsUp(0));
  EXPECT_EQ(pipeline.LedBy(1), 3);
  EXPECT_EQ(pipeline.LedBy(2), 3);
  EXPECT_EQ(pipeline.Log(S3StreamCluster::kRecoveries), 0);
  EXPECT_EQ(pipeline.RecordsInLog(), 120'000);
}

TEST(S3StreamOperationsTest, ACrashDuringMovesLosesNothing) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    S3Settings s = PlausibleS3();
    s.seed = seed;
    s.brokers = 4;
    s.topic.partitions = 9;
    s.cluster.absent_brokers = 1;
    s.producers.rate = Until(Minutes(4), 1'000);
    s.consumers = Reading();
    S3Pipeline pipeline(s);
    Operations operations(pipeline.sim, "operations", &pipeline.log);
    OperationPlan add = Plan(OperationKind::kAddBroker, Seconds(20));
    add.brokers = {3};
    operations.Schedule(add);
    OperationPlan remove = Plan(OperationKind::kRemoveBroker, Seconds(60));
    remove.brokers = {0};
    operations.Schedule(remove);
    pipeline.Down(pipeline.Broker(1), Milliseconds(20'000 + 317 * static_cast<int64_t>(seed)),
                  Seconds(15));
    pipeline.Down(pipeline.Broker(3), Milliseconds(60'000 + 411 * static_cast<int64_t>(seed)),
                  Seconds(20));
    pipeline.Run(Minutes(8));
    EXPECT_TRUE(operations.outcomes()[0].ended.has_value()) << seed;
    EXPECT_TRUE(operations.outcomes()[1].ended.has_value()) << seed;
    EXPECT_EQ(pipeline.LedBy(0), 0) << seed;
    EXPECT_EQ(pipeline.Log(BrokerCluster::kOffline), 0) << seed;
    EXPECT_EQ(pipeline.Producer(Producers::kAcked), 240'000) << seed;
    EXPECT_EQ(pipeline.RecordsInLog(), 240'000) << seed;
    EXPECT_EQ(pipeline.Consumer(Consumers::kLag), 0) << seed;
  }
}

}  // namespace
}  // namespace freshet
