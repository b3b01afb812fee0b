// Which partition a keyed record goes to, as shares: the key's law pushed through the hash of the
// partitioner, exactly, once. A keyed Poisson client is then one independent Poisson process a
// partition (PoissonArrivals with this share), so each partition's batches keep their exact law.
//
// The hash is murmur2 as Kafka's default partitioner has it, over the key's number as eight
// big-endian bytes, what a Kafka producer with a long key would send: small key sets fall on the
// same partitions here and there, with the same empty and crowded ones.
#ifndef FRESHET_MODELS_WORKLOAD_KEYS_H_
#define FRESHET_MODELS_WORKLOAD_KEYS_H_

#include <array>
#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "sim/random.h"
#include "sim/units.h"

namespace freshet {

struct KeyDistribution {
  enum class Kind : uint8_t {
    kNone,     // No key: the partitioner spreads evenly.
    kUniform,  // `count` keys, all alike.
    kZipf,     // Key k of `count` with weight (k + 1)^-exponent.
    kHot,      // Key 0 has `hot_share` of the records, the other keys share the rest evenly.
  };
  Kind kind = Kind::kNone;
  int64_t count = 0;
  double exponent = 0;
  Ratio hot_share = Ratio();
};

// Kafka's murmur2 (32 bits, seed 0x9747b28c).
uint32_t Murmur2(absl::string_view bytes);
// The partition of key number `key`. REQUIRES: partitions > 0.
int PartitionOfKey(int64_t key, int partitions);

// Share of the records that each partition gets; the sum is 1 but for rounding. Keys beyond the
// first 2^20 are spread evenly: their hash is as good as even, and each is light. REQUIRES:
// partitions > 0; for kinds with keys count > 0, exponent >= 0, 0 <= hot_share <= 1.
std::vector<double> PartitionShares(const KeyDistribution& keys, int partitions);

// Key groups, as stream jobs spread keys over their state: a key's group depends on its hash alone,
// and not on its partition.
inline constexpr int kKeyGroups = 8;
int KeyGroupOf(int64_t key);
// By partition, which share of its records is of which group; 0 in all of a partition without keys.
// A key lives in one partition, so partitions differ. Approximated as PartitionShares() is.
// REQUIRES: as there, and a kind with keys.
std::vector<std::array<double, kKeyGroups>> KeyGroupShares(const KeyDistribution& keys,
                                                           int partitions);

// Splits `count` records by `shares` at random (multinomial, as a chain of binomials) into `parts`.
// For counts that do not come from a Poisson process. REQUIRES: equal sizes, shares not all 0.
void SplitByShares(int64_t count, absl::Span<const double> shares, RandomStream& stream,
                   absl::Span<int64_t> parts);

}  // namespace freshet

#endif  // FRESHET_MODELS_WORKLOAD_KEYS_H_
