// Rules about lakehouse tables and the topics that go into them.
#ifndef FRESHET_SCENARIOS_LANGUAGE_TABLE_RULES_H_
#define FRESHET_SCENARIOS_LANGUAGE_TABLE_RULES_H_

#include <cstdint>

#include "scenarios/language/places.h"
#include "scenarios/language/problem.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// A topic that is to go into a table needs brokers that do it, a table of its own, and time; a
// table needs somebody who writes it. REQUIRES: defaults are filled in.
void CheckTables(const v1::Scenario& scenario, const Places& places, Findings* findings);

// Events that table topics cost beside those of their records, at the least.
int64_t PredictedTableEvents(const v1::Scenario& scenario);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_TABLE_RULES_H_
