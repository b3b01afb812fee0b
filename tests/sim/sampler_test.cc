#include "sim/sampler.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "sim/check.h"
#include "sim/hash.h"

namespace freshet {
namespace {

constexpr int kDraws = 100'000;
constexpr double kCriticalDistance = 0.00616477998777819;  // ora.D05: n = 100000, alpha = 0.001.

std::vector<double> DrawMany(const Sampler& law, absl::string_view purpose) {
  RandomStream stream(92, "sampler", purpose);
  std::vector<double> draws;
  for (int i = 0; i < kDraws; ++i) draws.push_back(law.DrawReal(stream));
  return draws;
}

// The largest gap between the draws' own distribution and `cdf`.
double KolmogorovSmirnov(std::vector<double> draws, const std::function<double(double)>& cdf) {
  std::sort(draws.begin(), draws.end());
  const double n = static_cast<double>(draws.size());
  double distance = 0;
  for (size_t i = 0; i < draws.size(); ++i) {
    const double p = cdf(draws[i]);
    const double below = static_cast<double>(i);
    distance = std::max({distance, (below + 1) / n - p, p - below / n});
  }
  return distance;
}

// The distribution of Gamma(shape, 1), by its series: all terms positive.
double GammaCdf(double shape, double x) {
  if (x <= 0) return 0;
  double term = std::exp(shape * std::log(x) - x - std::lgamma(shape + 1));
  double sum = 0;
  for (int k = 1; term > 1e-18 * sum || k < x; ++k) {
    sum += term;
    term *= x / (shape + k);
  }
  return sum;
}

double NormalDistribution(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

struct Law {
  const char* name;
  Sampler law;
  std::function<double(double)> cdf;
};

std::vector<Law> ContinuousLaws() {
  const auto gamma = [](const char* name, double mean, double cv2) {
    return Law{name, Sampler::Gamma(mean, cv2),
               [=](double x) { return GammaCdf(1 / cv2, x / (mean * cv2)); }};
  };
  return {
      {"uniform", Sampler::Uniform(2, 6), [](double x) { return (x - 2) / 4; }},
      {"exponential", Sampler::Exponential(3), [](double x) { return 1 - std::exp(-x / 3); }},
      {"normal", Sampler::Normal(5, 2), [](double x) { return NormalDistribution((x - 5) / 2); }},
      {"lognormal", Sampler::Lognormal(4, 0.7),
       [](double x) { return NormalDistribution(std::log(x / 4) / 0.7); }},
      {"pareto", Sampler::Pareto(2, 1.5), [](double x) { return 1 - std::pow(2 / x, 1.5); }},
      gamma("gamma with a long tail", 4, 5),
      gamma("gamma that is exponential", 4, 1),
      gamma("gamma of shape 2.5", 4, 0.4),
      gamma("gamma that is nearly normal", 4, 0.001),
      {"mixture", Sampler::Mixture({Sampler::Exponential(1), Sampler::Uniform(10, 20)}, {3, 1}),
       [](double x) {
         return 0.75 * (1 - std::exp(-x)) + 0.25 * std::clamp((x - 10) / 10, 0.0, 1.0);
       }},
  };
}

TEST(SamplerTest, ContinuousLawsPassKolmogorovSmirnov) {
  for (const Law& law : ContinuousLaws()) {
    EXPECT_LT(KolmogorovSmirnov(DrawMany(law.law, law.name), law.cdf), kCriticalDistance)
        << law.name;
  }
}

TEST(SamplerTest, MeansAreTheMeansOfDraws) {
  for (const Law& law : ContinuousLaws()) {
    if (std::string(law.name) == "pareto")
      continue;  // Infinite variance: no interval for its mean.
    double sum = 0, squares = 0;
    for (const double x : DrawMany(law.law, law.name)) {
      const double counted = std::max(x, 0.0);
      sum += counted;
      squares += counted * counted;
    }
    const double mean = sum / kDraws;
    const double error = std::sqrt((squares / kDraws - mean * mean) / kDraws);
    EXPECT_NEAR(mean, law.law.Mean(), 5 * error) << law.name;
  }
}

TEST(SamplerTest, MeansThatAHandCanCheck) {
  EXPECT_EQ(Sampler().Mean(), 0);
  EXPECT_EQ(Sampler::Constant(7).Mean(), 7);
  EXPECT_EQ(Sampler::Constant(-7).Mean(), 0);
  EXPECT_EQ(Sampler::Uniform(2, 6).Mean(), 4);
  EXPECT_EQ(Sampler::Uniform(-2, 2).Mean(), 0.5);  // Half are 0, the others 1 on average.
  EXPECT_EQ(Sampler::Uniform(-2, -1).Mean(), 0);
  EXPECT_NEAR(Sampler::Normal(0, 1).Mean(), 1 / std::sqrt(2 * M_PI), 1e-15);
  EXPECT_EQ(Sampler::Normal(100, 1).Mean(), 100);
  EXPECT_EQ(Sampler::Gamma(4, 0.25).Mean(), 4);
  EXPECT_EQ(Sampler::Pareto(1, 2).Mean(), 2);
  EXPECT_EQ(Sampler::Pareto(1, 1).Mean(), std::numeric_limits<double>::infinity());
  EXPECT_EQ(Sampler::Empirical({1, 2, 10}, {1, 1, 2}).Mean(), 5.75);
  EXPECT_EQ(Sampler::Mixture({Sampler::Constant(2), Sampler::Exponential(6)}, {1, 3}).Mean(), 5);
}

TEST(SamplerTest, DrawsAreRoundedAndNeverNegative) {
  RandomStream stream(92, "sampler", "rounding");
  EXPECT_EQ(Sampler::Constant(2.5).Draw(stream), 3);
  EXPECT_EQ(Sampler::Constant(-2.5).Draw(stream), 0);
  EXPECT_EQ(Sampler::Constant(1e300).Draw(stream), Sampler::kLargestDraw);
  EXPECT_EQ(Sampler::Constant(1500).DrawDuration(stream), Microseconds(1) + Nanoseconds(500));
  EXPECT_EQ(Sampler::Constant(1024).DrawBytes(stream), KiB(1));
  const Sampler around_zero = Sampler::Normal(0, 100);
  for (int i = 0; i < 1000; ++i) EXPECT_GE(around_zero.Draw(stream), 0);
}

TEST(SamplerTest, NoSpreadMakesAConstant) {
  EXPECT_TRUE(Sampler::Uniform(3, 3).IsConstant());
  EXPECT_TRUE(Sampler::Normal(3, 0).IsConstant());
  EXPECT_TRUE(Sampler::Lognormal(3, 0).IsConstant());
  EXPECT_TRUE(Sampler::Gamma(3, 0).IsConstant());
  EXPECT_TRUE(Sampler::Exponential(0).IsConstant());
  EXPECT_FALSE(Sampler::Exponential(3).IsConstant());
}

TEST(SamplerTest, RefusesParametersThatMakeNoLaw) {
  const double nan = std::nan("");
  EXPECT_THROW(Sampler::Constant(nan), InvariantBroken);
  EXPECT_THROW(Sampler::Uniform(2, 1), InvariantBroken);
  EXPECT_THROW(Sampler::Exponential(-1), InvariantBroken);
  EXPECT_THROW(Sampler::Normal(0, -1), InvariantBroken);
  EXPECT_THROW(Sampler::Lognormal(0, 1), InvariantBroken);
  EXPECT_THROW(Sampler::Pareto(1, 0), InvariantBroken);
  EXPECT_THROW(Sampler::Gamma(0, 1), InvariantBroken);
  EXPECT_THROW(Sampler::Empirical({1}, {}), InvariantBroken);
  EXPECT_THROW(Sampler::Empirical({1}, {0}), InvariantBroken);
  EXPECT_THROW(Sampler::Empirical({1, 2}, {1, -1}), InvariantBroken);
  EXPECT_THROW(Sampler::Mixture({}, {}), InvariantBroken);
}

// The streams of two runs stay aligned when a law changes: what is drawn next is the same.
TEST(SamplerTest, EveryLawTakesOneWordAndAMixtureTwo) {
  const auto words_taken = [](const Sampler& law) {
    RandomStream stream(92, "sampler", "words");
    law.DrawReal(stream);
    const uint64_t next = stream.NextUint64();
    RandomStream counted(92, "sampler", "words");
    int taken = 0;
    while (counted.NextUint64() != next) ++taken;
    return taken;
  };
  EXPECT_EQ(words_taken(Sampler::Constant(1)), 0);
  for (const Law& law : ContinuousLaws()) {
    EXPECT_EQ(words_taken(law.law), std::string(law.name) == "mixture" ? 2 : 1) << law.name;
  }
  EXPECT_EQ(words_taken(Sampler::Empirical({1, 2}, {1, 1})), 1);
  const Sampler inner = Sampler::Mixture({Sampler::Constant(1), Sampler::Gamma(1, 1)}, {1, 1});
  EXPECT_EQ(words_taken(inner), 2);
  EXPECT_EQ(words_taken(Sampler::Mixture({inner, Sampler::Exponential(1)}, {1, 1})), 2);
}

TEST(SamplerTest, MixturesOfMixturesHaveTheProductsOfTheirWeights) {
  const Sampler inner = Sampler::Mixture({Sampler::Constant(1), Sampler::Constant(2)}, {1, 3});
  const Sampler outer = Sampler::Mixture({inner, Sampler::Constant(3)}, {1, 1});
  EXPECT_EQ(outer.Mean(), 0.125 * 1 + 0.375 * 2 + 0.5 * 3);
}

// Two laws on one stream must not share their substreams.
TEST(SamplerTest, LawsThatRejectDoNotRepeatOneAnother) {
  RandomStream stream(92, "sampler", "shared");
  const Sampler a = Sampler::Gamma(1, 0.5);
  const Sampler b = Sampler::Gamma(1, 0.5);
  double product = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double x = a.DrawReal(stream);
    const double y = b.DrawReal(stream);
    product += (x - 1) * (y - 1) / 0.5;
  }
  EXPECT_NEAR(product / kDraws, 0, 5 / std::sqrt(kDraws));  // Their correlation.
}

// --- Discrete laws. ---

// Pearson's statistic over cells of at least ten expected, as standard deviations above its mean
// (Wilson and Hilferty's cube root).
double ChiSquareExcess(const std::vector<int64_t>& draws, int64_t lowest,
                       const std::vector<double>& probabilities) {
  std::vector<int64_t> seen(probabilities.size());
  for (const int64_t draw : draws) {
    const int64_t cell = draw - lowest;
    if (cell >= 0 && cell < static_cast<int64_t>(seen.size())) ++seen[static_cast<size_t>(cell)];
  }
  const double n = static_cast<double>(draws.size());
  double statistic = 0, expected = 0, rest = n;
  int64_t observed = 0, rest_seen = static_cast<int64_t>(draws.size());
  int cells = 0;
  const auto close = [&](double want, int64_t got) {
    statistic += (static_cast<double>(got) - want) * (static_cast<double>(got) - want) / want;
    ++cells;
  };
  for (size_t i = 0; i < seen.size(); ++i) {
    expected += n * probabilities[i];
    observed += seen[i];
    if (expected < 10) continue;
    close(expected, observed);
    rest -= expected;
    rest_seen -= observed;
    expected = 0;
    observed = 0;
  }
  if (rest >= 10) {
    close(rest, rest_seen);
  } else {
    EXPECT_LT(static_cast<double>(rest_seen), rest + 40) << "draws outside of the law";
  }
  const double degrees = cells - 1;
  const double spread = 2 / (9 * degrees);
  return (std::cbrt(statistic / degrees) - (1 - spread)) / std::sqrt(spread);
}

constexpr double kAlpha001 = 3.09;  // A normal variate lies above it once in a thousand times.

TEST(DiscreteLawsTest, PoissonPassesChiSquare) {
  for (const double mean : {0.001, 0.7, 9.99, 10.0, 11.5, 40.0, 1000.0, 1e6}) {
    RandomStream stream(92, "poisson", std::to_string(mean));
    std::vector<int64_t> draws;
    double sum = 0;
    for (int i = 0; i < kDraws; ++i) {
      draws.push_back(DrawPoisson(stream, mean));
      sum += static_cast<double>(draws.back());
    }
    EXPECT_NEAR(sum / kDraws, mean, 5 * std::sqrt(mean / kDraws)) << mean;
    const double width = 8 * std::sqrt(mean) + 10;
    const auto lowest = static_cast<int64_t>(std::max(0.0, mean - width));
    std::vector<double> probabilities;
    for (int64_t count = lowest; static_cast<double>(count) < mean + width; ++count) {
      const auto k = static_cast<double>(count);
      probabilities.push_back(std::exp(k * std::log(mean) - mean - std::lgamma(k + 1)));
    }
    if (mean < 0.01) continue;  // Too few cells.
    EXPECT_LT(ChiSquareExcess(draws, lowest, probabilities), kAlpha001) << mean;
  }
}

TEST(DiscreteLawsTest, BinomialPassesChiSquare) {
  struct Case {
    int64_t trials;
    double p;
  };
  for (const auto& [trials, p] : std::vector<Case>{{1, 0.3},
                                                   {20, 0.1},
                                                   {20, 0.9},
                                                   {40, 0.5},
                                                   {19, 0.5},
                                                   {1000, 0.3},
                                                   {1000, 0.985},
                                                   {1'000'000, 2e-6},
                                                   {1'000'000, 0.01}}) {
    RandomStream stream(92, "binomial", std::to_string(trials) + "/" + std::to_string(p));
    std::vector<int64_t> draws;
    double sum = 0;
    for (int i = 0; i < kDraws; ++i) {
      draws.push_back(DrawBinomial(stream, trials, p));
      ASSERT_GE(draws.back(), 0);
      ASSERT_LE(draws.back(), trials);
      sum += static_cast<double>(draws.back());
    }
    const double n = static_cast<double>(trials);
    EXPECT_NEAR(sum / kDraws, n * p, 5 * std::sqrt(n * p * (1 - p) / kDraws)) << trials << " " << p;
    const double width = 8 * std::sqrt(n * p * (1 - p)) + 10;
    const auto lowest = static_cast<int64_t>(std::max(0.0, n * p - width));
    std::vector<double> probabilities;
    const double highest = std::min(n, n * p + width);
    for (int64_t count = lowest; static_cast<double>(count) <= highest; ++count) {
      const auto k = static_cast<double>(count);
      probabilities.push_back(std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) -
                                       std::lgamma(n - k + 1) + k * std::log(p) +
                                       (n - k) * std::log1p(-p)));
    }
    EXPECT_LT(ChiSquareExcess(draws, lowest, probabilities), kAlpha001) << trials << " " << p;
  }
}

