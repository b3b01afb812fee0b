// Rules about stream jobs that write to topics of the cluster.
#ifndef FRESHET_SCENARIOS_LANGUAGE_JOB_TOPIC_RULES_H_
#define FRESHET_SCENARIOS_LANGUAGE_JOB_TOPIC_RULES_H_

#include <string>

#include "scenarios/language/places.h"
#include "scenarios/language/problem.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// The owner of what is measured of it: "revenue.out".
std::string TopicSinkName(const std::string& job, const v1::StreamOperator& step);

// What exactly once needs of the job, of its brokers and of the topic; a record that can be made.
// REQUIRES: the step has a topic; defaults are filled in.
void CheckJobTopic(const v1::Scenario& scenario, const v1::StreamJob& job,
                   const v1::StreamOperator& step, const Places& places, Findings* findings);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_JOB_TOPIC_RULES_H_
