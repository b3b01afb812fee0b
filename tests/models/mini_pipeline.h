// A small Kafka pipeline with numbers that can be checked in the head, for tests of the models
// together: three brokers with disks of their own before the clients of pipeline.h.
#ifndef FRESHET_TESTS_MODELS_MINI_PIPELINE_H_
#define FRESHET_TESTS_MODELS_MINI_PIPELINE_H_

#include <memory>
#include <optional>
#include <vector>

#include "models/broker/kafka_cluster.h"
#include "tests/models/pipeline.h"

namespace freshet {

struct MiniSettings : PipelineSettings {
  KafkaBroker::Config broker;                // Each of them; zones go round.
  std::optional<Bytes> first_broker_volume;  // Its size, on the first broker only.
  KafkaCluster::Config cluster;
};

// Plausible machines: 8 cores, a card of 1 GB/s, a disk of 300 MB/s, 0.2 ms round trips.
inline MiniSettings Plausible() {
  MiniSettings s;
  static_cast<PipelineSettings&>(s) = PlausibleClients();
  static_cast<Broker::Config&>(s.broker) = PlausibleProcess();
  s.broker.volume = {BytesPerSecond(300'000'000), Sampler::Constant(100'000),
                     Sampler::Constant(100'000), Sampler::Constant(500'000)};
  s.broker.page_cache = {GiB(8), Ratio::Percent(10), Ratio::Percent(20), Seconds(5), Seconds(30)};

  s.cluster.replica_fetch_wait_max = Milliseconds(500);
  s.cluster.replica_fetch_min_bytes = Bytes(1);
  s.cluster.replica_fetch_max_bytes = MiB(1);
  s.cluster.replica_fetch_response_max_bytes = MiB(10);
  s.cluster.replica_lag_time_max = Seconds(30);
  PlausibleSession(&s.cluster);
  s.cluster.leader_imbalance_check_interval = Seconds(300);
  s.cluster.retention_check_interval = Minutes(5);
  s.cluster.file_delete_delay = Minutes(1);
  return s;
}

inline MiniSettings Instant() {
  MiniSettings s = Plausible();
  MakeInstant(&s);
  return s;
}

struct KafkaGround {
  explicit KafkaGround(const MiniSettings& settings)
      : sim(settings.seed), network(sim, "network", settings.network) {}

  KafkaCluster NewLog(const MiniSettings& settings) {
    const auto broker = [&settings](int i) {
      KafkaBroker::Config config = settings.broker;
      if (i == 0) config.volume_size = settings.first_broker_volume;
      return config;
    };
    return KafkaCluster(sim, "log", &network, ClusterOf<KafkaCluster::Config>(settings, broker));
  }

  Simulation sim;
  Network network;
};

class MiniPipeline : public TestPipeline<KafkaGround, KafkaCluster> {
 public:
  explicit MiniPipeline(const MiniSettings& settings) : TestPipeline(settings) {
    for (BrokerId broker = 0; broker < log.broker_count(); ++broker) {
      disk_handles.push_back(std::make_unique<DiskTarget>(&log, broker));
      nic_handles.push_back(std::make_unique<NicTarget>(&network, log.HostOf(broker)));
    }
  }

  std::vector<std::unique_ptr<DiskTarget>> disk_handles;
  std::vector<std::unique_ptr<NicTarget>> nic_handles;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_MODELS_MINI_PIPELINE_H_
