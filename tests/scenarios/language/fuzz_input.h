// What the fuzzers and the replay of their corpus do with one input.
#ifndef FRESHET_TESTS_SCENARIOS_LANGUAGE_FUZZ_INPUT_H_
#define FRESHET_TESTS_SCENARIOS_LANGUAGE_FUZZ_INPUT_H_

#include "absl/strings/string_view.h"
#include "scenarios/language/defaults.h"
#include "scenarios/language/load.h"
#include "sim/check.h"

namespace freshet {

// Loads the text. It must not crash, each problem must have a place and a remedy, and a scenario
// that is accepted must have a canonical text that is accepted too and is its own canonical text.
inline void LoadOneInput(absl::string_view text) {
  const LoadResult result = LoadText(text, "input");
  for (const Problem& problem : result.problems) {
    SIM_CHECK(problem.line > 0 && problem.column > 0 && problem.file == "input", "contract",
              "a problem without a place: " + problem.text);
    SIM_CHECK(problem.text.find("; ") != std::string::npos, "contract",
              "a problem without a remedy: " + problem.text);
  }
  if (!result.ok()) return;
  for (const ExpandedVariant& variant : result.variants) {
    const std::string canonical = CanonicalText(variant.scenario);
    const LoadResult again = LoadText(canonical, "input");
    SIM_CHECK(again.ok() && again.variants.size() == 1, "contract",
              "a canonical text is refused:\n" + Report(again.problems) + canonical);
    SIM_CHECK(CanonicalText(again.variants[0].scenario) == canonical, "contract",
              "a canonical text changes when it is loaded:\n" + canonical);
  }
}

}  // namespace freshet

#endif  // FRESHET_TESTS_SCENARIOS_LANGUAGE_FUZZ_INPUT_H_
