#include "sim/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "sim/check.h"
#include "sim/floating_point.h"
#include "sim/math.h"

namespace freshet {

namespace {

bool IsFinite(double x) { return std::fabs(x) <= std::numeric_limits<double>::max(); }

// The word that a rejecting sampler takes from its stream, as a stream of its own.
RandomStream PickSubstream(RandomStream& stream) { return stream.Substream(stream.NextUint64()); }

// The three below draw from `own` alone, as often as they must.

double GammaFrom(RandomStream& own, double shape) {
  if (shape < 1.0) {
    // Gamma(k) = Gamma(k + 1) * U^(1/k).
    const double larger = GammaFrom(own, shape + 1.0);
    return larger * Exp(Log(own.NextUniform()) / shape);
  }
  const double d = shape - 1.0 / 3.0;
  const double c = 1.0 / std::sqrt(9.0 * d);
  for (;;) {
    const double x = DrawNormal(own);
    const double root = 1.0 + c * x;
    if (root <= 0.0) continue;
    const double v = root * root * root;
    const double u = own.NextUniform();
    const double x2 = x * x;
    if (u < 1.0 - 0.0331 * x2 * x2) return d * v;
    if (Log(u) < 0.5 * x2 + d * (1.0 - v + Log(v))) return d * v;
  }
}

// Walks the probabilities from 0 up until `u` is used up. REQUIRES: mean small (the walk is as
// long).
int64_t PoissonByInversion(RandomStream& own, double mean) {
  double u = own.NextUniform();
  double probability = Exp(-mean);
  int64_t k = 0;
  // Beyond 200 nothing is left of a mean of 10; rounding could otherwise walk on for ever.
  while (u > probability && k < 200) {
    u -= probability;
    ++k;
    probability *= mean / static_cast<double>(k);
  }
  return k;
}

int64_t PoissonByRejection(RandomStream& own, double mean) {
  const double b = 0.931 + 2.53 * std::sqrt(mean);
  const double a = -0.059 + 0.02483 * b;
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
  const double squeeze = 0.9277 - 3.6224 / (b - 2.0);
  for (;;) {
    const double u = own.NextUniform() - 0.5;
    const double v = own.NextUniform();
    const double us = 0.5 - std::fabs(u);
    const int64_t k = FloorToInt64((2.0 * a / us + b) * u + mean + 0.43);
    if (us >= 0.07 && v <= squeeze) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    // ln of mean^k e^-mean / k!, with k! by Stirling: the large terms meet in one logarithm of a
    // ratio near 1, so that nothing cancels.
    const double x = static_cast<double>(k) + 1.0;
    const double gap = mean - x;
    const double log_density = x * Log1p(gap / x) - gap - Log(mean) + 0.5 * Log(x) -
                               StirlingTail(k) - 0x1.d67f1c864beb5p-1;
    if (Log(v * inverse_alpha / (a / (us * us) + b)) <= log_density) return k;
  }
}

// REQUIRES: p <= 1/2, trials * p small.
int64_t BinomialByInversion(RandomStream& own, int64_t trials, double p) {
  const double n = static_cast<double>(trials);
  const double odds = p / (1.0 - p);
  double u = own.NextUniform();
  double probability = Exp(n * Log1p(-p));
  int64_t k = 0;
  const int64_t most = std::min<int64_t>(trials, 200);
  while (u > probability && k < most) {
    u -= probability;
    probability *= odds * (n - static_cast<double>(k)) / static_cast<double>(k + 1);
    ++k;
  }
  return k;
}

// REQUIRES: p <= 1/2, trials * p >= 10.
int64_t BinomialByRejection(RandomStream& own, int64_t trials, double p) {
  const double n = static_cast<double>(trials);
  const double q = 1.0 - p;
  const double spread = std::sqrt(n * p * q);
  const double b = 1.15 + 2.53 * spread;
  const double a = -0.0873 + 0.0248 * b + 0.01 * p;
  const double centre = n * p + 0.5;
  const double squeeze = 0.92 - 4.2 / b;
  const double alpha = (2.83 + 5.1 / b) * spread;
  const int64_t mode = FloorToInt64((n + 1.0) * p);
  const double m = static_cast<double>(mode);
  for (;;) {
    const double u = own.NextUniform() - 0.5;
    const double v = own.NextUniform();
    const double us = 0.5 - std::fabs(u);
    const int64_t k = FloorToInt64((2.0 * a / us + b) * u + centre);
    if (us >= 0.07 && v <= squeeze) return k;
    if (k < 0 || k > trials) continue;
    // ln of P(k) / P(mode), factorials by Stirling, again as logarithms of ratios near 1.
    const double x = static_cast<double>(k);
    const double log_ratio = (m + 0.5) * Log((m + 1.0) * q / (p * (n - m + 1.0))) +
                             (n + 1.0) * Log1p((x - m) / (n - x + 1.0)) +
                             (x + 0.5) * Log(p * (n - x + 1.0) / (q * (x + 1.0))) +
                             (StirlingTail(mode) - StirlingTail(k)) +
                             (StirlingTail(trials - mode) - StirlingTail(trials - k));
    if (Log(v * alpha / (a / (us * us) + b)) <= log_ratio) return k;
  }
}

}  // namespace

// Which of several values, or of several laws.
struct Sampler::Choice {
  AliasTable table;
  std::vector<double> values;
  std::vector<Sampler> parts;
};

Sampler Sampler::Constant(double value) {
  SIM_REQUIRE(IsFinite(value));
  return Sampler(Kind::kConstant, value, 0);
}

Sampler Sampler::Uniform(double low, double high) {
  SIM_REQUIRE(IsFinite(low) && IsFinite(high) && low <= high);
  if (low == high) return Constant(low);
  return Sampler(Kind::kUniform, low, high - low);
}

Sampler Sampler::Exponential(double mean) {
  SIM_REQUIRE(IsFinite(mean) && mean >= 0);
  if (mean == 0) return Constant(0);
  return Sampler(Kind::kExponential, mean, 0);
}

Sampler Sampler::Normal(double mean, double sd) {
  SIM_REQUIRE(IsFinite(mean) && IsFinite(sd) && sd >= 0);
  if (sd == 0) return Constant(mean);
  return Sampler(Kind::kNormal, mean, sd);
}

Sampler Sampler::Lognormal(double median, double sigma) {
  SIM_REQUIRE(IsFinite(median) && median > 0 && IsFinite(sigma) && sigma >= 0);
  if (sigma == 0) return Constant(median);
  return Sampler(Kind::kLognormal, median, sigma);
}

Sampler Sampler::Pareto(double scale, double alpha) {
  SIM_REQUIRE(IsFinite(scale) && scale > 0 && IsFinite(alpha) && alpha > 0);
  return Sampler(Kind::kPareto, scale, alpha);
}

Sampler Sampler::Gamma(double mean, double cv2) {
  SIM_REQUIRE(IsFinite(mean) && mean > 0 && IsFinite(cv2) && cv2 >= 0);
  if (cv2 == 0) return Constant(mean);
  return Sampler(Kind::kGamma, mean * cv2, 1.0 / cv2);
}

Sampler Sampler::Empirical(const std::vector<double>& values, const std::vector<double>& weights) {
  SIM_REQUIRE(values.size() == weights.size());
  for (const double value : values) SIM_REQUIRE(IsFinite(value));
  Sampler sampler(Kind::kEmpirical, 0, 0);
  sampler.choice_ = std::make_shared<const Choice>(Choice{AliasTable(weights), values, {}});
  return sampler;
}

Sampler Sampler::Mixture(const std::vector<Sampler>& parts, const std::vector<double>& weights) {
  SIM_REQUIRE(parts.size() == weights.size());
  std::vector<Sampler> flat;
  std::vector<double> flat_weights;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].kind_ != Kind::kMixture) {
      flat.push_back(parts[i]);
      flat_weights.push_back(weights[i]);
      continue;
    }
    const Choice& inner = *parts[i].choice_;
    const std::vector<double> shares = inner.table.Probabilities();
    for (size_t j = 0; j < shares.size(); ++j) {
      flat.push_back(inner.parts[j]);
      flat_weights.push_back(weights[i] * shares[j]);
    }
  }
  Sampler sampler(Kind::kMixture, 0, 0);
  sampler.choice_ = std::make_shared<const Choice>(Choice{AliasTable(flat_weights), {}, flat});
  return sampler;
}

