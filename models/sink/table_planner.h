// A reader that plans a scan of a whole table, again and again: what metadata costs whoever
// queries. It loads the table from the catalog, reads its metadata file and the manifest list, and
// then all manifests, so many side by side; each entry of a manifest takes a thread some time.
//
// Left out: predicates that spare manifests and files, caches of metadata, the data itself.
#ifndef FRESHET_MODELS_SINK_TABLE_PLANNER_H_
#define FRESHET_MODELS_SINK_TABLE_PLANNER_H_

#include <memory>

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
  };

  static constexpr MetricDef kFiles = {"planner.planned_files", MetricKind::kDistribution,
                                       MetricUnit::kCount, "Data files that a planning found."};
  static constexpr MetricDef kBytes = {"planner.metadata_bytes", MetricKind::kDistribution,
                                       MetricUnit::kBytes, "Metadata that a planning read."};
  static constexpr MetricDef kFailed = {"planner.failed", MetricKind::kCounter, MetricUnit::kCount,
                                        "Plannings given up: catalog or warehouse did not answer."};

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

  const Config config_;
  IcebergTable* const table_;
  ObjectClient client_;
  IcebergTable::Metadata plan_;
  uint32_t round_ = 0;
  Time began_;
  size_t next_ = 0;
  int64_t reading_ = 0;
  Distribution& files_;
  Distribution& bytes_;
  Counter& failed_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_SINK_TABLE_PLANNER_H_
