#include "sim/math.h"

#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "gtest/gtest.h"
#include "sim/check.h"
#include "sim/hash.h"
#include "sim/random.h"

namespace freshet {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int kPoints = 200'000;

// How many units in the last place of a double `value` is off. long double has 11 bits more here;
// where it has none, libm's own error adds up to one.
double Ulps(double value, long double exact) {
  int exponent = 0;
  std::frexp(static_cast<double>(exact), &exponent);
  const long double ulp = std::ldexp(1.0L, std::max(exponent - 53, -1074));
  return static_cast<double>(std::fabs((value - exact) / ulp));
}

constexpr double kAllowed = std::numeric_limits<long double>::digits > 53 ? 1.0 : 2.0;

TEST(MathTest, LogIsWithinOneUlp) {
  RandomStream stream(1, "math", "log");
  double worst = 0;
  for (int i = 0; i < kPoints; ++i) {
    const double unit = stream.NextUniform();
    const double anywhere = std::bit_cast<double>(stream.NextBelow(0x7ff0000000000000ULL));
    const double near_one = 0.5 + stream.NextUniform();
    for (const double x : {unit, anywhere, near_one}) {
      worst = std::max(worst, Ulps(Log(x), std::log(static_cast<long double>(x))));
    }
  }
  EXPECT_LT(worst, kAllowed);
  EXPECT_EQ(Log(1), 0);
  EXPECT_EQ(Log(0), -kInfinity);
  EXPECT_EQ(Log(kInfinity), kInfinity);
  EXPECT_LT(Ulps(Log(0x1p-1074), std::log(0x1p-1074L)), kAllowed);
  EXPECT_THROW(Log(-1), InvariantBroken);
  EXPECT_THROW(Log(std::nan("")), InvariantBroken);
}

TEST(MathTest, Log1pIsWithinTwoUlps) {
  RandomStream stream(1, "math", "log1p");
  double worst = 0;
  for (int i = 0; i < kPoints; ++i) {
    const double small = Exp(-40 * stream.NextUniform());
    const double large = Exp(60 * stream.NextUniform());
    for (const double x : {small, -0.999 * small, large}) {
      worst = std::max(worst, Ulps(Log1p(x), std::log1p(static_cast<long double>(x))));
    }
  }
  EXPECT_LT(worst, 2 * kAllowed);
  EXPECT_EQ(Log1p(1e-300), 1e-300);
  EXPECT_THROW(Log1p(-1), InvariantBroken);
}

TEST(MathTest, ExpIsWithinOneUlp) {
  RandomStream stream(1, "math", "exp");
  double worst = 0;
  for (int i = 0; i < kPoints; ++i) {
    const double wide = -708 + 1417 * stream.NextUniform();
    const double narrow = -1 + 2 * stream.NextUniform();
    const double subnormal = -745 + 37 * stream.NextUniform();
    for (const double x : {wide, narrow, subnormal}) {
      worst = std::max(worst, Ulps(Exp(x), std::exp(static_cast<long double>(x))));
    }
  }
  EXPECT_LT(worst, kAllowed + 0.1);  // A subnormal result is rounded a second time.
  EXPECT_EQ(Exp(0), 1);
  EXPECT_EQ(Exp(710), kInfinity);
  EXPECT_EQ(Exp(-746), 0);
  EXPECT_EQ(Exp(-kInfinity), 0);
  EXPECT_EQ(Exp(kInfinity), kInfinity);
  EXPECT_LT(Exp(0x1.62e42fefa39efp+9), kInfinity);
  EXPECT_THROW(Exp(std::nan("")), InvariantBroken);
}

TEST(MathTest, ExpNeverFallsNorLogRises) {
  double last = Exp(-1);
  for (int i = -10000; i < 10000; ++i) {
    const double x = i * 1e-4;
    EXPECT_GE(Exp(x), last);
    last = Exp(x);
  }
}

TEST(MathTest, PowOfWholeExponentsIsByMultiplication) {
  EXPECT_EQ(Pow(3, 4), 81);
  EXPECT_EQ(Pow(10, -2), 0.01);
  EXPECT_EQ(Pow(7, 0), 1);
  EXPECT_EQ(Pow(1.5, 2), 2.25);
  EXPECT_THROW(Pow(0, 1), InvariantBroken);
}

TEST(MathTest, PowKeepsItsErrorBound) {
  RandomStream stream(1, "math", "pow");
  for (int i = 0; i < kPoints / 10; ++i) {
    const double base = Exp(30 * stream.NextUniform() - 15);
    const double exponent = 20 * stream.NextUniform() - 10;
    const double exact = std::pow(base, exponent);
    const double bound = (1 + std::fabs(exponent * std::log(base))) * 0x1p-52;
    EXPECT_LE(std::fabs(Pow(base, exponent) / exact - 1), bound + 0x1p-52);
  }
}

TEST(MathTest, ProbitInvertsTheNormalDistribution) {
  RandomStream stream(1, "math", "probit");
  double worst = 0;
  for (int i = 0; i < kPoints; ++i) {
    // Half of them far down the lower tail.
    const double u = stream.NextUniform();
    const double p = i % 2 == 0 ? u : std::exp(-36 * u);
    const double x = Probit(p);
    const double density = std::exp(-x * x / 2) / std::sqrt(2 * M_PI);
    const double reached = 0.5 * std::erfc(-x / std::sqrt(2.0));
    // The step in x that the error in p stands for; erfc itself is good to some 1e-16 x^2.
    worst = std::max(worst, std::fabs((reached - p) / density) / (1 + std::fabs(x)));
  }
  EXPECT_LT(worst, 3e-15);
  EXPECT_EQ(Probit(0.5), 0);
  EXPECT_EQ(Probit(0.25), -Probit(0.75));
  EXPECT_THROW(Probit(0), InvariantBroken);
  EXPECT_THROW(Probit(1), InvariantBroken);
}

TEST(MathTest, OfEachOfSeveralIsWhatItIsOfOne) {
  RandomStream stream(1, "math", "of each");
  for (int i = 0; i < kPoints; ++i) {
    Reals p;
    Reals x;
    for (size_t j = 0; j < p.size(); ++j) {
      p[j] = stream.NextUniform();
      if (i % 7 == 0) p[j] = std::exp(-36 * p[j]);
      // Some beyond what a double holds.
      x[j] = (i % 3 == 0 ? 1600 : 20) * (stream.NextUniform() - 0.5);
    }
    const Reals logs = LogOfEach(p);
    const Reals quantiles = ProbitOfEach(p);
    const Reals powers = ExpOfEach(x);
    for (size_t j = 0; j < p.size(); ++j) {
      ASSERT_EQ(logs[j], Log(p[j])) << p[j];
      ASSERT_EQ(quantiles[j], Probit(p[j])) << p[j];
      ASSERT_EQ(powers[j], Exp(x[j])) << x[j];
    }
  }
}

TEST(MathTest, NormalCdfAgreesWithErfc) {
  for (int i = -9000; i < 9000; ++i) {
    const double x = i * 0.001;
    ASSERT_NEAR(NormalCdf(x), 0.5 * std::erfc(-x / std::sqrt(2.0)), 1e-15) << x;
  }
}

TEST(MathTest, FactorialsAndTheirTails) {
  double factorial = 1;
  for (int n = 0; n <= 20; ++n) {  // 20! is the last that int64 holds.
    if (n > 0) factorial *= n;
    const double exact = std::log(factorial);
    EXPECT_NEAR(LogFactorial(n), exact, 1e-15 * (1 + exact)) << n;
  }
  for (const int64_t n : {15, 16, 17, 100, 12345}) {
    const long double x = static_cast<long double>(n) + 1;
    const long double stirling = (x - 0.5L) * std::log(x) - x + 0.918938533204672741780329736L;
    EXPECT_NEAR(StirlingTail(n), static_cast<double>(std::lgamma(x) - stirling),
                std::numeric_limits<long double>::digits > 53 ? 1e-14 : 1e-10)
        << n;
  }
  EXPECT_THROW(StirlingTail(-1), InvariantBroken);
}

TEST(MathTest, RoundingIsHalfAwayFromZeroAndStopsAtTheEnds) {
  EXPECT_EQ(RoundToInt64(2.5), 3);
  EXPECT_EQ(RoundToInt64(-2.5), -3);
  EXPECT_EQ(RoundToInt64(2.4999999999999996), 2);
  EXPECT_EQ(RoundToInt64(0.49999999999999994), 0);              // x + 0.5 would be 1.
  EXPECT_EQ(RoundToInt64(0x1p52 + 1), (int64_t{1} << 52) + 1);  // x + 0.5 would be even.
  EXPECT_EQ(RoundToInt64(1e300), INT64_MAX);
  EXPECT_EQ(RoundToInt64(-1e300), INT64_MIN);
  EXPECT_EQ(RoundToInt64(0x1p63), INT64_MAX);
  EXPECT_EQ(RoundToInt64(-0x1p63), INT64_MIN);
  EXPECT_EQ(FloorToInt64(2.999), 2);
  EXPECT_EQ(FloorToInt64(-2.001), -3);
  EXPECT_EQ(FloorToInt64(-2), -2);
  EXPECT_EQ(FloorToInt64(kInfinity), INT64_MAX);
  EXPECT_THROW(RoundToInt64(std::nan("")), InvariantBroken);
}

// Rule D4. With x = 1 + 2^-27, x * x rounds to 1 + 2^-26; fused with the subtraction it would keep
// the 2^-54 that rounding drops.
TEST(MathTest, ProductsAreRoundedBeforeTheyAreAdded) {
  volatile double x = 1 + 0x1p-27;
  volatile double rounded = 1 + 0x1p-26;
  const double a = x;
  const double c = rounded;
  EXPECT_EQ(a * a - c, 0.0);
  EXPECT_EQ(std::fma(a, a, -c), 0x1p-54);
}

// The bits of all functions over a sweep: the same on every compiler, optimisation and processor.
TEST(MathTest, TheBitsAreFrozen) {
  RandomStream stream(92, "math", "frozen");
  uint64_t hash = kFnvOffset;
  const auto add = [&hash](double value) { hash = MixHash(hash, std::bit_cast<uint64_t>(value)); };
  for (int i = 0; i < 10'000; ++i) {
    const double u = stream.NextUniform();
    add(Log(u));
    add(Log1p(100 * u * u));
    add(Log1p(-u));
    add(Exp(1450 * u - 745));
    add(Probit(u));
    add(NormalCdf(20 * u - 10));
    add(Pow(1 + 1000 * u, 2.7 - 4 * u));
    add(LogFactorial(i));
  }
  EXPECT_EQ(hash, 0x6006085cbd85c8dcULL) << std::hex << hash;
}

}  // namespace
}  // namespace freshet
