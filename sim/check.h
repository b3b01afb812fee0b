// Failed promises of ours: SIM_CHECK stops the run, and the text says how to return to the moment.
//
// A check names the invariant it guards (docs/determinism.md lists them: "inv.I1" and so on;
// "contract" for a REQUIRES clause). It is always compiled in. The failure is an exception and not
// abort(), so that Simulation::Run() can add the time, the event and the component, and main() can
// print the command that replays the run; nothing else in the tree throws or catches.
#ifndef FRESHET_SIM_CHECK_H_
#define FRESHET_SIM_CHECK_H_

#include <cstdint>
#include <stdexcept>
#include <string>

namespace freshet {

class InvariantBroken : public std::runtime_error {
 public:
  // `invariant` is the ID ("inv.I4"); `what` tells the values that disagree.
  InvariantBroken(std::string invariant, const std::string& what)
      : std::runtime_error(what), invariant_(std::move(invariant)) {}

  const std::string& invariant() const { return invariant_; }

  // Where the run was; filled by Simulation::Run() as the exception passes.
  std::string where;
  uint64_t event = 0;

 private:
  std::string invariant_;
};

// Throws InvariantBroken. Out of line and cold, so that a check costs one predicted branch.
[[noreturn, gnu::cold]] void BreakInvariant(const char* invariant, const char* condition,
                                            const char* file, int line, const std::string& detail);

}  // namespace freshet

// SIM_CHECK(condition, "inv.I5", "text that tells the values"): the text is built only on failure.
#define SIM_CHECK(condition, invariant, detail)                                                \
  do {                                                                                         \
    if (__builtin_expect(!(condition), 0)) {                                                   \
      ::freshet::BreakInvariant((invariant), #condition, FRESHET_FILE_NAME, __LINE__, detail); \
    }                                                                                          \
  } while (false)

// REQUIRES clauses of public functions.
#define SIM_REQUIRE(condition) SIM_CHECK(condition, "contract", "")

// The base name only: a path of the build machine must not reach output.
#define FRESHET_FILE_NAME \
  (__builtin_strrchr(__FILE__, '/') ? __builtin_strrchr(__FILE__, '/') + 1 : __FILE__)

#endif  // FRESHET_SIM_CHECK_H_
