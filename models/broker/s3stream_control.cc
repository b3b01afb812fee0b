// Failures and moves in S3StreamCluster: sessions, recovery of write-ahead logs, who serves what.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "models/broker/s3stream_cluster.h"

namespace freshet {

// --- A broker dies and comes back ---

void S3StreamCluster::OnCrash(BrokerId id) {
  to_recover_[static_cast<size_t>(id)] = true;
  for (Placement& placement : placements_) {
    if (placement.home != id || placement.state == State::kOpening) continue;
    if (placement.state == State::kClosing) --closing_;
    if (placement.state != State::kLost) placement.since = Now();
    placement.state = State::kLost;
  }
  if (router_ != nullptr) {
    router_->OnCrash(id);
    snapshots_[static_cast<size_t>(id)].assign(partitions_.size(), 0);
  }
  if (channel_ != nullptr) {
    channel_->OnCrash(id);
    for (const auto& table : tables_) table->OnCrash(id);
  }
  DeleteLater(broker(id).TakeUnknownObjects(), config_.prepared_object_ttl);
  // What it was recovering is left to its owner, if that is back, or to another.
  std::vector<BrokerId> left;
  for (const auto& [failed, recovery] : recoveries_) {
    if (recovery.by == id) left.push_back(failed);
  }
  for (const BrokerId failed : left) {
    broker(failed).wal().CancelRecovery();
    recoveries_.erase(failed);
    if (broker(failed).up()) {
      BeginRecovery(failed, failed);
    } else if (fenced_[static_cast<size_t>(failed)]) {
      ScheduleScan();
    }
  }
}

void S3StreamCluster::OnSessionEnd(BrokerId id) {
  fenced_[static_cast<size_t>(id)] = true;
  ZonesChanged();
  DecideAndTell([this, id] {
    Abandon(id);
    ScheduleScan();
  });
}

void S3StreamCluster::OnRestart(BrokerId id) {
  fenced_[static_cast<size_t>(id)] = false;
  if (router_ != nullptr) router_->OnRestart(id);
  ZonesChanged();
  if (!to_recover_[static_cast<size_t>(id)]) {
    broker(id).Start();
    return;
  }
  // Another may be at its log; until that is done it serves nothing.
  if (recoveries_.contains(id)) return;
  Abandon(id);
  BeginRecovery(id, id);
}

void S3StreamCluster::Abandon(BrokerId id) {
  for (PartitionId partition = 0; partition < partitions_.size(); ++partition) {
    if (placements_[partition].home == id && placements_[partition].state == State::kLost) {
      partitions_[partition].leader = kNoBroker;
    }
  }
  PublishMetadata();
  CountHealth();
}

void S3StreamCluster::CountHealth() {
  offline_.Set(
      std::count_if(partitions_.begin(), partitions_.end(),
                    [](const Partition& partition) { return partition.leader == kNoBroker; }));
}

// --- Its write-ahead log is recovered ---

bool S3StreamCluster::IsReady(BrokerId id) const {
  const auto index = static_cast<size_t>(id);
  return broker(id).up() && !to_recover_[index] && !leaving_[index];
}

void S3StreamCluster::ScheduleScan() {
  if (sim().IsPending(scan_)) return;
  const Duration interval = config_.failover_scan_interval;
  scan_ = At<"log.failover_scan">(Time() + interval * (Now().SinceStart() / interval + 1),
                                  [this] { Scan(); });
}

void S3StreamCluster::Scan() {
  if (!HasActiveController()) {
    ScheduleScan();
    return;
  }
  bool one_runs = false;
  BrokerId waiting = kNoBroker;
  for (BrokerId id = 0; id < broker_count(); ++id) {
    const auto recovery = recoveries_.find(id);
    one_runs = one_runs || (recovery != recoveries_.end() && recovery->second.by != id);
    const auto index = static_cast<size_t>(id);
    const bool waits = fenced_[index] && to_recover_[index] && recovery == recoveries_.end();
    if (waits && waiting == kNoBroker) waiting = id;
  }
  if (waiting == kNoBroker) return;
  ScheduleScan();
  if (one_runs) return;
  for (BrokerId by = 0; by < broker_count(); ++by) {
    if (!IsReady(by)) continue;
    BeginRecovery(waiting, by);
    return;
  }
}

bool S3StreamCluster::IsCurrent(BrokerId failed, uint64_t number) const {
  const auto recovery = recoveries_.find(failed);
  return recovery != recoveries_.end() && recovery->second.number == number;
}

void S3StreamCluster::BeginRecovery(BrokerId failed, BrokerId by) {
  const uint64_t number = next_recovery_++;
  recoveries_[failed] = {by, number};
  sim().recorder().Mark(RecordLevel::kState, lane_, "recovery", Now(), failed, Severity::kNotice);
  broker(failed).wal().TakeOver(&broker(by).object_client(), by != failed,
                                [this, failed, number] { RecoverNext(failed, number); });
}

void S3StreamCluster::RecoverNext(BrokerId failed, uint64_t number) {
  const LogCache& left = broker(failed).log_cache();
  const LogCache::BlockNumber block = left.FirstNotUploaded();
  if (block == left.LastBlock()) {
    FinishRecovery(failed);
    return;
  }
  S3StreamBroker& by = broker(recoveries_.at(failed).by);
  by.inbound().Bypass(left.BlockOf(block).bytes());
  broker(failed).wal().ReadBack(&by.object_client(), left.BlockOf(block).from,
                                left.BlockOf(block).to,
                                [this, failed, number] { UploadRead(failed, number); });
}

void S3StreamCluster::UploadRead(BrokerId failed, uint64_t number) {
  const LogCache& left = broker(failed).log_cache();
  const LogCache::Block& block = left.BlockOf(left.FirstNotUploaded());
  recovered_bytes_.Add(block.bytes().count());
  broker(recoveries_.at(failed).by)
      .uploader()
      .Upload(block.parts, block.opened_at, StreamUploader::Pace::kBurst,
              StreamUploader::Order::kApart, number,
              [this, failed](uint64_t uploaded) { BlockRecovered(failed, uploaded); });
}

void S3StreamCluster::BlockRecovered(BrokerId failed, uint64_t number) {
  SIM_CHECK(IsCurrent(failed, number), "inv.I13", "a recovery that was given up goes on");
  LogCache& left = broker(failed).log_cache();
  left.MarkUploaded(left.FirstNotUploaded());
  ShowObjects();
  RecoverNext(failed, number);
}

void S3StreamCluster::FinishRecovery(BrokerId failed) {
  const BrokerId by = recoveries_.at(failed).by;
  recoveries_.erase(failed);
  if (!stopped_cleanly_[static_cast<size_t>(failed)]) recoveries_done_.Add(1);
  stopped_cleanly_[static_cast<size_t>(failed)] = false;
  broker(failed).BeginAnew(&broker(by).object_client());
  to_recover_[static_cast<size_t>(failed)] = false;
  if (broker(failed).up()) broker(failed).Start();
  for (PartitionId id = 0; id < partitions_.size(); ++id) {
    Placement& placement = placements_[id];
    if (placement.home != failed || placement.state != State::kLost) continue;
    placement.lost = true;
    Open(id, LeastLoaded());
  }
}

// --- Partitions open and move ---

BrokerId S3StreamCluster::LeastLoaded() const {
  std::vector<int64_t> load(brokers_.size());
  for (const Placement& placement : placements_) {
    const BrokerId serves = placement.state == State::kServed ? placement.home : placement.to;
    if (placement.state != State::kLost && serves != kNoBroker) ++load[static_cast<size_t>(serves)];
  }
  BrokerId least = kNoBroker;
  for (BrokerId id = 0; id < broker_count(); ++id) {
    const bool less =
        least == kNoBroker || load[static_cast<size_t>(id)] < load[static_cast<size_t>(least)];
    if (IsReady(id) && less) least = id;
  }
  return least;
}

bool S3StreamCluster::MovePartition(PartitionId id, BrokerId to) {
  Placement& placement = placements_[id];
  if (placement.state != State::kServed || placement.home == to || !IsReady(to)) return false;
  moved_bytes_ += partitions_[id]
                      .log.BytesBetween(objects_.EndOf(id), partitions_[id].log.log_end_offset())
                      .count();
  placement = {placement.home, State::kClosing, to, false, Now()};
  ++closing_;
  if (channel_ != nullptr) TableClosed(id);
  CloseFurther(id);
  return true;
}

void S3StreamCluster::CloseFurther(PartitionId id) {
  // What was appended before has to be durable, and then uploaded.
  const PartitionLog& log = partitions_[id].log;
  if (log.high_watermark() < log.log_end_offset()) return;
  if (objects_.EndOf(id) < log.log_end_offset()) {
    broker(placements_[id].home).ForceUpload();
    return;
  }
  --closing_;
  Open(id, placements_[id].to);
}

void S3StreamCluster::Open(PartitionId id, BrokerId to) {
  placements_[id].state = State::kOpening;
  placements_[id].to = to;
  Decide([this, id] { BeginOpening(id); });
}

void S3StreamCluster::BeginOpening(PartitionId id) {
  openings_.push_back({id, Now() + config_.open_time});
  After<"log.partition_opens">(config_.open_time, [this] { OpenDue(); });
}

void S3StreamCluster::OpenDue() {
  bool opened = false;
  while (!openings_.empty() && openings_.front().at <= Now()) {
    opened = OpenNow(openings_.pop_front().partition) || opened;
  }
  if (!opened) return;
  PublishMetadata();
  CountHealth();
  LookAtOrders();
}

bool S3StreamCluster::OpenNow(PartitionId id) {
  Placement& placement = placements_[id];
  if (placement.to == kNoBroker || !IsReady(placement.to)) {
    Open(id, LeastLoaded());
    return false;
  }
  Partition& partition = partitions_[id];
  // What was not durable when its broker died had not been acknowledged.
  CutLog(id, partition.log.high_watermark());
  SIM_CHECK(objects_.EndOf(id) == partition.log.log_end_offset(), "inv.I13",
            absl::StrCat("partition ", id, " opens with ", objects_.EndOf(id), " of ",
                         partition.log.log_end_offset(), " uploaded"));
  partition.leader = placement.to;
  ++partition.leader_epoch;
  elections_.Add(1);
  sim().recorder().Mark(RecordLevel::kState, lane_, "election", Now(), id, Severity::kNotice);
  if (placement.lost) {
    unavailable_.Record(Now() - placement.since);
  } else {
    moves_.Add(1);
    move_time_.Record(Now() - placement.since);
  }
  placement = {placement.to};
  if (channel_ != nullptr) TableOpened(id);
  return true;
}

}  // namespace freshet
