// Iceberg's procedure remove_orphan_files, run on a schedule: what is left of writers, committers
// and expiries that died, and metadata files that the table has forgotten.
//
// It loads the table and reads what it refers to: the metadata file, the lists of all snapshots and
// the manifests, side by side. Then it lists the table's folders, a page of keys after the other,
// each a request that is billed as PUT; and deletes, a request each, what nothing refers to and is
// older than a limit, so that files of writes under way are left alone.
//
// Approximated: metadata is as old as it is without use; what a writer still holds is spared,
// however old it is, where Iceberg would delete it and break the table.
#ifndef FRESHET_MODELS_SINK_ORPHAN_FILE_REMOVER_H_
#define FRESHET_MODELS_SINK_ORPHAN_FILE_REMOVER_H_

#include "absl/strings/string_view.h"
#include "models/sink/table_procedure.h"

namespace freshet {

class OrphanFileRemover : public TableProcedure<"orphan_remover.begin"> {
 public:
  // No defaults here: assembly fills every field from the schema, where each has its source.
  struct Config {
    Duration every;  // From one beginning to the next; one that is late is followed at once.
    Duration older_than;
    ObjectClient::Config object_client;
  };

  static constexpr MetricDef kRuns = {"orphan_remover.runs", MetricKind::kCounter,
                                      MetricUnit::kCount, "Runs that ended."};
  static constexpr MetricDef kFailedRuns = {"orphan_remover.failed_runs", MetricKind::kCounter,
                                            MetricUnit::kCount,
                                            "Runs that could not read or list all, and deleted "
                                            "nothing."};
  static constexpr MetricDef kPages = {"orphan_remover.pages", MetricKind::kCounter,
                                       MetricUnit::kCount, "Pages of keys listed, 1000 each."};
  static constexpr MetricDef kDataFiles = {"orphan_remover.data_files", MetricKind::kCounter,
                                           MetricUnit::kCount, "Data files deleted."};
  static constexpr MetricDef kMetadataFiles = {"orphan_remover.metadata_files",
                                               MetricKind::kCounter, MetricUnit::kCount,
                                               "Files of metadata deleted."};
  static constexpr MetricDef kTime = {"orphan_remover.run_time", MetricKind::kDistribution,
                                      MetricUnit::kDuration,
                                      "From a run's beginning until the last file is deleted."};

  // REQUIRES: `table` and `network` outlive it; the table knows its strays.
  OrphanFileRemover(Simulation& sim, absl::string_view name, IcebergTable* table, Network* network,
                    HostId host, const Config& config);

 private:
  void Begin() override;
  void Read();
  void List();
  void Delete();
  void Deleted();

  const Config config_;
  int64_t pages_left_ = 0;
  Counter& pages_;
  Counter& data_files_;
  Counter& metadata_files_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_SINK_ORPHAN_FILE_REMOVER_H_
