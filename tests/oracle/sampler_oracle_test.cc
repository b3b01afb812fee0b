// Samplers against values computed elsewhere: groups D (laws), Z (skew) and the known answers of
// the generator.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "sim/hash.h"
#include "sim/random.h"
#include "sim/sampler.h"
#include "tests/oracle/oracle_data.h"

namespace freshet {
namespace {

using oracle::ReadCsv;
using oracle::Value;

// --- Known answers of the generator. ---

std::vector<std::string> Words(const std::string& text, char separator) {
  std::vector<std::string> words(1);
  for (const char c : text) {
    if (c == separator) {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  return words;
}

uint64_t Hex(const std::string& text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  EXPECT_TRUE(error == std::errc() && end == text.data() + text.size()) << text;
  return value;
}

// "ctr=a b c d key=e f": 32-bit words, the low one of a pair first.
uint64_t Pair(const std::vector<std::string>& words, size_t at) {
  return Hex(words[at]) | Hex(words[at + 1]) << 32;
}

std::string Between(const std::string& text, const std::string& from, const std::string& to) {
  const size_t begin = text.find(from) + from.size();
  return text.substr(begin, text.find(to, begin) - begin);
}

TEST(RngKnownAnswers, PhiloxGivesThePublishedBlocks) {
  int read = 0;
  for (const auto& row : ReadCsv("rng_kat.csv")) {
    if (row[0] != "Philox4x32-10") continue;
    const auto counter = Words(Between(row[1], "ctr=", " key="), ' ');
    const auto key = Words(Between(row[1], "key=", "\n"), ' ');
    const auto expected = Words(row[2], ' ');
    const auto block = Philox(Pair(key, 0), {Pair(counter, 0), Pair(counter, 2)});
    EXPECT_EQ(block[0], Pair(expected, 0)) << row[1];
    EXPECT_EQ(block[1], Pair(expected, 2)) << row[1];
    ++read;
  }
  EXPECT_EQ(read, 3);
}

TEST(RngKnownAnswers, NamesHashAsPublished) {
  int read = 0;
  for (const auto& row : ReadCsv("rng_kat.csv")) {
    if (row[0] != "FNV-1a 64") continue;
    const std::string text =
        row[1].substr(1, row[1].size() - 2);  // The field keeps its own quotes.
    EXPECT_EQ(Fnv1a64(absl::string_view(text)), Hex(row[2])) << row[1];
    ++read;
  }
  EXPECT_EQ(read, 3);
}

TEST(RngKnownAnswers, AStreamIsKeyedByNameAndPurpose) {
  int read = 0;
  for (const auto& row : ReadCsv("rng_kat.csv")) {
    const bool raw = row[1].find("first 4 u64") != std::string::npos;
    const bool uniform = row[0].find("uniform") != std::string::npos;
    if (!raw && !uniform) continue;
    const std::string full_name = Between(row[1], "name=", " first");
    const size_t slash = full_name.find('/');
    RandomStream stream(42, full_name.substr(0, slash), full_name.substr(slash + 1));
    ASSERT_NE(row[1].find("seed=42 "), std::string::npos);
    for (const std::string& word : Words(row[2], ' ')) {
      if (raw) {
        EXPECT_EQ(stream.NextUint64(), Hex(word)) << row[1];
      } else {
        double expected = 0;
        std::from_chars(word.data(), word.data() + word.size(), expected);
        EXPECT_EQ(stream.NextUniform(), expected) << row[1];
      }
    }
    ++read;
  }
  EXPECT_EQ(read, 6);
}

// --- Laws: D01 to D04. ---

constexpr int kDraws = 100'000;

struct Moments {
  double mean = 0;
  double variance = 0;
};

Moments MomentsOf(const std::vector<double>& draws) {
  Moments moments;
  for (const double x : draws) moments.mean += x / static_cast<double>(draws.size());
  for (const double x : draws) {
    moments.variance += (x - moments.mean) * (x - moments.mean) / static_cast<double>(draws.size());
  }
  return moments;
}

std::vector<double> DrawMany(const Sampler& law, absl::string_view purpose, int count = kDraws) {
  RandomStream stream(92, "oracle", purpose);
  std::vector<double> draws;
  for (int i = 0; i < count; ++i) draws.push_back(law.DrawReal(stream));
  return draws;
}

// The share of draws above a law's true p-quantile is 1 - p: within five standard errors.
void ExpectShareAbove(const std::vector<double>& draws, double quantile, double p) {
  const auto above =
      std::count_if(draws.begin(), draws.end(), [quantile](double x) { return x > quantile; });
  const double n = static_cast<double>(draws.size());
  EXPECT_NEAR(static_cast<double>(above) / n, 1 - p, 5 * std::sqrt(p * (1 - p) / n)) << "p=" << p;
}

void ExpectMean(const std::vector<double>& draws, double mean, double variance) {
  EXPECT_NEAR(MomentsOf(draws).mean, mean,
              5 * std::sqrt(variance / static_cast<double>(draws.size())));
}

TEST(SamplerOracle, D01Exponential) {
  const auto draws = DrawMany(Sampler::Exponential(2.5), "d01");
  for (const auto& [name, p] : {std::pair("p50", .5), {"p95", .95}, {"p99", .99}, {"p999", .999}}) {
    ExpectShareAbove(draws, Value("D01", name), p);
  }
  EXPECT_EQ(Sampler::Exponential(2.5).Mean(), Value("D01", "mean"));
  ExpectMean(draws, Value("D01", "mean"), Value("D01", "variance"));
  EXPECT_NEAR(MomentsOf(draws).variance, Value("D01", "variance"), 0.03 * Value("D01", "variance"));
}

TEST(SamplerOracle, D02Normal) {
  const auto draws = DrawMany(Sampler::Normal(0, 1), "d02");
  for (const auto& [name, p] : {std::pair("p95", .95), {"p99", .99}, {"p999", .999}}) {
    ExpectShareAbove(draws, Value("D02", name), p);
  }
  ExpectMean(draws, 0, 1);
  EXPECT_NEAR(MomentsOf(draws).variance, 1, 0.03);
}

TEST(SamplerOracle, D03Lognormal) {
  const auto draws = DrawMany(Sampler::Lognormal(0.5, 1), "d03");
  for (const auto& [name, p] : {std::pair("p50", .5), {"p95", .95}, {"p99", .99}, {"p999", .999}}) {
    ExpectShareAbove(draws, Value("D03", name), p);
  }
  EXPECT_NEAR(Sampler::Lognormal(0.5, 1).Mean(), Value("D03", "mean"), 1e-14);
  ExpectMean(draws, Value("D03", "mean"), Value("D03", "variance"));
}

TEST(SamplerOracle, D04Pareto) {
  const auto draws = DrawMany(Sampler::Pareto(0.6, 2.5), "d04");
  for (const auto& [name, p] : {std::pair("p50", .5), {"p95", .95}, {"p99", .99}, {"p999", .999}}) {
    ExpectShareAbove(draws, Value("D04", name), p);
  }
  EXPECT_NEAR(Sampler::Pareto(0.6, 2.5).Mean(), Value("D04", "mean"), 1e-14);
  ExpectMean(draws, Value("D04", "mean"), Value("D04", "variance"));
}

// D05: the Kolmogorov-Smirnov distance of uniforms stays below its critical value at 0.001.
TEST(SamplerOracle, D05UniformsAreUniform) {
  for (const int n : {10'000, 100'000, 1'000'000}) {
    auto draws = DrawMany(Sampler::Uniform(0, 1), "d05", n);
    std::sort(draws.begin(), draws.end());
    double distance = 0;
    for (int i = 0; i < n; ++i) {
      distance =
          std::max({distance, (i + 1.0) / n - draws[i], draws[i] - static_cast<double>(i) / n});
    }
    EXPECT_LT(distance, Value("D05", "critical D for n=" + std::to_string(n)));
  }
}

// --- Skew: Z01 to Z06. ---

struct ZipfCase {
  const char* id;
  uint64_t count;
  double exponent;
};

class ZipfOracle : public testing::TestWithParam<ZipfCase> {};

TEST_P(ZipfOracle, TheTableHasTheExactShares) {
  const auto& [id, count, exponent] = GetParam();
  const std::vector<double> shares = ZipfTable(count, exponent).Probabilities();
  double top_ten = 0;
  long double mean_rank = 0;  // A million additions.
  for (size_t i = 0; i < shares.size(); ++i) {
    if (i < 10) top_ten += shares[i];
    mean_rank += static_cast<long double>(shares[i]) * static_cast<double>(i + 1);
  }
  const auto expect = [id = id](double value, const char* metric) {
    const double oracle = Value(id, metric);
    EXPECT_NEAR(value, oracle, 2e-13 * oracle) << metric;
  };
  expect(1 / shares[0], "normaliser H_{N,s}");
  expect(shares[0], "share of the hottest key");
  expect(top_ten, "share of the 10 hottest keys");
  expect(static_cast<double>(mean_rank), "mean rank");
}

TEST_P(ZipfOracle, DrawsHaveTheShares) {
  const auto& [id, count, exponent] = GetParam();
  const AliasTable table = ZipfTable(count, exponent);
  RandomStream stream(92, "oracle", id);
  constexpr int kKeys = 1'000'000;
  int hottest = 0;
  int top_ten = 0;
  for (int i = 0; i < kKeys; ++i) {
    const size_t rank = table.Draw(stream);
    hottest += rank == 0;
    top_ten += rank < 10;
  }
  const auto expect = [id = id](int drawn, const char* metric) {
    const double p = Value(id, metric);
    EXPECT_NEAR(drawn / static_cast<double>(kKeys), p, 5 * std::sqrt(p * (1 - p) / kKeys))
        << metric;
  };
  expect(hottest, "share of the hottest key");
  expect(top_ten, "share of the 10 hottest keys");
}

INSTANTIATE_TEST_SUITE_P(Z, ZipfOracle,
                         testing::Values(ZipfCase{"Z01", 1000, 1}, ZipfCase{"Z02", 1'000'000, 1},
                                         ZipfCase{"Z03", 1'000'000, 1.2},
                                         ZipfCase{"Z04", 100, 0.8}),
                         [](const auto& param) { return std::string(param.param.id); });

// Keys that hash evenly still differ between partitions, as a multinomial does.
TEST(SkewOracle, Z05KeysPerPartition) {
  constexpr int kKeys = 100'000;
  constexpr int kPartitions = 12;
  constexpr int kTrials = 200;
  RandomStream stream(92, "oracle", "z05");
  double squares = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    int64_t keys[kPartitions] = {};
    for (int i = 0; i < kKeys; ++i) ++keys[stream.NextBelow(kPartitions)];
    const double mean = static_cast<double>(kKeys) / kPartitions;
    for (const int64_t count : keys) {
      const double off = (static_cast<double>(count) - mean) / mean;
      squares += off * off / kPartitions / kTrials;
    }
  }
  const double variation = Value("Z05", "coefficient of variation of keys per partition");
  // A mean of chi-squares with 11 degrees: relative error sqrt(2 / 11 / trials), half of it on the
  // root.
  EXPECT_NEAR(std::sqrt(squares), variation, 5 * 0.5 * std::sqrt(2.0 / 11 / kTrials) * variation);
}

TEST(SkewOracle, Z06EmptyPartitions) {
  constexpr int kTrials = 100'000;
  RandomStream stream(92, "oracle", "z06");
  int64_t empty = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    uint32_t used = 0;
    for (int i = 0; i < 24; ++i) used |= 1u << stream.NextBelow(12);
    empty += 12 - __builtin_popcount(used);
  }
  // The number of empty ones has a standard deviation just below 1.
  EXPECT_NEAR(static_cast<double>(empty) / kTrials, Value("Z06", "expected empty partitions"),
              5 / std::sqrt(kTrials));
}

}  // namespace
}  // namespace freshet
