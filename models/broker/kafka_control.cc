// Leadership in KafkaCluster: crashes, fencing, elections, the in-sync set.
#include <algorithm>

#include "models/broker/kafka_cluster.h"

namespace freshet {

void KafkaCluster::OnCrash(BrokerId id) {
  // What its leaders asked for on its behalf is refused: it was another incarnation's.
  for (PartitionId partition = 0; partition < partitions_.size(); ++partition) {
    if (Replica* replica = ReplicaOn(partition, id)) replica->changing = false;
  }
  if (!remote_log_.empty()) remote_log_[static_cast<size_t>(id)]->Crash();
  StartFetchers();
}

void KafkaCluster::OnRestart(BrokerId id) {
  for (PartitionId partition = 0; partition < partitions_.size(); ++partition) {
    Replica* back = ReplicaOn(partition, id);
    if (back == nullptr) continue;
    // An election has cut what it had beyond the new leader's log; the rest is a prefix of it.
    FollowLogStart(partition, *back);
    back->acknowledged = std::min(back->acknowledged, back->log_end);
    // It cannot tell what an unclean stop has cost it (KIP-966).
    if (!stopped_cleanly_[id]) back->eligible = false;
  }
  stopped_cleanly_[id] = false;
  StartFetchers();
}

void KafkaCluster::OnSessionEnd(BrokerId id) {
  if (fenced_[id]) return;
  fenced_[id] = true;
  DecideAndTell([this, id] { TakeLeadership(id); });
}

void KafkaCluster::TakeLeadership(BrokerId id) {
  for (PartitionId partition = 0; partition < partitions_.size(); ++partition) {
    Replica* gone = ReplicaOn(partition, id);
    if (gone == nullptr) continue;
    // The last in-sync replica stays in the set: only it has all acknowledged records. With
    // eligible leaders it is remembered as one of them.
    if (gone->in_sync && (InSyncCount(partition) > 1 || config_.eligible_leader_replicas)) {
      LeaveInSync(partition, *gone);
    }
    const BrokerId leader = partitions_[partition].leader;
    if (leader == id) {
      replicated_[partition].last_leader = id;
      ElectAny(partition);
    } else if (leader != kNoBroker) {
      AdvanceHighWatermark(partition, leader);
    }
  }
  PublishMetadata();
  CountHealth();
  StartFetchers();
  ScheduleBalance();
}

bool KafkaCluster::CanLead(const Replica& replica) const {
  return (replica.in_sync || replica.eligible) && !replica.lost && !fenced_[replica.broker];
}

void KafkaCluster::ElectAny(PartitionId id) {
  const auto& replicas = replicated_[id].replicas;
  const auto first = [&](auto&& suits) {
    const auto it = std::find_if(replicas.begin(), replicas.end(), suits);
    return it == replicas.end() ? -1 : static_cast<int>(it - replicas.begin());
  };
  int successor = first([&](const Replica& r) { return r.in_sync && CanLead(r); });
  if (successor < 0) successor = first([&](const Replica& r) { return CanLead(r); });
  if (successor < 0 && config_.unclean_leader_election) {
    successor = first([&](const Replica& r) { return !fenced_[r.broker]; });
    if (successor >= 0) {
      ElectUncleanly(id, successor);
      return;
    }
  }
  Elect(id, successor);
}

void KafkaCluster::OnUnfence(BrokerId id) {
  fenced_[id] = false;
  bool elected = false;
  for (PartitionId partition = 0; partition < partitions_.size(); ++partition) {
    Replica* back = ReplicaOn(partition, id);
    if (back == nullptr) continue;
    const Replicated& replicated = replicated_[partition];
    if (replicated.leader >= 0) {
      TryToJoin(partition, *back);
      continue;
    }
    // Nobody is left to ask who else might have more: the last one to lead is believed.
    const bool believed = config_.eligible_leader_replicas && replicated.last_leader == id &&
                          !back->lost &&
                          std::none_of(replicated.replicas.begin(), replicated.replicas.end(),
                                       [](const Replica& r) { return r.in_sync || r.eligible; });
    if (!CanLead(*back) && !believed && !config_.unclean_leader_election) continue;
    if (believed) back->in_sync = true;
    ElectAny(partition);
    elected = true;
  }
  // Leaders that were here all the time are known already; followers may ask them again.
  if (elected) StartFetchers();
  PublishMetadata();
  CountHealth();
}

void KafkaCluster::Elect(PartitionId id, int replica) {
  Partition& partition = partitions_[id];
  Replicated& replicated = replicated_[id];
  // Where the old leader lives, who waits for it is told to look for another.
  RefuseWaiting(id, ProduceError::kNotLeader);
  if (replicated.leader >= 0) {  // It knows its own high watermark.
    Replica& last = LeaderOf(id);
    last.told = last.readable = std::min(partition.log.high_watermark(), last.log_end);
  }
  replicated.leader = replica;
  partition.leader = replica < 0 ? kNoBroker : LeaderOf(id).broker;
  ++partition.leader_epoch;
  elections_.Add(1);
  sim().recorder().Mark(RecordLevel::kState, lane_, "election", Now(), id,
                        replica < 0 ? Severity::kCritical : Severity::kNotice);
  // What the last leader had proposed was for its epoch.
  for (Replica& each : replicated.replicas) each.changing = false;
  if (replica < 0) return;
  Replica& leader = LeaderOf(id);
  if (!leader.in_sync) {  // Eligible: the set was empty.
    leader.in_sync = true;
    leader.eligible = false;
  }
  // The new leader's log is the partition's log: what only the old one had is gone.
  CutLog(id, leader.log_end);
  replicated.epoch_start = partition.log.log_end_offset();
  for (Replica& other : replicated.replicas) {
    if (other.log_end >= leader.log_end) SetLogEnd(id, other, leader.log_end);
    LowerReadable(id, other);
    other.acknowledged = std::min(other.acknowledged, other.log_end);
    other.caught_up_at = Now();
  }
  leader.acknowledged = leader.log_end;
  AdvanceHighWatermark(id, leader.broker);  // The one that held it back may be gone.
  LeadRemote(id);
}

void KafkaCluster::ElectUncleanly(PartitionId id, int replica) {
  Replicated& replicated = replicated_[id];
  for (Replica& other : replicated.replicas) other.in_sync = other.eligible = false;
  Replica& leader = replicated.replicas[static_cast<size_t>(replica)];
  FollowLogStart(id, leader);
  leader.in_sync = true;
  leader.lost = false;
  if (unclean_elections_ == nullptr) unclean_elections_ = &AddCounter(kUncleanElections);
  unclean_elections_->Add(1);
  sim().recorder().Mark(RecordLevel::kState, lane_, "unclean_election", Now(), id,
                        Severity::kCritical);
  Elect(id, replica);
}

// --- The in-sync set: leaders ask the controller for every change (AlterPartition) ---

void KafkaCluster::TryToJoin(PartitionId id, Replica& replica) {
  const Partition& partition = partitions_[id];
  if (replica.in_sync || replica.changing || fenced_[replica.broker] ||
      replica.acknowledged < partition.log.high_watermark() ||
      replica.acknowledged < replicated_[id].epoch_start) {
    return;
  }
  ProposeInSync(id, replica, true);
}

void KafkaCluster::ProposeInSync(PartitionId id, Replica& replica, bool in_sync) {
  replica.changing = true;
  Decide([this, id, broker = replica.broker, epoch = partitions_[id].leader_epoch, in_sync] {
    Replica* changed = ReplicaOn(id, broker);
    if (changed == nullptr || !changed->changing || epoch != partitions_[id].leader_epoch) return;
    changed->changing = false;
    if (in_sync && fenced_[broker]) return;  // INELIGIBLE_REPLICA
    sim().recorder().Mark(RecordLevel::kState, brokers_[broker]->lane(),
                          in_sync ? "in_sync_replica_joins" : "in_sync_replica_drops", Now(), id,
                          in_sync ? Severity::kInfo : Severity::kWarning);
    if (in_sync) {
      JoinInSync(id, *changed);
    } else {
      LeaveInSync(id, *changed);
    }
    CountHealth();
    AdvanceHighWatermark(id, in_sync ? broker : partitions_[id].leader);
  });
}

void KafkaCluster::JoinInSync(PartitionId id, Replica& replica) {
  replica.in_sync = true;
  replica.lost = false;
  if (InSyncCount(id) >= MinInSync(id)) {
    for (Replica& each : replicated_[id].replicas) each.eligible = false;
  }
  if (config_.replication_throttle || move_throttle_) {
    StartFetchers(replica.broker, partitions_[id].leader);
  }
  FinishMoveLater(id);
}

void KafkaCluster::LeaveInSync(PartitionId id, Replica& replica) {
  replica.in_sync = false;
  replica.eligible = config_.eligible_leader_replicas && InSyncCount(id) < MinInSync(id);
}

int KafkaCluster::MinInSync(PartitionId id) const {
  const TopicConfig& topic = TopicOf(partitions_[id]);
  return std::min(topic.min_in_sync_replicas, topic.replication_factor);
}

// --- Preferred leaders ---

void KafkaCluster::BalanceLeaders() {
  bool changed = false;
  for (PartitionId id = 0; id < partitions_.size(); ++id) {
    const Replica& preferred = replicated_[id].replicas[0];
    if (replicated_[id].leader == 0 || !preferred.in_sync || !CanLead(preferred)) continue;
    // A controlled move: the preferred replica is in sync; what it lacks above the high watermark
    // is repeated by the producers.
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
                                      [this] { DecideAndTell([this] { BalanceLeaders(); }); });
}

void KafkaCluster::CountHealth() {
  int64_t under = 0;
  int64_t without_leader = 0;
  bool copying = false;
  for (const Partition& partition : partitions_) {
    // Replicas that are being added are wanted, but not missed yet.
    const auto& replicas = replicated_[IdOf(partition)].replicas;
    const auto adding = std::count_if(replicas.begin(), replicas.end(),
                                      [](const Replica& replica) { return replica.adding; });
    under += InSyncCount(IdOf(partition)) < static_cast<int>(replicas.size() - adding);
    without_leader += partition.leader == kNoBroker;
    copying = copying || adding > 0;
  }
  if (under > 0 || copying) WatchRebuilds();
  under_replicated_.Set(under);
  offline_.Set(without_leader);
}

}  // namespace freshet
