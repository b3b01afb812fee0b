// Iceberg's procedure rewrite_manifests, run on a schedule: fewer manifests to read for a plan.
//
// It reads the table's metadata and all manifests, puts their entries in the order of the table's
// partitions, writes as many manifests of the target size as they need, side by side, and swaps
// them in with one commit. Data files are not touched. Manifests that came meanwhile stay beside
// the new ones. If one of the old ones has gone meanwhile, merged by a commit or filtered by a
// rewrite, all was for nothing: the commit fails for good, and what was written is deleted. A table
// of one manifest is left alone.
//
// Left out: what a scan with predicates saves when entries are in the order of the partitions.
#ifndef FRESHET_MODELS_SINK_MANIFEST_REWRITER_H_
#define FRESHET_MODELS_SINK_MANIFEST_REWRITER_H_

#include <vector>

#include "absl/strings/string_view.h"
#include "models/sink/table_procedure.h"

namespace freshet {

class ManifestRewriter : public TableProcedure<"manifest_rewriter.begin"> {
 public:
  // No defaults here: assembly fills every field from the schema, where each has its source.
  struct Config {
    Duration every;  // From one beginning to the next; one that is late is followed at once.
    ObjectClient::Config object_client;
  };

  static constexpr MetricDef kRuns = {"manifest_rewriter.runs", MetricKind::kCounter,
                                      MetricUnit::kCount,
                                      "Runs that ended, those with nothing to do among them."};
  static constexpr MetricDef kFailedRuns = {
      "manifest_rewriter.failed_runs", MetricKind::kCounter, MetricUnit::kCount,
      "Runs whose work was thrown away: the store, the catalog or a conflict."};
  static constexpr MetricDef kRewritten = {"manifest_rewriter.manifests_rewritten",
                                           MetricKind::kCounter, MetricUnit::kCount,
                                           "Manifests that others took the place of."};
  static constexpr MetricDef kAdded = {"manifest_rewriter.manifests_added", MetricKind::kCounter,
                                       MetricUnit::kCount, "These others."};
  static constexpr MetricDef kTime = {"manifest_rewriter.run_time", MetricKind::kDistribution,
                                      MetricUnit::kDuration,
                                      "From a run's beginning to its commit."};

  // REQUIRES: `table` and `network` outlive it.
  ManifestRewriter(Simulation& sim, absl::string_view name, IcebergTable* table, Network* network,
                   HostId host, const Config& config);

 private:
  void Begin() override;
  void ThrowAway() override;
  void Read();
  void Write();
  void Commit();

  IcebergTable::Metadata plan_;
  std::vector<IcebergTable::Part> made_;
  Counter& rewritten_;
  Counter& added_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_SINK_MANIFEST_REWRITER_H_
