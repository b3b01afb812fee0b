// What KafkaCluster's brokers keep on their disks: retention, deleted files, and where a replica
// begins.
#include <algorithm>

#include "models/broker/kafka_cluster.h"

namespace freshet {

void KafkaCluster::HoldHistory(PartitionId id, Replica& replica) {
  // On the disk of each replica, and in no cache: that fills with what comes.
  const PartitionLog& log = partitions_[id].log;
  replica.log_end = replica.acknowledged = log.log_end_offset();
  replica.told = replica.readable = log.high_watermark();
  replica.start_position = LocalStartPosition(id);
  replica.position = log.end_position();
  if (replica.stored() > Bytes(0)) brokers_[replica.broker]->NoteStored(id, replica.stored());
}

void KafkaCluster::ApplyRetention() {
  for (PartitionId id = 0; id < partitions_.size(); ++id) {
    const Partition& partition = partitions_[id];
    // Followers delete up to the log start that their leader tells them; so none does without it.
    if (partition.leader == kNoBroker || !brokers_[partition.leader]->up()) continue;
    if (Tiered(id)) {
      ApplyLocalRetention(id);
      continue;
    }
    const Offset from = partition.log.RetainedFrom(TopicOf(partition).retention, Now());
    if (from <= partition.log.log_start_offset()) continue;
    ExpireLog(id, from);
    FollowLogStart(id);
  }
}

void KafkaCluster::FollowLogStart(PartitionId id) {
  for (Replica& replica : replicated_[id].replicas) {
    if (brokers_[replica.broker]->up()) FollowLogStart(id, replica);
  }
}

void KafkaCluster::FollowLogStart(PartitionId id, Replica& replica) {
  const Offset first = LocalLogStart(id);
  const int64_t start = LocalStartPosition(id);
  if (replica.start_position >= start) return;
  KafkaBroker& node = *brokers_[replica.broker];
  const Bytes deleted(std::min(start, replica.position) - replica.start_position);
  node.ForgetCached(id, replica.start_position, start);
  replica.start_position = start;
  if (replica.log_end < first && !Tiered(id)) {
    // Nothing it has is left at the leader (OFFSET_OUT_OF_RANGE): it begins anew.
    replica.log_end = first;
    replica.acknowledged = std::min(replica.acknowledged, replica.log_end);
  }
  replica.position = std::max(replica.position, start);
  if (deleted == Bytes(0)) return;
  // A deleted file is renamed at first; the disk has its room back when it is unlinked.
  After<"log.file_delete">(config_.file_delete_delay,
                           [&node, id, deleted, generation = node.disk_generation()] {
                             if (generation != node.disk_generation()) return;
                             node.NoteStored(id, Bytes(0) - deleted);
                           });
}

void KafkaCluster::SetLogEnd(PartitionId id, Replica& replica, Offset offset) {
  const PartitionLog& log = partitions_[id].log;
  replica.log_end = std::max(offset, LocalLogStart(id));
  const int64_t before = replica.position;
  replica.position = std::max(log.PositionOf(replica.log_end), replica.start_position);
  KafkaBroker& node = *brokers_[replica.broker];
  node.NoteStored(id, Bytes(replica.position - before));
  if (replica.position > before) {
    node.TakeIntoCache(id, before, replica.position);
    if (node.IsFull(id)) FailLogDir(replica.broker);
  } else {
    node.ForgetCached(id, replica.position, before);
  }
}

void KafkaCluster::FailLogDir(BrokerId id) {
  // An append has failed for want of room. Kafka takes the directory offline, and a broker that has
  // no other halts without a word to the controller: as after a crash, its session has to end.
  KafkaBroker& node = *brokers_[id];
  if (!node.up() || log_dir_failed_at_[id] == node.generation()) return;
  log_dir_failed_at_[id] = node.generation();
  node.log_dir_failures().Add(1);
  sim().recorder().Mark(RecordLevel::kState, node.lane(), "log_dir_full", Now(),
                        node.SegmentBytes().count(), Severity::kCritical);
  After<"log.log_dir_fails">(Duration::Zero(), [this, id, generation = node.generation()] {
    if (brokers_[id]->up() && brokers_[id]->generation() == generation) CrashBroker(id);
  });
}

}  // namespace freshet
