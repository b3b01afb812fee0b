// A query of Spark's kind behind a log that takes no time, with a checkpoint location that answers
// a PUT after 10 ms and a GET after 5 ms, so that its times can be told in the head: planning takes
// 200 ms, a task has its core for 50 ms before it works, and works in no time. Cards are so quick
// that all they carry takes less than a microsecond.
#ifndef FRESHET_TESTS_MODELS_PROCESSING_SPARK_PIPELINE_H_
#define FRESHET_TESTS_MODELS_PROCESSING_SPARK_PIPELINE_H_

#include <memory>
#include <utility>

#include "models/fault/spark_targets.h"
#include "tests/models/mini_pipeline.h"
#include "tests/models/processing/memory_sink.h"
#include "tests/models/storage/quiet_store.h"

namespace freshet {

// One broker, no linger: what is produced is there. At 1000/s records are created at 1 ms, 2 ms and
// so on; that of a trigger's instant comes behind it.
inline MiniSettings AtOnce(int partitions, std::shared_ptr<const RateFunction> rate) {
  MiniSettings s = Instant();
  s.brokers = 1;
  s.topic.partitions = partitions;
  s.topic.replication_factor = s.topic.min_in_sync_replicas = 1;
  s.producers.rate = std::move(rate);
  s.producers.linger = Duration::Zero();
  return s;
}

inline ObjectStore::Config QuickStore() {
  ObjectStore::Config config = QuietStore();
  config.get_latency = Sampler::Constant(5e6);
  config.small_put_latency = config.large_put_latency = Sampler::Constant(10e6);
  config.stream_rate = Sampler::Constant(int64_t{1} << 45);
  return config;
}

// Windows of 10 s, closed 2 s after the latest event, in four shuffle partitions.
inline OperatorConfig Windows() {
  OperatorConfig window;
  window.name = "count";
  window.kind = OperatorKind::kWindow;
  window.window.size = window.window.slide = Seconds(10);
  window.window.keys = 50;
  window.window.bytes_per_row = window.window.state_per_row = Bytes(100);
  return window;
}

inline SparkConfig PassingOn(int executors, int64_t cores) {
  SparkConfig config;
  config.source = Reading();
  OperatorConfig read;
  read.name = "read";
  read.kind = OperatorKind::kSource;
  config.before_shuffle = {read};
  config.shuffle_partitions = 4;
  config.most_writes = 50;
  config.executor_zones.assign(static_cast<size_t>(executors), 0);
  config.network_bandwidth = BytesPerSecond(int64_t{1} << 45);
  config.cores = cores;
  config.driver_client = config.executor_client = ObjectClient::Defaults(1);
  config.part_size = MiB(64);
  config.trigger_interval = Seconds(10);
  config.polling_delay = Milliseconds(10);
  config.planning_time = Milliseconds(200);
  config.task_overhead = Milliseconds(50);
  config.locality_wait = Seconds(3);
  config.task_max_failures = 4;
  config.min_deltas_for_snapshot = 10;
  config.maintenance_interval = Seconds(60);
  config.min_batches_to_retain = 100;
  config.retry_backoff = Milliseconds(100);
  config.start_time = Seconds(5);
  config.executor_start_time = Seconds(5);
  return config;
}

inline SparkConfig Counting(int executors, int64_t cores) {
  SparkConfig config = PassingOn(executors, cores);
  config.trigger_interval = Seconds(5);
  config.watermark_delay = Seconds(2);
  config.behind_shuffle = {Windows()};
  return config;
}

template <class Store>
class SparkPipelineOf : public MiniPipeline {
 public:
  // `store(pipeline)` makes what it writes to.
  template <class MakeStore>
  SparkPipelineOf(const MiniSettings& settings, SparkConfig config, MakeStore&& make)
      : MiniPipeline(Without(settings)),
        checkpoints(sim, "checkpoints", QuickStore()),
        store(make(this)) {
    faults.SchedulePhases(Duration::Zero());
    config.sink = store.get();
    config.checkpoint_location = &checkpoints;
    query = std::make_unique<SparkQuery>(sim, "query", &network, &log, config);
    driver = std::make_unique<SparkDriverTarget>(query.get());
    for (int i = 0; i < query->executor_count(); ++i) {
      executors.push_back(std::make_unique<SparkExecutorTarget>(query.get(), i));
    }
    query->Start();
  }
  // Executors from 1, as in a scenario.
  FaultTarget* Executor(int number) { return executors[static_cast<size_t>(number - 1)].get(); }
  int64_t Query(const MetricDef& def) const { return ValueOf(sim, *query, def); }
  Histogram Times(const MetricDef& def) const { return HistogramOf(sim, *query, def); }
  // Of a metric of durations, in whole milliseconds.
  int64_t Longest(const MetricDef& def) const { return Times(def).max() / 1'000'000; }
  int64_t Shortest(const MetricDef& def) const { return Times(def).min() / 1'000'000; }

  ObjectStore checkpoints;
  std::unique_ptr<Store> store;
  std::unique_ptr<SparkQuery> query;
  std::unique_ptr<SparkDriverTarget> driver;
  std::vector<std::unique_ptr<SparkExecutorTarget>> executors;

 private:
  static MiniSettings Without(MiniSettings settings) {
    settings.consumers.reset();
    return settings;
  }
};

class SparkPipeline : public SparkPipelineOf<MemorySink> {
 public:
  SparkPipeline(const MiniSettings& settings, const SparkConfig& config,
                SinkPromise promise = SinkPromise::kPlain)
      : SparkPipelineOf(settings, config, [promise](MiniPipeline* on) {
          return std::make_unique<MemorySink>(on->sim, "store", promise);
        }) {}

  // From a record's creation until it is visible, on average.
  Duration MeanWait() const {
    return Nanoseconds(static_cast<int64_t>(store->waited() / store->visible()));
  }
};

}  // namespace freshet

#endif  // FRESHET_TESTS_MODELS_PROCESSING_SPARK_PIPELINE_H_
