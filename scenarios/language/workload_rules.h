// What the text says of records beyond their rate and size and cannot mean: event times, formats,
// schemas, and the registry that has them.
#ifndef FRESHET_SCENARIOS_LANGUAGE_WORKLOAD_RULES_H_
#define FRESHET_SCENARIOS_LANGUAGE_WORKLOAD_RULES_H_

#include <string>

#include "scenarios/language/places.h"
#include "scenarios/language/problem.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// The subject of a fleet's schema: as stated, or its topic's.
std::string SubjectOf(const v1::Producers& producers);

// Of all producers and registries, and of the operations that deploy producers.
void CheckWorkload(const v1::Scenario& scenario, const Places& places, Findings* findings);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_WORKLOAD_RULES_H_
