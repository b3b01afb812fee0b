// What a connector does with what it cannot read, cannot write, or may not.
#include "gtest/gtest.h"
#include "tests/models/connect/connect_pipeline.h"

namespace freshet {
namespace {

constexpr char kDeadLetters[] = "dead";

// One record of a hundred is poison, of 6 000.
ConnectSettings Poisoned(OnUnreadable policy) {
  ConnectSettings s = Connected(2, 2, Seconds(60));
  s.producers.poison_share = Ratio::Percent(1);
  s.connect.reading.on_unreadable = policy;
  if (policy == OnUnreadable::kDeadLetter) {
    TopicConfig dead = s.topic;
    dead.name = kDeadLetters;
    dead.partitions = 3;
    s.more_topics.push_back(dead);
    s.connect.dead_letter_topic = kDeadLetters;
  }
  return s;
}

int64_t DeadLettersIn(const ConnectPipeline& pipeline) {
  const LogService::TopicPartitions dead = pipeline.log.PartitionsOf(kDeadLetters);
  int64_t records = 0;
  for (int p = 0; p < dead.count; ++p) {
    records += pipeline.log.LogOf(dead.first + static_cast<PartitionId>(p)).high_watermark();
  }
  return records;
}

// The first one stops the task that has its partition; its partition goes to the other one, which
// stops there, too: nothing is written any more, and all the rest is read again and again by
// nobody.
TEST(ConnectErrorsTest, APoisonRecordStopsOneTaskAfterTheOther) {
  ConnectPipeline pipeline(Poisoned(OnUnreadable::kStop));
  pipeline.Run(Seconds(200));
  EXPECT_EQ(pipeline.Connect(ConnectCluster::kFailures[0]), 2);
  EXPECT_EQ(pipeline.Connect(ConnectCluster::kFailed), 2);
  EXPECT_EQ(pipeline.Connect(ConnectCluster::kRunning), 0);
  EXPECT_EQ(pipeline.Connect(ConnectCluster::kUnassigned), 0);
  const int64_t visible = pipeline.SinkValue(MeteredSink::kVisible);
  EXPECT_LT(visible, 6'000);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLag), 6'000 - visible);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated), 0);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLost), 0);
  // It is restarted, and fails at the same record.
  pipeline.sim.At<"test.restart">(Time() + Seconds(201), 0,
                                  [&] { pipeline.connect->RestartTasks(true); });
  pipeline.Run(Seconds(300));
  EXPECT_EQ(pipeline.Connect(ConnectCluster::kFailed), 2);
  EXPECT_EQ(pipeline.Connect(ConnectCluster::kStarts), 4);
}

TEST(ConnectErrorsTest, WithToleranceItIsLeftOut) {
  ConnectPipeline pipeline(Poisoned(OnUnreadable::kQuarantine));
  pipeline.Run(Seconds(200));
  const int64_t poison = pipeline.SinkValue(MeteredSink::kFiltered);
  EXPECT_GT(poison, 0);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 6'000 - poison);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLag), 0);
  EXPECT_EQ(pipeline.Connect(ConnectCluster::kFailed), 0);
}

TEST(ConnectErrorsTest, DeadLettersAreInTheirTopic) {
  ConnectPipeline pipeline(Poisoned(OnUnreadable::kDeadLetter));
  pipeline.Run(Seconds(200));
  const int64_t poison = pipeline.SinkValue(MeteredSink::kDeadLettered);
  EXPECT_GT(poison, 0);
  EXPECT_EQ(DeadLettersIn(pipeline), poison);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 6'000 - poison);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLost), 0);
}

// Expired at 30 s, renewed at 100 s. What was written before is committed as tasks close: nothing
// is twice.
TEST(ConnectErrorsTest, ExpiredCredentialsStopAllTasksUntilTheyAreRenewed) {
  ConnectSettings s = Connected(2, 2, Seconds(120));
  s.connect.credential_lifetime = Milliseconds(30'005);
  ConnectPipeline pipeline(s);
  pipeline.Run(Seconds(80));
  EXPECT_EQ(pipeline.Connect(ConnectCluster::kFailures[2]), 2);
  EXPECT_EQ(pipeline.Connect(ConnectCluster::kFailed), 2);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 3'000);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kStaleness), Milliseconds(49'990).nanos());
  // Without new ones a restart is of no use.
  pipeline.sim.At<"test.restart">(Time() + Seconds(81), 0,
                                  [&] { pipeline.connect->RestartTasks(true); });
  pipeline.sim.At<"test.renew">(Time() + Seconds(100), 0,
                                [&] { pipeline.connect->RenewCredentials(); });
  pipeline.Run(Seconds(99));
  EXPECT_EQ(pipeline.Connect(ConnectCluster::kFailed), 2);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 3'000);
  pipeline.Run(Seconds(119));
  EXPECT_EQ(pipeline.Connect(ConnectCluster::kFailed), 0);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLag), 0);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated), 0);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLost), 0);
}

// The store is away from 20 s on. A write of 20.01 s times out after 30 s and is tried again after
// a second, and once more after two: at 113.01 s the connector's patience of two retries is over.
TEST(ConnectErrorsTest, ATaskFailsWhenItsWritesAreRefusedForTooLong) {
  ConnectSettings s = Connected(1, 1, Seconds(120));
  s.connect.sink.max_retries = 2;
  ConnectPipeline pipeline(s);
  pipeline.sim.At<"test.down">(Time() + Milliseconds(20'005), 0,
                               [&] { pipeline.sink->SetDown(true); });
  pipeline.sim.At<"test.up">(Time() + Seconds(200), 0, [&] { pipeline.sink->SetDown(false); });
  pipeline.Run(Seconds(113));
  EXPECT_EQ(pipeline.Connect(ConnectCluster::kFailed), 0);
  pipeline.Run(Seconds(114));
  EXPECT_EQ(pipeline.Connect(ConnectCluster::kFailed), 1);
  EXPECT_EQ(pipeline.Connect(ConnectCluster::kFailures[1]), 1);
  pipeline.Run(Seconds(210));
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLag), 10'000);
  pipeline.sim.At<"test.restart">(Time() + Seconds(211), 0,
                                  [&] { pipeline.connect->RestartTasks(true); });
  pipeline.Run(Seconds(250));
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 12'000);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated), 0);
}

}  // namespace
}  // namespace freshet
