// A small Kafka pipeline with numbers that can be checked in the head, for tests of the models
// together: three brokers, a topic "t", producers "shop" and consumers "audit".
//
// A record is 1024 bytes as stored (1014 and ten of overhead), and batch.size holds sixteen of
// them.
#ifndef FRESHET_TESTS_MODELS_MINI_PIPELINE_H_
#define FRESHET_TESTS_MODELS_MINI_PIPELINE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/broker/kafka_cluster.h"
#include "models/client/consumers.h"
#include "models/client/producers.h"
#include "models/fault/fault.h"
#include "models/fault/targets.h"
#include "models/network/network.h"
#include "models/workload/rate_function.h"
#include "sim/simulation.h"
#include "tests/models/metrics.h"

namespace freshet {

inline constexpr Bytes kEventSize(1014);
inline constexpr Bytes kStoredSize(1024);
inline constexpr int64_t kRecordsPerBatch = 16;
inline constexpr Bytes kBatchSize(61 + 16 * 1024);

inline std::shared_ptr<const RateFunction> Steady(int64_t per_second) {
  return std::make_shared<RateFunction>(RateFunction::Constant(Rate::PerSecond(per_second)));
}
// `per_second` until `stop`, then nothing: what is under way comes to an end.
inline std::shared_ptr<const RateFunction> Until(Duration stop, int64_t per_second) {
  return std::make_shared<RateFunction>(RateFunction::FromPieces(
      {{Duration::Zero(), Rate::PerSecond(per_second)}, {stop, Rate::PerSecond(0)}}));
}

struct MiniSettings {
  uint64_t seed = 92;
  Network::Config network;
  KafkaBroker::Config broker;  // Each of them; zones go round.
  int brokers = 3;
  std::optional<Bytes> first_broker_volume;  // Its size, on the first broker only.
  KafkaCluster::Config cluster;
  TopicConfig topic;
  Producers::Config producers;
  std::optional<Consumers::Config> consumers;
};

// Plausible machines: 8 cores, a card of 1 GB/s, a disk of 300 MB/s, 0.2 ms round trips.
inline MiniSettings Plausible() {
  MiniSettings s;
  s.network.zones = {"a"};
  s.network.rtt_within_zone = Sampler::Constant(200'000);
  s.network.rtt_across_zones = Sampler::Constant(1'000'000);

  s.broker.vcpus = 8;
  s.broker.io_threads = 8;
  s.broker.network_bandwidth = BytesPerSecond(1'000'000'000);
  s.broker.cpu_per_request = Microseconds(50);
  s.broker.cpu_per_mib = Milliseconds(5);
  s.broker.volume = {BytesPerSecond(300'000'000), Sampler::Constant(100'000),
                     Sampler::Constant(100'000), Sampler::Constant(500'000)};
  s.broker.page_cache = {GiB(8), Ratio::Percent(10), Ratio::Percent(20), Seconds(5), Seconds(30)};

  s.topic.name = "t";
  s.topic.partitions = 6;
  s.topic.replication_factor = 3;
  s.topic.min_in_sync_replicas = 2;

  s.cluster.replica_fetch_wait_max = Milliseconds(500);
  s.cluster.replica_fetch_min_bytes = Bytes(1);
  s.cluster.replica_fetch_max_bytes = MiB(1);
  s.cluster.replica_fetch_response_max_bytes = MiB(10);
  s.cluster.replica_lag_time_max = Seconds(30);
  s.cluster.broker_session_timeout = Seconds(9);
  s.cluster.broker_heartbeat_interval = Seconds(2);
  s.cluster.leader_imbalance_check_interval = Seconds(300);
  s.cluster.retention_check_interval = Minutes(5);
  s.cluster.file_delete_delay = Minutes(1);

  s.producers.topic = "t";
  s.producers.client_zones = {0};
  s.producers.network_bandwidth = BytesPerSecond(1'000'000'000);
  s.producers.rate = Steady(1000);
  s.producers.arrivals = ArrivalLaw::kConstant;
  s.producers.event_size = EventSizes::Constant(kEventSize);
  s.producers.sticky = StickyRule::kPerBatch;
  s.producers.linger = Milliseconds(5);
  s.producers.batch_size = kBatchSize;
  s.producers.buffer_memory = MiB(32);
  s.producers.max_block = Seconds(60);
  s.producers.retry_backoff = Milliseconds(100);
  s.producers.retry_backoff_max = Seconds(1);
  s.producers.request_timeout = Seconds(30);
  s.producers.delivery_timeout = Seconds(120);
  s.producers.max_request_size = MiB(1);
  return s;
}

// Nothing but the clients takes time: no round trip, no work, cards and disks without end.
inline MiniSettings Instant() {
  MiniSettings s = Plausible();
  s.network.rtt_within_zone = s.network.rtt_across_zones = Sampler::Constant(0);
  s.broker.cpu_per_request = s.broker.cpu_per_mib = Duration::Zero();
  s.broker.network_bandwidth = s.producers.network_bandwidth = BytesPerSecond(int64_t{1} << 45);
  return s;
}

inline Consumers::Config Reading(int members = 1) {
  Consumers::Config config;
  config.topic = "t";
  config.member_zones.assign(static_cast<size_t>(members), 0);
  config.network_bandwidth = BytesPerSecond(1'000'000'000);
  config.start_from = StartFrom::kEarliest;
  config.fetch_min_bytes = Bytes(1);
  config.fetch_max_wait = Milliseconds(500);
  config.fetch_max_bytes = MiB(50);
  config.max_partition_fetch_bytes = MiB(1);
  config.auto_commit = false;
  config.auto_commit_interval = Seconds(5);
  return config;
}

class MiniPipeline {
 public:
  explicit MiniPipeline(const MiniSettings& settings)
      : sim(settings.seed),
        network(sim, "network", settings.network),
        log(sim, "log", &network, ClusterOf(settings)),
        producers(sim, "shop", &network, &log, settings.producers),
        faults(sim, "faults") {
    for (BrokerId broker = 0; broker < log.broker_count(); ++broker) {
      broker_handles.push_back(std::make_unique<BrokerTarget>(&log, broker));
      disk_handles.push_back(std::make_unique<DiskTarget>(&log, broker));
      nic_handles.push_back(std::make_unique<NicTarget>(&network, log.HostOf(broker)));
    }
    if (settings.consumers) {
      consumers = std::make_unique<Consumers>(sim, "audit", &network, &log, *settings.consumers);
    }
  }

  void Start() {
    started_ = true;
    producers.Start();
    if (consumers != nullptr) consumers->Start();
  }
  // Until `end` of simulated time; starts what has not been started.
  void Run(Duration end) {
    if (!started_) Start();
    sim.RunUntil(Time() + end);
  }

  void Fault(FaultVerb verb, FaultTarget* on, Duration at, Duration lasts,
             BytesPerSecond rate = BytesPerSecond(1), Ratio factor = Ratio::One()) {
    FaultPlan plan;
    plan.verb = verb;
    plan.on = on;
    plan.at = Time() + at;
    plan.lasts = lasts;
    plan.rate = rate;
    plan.factor = factor;
    faults.Schedule(plan);
  }

  int64_t Producer(const MetricDef& def) const { return ValueOf(sim, producers, def); }
  int64_t Consumer(const MetricDef& def) const { return ValueOf(sim, *consumers, def); }
  int64_t Log(const MetricDef& def) const { return ValueOf(sim, log, def); }
  Histogram ProducerHistogram(const MetricDef& def) const {
    return HistogramOf(sim, producers, def);
  }
  // Records that the log holds, over all partitions.
  int64_t RecordsInLog() const {
    int64_t records = 0;
    for (PartitionId p = 0; p < Partitions(); ++p) records += log.LogOf(p).log_end_offset();
    return records;
  }
  PartitionId Partitions() const { return static_cast<PartitionId>(log.PartitionsOf("t").count); }
  int LedBy(BrokerId broker) const {
    int count = 0;
    for (const BrokerId leader : log.CurrentMetadata(0)->leader) count += leader == broker;
    return count;
  }

  Simulation sim;
  Network network;
  KafkaCluster log;
  Producers producers;
  std::unique_ptr<Consumers> consumers;
  FaultInjector faults;
  std::vector<std::unique_ptr<BrokerTarget>> broker_handles;
  std::vector<std::unique_ptr<DiskTarget>> disk_handles;
  std::vector<std::unique_ptr<NicTarget>> nic_handles;

 private:
  static KafkaCluster::Config ClusterOf(const MiniSettings& settings) {
    KafkaCluster::Config config = settings.cluster;
    const auto zones = static_cast<uint32_t>(settings.network.zones.size());
    for (int i = 0; i < settings.brokers; ++i) {
      config.brokers.push_back(settings.broker);
      config.brokers.back().zone = static_cast<ZoneId>(i) % zones;
      if (i == 0) config.brokers.back().volume_size = settings.first_broker_volume;
    }
    config.topics = {settings.topic};
    return config;
  }

  bool started_ = false;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_MODELS_MINI_PIPELINE_H_
