// Laws that durations, sizes and counts are drawn from. A Sampler holds a law with its parameters
// resolved; Draw() takes a stream and returns an integer (nanoseconds, bytes), rounded half up at one
// place and never negative.
//
// By inversion with one uniform per variate where that is exact (constant, uniform, exponential,
// normal, lognormal, Pareto, empirical, mixture: one uniform for the part and one for the value);
// gamma, Poisson and binomial draw from a substream keyed by the variate's index, so that streams stay
// aligned between runs. No libm: math.h has our log, exp and probit.
#ifndef FRESHET_SIM_SAMPLER_H_
#define FRESHET_SIM_SAMPLER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "sim/random.h"
#include "sim/time.h"
#include "sim/units.h"

namespace freshet {

class Sampler {
 public:
  // The constant 0.
  Sampler() = default;

  // Parameters are in the unit of the drawn value (nanoseconds or bytes) unless they are shapes.
  static Sampler Constant(double value);
  static Sampler Uniform(double low, double high);
  static Sampler Exponential(double mean);
  // Truncated at 0 by redrawing nothing: a negative draw becomes 0. REQUIRES: sd >= 0.
  static Sampler Normal(double mean, double sd);
  static Sampler Lognormal(double median, double sigma);
  static Sampler Pareto(double scale, double alpha);
  // `cv2` is the squared coefficient of variation: shape = 1 / cv2.
  static Sampler Gamma(double mean, double cv2);
  static Sampler Empirical(const std::vector<double>& values, const std::vector<double>& weights);
  static Sampler Mixture(std::vector<Sampler> parts, const std::vector<double>& weights);

  // One variate. Real-valued, before rounding; for oracles.
  double DrawReal(RandomStream& stream);
  // Rounded half away from zero, negative values become 0.
  int64_t Draw(RandomStream& stream);
  Duration DrawDuration(RandomStream& stream) { return Duration::FromNanos(Draw(stream)); }
  Bytes DrawBytes(RandomStream& stream) { return Bytes(Draw(stream)); }

  // The law's mean, exact but for rounding; infinity for Pareto with alpha <= 1.
  double Mean() const;
  bool IsConstant() const { return kind_ == Kind::kConstant; }

 private:
  enum class Kind : uint8_t {
    kConstant, kUniform, kExponential, kNormal, kLognormal, kPareto, kGamma, kEmpirical, kMixture
  };
  Kind kind_ = Kind::kConstant;
  double a_ = 0;
  double b_ = 0;
  uint64_t variates_ = 0;  // Index of the next variate that needs a substream.
  std::vector<double> values_;
  std::vector<Sampler> parts_;
  std::shared_ptr<const class AliasTable> table_;  // Which value or part.
};

// Walker's alias table over integer weights: one uniform integer per draw, exact probabilities
// (weights are scaled to integers of 2^-32 of the total).
class AliasTable {
 public:
  // REQUIRES: not empty, no weight negative, some positive.
  explicit AliasTable(const std::vector<double>& weights);
  size_t Draw(RandomStream& stream) const;
  size_t size() const { return threshold_.size(); }

 private:
  std::vector<uint64_t> threshold_;
  std::vector<uint32_t> alias_;
};

// Ranks 0 .. count-1 with probability proportional to (rank + 1)^-exponent. REQUIRES: count >= 1,
// exponent >= 0; memory is 12 bytes a rank.
AliasTable ZipfTable(uint64_t count, double exponent);

// Probability as a rational, so that no floating point decides: true with `numerator` in `denominator`.
bool DrawBernoulli(RandomStream& stream, uint64_t numerator, uint64_t denominator);
double DrawExponential(RandomStream& stream);  // Mean 1.
double DrawNormal(RandomStream& stream);       // Mean 0, sd 1.
// Gamma with shape k > 0 and scale 1; takes as many draws as it needs from `stream`.
double DrawGamma(RandomStream& stream, double shape);
// Number of arrivals of a Poisson law with this mean (>= 0); takes as many draws as it needs.
int64_t DrawPoisson(RandomStream& stream, double mean);
// Successes among `trials` with probability p; takes as many draws as it needs.
int64_t DrawBinomial(RandomStream& stream, int64_t trials, double p);

}  // namespace freshet

#endif  // FRESHET_SIM_SAMPLER_H_
