// A reader that plans a scan of a whole table, again and again: what metadata costs whoever
// queries. It loads the table from the catalog, reads its metadata file and the manifest list, and
// then all manifests, so many side by side; each entry of a manifest takes a thread some time.
//
// It can stay with the snapshot that it has planned, as a query in several steps and time travel
// do, and go back to it later: it loads the table, and if the snapshot is not expired reads its
// list again. Else it fails.
//
// Left out: predicates that spare manifests and files, caches of metadata, the data itself.
#ifndef FRESHET_MODELS_SINK_TABLE_PLANNER_H_
#define FRESHET_MODELS_SINK_TABLE_PLANNER_H_

#include <optional>

#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "models/network/network.h"
#include "models/sink/iceberg_table.h"
#include "models/storage/object_client.h"
#include "sim/component.h"

namespace freshet {

class TablePlanner : public Component {
 public:
  struct Config {
    Duration every;  // From one beginning to the next; one that is late is followed at once.
    int64_t threads = 1;
    Duration time_per_file;
    ObjectClient::Config object_client;
    std::optional<Duration> goes_back_after;  // Absent: it does not.
  };

  static constexpr MetricDef kFiles = {"planner.planned_files", MetricKind::kDistribution,
                                       MetricUnit::kCount, "Data files that a planning found."};
  static constexpr MetricDef kBytes = {"planner.metadata_bytes", MetricKind::kDistribution,
                                       MetricUnit::kBytes, "Metadata that a planning read."};
  static constexpr MetricDef kFailed = {"planner.failed", MetricKind::kCounter, MetricUnit::kCount,
                                        "Plannings given up: catalog or warehouse did not answer."};
  // With Config::goes_back_after only.
  static constexpr MetricDef kWentBack = {"planner.went_back", MetricKind::kCounter,
                                          MetricUnit::kCount,
                                          "Times that it went back to a snapshot, and found it."};
  static constexpr MetricDef kExpired = {
      "planner.snapshots_expired", MetricKind::kCounter, MetricUnit::kCount,
      "Times that it went back to a snapshot, and it was expired: the query fails."};

  // REQUIRES: `table` and `network` outlive it; the table is told that it is planned.
  TablePlanner(Simulation& sim, absl::string_view name, IcebergTable* table, Network* network,
               HostId host, const Config& config);

 private:
  void Begin();
  void ReadList();
  void ReadNext();
  void Read(ObjectId object, Bytes bytes, void (TablePlanner::*then)());
  void ManifestRead();
  void Fail();
  void End();
  void GoBackLater();
  void GoBack(const IcebergTable::Part& list);

  const Config config_;
  IcebergTable* const table_;
  ObjectClient client_;
  IcebergTable::Metadata plan_;
  absl::btree_map<uint32_t, IcebergTable::Part> held_;  // Lists of snapshots that it goes back to.
  uint32_t next_held_ = 0;
  uint32_t round_ = 0;
  Time began_;
  size_t next_ = 0;
  int64_t reading_ = 0;
  Distribution& files_;
  Distribution& bytes_;
  Counter& failed_;
  Counter* went_back_ = nullptr;
  Counter* expired_ = nullptr;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_SINK_TABLE_PLANNER_H_
