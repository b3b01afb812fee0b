// A small shared-storage pipeline with numbers that can be checked in the head: the clients of
// mini_pipeline.h, brokers of the S3Stream kind, and a store without chance.
#ifndef FRESHET_TESTS_MODELS_S3STREAM_S3STREAM_PIPELINE_H_
#define FRESHET_TESTS_MODELS_S3STREAM_S3STREAM_PIPELINE_H_

#include <memory>
#include <optional>
#include <vector>

#include "models/broker/s3stream_cluster.h"
#include "models/fault/object_store_target.h"
#include "tests/models/mini_pipeline.h"
#include "tests/models/storage/quiet_store.h"

namespace freshet {

struct S3Settings {
  uint64_t seed = 92;
  Network::Config network;
  ObjectStore::Config store;
  S3StreamBroker::Config broker;  // Each of them; zones go round.
  int brokers = 3;
  S3StreamCluster::Config cluster;
  TopicConfig topic;
  Producers::Config producers;
  std::optional<Consumers::Config> consumers;
};

// AutoMQ's timers and sizes (AMQSRC) on the machines of Plausible(); log cache 1200 MiB, so that a
// block of it is 400 MiB.
inline S3Settings PlausibleS3() {
  const MiniSettings mini = Plausible();
  S3Settings s;
  s.network = mini.network;
  s.topic = mini.topic;
  s.topic.replication_factor = s.topic.min_in_sync_replicas = 1;
  s.producers = mini.producers;
  s.producers.max_in_flight = 50;  // Or an answer every 350 ms would limit them.
  s.store = QuietStore();

  static_cast<Broker::Config&>(s.broker) = mini.broker;
  s.broker.inbound = {MiBPerSecond(1024), Milliseconds(10), GiB(1)};
  s.broker.outbound = {MiBPerSecond(1024), Milliseconds(10), GiB(5)};
  s.broker.object_client = ObjectClient::Defaults(8);
  s.broker.part_size = MiB(16);
  s.broker.wal = S3Wal::Config{Milliseconds(250), Milliseconds(10), MiB(8), 50, GiB(1),
                               S3Wal::kNever,     MiB(100)};
  s.broker.log_cache = MiB(1200);
  s.broker.upload_threshold = MiB(500);
  s.broker.upload_interval = Seconds(60);
  s.broker.uploader = {MiB(8), Sampler::Constant(10e6)};
  s.broker.reader = {MiB(600), KiB(512), MiB(4), KiB(512), MiB(32), Minutes(1), Minutes(1)};
  s.broker.compactor = {Minutes(5), Minutes(30), MiB(8),
                        MiB(128),   MiB(16),     Sampler::Constant(10e6)};

  s.cluster.broker_session_timeout = Seconds(9);
  s.cluster.broker_heartbeat_interval = Seconds(2);
  s.cluster.failover_scan_interval = Seconds(1);
  s.cluster.open_time = Milliseconds(1500);
  s.cluster.deleted_object_retention = Minutes(1);
  s.cluster.prepared_object_ttl = Minutes(60);
  return s;
}

class S3Pipeline {
 public:
  explicit S3Pipeline(const S3Settings& settings)
      : sim(settings.seed),
        network(sim, "network", settings.network),
        store(sim, "s3", settings.store),
        log(sim, "log", &network, &store, ClusterOf(settings)),
        producers(sim, "shop", &network, &log, settings.producers),
        faults(sim, "faults"),
        store_handle(&store) {
    for (BrokerId broker = 0; broker < log.broker_count(); ++broker) {
      broker_handles.push_back(std::make_unique<BrokerTarget>(&log, broker));
    }
    if (settings.consumers) {
      consumers = std::make_unique<Consumers>(sim, "audit", &network, &log, *settings.consumers);
    }
  }

  // Until `end` of simulated time; starts what has not been started.
  void Run(Duration end) {
    if (!started_) {
      started_ = true;
      faults.SchedulePhases(Duration::Zero());
      producers.Start();
      if (consumers != nullptr) consumers->Start();
    }
    sim.RunUntil(Time() + end);
  }
  void Down(FaultTarget* on, Duration at, Duration lasts) {
    FaultPlan plan;
    plan.verb = FaultVerb::kDown;
    plan.on = on;
    plan.at = Time() + at;
    plan.lasts = lasts;
    faults.Schedule(plan);
  }
  FaultTarget* Broker(BrokerId id) { return broker_handles[static_cast<size_t>(id)].get(); }

  int64_t Producer(const MetricDef& def) const { return ValueOf(sim, producers, def); }
  int64_t Consumer(const MetricDef& def) const { return ValueOf(sim, *consumers, def); }
  int64_t Log(const MetricDef& def) const { return ValueOf(sim, log, def); }
  int64_t Store(const MetricDef& def) const { return ValueOf(sim, store, def); }
  // Of the broker itself, and summed over all brokers.
  int64_t OfBroker(BrokerId id, const MetricDef& def) const {
    return ValueOf(sim, log.broker(id), def);
  }
  int64_t OfBrokers(const MetricDef& def) const {
    int64_t sum = 0;
    for (BrokerId id = 0; id < log.broker_count(); ++id) sum += OfBroker(id, def);
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
  int LedBy(BrokerId broker) const {
    int count = 0;
    for (const BrokerId leader : log.CurrentMetadata(0)->leader) count += leader == broker;
    return count;
  }

  Simulation sim;
  Network network;
  ObjectStore store;
  S3StreamCluster log;
  Producers producers;
  std::unique_ptr<Consumers> consumers;
  FaultInjector faults;
  ObjectStoreTarget store_handle;
  std::vector<std::unique_ptr<BrokerTarget>> broker_handles;

 private:
  static S3StreamCluster::Config ClusterOf(const S3Settings& settings) {
    S3StreamCluster::Config config = settings.cluster;
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

#endif  // FRESHET_TESTS_MODELS_S3STREAM_S3STREAM_PIPELINE_H_
