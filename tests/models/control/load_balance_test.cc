// Plans that can be made by hand.
#include "models/control/load_balance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr BalanceGoals kGoals = {
    {{Ratio::Percent(10), BytesPerSecond(100)}, {Ratio::Percent(10), BytesPerSecond(100)}}};

// Brokers and partitions of the given loads in; nothing goes out.
struct Case {
  std::vector<BrokerLoad> brokers;
  std::vector<PartitionLoad> partitions;
};
Case Of(const std::vector<std::vector<int64_t>>& loads) {
  Case made;
  for (size_t broker = 0; broker < loads.size(); ++broker) {
    made.brokers.push_back({{0, 0}, true});
    for (const int64_t load : loads[broker]) {
      made.brokers.back().load[0] += load;
      made.partitions.push_back({static_cast<int32_t>(broker), {load, 0}, true});
    }
  }
  return made;
}
std::vector<PlannedMove> Plan(const Case& made) {
  return PlanMoves(made.brokers, made.partitions, kGoals);
}

TEST(LoadBalanceTest, WithinTheDeviationNothingMoves) {
  EXPECT_THAT(Plan(Of({{550, 500}, {500, 500}, {450, 500}})), IsEmpty());  // 1050, 1000, 950.
  EXPECT_THAT(Plan(Of({{1100}, {1000}, {900}})), IsEmpty());
}

TEST(LoadBalanceTest, BelowTheThresholdNothingMoves) {
  EXPECT_THAT(Plan(Of({{40, 40, 40, 40, 40}, {}, {}})), IsEmpty());  // 66 on average.
  EXPECT_THAT(Plan(Of({{60, 60, 60, 60, 60}, {}, {}})), SizeIs(3));  // 100.
}

TEST(LoadBalanceTest, TheLargestGoesToWhereTheWorseEndGainsMost) {
  // 900, 300, 0 with an average of 400: 360 to 440. The first may lose 460 at the least.
  const Case made = Of({{300, 300, 200, 100}, {300}, {}});
  // 300 to broker 2: ends 160 above and 60 below; the next 300 there would be 240 above; to broker
  // 1 no less. 200 to broker 1: 400 and 500, worse than 160, so 40 left of it; ...
  const std::vector<PlannedMove> plan = Plan(made);
  ASSERT_THAT(plan, ::testing::Not(IsEmpty()));
  EXPECT_EQ(plan[0], (PlannedMove{0, 0, 2}));
  NetworkLoad after[3] = {};
  std::vector<int32_t> home;
  for (const PartitionLoad& partition : made.partitions) home.push_back(partition.broker);
  for (const PlannedMove& move : plan) home[move.partition] = move.to;
  for (size_t i = 0; i < home.size(); ++i) {
    after[home[i]][0] += made.partitions[i].load[0];
  }
  EXPECT_LE(std::max({after[0][0], after[1][0], after[2][0]}), 500);
}

TEST(LoadBalanceTest, AnEmptyBrokerIsFilledFromTheFullest) {
  // The average of 300 takes 270 to 330: brokers 0 and 1 have 500 and 400, the third nothing.
  EXPECT_THAT(Plan(Of({{100, 100, 100, 100, 100}, {100, 100, 100, 100}, {}})),
              ElementsAre(PlannedMove{0, 0, 2}, PlannedMove{1, 0, 2}, PlannedMove{5, 1, 2}));
}

TEST(LoadBalanceTest, WhoIsLeftOutNeitherGivesNorTakes) {
  Case made = Of({{100, 100, 100, 100}, {}, {}});
  made.brokers[1].takes_part = false;
  EXPECT_THAT(Plan(made), ElementsAre(PlannedMove{0, 0, 2}, PlannedMove{1, 0, 2}));
  made.partitions[0].movable = false;
  EXPECT_THAT(Plan(made), ElementsAre(PlannedMove{1, 0, 2}, PlannedMove{2, 0, 2}));
}

// One partition that is too large for any broker: to move it would only move the trouble.
TEST(LoadBalanceTest, AHotPartitionStays) {
  EXPECT_THAT(Plan(Of({{900}, {100}, {100}})), IsEmpty());
}

TEST(LoadBalanceTest, TheSecondGoalDoesNotUndoTheFirst) {
  Case made = Of({{500}, {500}});
  made.partitions[0].load[1] = made.brokers[0].load[1] = 1'000;
  EXPECT_THAT(Plan(made), IsEmpty());
  // A partition that is only read may go.
  made.partitions.push_back({0, {0, 600}, true});
  made.brokers[0].load[1] += 600;
  EXPECT_THAT(Plan(made), ElementsAre(PlannedMove{2, 0, 1}));
}

}  // namespace
}  // namespace freshet
