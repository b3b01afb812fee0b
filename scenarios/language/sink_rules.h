// Rules for sinks, for those that write to them and for those that look at them.
#ifndef FRESHET_SCENARIOS_LANGUAGE_SINK_RULES_H_
#define FRESHET_SCENARIOS_LANGUAGE_SINK_RULES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "scenarios/language/places.h"
#include "scenarios/language/problem.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

bool IsSink(const v1::Component& component);
// Whether it takes writes in transactions.
bool IsTransactional(const v1::Component& component);
// The names of the components that write to the sink; of a job, once for each step that does.
std::vector<std::string> WritersOf(const v1::Scenario& scenario, absl::string_view sink);
// The sink that writes the lakehouse table; null if none does.
const v1::Component* SinkOfTable(const v1::Scenario& scenario, absl::string_view table);

// REQUIRES: defaults are filled in.
void CheckSinks(const v1::Scenario& scenario, const Places& places, Findings* findings);

// Events that sinks cost beside those of their writers' polls, at the least.
int64_t PredictedSinkEvents(const v1::Scenario& scenario);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_SINK_RULES_H_
