// Rules for Kafka Connect and for the operations on it.
#ifndef FRESHET_SCENARIOS_LANGUAGE_CONNECT_RULES_H_
#define FRESHET_SCENARIOS_LANGUAGE_CONNECT_RULES_H_

#include <cstdint>
#include <string>

#include "scenarios/language/places.h"
#include "scenarios/language/problem.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// How many workers operations add to the component over the run.
int64_t AddedWorkers(const v1::Scenario& scenario, const std::string& connect);

// The number of "pipes/worker-3", also with something behind it; 0 if it is no such handle.
uint32_t WorkerNumberOf(const std::string& handle);

// REQUIRES: defaults are filled in.
void CheckConnects(const v1::Scenario& scenario, const Places& places, Findings* findings);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_CONNECT_RULES_H_
