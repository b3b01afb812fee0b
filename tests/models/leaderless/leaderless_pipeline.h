// A small leaderless pipeline with numbers that can be checked in the head: the clients of
// mini_pipeline.h, stateless brokers, a coordinator and stores without chance.
#ifndef FRESHET_TESTS_MODELS_LEADERLESS_LEADERLESS_PIPELINE_H_
#define FRESHET_TESTS_MODELS_LEADERLESS_LEADERLESS_PIPELINE_H_

#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "models/broker/leaderless_cluster.h"
#include "models/fault/coordinator_target.h"
#include "models/fault/object_store_target.h"
#include "tests/models/mini_pipeline.h"
#include "tests/models/storage/quiet_store.h"

namespace freshet {

struct LeaderlessSettings {
  uint64_t seed = 92;
  Network::Config network;
  ObjectStore::Config store;
  std::vector<ObjectStore::Config> zonal;  // Buckets of one zone each, for new files.
  LeaderlessBroker::Config broker;         // Each of them; zones go round.
  int brokers = 3;
  LeaderlessCluster::Config cluster;
  TopicConfig topic;
  Producers::Config producers;
  std::vector<Consumers::Config> consumers;  // Groups.
};

// Inkless's timers and sizes (K42) on the machines of Plausible(); PUTs take 100 ms and GETs 20,
// commits 10 ms and look-ups 5.
inline LeaderlessSettings PlausibleLeaderless() {
  const MiniSettings mini = Plausible();
  LeaderlessSettings s;
  s.network = mini.network;
  s.topic = mini.topic;
  s.topic.replication_factor = s.topic.min_in_sync_replicas = 1;
  s.producers = mini.producers;
  s.store = QuietStore();

  static_cast<Broker::Config&>(s.broker) = mini.broker;
  s.broker.batch_interval = Milliseconds(250);
  s.broker.batch_bytes = MiB(8);
  s.broker.upload_threads = 8;
  s.broker.files.object_client = ObjectClient::Defaults(8);
  s.broker.files.part_size = MiB(16);
  s.broker.files.attempts = 3;
  s.broker.files.backoff = Milliseconds(10);
  s.broker.reader = {MiB(16), 1000, Seconds(60), 32, 16, Seconds(60), Rate::PerSecond(200)};
  s.broker.merger = {Seconds(60), MiB(16)};
  s.broker.keeps_written = true;

  s.cluster.broker_session_timeout = Seconds(9);
  s.cluster.broker_heartbeat_interval = Seconds(2);
  s.cluster.coordinator = {Sampler::Constant(10e6), Sampler::Constant(5e6), std::nullopt};
  s.cluster.merge_bytes = MiB(100);
  s.cluster.retention_interval = Minutes(5);
  s.cluster.cleaner_interval = Minutes(5);
  s.cluster.deleted_file_retention = Minutes(1);
  s.cluster.orphan_age = Minutes(60);
  s.cluster.metadata_max_age = Minutes(5);
  s.cluster.history_file = MiB(100);
  return s;
}

// One broker, one partition, and nothing takes time but clients, stores and the coordinator.
inline LeaderlessSettings AloneLeaderless() {
  const MiniSettings instant = Instant();
  LeaderlessSettings s = PlausibleLeaderless();
  s.brokers = 1;
  s.topic.partitions = 1;
  s.network = instant.network;
  s.producers = instant.producers;
  s.broker.cpu_per_request = s.broker.cpu_per_mib = Duration::Zero();
  s.broker.network_bandwidth = BytesPerSecond(int64_t{1} << 45);
  s.store.stream_rate = Sampler::Constant(1e15);
  return s;
}

class LeaderlessPipeline {
 public:
  explicit LeaderlessPipeline(const LeaderlessSettings& settings)
      : sim(settings.seed),
        network(sim, "network", settings.network),
        store(sim, "s3", settings.store),
        zonal(ZonalOf(sim, settings)),
        log(sim, "log", &network, IngestOf(), {&store, std::nullopt}, ClusterOf(settings)),
        producers(sim, "shop", &network, &log, settings.producers),
        faults(sim, "faults"),
        store_handle(&store),
        coordinator_handle(&log.coordinator()) {
    for (BrokerId broker = 0; broker < log.broker_count(); ++broker) {
      broker_handles.push_back(std::make_unique<BrokerTarget>(&log, broker));
    }
    for (const auto& bucket : zonal) {
      zonal_handles.push_back(std::make_unique<ObjectStoreTarget>(bucket.get()));
    }
    for (size_t i = 0; i < settings.consumers.size(); ++i) {
      consumers.push_back(std::make_unique<Consumers>(sim, absl::StrCat("audit-", i), &network,
                                                      &log, settings.consumers[i]));
    }
  }

