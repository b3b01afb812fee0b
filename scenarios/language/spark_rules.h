// Rules about queries of Spark Structured Streaming's kind.
#ifndef FRESHET_SCENARIOS_LANGUAGE_SPARK_RULES_H_
#define FRESHET_SCENARIOS_LANGUAGE_SPARK_RULES_H_

#include <cstdint>

#include "scenarios/language/places.h"
#include "scenarios/language/problem.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// REQUIRES: defaults are filled in.
void CheckSparkQueries(const v1::Scenario& scenario, const Places& places, Findings* findings);

// Events that they cost beside those of their records, at the least.
int64_t PredictedSparkEvents(const v1::Scenario& scenario);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_SPARK_RULES_H_
