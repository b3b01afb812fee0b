// Consumer groups as the scenario states them: the topic of their offsets, and what a group that
// subscribes is told.
#ifndef FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_GROUPS_H_
#define FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_GROUPS_H_

#include <optional>
#include <string>

#include "models/broker/broker_cluster.h"
#include "models/client/consumers.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// __consumer_offsets; nothing where nobody subscribes. REQUIRES: the scenario is checked and has
// its defaults, here and below.
std::optional<TopicConfig> OffsetsTopicOf(const v1::Scenario& scenario);

// Nothing for assignment MANUAL.
std::optional<Consumers::Group> GroupOf(const v1::Scenario& scenario, const v1::Consumers& text);
// Of the tasks of a connector.
Consumers::Group TasksGroupOf(const v1::Scenario& scenario, const std::string& id,
                              const v1::Connect& text);
// Of the threads of an application of Kafka Streams' kind.
Consumers::Group StreamsGroupOf(const v1::Scenario& scenario, const std::string& id,
                                const v1::StreamsApp& text);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_GROUPS_H_
