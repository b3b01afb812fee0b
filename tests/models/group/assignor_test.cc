// Who reads what, by hand. Partitions are numbered through: with two topics of three, 3 is the
// first of the second.
#include "models/group/assignor.h"

#include <numeric>

#include "gtest/gtest.h"

namespace freshet {
namespace {

const Assignment kTwoNew = {{}, {}};
const Assignment kThreeNew = {{}, {}, {}};

TEST(AssignorTest, RangeGoesTopicByTopic) {
  // The example of RangeAssignor's documentation: the first member has four of six.
  EXPECT_EQ(Assign(Assignor::kRange, {3, 3}, kTwoNew), (Assignment{{0, 1, 3, 4}, {2, 5}}));
  EXPECT_EQ(Assign(Assignor::kRange, {7}, kThreeNew), (Assignment{{0, 1, 2}, {3, 4}, {5, 6}}));
  EXPECT_EQ(Assign(Assignor::kRange, {1}, kThreeNew), (Assignment{{0}, {}, {}}));
}

TEST(AssignorTest, RoundRobinDealsAllTopicsInTurn) {
  // RoundRobinAssignor's: t0p0, t0p2, t1p1 and t0p1, t1p0, t1p2.
  EXPECT_EQ(Assign(Assignor::kRoundRobin, {3, 3}, kTwoNew), (Assignment{{0, 2, 4}, {1, 3, 5}}));
}

TEST(AssignorTest, StickyStartsAsRoundRobin) {
  // StickyAssignor's first example: four topics of two, three members.
  EXPECT_EQ(Assign(Assignor::kSticky, {2, 2, 2, 2}, kThreeNew),
            (Assignment{{0, 3, 6}, {1, 4, 7}, {2, 5}}));
}

TEST(AssignorTest, StickyGivesOnlyWhatTheMissingOneHad) {
  // The second of three has gone: 1, 4, 7 go to the others in turn until each has four.
  EXPECT_EQ(Assign(Assignor::kSticky, {2, 2, 2, 2}, {{0, 3, 6}, {2, 5}}),
            (Assignment{{0, 1, 3, 6}, {2, 4, 5, 7}}));
}

TEST(AssignorTest, StickyTakesFromTheFullestForANewMember) {
  // Eight for three: two keep three each, their first ones, and the new one gets the other two.
  EXPECT_EQ(Assign(Assignor::kSticky, {8}, {{0, 1, 2, 3}, {4, 5, 6, 7}, {}}),
            (Assignment{{0, 1, 2}, {4, 5, 6}, {3, 7}}));
  // Nine for three of four each but one: all at three.
  EXPECT_EQ(Assign(Assignor::kSticky, {9}, {{0, 1, 2, 3, 4}, {5, 6, 7, 8}, {}}),
            (Assignment{{0, 1, 2}, {5, 6, 7}, {3, 4, 8}}));
}

TEST(AssignorTest, WhatMovesIsWithheldInTheFirstCooperativeRound) {
  const Assignment owned = {{0, 1, 2, 3}, {4, 5, 6, 7}, {}};
  Assignment first = Assign(Assignor::kCooperativeSticky, {8}, owned);
  EXPECT_EQ(Withhold(owned, &first), 2);
  EXPECT_EQ(first, (Assignment{{0, 1, 2}, {4, 5, 6}, {}}));
  // The second round: nobody has them any more.
  Assignment second = Assign(Assignor::kCooperativeSticky, {8}, first);
  EXPECT_EQ(Withhold(first, &second), 0);
  EXPECT_EQ(second, (Assignment{{0, 1, 2}, {4, 5, 6}, {3, 7}}));
}

TEST(AssignorTest, UniformGivesTheFirstOnesOneMore) {
  EXPECT_EQ(Assign(Assignor::kUniform, {8}, kThreeNew), (Assignment{{0, 1, 2}, {3, 4, 5}, {6, 7}}));
  // A third comes: the first keeps three, the second three, each gives up its last.
  EXPECT_EQ(Assign(Assignor::kUniform, {8}, {{0, 1, 2, 3}, {4, 5, 6, 7}, {}}),
            (Assignment{{0, 1, 2}, {4, 5, 6}, {3, 7}}));
  // The second of three has gone.
  EXPECT_EQ(Assign(Assignor::kUniform, {8}, {{0, 1, 2}, {6, 7}}),
            (Assignment{{0, 1, 2, 3}, {4, 5, 6, 7}}));
}

// Whatever comes and goes: each partition has one member, no two differ by more than one, and the
// sticky ones move no more than they must.
TEST(AssignorTest, EvenAndCompleteForAllSizes) {
  for (const Assignor assignor :
       {Assignor::kRoundRobin, Assignor::kSticky, Assignor::kUniform, Assignor::kRange}) {
    for (int partitions = 1; partitions <= 17; ++partitions) {
      Assignment owned(1);
      for (const size_t members : {1, 2, 3, 5, 4, 7, 6, 2, 1}) {
        owned.resize(members);  // The last ones leave, or new ones come behind.
        size_t kept_at_most = 0;
        const size_t larger = (static_cast<size_t>(partitions) + members - 1) / members;
        for (const auto& has : owned) kept_at_most += std::min(has.size(), larger);
        const Assignment next = Assign(assignor, {partitions}, owned);
        std::vector<int> all;
        size_t kept = 0;
        for (size_t member = 0; member < members; ++member) {
          EXPECT_GE(next[member].size(), static_cast<size_t>(partitions) / members);
          EXPECT_LE(next[member].size(), larger);
          all.insert(all.end(), next[member].begin(), next[member].end());
          for (const int partition : next[member]) {
            kept += std::count(owned[member].begin(), owned[member].end(), partition) > 0;
          }
        }
        std::sort(all.begin(), all.end());
        std::vector<int> expected(static_cast<size_t>(partitions));
        std::iota(expected.begin(), expected.end(), 0);
        EXPECT_EQ(all, expected);
        if (assignor == Assignor::kSticky && static_cast<size_t>(partitions) % members == 0) {
          EXPECT_EQ(kept, kept_at_most);
        }
        owned = next;
      }
    }
  }
}

}  // namespace
}  // namespace freshet
