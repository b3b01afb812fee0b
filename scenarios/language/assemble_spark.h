// Queries of Spark Structured Streaming's kind, from scenario text into the pipeline.
#ifndef FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_SPARK_H_
#define FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_SPARK_H_

#include <string>
#include <vector>

#include "scenarios/language/assemble.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// `zones` are those of its executors; the driver is in the first. REQUIRES: the pipeline has its
// log, its sinks and its object store.
void BuildSparkQuery(const std::string& name, const v1::SparkQuery& text,
                     const std::vector<ZoneId>& zones, Simulation& sim, Pipeline* pipeline);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_SPARK_H_