TEST(DiscreteLawsTest, HugeCountsKeepTheirMoments) {
  RandomStream stream(92, "discrete", "huge");
  constexpr int kMany = 20'000;
  double poisson = 0, binomial = 0;
  for (int i = 0; i < kMany; ++i) {
    const double z = (static_cast<double>(DrawPoisson(stream, 1e12)) - 1e12) / 1e6;
    const double y =
        (static_cast<double>(DrawBinomial(stream, 4'000'000'000'000, 0.5)) - 2e12) / 1e6;
    poisson += z * z;
    binomial += y * y;
  }
  EXPECT_NEAR(poisson / kMany, 1, 5 * std::sqrt(2.0 / kMany));
  EXPECT_NEAR(binomial / kMany, 1, 5 * std::sqrt(2.0 / kMany));
}

TEST(DiscreteLawsTest, TheEdgesAreCertain) {
  RandomStream stream(92, "discrete", "edges");
  EXPECT_EQ(DrawPoisson(stream, 0), 0);
  EXPECT_EQ(DrawBinomial(stream, 0, 0.5), 0);
  EXPECT_EQ(DrawBinomial(stream, 100, 0), 0);
  EXPECT_EQ(DrawBinomial(stream, 100, 1), 100);
  EXPECT_TRUE(DrawBernoulli(stream, 1, 1));
  EXPECT_FALSE(DrawBernoulli(stream, 0, 1));
  EXPECT_THROW(DrawPoisson(stream, -1), InvariantBroken);
  EXPECT_THROW(DrawBinomial(stream, 1, 1.5), InvariantBroken);
  EXPECT_THROW(DrawGamma(stream, 0), InvariantBroken);
}

