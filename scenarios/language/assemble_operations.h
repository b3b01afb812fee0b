// From the scenario's operations to the plans of the run.
#ifndef FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_OPERATIONS_H_
#define FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_OPERATIONS_H_

#include "scenarios/language/assemble.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// The controllers of a cluster, in `zones`, and its sessions with them.
void SetControllers(const v1::Controllers& text, const std::vector<ZoneId>& zones,
                    BrokerCluster::Config* config);

// Schedules them, where there are any. REQUIRES: the pipeline's brokers and consumers are built.
void BuildOperations(const v1::Scenario& scenario, Simulation& sim, Pipeline* pipeline);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_OPERATIONS_H_
