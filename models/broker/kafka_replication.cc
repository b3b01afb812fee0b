// Replication in KafkaCluster: fetcher threads, acknowledgements, the high watermark, the in-sync
// set.
#include <algorithm>

#include "models/broker/kafka_cluster.h"

namespace freshet {

KafkaCluster::Replica* KafkaCluster::ReplicaOn(PartitionId id, BrokerId broker) {
  for (Replica& replica : replicated_[id].replicas) {
    if (replica.broker == broker) return &replica;
  }
  return nullptr;
}

void KafkaCluster::StartFetchers(BrokerId only_follower, BrokerId only_leader) {
  // Leadership has changed: sessions end, and each follower asks its present leaders anew from
  // where its logs end. Rare, so simple.
  const auto concerned = [=](BrokerId follower, BrokerId leader) {
    return only_follower == kNoBroker || (only_follower == follower && only_leader == leader);
  };
  for (const auto& fetcher : fetchers_) {
    if (!concerned(fetcher->follower, fetcher->leader)) continue;
    CloseSession(&fetcher->session, fetcher->leader);
    for (const FetchSession::Position& position : fetcher->session.positions) {
      Replica* replica = ReplicaOn(position.partition, fetcher->follower);
      if (replica == nullptr) continue;
      replica->fetcher = nullptr;
      replica->untold = false;
    }
    fetcher->session.positions.clear();
    fetcher->acknowledge.clear();
    fetcher->untold.clear();
    fetcher->told.clear();
  }
  const size_t brokers = brokers_.size();
  // A throttle leaves the partitions that are over it out of a thread's fetches; here replicas out
  // of sync then have a thread of their own, so that the others do not wait with them.
  const auto threads = static_cast<size_t>(config_.replica_fetchers);
  const bool throttled = config_.replication_throttle || move_throttle_;
  fetcher_of_.resize(brokers * brokers * 2 * threads);
  for (Partition& partition : partitions_) {
    const BrokerId leader = partition.leader;
    if (leader == kNoBroker || !brokers_[leader]->up()) continue;
    for (Replica& replica : replicated_[IdOf(partition)].replicas) {
      if (replica.broker == leader || !brokers_[replica.broker]->up()) continue;
      if (!concerned(replica.broker, leader)) continue;
      FollowLogStart(IdOf(partition), replica);
      const size_t thread =
          IdOf(partition) % threads + (throttled && !replica.in_sync ? threads : 0);
      ReplicaFetcher*& wanted = fetcher_of_[(static_cast<size_t>(replica.broker) * brokers +
                                             static_cast<size_t>(leader)) *
                                                2 * threads +
                                            thread];
      if (wanted == nullptr) {
        auto fetcher = std::make_unique<ReplicaFetcher>();
        fetcher->follower = replica.broker;
        fetcher->leader = leader;
        FetchSession& session = fetcher->session;
        session.request_on = network_->Connect(HostOf(replica.broker), HostOf(leader));
        session.reply_on = network_->Connect(HostOf(leader), HostOf(replica.broker));
        session.min_bytes = config_.replica_fetch_min_bytes;
        session.max_wait = config_.replica_fetch_wait_max;
        session.max_bytes = config_.replica_fetch_response_max_bytes;
        session.max_partition_bytes = config_.replica_fetch_max_bytes;
        session.cause = TrafficCause::kReplicate;
        session.to_log_end = true;
        session.on_response = [this, raw = fetcher.get()] { ReplicaResponse(raw); };
        session.on_processed = [this, raw = fetcher.get()] { TakeAcknowledgements(raw); };
        if (config_.rack_aware_selector) {
          session.on_wait_over = [this, raw = fetcher.get()] { TellHighWatermarks(raw); };
        }
        wanted = fetcher.get();
        fetchers_.push_back(std::move(fetcher));
      }
      wanted->session.positions.push_back({IdOf(partition), replica.log_end});
      replica.fetcher = wanted;
    }
  }
  for (const auto& fetcher : fetchers_) {
    if (fetcher->session.positions.empty() || fetcher->session.open) continue;
    // A session begins with a full fetch: it tells where the follower stands in each partition, so
    // that one that has everything joins the in-sync set of an idle partition, too.
    for (const FetchSession::Position& position : fetcher->session.positions) {
      fetcher->acknowledge.push_back({position.partition, position.next});
      if (config_.rack_aware_selector) NoteHighWatermark(position.partition);
    }
    OpenSession(&fetcher->session, fetcher->leader);
    Fetch(&fetcher->session, fetcher->leader);
  }
}

void KafkaCluster::ReplicaResponse(ReplicaFetcher* fetcher) {
  fetcher->moving = 0;
  MoveOutOfRange(fetcher);
}

void KafkaCluster::MoveOutOfRange(ReplicaFetcher* fetcher) {
  FetchSession& session = fetcher->session;
  while (fetcher->moving < session.out_of_range.size()) {
    const uint32_t index = session.out_of_range[fetcher->moving];
    const PartitionId id = session.positions[index].partition;
    if (ReadAuxiliary(fetcher, id)) return;
    ++fetcher->moving;
    BeginAtLocalStart(id, *ReplicaOn(id, fetcher->follower));
    Seek(&session, index, LocalLogStart(id));
  }
  if (session.response.empty()) {
    FetchAgain(fetcher);
    return;
  }
  KafkaBroker& node = *brokers_[fetcher->follower];
  fetcher->appending = 0;
  node.cpu().Serve(
      node.CpuTime(0, session.response_bytes, static_cast<int64_t>(session.response.size())),
      [this, fetcher, generation = session.generation] {
        if (generation == fetcher->session.generation) AppendFetched(fetcher);
      });
}

void KafkaCluster::AppendFetched(ReplicaFetcher* fetcher) {
  // The fetcher thread appends partition by partition, and waits for the disk where it must.
  FetchSession& session = fetcher->session;
  KafkaBroker& node = *brokers_[fetcher->follower];
  while (fetcher->appending < session.response.size()) {
    const FetchedRange& range = session.response[fetcher->appending++];
    Replica& replica = *ReplicaOn(range.partition, fetcher->follower);
    SetLogEnd(range.partition, replica, range.to);
    node.replicated_bytes_in().Add(range.bytes.count());
    if (replica.adding) moved_bytes_ += range.bytes.count();
    fetcher->acknowledge.push_back({range.partition, range.to});
    const auto go_on = [this, fetcher, generation = session.generation] {
      if (generation == fetcher->session.generation) AppendFetched(fetcher);
    };
    if (!StoreAt(range.partition, replica, range.to - range.from, range.bytes, go_on)) return;
  }
  FetchAgain(fetcher);
}

void KafkaCluster::FetchAgain(ReplicaFetcher* fetcher) {
  if (!fetcher->session.open) return;
  if (config_.rack_aware_selector) LearnHighWatermarks(fetcher);
  const Time at = ThrottledUntil(*fetcher);
  if (at <= Now()) {
    Fetch(&fetcher->session, fetcher->leader);
    return;
  }
  At<"log.replication_throttled">(at, [this, fetcher, generation = fetcher->session.generation] {
    if (generation == fetcher->session.generation) Fetch(&fetcher->session, fetcher->leader);
  });
}

void KafkaCluster::TakeAcknowledgements(ReplicaFetcher* fetcher) {
  if (config_.rack_aware_selector) TellHighWatermarks(fetcher);
  for (const ReplicaFetcher::Progress& progress : fetcher->acknowledge) {
    Partition& partition = partitions_[progress.partition];
    Replica& replica = *ReplicaOn(progress.partition, fetcher->follower);
    const Offset log_end = partition.log.log_end_offset();
    replica.acknowledged = progress.log_end;
    // Caught up now, or at its fetch before: it has reached what was the log end then.
    if (progress.log_end >= log_end) {
      replica.caught_up_at = Now();
    } else if (progress.log_end >= replica.leader_end_at_fetch) {
      replica.caught_up_at = std::max(replica.caught_up_at, replica.fetched_at);
    }
    replica.fetched_at = Now();
    replica.leader_end_at_fetch = log_end;
    if (!replica.in_sync) TryToJoin(progress.partition, replica);
    AdvanceHighWatermark(progress.partition, fetcher->follower);
  }
  fetcher->acknowledge.clear();
}

void KafkaCluster::AdvanceHighWatermark(PartitionId id, BrokerId blocker) {
  Offset lowest = partitions_[id].log.log_end_offset();
  int in_sync = 0;
  for (const Replica& replica : replicated_[id].replicas) {
    in_sync += replica.in_sync;
    if ((replica.in_sync || replica.changing) && replica.acknowledged < lowest) {
      lowest = replica.acknowledged;
    }
  }
  if (in_sync < static_cast<int>(replicated_[id].replicas.size()) && config_.strict_min_in_sync &&
      in_sync < MinInSync(id)) {
    return;
  }
  Commit(id, lowest, brokers_[blocker]->component_id());
  if (config_.rack_aware_selector) NoteHighWatermark(id);
}

void KafkaCluster::ScheduleSweep() {
  After<"log.in_sync_sweep">(config_.replica_lag_time_max / 2, [this] {
    SweepInSync();
    ScheduleSweep();
  });
}

void KafkaCluster::SweepInSync() {
  for (Partition& partition : partitions_) {
    // The leader sweeps: none while it is dead.
    if (partition.leader == kNoBroker || !brokers_[partition.leader]->up()) continue;
    for (Replica& replica : replicated_[IdOf(partition)].replicas) {
      if (!replica.in_sync || replica.changing || replica.broker == partition.leader) continue;
      if (replica.acknowledged >= partition.log.log_end_offset()) continue;
      if (Now() - replica.caught_up_at <= config_.replica_lag_time_max) continue;
      ProposeInSync(IdOf(partition), replica, false);
    }
  }
}

}  // namespace freshet
