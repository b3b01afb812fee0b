// Members that hang, slow down, leave without a word, and come in numbers; other broker designs.
#include "gtest/gtest.h"
#include "tests/models/group/group_pipeline.h"

namespace freshet {
namespace {

TEST(GroupMembersTest, WhoHangsShorterThanThePollIntervalStays) {
  GroupPipeline pipeline(Subscribed(3));
  pipeline.Down(pipeline.Thread(2), Seconds(20), Minutes(4));  // Heartbeats go on.
  pipeline.Run(Minutes(6));
  EXPECT_EQ(pipeline.Rebalances(), 1);
  EXPECT_EQ(pipeline.Consumer(Consumers::kLag), 0);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRedelivered), 0);
}

TEST(GroupMembersTest, WhoHangsLongerLeavesAndTheOthersGoOn) {
  GroupPipeline pipeline(Subscribed(3));
  pipeline.Down(pipeline.Thread(2), Seconds(20), Minutes(10));
  pipeline.Run(Seconds(319));
  EXPECT_EQ(pipeline.Rebalances(), 1);
  pipeline.Run(Seconds(330));
  EXPECT_EQ(pipeline.RebalancesBy(RebalanceCause::kPollOver), 1);
  EXPECT_EQ(pipeline.Owned(1).size() + pipeline.Owned(3).size(), 6u);
  pipeline.Run(Minutes(12));
  EXPECT_EQ(pipeline.OwnedByAll(), 6);
  EXPECT_EQ(pipeline.Owned(2).size(), 2u);
}

// An eager group waits for the one that is in its poll: up to max.poll.interval.ms.
TEST(GroupMembersTest, TheSlowestPollHoldsUpTheWholeGroup) {
  MiniSettings s = Subscribed(4, Assignor::kRange, 1);
  GroupPipeline pipeline(s);
  pipeline.Run(Seconds(20));
  pipeline.Down(pipeline.Thread(2), Seconds(21), Seconds(40));
  pipeline.consumers->AddMembers(1, Seconds(5), [] {});
  pipeline.Run(Seconds(60));
  EXPECT_EQ(pipeline.Consumer(GroupMetrics::kRebalancing), 1);
  EXPECT_EQ(pipeline.Owned(1).size() + pipeline.Owned(3).size() + pipeline.Owned(4).size(), 0u);
  pipeline.Run(Seconds(62));
  EXPECT_EQ(pipeline.Consumer(GroupMetrics::kRebalancing), 0);
  EXPECT_EQ(pipeline.OwnedByAll(), 6);
  // The new one joined at 25 s and five half round trips; the thread goes on at 61 s.
  EXPECT_GE(pipeline.RebalanceTime().max(), Seconds(35).nanos());
  EXPECT_LE(pipeline.RebalanceTime().max(), Seconds(37).nanos());
}

TEST(GroupMembersTest, ACooperativeGroupGoesOnMeanwhile) {
  GroupPipeline pipeline(Subscribed(4, Assignor::kCooperativeSticky, 1));
  pipeline.Run(Seconds(20));
  pipeline.Down(pipeline.Thread(2), Seconds(21), Seconds(40));
  pipeline.consumers->AddMembers(1, Seconds(5), [] {});
  pipeline.Run(Seconds(30));
  const int64_t before = pipeline.Consumer(Consumers::kRecords);
  pipeline.Run(Seconds(60));
  EXPECT_EQ(pipeline.Consumer(GroupMetrics::kRebalancing), 1);
  // Two thirds of 600 a second for 30 seconds.
  EXPECT_NEAR(pipeline.Consumer(Consumers::kRecords) - before, 12'000, 400);
}

TEST(GroupMembersTest, WhoDoesNotLeaveIsMissedWhenItsSessionIsOver) {
  MiniSettings s = Subscribed(3);
  s.consumers->group->leave_on_close = false;
  GroupPipeline pipeline(s);
  pipeline.Run(Seconds(20));
  pipeline.consumers->RemoveMembers(1, [] {});
  pipeline.Run(Seconds(60));
  EXPECT_EQ(pipeline.Rebalances(), 1);
  EXPECT_EQ(pipeline.OwnedByAll(), 4);
  pipeline.Run(Seconds(75));
  EXPECT_EQ(pipeline.RebalancesBy(RebalanceCause::kSessionOver), 1);
  EXPECT_EQ(pipeline.OwnedByAll(), 6);
}

TEST(GroupMembersTest, MoreMembersThanPartitionsLeaveSomeIdle) {
  GroupPipeline pipeline(Subscribed(8));
  pipeline.Run(Seconds(20));
  for (int member = 1; member <= 6; ++member) EXPECT_EQ(pipeline.Owned(member).size(), 1u);
  EXPECT_TRUE(pipeline.Owned(7).empty());
  pipeline.Down(pipeline.Member(1), Seconds(21), Duration::Zero());
  pipeline.Run(Seconds(80));
  EXPECT_EQ(pipeline.Owned(7).size(), 1u);
}

constexpr uint64_t kSeeds = 2;

// Whatever stops and starts in whatever order: when it is over all is read, and the audits of
// owners and of what was processed have held.
TEST(GroupMembersTest, AfterManyFaultsNothingIsMissing) {
  for (const Assignor assignor :
       {Assignor::kRange, Assignor::kSticky, Assignor::kCooperativeSticky, Assignor::kUniform}) {
    for (const bool is_static : {false, true}) {
      for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
        MiniSettings s = Subscribed(5, assignor);
        s.seed = seed;
        s.producers.rate = Until(Seconds(300), 600);
        s.consumers->cpu_per_record = Milliseconds(1);
        s.consumers->max_poll_records = 50;
        s.consumers->group->static_members = is_static;
        s.consumers->group->session_timeout = Seconds(10);
        s.consumers->group->max_poll_interval = Seconds(20);
        if (seed % 2 == 0) {
          s.consumers->auto_commit = false;
          s.consumers->group->application_commits = ApplicationCommits::kAfterProcessing;
        }
        SCOPED_TRACE(::testing::Message() << "assignor " << static_cast<int>(assignor) << " static "
                                          << is_static << " seed " << seed);
        GroupPipeline pipeline(s);
        RandomStream random(seed, "faults", "test");
        for (int i = 0; i < 16; ++i) {
          const int member = 1 + static_cast<int>(random.NextBelow(5));
          const Duration at = Milliseconds(1'000 + static_cast<int64_t>(random.NextBelow(250'000)));
          const Duration lasts = Milliseconds(1 + static_cast<int64_t>(random.NextBelow(40'000)));
          const uint64_t what = random.NextBelow(8);
          FaultTarget* on = what < 4   ? pipeline.Member(member)
                            : what < 7 ? pipeline.Thread(member)
                                       : pipeline.Broker(member % 3);
          pipeline.Down(on, at, lasts);
        }
        pipeline.Run(Seconds(500));
        EXPECT_EQ(pipeline.OwnedByAll(), 6);
        EXPECT_EQ(pipeline.Consumer(Consumers::kLag), 0);
        EXPECT_EQ(pipeline.Consumer(Consumers::kPassedOver), 0);
        EXPECT_EQ(
            pipeline.Consumer(Consumers::kRecords) - pipeline.Consumer(Consumers::kRedelivered),
            pipeline.RecordsInLog());
      }
    }
  }
}

}  // namespace
}  // namespace freshet
