// The floating point that the same-bytes promise stands on (docs/determinism.md, rule D4): every
// double operation rounds once, to double, in the order written. Include it where doubles are
// computed in sim and models; it costs nothing and refuses a build that would drift.
#ifndef FRESHET_SIM_FLOATING_POINT_H_
#define FRESHET_SIM_FLOATING_POINT_H_

#include <cfloat>
#include <limits>

#ifdef __FAST_MATH__
#error "Freshet must not be built with -ffast-math: results would depend on the build (rule D4)."
#endif

namespace freshet {

static_assert(FLT_EVAL_METHOD == 0, "doubles must be computed as doubles, not in wider registers");
static_assert(std::numeric_limits<double>::is_iec559 && std::numeric_limits<double>::digits == 53,
              "doubles must be IEEE 754 binary64");
// Addition of a tiny value may not be folded away, nor may subnormals.
static_assert(1.0 + 0x1p-53 == 1.0 && 1.0 + 0x1p-52 != 1.0);
static_assert(0x1p-1022 / 2 != 0.0);

}  // namespace freshet

#endif  // FRESHET_SIM_FLOATING_POINT_H_
