// A batch lane, as the schema states it.
#ifndef FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_BATCH_H_
#define FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_BATCH_H_

#include <string>
#include <vector>

#include "scenarios/language/assemble.h"
#include "scenarios/language/scenario.pb.h"
#include "sim/simulation.h"

namespace freshet {

// REQUIRES: the text is checked and has its defaults; sinks and brokers are built. `zones`: one
// entry a task.
void BuildBatchLane(const std::string& name, const v1::BatchLane& text,
                    const std::vector<ZoneId>& zones, Simulation& sim, Pipeline* pipeline);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_BATCH_H_
