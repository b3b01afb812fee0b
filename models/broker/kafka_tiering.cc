// Tiered topics in KafkaCluster: what is in remote storage and what on disks, fetches that are
// served from there, and replicas that begin at their leader's local log start.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "models/broker/kafka_cluster.h"

namespace freshet {

void KafkaCluster::StartTiering(ObjectStore* store, Network* network) {
  SIM_REQUIRE(store != nullptr);
  remote_bytes_ = &AddGauge(kRemoteBytes);
  auxiliary_states_ = &AddCounter(kAuxiliaryStates);
  for (const TopicConfig& topic : config_.topics) {
    prefixes_.push_back(store->AddPrefix(absl::StrCat(name(), "/", topic.name)));
  }
  for (BrokerId id = 0; id < broker_count(); ++id) {
    KafkaBroker& node = *brokers_[id];
    remote_log_.push_back(std::make_unique<RemoteLogManager>(
        sim(), absl::StrCat(node.name(), "/remote-log"), store, network, node.host(),
        &node.PageCacheOf(0), id, static_cast<RemoteLogManager::Owner*>(this),
        *config_.remote_log));
  }
  local_start_positions_.resize(partitions_.size());
  for (PartitionId id = 0; id < partitions_.size(); ++id) {
    if (Tiered(id)) HoldRemoteHistory(id, store);
  }
}

void KafkaCluster::HoldRemoteHistory(PartitionId id, ObjectStore* store) {
  // Copied long ago, all that is closed: tasks come round more often than local retention does.
  while (const std::optional<ClosedSegment> segment = NextToCopy(id)) {
    RemoteSegment remote;
    remote.range = *segment;
    const auto put = [&](Bytes size) {
      const ObjectId object = store->NewObject(PrefixOf(id));
      store->SetObject(object, size);
      return object;
    };
    remote.log = put(segment->bytes);
    remote.indexes =
        put(RemoteLogReader::IndexBytes(segment->bytes) + RemoteLogReader::kAuxiliaryBytes);
    remote.manifest = put(RemoteLogReader::kManifestBytes);
    remote_logs_[id].Add(remote);
  }
  remote_bytes_->Set(remote_bytes_->Value() + remote_logs_[id].bytes().count());
  const Offset from =
      partitions_[id].log.RetainedFrom(*TopicOf(partitions_[id]).local_retention, Now());
  SetLocalStart(id, std::min(from, remote_logs_[id].end_offset()));
}

void KafkaCluster::LeadRemote(PartitionId id) {
  const Partition& partition = partitions_[id];
  if (!Tiered(id) || partition.leader == kNoBroker) return;
  remote_log_[static_cast<size_t>(partition.leader)]->Lead(id, partition.leader_epoch);
}

// --- What is where ---

void KafkaCluster::SetLocalStart(PartitionId id, Offset from) {
  if (from <= LocalLogStart(id)) return;
  const ClosedSegment& last = remote_logs_[id].Find(from - 1)->range;
  SIM_REQUIRE(last.end_offset == from);
  partitions_[id].local_log_start = from;
  local_start_positions_[id] = last.position + last.bytes.count();
}

int64_t KafkaCluster::LocalStartPosition(PartitionId id) const {
  const PartitionLog& log = partitions_[id].log;
  return partitions_[id].local_log_start > log.log_start_offset()
             ? local_start_positions_[id]
             : log.PositionOf(log.log_start_offset());
}

void KafkaCluster::ApplyLocalRetention(PartitionId id) {
  const Partition& partition = partitions_[id];
  // Only what is remote may go: while copies fail, disks fill.
  const Offset from =
      std::min(partition.log.RetainedFrom(*TopicOf(partition).local_retention, Now()),
               remote_logs_[id].end_offset());
  SetLocalStart(id, from);
  FollowLogStart(id);
}

void KafkaCluster::ApplyTotalRetention(PartitionId id) {
  const Partition& partition = partitions_[id];
  RemoteLog& remote = remote_logs_[id];
  const Offset from = std::min(partition.log.RetainedFrom(TopicOf(partition).retention, Now()),
                               remote.end_offset());
  if (from <= partition.log.log_start_offset()) return;
  const Bytes before = remote.bytes();
  remote.DeleteBelow(from);
  remote_bytes_->Set(remote_bytes_->Value() - (before - remote.bytes()).count());
  ExpireLog(id, from);
  FollowLogStart(id);
}

bool KafkaCluster::LeadsStill(BrokerId broker, PartitionId id, int32_t epoch) const {
  const Partition& partition = partitions_[id];
  return partition.leader == broker && partition.leader_epoch == epoch && brokers_[broker]->up();
}

size_t KafkaCluster::FirstNotRemote(PartitionId id) const {
  const SegmentRow& segments = partitions_[id].log.segments();
  const Offset remote_end = remote_logs_[id].end_offset();
  size_t low = 0;
  size_t high = segments.size();
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (segments[middle].base_offset < remote_end) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

std::optional<ClosedSegment> KafkaCluster::NextToCopy(PartitionId id) const {
  const PartitionLog& log = partitions_[id].log;
  const SegmentRow& segments = log.segments();
  const size_t index = FirstNotRemote(id);
  // The last one is active.
  if (index + 1 >= segments.size()) return std::nullopt;
  const LogSegment& next = segments[index + 1];
  if (next.base_offset > log.last_stable_offset()) return std::nullopt;
  const LogSegment& segment = segments[index];
  return ClosedSegment{segment.base_offset, next.base_offset, segment.position,
                       Bytes(next.position - segment.position)};
}

RemoteLogManager::Lag KafkaCluster::LagOf(PartitionId id) const {
  const SegmentRow& segments = partitions_[id].log.segments();
  const size_t index = FirstNotRemote(id);
  if (index + 1 >= segments.size()) return {};
  return {static_cast<int64_t>(segments.size() - 1 - index),
          Bytes(segments.back().position - segments[index].position)};
}

bool KafkaCluster::ReadSegment(BrokerId broker, PartitionId id, const ClosedSegment& segment,
                               Callback read) {
  KafkaBroker& node = *brokers_[broker];
  const int64_t from = segment.position;
  const int64_t to = from + segment.bytes.count();
  const Bytes missing = node.MissingOf(id, from, to);
  if (missing == Bytes(0)) return true;
  node.TakeIntoCache(id, from, to);
  node.VolumeOf(id).Read(missing, read);
  return false;
}

void KafkaCluster::OnCopied(PartitionId id) {
  const RemoteLog& remote = remote_logs_[id];
  remote_bytes_->Set(remote_bytes_->Value() +
                     remote.Find(remote.end_offset() - 1)->range.bytes.count());
}

// --- Fetches from remote storage ---

void KafkaCluster::ReadRemote(FetchSession* session, BrokerId broker, Callback go_on) {
  const uint32_t index = session->remote;
  const FetchSession::Position& position = session->positions[index];
  const Partition& partition = partitions_[position.partition];
  const RemoteSegment* segment = remote_logs_[position.partition].Find(position.next);
  SIM_CHECK(segment != nullptr, "inv.I14", "a fetch between log start and local log start");
  RemoteFetch fetch;
  fetch.session = session;
  fetch.generation = session->generation;
  fetch.broker = broker;
  fetch.broker_generation = brokers_[broker]->generation();
  fetch.position = index;
  fetch.segment = *segment;
  fetch.go_on = go_on;
  fetch.read = RemoteLogReader::kRefused;
  // Within one segment, as the reader of Kafka stops at its end.
  const FetchedRange& range = fetch.range;
  const Offset limit = std::min(LimitOf(*session, position, partition), segment->range.end_offset);
  const Bytes most =
      std::min({session->max_partition_bytes, session->max_bytes, config_.fetch_max_bytes});
  ReadInto(position.partition, position.next, limit, most, &fetch.range);
  // Interpolated positions may miss the bounds of the segment by some records.
  const int64_t end = segment->range.position + segment->range.bytes.count();
  fetch.from = std::clamp(range.position, segment->range.position, end - 1);
  fetch.to = std::clamp(fetch.from + range.bytes.count(), fetch.from + 1, end);
  fetch.expires_at = Now() + config_.remote_log->fetch_max_wait;
  const uint32_t id = remote_fetches_.Add(fetch);
  remote_fetches_[id].expiry =
      At<"remote_log.fetch_expired">(fetch.expires_at, [this, id] { RemoteExpired(id); });
  SubmitRemote(id);
}

void KafkaCluster::SubmitRemote(uint32_t id) {
  RemoteFetch& fetch = remote_fetches_[id];
  if (brokers_[fetch.broker]->generation() != fetch.broker_generation) return;
  RemoteLogReader& reader = remote_log_[static_cast<size_t>(fetch.broker)]->reader();
  const Time at = reader.AllowedAt();
  if (at > Now()) {
    // Kafka answers without the partition meanwhile, and the consumer asks again.
    if (at >= fetch.expires_at) return;
    At<"remote_log.fetch_throttled">(at, [this, id] { SubmitRemote(id); });
    return;
  }
  fetch.read = reader.Read(fetch.segment, fetch.from, fetch.to,
                           [this, id](bool well) { RemoteRead(id, well); });
}

void KafkaCluster::RemoteRead(uint32_t id, bool well) {
  RemoteFetch fetch = remote_fetches_.Take(id);
  sim().Cancel(fetch.expiry);
  if (fetch.session->generation != fetch.generation) return;
  if (well) AddToResponse(fetch.session, fetch.broker, fetch.position, fetch.range);
  fetch.go_on();
}

void KafkaCluster::RemoteExpired(uint32_t id) {
  RemoteFetch fetch = remote_fetches_.Take(id);
  // A broker that has died meanwhile has forgotten its reads.
  if (brokers_[fetch.broker]->generation() == fetch.broker_generation) {
    RemoteLogReader& reader = remote_log_[static_cast<size_t>(fetch.broker)]->reader();
    if (fetch.read != RemoteLogReader::kRefused) reader.Abandon(fetch.read);
    reader.expired().Add(1);
  }
  if (fetch.session->generation == fetch.generation) fetch.go_on();
}

// --- Replicas that begin anew ---

bool KafkaCluster::ReadAuxiliary(ReplicaFetcher* fetcher, PartitionId id) {
  const RemoteSegment* last_remote =
      Tiered(id) ? remote_logs_[id].Find(LocalLogStart(id) - 1) : nullptr;
  if (last_remote == nullptr) return false;
  // The fetcher's thread does it, so its other partitions wait.
  remote_log_[static_cast<size_t>(fetcher->follower)]->ReadAuxiliary(
      *last_remote, [this, fetcher, generation = fetcher->session.generation](bool well) {
        if (generation == fetcher->session.generation) AuxiliaryRead(fetcher, well);
      });
  return true;
}

void KafkaCluster::AuxiliaryRead(ReplicaFetcher* fetcher, bool well) {
  FetchSession& session = fetcher->session;
  const uint32_t index = session.out_of_range[fetcher->moving++];
  const PartitionId id = session.positions[index].partition;
  if (well) {
    auxiliary_states_->Add(1);
    BeginAtLocalStart(id, *ReplicaOn(id, fetcher->follower));
    Seek(&session, index, LocalLogStart(id));
  } else {
    // It asks again, and is told the same.
    Seek(&session, index,
         std::max(session.positions[index].next, partitions_[id].log.log_start_offset()));
  }
  MoveOutOfRange(fetcher);
}

void KafkaCluster::BeginAtLocalStart(PartitionId id, Replica& replica) {
  FollowLogStart(id, replica);
  const Offset first = LocalLogStart(id);
  if (replica.log_end >= first) return;
  replica.log_end = first;
  replica.acknowledged = std::min(replica.acknowledged, first);
}

void KafkaCluster::AuditTiering() const {
  for (PartitionId id = 0; id < partitions_.size(); ++id) {
    if (!Tiered(id)) continue;
    const PartitionLog& log = partitions_[id].log;
    remote_logs_[id].Audit(log, LocalLogStart(id));
    if (replicated_[id].leader < 0) continue;
    const Replica& leader = replicated_[id].replicas[static_cast<size_t>(replicated_[id].leader)];
    SIM_CHECK(leader.start_position <= LocalStartPosition(id), "inv.I14",
              absl::StrCat("the leader's disk has partition ", id, " from position ",
                           leader.start_position, ", behind its local log start"));
  }
}

}  // namespace freshet
