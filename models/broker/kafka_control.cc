// Leadership in KafkaCluster: crashes, fencing, elections, metadata.
#include <algorithm>

#include "models/broker/kafka_cluster.h"

namespace freshet {

void KafkaCluster::OnCrash(BrokerId id) {
  if (!remote_log_.empty()) remote_log_[static_cast<size_t>(id)]->Crash();
  StartFetchers();
}

void KafkaCluster::OnRestart(BrokerId id) {
  // One that comes back with an empty disk registers as another incarnation: it leads nothing, even
  // if its session has not ended.
  const bool lost =
      std::any_of(replicated_.begin(), replicated_.end(), [id](const Replicated& partition) {
        return std::any_of(partition.replicas.begin(), partition.replicas.end(),
                           [id](const Replica& r) { return r.broker == id && r.lost; });
      });
  if (lost && !fenced_[id]) TakeLeadership(id);
  if (fenced_[id]) {
    Unfence(id);
  } else {
    for (PartitionId partition = 0; partition < partitions_.size(); ++partition) {
      if (partitions_[partition].leader == id) LeadRemote(partition);
    }
  }
  StartFetchers();
}

void KafkaCluster::OnSessionEnd(BrokerId id) {
  if (!fenced_[id]) TakeLeadership(id);
}

void KafkaCluster::TakeLeadership(BrokerId id) {
  fenced_[id] = true;
  for (PartitionId partition = 0; partition < partitions_.size(); ++partition) {
    Replica* gone = ReplicaOn(partition, id);
    if (gone == nullptr) continue;
    // The last in-sync replica stays in the set: only it has all acknowledged records.
    if (InSyncCount(partition) > 1) gone->in_sync = false;
    const BrokerId leader = partitions_[partition].leader;
    if (leader == id) {
      const auto& replicas = replicated_[partition].replicas;
      int successor = -1;
      for (size_t i = 0; i < replicas.size() && successor < 0; ++i) {
        const bool live =
            replicas[i].in_sync && !replicas[i].lost && brokers_[replicas[i].broker]->up();
        if (live) successor = static_cast<int>(i);
      }
      Elect(partition, successor);
    } else if (leader != kNoBroker) {
      AdvanceHighWatermark(partition, leader);
    }
  }
  PublishMetadata();
  CountHealth();
  StartFetchers();
  ScheduleBalance();
}

void KafkaCluster::Unfence(BrokerId id) {
  fenced_[id] = false;
  for (PartitionId partition = 0; partition < partitions_.size(); ++partition) {
    Replica* back = ReplicaOn(partition, id);
    if (back == nullptr) continue;
    Replicated& replicated = replicated_[partition];
    // An election has cut what it had beyond the new leader's log; the rest is a prefix of it.
    FollowLogStart(partition, *back);
    back->acknowledged = std::min(back->acknowledged, back->log_end);
    if (replicated.leader < 0 && back->in_sync && !back->lost) {
      Elect(partition, static_cast<int>(back - replicated.replicas.data()));
    }
  }
  PublishMetadata();
  CountHealth();
}

void KafkaCluster::Elect(PartitionId id, int replica) {
  Partition& partition = partitions_[id];
  Replicated& replicated = replicated_[id];
  replicated.leader = replica;
  partition.leader = replica < 0 ? kNoBroker : LeaderOf(id).broker;
  ++partition.leader_epoch;
  elections_.Add(1);
  sim().recorder().Mark(RecordLevel::kState, lane_, "election", Now(), id,
                        replica < 0 ? Severity::kCritical : Severity::kNotice);
  if (replica < 0) return;
  Replica& leader = LeaderOf(id);
  // The new leader's log is the partition's log: what only the old one had is gone.
  CutLog(id, leader.log_end);
  replicated.epoch_start = partition.log.log_end_offset();
  for (Replica& other : replicated.replicas) {
    if (other.log_end >= leader.log_end) SetLogEnd(id, other, leader.log_end);
    other.acknowledged = std::min(other.acknowledged, other.log_end);
    other.caught_up_at = Now();
  }
  leader.acknowledged = leader.log_end;
  AdvanceHighWatermark(id, leader.broker);  // The one that held it back may be gone.
  LeadRemote(id);
}

void KafkaCluster::BalanceLeaders() {
  bool changed = false;
  for (PartitionId id = 0; id < partitions_.size(); ++id) {
    const Replica& preferred = replicated_[id].replicas[0];
    const bool can_lead = preferred.in_sync && !preferred.lost && brokers_[preferred.broker]->up();
    if (replicated_[id].leader == 0 || !can_lead) continue;
    // A controlled move: the preferred replica is in sync; what it lacks above the high watermark
    // is repeated by the producers.
    RefuseWaiting(id, ProduceError::kNotLeader);
    Elect(id, 0);
    changed = true;
  }
  balance_scheduled_ = false;
  ScheduleBalance();
  if (!changed) return;
  PublishMetadata();
  CountHealth();
  StartFetchers();
}

void KafkaCluster::ScheduleBalance() {
  // As the KRaft controller does: while any partition is not led by its preferred replica, the next
  // check comes an interval from now. An even cluster costs no event.
  if (balance_scheduled_) return;
  const bool even = std::all_of(replicated_.begin(), replicated_.end(),
                                [](const Replicated& partition) { return partition.leader == 0; });
  if (even) return;
  balance_scheduled_ = true;
  After<"log.leader_imbalance_check">(config_.leader_imbalance_check_interval,
                                      [this] { BalanceLeaders(); });
}

void KafkaCluster::CountHealth() {
  int64_t under = 0;
  int64_t without_leader = 0;
  for (const Partition& partition : partitions_) {
    const PartitionId id = IdOf(partition);
    under += InSyncCount(id) < static_cast<int>(replicated_[id].replicas.size());
    without_leader += partition.leader == kNoBroker;
  }
  if (under > 0) WatchRebuilds();
  under_replicated_.Set(under);
  offline_.Set(without_leader);
}

}  // namespace freshet
