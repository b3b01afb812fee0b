// Kafka Connect, as the schema states it.
#ifndef FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_CONNECT_H_
#define FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_CONNECT_H_

#include <string>
#include <vector>

#include "models/control/operations.h"
#include "scenarios/language/assemble.h"
#include "scenarios/language/scenario.pb.h"
#include "sim/simulation.h"

namespace freshet {

// REQUIRES: the text is checked and has its defaults; sinks and brokers are built. `zones`: one
// entry a worker, those that are added later included.
void BuildConnect(const v1::Scenario& scenario, const std::string& name, const v1::Connect& text,
                  const std::vector<ZoneId>& zones, Simulation& sim, Pipeline* pipeline);

// Of a component with that name. REQUIRES: it is built.
ConnectCluster* ConnectOf(const Pipeline& pipeline, const std::string& name);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_CONNECT_H_
