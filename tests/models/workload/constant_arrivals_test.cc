#include "models/workload/constant_arrivals.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "models/workload/rate_function.h"

namespace freshet {
namespace {

constexpr int64_t kAll = std::numeric_limits<int64_t>::max();

std::shared_ptr<const RateFunction> ConstantRate(Rate rate) {
  return std::make_shared<RateFunction>(RateFunction::Constant(rate));
}

TEST(ConstantArrivalsTest, ComeOneIntervalApart) {
  auto arrivals = ConstantArrivals::Staggered(ConstantRate(Rate::PerSecond(1'000)), 0, 1);
  EXPECT_EQ(arrivals.PeekNth(1), Time() + Milliseconds(1));
  EXPECT_EQ(arrivals.PeekNth(250), Time() + Milliseconds(250));

  const ArrivalSpan span = arrivals.TakeUntil(Time() + Microseconds(9'999), kAll);
  EXPECT_EQ(span.count, 9);
  EXPECT_EQ(span.first, Time() + Milliseconds(1));
  EXPECT_EQ(span.last, Time() + Milliseconds(9));
  EXPECT_EQ(arrivals.PeekNth(1), Time() + Milliseconds(10));
  EXPECT_EQ(arrivals.TakeUntil(Time() + Milliseconds(20), 4).last, Time() + Milliseconds(13));
  EXPECT_EQ(arrivals.TakeUntil(Time() + Milliseconds(20), kAll).count, 7);
  EXPECT_EQ(arrivals.TakeUntil(Time() + Milliseconds(20), kAll).count, 0);
}

TEST(ConstantArrivalsTest, AThirdOfASecondDoesNotDriftInAYear) {
  auto arrivals = ConstantArrivals::Staggered(ConstantRate(Rate::PerSecond(3)), 0, 1);
  const int64_t seconds = 365 * 86'400;
  EXPECT_EQ(arrivals.PeekNth(1), Time::FromNanos(333'333'334));  // Up to the next nanosecond.
  EXPECT_EQ(arrivals.PeekNth(3 * seconds), Time() + Seconds(seconds));
  EXPECT_EQ(arrivals.TakeUntil(Time() + Seconds(seconds), kAll).count, 3 * seconds);
}

TEST(ConstantArrivalsTest, ClientsOfAFleetInterleave) {
  const auto rate = ConstantRate(Rate::PerSecond(1'000));
  std::vector<Time> all;
  for (int64_t client = 0; client < 4; ++client) {
    auto arrivals = ConstantArrivals::Staggered(rate, client, 4);
    EXPECT_EQ(arrivals.RateAt(Time()), Rate::PerSecond(250));
    for (int64_t n = 1; n <= 5; ++n) all.push_back(arrivals.PeekNth(n));
  }
  std::sort(all.begin(), all.end());
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i], Time() + Milliseconds(static_cast<int64_t>(i) + 1));
  }
}

TEST(ConstantArrivalsTest, ADrawnPhaseLiesInTheFirstInterval) {
  const auto rate = ConstantRate(Rate::PerSecond(1'000));
  RandomStream stream(92, "client", "phase");
  double sum = 0;
  for (int i = 0; i < 1'000; ++i) {
    auto arrivals = ConstantArrivals::WithDrawnPhase(rate, 10, stream);
    const Duration phase = arrivals.PeekNth(1) - Time();
    EXPECT_GT(phase, Duration::Zero());
    EXPECT_LE(phase, Milliseconds(10));
    EXPECT_EQ(arrivals.PeekNth(101) - arrivals.PeekNth(1), Seconds(1));
    sum += phase.ToSeconds();
  }
  EXPECT_NEAR(sum / 1'000, 5e-3, 5 * 10e-3 / std::sqrt(12.0 * 1'000));
}

TEST(ConstantArrivalsTest, FollowARateThatMoves) {
  // 10/s, and 30/s in the second half of every second: at the full second 20 have come.
  const auto rate = std::make_shared<RateFunction>(RateFunction::WithBursts(
      Rate::PerSecond(10), {Seconds(1), Milliseconds(500), Ratio::Whole(3), Milliseconds(500)}));
  auto arrivals = ConstantArrivals::Staggered(rate, 0, 1);
  EXPECT_EQ(arrivals.PeekNth(5), Time() + Milliseconds(500));
  EXPECT_EQ(arrivals.PeekNth(8), Time() + Milliseconds(600));
  EXPECT_EQ(arrivals.PeekNth(20), Time() + Seconds(1));
  EXPECT_EQ(arrivals.TakeUntil(Time() + Hours(1), kAll).count, 72'000);
}

TEST(ConstantArrivalsTest, StopWithTheRate) {
  const auto rate = std::make_shared<RateFunction>(
      RateFunction::FromPieces({{Seconds(0), Rate::PerSecond(5)}, {Seconds(1), Rate()}}));
  auto arrivals = ConstantArrivals::Staggered(rate, 0, 1);
  EXPECT_EQ(arrivals.PeekNth(5), Time() + Seconds(1));
  EXPECT_EQ(arrivals.PeekNth(6), Time::Max());
}

}  // namespace
}  // namespace freshet
