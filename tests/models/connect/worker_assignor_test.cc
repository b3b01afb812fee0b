// Who runs which task: rounds by hand.
#include "models/connect/worker_assignor.h"

#include "gtest/gtest.h"

namespace freshet {
namespace {

using Round = WorkerAssignor::Round;
using Shares = std::vector<std::vector<int>>;

constexpr Duration kDelay = Minutes(5);

// Member ids are numbers; generations follow each other, and the leader has got its share in each.
class Leader {
 public:
  explicit Leader(int tasks, Duration delay = kDelay) : assignor_(tasks, delay) {}
  Round Deal(const std::vector<WorkerAssignor::Worker>& workers, Duration at) {
    ++generation_;
    return assignor_.Deal(workers, generation_, generation_ - 1, Time() + at);
  }

 private:
  WorkerAssignor assignor_;
  int32_t generation_ = 0;
};

TEST(WorkerAssignorTest, NewTasksGoToThoseWithTheFewest) {
  Leader leader(7);
  const Round round = leader.Deal({{1, {}}, {2, {}}, {3, {}}}, Seconds(1));
  EXPECT_EQ(round.shares, (Shares{{0, 3, 6}, {1, 4}, {2, 5}}));
  EXPECT_EQ(round.unassigned, 0);
  EXPECT_EQ(round.rejoin_after, Duration::Zero());
}

TEST(WorkerAssignorTest, LostTasksWaitForTheEndOfTheDelay) {
  Leader leader(6);
  leader.Deal({{1, {}}, {2, {}}, {3, {}}}, Seconds(1));
  Round round = leader.Deal({{1, {0, 3}}, {3, {2, 5}}}, Seconds(100));
  EXPECT_EQ(round.shares, (Shares{{0, 3}, {2, 5}}));
  EXPECT_EQ(round.unassigned, 2);
  EXPECT_EQ(round.rejoin_after, kDelay);
  // Another rebalance in the middle: what is left of it.
  round = leader.Deal({{1, {0, 3}}, {3, {2, 5}}}, Seconds(160));
  EXPECT_EQ(round.rejoin_after, Seconds(240));
  EXPECT_EQ(round.unassigned, 2);
  round = leader.Deal({{1, {0, 3}}, {3, {2, 5}}}, Seconds(400));
  EXPECT_EQ(round.shares, (Shares{{0, 1, 3}, {2, 4, 5}}));
  EXPECT_EQ(round.rejoin_after, Duration::Zero());
}

// Worker 4 is the process that was started in the place of worker 2. It gets what that had, and not
// before the end of the delay.
TEST(WorkerAssignorTest, WhoComesBackInTheDelayGetsThemAtItsEnd) {
  Leader leader(6);
  leader.Deal({{1, {}}, {2, {}}, {3, {}}}, Seconds(1));
  leader.Deal({{1, {0, 3}}, {3, {2, 5}}}, Seconds(100));
  Round round = leader.Deal({{1, {0, 3}}, {3, {2, 5}}, {4, {}}}, Seconds(130));
  EXPECT_EQ(round.shares, (Shares{{0, 3}, {2, 5}, {}}));
  EXPECT_EQ(round.rejoin_after, Seconds(270));
  round = leader.Deal({{1, {0, 3}}, {3, {2, 5}}, {4, {}}}, Seconds(400));
  EXPECT_EQ(round.shares, (Shares{{0, 3}, {2, 5}, {1, 4}}));
}

TEST(WorkerAssignorTest, WithoutADelayTheyAreDealtOutAtOnce) {
  Leader leader(4, Duration::Zero());
  leader.Deal({{1, {}}, {2, {}}}, Seconds(1));
  const Round round = leader.Deal({{1, {0, 2}}}, Seconds(100));
  EXPECT_EQ(round.shares, (Shares{{0, 1, 2, 3}}));
  EXPECT_EQ(round.rejoin_after, Duration::Zero());
}

TEST(WorkerAssignorTest, ANewLeaderKnowsOfNoLoss) {
  WorkerAssignor successor(4, kDelay);
  const Round round = successor.Deal({{2, {1, 3}}}, 5, 4, Time() + Seconds(100));
  EXPECT_EQ(round.shares, (Shares{{0, 1, 2, 3}}));
  EXPECT_EQ(round.rejoin_after, Duration::Zero());
}

TEST(WorkerAssignorTest, ANewWorkerIsGivenInTwoRounds) {
  Leader leader(5);
  leader.Deal({{1, {}}, {2, {}}}, Seconds(1));
  // Of five over three, two have two.
  Round round = leader.Deal({{1, {0, 2, 4}}, {2, {1, 3}}, {3, {}}}, Seconds(50));
  EXPECT_EQ(round.shares, (Shares{{0, 2}, {1, 3}, {}}));
  EXPECT_EQ(round.unassigned, 1);
  EXPECT_EQ(round.rejoin_after, Duration::Zero());
  round = leader.Deal({{1, {0, 2}}, {2, {1, 3}}, {3, {}}}, Seconds(51));
  EXPECT_EQ(round.shares, (Shares{{0, 2}, {1, 3}, {4}}));
  EXPECT_EQ(round.unassigned, 0);
}

// A worker that was thought dead comes back with its tasks, and others have them.
TEST(WorkerAssignorTest, WhatTwoRunBothStop) {
  Leader leader(4);
  leader.Deal({{1, {}}, {2, {}}}, Seconds(1));
  leader.Deal({{1, {0, 2}}}, Seconds(10));
  leader.Deal({{1, {0, 2}}}, Seconds(310));
  Round round = leader.Deal({{1, {0, 1, 2, 3}}, {3, {1, 3}}}, Seconds(400));
  EXPECT_EQ(round.shares, (Shares{{0, 2}, {}}));
  EXPECT_EQ(round.unassigned, 2);
  round = leader.Deal({{1, {0, 2}}, {3, {}}}, Seconds(401));
  EXPECT_EQ(round.shares, (Shares{{0, 2}, {1, 3}}));
}

}  // namespace
}  // namespace freshet
