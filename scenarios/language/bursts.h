// Whether what is stated about bursts and their credits fits together, in rows and in components.
#ifndef FRESHET_SCENARIOS_LANGUAGE_BURSTS_H_
#define FRESHET_SCENARIOS_LANGUAGE_BURSTS_H_

#include "scenarios/language/places.h"
#include "scenarios/language/problem.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// Fields that do not parse are passed over: CheckFields() has told about them.
void CheckBurstsOfRows(const v1::Scenario& scenario, const Places& places, Findings* findings);

// REQUIRES: the catalogue is applied.
void CheckBurstsOfComponents(const v1::Scenario& scenario, const Places& places,
                             Findings* findings);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_BURSTS_H_
