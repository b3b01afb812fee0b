// Iceberg's procedure expire_snapshots, run on a schedule.
//
// One commit takes the snapshots that are too old out of the table's metadata: from then on nobody
// can go back to them. Only then it looks for what nothing refers to any more: it reads the
// manifest lists of all snapshots, those that stay and those that went, one after the other, and
// those of their manifests that say which data files were removed, side by side; and deletes files,
// a request each. If it cannot read them it deletes nothing: the files are orphans for ever, or
// until somebody lists the bucket for them (orphan_file_remover.h).
//
// Left out: branches and tags; requests that delete many files at once.
#ifndef FRESHET_MODELS_SINK_SNAPSHOT_EXPIRER_H_
#define FRESHET_MODELS_SINK_SNAPSHOT_EXPIRER_H_

#include <cstddef>

#include "absl/strings/string_view.h"
#include "models/sink/table_procedure.h"

namespace freshet {

class SnapshotExpirer : public TableProcedure<"expirer.begin"> {
 public:
  // No defaults here: assembly fills every field from the schema, where each has its source.
  struct Config {
    Duration every;  // From one beginning to the next; one that is late is followed at once.
    Duration older_than;
    int64_t retain_last = 1;
    ObjectClient::Config object_client;
  };

  static constexpr MetricDef kRuns = {"expirer.runs", MetricKind::kCounter, MetricUnit::kCount,
                                      "Runs that ended, those with nothing to do among them."};
  static constexpr MetricDef kFailedRuns = {
      "expirer.failed_runs", MetricKind::kCounter, MetricUnit::kCount,
      "Runs that could not commit, or could not read what tells which files to delete."};
  static constexpr MetricDef kSnapshots = {"expirer.snapshots", MetricKind::kCounter,
                                           MetricUnit::kCount, "Snapshots expired."};
  static constexpr MetricDef kDataFiles = {"expirer.data_files", MetricKind::kCounter,
                                           MetricUnit::kCount, "Data files deleted."};
  static constexpr MetricDef kMetadataFiles = {"expirer.metadata_files", MetricKind::kCounter,
                                               MetricUnit::kCount,
                                               "Manifests and manifest lists deleted."};
  static constexpr MetricDef kTime = {"expirer.run_time", MetricKind::kDistribution,
                                      MetricUnit::kDuration,
                                      "From a run's beginning until the last file is deleted."};

  // REQUIRES: `table` and `network` outlive it.
  SnapshotExpirer(Simulation& sim, absl::string_view name, IcebergTable* table, Network* network,
                  HostId host, const Config& config);

 private:
  void Begin() override;
  void ReadList();
  void ReadManifests();
  void Delete();
  void Deleted();

  const Config config_;
  IcebergTable::Expired work_;
  size_t next_list_ = 0;
  Counter& snapshots_;
  Counter& data_files_;
  Counter& metadata_files_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_SINK_SNAPSHOT_EXPIRER_H_
