// Random streams: Philox4x32-10, counter-based, one stream for each (seed, component name,
// purpose).
//
// key = seed; counter = (draw block, FNV-1a 64 of "name/purpose"). A stream depends on nothing
// else: adding a component or reordering construction changes nobody's draws, and two broker
// designs see the same arrivals (common random numbers). Known answers:
// tests/oracle/data/rng_kat.csv.
#ifndef FRESHET_SIM_RANDOM_H_
#define FRESHET_SIM_RANDOM_H_

#include <array>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "sim/math.h"

namespace freshet {

// The block function of Philox4x32-10 (Salmon et al. 2011): 128 bits of counter to 128 bits of
// output, both as little-endian pairs of 32-bit words.
std::array<uint64_t, 2> Philox(uint64_t key, std::array<uint64_t, 2> counter);

class RandomStream {
 public:
  RandomStream(uint64_t seed, absl::string_view name, absl::string_view purpose);

  // Draw by draw: the two little-endian words of each Philox block in turn.
  uint64_t NextUint64() {
    if (__builtin_expect(next_ == kBuffered, 0)) Refill();
    return buffer_[next_++];
  }
  // Strictly inside (0, 1), on a grid of 2^-53: ((u64 >> 12) + 0.5) * 2^-52.
  double NextUniform() { return ToUniform(NextUint64()); }
  // -ln(NextUniform()): an exponential variate with mean 1. A stream of them takes the logarithms
  // of all buffered words together.
  double NextExponential() {
    if (__builtin_expect(next_ == kBuffered, 0)) Refill();
    if (__builtin_expect(held_ != kExponentials, 0)) {
      if (held_ != kNothing) return OneExponential();
      TakeLogarithms();
    }
    return variates_[next_++];
  }
  // e^(sigma z) where z is the standard normal quantile of NextUniform(): a lognormal variate with
  // median 1, likewise together. REQUIRES: sigma > 0.
  double NextLognormal(double sigma) {
    if (__builtin_expect(next_ == kBuffered, 0)) Refill();
    if (__builtin_expect(held_ != sigma, 0)) {
      if (held_ != kNothing) return OneLognormal(sigma);
      TakeLognormals(sigma);
    }
    return variates_[next_++];
  }
  // Uniform on [0, bound), by 128-bit multiplication with rejection: no bias. One draw, and with a
  // chance of bound / 2^64 another. REQUIRES: bound > 0.
  uint64_t NextBelow(uint64_t bound);

  // A stream of its own for each `index`, so that a rejection sampler, which takes as many draws as
  // it needs, moves no other variate. Independent of how far this stream has come. Its lane is a
  // hash of this lane and `index`: two streams would have to meet in 64 bits, and then only these
  // two would.
  RandomStream Substream(uint64_t index) const;

 private:
  // Four blocks at a time: their multiplications overlap, so all cost little more than one.
  static constexpr uint32_t kBuffered = Reals().size();

  RandomStream(uint64_t key, uint64_t lane) : key_(key), lane_(lane) {}
  static double ToUniform(uint64_t word) {
    return (static_cast<double>(word >> 12) + 0.5) * 0x1p-52;
  }
  void Refill();
  Reals Uniforms() const;
  void TakeLogarithms();
  void TakeLognormals(double sigma);
  // For the next word alone, where `variates_` are taken for another law.
  double OneExponential();
  double OneLognormal(double sigma);

  uint64_t key_;
  uint64_t lane_;
  uint64_t block_ = 0;
  std::array<uint64_t, kBuffered> buffer_ = {};
  uint32_t next_ = kBuffered;
  // What `variates_` are of the buffered words: nothing yet, exponentials, or lognormals with this
  // sigma.
  static constexpr double kNothing = 0;
  static constexpr double kExponentials = -1;
  double held_ = kNothing;
  Reals variates_ = {};
};

}  // namespace freshet

#endif  // FRESHET_SIM_RANDOM_H_
