#include "sim/time.h"

#include <cmath>

namespace freshet {

Duration Duration::FromDouble(double nanos) {
  // 2^63 itself is not representable as int64; NaN fails both comparisons.
  SIM_CHECK(nanos > -9223372036854775808.0 && nanos < 9223372036854775808.0, "inv.D3",
            "a duration is not finite or out of range");
  const double magnitude = std::floor(std::fabs(nanos) + 0.5);
  const double limited = magnitude >= 9223372036854775808.0 ? 9223372036854774784.0 : magnitude;
  const auto whole = static_cast<int64_t>(limited);
  return Duration(nanos < 0 ? -whole : whole);
}

}  // namespace freshet
