// The classic protocol, with times by hand. A round trip is 0.2 ms; a join from nothing takes four:
// find the coordinator, get an id, join, ask for the share; a fifth brings the committed offsets.
#include "gtest/gtest.h"
#include "tests/models/group/group_pipeline.h"

namespace freshet {
namespace {

constexpr int64_t kRoundTrip = 200'000;

TEST(ClassicGroupTest, TheFirstGenerationWaitsForWhoComesAtOnce) {
  GroupPipeline pipeline(Subscribed(3));
  // The first join is at the coordinator after 2.5 round trips; then three seconds, and once more,
  // since the others came meanwhile; then its answer, and SyncGroup.
  pipeline.Run(Seconds(10));
  EXPECT_EQ(pipeline.Rebalances(), 1);
  EXPECT_EQ(pipeline.Owned(1), (std::vector<int>{0, 1}));
  EXPECT_EQ(pipeline.Owned(2), (std::vector<int>{2, 3}));
  EXPECT_EQ(pipeline.Owned(3), (std::vector<int>{4, 5}));
  const Histogram time = pipeline.RebalanceTime();
  EXPECT_EQ(time.count(), 1);
  EXPECT_EQ(time.max(), Seconds(6).nanos() + kRoundTrip);
}

TEST(ClassicGroupTest, AloneItWaitsOnce) {
  GroupPipeline pipeline(Subscribed(1));
  pipeline.Run(Seconds(10));
  EXPECT_EQ(pipeline.Owned(1).size(), 6u);
  EXPECT_EQ(pipeline.RebalanceTime().max(), Seconds(3).nanos() + kRoundTrip);
}

TEST(ClassicGroupTest, AllIsReadOnceInSteadyState) {
  MiniSettings s = Subscribed(3);
  s.producers.rate = Until(Seconds(60), 600);
  GroupPipeline pipeline(s);
  pipeline.Run(Seconds(70));
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 36'000);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRedelivered), 0);
  EXPECT_EQ(pipeline.Consumer(Consumers::kPassedOver), 0);
  EXPECT_EQ(pipeline.Consumer(Consumers::kLag), 0);
}

TEST(ClassicGroupTest, ACrashIsNoticedWhenTheSessionIsOver) {
  GroupPipeline pipeline(Subscribed(3));
  pipeline.Down(pipeline.Member(2), Seconds(20), Duration::Zero());
  pipeline.Run(Seconds(60));
  EXPECT_EQ(pipeline.Rebalances(), 1);
  EXPECT_EQ(pipeline.OwnedByAll(), 4);
  EXPECT_EQ(pipeline.Consumer(Consumers::kUnowned), 2);
  pipeline.Run(Seconds(75));
  EXPECT_EQ(pipeline.RebalancesBy(RebalanceCause::kSessionOver), 1);
  EXPECT_EQ(pipeline.Owned(1), (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(pipeline.Owned(3), (std::vector<int>{3, 4, 5}));
  // Its last heartbeat came less than three seconds before; the others hear of it by theirs.
  const Histogram unowned = pipeline.UnownedTime();
  EXPECT_GE(unowned.max(), Seconds(42).nanos());
  EXPECT_LE(unowned.max(), Seconds(48).nanos() + Milliseconds(10).nanos());
}

TEST(ClassicGroupTest, EagerTakesAllFromEverybody) {
  GroupPipeline pipeline(Subscribed(4, Assignor::kRange, 1));
  pipeline.Run(Seconds(20));
  EXPECT_EQ(pipeline.Consumer(Consumers::kRevoked), 0);
  pipeline.consumers->AddMembers(1, Milliseconds(1), [] {});
  pipeline.Run(Seconds(30));
  EXPECT_EQ(pipeline.Rebalances(), 2);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRevoked), 6);
  EXPECT_EQ(pipeline.Owned(1), (std::vector<int>{0, 1}));
  EXPECT_EQ(pipeline.Owned(4), (std::vector<int>{5}));
}

TEST(ClassicGroupTest, CooperativeTakesOnlyWhatMovesAndNeedsTwoRounds) {
  GroupPipeline pipeline(Subscribed(3, Assignor::kCooperativeSticky, 1));
  pipeline.Run(Seconds(20));
  EXPECT_EQ(pipeline.Owned(1), (std::vector<int>{0, 2, 4}));
  EXPECT_EQ(pipeline.Owned(2), (std::vector<int>{1, 3, 5}));
  pipeline.consumers->AddMembers(1, Milliseconds(1), [] {});
  pipeline.Run(Seconds(40));
  EXPECT_EQ(pipeline.Rebalances(), 3);
  EXPECT_EQ(pipeline.RebalancesBy(RebalanceCause::kRevoked), 1);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRevoked), 2);
  EXPECT_EQ(pipeline.Owned(1), (std::vector<int>{0, 2}));
  EXPECT_EQ(pipeline.Owned(2), (std::vector<int>{1, 3}));
  EXPECT_EQ(pipeline.Owned(3), (std::vector<int>{4, 5}));
  // From giving them up until the second round is through: the others hear of it by heartbeats.
  EXPECT_EQ(pipeline.UnownedTime().count(), 2);
  EXPECT_LE(pipeline.UnownedTime().max(), Seconds(3).nanos() + Milliseconds(10).nanos());
}

