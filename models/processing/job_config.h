// What a stream job is told. No defaults of its own: assembly fills every field from the schema,
// where each has its source.
#ifndef FRESHET_MODELS_PROCESSING_JOB_CONFIG_H_
#define FRESHET_MODELS_PROCESSING_JOB_CONFIG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/client/consumers.h"
#include "models/connect/dead_letter_topic.h"
#include "models/processing/channel.h"
#include "models/processing/operator.h"
#include "models/schema/read_policy.h"
#include "models/storage/object_client.h"
#include "models/storage/object_store.h"
#include "sim/backoff.h"
#include "sim/units.h"

namespace freshet {

// Operators that run in one task, each handing on to the next. The first of a source reads.
struct VertexConfig {
  std::string name;
  int parallelism = 1;
  // Of one that Rescale() changes: the most subtasks that it will ever have. 0: it stays as it is.
  int most = 0;
  std::vector<OperatorConfig> chain;
  // Of a source. Its members, handler and hosts are the job's.
  std::optional<Consumers::Config> source;
  // What a source does with what it cannot read; null: it reads all.
  ReadPolicy* reading = nullptr;
  DeadLetterTopic* dead_letters = nullptr;

  bool scales() const { return most > 0; }
  // Subtasks that are made; those beyond the parallelism rest.
  int subtasks() const { return scales() ? most : parallelism; }
};

enum class Partitioning : uint8_t {
  kForward,    // Subtask i to subtask i.
  kHash,       // By key.
  kRebalance,  // In turn.
  kBroadcast,  // All to each.
};

struct EdgeConfig {
  int from = 0;  // Vertices.
  int to = 0;
  Partitioning by = Partitioning::kForward;
  std::vector<int64_t> weights;  // kHash: of the receiving subtasks; none: even.
  bool late = false;             // What comes too late for a window, instead of what passes.
};

// What a job takes for a record's time.
enum class Timestamps : uint8_t {
  kRecord,  // That of Kafka's record: when it was sent.
  kEvent,   // What a timestamp assigner finds in it: the event's, by the clock of its producer.
};

struct WatermarkConfig {
  Duration out_of_orderness;   // forBoundedOutOfOrderness; 0: forMonotonousTimestamps.
  Duration interval;           // pipeline.auto-watermark-interval
  bool at_each_event = false;  // In onEvent(), too: behind what came together.
  Timestamps timestamps = Timestamps::kRecord;
  std::optional<Duration> idleness;  // withIdleness
};

enum class DeliveryGuarantee : uint8_t { kAtMostOnce, kAtLeastOnce, kExactlyOnce };

struct CheckpointConfig {
  Duration interval;           // execution.checkpointing.interval
  Duration min_pause;          // execution.checkpointing.min-pause
  Duration timeout;            // execution.checkpointing.timeout
  int64_t tolerable_failures;  // execution.checkpointing.tolerable-failed-checkpoints
  bool unaligned = false;      // execution.checkpointing.unaligned.enabled
  bool incremental = false;    // execution.checkpointing.incremental
  Bytes inline_below;          // execution.checkpointing.data-inline-threshold
  Duration cpu_per_mib;        // To serialise and send a file of state.
};

enum class RestartStrategy : uint8_t { kNone, kFixedDelay, kExponentialDelay };

struct RestartConfig {
  RestartStrategy strategy = RestartStrategy::kExponentialDelay;
  int64_t attempts = 0;  // kFixedDelay: so many, each after backoff.first.
  Backoff::Config backoff;
  Duration reset_after;  // kExponentialDelay: of running well, until the delay is the first again.
  Duration deploy_time;  // From a slot's being there until its tasks have started.
};

struct TaskManagerConfig {
  ZoneId zone = 0;
  BytesPerSecond network_bandwidth;
  int64_t vcpus = 1;
};

// Where checkpoints are kept: in an object store, or behind a rate of each task manager.
struct StateStorageConfig {
  ObjectStore* store = nullptr;
  std::optional<ObjectClient::Config> client;
  Bytes part_size;
  BytesPerSecond rate;
};

struct JobConfig {
  std::vector<VertexConfig> vertices;  // Upstream before downstream.
  std::vector<EdgeConfig> edges;
  std::vector<TaskManagerConfig> task_managers;
  int slots = 1;  // taskmanager.numberOfTaskSlots
  ChannelConfig channels;
  std::optional<WatermarkConfig> watermarks;
  DeliveryGuarantee guarantee = DeliveryGuarantee::kExactlyOnce;
  std::optional<CheckpointConfig> checkpoints;  // None with kAtMostOnce.
  RestartConfig restart;
  StateStorageConfig state;
  std::optional<Bytes> state_memory;  // Of a task manager, on the heap; none: it never runs out.
  Duration state_access_time;         // Of the backend, by each record of a keyed state.
  Duration heartbeat_interval;        // heartbeat.interval
  Duration heartbeat_timeout;         // heartbeat.timeout
  int64_t heartbeat_failures;         // heartbeat.rpc-failure-threshold; 0: off.
  int64_t polls_ahead = 1;            // source.reader.element.queue.capacity
};

}  // namespace freshet

#endif  // FRESHET_MODELS_PROCESSING_JOB_CONFIG_H_
