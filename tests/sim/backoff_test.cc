#include "sim/backoff.h"

#include <tuple>
#include <utility>

#include "gtest/gtest.h"
#include "sim/check.h"

namespace freshet {
namespace {

Backoff::Config Doubling() {
  Backoff::Config config;
  config.first = Milliseconds(100);
  config.cap = Seconds(1);
  config.most_retries = 5;
  return config;
}

TEST(BackoffTest, DoublesUpToItsCap) {
  const Backoff backoff(Doubling());
  EXPECT_EQ(backoff.Base(0), Milliseconds(100));
  EXPECT_EQ(backoff.Base(3), Milliseconds(800));
  EXPECT_EQ(backoff.Base(4), Seconds(1));
  EXPECT_EQ(backoff.Base(1'000'000'000), Seconds(1));
  EXPECT_TRUE(backoff.MayRetry(4));
  EXPECT_FALSE(backoff.MayRetry(5));
}

TEST(BackoffTest, AFactorOfOneStaysConstant) {
  Backoff::Config config = Doubling();
  config.factor = Ratio::One();
  EXPECT_EQ(Backoff(config).Base(1'000'000'000), Milliseconds(100));
}

TEST(BackoffTest, WithoutJitterNothingIsDrawn) {
  const Backoff backoff(Doubling());
  RandomStream stream(1, "client", "backoff");
  RandomStream twin(1, "client", "backoff");
  EXPECT_EQ(backoff.Draw(1, stream), Milliseconds(200));
  EXPECT_EQ(stream.NextUint64(), twin.NextUint64());
}

TEST(BackoffTest, JitterStaysInItsRangeAndReachesBothEnds) {
  Backoff::Config config = Doubling();
  RandomStream stream(1, "client", "backoff");
  const auto range = [&](int64_t index) {
    const Backoff backoff(config);
    Duration low = Duration::Max();
    Duration high;
    for (int i = 0; i < 10'000; ++i) {
      const Duration delay = backoff.Draw(index, stream);
      if (delay < low) low = delay;
      if (delay > high) high = delay;
    }
    return std::pair(low, high);
  };
  config.jitter = Backoff::Jitter::kSpread;
  config.spread = Ratio::Percent(20);
  auto [low, high] = range(0);
  EXPECT_GE(low, Milliseconds(80));
  EXPECT_LT(low, Milliseconds(81));
  EXPECT_LE(high, Milliseconds(120));
  EXPECT_GT(high, Milliseconds(119));
  config.jitter = Backoff::Jitter::kFull;
  std::tie(low, high) = range(4);
  EXPECT_LT(low, Milliseconds(10));
  EXPECT_LE(high, Seconds(1));
  EXPECT_GT(high, Milliseconds(990));
}

TEST(BackoffCanary, AShrinkingFactor) {
  Backoff::Config config = Doubling();
  config.factor = Ratio::Percent(50);
  EXPECT_THROW(Backoff{config}, InvariantBroken);
}

}  // namespace
}  // namespace freshet
