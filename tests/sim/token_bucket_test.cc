#include "sim/token_bucket.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"
#include "sim/random.h"

namespace freshet {

class TokenBucketTestPeer {
 public:
  static void LoseARequest(TokenBucket& bucket) { ++bucket.granted_; }
  static void TakeTooMuch(TokenBucket& bucket) { bucket.taken_ *= 2; }
};

namespace {

constexpr uint64_t kSeed = 92;

class Script : public Component {
 public:
  using Component::After;
  using Component::Component;
};

TEST(TokenBucketTest, TakesWhatIsThereAndThenWaitsForTheRate) {
  Simulation sim(kSeed);
  TokenBucket bucket(sim, "quota", {Rate::PerSecond(10), 5});
  EXPECT_TRUE(bucket.TryTake(5));
  EXPECT_FALSE(bucket.TryTake(1));
  std::vector<int64_t> granted;
  for (int i = 0; i < 3; ++i) {
    bucket.Take(1, [&] { granted.push_back(sim.Now().nanos() / 1'000'000); });
  }
  sim.Run();
  EXPECT_EQ(granted, (std::vector<int64_t>{100, 200, 300}));
}

TEST(TokenBucketTest, NobodyOvertakesTheHead) {
  Simulation sim(kSeed);
  TokenBucket bucket(sim, "quota", {Rate::PerSecond(10), 5});
  std::string order;
  bucket.Take(10, [&order] { order += 'a'; });  // Larger than the bucket: half a second more.
  bucket.Take(1, [&order] { order += 'b'; });
  EXPECT_FALSE(bucket.TryTake(0));
  sim.Run();
  EXPECT_EQ(order, "ab");
  EXPECT_EQ(sim.Now().SinceStart(), Milliseconds(600));
}

TEST(TokenBucketTest, TheBucketDoesNotOverflow) {
  Simulation sim(kSeed);
  TokenBucket bucket(sim, "quota", {Rate::PerSecond(10), 5});
  sim.RunUntil(Time() + Hours(1));
  EXPECT_EQ(bucket.Level(), 5);
}

TEST(TokenBucketTest, AThrottleKeepsWhatTheHeadHasTaken) {
  Simulation sim(kSeed);
  TokenBucket bucket(sim, "quota", {Rate::PerSecond(10), 0});
  Script script(sim, "script");
  Time granted;
  bucket.Take(10, [&] { granted = sim.Now(); });
  script.After<"stop">(Milliseconds(500), [&] { bucket.SetRate(Rate()); });
  script.After<"slow">(Seconds(10), [&] { bucket.SetRate(Rate::PerSecond(1)); });
  sim.Run();
  EXPECT_EQ(granted.SinceStart(), Seconds(15));  // Half by 0.5 s, the other five one a second.
}

TEST(TokenBucketTest, ThePeakLimitsABurst) {
  Simulation sim(kSeed);
  TokenBucket bucket(sim, "link", {Rate::PerSecond(10), 100, Rate::PerSecond(50)});
  std::vector<int64_t> granted;
  bucket.Take(50, [&] { granted.push_back(sim.Now().nanos() / 1'000'000); });
  bucket.Take(50, [&] { granted.push_back(sim.Now().nanos() / 1'000'000); });
  bucket.Take(50, [&] { granted.push_back(sim.Now().nanos() / 1'000'000); });
  sim.Run();
  // Two at the peak; 20 have come meanwhile, and the third waits for 30 of its 50.
  EXPECT_EQ(granted, (std::vector<int64_t>{1000, 2000, 5000}));
}

TEST(TokenBucketTest, ACrashForgetsWhoWaits) {
  Simulation sim(kSeed);
  TokenBucket bucket(sim, "quota", {Rate::PerSecond(10), 0});
  bucket.Take(1, [] { FAIL(); });
  bucket.Take(1, [] { FAIL(); });
  EXPECT_EQ(bucket.DropAll(), 2);
  sim.Run();
}

RC_GTEST_PROP(TokenBucketTest, AuditsHoldThroughAnyTreatment, ()) {
  TokenBucket::Config config;
  config.rate = Rate::FromMicroHertz(*rc::gen::inRange<int64_t>(0, 10'000'000'000));
  config.depth = *rc::gen::inRange<int64_t>(0, 100);
  if (*rc::gen::arbitrary<bool>()) {
    config.peak = Rate::FromMicroHertz(*rc::gen::inRange<int64_t>(1, 20'000'000'000));
  }
  const auto seed = *rc::gen::arbitrary<uint64_t>();
  Simulation sim(kSeed);
  TokenBucket bucket(sim, "any", config);
  RandomStream stream(seed, "test", "steps");
  int64_t asked = 0;
  int64_t fired = 0;
  for (int i = 0; i < 200; ++i) {
    switch (stream.NextBelow(8)) {
      case 0:
        bucket.SetRate(
            Rate::FromMicroHertz(static_cast<int64_t>(stream.NextBelow(5)) * 1'000'000'000));
        break;
      case 1:
        asked -= bucket.DropAll();
        break;
      case 2: {
        const bool taken = bucket.TryTake(static_cast<int64_t>(stream.NextBelow(10)));
        asked += taken;
        fired += taken;
        break;
      }
      default:
        ++asked;
        bucket.Take(static_cast<int64_t>(stream.NextBelow(150)), [&fired] { ++fired; });
    }
    sim.RunUntil(sim.Now() + Nanoseconds(static_cast<int64_t>(stream.NextBelow(100'000'000))));
    RC_ASSERT(asked == fired + bucket.waiting());
  }
  bucket.SetRate(Rate::PerSecond(1000));
  sim.Run();
  RC_ASSERT(bucket.waiting() == 0);
}

std::string BrokenBy(void (*breach)(TokenBucket&)) {
  Simulation sim(kSeed);
  TokenBucket bucket(sim, "quota", {Rate::PerSecond(10), 5});
  bucket.Take(5, Callback());
  bucket.Take(5, Callback());
  Script script(sim, "script");
  script.After<"breach">(Milliseconds(100), [&] { breach(bucket); });
  try {
    sim.RunUntil(Time() + Milliseconds(100));
  } catch (const InvariantBroken& broken) {
    return broken.invariant();
  }
  return "nothing";
}
TEST(TokenBucketCanary, ALostRequest) {
  EXPECT_EQ(BrokenBy(TokenBucketTestPeer::LoseARequest), "inv.I3");
}
TEST(TokenBucketCanary, TokensFromNowhere) {
  EXPECT_EQ(BrokenBy(TokenBucketTestPeer::TakeTooMuch), "inv.I6");
}

}  // namespace
}  // namespace freshet
