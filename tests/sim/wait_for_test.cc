#include "sim/wait_for.h"

#include "gtest/gtest.h"

namespace freshet {
namespace {

TEST(WaitForTest, FiresOnceAtTheKthAndCountsTheLate) {
  WaitForKOfN wait;
  int fired = 0;
  wait.Start(WaitForKOfN::AllOf(3), 2, [&fired] { ++fired; });
  wait.Arrive(2);
  EXPECT_EQ(fired, 0);
  EXPECT_EQ(wait.missing(), 0b011u);
  wait.Arrive(0);
  EXPECT_EQ(fired, 1);
  wait.Arrive(1);
  EXPECT_EQ(fired, 1);
  EXPECT_EQ(wait.late(), 1);
  EXPECT_FALSE(wait.waiting());
}

TEST(WaitForTest, ASecondAnswerAndAStrangersCountForNothing) {
  WaitForKOfN wait;
  int fired = 0;
  wait.Start(0b101, 2, [&fired] { ++fired; });
  wait.Arrive(0);
  wait.Arrive(0);
  wait.Arrive(1);
  EXPECT_EQ(wait.arrived(), 1);
  EXPECT_EQ(fired, 0);
}

TEST(WaitForTest, AShrunkenSetMaySuffice) {
  WaitForKOfN wait;
  int fired = 0;
  wait.Start(WaitForKOfN::AllOf(3), 3, [&fired] { ++fired; });
  wait.Arrive(0);
  wait.Arrive(1);
  wait.SetMembers(0b011, 2);  // The third left the in-sync set.
  EXPECT_EQ(fired, 1);
}

TEST(WaitForTest, AnswersOfThoseWhoLeftNoLongerCount) {
  WaitForKOfN wait;
  int fired = 0;
  wait.Start(WaitForKOfN::AllOf(3), 2, [&fired] { ++fired; });
  wait.Arrive(2);
  wait.SetMembers(0b011, 2);
  wait.Arrive(0);
  EXPECT_EQ(fired, 0);
  wait.Arrive(1);
  EXPECT_EQ(fired, 1);
}

TEST(WaitForTest, FewerNeededFiresAtOnceAndNoneNeededToo) {
  WaitForKOfN wait;
  int fired = 0;
  wait.Start(WaitForKOfN::AllOf(3), 3, [&fired] { ++fired; });
  wait.Arrive(0);
  wait.SetNeeded(1);
  EXPECT_EQ(fired, 1);
  wait.Start(0, 0, [&fired] { ++fired; });
  EXPECT_EQ(fired, 2);
}

TEST(WaitForTest, ItsCallbackMayStartItAgain) {
  WaitForKOfN wait;
  int rounds = 0;
  struct Again {
    WaitForKOfN& wait;
    int& rounds;
    void Start() {
      wait.Start(1, 1, [this] {
        if (++rounds < 3) Start();
      });
    }
  } again{wait, rounds};
  again.Start();
  for (int i = 0; i < 5; ++i) wait.Arrive(0);
  EXPECT_EQ(rounds, 3);
}

TEST(WaitForTest, StoppedItStaysSilent) {
  WaitForKOfN wait;
  wait.Start(1, 1, [] { FAIL(); });
  wait.Stop();
  wait.Arrive(0);
}

TEST(WaitForCanary, MoreThanThereAre) {
  WaitForKOfN wait;
  EXPECT_THROW(wait.Start(0b11, 3, Callback()), InvariantBroken);
}

}  // namespace
}  // namespace freshet
