// The few functions of real numbers that the samplers need, as our own code: a libm gives other
// bits on another processor or in another version, and a bit that differs is a run that differs
// (docs/determinism.md, rules D4 and D5). The same double on every compiler, optimisation level and
// processor; errors against the true value are stated, and tested.
//
// Also the one way of sim from a real draw to an integer (rule D3).
#ifndef FRESHET_SIM_MATH_H_
#define FRESHET_SIM_MATH_H_

#include <array>
#include <cstdint>

#include "sim/floating_point.h"

namespace freshet {

// What the functions below take at once: it lasts little longer than one, since their chains of
// operations overlap.
using Reals = std::array<double, 8>;

// Natural logarithm, error below 1 ulp. Log(0) is -infinity. REQUIRES: x >= 0, or infinity.
double Log(double x);
// The same of each. REQUIRES: each positive, finite and not subnormal.
Reals LogOfEach(const Reals& x);

// Log(1 + x), error below 2 ulp, also where 1 + x would lose x. REQUIRES: x > -1.
double Log1p(double x);

// e^x, error below 1 ulp; infinity above 709.78, 0 below -745.13, rounded once more where the
// result is subnormal. REQUIRES: x is not NaN.
double Exp(double x);
// The same of each. REQUIRES: none is NaN.
Reals ExpOfEach(const Reals& x);

// base^exponent as Exp(exponent * Log(base)): a relative error of (1 + |exponent * ln base|) *
// 2^-52 at most. Whole exponents up to 64 by multiplication, which makes squares and cubes as exact
// as they are by hand. REQUIRES: base > 0.
double Pow(double base, double exponent);

// The number below which a standard normal variate lies with probability p (Wichura 1988, algorithm
// AS 241), relative error below 1e-15. REQUIRES: 0 < p < 1.
double Probit(double p);
// The same of each.
Reals ProbitOfEach(const Reals& p);

// P(a standard normal variate < x), absolute error below 1e-15.
double NormalCdf(double x);

// ln(n!), absolute error below 1e-15 * (1 + ln(n!)). REQUIRES: n >= 0.
double LogFactorial(int64_t n);
// What Stirling's formula leaves out of it: ln(n!) - ((n + 1/2) ln(n + 1) - (n + 1) + ln(2 pi) /
// 2), absolute error below 1e-15. Where two ln(n!) almost cancel, their tails can be subtracted
// without loss.
double StirlingTail(int64_t n);

// The nearest integer, half away from zero; what lies outside of int64 becomes its nearest end.
// REQUIRES: x is not NaN.
int64_t RoundToInt64(double x);
// The largest integer that is not above x, with the same ends.
int64_t FloorToInt64(double x);

}  // namespace freshet

#endif  // FRESHET_SIM_MATH_H_
