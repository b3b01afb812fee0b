// A mirror, and the clients that it lets move, as the schema states them.
#ifndef FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_MIRROR_H_
#define FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_MIRROR_H_

#include <string>
#include <vector>

#include "models/network/network.h"
#include "scenarios/language/assemble.h"
#include "scenarios/language/scenario.pb.h"
#include "sim/simulation.h"

namespace freshet {

// Regions and the link between them.
void SetRegions(const v1::Scenario& scenario, Network::Config* config);

// The cluster that has the topic. REQUIRES: it is built.
BrokerCluster* LogOf(const v1::Scenario& scenario, const Pipeline& pipeline,
                     const std::string& topic);

// REQUIRES: clusters, clients and the images of those that move are built.
void BuildMirror(const v1::Scenario& scenario, const std::string& name, const v1::Mirror& text,
                 const std::vector<ZoneId>& zones, Simulation& sim, Pipeline* pipeline);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_MIRROR_H_