TEST(DiscreteLawsTest, BernoulliIsARatio) {
  RandomStream stream(92, "discrete", "bernoulli");
  int successes = 0;
  for (int i = 0; i < kDraws; ++i) successes += DrawBernoulli(stream, 3, 1000);
  EXPECT_NEAR(successes, 300, 5 * std::sqrt(300 * 0.997));
}

TEST(AliasTableTest, ProbabilitiesAreTheWeights) {
  const AliasTable table({1, 2, 0, 5});
  EXPECT_EQ(table.Probabilities(), (std::vector<double>{0.125, 0.25, 0, 0.625}));
  RandomStream stream(92, "alias", "draws");
  std::vector<int64_t> draws;
  for (int i = 0; i < kDraws; ++i) draws.push_back(static_cast<int64_t>(table.Draw(stream)));
  EXPECT_EQ(std::count(draws.begin(), draws.end(), 2), 0);  // A weight of 0 never comes.
  EXPECT_LT(ChiSquareExcess(draws, 0, {0.125, 0.25, 0, 0.625}), kAlpha001);
}

TEST(AliasTableTest, WeightsOfEverySizeKeepTheirShare) {
  std::vector<double> weights;
  RandomStream stream(92, "alias", "weights");
  long double sum = 0;
  for (int i = 0; i < 1000; ++i) {
    weights.push_back(std::exp(30 * stream.NextUniform()));
    sum += weights.back();
  }
  const std::vector<double> shares = AliasTable(weights).Probabilities();
  for (size_t i = 0; i < weights.size(); ++i) {
    EXPECT_NEAR(shares[i], static_cast<double>(weights[i] / sum), 1e-14 * shares[i] + 1e-17);
  }
}

