#include "sim/time.h"

#include "sim/math.h"

namespace freshet {

Duration Duration::FromDouble(double nanos) {
  // 2^63 itself is not representable as int64; NaN fails both comparisons.
  SIM_CHECK(nanos > -9223372036854775808.0 && nanos < 9223372036854775808.0, "inv.D3",
            "a duration is not finite or out of range");
  return Duration(RoundToInt64(nanos));
}

}  // namespace freshet