TEST(ClassicGroupTest, WhoLeavesIsMissedAtOnce) {
  GroupPipeline pipeline(Subscribed(3));
  pipeline.Run(Seconds(20));
  bool done = false;
  pipeline.consumers->RemoveMembers(1, [&done] { done = true; });
  pipeline.Run(Seconds(24));
  EXPECT_TRUE(done);
  EXPECT_EQ(pipeline.RebalancesBy(RebalanceCause::kLeft), 1);
  EXPECT_EQ(pipeline.Owned(1).size() + pipeline.Owned(2).size(), 6u);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRedelivered), 0);
}

TEST(ClassicGroupTest, AStaticMemberThatComesBackInTimeHasItsShare) {
  MiniSettings s = Subscribed(3);
  s.consumers->group->static_members = true;
  GroupPipeline pipeline(s);
  pipeline.Down(pipeline.Member(2), Seconds(20), Seconds(30));
  pipeline.Run(Seconds(60));
  EXPECT_EQ(pipeline.Rebalances(), 1);
  EXPECT_EQ(pipeline.Owned(2), (std::vector<int>{2, 3}));
  EXPECT_EQ(pipeline.OwnedByAll(), 6);
  // From the crash to the new process's share: find the coordinator, join, ask for the share.
  EXPECT_EQ(pipeline.UnownedTime().max(), Seconds(30).nanos() + 3 * kRoundTrip);
}

TEST(ClassicGroupTest, AStaticMemberThatIsLateIsReplaced) {
  MiniSettings s = Subscribed(3);
  s.consumers->group->static_members = true;
  GroupPipeline pipeline(s);
  pipeline.Down(pipeline.Member(2), Seconds(20), Seconds(80));
  pipeline.Run(Seconds(90));
  EXPECT_EQ(pipeline.RebalancesBy(RebalanceCause::kSessionOver), 1);
  EXPECT_EQ(pipeline.OwnedByAll(), 6);
  pipeline.Run(Seconds(120));
  EXPECT_EQ(pipeline.RebalancesBy(RebalanceCause::kJoined), 2);
  EXPECT_EQ(pipeline.Owned(2), (std::vector<int>{2, 3}));
}

TEST(ClassicGroupTest, ARollingRestartOfDynamicMembersRebalancesTwiceAMember) {
  GroupPipeline pipeline(Subscribed(3));
  pipeline.Run(Seconds(20));
  bool done = false;
  pipeline.consumers->RestartAll(Seconds(10), Seconds(10), [&done] { done = true; });
  pipeline.Run(Seconds(100));
  EXPECT_TRUE(done);
  EXPECT_EQ(pipeline.RebalancesBy(RebalanceCause::kLeft), 3);
  EXPECT_EQ(pipeline.RebalancesBy(RebalanceCause::kJoined), 4);  // With the first of all.
  EXPECT_EQ(pipeline.OwnedByAll(), 6);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRedelivered), 0);
  EXPECT_EQ(pipeline.Consumer(Consumers::kPassedOver), 0);
}

TEST(ClassicGroupTest, ARollingRestartOfStaticMembersRebalancesNever) {
  MiniSettings s = Subscribed(3);
  s.consumers->group->static_members = true;
  GroupPipeline pipeline(s);
  pipeline.Run(Seconds(20));
  pipeline.consumers->RestartAll(Seconds(10), Seconds(10), [] {});
  pipeline.Run(Seconds(100));
  EXPECT_EQ(pipeline.Rebalances(), 1);
  EXPECT_EQ(pipeline.OwnedByAll(), 6);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRedelivered), 0);
}

}  // namespace
}  // namespace freshet
