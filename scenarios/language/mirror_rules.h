// What must hold of a second cluster, of the mirror that leads to it, and of the clients that move.
#ifndef FRESHET_SCENARIOS_LANGUAGE_MIRROR_RULES_H_
#define FRESHET_SCENARIOS_LANGUAGE_MIRROR_RULES_H_

#include <string>
#include <vector>

#include "scenarios/language/places.h"
#include "scenarios/language/problem.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// The clusters of brokers, in the order of the text. The first one is the scenario's: jobs,
// connectors and operations are there.
std::vector<const v1::Component*> ClustersOf(const v1::Scenario& scenario);
// The name of the cluster that has the topic, the first one unless it says otherwise; "" where
// there is none.
std::string ClusterOf(const v1::Scenario& scenario, const std::string& topic);

// What is measured of a client after its cutover has this name.
std::string ImageName(const std::string& client, const std::string& cluster);
// The cutover of a mirror, null if it has none.
const v1::Operation::Cutover* CutoverOf(const v1::Scenario& scenario, const std::string& mirror);
// The images of clients that cutovers move.
std::vector<std::string> ImagesOf(const v1::Scenario& scenario);

// REQUIRES: defaults are filled in.
void CheckMirrors(const v1::Scenario& scenario, const Places& places, Findings* findings);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_MIRROR_RULES_H_
