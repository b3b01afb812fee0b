#include <cmath>
#include <functional>

#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"
#include "sim/check.h"
#include "sim/time.h"
#include "sim/units.h"

namespace freshet {
namespace {

void ExpectOverflow(const std::function<void()>& action) {
  try {
    action();
    FAIL() << "did not overflow";
  } catch (const InvariantBroken& broken) {
    EXPECT_EQ(broken.invariant(), "inv.D1");
  }
}

TEST(TimeTest, ArithmeticIsExact) {
  EXPECT_EQ(Seconds(1) + Nanoseconds(1), Nanoseconds(1'000'000'001));
  EXPECT_EQ(Days(1), Hours(24));
  EXPECT_EQ(-Minutes(2), Seconds(-120));
  EXPECT_EQ(Milliseconds(7) / 2, Microseconds(3500));
  EXPECT_EQ(Nanoseconds(-7) / 2, Nanoseconds(-3));  // Toward zero.
  EXPECT_EQ(Seconds(10) / Seconds(3), 3);
  EXPECT_EQ(Time() + Seconds(3) - (Time() + Seconds(1)), Seconds(2));
}

TEST(TimeTest, OverflowIsCaught) {
  ExpectOverflow([] { Duration::Max() + Nanoseconds(1); });
  ExpectOverflow([] { Nanoseconds(INT64_MIN) - Nanoseconds(1); });
  ExpectOverflow([] { -Nanoseconds(INT64_MIN); });
  ExpectOverflow([] { Days(365) * 300; });
  ExpectOverflow([] { Time::Max() + Nanoseconds(1); });
  ExpectOverflow([] { Time::FromNanos(INT64_MIN) - Time::FromNanos(1); });
}

TEST(TimeTest, DoublesEnterRoundedHalfAwayFromZero) {
  EXPECT_EQ(Duration::FromDouble(2.5), Nanoseconds(3));
  EXPECT_EQ(Duration::FromDouble(-2.5), Nanoseconds(-3));
  EXPECT_EQ(Duration::FromDouble(2.4999), Nanoseconds(2));
  EXPECT_EQ(Duration::FromDouble(-0.0), Duration::Zero());
  EXPECT_EQ(Duration::FromDouble(1e18), Nanoseconds(1'000'000'000'000'000'000));
}

TEST(TimeTest, DoublesThatAreNoTimeAreRefused) {
  for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL, 0x1p63, -0x1p64}) {
    try {
      Duration::FromDouble(bad);
      FAIL() << bad;
    } catch (const InvariantBroken& broken) {
      EXPECT_EQ(broken.invariant(), "inv.D3");
    }
  }
}

TEST(UnitsTest, ATransferTakesAtLeastItsTime) {
  EXPECT_EQ(MiBPerSecond(1).TimeFor(MiB(2)), Seconds(2));
  EXPECT_EQ(BytesPerSecond(3).TimeFor(Bytes(1)), Nanoseconds(333'333'334));  // Up.
  EXPECT_EQ(BytesPerSecond(3).InTime(Nanoseconds(999'999'999)), Bytes(2));   // Down.
  EXPECT_EQ(BytesPerSecond(0).InTime(Days(1)), Bytes(0));
  EXPECT_THROW(BytesPerSecond(0).TimeFor(Bytes(1)), InvariantBroken);
}

TEST(UnitsTest, RatesAreExactToAMillionth) {
  EXPECT_EQ(Rate::PerSecond(3).Interval(), Nanoseconds(333'333'333));
  EXPECT_EQ(Rate::FromMicroHertz(100'000).Interval(), Seconds(10));
  EXPECT_EQ(Rate::PerSecond(3).InTime(Milliseconds(999)), 2);
  EXPECT_THROW(Rate().Interval(), InvariantBroken);
}

TEST(UnitsTest, RatiosRoundHalfAwayFromZero) {
  const Ratio half = Ratio::Percent(50);
  EXPECT_EQ(half * Nanoseconds(3), Nanoseconds(2));
  EXPECT_EQ(half * Nanoseconds(-3), Nanoseconds(-2));
  EXPECT_EQ(Ratio::Whole(3) * MiB(2), MiB(6));
  EXPECT_EQ(Ratio::One() * Rate::PerSecond(7), Rate::PerSecond(7));
  EXPECT_EQ(half * BytesPerSecond(10), BytesPerSecond(5));
}

TEST(UnitsTest, OverflowIsCaught) {
  ExpectOverflow([] { GiB(1) * (int64_t{1} << 40); });
  ExpectOverflow([] { Bytes(INT64_MAX) + Bytes(1); });
  ExpectOverflow([] { Ratio::Whole(3) * Duration::Max(); });
  ExpectOverflow([] { BytesPerSecond(1).TimeFor(Bytes(INT64_MAX)); });
  ExpectOverflow([] { BytesPerSecond(INT64_MAX).InTime(Seconds(2)); });
  ExpectOverflow([] { MulDivFloor(INT64_MIN, 2, 1); });
  EXPECT_EQ(MulDivFloor(INT64_MAX, INT64_MAX, INT64_MAX), INT64_MAX);
}

RC_GTEST_PROP(UnitsProperty, MulDivRoundsDownAndUp, (int32_t a, int32_t b)) {
  const int64_t c = *rc::gen::inRange<int64_t>(1, INT32_MAX);
  const int64_t product = int64_t{a} * b;
  const int64_t floor = MulDivFloor(a, b, c);
  const int64_t ceiling = MulDivCeil(a, b, c);
  RC_ASSERT(floor * c <= product);
  RC_ASSERT(product - floor * c < c);
  RC_ASSERT(ceiling - floor == (product % c == 0 ? 0 : 1));
}

// What a rate says it takes and what it lets pass agree, to the byte and to the nanosecond.
RC_GTEST_PROP(UnitsProperty, TimeAndAmountAreInverse, ()) {
  const BytesPerSecond rate(*rc::gen::inRange<int64_t>(1, int64_t{1} << 40));
  const Bytes amount(*rc::gen::inRange<int64_t>(0, int64_t{1} << 32));
  const Duration time = rate.TimeFor(amount);
  RC_ASSERT(rate.InTime(time) >= amount);
  if (time > Duration::Zero()) RC_ASSERT(rate.InTime(time - Nanoseconds(1)) < amount);
}

}  // namespace
}  // namespace freshet
