// OpenMessaging Benchmark: a workload file and a driver file for Kafka become a scenario.
//
// Every setting of both files is accounted for in the notes: taken, or named with the reason why
// not. Keys of Kafka find their field through the schema. docs/import.md has the table.
//
// The benchmark's files do not describe the brokers. A brokers file is a piece of a scenario with
// one component of kind kafka, and what else belongs to the cluster (zones, network); its text is
// copied, so that the result stands alone. Without one the result has a marked block to fill in.
#ifndef FRESHET_SCENARIOS_IMPORT_OMB_H_
#define FRESHET_SCENARIOS_IMPORT_OMB_H_

#include <string>

#include "absl/status/statusor.h"
#include "scenarios/import/import_result.h"

namespace freshet {

struct ImportOmbOptions {
  // Of brokers and clients. It decides about what the driver leaves to Kafka's defaults.
  std::string kafka_version = "4.0";
};

// A status is the world's error (a file is missing); the author's are problems of the result. An
// empty `brokers_path` stands for no brokers file.
absl::StatusOr<ImportResult> ImportOmb(const std::string& workload_path,
                                       const std::string& driver_path,
                                       const std::string& brokers_path = "",
                                       const ImportOmbOptions& options = {});

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_IMPORT_OMB_H_
