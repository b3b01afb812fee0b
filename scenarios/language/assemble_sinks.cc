#include "scenarios/language/assemble_sinks.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "models/fault/object_store_target.h"
#include "models/fault/sink_targets.h"
#include "models/sink/archive_sink.h"
#include "models/sink/database_sink.h"
#include "models/sink/lakehouse_sink.h"
#include "models/sink/olap_sink.h"
#include "models/sink/search_sink.h"
#include "models/sink/warehouse_sink.h"
#include "scenarios/language/assemble_laws.h"
#include "scenarios/language/assemble_parts.h"
#include "scenarios/language/quantity.h"
#include "scenarios/language/sink_rules.h"
#include "scenarios/language/unlimited.h"

namespace freshet {
namespace {

// ICEDOC, S3FileIO: s3.multipart.part-size-bytes.
constexpr Bytes kTablePart = MiB(32);
// Ours: some MiB, as many as the offsets of a quarter of a million late records.
constexpr size_t kMostStretches = size_t{1} << 18;
// FLINKDOC: s3.upload.min.part.size, of its file sink.
constexpr Bytes kArchivePart = MiB(5);

template <class Config>
Config ServerOf(const v1::Scenario& scenario, const v1::StoreServer& text) {
  Config config;
  const auto zone = std::find(scenario.zones().begin(), scenario.zones().end(), text.zone());
  config.zone =
      zone == scenario.zones().end() ? 0 : static_cast<ZoneId>(zone - scenario.zones().begin());
  config.network_bandwidth =
      text.network_bandwidth().empty() ? kUnlimited : BytesPerSecondOf(text.network_bandwidth());
  config.workers = text.workers();
  if (text.has_queue()) config.queue = text.queue();
  config.time_per_request = DurationOf(text.time_per_request());
  config.time_per_record = DurationOf(text.time_per_record());
  config.time_per_mib = DurationOf(text.time_per_mib());
  config.most_records = text.records_per_request();
  config.request_timeout = DurationOf(text.request_timeout());
  return config;
}

class SinkBuilder {
 public:
  SinkBuilder(const v1::Scenario& scenario, const std::string& name, Simulation& sim,
              Pipeline* pipeline)
      : scenario_(scenario), name_(name), sim_(sim), pipeline_(pipeline) {}

  void Build(const v1::Database& text) {
    auto config = ServerOf<DatabaseSink::Config>(scenario_, text.server());
    config.promise = text.mode() == v1::Database::TRANSACTION ? SinkPromise::kTransactional
                     : text.mode() == v1::Database::UPSERT    ? SinkPromise::kIdempotent
                                                              : SinkPromise::kPlain;
    config.commit_latency = SamplerOf(text.commit_latency());
    AddServer<DatabaseSink>(config);
  }

  void Build(const v1::ServingStore& text) {
    auto config = ServerOf<DatabaseSink::Config>(scenario_, text.server());
    config.promise = SinkPromise::kIdempotent;
    config.commit_latency = Sampler::Constant(0);
    AddServer<DatabaseSink>(config);
  }

  void Build(const v1::LakehouseSink& text) {
    LakehouseSink::Config config;
    config.cpu_per_mib = DurationOf(text.cpu_per_mib());
    config.parquet_ratio = RatioOf(text.parquet_ratio());
    config.target_file = BytesOf(text.target_file_size());
    config.open_partitions = text.open_partitions();
    config.part_size = kTablePart;
    config.object_client = ObjectClient::Defaults(1);
    config.fenced = Fenced();
    if (text.has_overwrite_partitions()) {
      const v1::OverwritePartitions& over = text.overwrite_partitions();
      LakehouseSink::Config::Overwrite overwrite;
      overwrite.width = DurationOf(over.partition_width());
      overwrite.most_stretches = kMostStretches;
      overwrite.merges = over.rows() == v1::OverwritePartitions::MERGED;
      using Isolation = TableAppend::Isolation;
      switch (over.isolation_level()) {
        case v1::OverwritePartitions::SNAPSHOT:
          overwrite.isolation = Isolation::kSnapshot;
          break;
        case v1::OverwritePartitions::SERIALIZABLE:
          overwrite.isolation = Isolation::kSerializable;
          break;
        default:
          overwrite.isolation = Isolation::kNone;
      }
      config.overwrite = overwrite;
    }
    pipeline_->sinks[name_] =
        std::make_unique<LakehouseSink>(sim_, name_, pipeline_->tables.at(text.table()).table.get(),
                                        pipeline_->network.get(), config);
  }

  void Build(const v1::OlapStore& text) {
    auto config = ServerOf<OlapSink::Config>(scenario_, text.server());
    config.column_ratio = RatioOf(text.column_ratio());
    config.parts_to_delay = text.parts_to_delay_insert();
    config.parts_to_refuse = text.parts_to_throw_insert();
    config.min_delay = DurationOf(text.min_delay_to_insert());
    config.max_delay = DurationOf(text.max_delay_to_insert());
    config.merges_at_once = text.background_pool_size();
    config.merge_rate = BytesPerSecondOf(text.merge_rate());
    config.blocks_remembered = text.deduplication_window();
    AddServer<OlapSink>(config);
  }

  void Build(const v1::SearchIndex& text) {
    auto config = ServerOf<SearchSink::Config>(scenario_, text.server());
    config.refresh_interval = DurationOf(text.refresh_interval());
    config.promise = text.own_ids() ? SinkPromise::kIdempotent : SinkPromise::kPlain;
    AddServer<SearchSink>(config);
  }

