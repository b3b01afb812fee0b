// Simulated time: int64 nanoseconds, as two types that cannot be mistaken for one another or for a
// number. A Duration is a span, a Time is a point, counted from the start of the run.
//
// All arithmetic is exact and checked for overflow (int64 reaches 292 years). Doubles enter through
// one gateway, FromDouble(), and leave through ToSeconds() for printing only.
#ifndef FRESHET_SIM_TIME_H_
#define FRESHET_SIM_TIME_H_

#include <compare>
#include <cstdint>
#include <limits>

#include "sim/check.h"

namespace freshet {

namespace time_internal {
inline int64_t CheckedAdd(int64_t a, int64_t b) {
  int64_t sum;
  SIM_CHECK(!__builtin_add_overflow(a, b, &sum), "inv.D1", "time overflows int64 nanoseconds");
  return sum;
}
inline int64_t CheckedSubtract(int64_t a, int64_t b) {
  int64_t difference;
  SIM_CHECK(!__builtin_sub_overflow(a, b, &difference), "inv.D1",
            "time overflows int64 nanoseconds");
  return difference;
}
inline int64_t CheckedMultiply(int64_t a, int64_t b) {
  int64_t product;
  SIM_CHECK(!__builtin_mul_overflow(a, b, &product), "inv.D1", "time overflows int64 nanoseconds");
  return product;
}
}  // namespace time_internal

class Duration {
 public:
  constexpr Duration() = default;
  static constexpr Duration FromNanos(int64_t nanos) { return Duration(nanos); }
  // The one way from floating point to time: finite, in range, half away from zero.
  // REQUIRES: `nanos` is finite and |nanos| < 2^63.
  static Duration FromDouble(double nanos);
  static constexpr Duration Zero() { return Duration(0); }
  static constexpr Duration Max() { return Duration(std::numeric_limits<int64_t>::max()); }

  constexpr int64_t nanos() const { return nanos_; }
  // For printing and for oracles in tests; never for a decision inside the simulation.
  constexpr double ToSeconds() const { return static_cast<double>(nanos_) * 1e-9; }

  friend constexpr auto operator<=>(Duration, Duration) = default;
  friend Duration operator+(Duration a, Duration b) {
    return Duration(time_internal::CheckedAdd(a.nanos_, b.nanos_));
  }
  friend Duration operator-(Duration a, Duration b) {
    return Duration(time_internal::CheckedSubtract(a.nanos_, b.nanos_));
  }
  friend Duration operator-(Duration a) { return Duration::Zero() - a; }
  friend Duration operator*(Duration a, int64_t n) {
    return Duration(time_internal::CheckedMultiply(a.nanos_, n));
  }
  friend Duration operator*(int64_t n, Duration a) { return a * n; }
  // Rounds toward zero. REQUIRES: n != 0.
  friend Duration operator/(Duration a, int64_t n) { return Duration(a.nanos_ / n); }
  friend int64_t operator/(Duration a, Duration b) { return a.nanos_ / b.nanos_; }
  Duration& operator+=(Duration other) { return *this = *this + other; }
  Duration& operator-=(Duration other) { return *this = *this - other; }

 private:
  constexpr explicit Duration(int64_t nanos) : nanos_(nanos) {}
  int64_t nanos_ = 0;
};

constexpr Duration Nanoseconds(int64_t n) { return Duration::FromNanos(n); }
constexpr Duration Microseconds(int64_t n) { return Duration::FromNanos(n * 1'000); }
constexpr Duration Milliseconds(int64_t n) { return Duration::FromNanos(n * 1'000'000); }
constexpr Duration Seconds(int64_t n) { return Duration::FromNanos(n * 1'000'000'000); }
constexpr Duration Minutes(int64_t n) { return Seconds(n * 60); }
constexpr Duration Hours(int64_t n) { return Seconds(n * 3'600); }
constexpr Duration Days(int64_t n) { return Seconds(n * 86'400); }

class Time {
 public:
  constexpr Time() = default;  // The start of the run.
  static constexpr Time FromNanos(int64_t nanos) { return Time(nanos); }
  static constexpr Time Max() { return Time(std::numeric_limits<int64_t>::max()); }

  constexpr int64_t nanos() const { return nanos_; }
  constexpr Duration SinceStart() const { return Duration::FromNanos(nanos_); }

  friend constexpr auto operator<=>(Time, Time) = default;
  friend Time operator+(Time t, Duration d) {
    return Time(time_internal::CheckedAdd(t.nanos_, d.nanos()));
  }
  friend Time operator-(Time t, Duration d) {
    return Time(time_internal::CheckedSubtract(t.nanos_, d.nanos()));
  }
  friend Duration operator-(Time a, Time b) {
    return Duration::FromNanos(time_internal::CheckedSubtract(a.nanos_, b.nanos_));
  }
  Time& operator+=(Duration d) { return *this = *this + d; }

 private:
  constexpr explicit Time(int64_t nanos) : nanos_(nanos) {}
  int64_t nanos_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_SIM_TIME_H_
