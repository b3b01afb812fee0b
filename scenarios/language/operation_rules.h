// What operations ask for that cannot be, or cannot be meant.
#ifndef FRESHET_SCENARIOS_LANGUAGE_OPERATION_RULES_H_
#define FRESHET_SCENARIOS_LANGUAGE_OPERATION_RULES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "scenarios/language/places.h"
#include "scenarios/language/problem.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// Brokers that operations add, over the whole scenario.
int64_t AddedBrokers(const v1::Scenario& scenario);

// The number of the broker in "log/broker-3", from 1; 0 when it is no such handle.
uint32_t BrokerNumberOf(const std::string& handle);

// Whether an operation starts that group of consumers.
bool IsStartedByOperation(const v1::Scenario& scenario, const std::string& consumers);

void CheckOperations(const v1::Scenario& scenario, const Places& places,
                     const std::vector<Place>& blanked, Findings* findings);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_OPERATION_RULES_H_
