// The group of sink_pipeline.h before a lakehouse table without chance.
#ifndef FRESHET_TESTS_MODELS_SINK_LAKE_PIPELINE_H_
#define FRESHET_TESTS_MODELS_SINK_LAKE_PIPELINE_H_

#include <memory>

#include "models/sink/lakehouse_sink.h"
#include "tests/models/sink/sink_pipeline.h"
#include "tests/models/table/quiet_table.h"

namespace freshet {

struct LakeSettings : SinkSettings {
  IcebergTable::Config table = QuietTable();
  LakehouseSink::Config sink;
};

// A poll is a second of its member, encoding takes no time, and files are what has come in an
// interval of 2.5 s: of one open partition, and a half of the records' size.
inline LakeSettings Lake() {
  LakeSettings s;
  static_cast<SinkSettings&>(s) = ThousandInto(
      SinkPromise::kTransactional, ApplicationCommits::kAfterProcessing, Work::kOfTheMember);
  s.sink.cpu_per_mib = Duration::Zero();
  s.sink.parquet_ratio = Ratio::Percent(50);
  s.sink.target_file = MiB(512);
  s.sink.open_partitions = 1;
  s.sink.part_size = MiB(32);
  s.sink.object_client = ObjectClient::Defaults(4);
  return s;
}

// Before the sink that is made of them.
struct LakeParts {
  std::unique_ptr<ObjectStore> warehouse;
  std::unique_ptr<IcebergTable> table;
};

class LakePipeline : public LakeParts, public SinkPipelineOf<LakehouseSink> {
 public:
  explicit LakePipeline(const LakeSettings& settings)
      : SinkPipelineOf(settings, [this, &settings](Simulation& on, Network* over) {
          warehouse = std::make_unique<ObjectStore>(on, "lake/warehouse", InstantBodies());
          table = std::make_unique<IcebergTable>(on, "lake", warehouse.get(), over, settings.table);
          return std::make_unique<LakehouseSink>(on, "rows", table.get(), over, settings.sink);
        }) {}
  int64_t Table(const MetricDef& def) const { return ValueOf(sim, *table, def); }
};

}  // namespace freshet

#endif  // FRESHET_TESTS_MODELS_SINK_LAKE_PIPELINE_H_