double Sampler::DrawReal(RandomStream& stream) const {
  switch (kind_) {
    case Kind::kConstant:
      return a_;
    case Kind::kUniform:
      return a_ + b_ * stream.NextUniform();
    case Kind::kExponential:
      return a_ * stream.NextExponential();
    case Kind::kNormal:
      return a_ + b_ * DrawNormal(stream);
    case Kind::kLognormal:
      return a_ * stream.NextLognormal(b_);
    case Kind::kPareto:
      return a_ * Exp(stream.NextExponential() / b_);
    case Kind::kGamma:
      return a_ * DrawGamma(stream, b_);
    case Kind::kEmpirical:
      return choice_->values[choice_->table.Draw(stream)];
    case Kind::kMixture: {
      const Sampler& part = choice_->parts[choice_->table.Draw(stream)];
      if (part.IsConstant()) stream.NextUint64();  // Its value's word, so that all parts take two.
      return part.DrawReal(stream);
    }
  }
  return 0;  // All kinds have returned.
}

int64_t Sampler::Draw(RandomStream& stream) const {
  // The two that are drawn most without a detour.
  const double real = kind_ == Kind::kLognormal     ? a_ * stream.NextLognormal(b_)
                      : kind_ == Kind::kExponential ? a_ * stream.NextExponential()
                                                    : DrawReal(stream);
  if (__builtin_expect(real > 0 && real < static_cast<double>(kLargestDraw), 1)) {
    // RoundToInt64() for what is neither negative nor large.
    const auto whole = static_cast<int64_t>(real);
    return whole + (real - static_cast<double>(whole) >= 0.5 ? 1 : 0);
  }
  return real <= 0 ? 0 : std::min(RoundToInt64(real), kLargestDraw);
}

