// From a checked scenario to the objects that live in a run. The one place that knows both the
// schema and the models; a component is one case here.
#ifndef FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_H_
#define FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "models/broker/broker_cluster.h"
#include "models/client/consumers.h"
#include "models/client/producers.h"
#include "models/connect/connect_cluster.h"
#include "models/connect/mirror.h"
#include "models/connect/mirror_cutover.h"
#include "models/control/operations.h"
#include "models/fault/fault.h"
#include "models/group/transaction_coordinator.h"
#include "models/network/network.h"
#include "models/processing/batch_lane.h"
#include "models/processing/lookup.h"
#include "models/processing/spark_query.h"
#include "models/processing/stream_job.h"
#include "models/processing/streams_app.h"
#include "models/schema/schema_registry.h"
#include "models/sink/dashboard.h"
#include "models/sink/data_file_rewriter.h"
#include "models/sink/iceberg_table.h"
#include "models/sink/manifest_rewriter.h"
#include "models/sink/metered_sink.h"
#include "models/sink/orphan_file_remover.h"
#include "models/sink/sink_writer.h"
#include "models/sink/snapshot_expirer.h"
#include "models/sink/table_planner.h"
#include "models/sink/topic_sink.h"
#include "models/storage/object_store.h"
#include "scenarios/language/assemble_readers.h"
#include "scenarios/language/scenario.pb.h"
#include "sim/simulation.h"

namespace freshet {

// The parts of one run, in the order of construction.
struct Pipeline {
  std::unique_ptr<Network> network;
  std::unique_ptr<ObjectStore> object_store;  // None where no design needs it.
  // Buckets of one zone each, in the order of the zones; none where no design needs them.
  std::vector<std::unique_ptr<ObjectStore>> zonal_buckets;
  // By name: a lakehouse table, and its bucket.
  struct Table {
    std::unique_ptr<ObjectStore> warehouse;
    std::unique_ptr<IcebergTable> table;
    std::unique_ptr<DataFileRewriter> rewriter;
    std::unique_ptr<TablePlanner> planner;
    std::unique_ptr<SnapshotExpirer> expirer;
    std::unique_ptr<ManifestRewriter> manifest_rewriter;
    std::unique_ptr<OrphanFileRemover> orphan_remover;
  };
  std::map<std::string, Table> tables;
  std::map<std::string, std::unique_ptr<SchemaRegistry>> registries;  // By name.
  std::vector<std::unique_ptr<ObjectStore>> archives;                 // Buckets of sinks.
  std::map<std::string, std::unique_ptr<MeteredSink>> sinks;
  std::vector<std::unique_ptr<Dashboard>> dashboards;
  std::unique_ptr<BrokerCluster> log;                                // The first of the text.
  std::map<std::string, std::unique_ptr<BrokerCluster>> other_logs;  // By name.
  std::unique_ptr<TransactionCoordinator> transactions;  // None where no producer has any.
  std::vector<std::unique_ptr<Producers>> producers;
  std::vector<std::unique_ptr<SinkWriter>> sink_writers;
  std::vector<std::unique_ptr<Consumers>> consumers;
  std::vector<std::unique_ptr<ConnectCluster>> connects;
  std::vector<std::unique_ptr<Mirror>> mirrors;
  std::map<std::string, std::unique_ptr<MirrorCutover>> cutovers;  // By mirror.
  std::map<std::string, Reader> readers;  // By component: those with a policy of their own.
  std::vector<std::unique_ptr<ReaderRepair>> repairs;
  std::vector<std::unique_ptr<Sink>> job_sinks;
  std::vector<std::unique_ptr<LookupService>> lookups;  // That jobs ask.
  std::vector<std::unique_ptr<TopicSink>> topic_sinks;
  std::vector<std::unique_ptr<StreamJob>> jobs;
  std::vector<std::unique_ptr<BatchLane>> batch_lanes;
  std::vector<std::unique_ptr<StreamsApp>> streams_apps;
  std::vector<std::unique_ptr<SparkQuery>> spark_queries;
  // By handle: "log/broker-1/disk". Ordered, for suggestions.
  std::map<std::string, std::unique_ptr<FaultTarget>> targets;
  std::unique_ptr<FaultInjector> faults;
  std::unique_ptr<Operations> operations;  // None where the scenario has none.
};

// Builds the pipeline on `sim`, schedules its faults and starts its clients. `root` is where paths
// of replayed arrivals are looked up.
//
// kInvalidArgument is the author's error (a fault on a handle that does not exist, a verb it does
// not understand, a bad row of a replayed file), other codes the world's. REQUIRES: `scenario` is
// expanded, checked, and has its defaults.
absl::StatusOr<std::unique_ptr<Pipeline>> Assemble(const v1::Scenario& scenario,
                                                   const std::string& root, Simulation& sim);

// Every metric that a pipeline can have, for the validator and for `freshet explain`.
const std::vector<const MetricDef*>& KnownMetrics();

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_H_
