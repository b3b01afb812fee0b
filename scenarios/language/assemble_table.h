// Lakehouse tables, and the topics that go into them, as the schema states them.
#ifndef FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_TABLE_H_
#define FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_TABLE_H_

#include <map>
#include <string>

#include "models/broker/s3stream_cluster.h"
#include "models/sink/iceberg_table.h"
#include "scenarios/language/assemble.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// REQUIRES here and below: the text is checked and has its defaults.
IcebergTable::Config TableConfigOf(const v1::LakehouseTable& text, bool is_overwritten);
// Whether a sink overwrites its partitions.
bool IsOverwritten(const v1::Scenario& scenario, const std::string& table);

// Who keeps it and who plans scans of it, where the text has them. REQUIRES: the table is
// built.
void AddUpkeep(const std::string& name, const v1::LakehouseTable& text, Simulation& sim,
               Network* network, Pipeline::Table* built);

// What a cluster needs for the scenario's table topics: their tables, and the topics over which it
// talks about them. Nothing if there is none. REQUIRES: config->topics are those of the scenario.
void AddTableTopics(const v1::Scenario& scenario, const v1::S3Stream& brokers,
                    const std::map<std::string, Pipeline::Table>& tables,
                    S3StreamCluster::Config* config);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_TABLE_H_
