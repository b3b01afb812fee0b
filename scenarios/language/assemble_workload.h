// What records are like beyond their rate and size, from checked text: event times, formats,
// schemas and their registry.
#ifndef FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_WORKLOAD_H_
#define FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_WORKLOAD_H_

#include <string>

#include "models/client/producers.h"
#include "models/control/operations.h"
#include "models/schema/schema_registry.h"
#include "scenarios/language/assemble.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// REQUIRES for all: the scenario is checked, and has its defaults.
void SetEventTimes(const v1::Producers& text, Producers::Config* config);
// Whether some producers of the topic say when their records' events happened.
bool HasEventTimes(const v1::Scenario& scenario, const std::string& topic);

SchemaRegistry::Config RegistryOf(const v1::SchemaRegistry& text);
// REQUIRES: the pipeline has its registries.
void SetSchema(const v1::Producers& text, const Pipeline& pipeline, Producers::Config* config);
void SetDeployment(const v1::DeployProducers& text, const Pipeline& pipeline, OperationPlan* plan);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_WORKLOAD_H_
