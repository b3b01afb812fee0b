#include "models/workload/keys.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

namespace freshet {
namespace {

using Kind = KeyDistribution::Kind;

double Sum(const std::vector<double>& shares) {
  return std::accumulate(shares.begin(), shares.end(), 0.0);
}

TEST(KeysTest, HashIsTheOneOfKafka) {
  // The known answers of Kafka's own test of its default partitioner.
  EXPECT_EQ(static_cast<int32_t>(Murmur2("21")), -973932308);
  EXPECT_EQ(static_cast<int32_t>(Murmur2("foobar")), -790332482);
  EXPECT_EQ(static_cast<int32_t>(Murmur2("a-little-bit-long-string")), -985981536);
  EXPECT_EQ(static_cast<int32_t>(Murmur2("a-little-bit-longer-string")), -1486304829);
  EXPECT_EQ(static_cast<int32_t>(Murmur2("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8")),
            -58897971);
  EXPECT_EQ(static_cast<int32_t>(Murmur2("abc")), 479470107);
}

TEST(KeysTest, WithoutKeysPartitionsAreEven) {
  for (const double share : PartitionShares({}, 8)) EXPECT_EQ(share, 0.125);
}

TEST(KeysTest, FewKeysLeavePartitionsEmpty) {
  const auto shares = PartitionShares({Kind::kUniform, 5}, 40);
  std::vector<double> expected(40, 0);
  for (int64_t key = 0; key < 5; ++key) {
    expected[static_cast<size_t>(PartitionOfKey(key, 40))] += 0.2;
  }
  for (size_t i = 0; i < 40; ++i) EXPECT_NEAR(shares[i], expected[i], 1e-15) << i;
}

TEST(KeysTest, ZipfWeighsRanks) {
  // Every key on its own: the share of a partition is the sum over its keys.
  const auto shares = PartitionShares({Kind::kZipf, 1'000, 1.2}, 7);
  std::vector<double> expected(7, 0);
  double total = 0;
  for (int64_t key = 0; key < 1'000; ++key) {
    const double weight = std::pow(static_cast<double>(key + 1), -1.2);
    expected[static_cast<size_t>(PartitionOfKey(key, 7))] += weight;
    total += weight;
  }
  for (size_t i = 0; i < 7; ++i) EXPECT_NEAR(shares[i], expected[i] / total, 1e-12) << i;
}

TEST(KeysTest, KeysBeyondAMillionAreSpreadEvenly) {
  // zeta(2) has the limit pi^2 / 6, so the first key's share is known.
  const auto shares = PartitionShares({Kind::kZipf, 1'000'000'000'000, 2}, 1'000'000);
  EXPECT_NEAR(Sum(shares), 1, 1e-9);
  EXPECT_NEAR(shares[static_cast<size_t>(PartitionOfKey(0, 1'000'000))], 6 / (M_PI * M_PI), 1e-5);

  const auto even = PartitionShares({Kind::kUniform, 4'000'000'000}, 16);
  for (const double share : even) EXPECT_NEAR(share, 1.0 / 16, 1e-6);
  EXPECT_NEAR(Sum(PartitionShares({Kind::kZipf, 4'000'000'000, 1}, 16)), 1, 1e-12);
}

TEST(KeysTest, AHotKeyTakesItsShareToOnePartition) {
  KeyDistribution keys{Kind::kHot, 100'000};
  keys.hot_share = Ratio::Percent(30);
  const auto shares = PartitionShares(keys, 10);
  const auto hot = static_cast<size_t>(PartitionOfKey(0, 10));
  for (size_t i = 0; i < 10; ++i) {
    EXPECT_NEAR(shares[i], i == hot ? 0.37 : 0.07, 0.002) << i;
  }
  EXPECT_NEAR(Sum(shares), 1, 1e-12);

  keys.count = 1;  // Then it has everything.
  EXPECT_EQ(PartitionShares(keys, 10)[hot], 1);
}

TEST(KeysTest, KeyGroupsOfAPartitionAreThoseOfItsKeys) {
  // Three keys: where each of them lives it has its weight.
  const KeyDistribution zipf{Kind::kZipf, 3, 1};
  const auto shares = KeyGroupShares(zipf, 4);
  for (int partition = 0; partition < 4; ++partition) {
    double all = 0;
    std::array<double, kKeyGroups> expected = {};
    for (int key = 0; key < 3; ++key) {
      if (PartitionOfKey(key, 4) != partition) continue;
      expected[static_cast<size_t>(KeyGroupOf(key))] += 1.0 / (key + 1);
      all += 1.0 / (key + 1);
    }
    for (size_t group = 0; group < kKeyGroups; ++group) {
      const double share = all == 0 ? 0 : expected[group] / all;
      EXPECT_NEAR(shares[static_cast<size_t>(partition)][group], share, 1e-12);
    }
  }
}

TEST(KeysTest, AHotKeyMakesItsGroupHotInItsPartition) {
  KeyDistribution keys{Kind::kHot, 100'000};
  keys.hot_share = Ratio::Percent(50);
  const auto shares = KeyGroupShares(keys, 10);
  const auto hot = static_cast<size_t>(PartitionOfKey(0, 10));
  const auto group = static_cast<size_t>(KeyGroupOf(0));
  // Half of all, beside a twentieth of all that is spread over eight groups.
  EXPECT_NEAR(shares[hot][group], (0.5 + 0.05 / 8) / 0.55, 0.005);
  EXPECT_NEAR(shares[(hot + 1) % 10][group], 0.125, 0.01);
  keys.hot_share = Ratio::One();
  EXPECT_EQ(KeyGroupShares(keys, 10)[hot][group], 1);
}

RC_GTEST_PROP(KeysTest, SplittingKeepsEveryRecord, ()) {
  const auto weights =
      *rc::gen::nonEmpty(rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 1'000)));
  RC_PRE(std::accumulate(weights.begin(), weights.end(), 0) > 0);
  std::vector<double> shares;
  for (const int weight : weights) shares.push_back(weight * 1e-3);
  const auto count = *rc::gen::inRange<int64_t>(0, 1'000'000);
  RandomStream stream(*rc::gen::arbitrary<uint64_t>(), "client", "keys");
  std::vector<int64_t> parts(shares.size(), -1);
  SplitByShares(count, shares, stream, absl::MakeSpan(parts));
  RC_ASSERT(std::accumulate(parts.begin(), parts.end(), int64_t{0}) == count);
  for (size_t i = 0; i < parts.size(); ++i) {
    RC_ASSERT(parts[i] >= 0);
    if (shares[i] == 0) RC_ASSERT(parts[i] == 0);
  }
}

TEST(KeysTest, SplittingFollowsTheShares) {
  const std::vector<double> shares = {0.5, 0, 0.3, 0.2};
  RandomStream stream(92, "client", "keys");
  std::vector<double> sums(4, 0);
  std::vector<int64_t> parts(4);
  for (int i = 0; i < 20'000; ++i) {
    SplitByShares(50, shares, stream, absl::MakeSpan(parts));
    for (size_t k = 0; k < 4; ++k) sums[k] += static_cast<double>(parts[k]);
  }
  for (size_t k = 0; k < 4; ++k) {
    const double error = std::sqrt(1e6 * shares[k] * (1 - shares[k]));
    EXPECT_NEAR(sums[k], 1e6 * shares[k], 5 * error) << k;
  }
}

}  // namespace
}  // namespace freshet
