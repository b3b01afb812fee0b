// Rules about stream jobs.
#ifndef FRESHET_SCENARIOS_LANGUAGE_JOB_RULES_H_
#define FRESHET_SCENARIOS_LANGUAGE_JOB_RULES_H_

#include <cstdint>

#include "scenarios/language/places.h"
#include "scenarios/language/problem.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// A job's operators take from operators above them and lead to an end; it has slots, time and a
// place for its state; what it is told to guarantee it can. REQUIRES: defaults are filled in.
void CheckJobs(const v1::Scenario& scenario, const Places& places,
               const std::vector<Place>& blanked, Findings* findings);

// The operators, by number, that number `at` of the job takes from. What does not exist is left
// out.
std::vector<int> InputsOf(const v1::StreamJob& job, int at);
int ParallelismOf(const v1::StreamJob& job, const v1::StreamOperator& text);

// Events that jobs cost, at the least, where `batches` micro-batches a second go through topics.
int64_t PredictedJobEvents(const v1::Scenario& scenario);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_JOB_RULES_H_