  void Build(const v1::Warehouse& text) {
    auto config = ServerOf<WarehouseSink::Config>(scenario_, text.server());
    config.load_interval = DurationOf(text.load_interval());
    config.load_time = DurationOf(text.load_time());
    config.load_rate = BytesPerSecondOf(text.load_rate());
    config.promise = text.offset_tokens() ? SinkPromise::kIdempotent : SinkPromise::kPlain;
    AddServer<WarehouseSink>(config);
  }

  void Build(const v1::ObjectArchive& text) {
    const std::string bucket = absl::StrCat(name_, "/bucket");
    auto store = std::make_unique<ObjectStore>(sim_, bucket, StoreConfigOf(text.bucket()));
    ArchiveSink::Config config;
    config.roll_size = BytesOf(text.roll_size());
    config.roll_age = DurationOf(text.roll_age());
    config.size_ratio = RatioOf(text.size_ratio());
    config.part_size = kArchivePart;
    config.object_client = ObjectClient::Defaults(1);
    pipeline_->sinks[name_] =
        std::make_unique<ArchiveSink>(sim_, name_, store.get(), pipeline_->network.get(), config);
    pipeline_->targets[bucket] = std::make_unique<ObjectStoreTarget>(store.get());
    pipeline_->archives.push_back(std::move(store));
  }

 private:
  template <class Store>
  void AddServer(const typename Store::Config& config) {
    auto store = std::make_unique<Store>(sim_, name_, pipeline_->network.get(), config);
    pipeline_->targets[name_] = std::make_unique<ServerSinkTarget>(store.get());
    pipeline_->sinks[name_] = std::move(store);
  }

  // Whoever writes says so.
  bool Fenced() const {
    return std::all_of(
        scenario_.component().begin(), scenario_.component().end(),
        [this](const v1::Component& each) {
          return (each.consumers().writes_to() != name_ || each.consumers().sink_fencing()) &&
                 (each.connect().writes_to() != name_ || each.connect().fencing());
        });
  }

  const v1::Scenario& scenario_;
  const std::string& name_;
  Simulation& sim_;
  Pipeline* const pipeline_;
};

}  // namespace

void SetContracts(const v1::Scenario& scenario, Pipeline* pipeline) {
  for (const Objective& objective : scenario.objective()) {
    if (!objective.has_feed_contract()) continue;
    const FeedContract& text = objective.feed_contract();
    MeteredSink::Contract contract;
    if (text.has_schema_version()) {
      contract.schema_version = static_cast<int32_t>(text.schema_version());
    }
    if (!text.lateness().empty()) contract.lateness = DurationOf(text.lateness());
    pipeline->sinks.at(objective.of())->Promise(contract);
  }
}

void BuildSink(const v1::Scenario& scenario, const v1::Component& component, Simulation& sim,
               Pipeline* pipeline) {
  SinkBuilder builder(scenario, component.name(), sim, pipeline);
  switch (component.kind_case()) {
    case v1::Component::kDatabase:
      return builder.Build(component.database());
    case v1::Component::kServingStore:
      return builder.Build(component.serving_store());
    case v1::Component::kLakehouseSink:
      return builder.Build(component.lakehouse_sink());
    case v1::Component::kOlapStore:
      return builder.Build(component.olap_store());
    case v1::Component::kSearchIndex:
      return builder.Build(component.search_index());
    case v1::Component::kWarehouse:
      return builder.Build(component.warehouse());
    case v1::Component::kObjectArchive:
      return builder.Build(component.object_archive());
    default:
      return;
  }
}

SinkWriter* BuildSinkWriter(const std::string& name, const v1::Consumers& text, Simulation& sim,
                            Pipeline* pipeline) {
  if (text.writes_to().empty()) return nullptr;
  SinkWriter::Config config;
  config.retry.first = DurationOf(text.sink_retry_backoff());
  config.retry.cap = config.retry.first;
  config.commit_interval = DurationOf(text.sink_commit_interval());
  config.fenced = text.sink_fencing();
  config.commits_first = text.application_commits() == v1::Consumers::BEFORE_PROCESSING;
  if (text.has_reading()) {
    pipeline->sink_writers.push_back(BuildReadingService(name, text, config, sim, pipeline));
  } else {
    pipeline->sink_writers.push_back(
        std::make_unique<SinkWriter>(sim, absl::StrCat(name, "/sink-writer"),
                                     pipeline->sinks.at(text.writes_to()).get(), config));
  }
  return pipeline->sink_writers.back().get();
}

void BuildDashboard(const std::string& name, const v1::Dashboard& text, Simulation& sim,
                    Pipeline* pipeline) {
  Dashboard::Config config;
  config.refresh_interval = DurationOf(text.refresh_interval());
  config.query_time = SamplerOf(text.query_time());
  config.target = DurationOf(text.target());
  config.label_after = text.label_after().empty() ? config.target : DurationOf(text.label_after());
  config.label = text.label() == v1::Dashboard::DATA_TIME      ? Dashboard::Label::kDataTime
                 : text.label() == v1::Dashboard::REFRESH_TIME ? Dashboard::Label::kRefreshTime
                                                               : Dashboard::Label::kNone;
  pipeline->dashboards.push_back(
      std::make_unique<Dashboard>(sim, name, pipeline->sinks.at(text.from()).get(), config));
  pipeline->targets[name] = std::make_unique<DashboardTarget>(pipeline->dashboards.back().get());
}

}  // namespace freshet
