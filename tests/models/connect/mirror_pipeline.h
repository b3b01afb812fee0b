// Two clusters of three Kafka brokers, east and west, and a mirror that copies the topic "t" of the
// one into "copy" of the other; a group "audit" and a fleet "shop" with their images. Nothing takes
// time but what a test says.
#ifndef FRESHET_TESTS_MODELS_CONNECT_MIRROR_PIPELINE_H_
#define FRESHET_TESTS_MODELS_CONNECT_MIRROR_PIPELINE_H_

#include <memory>
#include <utility>
#include <vector>

#include "models/connect/mirror.h"
#include "models/connect/mirror_cutover.h"
#include "tests/models/group/group_pipeline.h"

namespace freshet {

struct MirrorSettings : MiniSettings {
  Mirror::Config mirror;
};

// One partition, a hundred records a second until `stop`, each a batch of its own; so many workers
// in the west with one task.
inline MirrorSettings Mirrored(int workers, Duration stop, Duration across = Duration::Zero()) {
  MirrorSettings s;
  static_cast<MiniSettings&>(s) = Subscribed(1);
  s.network.zones = {"east", "west"};
  s.network.region_of = {0, 1};
  s.network.rtt_within_zone = Sampler::Constant(0);
  s.network.rtt_across_regions = Sampler::Constant(across.nanos());
  s.network.has_mirror = true;
  s.topic.partitions = 1;
  s.producers.rate = Until(stop, 100);
  s.producers.linger = Duration::Zero();
  Mirror::Config& mirror = s.mirror;
  mirror.worker_zones.assign(static_cast<size_t>(workers), 1);
  mirror.network_bandwidth = BytesPerSecond(int64_t{1} << 45);
  mirror.session_timeout = Seconds(10);
  mirror.max_delay = Seconds(60);
  mirror.flush_interval = Seconds(60);
  mirror.checkpoint_interval = Seconds(60);
  mirror.refresh_interval = Minutes(10);
  mirror.buffer_memory = MiB(32);
  mirror.writes = "copy";
  mirror.consumers = Reading();
  mirror.consumers.max_poll_records = 500;
  return s;
}

struct EastGround : KafkaGround {
  using KafkaGround::KafkaGround;
  // Of three brokers in one zone. `topics` in place of those of the settings, if there are any.
  static KafkaCluster::Config In(ZoneId zone, const MiniSettings& settings) {
    auto config =
        ClusterOf<KafkaCluster::Config>(settings, [&settings](int) { return settings.broker; });
    for (KafkaBroker::Config& broker : config.brokers) broker.zone = zone;
    for (ZoneId& controller : config.controllers.zones) controller = zone;
    return config;
  }
  KafkaCluster NewLog(const MiniSettings& settings) {
    return KafkaCluster(sim, "log", &network, In(0, settings), nullptr);
  }
};

class MirrorPipeline : public TestPipeline<EastGround, KafkaCluster> {
 public:
  explicit MirrorPipeline(const MirrorSettings& settings) : TestPipeline(settings) {
    faults.SchedulePhases(Duration::Zero());
    MiniSettings west = settings;
    west.topic.name = "copy";
    far = std::make_unique<KafkaCluster>(sim, "far", &network, EastGround::In(1, west), nullptr);
    for (BrokerId broker = 0; broker < far->broker_count(); ++broker) {
      far_handles.push_back(std::make_unique<BrokerTarget>(far.get(), broker));
    }
    mirror = std::make_unique<Mirror>(sim, "mirror", &network, &log, far.get(), settings.mirror);
    Consumers::Config readers = *settings.consumers;
    readers.topic = "copy";
    readers.member_zones = {1};
    image = std::make_unique<Consumers>(sim, "audit-far", &network, far.get(), readers);
    Producers::Config writers = settings.producers;
    writers.topic = "copy";
    writers.client_zones = {1};
    moved = std::make_unique<Producers>(sim, "shop-far", &network, far.get(), writers);
    mirror->AddGroup(consumers.get(), image.get());
    cutover = std::make_unique<MirrorCutover>(
        sim, "mirror/cutover", mirror.get(),
        std::vector<MirrorCutover::Group>{{consumers.get(), image.get(), readers.start_from}},
        std::vector<MirrorCutover::Fleet>{{&producers, moved.get()}});
    mirror->Start();
  }

  void CutoverAt(Duration at, bool drain, Duration restart) {
    sim.At<"test.cutover">(Time() + at, 0, [this, drain, restart] {
      cutover->Cutover(drain, restart, [this] { ended = sim.Now(); });
    });
  }
  void RollbackAt(Duration at, Duration restart) {
    sim.At<"test.rollback">(Time() + at, 0, [this, restart] {
      cutover->Rollback(restart, [this] { ended = sim.Now(); });
    });
  }
  int64_t OfMirror(const MetricDef& def) const { return ValueOf(sim, *mirror, def); }
  int64_t OfCutover(const MetricDef& def) const { return ValueOf(sim, *cutover, def); }
  int64_t InCopy() const {
    int64_t records = 0;
    for (int p = 0; p < mirror->partition_count(); ++p) {
      records += far->LogOf(mirror->CopyOf(p)).high_watermark();
    }
    return records;
  }

  std::unique_ptr<KafkaCluster> far;
  std::vector<std::unique_ptr<BrokerTarget>> far_handles;
  std::unique_ptr<Mirror> mirror;
  std::unique_ptr<Consumers> image;
  std::unique_ptr<Producers> moved;
  std::unique_ptr<MirrorCutover> cutover;
  Time ended;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_MODELS_CONNECT_MIRROR_PIPELINE_H_