TEST(AliasTableTest, OneColumnIsCertain) {
  RandomStream stream(92, "alias", "one");
  EXPECT_EQ(AliasTable({0.25}).Draw(stream), 0u);
  EXPECT_EQ(ZipfTable(1, 2).Draw(stream), 0u);
}

TEST(AliasTableTest, ZipfWithoutSkewIsUniform) {
  for (const double share : ZipfTable(8, 0).Probabilities()) EXPECT_EQ(share, 0.125);
}

// --- The bits of the first thousand draws of each law. A change here changes every run. ---

struct Frozen {
  const char* name;
  uint64_t hash;
  std::function<double(RandomStream&)> draw;
};

TEST(SamplerTest, DrawsAreFrozen) {
  const auto of = [](const Sampler& law) {
    return [law](RandomStream& stream) { return law.DrawReal(stream); };
  };
  const AliasTable zipf = ZipfTable(1000, 1.1);
  const std::vector<Frozen> laws = {
      {"uniform", 0xe478e8f32c71bf70ULL, of(Sampler::Uniform(2, 6))},
      {"exponential", 0x35c13bccbeebca37ULL, of(Sampler::Exponential(3))},
      {"normal", 0x7dc2e18664cf5d6eULL, of(Sampler::Normal(5, 2))},
      {"lognormal", 0x7da3229c1891aae6ULL, of(Sampler::Lognormal(4, 0.7))},
      {"pareto", 0xedd103eb49eafad2ULL, of(Sampler::Pareto(2, 1.5))},
      {"gamma", 0xb8eaf3c3e39da659ULL, of(Sampler::Gamma(4, 0.4))},
      {"gamma, long tail", 0xbf869f9d1523076ULL, of(Sampler::Gamma(4, 5))},
      {"empirical", 0x456f36f71d6e3e4cULL, of(Sampler::Empirical({1, 2, 10}, {1, 1.5, 2}))},
      {"mixture", 0x6b7189935e7ff75bULL,
       of(Sampler::Mixture({Sampler::Lognormal(4, 0.7), Sampler::Gamma(90, 0.5)}, {9, 1}))},
      {"zipf", 0xfd80830bff0d0f16ULL,
       [&](RandomStream& s) { return static_cast<double>(zipf.Draw(s)); }},
      {"bernoulli", 0x7a9e9e315e5f7cdfULL,
       [](RandomStream& s) { return static_cast<double>(DrawBernoulli(s, 1, 3)); }},
      {"poisson", 0x55aa93e30c08a6dbULL,
       [](RandomStream& s) { return static_cast<double>(DrawPoisson(s, 4)); }},
      {"poisson, large", 0xc7d254df428492d9ULL,
       [](RandomStream& s) { return static_cast<double>(DrawPoisson(s, 400)); }},
      {"binomial", 0x3f9032e7c65bae31ULL,
       [](RandomStream& s) { return static_cast<double>(DrawBinomial(s, 50, 0.1)); }},
      {"binomial, large", 0x7d9e73f59e3cdf7bULL,
       [](RandomStream& s) { return static_cast<double>(DrawBinomial(s, 5000, 0.6)); }},
  };
  for (const Frozen& law : laws) {
    RandomStream stream(92, "frozen", law.name);
    uint64_t hash = kFnvOffset;
    for (int i = 0; i < 1000; ++i) {
      hash = MixHash(hash, std::bit_cast<uint64_t>(law.draw(stream)));
    }
    EXPECT_EQ(hash, law.hash) << law.name << " is 0x" << std::hex << hash;
  }
}

}  // namespace
}  // namespace freshet