double Sampler::Mean() const {
  switch (kind_) {
    case Kind::kConstant:
      return std::max(a_, 0.0);
    case Kind::kUniform: {
      const double high = a_ + b_;
      if (a_ >= 0) return a_ + 0.5 * b_;
      return high <= 0 ? 0.0 : 0.5 * high * (high / b_);
    }
    case Kind::kExponential:
      return a_;
    case Kind::kNormal: {
      // The mean of max(X, 0).
      const double z = a_ / b_;
      const double density = Exp(-0.5 * z * z) * 0x1.9884533d43651p-2;
      return std::max(a_ * NormalCdf(z) + b_ * density, 0.0);
    }
    case Kind::kLognormal:
      return a_ * Exp(0.5 * b_ * b_);
    case Kind::kPareto:
      return b_ <= 1 ? std::numeric_limits<double>::infinity() : a_ * (b_ / (b_ - 1.0));
    case Kind::kGamma:
      return a_ * b_;
    case Kind::kEmpirical:
    case Kind::kMixture: {
      const std::vector<double> shares = choice_->table.Probabilities();
      double mean = 0;
      for (size_t i = 0; i < shares.size(); ++i) {
        if (shares[i] == 0) continue;
        mean += shares[i] * (kind_ == Kind::kMixture ? choice_->parts[i].Mean()
                                                     : std::max(choice_->values[i], 0.0));
      }
      return mean;
    }
  }
  return 0;  // All kinds have returned.
}

