// What a query of Spark Structured Streaming's kind is told. No defaults of its own: assembly fills
// every field from the schema, where each has its source.
#ifndef FRESHET_MODELS_PROCESSING_SPARK_CONFIG_H_
#define FRESHET_MODELS_PROCESSING_SPARK_CONFIG_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "models/client/consumers.h"
#include "models/processing/operator.h"
#include "models/sink/sink.h"
#include "models/storage/object_client.h"

namespace freshet {

struct SparkConfig {
  Consumers::Config source;  // Its topic; members and handler are the query's.
  // What is done to the records before they are shuffled by key, without state; and behind it. No
  // second part: no shuffle.
  std::vector<OperatorConfig> before_shuffle;
  std::vector<OperatorConfig> behind_shuffle;
  int shuffle_partitions = 1;    // spark.sql.shuffle.partitions
  std::vector<int64_t> weights;  // Of them; none: even.

  Sink* sink = nullptr;
  int64_t most_writes = 1;  // Of a task, under way at a time.
  int64_t most_retries = 0;
  Duration retry_delay;

  ZoneId driver_zone = 0;
  std::vector<ZoneId> executor_zones;
  BytesPerSecond network_bandwidth;  // Of each host.
  int64_t driver_cores = 1;          // spark.driver.cores
  int64_t cores = 1;                 // spark.executor.cores

  ObjectStore* checkpoint_location = nullptr;
  ObjectClient::Config driver_client;
  ObjectClient::Config executor_client;
  Bytes part_size;  // Of a file that goes in parts.

  Duration trigger_interval;                       // ProcessingTime; 0: as soon as possible.
  std::optional<int64_t> max_offsets_per_trigger;  // maxOffsetsPerTrigger
  std::optional<Duration> watermark_delay;         // withWatermark()
  bool no_data_batches = true;                     // spark.sql.streaming.noDataMicroBatches.enabled
  Duration polling_delay;                          // spark.sql.streaming.pollingDelay
  bool fail_on_data_loss = true;                   // failOnDataLoss
  Duration planning_time;                          // Of a batch, on a core of the driver.
  Duration task_overhead;                          // Of a task, on its core, before it works.
  Duration locality_wait;                          // spark.locality.wait
  int64_t task_max_failures = 1;                   // spark.task.maxFailures
  int64_t min_deltas_for_snapshot = 1;
  Duration maintenance_interval;
  int64_t min_batches_to_retain = 1;
  Duration retry_backoff;  // Of a question to a broker that went away.
  // From the begin of an application until its query runs, and of an executor that comes back.
  Duration start_time;
  Duration executor_start_time;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_PROCESSING_SPARK_CONFIG_H_
