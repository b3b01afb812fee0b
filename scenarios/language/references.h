// Checks between elements: names that occur twice, and names that nobody has.
#ifndef FRESHET_SCENARIOS_LANGUAGE_REFERENCES_H_
#define FRESHET_SCENARIOS_LANGUAGE_REFERENCES_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "scenarios/language/places.h"
#include "scenarios/language/problem.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// Names that occur twice within one list of one block: topics, components, variants, faults, zones.
// For the scenario as it was written, variants included.
void CheckDuplicates(const v1::Scenario& scenario, const Places& places, Findings* findings);

// Fields that refer to a topic, a zone, a component or a metric, and the handles behind a fault's
// target. For an expanded scenario. `metrics` empty: nobody knows the metrics, they are not
// checked.
void CheckReferences(const v1::Scenario& scenario, const Places& places,
                     const std::vector<std::string>& metrics, Findings* findings);

// Random streams are keyed by the FNV-1a-64 of a component's name: two names with one hash would
// draw the same numbers.
uint64_t Fnv1a64(absl::string_view text);
using NameHash = uint64_t (*)(absl::string_view);

// The first two different names with one hash; empty texts when there are none.
std::pair<std::string, std::string> FirstCollision(const std::vector<std::string>& names,
                                                   NameHash hash = &Fnv1a64);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_REFERENCES_H_
