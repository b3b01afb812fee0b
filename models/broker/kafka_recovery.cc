// What a broker of KafkaCluster does at its start after an unclean stop, what becomes of replicas
// whose disk is gone, and how far replicas out of sync are.
#include <algorithm>

#include "models/broker/kafka_cluster.h"

namespace freshet {
namespace {

constexpr Duration kRebuildSample = Seconds(30);
// Ten years of samples: as good as never.
constexpr int64_t kMostSamples = 10'000'000;
// replication.quota.window.size.seconds: what was not used is forgotten after so long.
constexpr Duration kQuotaWindow = Seconds(1);

}  // namespace

void KafkaCluster::Recover(BrokerId id) {
  Recovery& recovery = recoveries_[static_cast<size_t>(id)];
  const size_t volumes = brokers_[id]->volumes().size();
  ++recovery.run;
  recovery.logs.assign(volumes, {});
  const auto threads =
      static_cast<uint32_t>(config_.recovery_threads) * static_cast<uint32_t>(volumes);
  recovery.threads_left = threads;
  recovery.checked_at.assign(threads, Time());
  for (PartitionId partition = 0; partition < partitions_.size(); ++partition) {
    if (ReplicaOn(partition, id) == nullptr) continue;
    recovery.logs[partition % volumes].push_back(partition);
  }
  const uint32_t run = recovery.run;
  for (uint32_t thread = 0; thread < threads; ++thread) RecoverNext(id, thread, run);
}

int64_t KafkaCluster::UnflushedFrom(PartitionId id, const Replica& replica) const {
  // A segment is flushed when the next one begins, so the last one of the replica is left.
  const SegmentRow& segments = partitions_[id].log.segments();
  for (size_t i = segments.size(); i-- > 0;) {
    if (segments[i].position >= replica.position) continue;
    return std::max(segments[i].position, replica.start_position);
  }
  // The leader has deleted that segment meanwhile: at most a whole one.
  return replica.stored() > segments.rules().bytes
             ? replica.position - segments.rules().bytes.count()
             : replica.start_position;
}

void KafkaCluster::RecoverNext(BrokerId id, uint32_t thread, uint32_t run) {
  Recovery& recovery = recoveries_[static_cast<size_t>(id)];
  if (run != recovery.run) return;
  KafkaBroker& node = *brokers_[id];
  std::vector<PartitionId>& logs = recovery.logs[thread % recovery.logs.size()];
  while (!logs.empty()) {
    const PartitionId partition = logs.back();
    logs.pop_back();
    if (ReplicaOn(partition, id) == nullptr) continue;  // Reassigned meanwhile.
    const Replica& replica = *ReplicaOn(partition, id);
    const int64_t from = UnflushedFrom(partition, replica);
    const Bytes bytes(replica.position - from);
    if (bytes == Bytes(0)) continue;
    node.recovered().Add(bytes.count());
    Time& checked = recovery.checked_at[thread];
    checked = Now();
    if (config_.recovery_rate) checked += config_.recovery_rate->TimeFor(bytes);
    const Bytes missing = node.MissingOf(partition, from, replica.position);
    if (missing > Bytes(0)) {
      node.TakeIntoCache(partition, from, replica.position);
      node.VolumeOf(partition).Read(missing,
                                    [this, id, thread, run] { FinishLog(id, thread, run); });
      return;
    }
    if (checked > Now()) {
      FinishLog(id, thread, run);
      return;
    }
  }
  if (--recovery.threads_left == 0) Rejoin(id);
}

void KafkaCluster::FinishLog(BrokerId id, uint32_t thread, uint32_t run) {
  const Recovery& recovery = recoveries_[static_cast<size_t>(id)];
  if (run != recovery.run) return;
  At<"log.log_recovered">(std::max(Now(), recovery.checked_at[thread]),
                          [this, id, thread, run] { RecoverNext(id, thread, run); });
}

void KafkaCluster::LoseDisk(BrokerId id) {
  AbandonStart(id);
  KafkaBroker& node = *brokers_[id];
  if (node.up()) CrashBroker(id);
  node.ReplaceDisk();
  for (PartitionId partition = 0; partition < partitions_.size(); ++partition) {
    Replica* replica = ReplicaOn(partition, id);
    if (replica == nullptr) continue;
    const PartitionLog& log = partitions_[partition].log;
    replica->lost = true;
    replica->changing = false;
    replica->log_end = log.log_start_offset();
    LowerReadable(partition, *replica);
    replica->start_position = replica->position = log.PositionOf(replica->log_end);
  }
}

Time KafkaCluster::ThrottledUntil(const ReplicaFetcher& fetcher) {
  const std::optional<BytesPerSecond>& throttle =
      move_throttle_ ? move_throttle_ : config_.replication_throttle;
  if (!throttle) return Now();
  Bytes out_of_sync;
  for (const FetchedRange& range : fetcher.session.response) {
    const Replica* replica = ReplicaOn(range.partition, fetcher.follower);
    if (replica != nullptr && !replica->in_sync) out_of_sync += range.bytes;
  }
  if (out_of_sync == Bytes(0)) return Now();
  Time& sending = sending_throttled_until_[static_cast<size_t>(fetcher.leader)];
  Time& receiving = receiving_throttled_until_[static_cast<size_t>(fetcher.follower)];
  const Duration cost = throttle->TimeFor(out_of_sync);
  for (Time* until : {&sending, &receiving}) {
    *until = std::max(*until, Now() - kQuotaWindow) + cost;
  }
  return std::max(sending, receiving);
}

void KafkaCluster::WatchRebuilds() {
  if (watching_rebuilds_) return;
  watching_rebuilds_ = true;
  SampleRebuilds();
}

void KafkaCluster::SampleRebuilds() {
  std::vector<Bytes> left(brokers_.size());
  std::vector<int64_t> count(brokers_.size());
  bool under_replicated = false;
  for (PartitionId id = 0; id < partitions_.size(); ++id) {
    const Partition& partition = partitions_[id];
    for (const Replica& replica : replicated_[id].replicas) {
      if (replica.in_sync && !replica.lost) continue;
      under_replicated = true;
      if (partition.leader == kNoBroker || !brokers_[replica.broker]->up()) continue;
      left[static_cast<size_t>(replica.broker)] +=
          Bytes(partition.log.end_position() - std::max(replica.position, LocalStartPosition(id)));
      ++count[static_cast<size_t>(replica.broker)];
    }
  }
  Bytes all_left;
  int64_t rebuilding = 0;
  int64_t falling_behind = 0;
  Duration projected;
  for (size_t i = 0; i < left.size(); ++i) {
    all_left += left[i];
    rebuilding += count[i];
    const Bytes before = rebuild_left_before_[i];
    rebuild_left_before_[i] = left[i];
    if (count[i] == 0 || before == Bytes(0)) continue;  // Nothing to compare with.
    const int64_t nearer = (before - left[i]).count();
    if (nearer <= 0 || left[i].count() / nearer > kMostSamples) {
      falling_behind += count[i];
    } else {
      projected = std::max(
          projected, Nanoseconds(MulDivCeil(kRebuildSample.nanos(), left[i].count(), nearer)));
    }
  }
  rebuilding_.Set(rebuilding);
  rebuild_left_.Set(all_left.count());
  rebuild_projected_.Set(projected.nanos());
  falling_behind_.Set(falling_behind);
  watching_rebuilds_ = under_replicated;
  if (!under_replicated) return;
  After<"log.rebuild_sample">(kRebuildSample, [this] { SampleRebuilds(); });
}

}  // namespace freshet
