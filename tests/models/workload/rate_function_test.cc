#include "models/workload/rate_function.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <utility>
#include <vector>

namespace freshet {
namespace {

// Whole arrivals expected by `at`.
double By(const RateFunction& rate, Duration at) {
  return static_cast<double>(rate.MassAt(Time() + at)) / static_cast<double>(kOneArrival);
}

TEST(RateFunctionTest, ABurstMultipliesTheBase) {
  // 100/s, five times that from 2 s to 3 s of every 10 s.
  const auto rate = RateFunction::WithBursts(
      Rate::PerSecond(100), {Seconds(10), Seconds(1), Ratio::Whole(5), Seconds(2)});
  EXPECT_EQ(rate.RateAt(Time() + Milliseconds(1'999)), Rate::PerSecond(100));
  EXPECT_EQ(rate.RateAt(Time() + Seconds(2)), Rate::PerSecond(500));
  EXPECT_EQ(rate.RateAt(Time() + Seconds(43)), Rate::PerSecond(100));
  EXPECT_EQ(rate.MeanRate(), Rate::PerSecond(140));
  EXPECT_EQ(rate.PeakRate(), Rate::PerSecond(500));
  EXPECT_EQ(By(rate, Seconds(2)), 200);
  EXPECT_EQ(By(rate, Seconds(3)), 700);
  EXPECT_EQ(By(rate, Seconds(1'010)), 141'400);
  EXPECT_EQ(rate.TimeOf(kOneArrival * 141'400), Time() + Seconds(1'010));
}

TEST(RateFunctionTest, ABurstMayRunOverTheEndOfItsPeriod) {
  const auto rate = RateFunction::WithBursts(
      Rate::PerSecond(100), {Seconds(10), Seconds(2), Ratio::Whole(5), Seconds(9)});
  EXPECT_EQ(rate.RateAt(Time()), Rate::PerSecond(500));
  EXPECT_EQ(rate.RateAt(Time() + Seconds(1)), Rate::PerSecond(100));
  EXPECT_EQ(rate.RateAt(Time() + Seconds(19)), Rate::PerSecond(500));
  EXPECT_EQ(By(rate, Seconds(20)), 3'600);
}

TEST(RateFunctionTest, ADayHasItsPeakWhereTheCalendarSays) {
  // The run starts at 20:00, the peak is at 15:00: 19 h after the start.
  const auto rate = RateFunction::WithDays(Rate::PerSecond(1'000),
                                           {Ratio::Percent(60), Days(1), Hours(15), Hours(20)});
  const auto at = [&](Duration since) { return rate.RateAt(Time() + since).ToPerSecond(); };
  EXPECT_NEAR(at(Hours(19)), 1'600, 0.5);
  EXPECT_NEAR(at(Hours(7)), 400, 0.5);
  EXPECT_NEAR(at(Hours(19 + 24 * 300)), 1'600, 0.5);
  EXPECT_NEAR(By(rate, Days(1)), 86'400'000, 0.1);  // The wave adds nothing to a day.
  // The integral meets the sine's at every step, here six hours before the peak.
  const double quarter = 1'000 * 6 * 3'600 * (1 - 0.6 * 2 / M_PI);
  EXPECT_NEAR(By(rate, Hours(13)) - By(rate, Hours(7)), quarter, 0.1);
}

TEST(RateFunctionTest, ASpikeRisesStaysAndFalls) {
  // The published profile: 20 times the base within 30 minutes.
  const auto rate = RateFunction::Constant(Rate::PerSecond(100))
                        .Times({{Hours(1), Minutes(30), Hours(1), Ratio::Whole(20)}}, Hours(6));
  const auto at = [&](Duration since) { return rate.RateAt(Time() + since).ToPerSecond(); };
  EXPECT_EQ(at(Minutes(59)), 100);
  EXPECT_NEAR(at(Minutes(75)), 1'050, 30);  // Steps of a 32nd of the ramp.
  EXPECT_EQ(at(Minutes(91)), 2'000);
  EXPECT_EQ(at(Minutes(149)), 2'000);
  EXPECT_NEAR(at(Minutes(165)), 1'050, 31);
  EXPECT_EQ(at(Minutes(181)), 100);
  // Base, two half ramps, the plateau.
  EXPECT_NEAR(By(rate, Hours(6)), 100.0 * 3'600 * (6 + 19 * (0.5 + 1)), 1);
}

TEST(RateFunctionTest, SpikesRideOnDays) {
  const auto days = RateFunction::WithDays(Rate::PerSecond(100),
                                           {Ratio::Percent(50), Days(1), Hours(12), Hours(0)});
  const auto rate =
      days.Times({{Days(2) + Hours(12), Duration::Zero(), Minutes(15), Ratio::Whole(2)}}, Days(4));
  EXPECT_EQ(rate.RateAt(Time() + Days(2) + Hours(11)), days.RateAt(Time() + Hours(11)));
  EXPECT_EQ(rate.RateAt(Time() + Days(2) + Hours(12)).micro_hertz(),
            2 * days.RateAt(Time() + Hours(12)).micro_hertz());
  EXPECT_EQ(rate.MassAt(Time() + Days(2)), days.MassAt(Time() + Days(2)));
}

TEST(RateFunctionTest, GrowthIsLinearInMonths) {
  const auto rate =
      RateFunction::Constant(Rate::PerSecond(1'000)).TimesGrowth(Ratio::Percent(10), Days(360));
  EXPECT_NEAR(rate.RateAt(Time() + Days(30)).ToPerSecond(), 1'100, 1);
  EXPECT_NEAR(rate.RateAt(Time() + Days(359)).ToPerSecond(), 2'196.7, 1);
  EXPECT_NEAR(By(rate, Days(360)) / (1'000.0 * 360 * 86'400), 1.6, 1e-6);
  EXPECT_EQ(rate.RateAt(Time() + Days(1'000)), rate.PeakRate());  // Stays after the horizon.
}

TEST(RateFunctionTest, ShrinkingStopsAtNothing) {
  const auto rate =
      RateFunction::Constant(Rate::PerSecond(10)).TimesGrowth(Ratio::Percent(-50), Days(90));
  EXPECT_EQ(rate.RateAt(Time() + Days(61)), Rate());
}

TEST(RateFunctionTest, ReplayedCountsComeInTheirRows) {
  const std::vector<std::pair<int64_t, int64_t>> counts = {{60, 120}, {120, 0}, {180, 7}};
  const auto rate = RateFunction::Replay(counts, RateFunction::Repeat::kNo);
  EXPECT_EQ(By(rate, Seconds(60)), 0);
  EXPECT_EQ(By(rate, Seconds(90)), 60);
  EXPECT_EQ(By(rate, Seconds(180)), 120);
  EXPECT_NEAR(By(rate, Seconds(240)), 127, 60e-6);  // A rate is rounded to a microhertz.
  EXPECT_EQ(By(rate, Days(1)), By(rate, Seconds(240)));
  EXPECT_EQ(rate.TimeOf(kOneArrival * 128), Time::Max());
  EXPECT_EQ(rate.TimeOf(kOneArrival * 120 + 1).nanos() / 1'000'000'000,
            180);  // Over the empty row.

  const auto again = RateFunction::Replay(counts, RateFunction::Repeat::kYes);
  EXPECT_EQ(By(again, Seconds(60)), 120);
  EXPECT_NEAR(By(again, Seconds(360)), 254, 1e-3);
}

TEST(RateFunctionTest, SilenceHasNoTime) {
  EXPECT_EQ(RateFunction::Constant(Rate()).TimeOf(1), Time::Max());
  EXPECT_EQ(
      RateFunction::Periodic({{Seconds(0), Rate()}, {Seconds(1), Rate()}}, Seconds(2)).TimeOf(1),
      Time::Max());
  // Once in 300 years lies beyond the clock.
  EXPECT_EQ(RateFunction::Constant(Rate::FromMicroHertz(1)).TimeOf(kOneArrival * 10'000),
            Time::Max());
}

TEST(RateFunctionTest, NothingComesAfterItsEnd) {
  const RateFunction steady = RateFunction::Constant(Rate::PerSecond(10)).Until(Seconds(3));
  EXPECT_EQ(steady.MassAt(Time() + Seconds(2)), 20 * kOneArrival);
  EXPECT_EQ(steady.MassAt(Time() + Seconds(3)), 30 * kOneArrival);
  EXPECT_EQ(steady.MassAt(Time() + Seconds(1'000'000)), 30 * kOneArrival);
  EXPECT_EQ(steady.TimeOf(30 * kOneArrival), Time() + Seconds(3));
  EXPECT_EQ(steady.TimeOf(30 * kOneArrival + 1), Time::Max());
  // Bursts of a second each 2 s, ten times the base: 10 + 1 + half a burst.
  const RateFunction bursts =
      RateFunction::WithBursts(Rate::PerSecond(1), {Seconds(2), Seconds(1), Ratio::Whole(10), {}})
          .Until(Milliseconds(2500));
  EXPECT_EQ(bursts.MassAt(Time() + Seconds(60)), 16 * kOneArrival);
}

RC_GTEST_PROP(RateFunctionTest, TheInverseIsExact, ()) {
  std::vector<RateFunction::Piece> pieces;
  int64_t begin = 0;
  for (int i = *rc::gen::inRange(1, 6); i > 0; --i) {
    const auto rate = *rc::gen::element<int64_t>(0, 1, 999'999, 7'000'000'000, 3'000'000'000'003);
    pieces.push_back({Nanoseconds(begin), Rate::FromMicroHertz(rate)});
    begin += *rc::gen::inRange<int64_t>(1, 3'000'000'000);
  }
  const RateFunction rate = *rc::gen::arbitrary<bool>()
                                ? RateFunction::FromPieces(pieces)
                                : RateFunction::Periodic(pieces, Nanoseconds(begin));
  const Time at = Time::FromNanos(
      *rc::gen::inRange<int64_t>(0, *rc::gen::element<int64_t>(9, begin, 1LL << 60)));
  const ArrivalMass mass = rate.MassAt(at);
  const Time first = rate.TimeOf(mass);
  RC_ASSERT(first <= at);
  RC_ASSERT(rate.MassAt(first) == mass);
  if (first > Time()) RC_ASSERT(rate.MassAt(first - Nanoseconds(1)) < mass);
  const Time later = rate.TimeOf(mass + 1);
  RC_ASSERT(later > at);
  const Time known = Time::FromNanos(*rc::gen::inRange<int64_t>(0, at.nanos() + 1));
  RC_ASSERT(rate.TimeOf(mass, known) == first && rate.TimeOf(mass + 1, known) == later);
  if (later < Time::Max()) {
    RC_ASSERT(rate.MassAt(later) > mass);
    RC_ASSERT(rate.MassAt(later - Nanoseconds(1)) == mass);
  }
}

}  // namespace
}  // namespace freshet
