// Laws that durations, sizes and counts are drawn from. A Sampler holds a law with its parameters
// resolved; Draw() takes a stream and returns an integer (nanoseconds, bytes), rounded half up at
// one place and never negative.
//
// A variate takes one word of the stream whatever its law (a constant none, a mixture one for the
// part and one for the value), so two runs whose parameters differ stay aligned draw by draw. By
// inversion where that is exact (uniform, exponential, normal, lognormal, Pareto, empirical);
// gamma, Poisson and binomial reject, so their one word picks a substream from which they take what
// they need. No libm: math.h has our log, exp and probit.
#ifndef FRESHET_SIM_SAMPLER_H_
#define FRESHET_SIM_SAMPLER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "sim/random.h"
#include "sim/time.h"
#include "sim/units.h"

namespace freshet {

// A value: cheap to copy, immutable, and any number of streams may be drawn through one.
class Sampler {
 public:
  // The constant 0.
  Sampler() = default;

  // Parameters are finite, and in the unit of the drawn value (nanoseconds or bytes) unless they
  // are shapes. A spread of 0 (high == low, sd, sigma or cv2 of 0) makes a constant.
  static Sampler Constant(double value);
  // REQUIRES: low <= high.
  static Sampler Uniform(double low, double high);
  // REQUIRES: mean >= 0.
  static Sampler Exponential(double mean);
  // Truncated at 0 by redrawing nothing: a negative draw becomes 0. REQUIRES: sd >= 0.
  static Sampler Normal(double mean, double sd);
  // REQUIRES: median > 0, sigma >= 0.
  static Sampler Lognormal(double median, double sigma);
  // REQUIRES: scale > 0, alpha > 0.
  static Sampler Pareto(double scale, double alpha);
  // `cv2` is the squared coefficient of variation: shape = 1 / cv2. REQUIRES: mean > 0, cv2 >= 0.
  static Sampler Gamma(double mean, double cv2);
  // REQUIRES: as many weights as values, at least one; weights as AliasTable has them.
  static Sampler Empirical(const std::vector<double>& values, const std::vector<double>& weights);
  // A mixture among the parts is dissolved into its own parts.
  // REQUIRES: as many weights as parts, at least one; weights as AliasTable has them.
  static Sampler Mixture(const std::vector<Sampler>& parts, const std::vector<double>& weights);

  // No draw is larger: 2^60 is 36 years in nanoseconds or an exbibyte. Heavy tails reach it, and a
  // time could not be added to what lies far above.
  static constexpr int64_t kLargestDraw = int64_t{1} << 60;

  // One variate. Real-valued, before truncation and rounding; for oracles.
  double DrawReal(RandomStream& stream) const;
  // Rounded half up; negative values become 0, values above kLargestDraw become that.
  int64_t Draw(RandomStream& stream) const;
  Duration DrawDuration(RandomStream& stream) const { return Duration::FromNanos(Draw(stream)); }
  Bytes DrawBytes(RandomStream& stream) const { return Bytes(Draw(stream)); }

  // The mean of what Draw() returns, exact but for rounding of its integers and truncation at
  // kLargestDraw; infinity for Pareto with alpha <= 1.
  double Mean() const;
  bool IsConstant() const { return kind_ == Kind::kConstant; }

 private:
  enum class Kind : uint8_t {
    kConstant,
    kUniform,
    kExponential,
    kNormal,
    kLognormal,
    kPareto,
    kGamma,
    kEmpirical,
    kMixture
  };
  struct Choice;

  Sampler(Kind kind, double a, double b) : kind_(kind), a_(a), b_(b) {}

  Kind kind_ = Kind::kConstant;
  double a_ = 0;
  double b_ = 0;
  std::shared_ptr<const Choice> choice_;  // Of an empirical law and of a mixture.
};

// Walker's alias table over integer weights: one word and one cache line per draw. Weights are
// scaled to integers that sum to 2^62, and from there on probabilities are exact but for 2^-64 *
// size().
class AliasTable {
 public:
  // REQUIRES: not empty, fewer than 2^32, none negative or infinite, some positive.
  explicit AliasTable(const std::vector<double>& weights);

  size_t Draw(RandomStream& stream) const {
    const auto wide = static_cast<unsigned __int128>(stream.NextUint64()) * columns_.size();
    const Column& column = columns_[static_cast<size_t>(wide >> 64)];
    const bool own = (static_cast<uint64_t>(wide) >> 2) < column.threshold;
    return own ? static_cast<size_t>(wide >> 64) : column.alias;
  }
  size_t size() const { return columns_.size(); }
  // The probabilities that the table really draws with, in O(size()).
  std::vector<double> Probabilities() const;

 private:
  static constexpr uint64_t kTotal = uint64_t{1} << 62;

  struct Column {
    uint64_t threshold = kTotal;  // Below it the column's own index, of 2^62.
    uint32_t alias = 0;
  };

  std::vector<Column> columns_;
};

// Ranks 0 .. count-1 with probability proportional to (rank + 1)^-exponent. REQUIRES: count >= 1,
// exponent >= 0; memory is 16 bytes a rank.
AliasTable ZipfTable(uint64_t count, double exponent);

// Probability as a rational, so that no floating point decides: true with `numerator` in
// `denominator`. REQUIRES: denominator > 0.
bool DrawBernoulli(RandomStream& stream, uint64_t numerator, uint64_t denominator);
double DrawNormal(RandomStream& stream);  // Mean 0, sd 1.

// These take one word of `stream` and what they need from the substream that it picks.
//
// Gamma with shape k and scale 1 (Marsaglia and Tsang 2000). REQUIRES: shape > 0.
double DrawGamma(RandomStream& stream, double shape);
// Number of arrivals of a Poisson law: inversion below a mean of 10, transformed rejection (PTRS,
// Hoermann 1993) above. REQUIRES: 0 <= mean <= 10^15.
int64_t DrawPoisson(RandomStream& stream, double mean);
// Successes among `trials`, each with probability p: inversion where fewer than 10 are expected on
// the rarer side, transformed rejection (BTRS, Hoermann 1993) above; its acceptance is exact to
// 0.001 at a mean of 10^12, and better below. REQUIRES: 0 <= trials <= 10^15, 0 <= p <= 1.
int64_t DrawBinomial(RandomStream& stream, int64_t trials, double p);

}  // namespace freshet

#endif  // FRESHET_SIM_SAMPLER_H_
