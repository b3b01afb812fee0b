#include "sim/units.h"

#include <limits>

namespace freshet {
namespace {

using Wide = __int128;

int64_t Narrow(Wide value) {
  SIM_CHECK(
      value >= std::numeric_limits<int64_t>::min() && value <= std::numeric_limits<int64_t>::max(),
      "inv.D1", "a product overflows int64");
  return static_cast<int64_t>(value);
}

constexpr int64_t kNanosPerSecond = 1'000'000'000;

// The 64-bit division where it suffices, which is nearly always: the wide one is a call.
int64_t TimesBillionths(int64_t billionths, int64_t value) {
  int64_t narrow;
  if (!__builtin_mul_overflow(billionths, value, &narrow) &&
      !__builtin_add_overflow(narrow, narrow < 0 ? -500'000'000 : 500'000'000, &narrow)) {
    return narrow / kNanosPerSecond;
  }
  const Wide product = Wide{billionths} * value;
  const Wide half = product < 0 ? -500'000'000 : 500'000'000;
  return Narrow((product + half) / kNanosPerSecond);
}

}  // namespace

int64_t MulDivFloorWide(int64_t a, int64_t b, int64_t c) {
  const Wide product = Wide{a} * b;
  Wide quotient = product / c;
  if (product % c < 0) --quotient;
  return Narrow(quotient);
}

int64_t MulDivCeilWide(int64_t a, int64_t b, int64_t c) {
  const Wide product = Wide{a} * b;
  Wide quotient = product / c;
  if (product % c > 0) ++quotient;
  return Narrow(quotient);
}

Duration BytesPerSecond::TimeFor(Bytes amount) const {
  return Nanoseconds(MulDivCeil(amount.count(), kNanosPerSecond, count_));
}

Bytes BytesPerSecond::InTime(Duration span) const {
  return Bytes(MulDivFloor(count_, span.nanos(), kNanosPerSecond));
}

Duration Rate::Interval() const {
  SIM_REQUIRE(micro_hertz_ > 0);
  constexpr int64_t kMillionSeconds = 1'000'000'000'000'000;
  return Nanoseconds((kMillionSeconds + micro_hertz_ / 2) / micro_hertz_);
}

int64_t Rate::InTime(Duration span) const {
  return Narrow(Wide{micro_hertz_} * span.nanos() / (Wide{kNanosPerSecond} * 1'000'000));
}

Duration operator*(Ratio r, Duration d) {
  return Nanoseconds(TimesBillionths(r.billionths_, d.nanos()));
}
Bytes operator*(Ratio r, Bytes b) { return Bytes(TimesBillionths(r.billionths_, b.count())); }
BytesPerSecond operator*(Ratio r, BytesPerSecond rate) {
  return BytesPerSecond(TimesBillionths(r.billionths_, rate.count()));
}
Rate operator*(Ratio r, Rate rate) {
  return Rate::FromMicroHertz(TimesBillionths(r.billionths_, rate.micro_hertz()));
}

}  // namespace freshet
