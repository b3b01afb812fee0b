#include "sim/check.h"

#include <string>

namespace freshet {

void BreakInvariant(const char* invariant, const char* condition, const char* file, int line,
                    const std::string& detail) {
  std::string text =
      std::string(condition) + " does not hold at " + file + ":" + std::to_string(line);
  if (!detail.empty()) text += ": " + detail;
  throw InvariantBroken(invariant, text);
}

}  // namespace freshet
