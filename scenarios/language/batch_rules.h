// What must hold of a batch lane.
#ifndef FRESHET_SCENARIOS_LANGUAGE_BATCH_RULES_H_
#define FRESHET_SCENARIOS_LANGUAGE_BATCH_RULES_H_

#include "scenarios/language/places.h"
#include "scenarios/language/problem.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// REQUIRES: defaults are filled in.
void CheckBatchLanes(const v1::Scenario& scenario, const Places& places, Findings* findings);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_BATCH_RULES_H_
