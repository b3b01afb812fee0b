// Distances between a sample and its law, in numbers that a test can bound. The streams are fixed,
// so a test that passes once passes always; the bounds are those that chance passes once in a
// million.
#ifndef FRESHET_TESTS_MODELS_WORKLOAD_STATISTICS_H_
#define FRESHET_TESTS_MODELS_WORKLOAD_STATISTICS_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <vector>

namespace freshet {

constexpr double kKolmogorovBound = 2.69;  // sqrt(-ln(1e-6 / 2) / 2).
constexpr double kSigmas = 5;

// sqrt(n) x the largest distance between the sample's distribution function and `cdf`.
template <typename Cdf>
double KolmogorovDistance(std::vector<double> sample, Cdf cdf) {
  std::sort(sample.begin(), sample.end());
  const auto n = static_cast<double>(sample.size());
  double largest = 0;
  for (size_t i = 0; i < sample.size(); ++i) {
    const double law = cdf(sample[i]);
    const auto rank = static_cast<double>(i);
    largest = std::max({largest, law - rank / n, (rank + 1) / n - law});
  }
  return largest * std::sqrt(n);
}

inline double ExponentialCdf(double x) { return -std::expm1(-x); }
inline double UniformCdf(double x) { return std::clamp(x, 0.0, 1.0); }

// How many standard deviations the chi-square statistic of counts against a Poisson law lies above
// its mean; cells with fewer than 10 expected are joined.
inline double PoissonExcess(const std::vector<int64_t>& counts, double mean) {
  std::map<int64_t, double> seen;
  for (const int64_t each : counts) ++seen[each];
  const auto n = static_cast<double>(counts.size());
  double chi_square = 0, freedom = -1, expected = 0, observed = 0, left = n, left_seen = n;
  for (int64_t k = 0; left > 10; ++k) {
    const auto real = static_cast<double>(k);
    const double law = n * std::exp(real * std::log(mean) - mean - std::lgamma(real + 1));
    expected += law;
    left -= law;
    const double here = seen.contains(k) ? seen.at(k) : 0;
    observed += here;
    left_seen -= here;
    if (expected < 10) continue;
    chi_square += (observed - expected) * (observed - expected) / expected;
    freedom += 1;
    expected = observed = 0;
  }
  expected += left;
  observed += left_seen;
  if (expected > 1) {
    chi_square += (observed - expected) * (observed - expected) / expected;
    freedom += 1;
  }
  return (chi_square - freedom) / std::sqrt(2 * freedom);
}

// Mean and standard error of independent values.
class Mean {
 public:
  void Add(double value) {
    ++count_;
    const double delta = value - mean_;
    mean_ += delta / count_;
    squares_ += delta * (value - mean_);
  }
  double value() const { return mean_; }
  double variance() const { return squares_ / (count_ - 1); }
  double error() const { return std::sqrt(variance() / count_); }

 private:
  double count_ = 0;
  double mean_ = 0;
  double squares_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_MODELS_WORKLOAD_STATISTICS_H_
