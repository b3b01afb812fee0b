// Estimates with an honest interval, held against values that were computed elsewhere.
//
// A model is run with several seeds; each run gives one number a question, so the spread between
// runs is the error of their mean, whatever the correlation within a run. Policy
// (docs/validation.md): at least 30 runs after a warm-up; an estimate passes when it lies within 5
// standard errors of the oracle, and only counts when it was precise: 3.3 standard errors within 1
// % of the value for a mean, 5 % for the probability of a tail. At 5 sigma a hundred checks ring
// falsely once in 17 000 suites.
#ifndef FRESHET_TESTS_ORACLE_REPLICATE_H_
#define FRESHET_TESTS_ORACLE_REPLICATE_H_

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/oracle/oracle_data.h"

namespace freshet::oracle {

// Numbers of one run, in a fixed order of questions.
using Answers = std::vector<double>;

struct Estimate {
  double mean = 0;
  double standard_error = 0;
  int runs = 0;
};

inline Estimate EstimateOf(const std::vector<double>& samples) {
  Estimate estimate;
  estimate.runs = static_cast<int>(samples.size());
  for (const double sample : samples) estimate.mean += sample;
  estimate.mean /= estimate.runs;
  double squares = 0;
  for (const double sample : samples)
    squares += (sample - estimate.mean) * (sample - estimate.mean);
  estimate.standard_error = std::sqrt(squares / (estimate.runs - 1.0) / estimate.runs);
  return estimate;
}

inline constexpr int kRuns = 32;

// Calls run(seed) for seeds 1 .. runs and returns one estimate a question.
template <class Run>
std::vector<Estimate> Replicate(Run run, int runs = kRuns) {
  std::vector<std::vector<double>> samples;
  for (int seed = 1; seed <= runs; ++seed) {
    const Answers answers = run(static_cast<uint64_t>(seed));
    samples.resize(answers.size());
    for (size_t i = 0; i < answers.size(); ++i) samples[i].push_back(answers[i]);
  }
  std::vector<Estimate> estimates;
  for (const std::vector<double>& question : samples) estimates.push_back(EstimateOf(question));
  return estimates;
}

inline constexpr double kMean = 0.01;
inline constexpr double kTail = 0.05;

// Prints and checks one estimate against `expected`, which row (id, metric) stands behind.
inline void ExpectNear(const Estimate& estimate, double expected, const std::string& id,
                       const std::string& metric, double precision) {
  const double off = estimate.standard_error == 0
                         ? (estimate.mean == expected ? 0 : INFINITY)
                         : (estimate.mean - expected) / estimate.standard_error;
  const double reached = 3.3 * estimate.standard_error / std::fabs(expected);
  std::printf("  %-4s %-34s %14.8g  oracle %14.8g  %+5.2f se  (3.3 se = %.2f %%)\n", id.c_str(),
              metric.c_str(), estimate.mean, expected, off, 100 * reached);
  EXPECT_LE(std::fabs(off), 5) << id << " " << metric;
  EXPECT_LE(reached, precision) << id << " " << metric << ": too few samples to tell";
  EXPECT_GE(estimate.runs, 30);
}

// The oracle's row (id, metric) times `scale`: its unit in ours.
inline void ExpectOracle(const Estimate& estimate, const std::string& id, const std::string& metric,
                         double precision = kMean, double scale = 1) {
  ExpectNear(estimate, Value(id, metric) * scale, id, metric, precision);
}

// Values without randomness: equal to the oracle's printed precision, or to `tolerance` where one
// is the fluid limit of the other's single records.
inline void ExpectExact(double value, const std::string& id, const std::string& metric,
                        double tolerance = 0) {
  const double expected = Value(id, metric);
  std::printf("  %-4s %-34s %14.10g  oracle %14.10g\n", id.c_str(), metric.c_str(), value,
              expected);
  const double rounding = std::fabs(expected) * 1e-12;
  EXPECT_NEAR(value, expected, rounding + tolerance) << id << " " << metric;
}

}  // namespace freshet::oracle

#endif  // FRESHET_TESTS_ORACLE_REPLICATE_H_
