#include "sim/math.h"

#include <bit>
#include <cmath>
#include <limits>

#include "sim/check.h"

namespace freshet {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// ln 2 in two parts: the first has 33 bits, so that a whole multiple of it up to 2^20 is exact.
constexpr double kLn2High = 0x1.62e42fee00000p-1;
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
constexpr double kHalfLn2Pi = 0x1.d67f1c864beb5p-1;

uint64_t BitsOf(double x) { return std::bit_cast<uint64_t>(x); }
double FromBits(uint64_t bits) { return std::bit_cast<double>(bits); }

// exponent * ln 2 + ln(1 + f) + correction, for 1 + f in [sqrt(1/2), sqrt(2)].
//
// ln(1 + f) = 2 atanh(s) with s = f / (2 + f), a series in z = s^2 < 0.0295; its coefficients are
// 2/3, 2/5 ... moved a little so that seven of them reach 2^-59 (Chebyshev fit). f itself and its
// square are kept apart from the series, which is what brings the error below 1 ulp.
double LogNearOne(double f, double exponent, double correction) {
  const double s = f / (2.0 + f);
  const double z = s * s;
  const double z2 = z * z;
  const double z4 = z2 * z2;
  // In pairs rather than one by one: half as long a chain of dependent operations.
  const double low = (0x1.5555555555558p-1 + z * 0x1.99999999952d7p-2) +
                     z2 * (0x1.2492492df281ap-2 + z * 0x1.c71c62e3f11e6p-3);
  const double high = (0x1.7462b51cb66b1p-3 + z * 0x1.39fe51a7c18f9p-3) + z2 * 0x1.2b5900de53b32p-3;
  const double series = z * (low + z4 * high);
  const double half_square = 0.5 * f * f;
  const double tail = s * (half_square + series) + (exponent * kLn2Low + correction);
  return exponent * kLn2High - ((half_square - tail) - f);
}

// Splits x = 2^exponent * (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)). REQUIRES: x > 0, normal.
struct Split {
  double exponent;
  double mantissa;
};
Split SplitAroundOne(double x) {
  constexpr uint64_t kSqrtHalf = 0x3fe6a09e667f3bcdULL;
  const uint64_t bits = BitsOf(x);
  const uint64_t offset = bits - kSqrtHalf;
  const int exponent = static_cast<int>(static_cast<int64_t>(offset) >> 52);
  return {static_cast<double>(exponent), FromBits(bits - (offset & 0xfff0000000000000ULL))};
}

// A ratio of two polynomials of degree 7; `bottom[0]` is 1.
inline double Ratio7(double x, const double (&top)[8], const double (&bottom)[8]) {
  const double x2 = x * x;
  const double x4 = x2 * x2;
  const auto sum = [x, x2, x4](const double(&c)[8]) {
    return ((c[0] + x * c[1]) + x2 * (c[2] + x * c[3])) +
           x4 * ((c[4] + x * c[5]) + x2 * (c[6] + x * c[7]));
  };
  return sum(top) / sum(bottom);
}

}  // namespace

double Log(double x) {
  double below = 0.0;
  if (__builtin_expect(x < std::numeric_limits<double>::min(), 0)) {
    if (x == 0.0) return -kInfinity;
    SIM_REQUIRE(x > 0.0);
    x *= 0x1p54;  // Subnormal.
    below = 54.0;
  }
  if (__builtin_expect(!(x < kInfinity), 0)) {
    SIM_REQUIRE(x == kInfinity);
    return x;
  }
  const Split split = SplitAroundOne(x);
  return LogNearOne(split.mantissa - 1.0, split.exponent - below, 0.0);
}

Reals LogOfEach(const Reals& x) {
  Reals logs = {};
  for (size_t i = 0; i < x.size(); ++i) {
    const Split split = SplitAroundOne(x[i]);
    logs[i] = LogNearOne(split.mantissa - 1.0, split.exponent, 0.0);
  }
  return logs;
}

double Log1p(double x) {
  SIM_REQUIRE(x > -1.0);
  if (x > -0.25 && x < 0.4) {
    // Below 2^-54 the square of x is nothing beside it; 0 keeps its sign.
    return x > -0x1p-54 && x < 0x1p-54 ? x : LogNearOne(x, 0.0, 0.0);
  }
  if (x >= 0x1p53) return Log(x);
  const double sum = 1.0 + x;
  // What the addition rounded away, as a part of the sum: ln(sum + lost) = ln(sum) + lost / sum.
  const double lost = x >= 1.0 ? 1.0 - (sum - x) : x - (sum - 1.0);
  const Split split = SplitAroundOne(sum);
  return LogNearOne(split.mantissa - 1.0, split.exponent, lost / sum);
}

