// A small leaderless pipeline with numbers that can be checked in the head: the clients of
// pipeline.h, stateless brokers, a coordinator and stores without chance.
#ifndef FRESHET_TESTS_MODELS_LEADERLESS_LEADERLESS_PIPELINE_H_
#define FRESHET_TESTS_MODELS_LEADERLESS_LEADERLESS_PIPELINE_H_

#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "models/broker/leaderless_cluster.h"
#include "models/fault/coordinator_target.h"
#include "models/fault/object_store_target.h"
#include "tests/models/pipeline.h"
#include "tests/models/storage/quiet_store.h"

namespace freshet {

struct LeaderlessSettings : PipelineSettings {
  ObjectStore::Config store;
  std::vector<ObjectStore::Config> zonal;  // Buckets of one zone each, for new files.
  LeaderlessBroker::Config broker;         // Each of them; zones go round.
  LeaderlessCluster::Config cluster;
  std::vector<Consumers::Config> groups;
};

// Inkless's timers and sizes (K42) on the machines of PlausibleProcess(); PUTs take 100 ms and GETs
// 20, commits 10 ms and look-ups 5.
inline LeaderlessSettings PlausibleLeaderless() {
  LeaderlessSettings s;
  static_cast<PipelineSettings&>(s) = PlausibleClients();
  s.topic.replication_factor = s.topic.min_in_sync_replicas = 1;
  s.store = QuietStore();

  static_cast<Broker::Config&>(s.broker) = PlausibleProcess();
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

  PlausibleSession(&s.cluster);
  s.cluster.retention_check_interval = Minutes(5);
  s.cluster.coordinator = {Sampler::Constant(10e6), Sampler::Constant(5e6), std::nullopt};
  s.cluster.merge_bytes = MiB(100);
  s.cluster.cleaner_interval = Minutes(5);
  s.cluster.deleted_file_retention = Minutes(1);
  s.cluster.orphan_age = Minutes(60);
  s.cluster.metadata_max_age = Minutes(5);
  s.cluster.history_file = MiB(100);
  return s;
}

// One broker, one partition, and nothing takes time but clients, stores and the coordinator.
inline LeaderlessSettings AloneLeaderless() {
  LeaderlessSettings s = PlausibleLeaderless();
  s.brokers = 1;
  s.topic.partitions = 1;
  MakeInstant(&s);
  s.store.stream_rate = Sampler::Constant(1e15);
  return s;
}

struct LeaderlessGround {
  explicit LeaderlessGround(const LeaderlessSettings& settings)
      : sim(settings.seed),
        network(sim, "network", settings.network),
        store(sim, "s3", settings.store) {
    for (size_t i = 0; i < settings.zonal.size(); ++i) {
      zonal.push_back(
          std::make_unique<ObjectStore>(sim, absl::StrCat("express-", i), settings.zonal[i]));
    }
  }

  LeaderlessCluster NewLog(const LeaderlessSettings& settings) {
    std::vector<Bucket> ingest;
    for (size_t i = 0; i < zonal.size(); ++i) {
      ingest.push_back({zonal[i].get(), static_cast<ZoneId>(i)});
    }
    if (ingest.empty()) ingest.push_back({&store, std::nullopt});
    return LeaderlessCluster(sim, "log", &network, ingest, {&store, std::nullopt},
                             ClusterOf<LeaderlessCluster::Config>(
                                 settings, [&settings](int) { return settings.broker; }));
  }

  Simulation sim;
  Network network;
  ObjectStore store;
  std::vector<std::unique_ptr<ObjectStore>> zonal;
};

class LeaderlessPipeline : public TestPipeline<LeaderlessGround, LeaderlessCluster> {
 public:
  explicit LeaderlessPipeline(const LeaderlessSettings& settings)
      : TestPipeline(settings), store_handle(&store), coordinator_handle(&log.coordinator()) {
    faults.SchedulePhases(Duration::Zero());  // Distributions leave out what comes before.
    for (const auto& bucket : zonal) {
      zonal_handles.push_back(std::make_unique<ObjectStoreTarget>(bucket.get()));
    }
    for (size_t i = 0; i < settings.groups.size(); ++i) {
      groups.push_back(std::make_unique<Consumers>(sim, absl::StrCat("audit-", i), &network, &log,
                                                   settings.groups[i]));
      groups.back()->Start();
    }
  }

  int64_t Group(const MetricDef& def, size_t group = 0) const {
    return ValueOf(sim, *groups[group], def);
  }
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

  std::vector<std::unique_ptr<Consumers>> groups;
  ObjectStoreTarget store_handle;
  CoordinatorTarget coordinator_handle;
  std::vector<std::unique_ptr<ObjectStoreTarget>> zonal_handles;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_MODELS_LEADERLESS_LEADERLESS_PIPELINE_H_
