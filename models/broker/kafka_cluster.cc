#include "models/broker/kafka_cluster.h"

#include "absl/strings/str_cat.h"
#include "models/control/placement.h"

namespace freshet {

KafkaCluster::KafkaCluster(Simulation& sim, absl::string_view name, Network* network,
                           const Config& config, ObjectStore* store)
    // Kafka mutes a channel from a request's arrival until its response is sent.
    : BrokerCluster(sim, name, config, /*most_unanswered=*/1),
      config_(config),
      network_(network),
      fenced_(config.brokers.size(), false),
      stopped_cleanly_(config.brokers.size(), false),
      log_dir_failed_at_(config.brokers.size()),
      recoveries_(config.brokers.size()),
      sending_throttled_until_(config.brokers.size()),
      receiving_throttled_until_(config.brokers.size()),
      remote_logs_(partitions_.size()),
      rebuild_left_before_(config.brokers.size()),
      rebuilding_(AddGauge(kRebuilding)),
      rebuild_left_(AddGauge(kRebuildLeft)),
      rebuild_projected_(AddGauge(kRebuildProjected)),
      falling_behind_(AddGauge(kFallingBehind)) {
  SIM_REQUIRE(!config.controllers.zones.empty());
  commits_each_batch_ = true;
  RunControllers(network);
  std::vector<uint32_t> zones;
  const size_t present = config.brokers.size() - static_cast<size_t>(config.absent_brokers);
  for (size_t i = 0; i < config.brokers.size(); ++i) {
    brokers_.push_back(std::make_unique<KafkaBroker>(sim, absl::StrCat(name, "/broker-", i + 1),
                                                     network, config.brokers[i]));
    nodes_.push_back(brokers_.back().get());
    if (i < present) {
      zones.push_back(config.brokers[i].zone);
    } else {
      brokers_.back()->Crash();
      fenced_[i] = stopped_cleanly_[i] = true;
    }
  }
  for (const TopicConfig& topic : config.topics) {
    SIM_REQUIRE(config.remote_log || !topic.local_retention);
  }
  if (config.remote_log) StartTiering(store, network);
  RandomStream placement = NewStream("placement");
  for (const TopicConfig& topic : config.topics) {
    const int start = static_cast<int>(placement.NextBelow(present));
    const int shift = static_cast<int>(placement.NextBelow(present));
    for (const std::vector<int32_t>& replicas :
         AssignReplicas(zones, topic.partitions, topic.replication_factor, start, shift)) {
      const auto id = static_cast<PartitionId>(replicated_.size());
      partitions_[id].leader = replicas[0];
      replicated_.emplace_back();
      for (const int32_t broker : replicas) {
        replicated_.back().replicas.emplace_back();
        replicated_.back().replicas.back().broker = broker;
        HoldHistory(id, replicated_.back().replicas.back());
      }
    }
  }
  PublishMetadata();
  StartFetchers();
  ScheduleSweep();
  ScheduleRetention();
  for (PartitionId id = 0; id < partitions_.size(); ++id) LeadRemote(id);
  sim.AddAudit([this] { Audit(); });
}

int KafkaCluster::InSyncCount(PartitionId partition) const {
  int count = 0;
  for (const Replica& replica : replicated_[partition].replicas) count += replica.in_sync;
  return count;
}

int64_t KafkaCluster::PartitionsOn(BrokerId broker) const {
  int64_t count = 0;
  for (const Replicated& partition : replicated_) {
    for (const Replica& replica : partition.replicas) count += replica.broker == broker;
  }
  return count;
}

void KafkaCluster::Audit() {
  AuditLogs();
  std::vector<Bytes> stored(brokers_.size());
  for (PartitionId id = 0; id < partitions_.size(); ++id) {
    const PartitionLog& log = partitions_[id].log;
    SIM_CHECK(
        partitions_[id].leader == (replicated_[id].leader < 0 ? kNoBroker : LeaderOf(id).broker),
        "inv.I9", absl::StrCat("two views of who leads partition ", id));
    for (const Replica& replica : replicated_[id].replicas) {
      stored[static_cast<size_t>(replica.broker)] += replica.stored();
      SIM_CHECK(replica.log_end < log.log_end_offset() || replica.position == log.end_position(),
                "inv.I9",
                absl::StrCat("replica ", replica.broker, " of partition ", id,
                             " has the whole log and not its bytes"));
      SIM_CHECK(replica.log_end <= log.log_end_offset(), "inv.I11",
                absl::StrCat("replica ", replica.broker, " of partition ", id, " is at ",
                             replica.log_end, ", past the log end ", log.log_end_offset()));
      SIM_CHECK(replica.readable <= std::min(log.high_watermark(), replica.log_end), "inv.I8",
                absl::StrCat("consumers may read partition ", id, " on broker ", replica.broker + 1,
                             " up to ", replica.readable, ", which is not committed there"));
      SIM_CHECK(!replica.in_sync || replica.lost || replica.log_end >= log.high_watermark(),
                "inv.I10",
                absl::StrCat("in-sync replica ", replica.broker, " of partition ", id, " is at ",
                             replica.log_end, ", below the high watermark ", log.high_watermark()));
    }
  }
  for (size_t i = 0; i < brokers_.size(); ++i) {
    // What is more are deleted files that are not unlinked yet.
    SIM_CHECK(stored[i] <= brokers_[i]->SegmentBytes(), "inv.I9",
              absl::StrCat("the replicas on broker ", i + 1, " hold more than its disks"));
    brokers_[i]->Audit();
  }
  AuditTiering();
}

}  // namespace freshet
