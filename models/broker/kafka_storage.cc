// Where KafkaCluster keeps what is appended, and how much of a read is still in memory.
#include <algorithm>

#include "models/broker/kafka_cluster.h"

namespace freshet {
namespace {

// What a read of a file that goes on waits for: the 128 KiB that are asked for, and as many in
// advance (read_ahead_kb). A socket holds about as much: socket.send.buffer.bytes is 100 KiB, and
// Linux doubles it. So while one piece is read, the one before has to leave.
constexpr Bytes kReadAtOnce = KiB(256);

}  // namespace

ProduceError KafkaCluster::Admit(PartitionId id, const ProduceRequest& request) {
  const bool enough = InSyncCount(id) >= TopicOf(partitions_[id]).min_in_sync_replicas;
  return request.acks == Acks::kAll && !enough ? ProduceError::kNotEnoughReplicas
                                               : ProduceError::kNone;
}

void KafkaCluster::BeforeAppend(PartitionId id) {
  const Offset end_before = partitions_[id].log.log_end_offset();
  for (Replica& follower : replicated_[id].replicas) {
    // A follower that had everything has been caught up until now: its idle fetches, which cost no
    // event here, would have said so.
    if (follower.acknowledged == end_before && brokers_[follower.broker]->up()) {
      follower.caught_up_at = Now();
    }
  }
}

void KafkaCluster::AfterAppend(PartitionId id) {
  Replica& leader = LeaderOf(id);
  SetLogEnd(id, leader, partitions_[id].log.log_end_offset());
  leader.acknowledged = leader.log_end;
}

bool KafkaCluster::FlushDue(PartitionId id, Replica& replica, int64_t records) {
  const int64_t every = TopicOf(partitions_[id]).flush_messages;
  if (every == 0) return false;
  replica.unflushed += records;
  if (replica.unflushed < every) return false;
  replica.unflushed = 0;
  return true;
}

bool KafkaCluster::StoreAt(PartitionId id, Replica& replica, int64_t records, Bytes bytes,
                           const Callback& go_on) {
  PageCache& cache = brokers_[replica.broker]->PageCacheOf(id);
  if (!FlushDue(id, replica, records)) return cache.Append(bytes, go_on);
  cache.AppendDurably(bytes, go_on);
  return false;
}

bool KafkaCluster::Store(PartitionId id, const Batch& batch, BrokerId, const Callback& go_on) {
  return StoreAt(id, LeaderOf(id), batch.record_count, batch.bytes, go_on);
}

void KafkaCluster::AfterRequest(PartitionId id, Bytes bytes) {
  Announce(id, partitions_[id].replica_subscribers, bytes);
  // Alone in sync: nobody else moves it.
  AdvanceHighWatermark(id, partitions_[id].leader);
}

ProduceError KafkaCluster::ErrorOfCommitted(PartitionId id) {
  // NOT_ENOUGH_REPLICAS_AFTER_APPEND: the in-sync set has shrunk since the append.
  return InSyncCount(id) >= TopicOf(partitions_[id]).min_in_sync_replicas
             ? ProduceError::kNone
             : ProduceError::kNotEnoughReplicas;
}

Bytes KafkaCluster::Missing(const FetchedRange& part, BrokerId broker) {
  KafkaBroker& node = *brokers_[broker];
  const int64_t to = part.position + part.bytes.count();
  const Bytes missing = node.MissingOf(part.partition, part.position, to);
  if (missing > Bytes(0)) node.TakeIntoCache(part.partition, part.position, to);
  return missing;
}

// --- What is in no memory ---

bool KafkaCluster::Prepare(FetchSession* session, BrokerId broker, Bytes missed, const Callback&) {
  if (missed == Bytes(0)) return true;
  brokers_[broker]->cache_misses().Add(missed.count());
  session->missed = missed;
  BeginSending(session);
  SendFromDisk(session, broker, session->generation);
  return false;
}

void KafkaCluster::SendFromDisk(FetchSession* session, BrokerId broker, uint32_t generation) {
  KafkaBroker& node = *brokers_[broker];
  if (generation != session->generation || !node.up()) return;
  NetworkThreads& threads = node.network_threads();
  if (threads.IsBusy(session->network_thread)) {
    threads.Await(session->network_thread, [this, session, broker, generation] {
      SendFromDisk(session, broker, generation);
    });
    return;
  }
  threads.Sleep(session->network_thread);
  node.threads_reading_disk().Set(threads.asleep());
  ReadMissed(session, broker, generation);
}

void KafkaCluster::ReadMissed(FetchSession* session, BrokerId broker, uint32_t generation) {
  // Which of the volumes hardly matters to a catch-up read: its first partition's.
  Volume& volume = brokers_[broker]->VolumeOf(session->response[0].partition);
  const Bytes size = std::min(kReadAtOnce, session->missed);
  const auto over = [this, session, broker, generation] {
    if (HasRead(session, broker, generation)) return;
    KafkaBroker& node = *brokers_[broker];
    node.network_threads().Wake(session->network_thread);
    node.threads_reading_disk().Set(node.network_threads().asleep());
  };
  if (session->ready_bytes == Bytes(0)) {
    volume.Read(size, over);
  } else {
    volume.ReadOn(size, over);
  }
}

bool KafkaCluster::HasRead(FetchSession* session, BrokerId broker, uint32_t generation) {
  if (generation != session->generation || !brokers_[broker]->up()) return false;
  const Bytes read = std::min(kReadAtOnce, session->missed);
  session->missed -= read;
  if (session->missed == Bytes(0)) {
    SendUpTo(session, broker, generation, session->response_bytes);
    return false;
  }
  session->socket_full = session->ready_bytes > session->arrived_bytes;
  SendUpTo(session, broker, generation, session->ready_bytes + read);
  if (session->socket_full) return false;
  ReadMissed(session, broker, generation);
  return true;
}

void KafkaCluster::PartArrived(FetchSession* session) {
  if (!session->socket_full || session->ready_bytes - session->arrived_bytes > kReadAtOnce) return;
  session->socket_full = false;
  SendFromDisk(session, session->broker, session->generation);
}

}  // namespace freshet