  // Until `end` of simulated time; starts what has not been started.
  void Run(Duration end) {
    if (!started_) {
      started_ = true;
      faults.SchedulePhases(Duration::Zero());
      producers.Start();
      for (const auto& group : consumers) group->Start();
    }
    sim.RunUntil(Time() + end);
  }
  void Fault(FaultVerb verb, FaultTarget* on, Duration at, Duration lasts,
             Ratio factor = Ratio::One()) {
    FaultPlan plan;
    plan.verb = verb;
    plan.on = on;
    plan.at = Time() + at;
    plan.lasts = lasts;
    plan.factor = factor;
    faults.Schedule(plan);
  }
  void Down(FaultTarget* on, Duration at, Duration lasts) {
    Fault(FaultVerb::kDown, on, at, lasts);
  }
  FaultTarget* Broker(BrokerId id) { return broker_handles[static_cast<size_t>(id)].get(); }

  int64_t Producer(const MetricDef& def) const { return ValueOf(sim, producers, def); }
  int64_t Consumer(const MetricDef& def, size_t group = 0) const {
    return ValueOf(sim, *consumers[group], def);
  }
  int64_t Log(const MetricDef& def) const { return ValueOf(sim, log, def); }
  int64_t Store(const MetricDef& def) const { return ValueOf(sim, store, def); }
  int64_t OfBroker(BrokerId id, const MetricDef& def) const {
    return ValueOf(sim, log.broker(id), def);
  }
  int64_t OfReaders(const MetricDef& def) {
    int64_t sum = 0;
    for (BrokerId id = 0; id < log.broker_count(); ++id) {
      sum += ValueOf(sim, log.broker(id).reader(), def);
    }
    return sum;
  }
  int64_t BytesOut(ObjectCause cause) const {
    return Store(ObjectStore::kBytesOut[static_cast<size_t>(cause)]);
  }
  int64_t BytesIn(ObjectCause cause) const {
    return Store(ObjectStore::kBytesIn[static_cast<size_t>(cause)]);
  }
  PartitionId Partitions() const { return static_cast<PartitionId>(log.PartitionsOf("t").count); }
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
  // Bytes of a cause that left one zone for another.
  int64_t AcrossZones(TrafficCause cause) const {
    int64_t bytes = 0;
    const auto zones = static_cast<ZoneId>(network.zone_count());
    for (ZoneId from = 0; from < zones; ++from) {
      for (ZoneId to = 0; to < zones; ++to) {
        for (int phase = 0; from != to && phase < kPhaseCount; ++phase) {
          bytes += network.BytesBetween(from, to, cause, static_cast<Phase>(phase));
        }
      }
    }
    return bytes;
  }

  Simulation sim;
  Network network;
  ObjectStore store;
  std::vector<std::unique_ptr<ObjectStore>> zonal;
  LeaderlessCluster log;
  Producers producers;
  std::vector<std::unique_ptr<Consumers>> consumers;
  FaultInjector faults;
  ObjectStoreTarget store_handle;
  CoordinatorTarget coordinator_handle;
  std::vector<std::unique_ptr<BrokerTarget>> broker_handles;
  std::vector<std::unique_ptr<ObjectStoreTarget>> zonal_handles;

 private:
  static std::vector<std::unique_ptr<ObjectStore>> ZonalOf(Simulation& sim,
                                                           const LeaderlessSettings& settings) {
    std::vector<std::unique_ptr<ObjectStore>> stores;
    for (size_t i = 0; i < settings.zonal.size(); ++i) {
      stores.push_back(
          std::make_unique<ObjectStore>(sim, absl::StrCat("express-", i), settings.zonal[i]));
    }
    return stores;
  }
  std::vector<Bucket> IngestOf() {
    std::vector<Bucket> buckets;
    for (size_t i = 0; i < zonal.size(); ++i) {
      buckets.push_back({zonal[i].get(), static_cast<ZoneId>(i)});
    }
    if (buckets.empty()) buckets.push_back({&store, std::nullopt});
    return buckets;
  }
  static LeaderlessCluster::Config ClusterOf(const LeaderlessSettings& settings) {
    LeaderlessCluster::Config config = settings.cluster;
    const auto zones = static_cast<uint32_t>(settings.network.zones.size());
    for (int i = 0; i < settings.brokers; ++i) {
      config.brokers.push_back(settings.broker);
      config.brokers.back().zone = static_cast<ZoneId>(i) % zones;
    }
    config.topics = {settings.topic};
    return config;
  }

  bool started_ = false;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_MODELS_LEADERLESS_LEADERLESS_PIPELINE_H_
