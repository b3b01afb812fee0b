// Consumers that read at followers of KafkaCluster (KIP-392): whom a leader sends where, and what a
// follower knows to be committed.
//
// A leader tells its high watermark with its answers to a follower's fetches, and holds no answer
// back or sends none sooner for it (KAFKA-9952). An answer that goes out at once was read before
// the fetch it answers had acknowledged anything; one that waited is read anew.
#include <algorithm>
#include <tuple>

#include "models/broker/kafka_cluster.h"

namespace freshet {

// --- At the leader ---

BrokerId KafkaCluster::PreferredReplica(PartitionId id, ZoneId rack, Offset next) const {
  // RackAwareReplicaSelector: the leader if it is in the rack, else the most caught-up there, as
  // the leader knows them; of equals the one that was caught up last, then the highest id.
  if (brokers_[partitions_[id].leader]->zone() == rack) return kNoBroker;
  const PartitionLog& log = partitions_[id].log;
  if (next < log.log_start_offset()) return kNoBroker;
  const Replica* best = nullptr;
  for (const Replica& replica : replicated_[id].replicas) {
    if (replica.broker == partitions_[id].leader || brokers_[replica.broker]->zone() != rack ||
        !replica.in_sync || fenced_[replica.broker] || replica.acknowledged < next) {
      continue;
    }
    const auto rank = [&log](const Replica& each) {
      const bool has_all = each.acknowledged == log.log_end_offset();
      return std::tuple(each.acknowledged, has_all, each.caught_up_at, each.broker);
    };
    if (best == nullptr || rank(replica) > rank(*best)) best = &replica;
  }
  return best == nullptr ? kNoBroker : best->broker;
}

void KafkaCluster::NoteHighWatermark(PartitionId id) {
  const Offset high_watermark = partitions_[id].log.high_watermark();
  for (Replica& replica : replicated_[id].replicas) {
    if (replica.fetcher == nullptr || replica.untold || replica.told == high_watermark) continue;
    replica.untold = true;
    replica.fetcher->untold.push_back(id);
  }
}

void KafkaCluster::TellHighWatermarks(ReplicaFetcher* fetcher) {
  for (const PartitionId id : fetcher->untold) {
    Replica& replica = *ReplicaOn(id, fetcher->follower);
    replica.untold = false;
    fetcher->told.push_back({id, partitions_[id].log.high_watermark()});
  }
  fetcher->untold.clear();
}

// --- At the follower ---

void KafkaCluster::LearnHighWatermarks(ReplicaFetcher* fetcher) {
  for (const ReplicaFetcher::Progress& told : fetcher->told) {
    Replica& replica = *ReplicaOn(told.partition, fetcher->follower);
    replica.told = told.log_end;
    RaiseReadable(told.partition, replica);
  }
  fetcher->told.clear();
  // What was copied may be committed since long.
  for (const FetchedRange& range : fetcher->session.response) {
    RaiseReadable(range.partition, *ReplicaOn(range.partition, fetcher->follower));
  }
}

void KafkaCluster::RaiseReadable(PartitionId id, Replica& replica) {
  const Offset before = replica.readable;
  const Offset now = std::min(replica.told, replica.log_end);
  if (now <= before) return;
  replica.readable = now;
  AnnounceAtFollower(id, replica.broker, partitions_[id].log.BytesBetween(before, now));
}

void KafkaCluster::LowerReadable(PartitionId id, Replica& replica) {
  replica.told = std::min(replica.told, partitions_[id].log.high_watermark());
  replica.readable = std::min({replica.readable, replica.told, replica.log_end});
}

bool KafkaCluster::ServesAsFollower(PartitionId id, BrokerId broker) const {
  return config_.rack_aware_selector && partitions_[id].leader != broker &&
         std::any_of(replicated_[id].replicas.begin(), replicated_[id].replicas.end(),
                     [broker](const Replica& replica) { return replica.broker == broker; });
}

Offset KafkaCluster::FollowerLimit(PartitionId id, BrokerId broker) const {
  for (const Replica& replica : replicated_[id].replicas) {
    if (replica.broker == broker) return replica.readable;
  }
  return 0;
}

}  // namespace freshet
