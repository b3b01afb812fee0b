// Applications of Kafka Streams' kind, from scenario text into the pipeline.
#ifndef FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_STREAMS_H_
#define FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_STREAMS_H_

#include <string>
#include <vector>

#include "scenarios/language/assemble.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// The changelog and repartition topics of all of them; `topics` are those of the scenario.
std::vector<TopicConfig> InternalTopicsOf(const v1::Scenario& scenario,
                                          const std::vector<TopicConfig>& topics);
// `zones` are those of its instances. REQUIRES: the cluster has the internal topics.
void BuildStreamsApp(const v1::Scenario& scenario, const std::string& name,
                     const v1::StreamsApp& text, const std::vector<ZoneId>& zones, Simulation& sim,
                     Pipeline* pipeline);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_STREAMS_H_