namespace {

// e^x in two parts: `mantissa` near 1, and 2^k with k in the low bits of `k_bits`.
struct Power {
  double mantissa;
  uint64_t k_bits;
};
// REQUIRES: |x| < 2^20.
inline Power ExpInParts(double x) {
  // x = k ln 2 + r with |r| <= ln(2) / 2. Adding 1.5 * 2^52 rounds to a whole number and leaves it
  // in the low bits: no conversion, and the same on every processor.
  constexpr double kShifter = 0x1.8p52;
  const double shifted = x * 0x1.71547652b82fep+0 + kShifter;
  const double k = shifted - kShifter;
  const double r_high = x - k * kLn2High;
  const double r_low = k * kLn2Low;
  const double r = r_high - r_low;
  // e^r = 1 + r + r^2 P(r): Taylor's coefficients moved a little (Chebyshev fit, 2^-62).
  const double r2 = r * r;
  const double r4 = r2 * r2;
  const double low = (0x1.0000000000000p-1 + r * 0x1.5555555555557p-3) +
                     r2 * (0x1.5555555555556p-5 + r * 0x1.11111111100dcp-7);
  const double middle = (0x1.6c16c16c162d4p-10 + r * 0x1.a01a01abe7fe1p-13) +
                        r2 * (0x1.a01a01a6d889cp-16 + r * 0x1.71de0231960ebp-19);
  const double high =
      (0x1.27e4db646b17ep-22 + r * 0x1.af4de97ca4194p-26) + r2 * 0x1.1f730349868cep-29;
  const double p = low + r4 * (middle + r4 * high);
  return {1.0 + (r_high - (r_low - r2 * p)), BitsOf(shifted)};
}

}  // namespace

double Exp(double x) {
  SIM_REQUIRE(x == x);
  if (__builtin_expect(!(x <= 0x1.62e42fefa39efp+9), 0)) return kInfinity;
  if (__builtin_expect(!(x >= -0x1.74910d52d3051p+9), 0)) return 0.0;
  const Power power = ExpInParts(x);
  if (__builtin_expect(x < -708.0 || x > 709.0, 0)) {
    // 2^k would not be a normal number: half of it at a time.
    const auto whole = static_cast<int32_t>(static_cast<uint32_t>(power.k_bits));
    const auto part = [](int32_t e) { return FromBits(static_cast<uint64_t>(1023 + e) << 52); };
    return power.mantissa * part(whole / 2) * part(whole - whole / 2);
  }
  return FromBits(BitsOf(power.mantissa) + (power.k_bits << 52));
}

Reals ExpOfEach(const Reals& x) {
  Reals powers = {};
  for (size_t i = 0; i < x.size(); ++i) {
    const Power power = ExpInParts(x[i]);
    powers[i] = FromBits(BitsOf(power.mantissa) + (power.k_bits << 52));
  }
  for (size_t i = 0; i < x.size(); ++i) {
    if (__builtin_expect(!(std::fabs(x[i]) < 708.0), 0)) powers[i] = Exp(x[i]);
  }
  return powers;
}

double Pow(double base, double exponent) {
  SIM_REQUIRE(base > 0.0);
  const double magnitude = std::fabs(exponent);
  if (magnitude <= 64.0 && magnitude == std::floor(magnitude)) {
    double product = 1.0;
    double square = base;
    for (int64_t left = FloorToInt64(magnitude); left > 0; left >>= 1) {
      if (left & 1) product *= square;
      square *= square;
    }
    return exponent < 0 ? 1.0 / product : product;
  }
  return Exp(exponent * Log(base));
}

namespace {

constexpr double kCentre = 0.425;

// REQUIRES: |q| <= kCentre for the result to be a quantile.
inline double ProbitInCentre(double q) {
  constexpr double kTop[8] = {3.3871328727963666080e0,  1.3314166789178437745e+2,
                              1.9715909503065514427e+3, 1.3731693765509461125e+4,
                              4.5921953931549871457e+4, 6.7265770927008700853e+4,
                              3.3430575583588128105e+4, 2.5090809287301226727e+3};
  constexpr double kBottom[8] = {1.0,
                                 4.2313330701600911252e+1,
                                 6.8718700749205790830e+2,
                                 5.3941960214247511077e+3,
                                 2.1213794301586595867e+4,
                                 3.9307895800092710610e+4,
                                 2.8729085735721942674e+4,
                                 5.2264952788528545610e+3};
  return q * Ratio7(0.180625 - q * q, kTop, kBottom);
}

}  // namespace

