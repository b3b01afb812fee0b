// What small pipelines of every broker design have in common, for tests of the models together: a
// topic "t", producers "shop", consumers "audit", faults, and questions about what came of it.
//
// A record is 1024 bytes as stored (1014 and ten of overhead), and batch.size holds sixteen of
// them.
#ifndef FRESHET_TESTS_MODELS_PIPELINE_H_
#define FRESHET_TESTS_MODELS_PIPELINE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "models/broker/broker_cluster.h"
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

// What every design is told.
struct PipelineSettings {
  uint64_t seed = 92;
  Network::Config network;
  int brokers = 3;
  TopicConfig topic;
  std::vector<TopicConfig> more_topics;  // Behind it.
  Producers::Config producers;
  std::optional<Consumers::Config> consumers;
};

// Plausible clients and round trips of 0.2 ms; six partitions on three replicas.
inline PipelineSettings PlausibleClients() {
  PipelineSettings s;
  s.network.zones = {"a"};
  s.network.rtt_within_zone = Sampler::Constant(200'000);
  s.network.rtt_across_zones = Sampler::Constant(1'000'000);

  s.topic.name = "t";
  s.topic.partitions = 6;
  s.topic.replication_factor = 3;
  s.topic.min_in_sync_replicas = 2;

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

// Eight cores and a card of 1 GB/s.
inline Broker::Config PlausibleProcess() {
  Broker::Config process;
  process.vcpus = 8;
  process.io_threads = 8;
  process.network_bandwidth = BytesPerSecond(1'000'000'000);
  process.cpu_per_request = Microseconds(50);
  process.cpu_per_mib = Milliseconds(5);
  return process;
}

// Nothing but the clients takes time: no round trip, no work, cards without end.
template <class Settings>
void MakeInstant(Settings* s) {
  s->network.rtt_within_zone = s->network.rtt_across_zones = Sampler::Constant(0);
  s->broker.cpu_per_request = s->broker.cpu_per_mib = Duration::Zero();
  s->broker.network_bandwidth = s->producers.network_bandwidth = BytesPerSecond(int64_t{1} << 45);
}

// A session of 9 s with a heartbeat every two; three controllers.
inline void PlausibleSession(BrokerCluster::Config* cluster) {
  cluster->broker_session_timeout = Seconds(9);
  cluster->broker_heartbeat_interval = Seconds(2);
  cluster->controllers.network_bandwidth = BytesPerSecond(1'000'000'000);
  cluster->metadata_idle_interval = Milliseconds(500);
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

// A cluster's config with a broker for each of settings.brokers; zones go round. `broker(i)` is the
// config of the i-th.
template <class Config, class Settings, class BrokerOf>
Config ClusterOf(const Settings& settings, BrokerOf broker) {
  Config config = settings.cluster;
  const auto zones = static_cast<uint32_t>(settings.network.zones.size());
  for (int i = 0; i < settings.brokers; ++i) {
    config.brokers.push_back(broker(i));
    config.brokers.back().zone = static_cast<ZoneId>(i) % zones;
  }
  for (ZoneId i = 0; i < 3; ++i) config.controllers.zones.push_back(i % zones);
  config.topics = {settings.topic};
  config.topics.insert(config.topics.end(), settings.more_topics.begin(),
                       settings.more_topics.end());
  return config;
}

// `Ground` is what stands before the brokers: it has sim and network, is made of the settings, and
// its NewLog(settings) makes the cluster.
template <class Ground, class Cluster>
class TestPipeline : public Ground {
 public:
  template <class Settings>
  explicit TestPipeline(const Settings& settings)
      : Ground(settings),
        log(Ground::NewLog(settings)),
        producers(this->sim, "shop", &this->network, &log, settings.producers),
        faults(this->sim, "faults") {
    for (BrokerId broker = 0; broker < log.broker_count(); ++broker) {
      broker_handles.push_back(std::make_unique<BrokerTarget>(&log, broker));
    }
    if (settings.consumers) {
      consumers = std::make_unique<Consumers>(this->sim, "audit", &this->network, &log,
                                              *settings.consumers);
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
    this->sim.RunUntil(Time() + end);
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
  void Down(FaultTarget* on, Duration at, Duration lasts) {
    Fault(FaultVerb::kDown, on, at, lasts);
  }
  FaultTarget* Broker(BrokerId id) { return broker_handles[static_cast<size_t>(id)].get(); }

  int64_t Producer(const MetricDef& def) const { return ValueOf(this->sim, producers, def); }
  int64_t Consumer(const MetricDef& def) const { return ValueOf(this->sim, *consumers, def); }
  int64_t Log(const MetricDef& def) const { return ValueOf(this->sim, log, def); }
  Histogram ProducerHistogram(const MetricDef& def) const {
    return HistogramOf(this->sim, producers, def);
  }
  PartitionId Partitions() const { return static_cast<PartitionId>(log.PartitionsOf("t").count); }
  // Over all partitions.
  int64_t RecordsInLog() const {
    int64_t records = 0;
    for (PartitionId p = 0; p < Partitions(); ++p) records += log.LogOf(p).log_end_offset();
    return records;
  }
  Bytes BytesInLog() const {
    Bytes bytes;
    for (PartitionId p = 0; p < Partitions(); ++p) bytes += log.LogOf(p).bytes();
    return bytes;
  }
  int LedBy(BrokerId broker) const {
    int count = 0;
    for (const BrokerId leader : log.CurrentMetadata(0)->leader) count += leader == broker;
    return count;
  }

  Cluster log;
  Producers producers;
  std::unique_ptr<Consumers> consumers;
  FaultInjector faults;
  std::vector<std::unique_ptr<BrokerTarget>> broker_handles;

 private:
  bool started_ = false;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_MODELS_PIPELINE_H_
