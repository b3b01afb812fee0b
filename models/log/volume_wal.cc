#include "models/log/volume_wal.h"

#include "absl/strings/str_cat.h"

namespace freshet {

VolumeWal::VolumeWal(Simulation& sim, absl::string_view name, const Config& config)
    : WriteAheadLog(sim, name),
      config_(config),
      volume_(sim, absl::StrCat(name, "/disk"), config.volume) {
  SIM_REQUIRE(config.most_in_flight > 0 && config.write_interval >= Duration::Zero());
}

WriteAheadLog::Answer VolumeWal::Append(Bytes size) {
  if (fenced()) return Answer::kFenced;
  if (Unflushed() + size > config_.most_unflushed ||
      Held() + Unflushed() + size > config_.capacity) {
    return TurnAway();
  }
  NoteAppended(size);
  WriteGathered();
  return Answer::kTaken;
}

void VolumeWal::WriteGathered() {
  if (written_to_ == end() || in_flight_ == config_.most_in_flight) return;
  if (Now() < next_write_at_) {
    if (!sim().IsPending(timer_)) {
      timer_ = At<"wal.write_allowed">(next_write_at_, [this] { WriteGathered(); });
    }
    return;
  }
  next_write_at_ = Now() + config_.write_interval;
  ++in_flight_;
  CountWrite();
  const Bytes size(end() - written_to_);
  written_to_ = end();
  writes_.push_back({end(), false});
  volume_.Write(size, [this, number = first_number_ + writes_.size() - 1] { WriteOver(number); });
}

void VolumeWal::WriteOver(uint64_t number) {
  --in_flight_;
  writes_[static_cast<size_t>(number - first_number_)].done = true;
  int64_t durable_to = durable();
  while (!writes_.empty() && writes_.front().done) {
    durable_to = writes_.pop_front().to;
    ++first_number_;
  }
  if (durable_to > durable()) AdvanceDurable(durable_to);
  WriteGathered();
}

void VolumeWal::Crash() {
  sim().Cancel(timer_);
  volume_.DropAll();
  first_number_ += writes_.size();
  writes_.clear();
  in_flight_ = 0;
  LoseUnflushed();
  written_to_ = end();
}

void VolumeWal::TakeOver(ObjectClient* by, bool elsewhere, Callback done) {
  static_cast<void>(by);  // Nothing of it is in objects.
  recovered_ = done;
  After<"wal.attached">(elsewhere ? config_.attach_time : Duration::Zero(),
                        [this, number = ++recovery_number_] {
                          if (number == recovery_number_) recovered_();
                        });
}

void VolumeWal::ReadBack(ObjectClient* by, int64_t from, int64_t to, Callback done) {
  static_cast<void>(by);
  SIM_REQUIRE(trimmed() <= from && from <= to && to <= durable());
  recovered_ = done;
  volume_.Read(Bytes(to - from), [this, number = ++recovery_number_] {
    if (number == recovery_number_) recovered_();
  });
}

void VolumeWal::BeginAnew(ObjectClient* by, int64_t position) {
  static_cast<void>(by);
  CancelRecovery();
  StartFrom(position);
  written_to_ = position;
}

}  // namespace freshet