double Probit(double p) {
  SIM_REQUIRE(p > 0.0 && p < 1.0);
  const double q = p - 0.5;
  if (std::fabs(q) <= kCentre) return ProbitInCentre(q);
  const double r = std::sqrt(-Log(q < 0 ? p : 1.0 - p));
  double magnitude;
  if (r <= 5.0) {
    constexpr double kTop[8] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                                5.76949722146069140550e0,  3.64784832476320460504e0,
                                1.27045825245236838258e0,  2.41780725177450611770e-1,
                                2.27238449892691845833e-2, 7.74545014278341407640e-4};
    constexpr double kBottom[8] = {1.0,
                                   2.05319162663775882187e0,
                                   1.67638483018380384940e0,
                                   6.89767334985100004550e-1,
                                   1.48103976427480074590e-1,
                                   1.51986665636164571966e-2,
                                   5.47593808499534494600e-4,
                                   1.05075007164441684324e-9};
    magnitude = Ratio7(r - 1.6, kTop, kBottom);
  } else {
    constexpr double kTop[8] = {6.65790464350110377720e0,  5.46378491116411436990e0,
                                1.78482653991729133580e0,  2.96560571828504891230e-1,
                                2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                2.71155556874348757815e-5, 2.01033439929228813265e-7};
    constexpr double kBottom[8] = {1.0,
                                   5.99832206555887937690e-1,
                                   1.36929880922735805310e-1,
                                   1.48753612908506148525e-2,
                                   7.86869131145613259100e-4,
                                   1.84631831751005468180e-5,
                                   1.42151175831644588870e-7,
                                   2.04426310338993978564e-15};
    magnitude = Ratio7(r - 5.0, kTop, kBottom);
  }
  return q < 0 ? -magnitude : magnitude;
}

Reals ProbitOfEach(const Reals& p) {
  Reals quantiles = {};
  for (size_t i = 0; i < p.size(); ++i) quantiles[i] = ProbitInCentre(p[i] - 0.5);
  for (size_t i = 0; i < p.size(); ++i) {
    if (!(std::fabs(p[i] - 0.5) <= kCentre)) quantiles[i] = Probit(p[i]);
  }
  return quantiles;
}

double NormalCdf(double x) {
  if (x > 8.5) return 1.0;
  if (x < -8.5) return 0.0;
  // Phi(x) = 1/2 + phi(x) (x + x^3/3 + x^5/(3*5) + ...): terms of one sign, until they no longer
  // count.
  double term = x;
  double sum = x;
  for (int i = 3; std::fabs(term) > 1e-18 * std::fabs(sum); i += 2) {
    term *= x * x / i;
    sum += term;
  }
  constexpr double kInverseSqrt2Pi = 0x1.9884533d43651p-2;
  return 0.5 + sum * (kInverseSqrt2Pi * Exp(-0.5 * x * x));
}

double StirlingTail(int64_t n) {
  SIM_REQUIRE(n >= 0);
  const double x = static_cast<double>(n) + 1.0;
  // The first sixteen rounded from their exact values: there the series converges too slowly.
  constexpr double kFirst[16] = {
      0x1.4c071bcda0a5bp-4, 0x1.52a9b923ea649p-5, 0x1.c579a268d80b3p-6, 0x1.54a2662fd78a9p-6,
      0x1.10b4e513fcbedp-6, 0x1.c6b167bebdf36p-7, 0x1.85d4d612e4a86p-7, 0x1.552805e7b3076p-7,
      0x1.2f4871b12ab64p-7, 0x1.10f9d4c0743a7p-7, 0x1.f0593088014f8p-8, 0x1.c7018733aa9c6p-8,
      0x1.a40514700f36cp-8, 0x1.86076c002d4a7p-8, 0x1.6c08f6f194a10p-8, 0x1.5549f7dd113bcp-8};
  if (n < 16) return kFirst[n];
  const double inverse = 1.0 / x;
  const double square = inverse * inverse;
  return inverse *
         (1.0 / 12 -
          square *
              (1.0 / 360 - square * (1.0 / 1260 - square * (1.0 / 1680 - square * (1.0 / 1188)))));
}

double LogFactorial(int64_t n) {
  const double x = static_cast<double>(n) + 1.0;
  return (x - 0.5) * Log(x) - x + kHalfLn2Pi + StirlingTail(n);
}

int64_t FloorToInt64(double x) {
  SIM_REQUIRE(x == x);
  if (__builtin_expect(!(x >= -0x1p63), 0)) return std::numeric_limits<int64_t>::min();
  if (__builtin_expect(!(x < 0x1p63), 0)) return std::numeric_limits<int64_t>::max();
  const auto whole = static_cast<int64_t>(x);
  return whole - (static_cast<double>(whole) > x ? 1 : 0);
}

int64_t RoundToInt64(double x) {
  SIM_REQUIRE(x == x);
  if (__builtin_expect(!(x >= -0x1p63), 0)) return std::numeric_limits<int64_t>::min();
  if (__builtin_expect(!(x < 0x1p63), 0)) return std::numeric_limits<int64_t>::max();
  // The fraction is exact, which x + 0.5 would not be for 0.49999999999999994 or above 2^52.
  const auto whole = static_cast<int64_t>(x);
  const double fraction = x - static_cast<double>(whole);
  return whole + (fraction >= 0.5 ? 1 : 0) - (fraction <= -0.5 ? 1 : 0);
}

}  // namespace freshet
