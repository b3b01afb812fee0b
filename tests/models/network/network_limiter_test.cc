// Who passes when: 1000 bytes every 10 ms, and no more than a second's worth kept or owed.
#include "models/network/network_limiter.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/models/metrics.h"

namespace freshet {
namespace {

using testing::ElementsAre;

class NetworkLimiterTest : public testing::Test {
 protected:
  struct Passed {
    int which;
    Duration at;
    friend bool operator==(const Passed&, const Passed&) = default;
  };
  void Pass(int which, LimiterClass limiter_class, Bytes size) {
    const auto note = [this, which] { passed.push_back({which, sim.Now().SinceStart()}); };
    if (limiter.Pass(limiter_class, size, note)) note();
  }

  Simulation sim{92};
  NetworkLimiter limiter{
      sim, "limiter", {BytesPerSecond(100'000), Milliseconds(10), Bytes(100'000)}};
  std::vector<Passed> passed;
};

TEST_F(NetworkLimiterTest, PassesWhileAnythingIsInTheBucket) {
  Pass(1, LimiterClass::kTail, Bytes(999));
  Pass(2, LimiterClass::kTail, Bytes(5'000));  // One byte was left: -4999.
  Pass(3, LimiterClass::kTail, Bytes(1));      // Refilled five times, there is one byte again.
  sim.Run();
  EXPECT_THAT(passed, ElementsAre(Passed{1, Duration::Zero()}, Passed{2, Duration::Zero()},
                                  Passed{3, Milliseconds(50)}));
  EXPECT_EQ(limiter.Level(), 0);
}

TEST_F(NetworkLimiterTest, AHigherClassGoesFirstAndALowerOneStarves) {
  limiter.Bypass(Bytes(1'000));
  Pass(1, LimiterClass::kIcebergWrite, Bytes(1'000));
  Pass(2, LimiterClass::kCatchUp, Bytes(1'000));
  Pass(3, LimiterClass::kTail, Bytes(1'000));
  Pass(4, LimiterClass::kCompaction, Bytes(1'000));
  Pass(5, LimiterClass::kTail, Bytes(1'000));
  sim.Run();
  EXPECT_THAT(passed, ElementsAre(Passed{4, Milliseconds(10)}, Passed{3, Milliseconds(20)},
                                  Passed{5, Milliseconds(30)}, Passed{2, Milliseconds(40)},
                                  Passed{1, Milliseconds(50)}));
  const Histogram wait = HistogramOf(sim, limiter, NetworkLimiter::kWait);
  EXPECT_EQ(wait.count(), 5);
  EXPECT_EQ(wait.max(), 50'000'000);
}

TEST_F(NetworkLimiterTest, WhatBypassesMakesTheOthersWaitLonger) {
  limiter.Bypass(Bytes(1'000));
  Pass(1, LimiterClass::kCatchUp, Bytes(1));
  sim.RunUntil(Time() + Milliseconds(9));
  limiter.Bypass(Bytes(10'000));  // Produce traffic never waits.
  sim.Run();
  EXPECT_THAT(passed, ElementsAre(Passed{1, Milliseconds(110)}));
}

TEST_F(NetworkLimiterTest, NeitherCreditNorDebtGrowsBeyondItsDepth) {
  sim.At<"test.later">(Time() + Hours(1), limiter.component_id(), [this] {
    EXPECT_EQ(limiter.Level(), 100'000);
    limiter.Bypass(Bytes(1'000'000));
    EXPECT_EQ(limiter.Level(), -100'000);
    Pass(1, LimiterClass::kTail, Bytes(1));
  });
  sim.Run();
  EXPECT_THAT(passed, ElementsAre(Passed{1, Hours(1) + Milliseconds(1'010)}));
}

TEST(NetworkLimiterPartsTest, AHigherClassComesBetweenThePartsOfALargeOne) {
  Simulation sim(92);
  NetworkLimiter limiter(sim, "limiter", {MiBPerSecond(100), Milliseconds(10), MiB(100)});
  std::vector<std::string> passed;
  limiter.Bypass(MiB(1));
  limiter.Pass(LimiterClass::kCatchUp, MiB(3), [&] { passed.push_back("catch-up"); });
  sim.RunUntil(Time() + Milliseconds(20));  // Two of three parts are through.
  limiter.Pass(LimiterClass::kTail, MiB(2), [&] { passed.push_back("tail"); });
  sim.RunUntil(Time() + Milliseconds(40));
  EXPECT_THAT(passed, ElementsAre("tail"));
  sim.RunUntil(Time() + Milliseconds(50));
  EXPECT_THAT(passed, ElementsAre("tail", "catch-up"));
}

TEST_F(NetworkLimiterTest, ADeadProcessWaitsForNothing) {
  limiter.Bypass(Bytes(1'000));
  Pass(1, LimiterClass::kTail, Bytes(1'000));
  limiter.DropAll();
  sim.Run();
  EXPECT_TRUE(passed.empty());
  EXPECT_EQ(limiter.Waiting(), Bytes(0));
}

}  // namespace
}  // namespace freshet
