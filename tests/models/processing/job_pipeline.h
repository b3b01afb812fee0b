// A stream job behind a log that takes no time, so that its times can be told in the head:
// source -> map -> (by key) window -> sink, or less.
#ifndef FRESHET_TESTS_MODELS_PROCESSING_JOB_PIPELINE_H_
#define FRESHET_TESTS_MODELS_PROCESSING_JOB_PIPELINE_H_

#include <memory>
#include <utility>

#include "models/fault/job_target.h"
#include "models/processing/stream_job.h"
#include "tests/models/mini_pipeline.h"
#include "tests/models/processing/memory_sink.h"

namespace freshet {

// One broker, so that nothing is waited for: what is produced is there.
inline MiniSettings InstantLog(int partitions, std::shared_ptr<const RateFunction> rate) {
  MiniSettings s = Instant();
  s.brokers = 1;
  s.topic.partitions = partitions;
  s.topic.replication_factor = s.topic.min_in_sync_replicas = 1;
  s.producers.rate = std::move(rate);
  s.producers.linger = Milliseconds(16);
  return s;
}

inline JobConfig PlausibleJob() {
  JobConfig job;
  TaskManagerConfig process;
  process.network_bandwidth = BytesPerSecond(int64_t{1} << 45);
  process.vcpus = 4;
  job.task_managers = {process};
  job.slots = 4;
  job.channels = {KiB(32), 2, 8, 10, Duration::Zero()};
  job.guarantee = DeliveryGuarantee::kExactlyOnce;
  CheckpointConfig checkpoints;
  checkpoints.interval = Seconds(10);
  checkpoints.timeout = Minutes(10);
  checkpoints.tolerable_failures = 0;
  job.checkpoints = checkpoints;
  job.restart.strategy = RestartStrategy::kFixedDelay;
  job.restart.attempts = INT64_MAX;
  job.restart.backoff.first = Seconds(1);
  job.state.rate = MiBPerSecond(100);
  job.heartbeat_interval = Seconds(1);
  job.heartbeat_timeout = Seconds(50);
  job.heartbeat_failures = 2;
  job.polls_ahead = 2;
  return job;
}

inline Consumers::Config ReadingAll() {
  Consumers::Config config = Reading();
  config.network_bandwidth = BytesPerSecond(int64_t{1} << 45);
  return config;
}

inline OperatorConfig Op(OperatorKind kind, const char* name, Duration cpu = Duration::Zero()) {
  OperatorConfig op;
  op.name = name;
  op.kind = kind;
  op.cpu_per_record = cpu;
  return op;
}

inline VertexConfig SourceVertex(int parallelism, Duration cpu = Duration::Zero()) {
  VertexConfig vertex;
  vertex.name = "source";
  vertex.parallelism = parallelism;
  vertex.chain = {Op(OperatorKind::kSource, "read", cpu)};
  vertex.source = ReadingAll();
  return vertex;
}

inline VertexConfig SinkVertex(int parallelism, Sink* sink) {
  VertexConfig vertex;
  vertex.name = "sink";
  vertex.parallelism = parallelism;
  vertex.chain = {Op(OperatorKind::kSink, "write")};
  vertex.chain[0].sink = sink;
  vertex.chain[0].most_writes = 50;
  return vertex;
}

inline EdgeConfig EdgeOf(int from, int to, Partitioning by) {
  EdgeConfig edge;
  edge.from = from;
  edge.to = to;
  edge.by = by;
  return edge;
}

class JobPipelineBase : public MiniPipeline {
 public:
  using MiniPipeline::MiniPipeline;

  void AddJob(const JobConfig& config) {
    job = std::make_unique<StreamJob>(sim, "job", &network, &log, config);
    for (int i = 0; i < job->task_manager_count(); ++i) {
      managers.push_back(std::make_unique<TaskManagerTarget>(job.get(), i));
    }
    job->Start();
  }
  int64_t Job(const MetricDef& def) const { return ValueOf(sim, *job, def); }

  std::unique_ptr<StreamJob> job;
  std::vector<std::unique_ptr<TaskManagerTarget>> managers;
};

class JobPipeline : public JobPipelineBase {
 public:
  JobPipeline(const MiniSettings& settings, SinkPromise promise,
              Duration write_time = Duration::Zero())
      : JobPipelineBase(settings), sink(sim, "store", promise, write_time) {}
  // Before its store.
  ~JobPipeline() { job.reset(); }

  MemorySink sink;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_MODELS_PROCESSING_JOB_PIPELINE_H_
