// What an application of Kafka Streams' kind is told. No defaults of its own: assembly fills every
// field from the schema, where each has its source.
#ifndef FRESHET_MODELS_PROCESSING_STREAMS_CONFIG_H_
#define FRESHET_MODELS_PROCESSING_STREAMS_CONFIG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "models/client/consumers.h"
#include "models/processing/operator.h"
#include "models/sink/metered_sink.h"

namespace freshet {

class TransactionCoordinator;

// A sub-topology: what is done to the records of one topic, by a task for each of its partitions.
struct SubTopologyConfig {
  std::string name;
  // Its topic and group; members, hosts, commits and handler are the application's.
  Consumers::Config source;
  std::vector<OperatorConfig> chain;
  Duration grace;  // Of its windows.
  // Where its results go: into a sink, or a topic (also that of the next sub-topology).
  Sink* sink = nullptr;
  int64_t most_writes = 1;
  int64_t most_retries = 0;
  Duration retry_delay;
  std::string topic;
  std::vector<int64_t> weights;  // Of its partitions; none: even.
  // Empty: it has no state. It has as many partitions as the sub-topology's topic.
  std::string changelog;
  Bytes changelog_record;  // Size of one of its records.
};

struct StreamsConfig {
  std::vector<SubTopologyConfig> sub_topologies;  // Upstream before downstream.
  std::vector<ZoneId> instance_zones;
  BytesPerSecond network_bandwidth;
  int threads = 1;                                 // num.stream.threads
  int64_t vcpus = 1;                               // Of an instance.
  TransactionCoordinator* transactions = nullptr;  // exactly_once_v2; null: at_least_once.
  Duration transaction_timeout;                    // transaction.timeout.ms
  Duration commit_interval;                        // commit.interval.ms
  int standbys = 0;                                // num.standby.replicas
  int64_t acceptable_lag = 0;                      // acceptable.recovery.lag
  int max_warmups = 1;                             // max.warmup.replicas
  Duration probing_interval;                       // probing.rebalance.interval.ms
  bool persistent = true;                          // Stores outlive their process: RocksDB.
  Bytes cache;                                     // statestore.cache.max.bytes, of an instance.
  Duration linger;                                 // linger.ms
  Bytes batch_size;                                // batch.size
  Bytes buffer;                                    // buffer.memory
  Duration retry_backoff;
  Duration cpu_per_restored_record;
  Duration start_time;  // Of an instance that comes back, until it joins.
};

}  // namespace freshet

#endif  // FRESHET_MODELS_PROCESSING_STREAMS_CONFIG_H_
