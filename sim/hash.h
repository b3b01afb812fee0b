// Stable 64-bit hashes: FNV-1a for names (known answers in tests/oracle/data/rng_kat.csv), and one
// mixing step for running digests. Both are frozen: streams and digests are made of them.
#ifndef FRESHET_SIM_HASH_H_
#define FRESHET_SIM_HASH_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace freshet {

constexpr uint64_t kFnvOffset = 0xcbf29ce484222325ULL;
constexpr uint64_t kFnvPrime = 0x00000100000001b3ULL;

constexpr uint64_t Fnv1a64OfBytes(const char* text, size_t length, uint64_t hash = kFnvOffset) {
  for (size_t i = 0; i < length; ++i) {
    hash = (hash ^ static_cast<unsigned char>(text[i])) * kFnvPrime;
  }
  return hash;
}

inline uint64_t Fnv1a64(absl::string_view text, uint64_t hash = kFnvOffset) {
  return Fnv1a64OfBytes(text.data(), text.size(), hash);
}

// One step of a running digest: `value` moves every later state of `hash`.
constexpr uint64_t MixHash(uint64_t hash, uint64_t value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15ULL;
  return hash ^ (hash >> 32);
}

}  // namespace freshet

#endif  // FRESHET_SIM_HASH_H_
