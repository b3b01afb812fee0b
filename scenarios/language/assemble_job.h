// Stream jobs, from scenario text to their configs.
#ifndef FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_JOB_H_
#define FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_JOB_H_

#include <string>
#include <vector>

#include "models/processing/job_config.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// Operators that run in one task are one vertex (chaining). `zones` are those of the task managers;
// `sinks` holds a sink for each operator that is one, null for the others. `store` may be null.
JobConfig JobConfigOf(const v1::StreamJob& text, const std::vector<ZoneId>& zones,
                      const std::vector<Sink*>& sinks, ObjectStore* store,
                      BytesPerSecond unlimited);

// One of its operators, or of a streams_app's; its sink is not set.
OperatorConfig OperatorOf(const v1::StreamOperator& text);
// How keys are shared out when the first of the receivers has so much of all records; one receiver:
// none.
std::vector<int64_t> HotWeights(Ratio hot_share, int receivers);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_JOB_H_
