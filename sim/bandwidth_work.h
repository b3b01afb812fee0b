// The numbers of bandwidth.h: work in 2^-30 billionths of a byte, shares in 2^-30 bytes per second,
// so that share x nanoseconds is work. For bandwidth's own files.
#ifndef FRESHET_SIM_BANDWIDTH_WORK_H_
#define FRESHET_SIM_BANDWIDTH_WORK_H_

#include <algorithm>
#include <cstdint>

namespace freshet::bandwidth_work {

using Wide = __int128;
using UnsignedWide = unsigned __int128;

inline constexpr int kFractionBits = 30;
inline constexpr int64_t kBillion = 1'000'000'000;
inline constexpr Wide kByte = Wide{kBillion} << kFractionBits;
inline constexpr int64_t kFastest = int64_t{1} << 46;
inline constexpr int64_t kLargest = int64_t{1} << 50;
// Up to it, billionths of a byte and the fastest rate add up in 64 bits.
inline constexpr uint64_t kLargestAlone = uint64_t{1} << 32;
// Work that counts as none: 2^-18 of a byte; and in billionths of one.
inline constexpr Wide kSlack = Wide{1} << 42;
inline constexpr int64_t kSlackUnits = static_cast<int64_t>(kSlack >> kFractionBits);
// A group that is never empty counts its work from anew now and then.
inline constexpr Wide kRebase = Wide{1} << 120;
inline constexpr int64_t kShortestBurstNanos = 1'000'000;

inline Wide ShareOf(int64_t bytes_per_second) {
  return Wide{std::min(bytes_per_second, kFastest)} << kFractionBits;
}

// The 64-bit division where it suffices, which is nearly always: three times as fast.
inline Wide Divide(Wide a, Wide b) {
  if ((static_cast<UnsignedWide>(a) | static_cast<UnsignedWide>(b)) >> 64 == 0) {
    return static_cast<Wide>(static_cast<uint64_t>(a) / static_cast<uint64_t>(b));
  }
  return a / b;
}

inline constexpr Wide kUnit = Wide{1} << kFractionBits;

// As NanosFor(), for a share that is no whole bytes a second.
inline Wide NanosForPart(Wide work, Wide share) {
  const auto dividend = static_cast<UnsignedWide>(work + share - 1);
  const auto divisor = static_cast<UnsignedWide>(share);
  const auto high = static_cast<uint64_t>(dividend >> 64);
  if (high != 0) {
    // From the leading 64 bits: too low, and where quotient and divisor leave it room by 2 at most.
    const int shift = 64 - __builtin_clzll(high);
    const auto leading = static_cast<uint64_t>(divisor >> shift);
    if (divisor >> 64 == 0 && leading >> 32 != 0) {
      uint64_t quotient = static_cast<uint64_t>(dividend >> shift) / (leading + 1);
      if (quotient >> 32 == 0) {
        UnsignedWide rest = dividend - quotient * divisor;
        for (; rest >= divisor; rest -= divisor) ++quotient;
        return static_cast<Wide>(quotient);
      }
    }
  }
  return Divide(work + share - 1, share);
}

// work / share, rounded up. REQUIRES: both positive.
inline Wide NanosFor(Wide work, Wide share) {
  if ((static_cast<int64_t>(share) & static_cast<int64_t>(kUnit - 1)) != 0) {
    return NanosForPart(work, share);
  }
  // A transfer alone, for one: its share is whole bytes a second.
  const Wide bytes = (work + (kUnit - 1)) >> kFractionBits;
  const auto rate = static_cast<int64_t>(share >> kFractionBits);
  if (bytes >> 62 == 0) return (static_cast<int64_t>(bytes) + (rate - 1)) / rate;
  return (bytes + (rate - 1)) / rate;
}

inline int64_t WholeBytes(Wide work) {
  return work <= 0 ? 0 : static_cast<int64_t>((work + kByte - 1) / kByte);
}

}  // namespace freshet::bandwidth_work

#endif  // FRESHET_SIM_BANDWIDTH_WORK_H_
