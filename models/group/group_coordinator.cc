#include "models/group/group_coordinator.h"

#include <algorithm>

namespace freshet {
namespace {

// What the formats of a record batch and of the offsets topic's key and value take (KSRC:
// OffsetCommitKey, OffsetCommitValue): versions, lengths, partition, offset, leader epoch, empty
// metadata, timestamp, and the record around them.
constexpr Bytes kBatchHeader(61);
constexpr Bytes kOffsetRecord(2 + 2 + 2 + 4 + 2 + 8 + 4 + 2 + 8 + 8);

}  // namespace

int GroupCoordinator::PartitionOf(absl::string_view group, int offsets_partitions) {
  uint32_t hash = 0;  // String.hashCode(), whose overflow wraps.
  for (const char c : group) hash = hash * 31 + static_cast<unsigned char>(c);
  const uint32_t positive = hash & 0x7fffffffU;
  // Utils.abs() turns the one number without an opposite into 0, and others into their opposite.
  const bool negative = (hash & 0x80000000U) != 0;
  const uint32_t absolute = !negative ? positive : positive == 0 ? 0 : 0U - hash;
  return static_cast<int>(absolute % static_cast<uint32_t>(offsets_partitions));
}

GroupCoordinator::GroupCoordinator(Simulation& sim, absl::string_view name, LogService* log,
                                   const Config& config, const GroupMetrics* metrics)
    : Component(sim, name),
      config_(config),
      log_(log),
      metrics_(metrics),
      partition_(config.offsets_first +
                 static_cast<PartitionId>(PartitionOf(config.group, config.offsets_partitions))),
      broker_(log->GroupCoordinatorOf(partition_)),
      loaded_(broker_ != kNoBroker),
      committed_(static_cast<size_t>(config.partitions)) {
  log->OnBrokerChange([this](BrokerId) { Look(); });
  log->OnLeaderChange([this] { Look(); });
}

GroupError GroupCoordinator::ErrorAt(BrokerId at) const {
  if (at != broker_) return GroupError::kNotCoordinator;
  return loaded_ ? GroupError::kNone : GroupError::kLoading;
}

void GroupCoordinator::Look() {
  const BrokerId leader = log_->GroupCoordinatorOf(partition_);
  if (leader == broker_) return;
  if (broker_ != kNoBroker && loaded_) OnUnload();
  // What the election has cut off was never committed. Nothing has been appended since.
  Apply();
  const Offset end = log_->LogOf(partition_).log_end_offset();
  while (!pending_.empty() && pending_.back().end > end) pending_.pop_back();
  while (!in_transaction_.empty() && in_transaction_.back().end > end) in_transaction_.pop_back();
  for (InTransaction& each : in_transaction_) {
    if (each.over && *each.over > end) each.over.reset();
  }
  broker_ = leader;
  loaded_ = false;
  metrics_->unavailable->Set(1);
  const uint32_t number = ++loads_;
  if (leader == kNoBroker) return;
  const Duration wait =
      config_.load_rate ? config_.load_rate->TimeFor(LoadBytes()) : Duration::Zero();
  After<"group.loaded">(wait, [this, number] {
    if (number == loads_) Loaded();
  });
}

void GroupCoordinator::Loaded() {
  loaded_ = true;
  metrics_->unavailable->Set(0);
  sim().recorder().Mark(RecordLevel::kState, metrics_->lane, "coordinator_loaded", Now(), broker_,
                        Severity::kNotice);
  OnLoad();
}

Bytes GroupCoordinator::LoadBytes() const {
  // Compaction leaves one record a partition; the segment that is being written is not compacted.
  const auto live = static_cast<size_t>(
      std::count_if(committed_.begin(), committed_.end(), [](const auto& c) { return !!c; }));
  return config_.other_bytes +
         std::min(log_->LogOf(partition_).bytes(), CommitBytes(live) + config_.offsets_segment);
}

Bytes GroupCoordinator::CommitBytes(size_t partitions) const {
  const auto names = static_cast<int64_t>(config_.group.size() + config_.topic.size());
  return kBatchHeader + (kOffsetRecord + Bytes(names)) * static_cast<int64_t>(partitions);
}

ProduceError GroupCoordinator::Judge(const Commit& commit) {
  if (broker_ == kNoBroker || !loaded_) return ProduceError::kNotLeader;
  if (!MayCommit(commit.member, commit.generation)) {
    metrics_->fenced->Add(1);
    return ProduceError::kFenced;
  }
  Apply();
  const Offset end =
      log_->LogOf(partition_).log_end_offset() + static_cast<Offset>(commit.offsets.size());
  pending_.push_back({end, commit.offsets});
  return ProduceError::kNone;
}

ProduceError GroupCoordinator::JudgeTransactional(const Commit& commit, ProducerId producer) {
  if (broker_ == kNoBroker || !loaded_) return ProduceError::kNotLeader;
  if (commit.member != kNoMember && !MayCommit(commit.member, commit.generation)) {
    metrics_->fenced->Add(1);
    return ProduceError::kFenced;
  }
  Apply();
  const Offset end =
      log_->LogOf(partition_).log_end_offset() + static_cast<Offset>(commit.offsets.size());
  in_transaction_.push_back({producer, end, std::nullopt, commit.offsets});
  return ProduceError::kNone;
}

void GroupCoordinator::EndTransaction(ProducerId producer, bool commits) {
  Apply();
  const Offset end = log_->LogOf(partition_).log_end_offset() + 1;
  for (InTransaction& each : in_transaction_) {
    if (each.producer != producer || each.over) continue;
    each.over = end;
    if (commits) pending_.push_back({end, each.offsets});
  }
}

bool GroupCoordinator::IsUnstable(int partition) const {
  const Offset high_watermark = log_->LogOf(partition_).high_watermark();
  return std::any_of(
      in_transaction_.begin(), in_transaction_.end(), [=](const InTransaction& each) {
        if (each.over && *each.over <= high_watermark) return false;
        return std::any_of(each.offsets.begin(), each.offsets.end(),
                           [partition](const auto& offset) { return offset.first == partition; });
      });
}

void GroupCoordinator::Apply() {
  const Offset high_watermark = log_->LogOf(partition_).high_watermark();
  size_t applied = 0;
  while (applied < pending_.size() && pending_[applied].end <= high_watermark) {
    for (const auto& [partition, offset] : pending_[applied].offsets) {
      committed_[static_cast<size_t>(partition)] = offset;
    }
    ++applied;
  }
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(applied));
  in_transaction_.erase(std::remove_if(in_transaction_.begin(), in_transaction_.end(),
                                       [=](const InTransaction& each) {
                                         return each.over && *each.over <= high_watermark;
                                       }),
                        in_transaction_.end());
}

std::optional<Offset> GroupCoordinator::CommittedOf(int partition) {
  Apply();
  return committed_[static_cast<size_t>(partition)];
}

void GroupCoordinator::CutCommitted(int partition, Offset end) {
  Apply();
  std::optional<Offset>& committed = committed_[static_cast<size_t>(partition)];
  if (committed && *committed > end) committed = end;
}

void GroupCoordinator::CountRebalance(RebalanceCause cause) {
  metrics_->rebalances->Add(1);
  metrics_->by_cause[static_cast<size_t>(cause)]->Add(1);
  sim().recorder().State(metrics_->lane, NameOf(cause), Now(), 1,
                         cause == RebalanceCause::kSessionOver || cause == RebalanceCause::kPollOver
                             ? Severity::kWarning
                             : Severity::kNotice);
  if (!unstable_since_) unstable_since_ = Now();
  metrics_->rebalancing->Set(1);
}

void GroupCoordinator::CountStable() {
  if (!unstable_since_) return;
  metrics_->rebalance_time->Record(Now() - *unstable_since_);
  unstable_since_.reset();
  metrics_->rebalancing->Set(0);
  sim().recorder().State(metrics_->lane, "stable", Now(), 0);
}

}  // namespace freshet
