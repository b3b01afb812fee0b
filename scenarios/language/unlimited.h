// What stands for a capacity that is not stated.
#ifndef FRESHET_SCENARIOS_LANGUAGE_UNLIMITED_H_
#define FRESHET_SCENARIOS_LANGUAGE_UNLIMITED_H_

#include <cstdint>

#include "sim/units.h"

namespace freshet {

// A link that never limits: far beyond any card, and far from overflow.
inline constexpr BytesPerSecond kUnlimited(int64_t{1} << 50);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_UNLIMITED_H_
