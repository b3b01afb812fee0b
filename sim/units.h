// Amounts with a unit: bytes, bytes per second, a rate of things per second, a ratio.
//
// All are integers. A rate or a ratio meets a time in one place, in 128-bit arithmetic, with one
// stated rounding; nothing here converts silently into a bare number or into another unit.
#ifndef FRESHET_SIM_UNITS_H_
#define FRESHET_SIM_UNITS_H_

#include <compare>
#include <cstdint>

#include "sim/check.h"
#include "sim/time.h"

namespace freshet {

class Bytes {
 public:
  constexpr Bytes() = default;
  constexpr explicit Bytes(int64_t count) : count_(count) {}
  constexpr int64_t count() const { return count_; }

  friend constexpr auto operator<=>(Bytes, Bytes) = default;
  friend Bytes operator+(Bytes a, Bytes b) {
    return Bytes(time_internal::CheckedAdd(a.count_, b.count_));
  }
  friend Bytes operator-(Bytes a, Bytes b) {
    return Bytes(time_internal::CheckedSubtract(a.count_, b.count_));
  }
  friend Bytes operator*(Bytes a, int64_t n) {
    return Bytes(time_internal::CheckedMultiply(a.count_, n));
  }
  Bytes& operator+=(Bytes other) { return *this = *this + other; }
  Bytes& operator-=(Bytes other) { return *this = *this - other; }

 private:
  int64_t count_ = 0;
};

constexpr Bytes KiB(int64_t n) { return Bytes(n << 10); }
constexpr Bytes MiB(int64_t n) { return Bytes(n << 20); }
constexpr Bytes GiB(int64_t n) { return Bytes(n << 30); }

// Bytes per second. Zero is a legal rate: a cut link.
class BytesPerSecond {
 public:
  constexpr BytesPerSecond() = default;
  constexpr explicit BytesPerSecond(int64_t count) : count_(count) {}
  constexpr int64_t count() const { return count_; }
  friend constexpr auto operator<=>(BytesPerSecond, BytesPerSecond) = default;

  // The time `amount` takes at this rate, rounded up to a nanosecond. REQUIRES: rate > 0.
  Duration TimeFor(Bytes amount) const;
  // Bytes that pass in `span`, rounded down.
  Bytes InTime(Duration span) const;

 private:
  int64_t count_ = 0;
};

constexpr BytesPerSecond MiBPerSecond(int64_t n) { return BytesPerSecond(n << 20); }

// Things (records, requests, tokens) per second, in millionths, so that 0.1/s is exact.
class Rate {
 public:
  constexpr Rate() = default;
  static constexpr Rate PerSecond(int64_t n) { return Rate(n * 1'000'000); }
  static constexpr Rate FromMicroHertz(int64_t n) { return Rate(n); }
  constexpr int64_t micro_hertz() const { return micro_hertz_; }
  constexpr double ToPerSecond() const { return static_cast<double>(micro_hertz_) * 1e-6; }
  friend constexpr auto operator<=>(Rate, Rate) = default;

  // Mean gap between two of them, rounded to the nearest nanosecond. REQUIRES: rate > 0.
  Duration Interval() const;
  // How many come in `span`, rounded down.
  int64_t InTime(Duration span) const;

 private:
  constexpr explicit Rate(int64_t micro_hertz) : micro_hertz_(micro_hertz) {}
  int64_t micro_hertz_ = 0;
};

// A dimensionless factor in billionths: exact for every decimal with nine places.
class Ratio {
 public:
  constexpr Ratio() = default;
  static constexpr Ratio One() { return Ratio(1'000'000'000); }
  static constexpr Ratio FromBillionths(int64_t n) { return Ratio(n); }
  static constexpr Ratio Percent(int64_t n) { return Ratio(n * 10'000'000); }
  static constexpr Ratio Whole(int64_t n) { return Ratio(n * 1'000'000'000); }
  constexpr int64_t billionths() const { return billionths_; }
  constexpr double ToDouble() const { return static_cast<double>(billionths_) * 1e-9; }
  friend constexpr auto operator<=>(Ratio, Ratio) = default;

  // Products round half away from zero.
  friend Duration operator*(Ratio r, Duration d);
  friend Bytes operator*(Ratio r, Bytes b);
  friend BytesPerSecond operator*(Ratio r, BytesPerSecond rate);
  friend Rate operator*(Ratio r, Rate rate);

 private:
  constexpr explicit Ratio(int64_t billionths) : billionths_(billionths) {}
  int64_t billionths_ = 0;
};

// a * b / c in 128 bits, rounded down (c > 0) or up. Overflow of the quotient breaks inv.D1.
int64_t MulDivFloorWide(int64_t a, int64_t b, int64_t c);
int64_t MulDivCeilWide(int64_t a, int64_t b, int64_t c);
// Without 128 bits where they are not needed, and with a constant power of two for c by a shift.
inline int64_t MulDivFloor(int64_t a, int64_t b, int64_t c) {
  SIM_REQUIRE(c > 0);
  int64_t narrow;
  if (!__builtin_mul_overflow(a, b, &narrow) && narrow >= 0) return narrow / c;
  return MulDivFloorWide(a, b, c);
}
inline int64_t MulDivCeil(int64_t a, int64_t b, int64_t c) {
  SIM_REQUIRE(c > 0);
  int64_t narrow;
  if (!__builtin_mul_overflow(a, b, &narrow) && narrow >= 0) {
    return narrow / c + (narrow % c > 0 ? 1 : 0);
  }
  return MulDivCeilWide(a, b, c);
}

}  // namespace freshet

#endif  // FRESHET_SIM_UNITS_H_
