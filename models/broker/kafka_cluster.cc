#include "models/broker/kafka_cluster.h"

#include "absl/strings/str_cat.h"
#include "models/control/placement.h"

namespace freshet {

KafkaCluster::KafkaCluster(Simulation& sim, absl::string_view name, Network* network,
                           const Config& config)
    : Component(sim, name),
      config_(config),
      network_(network),
      fenced_(config.brokers.size(), false),
      heartbeat_phase_(NewStream("heartbeat-phase")),
      under_replicated_(AddGauge(kUnderReplicated)),
      offline_(AddGauge(kOffline)),
      elections_(AddCounter(kElections)),
      lost_acked_(AddCounter(kLostAcked)),
      duplicates_(AddCounter(kDuplicates)),
      appended_(AddCounter(kAppended)),
      lane_(sim.recorder().AddLane(name)) {
  std::vector<uint32_t> zones;
  for (size_t i = 0; i < config.brokers.size(); ++i) {
    brokers_.push_back(std::make_unique<KafkaBroker>(sim, absl::StrCat(name, "/broker-", i + 1),
                                                     network, config.brokers[i]));
    zones.push_back(config.brokers[i].zone);
  }
  RandomStream placement = NewStream("placement");
  for (size_t topic = 0; topic < config.topics.size(); ++topic) {
    const TopicConfig& described = config.topics[topic];
    topics_.push_back({static_cast<PartitionId>(partitions_.size()), described.partitions});
    const int start = static_cast<int>(placement.NextBelow(brokers_.size()));
    const int shift = static_cast<int>(placement.NextBelow(brokers_.size()));
    for (const std::vector<int32_t>& replicas :
         AssignReplicas(zones, described.partitions, described.replication_factor, start, shift)) {
      partitions_.emplace_back();
      partitions_.back().topic = static_cast<int>(topic);
      for (const int32_t broker : replicas) {
        partitions_.back().replicas.emplace_back();
        partitions_.back().replicas.back().broker = broker;
      }
    }
  }
  PublishMetadata();
  StartFetchers();
  ScheduleSweep();
  sim.AddAudit([this] { Audit(); });
}

LogService::TopicPartitions KafkaCluster::PartitionsOf(absl::string_view topic) const {
  for (size_t i = 0; i < config_.topics.size(); ++i) {
    if (config_.topics[i].name == topic) return topics_[i];
  }
  BreakInvariant("contract", "the topic exists", "kafka_cluster.cc", __LINE__, std::string(topic));
}

int KafkaCluster::AddReader(PartitionId partition) {
  partitions_[partition].readers.push_back(0);
  return static_cast<int>(partitions_[partition].readers.size()) - 1;
}

void KafkaCluster::ConsumedUpTo(PartitionId id, int reader, Offset offset) {
  Partition& partition = partitions_[id];
  partition.readers[reader] = offset;
  Offset slowest = partition.log.high_watermark();
  for (const Offset consumed : partition.readers) slowest = std::min(slowest, consumed);
  partition.log.AllowCoalescingBelow(slowest);
}

int KafkaCluster::InSyncCount(PartitionId partition) const {
  int count = 0;
  for (const Replica& replica : partitions_[partition].replicas) count += replica.in_sync;
  return count;
}

int64_t KafkaCluster::ReplicasOn(BrokerId broker) const {
  int64_t count = 0;
  for (const Partition& partition : partitions_) {
    for (const Replica& replica : partition.replicas) count += replica.broker == broker;
  }
  return count;
}

void KafkaCluster::Audit() {
  for (const Partition& partition : partitions_) {
    partition.log.Audit();
    for (const Replica& replica : partition.replicas) {
      SIM_CHECK(
          replica.log_end <= partition.log.log_end_offset(), "inv.I11",
          absl::StrCat("replica ", replica.broker, " of partition ", IdOf(partition), " is at ",
                       replica.log_end, ", past the log end ", partition.log.log_end_offset()));
      SIM_CHECK(!replica.in_sync || replica.log_end >= partition.log.high_watermark(), "inv.I10",
                absl::StrCat("in-sync replica ", replica.broker, " of partition ", IdOf(partition),
                             " is at ", replica.log_end, ", below the high watermark ",
                             partition.log.high_watermark()));
    }
  }
}

}  // namespace freshet
