#include "models/workload/keys.h"

#include <algorithm>
#include <array>

#include "sim/check.h"
#include "sim/math.h"
#include "sim/sampler.h"

namespace freshet {
namespace {

constexpr int64_t kKeysHashed = int64_t{1} << 20;

// Sum of k^-exponent over k in (from, to], by the midpoint integral: the relative error is below
// exponent^2 / from^2.
double ZipfTail(double from, double to, double exponent) {
  const double low = from + 0.5;
  const double high = to + 0.5;
  const double power = 1 - exponent;
  if (power < 1e-9 && power > -1e-9) return Log(high / low);
  return (Pow(high, power) - Pow(low, power)) / power;
}

uint32_t MurmurOf(int64_t key) {
  std::array<char, 8> bytes;
  const auto number = static_cast<uint64_t>(key);
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>(number >> (56 - 8 * i) & 0xff);
  }
  return Murmur2(absl::string_view(bytes.data(), bytes.size()));
}

}  // namespace

uint32_t Murmur2(absl::string_view bytes) {
  constexpr uint32_t kMultiplier = 0x5bd1e995;
  const auto byte = [bytes](size_t i) { return uint32_t{static_cast<unsigned char>(bytes[i])}; };
  uint32_t hash = 0x9747b28cU ^ static_cast<uint32_t>(bytes.size());
  size_t i = 0;
  for (; i + 4 <= bytes.size(); i += 4) {
    uint32_t word = byte(i) | byte(i + 1) << 8 | byte(i + 2) << 16 | byte(i + 3) << 24;
    word *= kMultiplier;
    word ^= word >> 24;
    word *= kMultiplier;
    hash = (hash * kMultiplier) ^ word;
  }
  const size_t rest = bytes.size() - i;
  if (rest > 2) hash ^= byte(i + 2) << 16;
  if (rest > 1) hash ^= byte(i + 1) << 8;
  if (rest > 0) hash = (hash ^ byte(i)) * kMultiplier;
  hash = (hash ^ (hash >> 13)) * kMultiplier;
  return hash ^ (hash >> 15);
}

int PartitionOfKey(int64_t key, int partitions) {
  SIM_REQUIRE(partitions > 0);
  return static_cast<int>((MurmurOf(key) & 0x7fffffffU) % static_cast<uint32_t>(partitions));
}

// The upper bits, which hardly touch the partition.
int KeyGroupOf(int64_t key) { return static_cast<int>(MurmurOf(key) >> 28 & 7U); }

std::vector<std::array<double, kKeyGroups>> KeyGroupShares(const KeyDistribution& keys,
                                                           int partitions) {
  SIM_REQUIRE(partitions > 0 && keys.kind != KeyDistribution::Kind::kNone && keys.count > 0);
  const double exponent = keys.kind == KeyDistribution::Kind::kZipf ? keys.exponent : 0;
  const bool is_hot = keys.kind == KeyDistribution::Kind::kHot;
  const int64_t hashed = std::min(keys.count, kKeysHashed);
  std::vector<std::array<double, kKeyGroups>> shares(static_cast<size_t>(partitions));
  const auto share_of = [&](int64_t key) -> double& {
    return shares[static_cast<size_t>(PartitionOfKey(key, partitions))]
                 [static_cast<size_t>(KeyGroupOf(key))];
  };
  double total = 0;
  for (int64_t key = is_hot ? 1 : 0; key < hashed; ++key) {
    const double weight = exponent == 0 ? 1 : Pow(static_cast<double>(key + 1), -exponent);
    share_of(key) += weight;
    total += weight;
  }
  if (keys.count > hashed) {
    const double tail =
        ZipfTail(static_cast<double>(hashed), static_cast<double>(keys.count), exponent);
    for (auto& each : shares) {
      for (double& share : each) share += tail / partitions / kKeyGroups;
    }
    total += tail;
  }
  if (is_hot) {
    const double hot = keys.hot_share.ToDouble();
    if (hot == 1 || total == 0) {
      for (auto& each : shares) each.fill(0);
      share_of(0) = 1;
    } else {
      share_of(0) += total * hot / (1 - hot);
    }
  }
  for (auto& each : shares) {
    double sum = 0;
    for (const double share : each) sum += share;
    for (double& share : each) share = sum == 0 ? 0 : share / sum;
  }
  return shares;
}

std::vector<double> PartitionShares(const KeyDistribution& keys, int partitions) {
  SIM_REQUIRE(partitions > 0);
  const double even = 1.0 / partitions;
  std::vector<double> shares(static_cast<size_t>(partitions), 0);
  if (keys.kind == KeyDistribution::Kind::kNone) {
    std::fill(shares.begin(), shares.end(), even);
    return shares;
  }
  SIM_REQUIRE(keys.count > 0 && keys.exponent >= 0);
  SIM_REQUIRE(keys.hot_share >= Ratio() && keys.hot_share <= Ratio::One());
  const double exponent = keys.kind == KeyDistribution::Kind::kZipf ? keys.exponent : 0;
  const bool is_hot = keys.kind == KeyDistribution::Kind::kHot;
  const int64_t hashed = std::min(keys.count, kKeysHashed);

  // A weight per partition, then the division by the total. The hot key is set apart from the
  // others.
  double total = 0;
  for (int64_t key = is_hot ? 1 : 0; key < hashed; ++key) {
    const double weight = exponent == 0 ? 1 : Pow(static_cast<double>(key + 1), -exponent);
    shares[static_cast<size_t>(PartitionOfKey(key, partitions))] += weight;
    total += weight;
  }
  if (keys.count > hashed) {
    const double tail =
        ZipfTail(static_cast<double>(hashed), static_cast<double>(keys.count), exponent);
    for (double& share : shares) share += tail * even;
    total += tail;
  }
  double hot = is_hot ? keys.hot_share.ToDouble() : 0;
  if (total == 0) hot = total = 1;  // The hot key is the only one.
  for (double& share : shares) share *= (1 - hot) / total;
  if (is_hot) shares[static_cast<size_t>(PartitionOfKey(0, partitions))] += hot;
  return shares;
}

void SplitByShares(int64_t count, absl::Span<const double> shares, RandomStream& stream,
                   absl::Span<int64_t> parts) {
  SIM_REQUIRE(shares.size() == parts.size() && count >= 0);
  double left = 0;
  size_t last = shares.size();
  for (size_t i = 0; i < shares.size(); ++i) {
    left += shares[i];
    if (shares[i] > 0) last = i;
  }
  SIM_REQUIRE(last < shares.size());
  for (size_t i = 0; i < shares.size(); ++i) {
    // The last share that is not 0 takes what is left: no rounding can lose a record.
    if (count == 0 || i >= last || shares[i] == 0) {
      parts[i] = i == last ? count : 0;
    } else {
      parts[i] = DrawBinomial(stream, count, std::min(1.0, shares[i] / left));
    }
    count -= parts[i];
    left -= shares[i];
  }
}

}  // namespace freshet
