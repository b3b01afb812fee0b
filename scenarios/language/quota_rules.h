// What quotas of clients ask for that cannot be, or cannot be meant.
#ifndef FRESHET_SCENARIOS_LANGUAGE_QUOTA_RULES_H_
#define FRESHET_SCENARIOS_LANGUAGE_QUOTA_RULES_H_

#include <vector>

#include "scenarios/language/places.h"
#include "scenarios/language/problem.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// Of all brokers of the scenario, and of the operations that alter them.
void CheckQuotas(const v1::Scenario& scenario, const Places& places,
                 const std::vector<Place>& blanked, Findings* findings);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_QUOTA_RULES_H_
