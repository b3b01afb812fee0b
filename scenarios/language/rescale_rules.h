// Rules about operations that change the parallelism of stream jobs.
#ifndef FRESHET_SCENARIOS_LANGUAGE_RESCALE_RULES_H_
#define FRESHET_SCENARIOS_LANGUAGE_RESCALE_RULES_H_

#include <string>
#include <vector>

#include "scenarios/language/places.h"
#include "scenarios/language/problem.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// A job that is rescaled has aligned checkpoints, slots enough, and an operator that scales.
// REQUIRES: defaults are filled in.
void CheckRescales(const v1::Scenario& scenario, const Places& places, Findings* findings);

// The most subtasks that an operation will give to the operators of this job that scale; 0 if none
// does.
int MostParallelism(const v1::Scenario& scenario, const std::string& job);

// By operator, whether it scales: it states no parallelism, and its task does not read a topic.
std::vector<bool> ScalingSteps(const v1::StreamJob& job);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_RESCALE_RULES_H_
