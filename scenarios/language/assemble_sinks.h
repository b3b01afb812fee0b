// Sinks, who writes to them and who looks at them, as the schema states them.
#ifndef FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_SINKS_H_
#define FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_SINKS_H_

#include <string>

#include "scenarios/language/assemble.h"
#include "scenarios/language/scenario.pb.h"
#include "sim/simulation.h"

namespace freshet {

// REQUIRES here and below: the text is checked and has its defaults; network and tables are built.
// A component of another kind is left alone.
void BuildSink(const v1::Scenario& scenario, const v1::Component& component, Simulation& sim,
               Pipeline* pipeline);
// What feeds have promised is counted at their sinks, which are built.
void SetContracts(const v1::Scenario& scenario, Pipeline* pipeline);

// The handler of consumers that write to a sink, which is built; null where they do not.
SinkWriter* BuildSinkWriter(const std::string& name, const v1::Consumers& text, Simulation& sim,
                            Pipeline* pipeline);

// REQUIRES: sinks are built.
void BuildDashboard(const std::string& name, const v1::Dashboard& text, Simulation& sim,
                    Pipeline* pipeline);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_SINKS_H_
