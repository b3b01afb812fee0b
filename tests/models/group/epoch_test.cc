// The broker-side protocol: no barrier, each member comes to its target by its own heartbeats,
// every five seconds and at once when it has given something up.
#include "gtest/gtest.h"
#include "tests/models/group/group_pipeline.h"

namespace freshet {
namespace {

TEST(EpochGroupTest, MembersShareAtOnceWithoutAnInitialDelay) {
  GroupPipeline pipeline(Subscribed(3, Assignor::kUniform));
  // The first has all until the others come, in the same instant; it hears of it with its next
  // heartbeat.
  pipeline.Run(Seconds(12));
  EXPECT_EQ(pipeline.Rebalances(), 3);
  EXPECT_EQ(pipeline.OwnedByAll(), 6);
  for (int member = 1; member <= 3; ++member) EXPECT_EQ(pipeline.Owned(member).size(), 2u);
  EXPECT_LE(pipeline.RebalanceTime().max(), Seconds(10).nanos() + Milliseconds(10).nanos());
}

TEST(EpochGroupTest, OnlyWhatMovesStopsAndOnlyForARoundTripOrTwo) {
  GroupPipeline pipeline(Subscribed(4, Assignor::kUniform, 1));
  pipeline.Run(Seconds(30));
  const int64_t before = pipeline.Consumer(Consumers::kRevoked);
  pipeline.consumers->AddMembers(1, Milliseconds(1), [] {});
  pipeline.Run(Seconds(60));
  EXPECT_EQ(pipeline.OwnedByAll(), 6);
  EXPECT_EQ(pipeline.Owned(4).size(), 1u);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRevoked) - before, 1);
  // It waits for the new member's heartbeat: five seconds at the most.
  EXPECT_LE(pipeline.UnownedTime().max(), Seconds(5).nanos() + Milliseconds(10).nanos());
}

TEST(EpochGroupTest, ACrashIsNoticedWhenTheSessionIsOverAndTheOthersGoOn) {
  GroupPipeline pipeline(Subscribed(3, Assignor::kUniform));
  pipeline.Down(pipeline.Member(2), Seconds(20), Duration::Zero());
  pipeline.Run(Seconds(19));
  const int64_t before = pipeline.Consumer(Consumers::kRevoked);
  pipeline.Run(Seconds(80));
  EXPECT_EQ(pipeline.RebalancesBy(RebalanceCause::kSessionOver), 1);
  EXPECT_EQ(pipeline.Owned(1).size(), 3u);
  EXPECT_EQ(pipeline.Owned(3).size(), 3u);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRevoked), before);
  EXPECT_GE(pipeline.UnownedTime().max(), Seconds(40).nanos());
  EXPECT_LE(pipeline.UnownedTime().max(), Seconds(50).nanos() + Milliseconds(10).nanos());
}

TEST(EpochGroupTest, WhoHangsLeavesAndComesBack) {
  MiniSettings s = Subscribed(3, Assignor::kUniform);
  s.consumers->group->max_poll_interval = Seconds(30);
  GroupPipeline pipeline(s);
  pipeline.Down(pipeline.Thread(1), Seconds(20), Seconds(60));
  pipeline.Run(Seconds(70));
  EXPECT_EQ(pipeline.RebalancesBy(RebalanceCause::kPollOver), 1);
  EXPECT_EQ(pipeline.Owned(2).size() + pipeline.Owned(3).size(), 6u);
  EXPECT_EQ(pipeline.Consumer(Consumers::kZombies), 2);
  pipeline.Run(Seconds(100));
  EXPECT_EQ(pipeline.OwnedByAll(), 6);
  EXPECT_EQ(pipeline.Owned(1).size(), 2u);
}

TEST(EpochGroupTest, AStaticMemberKeepsItsShareOverARestart) {
  MiniSettings s = Subscribed(3, Assignor::kUniform);
  s.consumers->group->static_members = true;
  GroupPipeline pipeline(s);
  pipeline.Run(Seconds(20));
  const int64_t before = pipeline.Rebalances();
  pipeline.consumers->RestartAll(Seconds(10), Seconds(5), [] {});
  pipeline.Run(Seconds(100));
  EXPECT_EQ(pipeline.Rebalances(), before);
  EXPECT_EQ(pipeline.OwnedByAll(), 6);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRedelivered), 0);
}

TEST(EpochGroupTest, ARollingRestartLosesAndRepeatsNothing) {
  GroupPipeline pipeline(Subscribed(3, Assignor::kUniform));
  pipeline.Run(Seconds(20));
  pipeline.consumers->RestartAll(Seconds(10), Seconds(10), [] {});
  pipeline.Run(Seconds(120));
  EXPECT_EQ(pipeline.RebalancesBy(RebalanceCause::kLeft), 3);
  EXPECT_EQ(pipeline.OwnedByAll(), 6);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRedelivered), 0);
  EXPECT_EQ(pipeline.Consumer(Consumers::kPassedOver), 0);
}

}  // namespace
}  // namespace freshet
