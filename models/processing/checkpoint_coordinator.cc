#include "models/processing/checkpoint_coordinator.h"

#include <algorithm>
#include <utility>

#include "sim/check.h"

namespace freshet {
namespace {

// What levels of ten times the size hold beside the live data: an overwritten tenth.
// RocksDB's wiki, "Leveled Compaction": space amplification 1.11.
constexpr Ratio kSpaceAmplification = Ratio::Percent(111);

}  // namespace

CheckpointCoordinator::CheckpointCoordinator(Simulation& sim, absl::string_view name,
                                             const CheckpointConfig& config, int subtasks,
                                             Owner* owner)
    : Component(sim, name),
      config_(config),
      owner_(owner),
      subtasks_(static_cast<size_t>(subtasks), nullptr),
      completed_(AddCounter(kCompleted)),
      failed_(AddCounter(kFailed)),
      duration_(AddDistribution(kDuration)),
      size_(AddDistribution(kSize)),
      age_(AddGauge(kAge)) {}

void CheckpointCoordinator::Begin() {
  failures_ = 0;
  triggered_at_ = Now();
  TriggerAfter(Now());
}

void CheckpointCoordinator::TriggerSavepoint() {
  if (pending_ != nullptr) {
    savepoint_wanted_ = true;
    return;
  }
  if (triggers_) sim().Cancel(trigger_);
  triggers_ = true;
  trigger_ = At<"checkpoint.savepoint">(Now(), [this] { Trigger(); });
}

void CheckpointCoordinator::Redistribute(std::vector<std::shared_ptr<const SubtaskState>> states,
                                         std::vector<std::vector<CheckpointFile>> files) {
  SIM_REQUIRE(latest_ != nullptr && states.size() == latest_->states.size());
  latest_->states = std::move(states);
  latest_->files = std::move(files);
}

void CheckpointCoordinator::TriggerAfter(Time earliest) {
  if (std::exchange(savepoint_wanted_, false)) return TriggerSavepoint();
  triggers_ = true;
  trigger_ = At<"checkpoint.trigger">(std::max(earliest, triggered_at_ + config_.interval),
                                      [this] { Trigger(); });
}

void CheckpointCoordinator::End() {
  savepoint_wanted_ = false;
  if (triggers_) sim().Cancel(trigger_);
  triggers_ = false;
  if (pending_ == nullptr) return;
  EndPending();
}

void CheckpointCoordinator::EndPending() {
  sim().Cancel(timeout_);
  Delete(*pending_, latest_.get());
  pending_.reset();
}

void CheckpointCoordinator::Trigger() {
  triggers_ = false;
  triggered_at_ = Now();
  pending_ = std::make_unique<Checkpoint>();
  pending_->id = ++last_id_;
  pending_->triggered_at = Now();
  pending_->states.resize(subtasks_.size());
  pending_->files.resize(subtasks_.size());
  missing_ = static_cast<int>(subtasks_.size());
  timeout_ = After<"checkpoint.timeout">(config_.timeout, [this] { Fail(); });
  owner_->TriggerBarriers(last_id_);
}

void CheckpointCoordinator::Acknowledge(CheckpointId checkpoint, int number, Subtask* subtask,
                                        bool ok) {
  if (pending_ == nullptr || checkpoint != pending_->id) return;
  const auto slot = static_cast<size_t>(number);
  subtasks_[slot] = subtask;
  pending_->states[slot] = subtask->snapshot();
  pending_->files[slot] = FilesOf(number, *subtask);
  if (!ok) {
    Fail();
  } else if (--missing_ == 0) {
    Complete();
  }
}

std::vector<CheckpointFile> CheckpointCoordinator::FilesOf(int number,
                                                           const Subtask& subtask) const {
  const auto slot = static_cast<size_t>(number);
  const SubtaskState& state = *subtask.snapshot();
  std::vector<CheckpointFile> files;
  if (state.size > config_.inline_below) files.push_back({subtask.uploaded(), state.size});
  if (!config_.incremental || latest_ == nullptr) return files;
  const Bytes kept = kSpaceAmplification * state.state_size;
  Bytes sum = files.empty() ? Bytes(0) : state.size;
  for (const CheckpointFile& file : latest_->files[slot]) {
    if (sum >= kept) break;
    files.push_back(file);
    sum += file.size;
  }
  return files;
}

void CheckpointCoordinator::Complete() {
  sim().Cancel(timeout_);
  failures_ = 0;
  completed_.Add(1);
  duration_.Record(Now() - pending_->triggered_at);
  Bytes size;
  for (const auto& state : pending_->states) size += state->size;
  size_.Record(size.count());
  const std::unique_ptr<Checkpoint> old = std::exchange(latest_, std::move(pending_));
  if (old != nullptr) Delete(*old, latest_.get());
  TriggerAfter(Now() + config_.min_pause);
  owner_->CheckpointComplete(*latest_);
}

void CheckpointCoordinator::Fail() {
  const CheckpointId failed = pending_->id;
  failed_.Add(1);
  EndPending();
  if (++failures_ > config_.tolerable_failures) {
    owner_->TooManyFailures();
    return;
  }
  TriggerAfter(Now() + config_.min_pause);
  owner_->AbortBarriers(failed);
}

void CheckpointCoordinator::Delete(const Checkpoint& old, const Checkpoint* in_use) {
  // After a rescale a file may be of several subtasks.
  std::vector<ObjectId> kept;
  if (in_use != nullptr) {
    for (const auto& files : in_use->files) {
      for (const CheckpointFile& file : files) kept.push_back(file.object);
    }
  }
  std::sort(kept.begin(), kept.end());
  for (size_t slot = 0; slot < old.files.size(); ++slot) {
    for (const CheckpointFile& file : old.files[slot]) {
      const auto place = std::lower_bound(kept.begin(), kept.end(), file.object);
      if (file.object == 0 || (place != kept.end() && *place == file.object)) continue;
      subtasks_[slot]->host()->Delete(file.object);
      kept.insert(place, file.object);  // Once.
    }
  }
}

void CheckpointCoordinator::Sample() {
  age_.Set((Now() - (latest_ == nullptr ? Time() : latest_->triggered_at)).nanos());
}

}  // namespace freshet
