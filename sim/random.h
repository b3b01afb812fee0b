// Random streams: Philox4x32-10, counter-based, one stream for each (seed, component name, purpose).
//
// key = seed; counter = (draw block, FNV-1a 64 of "name/purpose"). A stream depends on nothing else:
// adding a component or reordering construction changes nobody's draws, and two broker designs see
// the same arrivals (common random numbers). Known answers: tests/oracle/data/rng_kat.csv.
#ifndef FRESHET_SIM_RANDOM_H_
#define FRESHET_SIM_RANDOM_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace freshet {

class RandomStream {
 public:
  RandomStream(uint64_t seed, absl::string_view name, absl::string_view purpose);

  // Draw by draw: the two little-endian words of each Philox block in turn.
  uint64_t NextUint64() {
    if (have_second_) {
      have_second_ = false;
      return second_;
    }
    return NextBlock();
  }
  // Strictly inside (0, 1), on a grid of 2^-53: ((u64 >> 12) + 0.5) * 2^-52.
  double NextUniform() {
    return (static_cast<double>(NextUint64() >> 12) + 0.5) * 0x1p-52;
  }
  // Uniform on [0, bound), by 128-bit multiplication with rejection: no bias. REQUIRES: bound > 0.
  uint64_t NextBelow(uint64_t bound);

  // A stream of its own for variate `index` of this one, so that a rejection sampler, which takes as
  // many draws as it needs, moves no other variate. Independent of how far this stream has come.
  RandomStream Substream(uint64_t index) const;

 private:
  RandomStream(uint64_t key, uint64_t lane) : key_(key), lane_(lane) {}
  uint64_t NextBlock();

  uint64_t key_;
  uint64_t lane_;
  uint64_t block_ = 0;
  uint64_t second_ = 0;
  bool have_second_ = false;
};

}  // namespace freshet

#endif  // FRESHET_SIM_RANDOM_H_