AliasTable::AliasTable(const std::vector<double>& weights) : columns_(weights.size()) {
  SIM_REQUIRE(!weights.empty() && weights.size() <= std::numeric_limits<uint32_t>::max());
  double sum = 0;
  double lost = 0;  // What the additions rounded away (Kahan), so that a million weights sum well.
  size_t largest = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    SIM_REQUIRE(weights[i] >= 0 && IsFinite(weights[i]));
    const double added = weights[i] - lost;
    const double next = sum + added;
    lost = (next - sum) - added;
    sum = next;
    if (weights[i] > weights[largest]) largest = i;
  }
  SIM_REQUIRE(sum > 0 && IsFinite(sum));

  // Integer shares of kTotal; what rounding left over goes to the largest weight.
  const auto size = static_cast<__int128>(weights.size());
  std::vector<__int128> mass(weights.size());
  __int128 left = kTotal;
  for (size_t i = 0; i < weights.size(); ++i) {
    mass[i] = RoundToInt64(weights[i] / sum * 0x1p62);
    left -= mass[i];
  }
  mass[largest] += left;

  // A column holds kTotal / size; in units of 1 / size that is kTotal. Columns that are too small
  // are filled up by those that are too large, each from one of them.
  std::vector<uint32_t> small;
  std::vector<uint32_t> large;
  for (size_t i = weights.size(); i-- > 0;) {
    mass[i] *= size;
    columns_[i].alias = static_cast<uint32_t>(i);
    (mass[i] < __int128{kTotal} ? small : large).push_back(static_cast<uint32_t>(i));
  }
  while (!small.empty()) {
    // The masses left are kTotal on average, so while one is below, one is above.
    const uint32_t filled = small.back();
    const uint32_t giver = large.back();
    small.pop_back();
    columns_[filled].threshold = static_cast<uint64_t>(mass[filled]);
    columns_[filled].alias = giver;
    mass[giver] -= __int128{kTotal} - mass[filled];
    if (mass[giver] < __int128{kTotal}) {
      large.pop_back();
      small.push_back(giver);
    }
  }
}

std::vector<double> AliasTable::Probabilities() const {
  std::vector<__int128> mass(columns_.size());
  for (size_t i = 0; i < columns_.size(); ++i) {
    mass[i] += columns_[i].threshold;
    mass[columns_[i].alias] += kTotal - columns_[i].threshold;
  }
  std::vector<double> probabilities(columns_.size());
  const double all = 0x1p62 * static_cast<double>(columns_.size());
  for (size_t i = 0; i < mass.size(); ++i) probabilities[i] = static_cast<double>(mass[i]) / all;
  return probabilities;
}

AliasTable ZipfTable(uint64_t count, double exponent) {
  SIM_REQUIRE(count >= 1 && exponent >= 0);
  std::vector<double> weights(count);
  for (uint64_t i = 0; i < count; ++i) weights[i] = Pow(static_cast<double>(i + 1), -exponent);
  return AliasTable(weights);
}

bool DrawBernoulli(RandomStream& stream, uint64_t numerator, uint64_t denominator) {
  return stream.NextBelow(denominator) < numerator;
}

double DrawNormal(RandomStream& stream) { return Probit(stream.NextUniform()); }

double DrawGamma(RandomStream& stream, double shape) {
  SIM_REQUIRE(shape > 0 && IsFinite(shape));
  RandomStream own = PickSubstream(stream);
  return GammaFrom(own, shape);
}

int64_t DrawPoisson(RandomStream& stream, double mean) {
  SIM_REQUIRE(mean >= 0 && mean <= 1e15);
  RandomStream own = PickSubstream(stream);
  return mean < 10 ? PoissonByInversion(own, mean) : PoissonByRejection(own, mean);
}

int64_t DrawBinomial(RandomStream& stream, int64_t trials, double p) {
  SIM_REQUIRE(trials >= 0 && trials <= 1'000'000'000'000'000 && p >= 0 && p <= 1);
  RandomStream own = PickSubstream(stream);
  const double rarer = std::min(p, 1.0 - p);
  const int64_t successes = static_cast<double>(trials) * rarer < 10
                                ? BinomialByInversion(own, trials, rarer)
                                : BinomialByRejection(own, trials, rarer);
  return p <= 0.5 ? successes : trials - successes;
}

}  // namespace freshet
