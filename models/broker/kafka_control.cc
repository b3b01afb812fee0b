// Leadership in KafkaCluster: crashes, fencing, elections, metadata.
#include <algorithm>

#include "models/broker/kafka_cluster.h"

namespace freshet {

void KafkaCluster::CrashBroker(BrokerId id) {
  KafkaBroker& node = *brokers_[id];
  node.Crash();
  sim().recorder().State(node.lane(), "down", Now(), 1, Severity::kCritical);
  // Requests that wait for followers die with the process.
  for (Partition& partition : partitions_) {
    if (partition.leader_broker() != id) continue;
    while (!partition.pending_acks.empty()) {
      const RequestIndex index = partition.pending_acks.pop_front().request;
      if (--requests_[index].waiting_for_acks == 0) FreeRequest(index);
    }
  }
  StartFetchers();
  for (Completion<BrokerId>& listener : listeners_) listener(id);
  // The session ends broker.session.timeout.ms after the last heartbeat, which was sent at a moment
  // that is uniform over the heartbeat interval before the crash.
  const auto since_heartbeat = static_cast<int64_t>(
      heartbeat_phase_.NextBelow(static_cast<uint64_t>(config_.broker_heartbeat_interval.nanos())));
  After<"log.broker_session_ends">(
      config_.broker_session_timeout - Nanoseconds(since_heartbeat),
      [this, id, generation = node.generation()] { Fence(id, generation); });
}

void KafkaCluster::RestartBroker(BrokerId id) {
  KafkaBroker& node = *brokers_[id];
  node.Restart();
  sim().recorder().State(node.lane(), "down", Now(), 0);
  if (fenced_[id]) Unfence(id);
  StartFetchers();
  for (Completion<BrokerId>& listener : listeners_) listener(id);
}

void KafkaCluster::Fence(BrokerId id, uint32_t generation) {
  KafkaBroker& node = *brokers_[id];
  if (node.up() || node.generation() != generation) return;  // It came back in time.
  fenced_[id] = true;
  for (Partition& partition : partitions_) {
    Replica* gone = ReplicaOn(partition, id);
    if (gone == nullptr) continue;
    // The last in-sync replica stays in the set: only it has all acknowledged records.
    if (InSyncCount(IdOf(partition)) > 1) gone->in_sync = false;
    if (partition.leader_broker() == id) {
      int successor = -1;
      for (size_t i = 0; i < partition.replicas.size() && successor < 0; ++i) {
        const Replica& candidate = partition.replicas[i];
        if (candidate.in_sync && brokers_[candidate.broker]->up()) successor = static_cast<int>(i);
      }
      Elect(IdOf(partition), successor);
    } else if (partition.leader >= 0) {
      AdvanceHighWatermark(IdOf(partition), partition.leader_broker());
    }
  }
  PublishMetadata();
  CountHealth();
  StartFetchers();
  ScheduleBalance();
}

void KafkaCluster::Unfence(BrokerId id) {
  fenced_[id] = false;
  for (Partition& partition : partitions_) {
    Replica* back = ReplicaOn(partition, id);
    if (back == nullptr) continue;
    // What it has beyond the point where the present leader took over is not the partition's log.
    if (partition.leader >= 0) back->log_end = std::min(back->log_end, partition.epoch_start);
    back->acknowledged = std::min(back->acknowledged, back->log_end);
    if (partition.leader < 0 && back->in_sync) {
      Elect(IdOf(partition), static_cast<int>(back - partition.replicas.data()));
    }
  }
  PublishMetadata();
  CountHealth();
}

void KafkaCluster::Elect(PartitionId id, int replica) {
  Partition& partition = partitions_[id];
  partition.leader = replica;
  ++partition.leader_epoch;
  elections_.Add(1);
  sim().recorder().Mark(RecordLevel::kState, lane_, "election", Now(), id,
                        replica < 0 ? Severity::kCritical : Severity::kNotice);
  if (replica < 0) return;
  Replica& leader = partition.replicas[replica];
  // The new leader's log is the partition's log: what only the old one had is gone.
  partition.log.Truncate(leader.log_end, [&](const LogRange& range, int64_t records) {
    if (range.batch.acked_before_replication) lost_acked_.Add(records);
    if (partition.producers.size() > range.batch.producer) {
      ProducerState& state = partition.producers[range.batch.producer];
      state.next_sequence = std::min(state.next_sequence, range.batch.sequence);
    }
  });
  partition.epoch_start = partition.log.log_end_offset();
  for (Replica& other : partition.replicas) {
    other.log_end = std::min(other.log_end, leader.log_end);
    other.acknowledged = std::min(other.acknowledged, other.log_end);
    other.caught_up_at = Now();
  }
  leader.acknowledged = leader.log_end;
  AdvanceHighWatermark(id, leader.broker);  // The one that held it back may be gone.
}

void KafkaCluster::BalanceLeaders() {
  bool changed = false;
  for (Partition& partition : partitions_) {
    const Replica& preferred = partition.replicas[0];
    if (partition.leader == 0 || !preferred.in_sync || !brokers_[preferred.broker]->up()) continue;
    // A controlled move: the preferred replica is in sync; what it lacks above the high watermark
    // is repeated by the producers.
    while (!partition.pending_acks.empty()) {
      const RequestIndex index = partition.pending_acks.pop_front().request;
      Refuse(index, IdOf(partition), ProduceError::kNotLeader);
      if (--requests_[index].waiting_for_acks == 0) Respond(index, partition.leader_broker());
    }
    Elect(IdOf(partition), 0);
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
  const bool even = std::all_of(partitions_.begin(), partitions_.end(),
                                [](const Partition& partition) { return partition.leader == 0; });
  if (even) return;
  balance_scheduled_ = true;
  After<"log.leader_imbalance_check">(config_.leader_imbalance_check_interval,
                                      [this] { BalanceLeaders(); });
}

void KafkaCluster::PublishMetadata() {
  auto next = std::make_shared<Metadata>();
  next->version = metadata_ == nullptr ? 1 : metadata_->version + 1;
  for (const Partition& partition : partitions_) next->leader.push_back(partition.leader_broker());
  metadata_ = std::move(next);
  // Consumers that ask a broker which leads no more learn it with their next answer, and a fetch
  // that is parked there is answered at once.
  for (Partition& partition : partitions_) {
    for (Subscriber& subscriber : partition.consumer_subscribers) {
      FetchSession& session = *subscriber.session;
      if (session.broker == partition.leader_broker()) continue;
      session.failed = true;
      if (session.parked) AnswerFetch(&session, session.broker);
    }
  }
}

void KafkaCluster::CountHealth() {
  int64_t under = 0;
  int64_t without_leader = 0;
  for (const Partition& partition : partitions_) {
    under += InSyncCount(IdOf(partition)) < static_cast<int>(partition.replicas.size());
    without_leader += partition.leader < 0;
  }
  under_replicated_.Set(under);
  offline_.Set(without_leader);
}

}  // namespace freshet
