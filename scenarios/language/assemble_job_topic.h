// A topic that a stream job writes, as the schema states it.
#ifndef FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_JOB_TOPIC_H_
#define FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_JOB_TOPIC_H_

#include <string>

#include "models/sink/topic_sink.h"
#include "scenarios/language/assemble.h"
#include "scenarios/language/scenario.pb.h"
#include "sim/simulation.h"

namespace freshet {

// REQUIRES: the step has a topic; the text is checked and has its defaults; brokers and
// coordinators are built.
TopicSink* BuildTopicSink(const std::string& job, const v1::StreamOperator& step, Simulation& sim,
                          Pipeline* pipeline);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_JOB_TOPIC_H_
