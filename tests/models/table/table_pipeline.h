// A small shared-storage pipeline whose topic "t" goes into a table, too.
#ifndef FRESHET_TESTS_MODELS_TABLE_TABLE_PIPELINE_H_
#define FRESHET_TESTS_MODELS_TABLE_TABLE_PIPELINE_H_

#include <memory>
#include <utility>
#include <vector>

#include "models/fault/table_target.h"
#include "models/sink/iceberg_table.h"
#include "tests/models/s3stream/s3stream_pipeline.h"
#include "tests/models/table/quiet_table.h"

namespace freshet {

struct TableSettings : S3Settings {
  IcebergTable::Config table;
  TableTopic::Config table_topic;
};

// Commits every minute, as AutoMQ's coordinator does them; work on a MiB takes 20 ms, and Parquet
// is half as large.
inline TableSettings PlausibleTable() {
  TableSettings s;
  static_cast<S3Settings&>(s) = PlausibleS3();
  MakeInstant(&s);
  s.table = QuietTable();
  s.table_topic.commit_interval = Minutes(1);
  s.table_topic.commit_timeout = Seconds(30);
  s.table_topic.backfill = false;
  s.table_topic.worker = {Milliseconds(20), Ratio::Percent(50),        1,      MiB(32),
                          MiB(64),          ObjectClient::Defaults(8), MiB(32)};
  return s;
}

struct TableGround : S3Ground {
  explicit TableGround(const TableSettings& settings)
      : S3Ground(settings),
        warehouse(sim, "lake/warehouse", QuietStore()),
        table(sim, "lake", &warehouse, &network, settings.table) {}

  S3StreamCluster NewLog(const TableSettings& settings) {
    auto config =
        ClusterOf<S3StreamCluster::Config>(settings, [&settings](int) { return settings.broker; });
    TableChannel::AddTopics(&config.topics);
    config.tables.push_back({0, &table, settings.table_topic});
    return S3StreamCluster(sim, "log", &network, &store, config);
  }

  ObjectStore warehouse;
  IcebergTable table;
};

class TablePipeline : public TestPipeline<TableGround, S3StreamCluster> {
 public:
  explicit TablePipeline(const TableSettings& settings) : TestPipeline(settings), catalog(&table) {
    faults.SchedulePhases(Duration::Zero());
  }

  int64_t Table(const MetricDef& def) const { return ValueOf(sim, table, def); }
  int64_t Topic(const MetricDef& def) const { return ValueOf(sim, log.table_topic(0), def); }
  Histogram Freshness() const { return HistogramOf(sim, table, IcebergTable::kFreshness); }
  // Who leads partition 0, and with it the coordinator.
  BrokerId Coordinator() const { return log.CurrentMetadata(0)->leader[0]; }

  TableTarget catalog;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_MODELS_TABLE_TABLE_PIPELINE_H_
