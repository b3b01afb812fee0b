// What an operator does to KafkaCluster: shutting a broker down, and moving replicas (KIP-455).
#include <algorithm>

#include "models/broker/kafka_cluster.h"

namespace freshet {

void KafkaCluster::ShutDown(BrokerId id, Callback stopped) {
  stopping_.push_back({id, stopped});
  if (!config_.controlled_shutdown) {
    FinishShutDown(id);
    return;
  }
  // The controller takes it out of every in-sync set and gives its leaders away first. The broker
  // learns that it may go with the answer to a heartbeat; until then it tells clients to look
  // elsewhere.
  fenced_[id] = true;
  DecideAndTell([this, id] {
    TakeLeadership(id);
    After<"log.controlled_shutdown">(config_.broker_heartbeat_interval,
                                     [this, id] { FinishShutDown(id); });
  });
}

void KafkaCluster::FinishShutDown(BrokerId id) {
  const auto it = std::find_if(stopping_.begin(), stopping_.end(),
                               [id](const Stopping& stopping) { return stopping.broker == id; });
  Callback stopped = it->stopped;
  stopping_.erase(it);
  if (brokers_[id]->up()) {
    // Logs are closed in good order: the next start checks none.
    stopped_cleanly_[id] = true;
    EndProcess(id);
    if (!remote_log_.empty()) remote_log_[static_cast<size_t>(id)]->Crash();
    if (!fenced_[id]) AwaitSessionEnd(id);
    TellListeners(id);
  }
  stopped();
}

std::vector<BrokerId> KafkaCluster::BrokersOf(PartitionId id) const {
  std::vector<BrokerId> brokers;
  for (const Replica& replica : replicated_[id].replicas) {
    if (!replica.adding) brokers.push_back(replica.broker);
  }
  return brokers;
}

void KafkaCluster::Reassign(PartitionId id, const std::vector<BrokerId>& to, Callback done) {
  moves_[id] = {to, done, false};
  DecideAndTell([this, id] { BeginMove(id); });
}

void KafkaCluster::BeginMove(PartitionId id) {
  Replicated& replicated = replicated_[id];
  const PartitionLog& log = partitions_[id].log;
  moves_.at(id).begun = true;
  for (const BrokerId broker : moves_.at(id).to) {
    if (ReplicaOn(id, broker) != nullptr) continue;
    Replica added;
    added.broker = broker;
    added.in_sync = false;
    added.adding = true;
    added.log_end = added.acknowledged = log.log_start_offset();
    added.start_position = added.position = log.PositionOf(added.log_end);
    // The next look at rebuilds compares with what there was to copy from the start.
    if (watching_rebuilds_) {
      rebuild_left_before_[static_cast<size_t>(broker)] +=
          Bytes(log.end_position() - std::max(added.position, LocalStartPosition(id)));
    }
    replicated.replicas.push_back(added);
    StartFetchers(broker, partitions_[id].leader);
  }
  CountHealth();
  FinishMoveLater(id);
}

void KafkaCluster::FinishMoveLater(PartitionId id) {
  const auto move = moves_.find(id);
  if (move == moves_.end()) return;
  if (move->second.begun && AllInSync(id, move->second.to)) {
    DecideAndTell([this, id] { FinishMove(id); });
  }
}

bool KafkaCluster::AllInSync(PartitionId id, const std::vector<BrokerId>& brokers) {
  return std::all_of(brokers.begin(), brokers.end(),
                     [&](BrokerId broker) { return ReplicaOn(id, broker)->in_sync; });
}

void KafkaCluster::FinishMove(PartitionId id) {
  const auto move = moves_.find(id);
  // Finished already, or one of them was dropped again meanwhile.
  if (move == moves_.end() || !move->second.begun) return;
  const std::vector<BrokerId> to = move->second.to;
  if (!AllInSync(id, to)) return;
  Replicated& replicated = replicated_[id];
  const auto stays = [&](BrokerId broker) {
    return std::find(to.begin(), to.end(), broker) != to.end();
  };
  // A leader that goes gives its place to the first of those that stay.
  const bool moves_leader = replicated.leader < 0 || !stays(LeaderOf(id).broker);
  if (moves_leader) {
    Elect(id, static_cast<int>(ReplicaOn(id, to[0]) - replicated.replicas.data()));
  }
  const BrokerId leader = partitions_[id].leader;
  absl::InlinedVector<Replica, 3> kept;
  for (const BrokerId broker : to) {
    kept.push_back(*ReplicaOn(id, broker));
    kept.back().adding = false;
    if (broker == leader) replicated.leader = static_cast<int>(kept.size() - 1);
  }
  for (const Replica& replica : replicated.replicas) {
    if (!stays(replica.broker)) DeleteReplica(id, replica);
  }
  const absl::InlinedVector<Replica, 3> before = replicated.replicas;
  replicated.replicas = kept;
  Callback done = move->second.done;
  moves_.erase(move);
  sim().recorder().Mark(RecordLevel::kState, lane_, "reassigned", Now(), id, Severity::kInfo);
  PublishMetadata();
  CountHealth();
  if (moves_leader) {
    StartFetchers();
  } else {
    for (const Replica& replica : before) {
      if (!stays(replica.broker)) StartFetchers(replica.broker, leader);
    }
  }
  ScheduleBalance();
  AdvanceHighWatermark(id, leader);
  done();
}

void KafkaCluster::DeleteReplica(PartitionId id, const Replica& replica) {
  KafkaBroker& node = *brokers_[replica.broker];
  node.ForgetCached(id, replica.start_position, replica.position);
  if (replica.stored() == Bytes(0)) return;
  After<"log.file_delete">(config_.file_delete_delay, [&node, id, deleted = replica.stored(),
                                                       generation = node.disk_generation()] {
    if (generation == node.disk_generation()) node.NoteStored(id, Bytes(0) - deleted);
  });
}

void KafkaCluster::ThrottleMoves(std::optional<BytesPerSecond> rate) {
  move_throttle_ = rate;
  StartFetchers();
}

void KafkaCluster::ReplaceMachine(BrokerId id) {
  LoseDisk(id);
  stopped_cleanly_[id] = false;
}

}  // namespace freshet
