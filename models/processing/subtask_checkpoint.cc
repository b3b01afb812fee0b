// Barriers, snapshots and restore of a Subtask.
//
// Aligned, exactly once: a channel whose barrier has come is held back until those of all others
// have. At least once: nothing is held back, so records behind a barrier may be in the state.
// Unaligned: the first barrier to arrive takes the snapshot at once, and what it overtakes, or what
// comes on other channels before their barriers, is part of the state.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "models/processing/subtask.h"

namespace freshet {

void Subtask::TriggerCheckpoint(CheckpointId checkpoint) {
  if (activity_ == Activity::kStopped) return;
  (config_.checkpoints->unaligned ? urgent_ : barrier_due_) = checkpoint;
  Wake();
}

void Subtask::TakeBarrier(Channel* channel, const Element& barrier) {
  if (barrier.unaligned || barrier.checkpoint <= passed_) return;
  if (aligning_ != barrier.checkpoint) {
    Unblock();
    aligning_ = barrier.checkpoint;
    aligning_since_ = sim_.Now();
    barriers_ = 0;
  }
  channel->blocked = config_.guarantee == DeliveryGuarantee::kExactlyOnce;
  if (++barriers_ < ChannelsInUse()) return;
  vertex_->alignment.Record(sim_.Now() - aligning_since_);
  Unblock();
  barrier_due_ = std::exchange(aligning_, 0);
}

size_t Subtask::ChannelsInUse() const {
  size_t in_use = 0;
  for (const auto& [channel, input] : channels_) in_use += channel->in_use ? 1 : 0;
  return in_use;
}

void Subtask::Unblock() {
  for (const auto& [channel, input] : channels_) channel->blocked = false;
}

void Subtask::BarrierArrived(CheckpointId checkpoint) {
  if (activity_ == Activity::kStopped) return;
  if (checkpoint > passed_) {
    urgent_ = checkpoint;
  } else if (copying_ && checkpoint == current_ && --channels_left_ == 0) {
    copying_ = false;
    vertex_->alignment.Record(sim_.Now() - aligning_since_);
    ChannelStateComplete();
  }
}

void Subtask::TakeSnapshot(CheckpointId checkpoint, bool unaligned) {
  passed_ = current_ = checkpoint;
  for (const auto& [channel, input] : channels_) channel->StopCopying();
  snapshot_ = std::make_shared<SubtaskState>();
  SubtaskState& state = *snapshot_;
  state.offsets = Offsets();
  Bytes written;
  for (const auto& each : chain_) {
    state.operators.push_back(each->Snapshot());
    state.state_size += each->StateSize();
    written += each->TakeWritten();
  }
  state.size =
      config_.checkpoints->incremental ? std::min(written, state.state_size) : state.state_size;
  state.emitted = emitted_;
  state.late = late_;
  state.taken = taken_;
  channels_left_ = 0;
  aligning_since_ = sim_.Now();
  if (unaligned) {
    for (size_t i = 0; i < unsent_.size(); ++i) {
      const Outgoing& unsent = unsent_[i];
      if (unsent.element.kind != Element::Kind::kRecords) continue;
      state.unsent.emplace_back(unsent.element.records, unsent.late);
      state.size += unsent.element.size();
    }
    for (const auto& output : outputs_) {
      state.waiting.emplace_back(output->channels.size());
      for (size_t i = 0; i < output->channels.size(); ++i) {
        output->channels[i]->CopyWaiting(&state.waiting.back()[i]);
        for (const RecordRange& records : state.waiting.back()[i]) state.size += records.bytes;
      }
    }
    state.arrived.resize(channels_.size());
    for (size_t i = 0; i < channels_.size(); ++i) {
      if (!channels_[i].first->CopyArrived(checkpoint, &state.arrived[i])) ++channels_left_;
    }
  }
  copying_ = channels_left_ > 0;
  Element barrier;
  barrier.kind = Element::Kind::kBarrier;
  barrier.checkpoint = checkpoint;
  barrier.unaligned = unaligned;
  for (const auto& output : outputs_) {
    for (size_t i = 0; i < output->in_use; ++i) output->channels[i]->Put(barrier);
  }
  parts_ok_ = true;
  const bool prepares = IsSink() && last().sink->promise() == SinkPromise::kTransactional;
  parts_left_ = prepares ? 2 : 1;
  if (prepares) {
    preparing_ = true;
    last().sink->Prepare(writer_, checkpoint, [this, checkpoint, life = life_](bool ok) {
      if (life != life_) return;
      preparing_ = false;
      PartSafe(checkpoint, ok);
      Wake();
    });
  }
  if (!copying_) ChannelStateComplete();
}

void Subtask::ChannelStateComplete() {
  SubtaskState& state = *snapshot_;
  for (const std::vector<RecordRange>& each : state.arrived) {
    for (const RecordRange& records : each) state.size += records.bytes;
  }
  uploaded_ = 0;
  if (state.size <= config_.checkpoints->inline_below) {
    PartSafe(current_, true);
    return;
  }
  to_serialise_ = state.size;
  Serialise(current_);
}

void Subtask::Serialise(CheckpointId checkpoint) {
  // A thread beside the subtask's, on the same cores; no longer at a time than a piece takes.
  constexpr Bytes kPiece = MiB(1);
  const Duration cpu_per_mib = config_.checkpoints->cpu_per_mib;
  if (cpu_per_mib == Duration::Zero() || to_serialise_ == Bytes(0)) {
    uploaded_ = host_->Upload(snapshot_->size, [this, checkpoint, life = life_](bool ok) {
      if (life == life_) PartSafe(checkpoint, ok);
    });
    return;
  }
  const Bytes piece = std::min(to_serialise_, kPiece);
  to_serialise_ -= piece;
  const Duration cost = Nanoseconds(MulDivCeil(cpu_per_mib.nanos(), piece.count(), kPiece.count()));
  host_->cpu().Serve(cost, [this, checkpoint, life = life_] {
    if (life == life_ && checkpoint == current_) Serialise(checkpoint);
  });
}

void Subtask::PartSafe(CheckpointId checkpoint, bool ok) {
  if (checkpoint != current_) return;
  parts_ok_ = parts_ok_ && ok;
  if (--parts_left_ == 0) owner_->Acknowledge(checkpoint, this, parts_ok_);
}

void Subtask::AbortCheckpoint(CheckpointId checkpoint) {
  passed_ = std::max(passed_, checkpoint);
  if (aligning_ == checkpoint) {
    Unblock();
    aligning_ = 0;
  }
  if (barrier_due_ == checkpoint) barrier_due_ = 0;
  if (urgent_ == checkpoint) urgent_ = 0;
  if (halt_after_ == checkpoint) halt_after_ = 0;
  if (current_ == checkpoint) {
    current_ = 0;
    copying_ = false;
    for (const auto& [channel, input] : channels_) channel->StopCopying();
  }
  Wake();
}

void Subtask::Start(TaskManager* host, const SubtaskState* state) {
  Stop();
  host_ = host;
  for (size_t at = 0; at < chain_.size(); ++at) {
    chain_[at]->Restore(state == nullptr ? nullptr : state->operators[at].get());
  }
  StateFits();  // Its job asks when all of it is there.
  emitted_ = state == nullptr ? 0 : state->emitted;
  late_ = state == nullptr ? 0 : state->late;
  if (state == nullptr) {
    std::fill(taken_.begin(), taken_.end(), 0);
  } else {
    taken_ = state->taken;
    for (const auto& [partition, next] : state->offsets) SetNext(partition, next);
  }
  if (IsSink() && writer_ == kNoWriter) {
    writer_ = last().sink->AddWriter(absl::StrCat(vertex_->name(), "/", index_ + 1), host->host());
  }
}

void Subtask::Rest() {
  Stop();
  for (const auto& each : chain_) each->Restore(nullptr);
  emitted_ = late_ = 0;
  std::fill(taken_.begin(), taken_.end(), 0);
  snapshot_ = std::make_shared<SubtaskState>();
  for (const auto& each : chain_) snapshot_->operators.push_back(each->Snapshot());
  snapshot_->taken = taken_;
  uploaded_ = 0;
}

void Subtask::PutBackArrived(const SubtaskState& state) {
  for (size_t i = 0; i < state.arrived.size(); ++i) {
    for (const RecordRange& records : state.arrived[i]) channels_[i].first->PutBack(records);
  }
}

void Subtask::PutBackWaiting(const SubtaskState& state) {
  for (size_t o = 0; o < state.waiting.size(); ++o) {
    for (size_t i = 0; i < state.waiting[o].size(); ++i) {
      for (const RecordRange& records : state.waiting[o][i]) {
        outputs_[o]->channels[i]->PutBack(records);
      }
    }
  }
  for (const auto& [records, late] : state.unsent) {
    Outgoing unsent;
    unsent.element.records = records;
    unsent.late = late;
    unsent_.push_back(std::move(unsent));
  }
}

int64_t Subtask::ArrivedIn(const SubtaskState& state, size_t input) const {
  int64_t count = 0;
  for (size_t i = 0; i < state.arrived.size(); ++i) {
    if (channels_[i].second != input) continue;
    for (const RecordRange& records : state.arrived[i]) count += records.record_count();
  }
  return count;
}

void Subtask::Run() {
  Show(Activity::kIdle);
  if (IsSource()) {
    for (Split& split : splits_) split.last_read = sim_.Now();
    if (config_.watermarks) WatermarkLater();
  }
  Wake();
}

void Subtask::Stop() {
  ++life_;
  if (host_ != nullptr) host_->HoldState(Bytes(0) - held_state_);
  held_state_ = Bytes(0);
  Show(Activity::kStopped);
  unsent_.clear();
  serving_ = false;
  questions_.clear();
  asked_ = 0;
  again_ = false;
  watermark_ = Time::FromNanos(INT64_MIN);
  idle_sent_ = false;
  watermark_due_ = false;
  for (Split& split : splits_) split.any = false;
  polled_.clear();
  polls_ = 0;
  aligning_ = barrier_due_ = urgent_ = current_ = halt_after_ = 0;
  copying_ = false;
  writes_ = Pool<UnderWay>();
  preparing_ = false;
  if (IsSink() && writer_ != kNoWriter) last().sink->Reset(writer_);
}

void Subtask::Die() {
  Stop();
  for (const auto& output : outputs_) {
    for (Channel* channel : output->channels) channel->Close();
  }
}

}  // namespace freshet
