#include "scenarios/language/assemble_spark.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "models/fault/spark_targets.h"
#include "models/processing/blackhole_sink.h"
#include "scenarios/language/assemble_job.h"
#include "scenarios/language/quantity.h"
#include "scenarios/language/unlimited.h"

namespace freshet {

using v1::StreamOperator;
namespace {

// Kafka's consumer (KSRC): fetch.min.bytes, fetch.max.wait.ms, fetch.max.bytes,
// max.partition.fetch.bytes, metadata.max.age.ms; and its admin client: retry.backoff.ms.
constexpr Bytes kFetchMinBytes(1);
constexpr Duration kFetchMaxWait = Milliseconds(500);
constexpr Bytes kFetchMaxBytes = MiB(50);
constexpr Bytes kMaxPartitionFetchBytes = MiB(1);
constexpr Duration kMetadataMaxAge = Minutes(5);
constexpr Duration kRetryBackoff = Milliseconds(100);
// Of a sink that answers at once: as many as StreamSink.max_in_flight_requests.
constexpr int64_t kMostWrites = 50;
// What hadoop file systems upload in one part by default (S3A: fs.s3a.multipart.size).
constexpr Bytes kPartSize = MiB(64);

Consumers::Config ReaderOf(const v1::StreamSource& text) {
  Consumers::Config config;
  config.topic = text.reads();
  config.network_bandwidth = kUnlimited;  // Hosts are the executors'.
  config.start_at = DurationOf(text.start_at());
  config.start_from =
      text.start_from() == v1::StreamSource::LATEST ? StartFrom::kLatest : StartFrom::kEarliest;
  config.fetch_min_bytes = kFetchMinBytes;
  config.fetch_max_wait = kFetchMaxWait;
  config.fetch_max_bytes = kFetchMaxBytes;
  config.max_partition_fetch_bytes = kMaxPartitionFetchBytes;
  config.metadata_max_age = kMetadataMaxAge;
  config.max_poll_records = text.max_poll_records();
  config.isolation = text.isolation_level() == v1::Consumers::READ_COMMITTED
                         ? Isolation::kReadCommitted
                         : Isolation::kReadUncommitted;
  return config;
}

void AddSteps(const std::string& name, const v1::SparkQuery& text, Simulation& sim,
              Pipeline* pipeline, SparkConfig* config) {
  std::vector<OperatorConfig>* chain = &config->before_shuffle;
  for (const StreamOperator& step : text.step()) {
    OperatorConfig made = OperatorOf(step);
    // Closed for good: the watermark is behind by watermark_delay instead.
    made.window.allowed_lateness = Duration::Zero();
    if (step.by_key()) {
      chain = &config->behind_shuffle;
      if (!step.hot_share().empty()) {
        config->weights = HotWeights(RatioOf(step.hot_share()), config->shuffle_partitions);
      }
    }
    if (step.has_sink()) {
      config->sink = pipeline->sinks.at(step.sink().name()).get();
      config->most_writes = made.most_writes;
      config->most_retries = made.most_retries;
      config->retry_delay = made.retry_delay;
    } else if (step.has_blackhole()) {
      pipeline->job_sinks.push_back(
          std::make_unique<BlackholeSink>(sim, absl::StrCat(name, "/", step.name(), "/sink")));
      config->sink = pipeline->job_sinks.back().get();
      config->most_writes = kMostWrites;
    }
    chain->push_back(std::move(made));
  }
}

}  // namespace

void BuildSparkQuery(const std::string& name, const v1::SparkQuery& text,
                     const std::vector<ZoneId>& zones, Simulation& sim, Pipeline* pipeline) {
  SparkConfig config;
  config.source = ReaderOf(text.step(0).source());
  config.shuffle_partitions = static_cast<int>(text.shuffle_partitions());
  AddSteps(name, text, sim, pipeline, &config);
  config.driver_zone = zones.front();
  config.executor_zones = zones;
  config.network_bandwidth =
      text.network_bandwidth().empty() ? kUnlimited : BytesPerSecondOf(text.network_bandwidth());
  config.driver_cores = text.driver_cores();
  config.cores = text.executor_cores();
  config.checkpoint_location = pipeline->object_store.get();
  config.driver_client = ObjectClient::Defaults(text.driver_cores());
  config.executor_client = ObjectClient::Defaults(text.executor_cores());
  config.part_size = kPartSize;
  config.trigger_interval = DurationOf(text.trigger_interval());
  if (text.has_max_offsets_per_trigger()) {
    config.max_offsets_per_trigger = static_cast<int64_t>(text.max_offsets_per_trigger());
  }
  if (!text.watermark_delay().empty()) config.watermark_delay = DurationOf(text.watermark_delay());
  config.no_data_batches = text.no_data_micro_batches();
  config.polling_delay = DurationOf(text.polling_delay());
  config.fail_on_data_loss = text.fail_on_data_loss();
  config.planning_time = DurationOf(text.planning_time());
  config.task_overhead = DurationOf(text.task_overhead());
  config.locality_wait = DurationOf(text.locality_wait());
  config.task_max_failures = text.task_max_failures();
  config.min_deltas_for_snapshot = text.min_deltas_for_snapshot();
  config.maintenance_interval = DurationOf(text.maintenance_interval());
  config.min_batches_to_retain = text.min_batches_to_retain();
  config.retry_backoff = kRetryBackoff;
  config.start_time = DurationOf(text.start_time());
  config.executor_start_time = DurationOf(text.executor_start_time());
  pipeline->spark_queries.push_back(std::make_unique<SparkQuery>(sim, name, pipeline->network.get(),
                                                                 pipeline->log.get(), config));
  SparkQuery* const query = pipeline->spark_queries.back().get();
  pipeline->targets[name + "/driver"] = std::make_unique<SparkDriverTarget>(query);
  for (int i = 0; i < query->executor_count(); ++i) {
    const std::string handle = absl::StrCat(name, "/executor-", i + 1);
    pipeline->targets[handle] = std::make_unique<SparkExecutorTarget>(query, i);
    pipeline->targets[handle + "/nic"] =
        std::make_unique<NicTarget>(pipeline->network.get(), query->HostOf(i));
  }
}

}  // namespace freshet
