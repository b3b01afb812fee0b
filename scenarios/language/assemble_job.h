// Stream jobs, from scenario text to their configs.
#ifndef FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_JOB_H_
#define FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_JOB_H_

#include <string>
#include <vector>

#include "models/processing/job_config.h"
#include "models/processing/lookup.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// Operators that run in one task are one vertex (chaining). `zones` are those of the task managers;
// `ends` holds by operator the sink that it writes to, or the service that it asks; null where
// there is none. `store` may be null. `most` is the most subtasks that operators which scale will
// have, 0 if none does.
struct OperatorEnds {
  Sink* sink = nullptr;
  LookupService* service = nullptr;
};
JobConfig JobConfigOf(const v1::StreamJob& text, const std::vector<ZoneId>& zones,
                      const std::vector<OperatorEnds>& ends, ObjectStore* store,
                      BytesPerSecond unlimited, int most);

LookupService::Config LookupServiceOf(const v1::StreamLookup& text);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_JOB_H_
