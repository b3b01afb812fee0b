#include "models/processing/window.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "models/processing/record_split.h"
#include "sim/check.h"
#include "sim/hash.h"

namespace freshet {

WindowOperator::WindowOperator(const OperatorConfig& config, OperatorContext* context, size_t at)
    : Operator(config, context, at), window_(config.window) {
  SIM_REQUIRE(window_.slide > Duration::Zero() && window_.size >= window_.slide &&
              window_.size.nanos() % window_.slide.nanos() == 0);
}

uint64_t WindowOperator::FoldOf(const RecordRange& records) {
  uint64_t hash = MixHash(records.partition, static_cast<uint64_t>(records.from));
  hash = MixHash(hash, static_cast<uint64_t>(records.to));
  hash = MixHash(hash, static_cast<uint64_t>(records.low));
  hash = MixHash(hash, static_cast<uint64_t>(records.high));
  return MixHash(hash, static_cast<uint64_t>(records.split));
}

int64_t WindowOperator::KeysAmong(int64_t records) const {
  const int parallelism = context_->Parallelism();
  return std::min(records, std::max<int64_t>(1, window_.keys / parallelism));
}

Bytes WindowOperator::StateOf(const Pane& pane) const {
  if (window_.all_records) return pane.bytes;
  return window_.state_per_row * KeysAmong(pane.records);
}

void WindowOperator::Process(const RecordRange& records) {
  cost_ = Duration::Zero();
  ForEachSlice(records, context_->Profiles(), window_.slide,
               [&](Time start, const RecordRange& part) {
                 const Time last_end = start + window_.size;
                 const Time watermark = context_->Watermark();
                 if (last_end <= watermark && watermark - last_end >= window_.allowed_lateness) {
                   counts_.late += part.record_count();
                   context_->EmitLate(at_, part);
                   return;
                 }
                 if (last_end <= fired_until_) {
                   std::vector<RecordRange> update = {part};
                   counts_.buffered += part.record_count();
                   fold_ += FoldOf(part);
                   Send(&update, KeysAmong(part.record_count()));
                   context_->CountResult(0, 0, part.record_count());
                   return;
                 }
                 Add(start, part);
               });
}

void WindowOperator::Add(Time start, const RecordRange& records) {
  Pane& pane = panes_[start];
  const Bytes before = StateOf(pane);
  pane.records += records.record_count();
  pane.bytes += records.bytes;
  pane.unsent.push_back(records);
  counts_.buffered += records.record_count();
  fold_ += FoldOf(records);
  state_ += StateOf(pane) - before;
  // An aggregate is written anew for each record.
  written_ += window_.all_records ? records.bytes : window_.state_per_row * records.record_count();
}

Duration WindowOperator::AdvanceTo(Time watermark) {
  cost_ = Duration::Zero();
  while (!panes_.empty()) {
    const Time first_end = panes_.begin()->first + window_.slide;
    const Time next = fired_until_ < first_end
                          ? first_end
                          : SliceStart(fired_until_, window_.slide) + window_.slide;
    if (next > watermark) break;
    Fire(next);
    // What no window to come holds, is gone.
    while (!panes_.empty() && panes_.begin()->first + window_.size <= next) {
      state_ -= StateOf(panes_.begin()->second);
      panes_.erase(panes_.begin());
    }
  }
  fired_until_ = std::max(fired_until_, watermark);
  return cost_;
}

void WindowOperator::Fire(Time end) {
  int64_t records = 0;
  std::vector<RecordRange> parts;
  for (auto pane = panes_.lower_bound(end - window_.size);
       pane != panes_.end() && pane->first < end; ++pane) {
    records += pane->second.records;
    for (RecordRange& part : pane->second.unsent) parts.push_back(std::move(part));
    pane->second.unsent.clear();
  }
  fired_until_ = end;
  if (records == 0) return;
  context_->CountResult(1, 0, 0);
  Send(&parts, KeysAmong(records));
}

void WindowOperator::Send(std::vector<RecordRange>* parts, int64_t rows) {
  context_->CountResult(0, rows, 0);
  cost_ += config_.cpu_per_row * rows;
  int64_t total = 0;
  for (const RecordRange& part : *parts) total += part.record_count();
  const int64_t bytes = (window_.bytes_per_row * rows).count();
  int64_t before = 0;
  for (RecordRange& part : *parts) {
    const int64_t count = part.record_count();
    fold_ -= FoldOf(part);
    counts_.buffered -= count;
    part.bytes =
        Bytes(MulDivFloor(bytes, before + count, total) - MulDivFloor(bytes, before, total));
    before += count;
    part.trail.AddWait(std::max(part.trail.End(), context_->CurrentTime()), Milestone::kProcessed,
                       WaitFor::kBarrier, context_->Job(), context_->Part());
    Emit(part);
  }
}

std::shared_ptr<const Operator::State> WindowOperator::Snapshot() const {
  auto state = std::make_shared<WindowState>();
  state->counts = counts_;
  state->panes = panes_;
  state->fired_until = fired_until_;
  state->fold = fold_;
  return state;
}

void WindowOperator::Restore(const State* state) {
  Operator::Restore(state);
  panes_.clear();
  state_ = Bytes(0);
  fold_ = 0;
  fired_until_ = Time::FromNanos(INT64_MIN);
  if (state == nullptr) return;
  const auto& kept = static_cast<const WindowState&>(*state);
  panes_ = kept.panes;
  fired_until_ = kept.fired_until;
  int64_t buffered = 0;
  for (const auto& [start, pane] : panes_) {
    state_ += StateOf(pane);
    for (const RecordRange& part : pane.unsent) {
      fold_ += FoldOf(part);
      buffered += part.record_count();
    }
  }
  SIM_CHECK(fold_ == kept.fold && buffered == counts_.buffered, "inv.I17",
            absl::StrCat(config_.name, ": restored ", buffered, " records, the checkpoint holds ",
                         counts_.buffered));
}

Bytes WindowOperator::StateSize() const { return state_; }

}  // namespace freshet
