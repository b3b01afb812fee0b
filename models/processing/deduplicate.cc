#include "models/processing/deduplicate.h"

#include <algorithm>

#include "models/processing/record_split.h"

namespace freshet {

void DeduplicateOperator::Process(const RecordRange& records) {
  constexpr int64_t kAll = 1'000'000'000;
  const Time now = context_->CurrentTime();
  while (!forgotten_at_.empty() && forgotten_at_.begin()->first <= now) {
    keys_ -= forgotten_at_.begin()->second;
    forgotten_at_.erase(forgotten_at_.begin());
  }
  const RecordRange fresh =
      TakeShare(records, 0, kAll - config_.deduplicate.duplicates.billionths(), kAll, purpose_);
  const int64_t count = fresh.record_count();
  FilterAllBut(fresh, records);
  const Duration step = Nanoseconds(std::max<int64_t>(1, config_.deduplicate.ttl.nanos() / 100));
  forgotten_at_[SliceStart(now + config_.deduplicate.ttl, step) + step] += count;
  keys_ += count;
  written_ += config_.deduplicate.state_per_key * count;
  Emit(fresh);
}

std::shared_ptr<const Operator::State> DeduplicateOperator::Snapshot() const {
  auto state = std::make_shared<DeduplicateState>();
  state->counts = counts_;
  state->forgotten_at = forgotten_at_;
  state->keys = keys_;
  return state;
}

void DeduplicateOperator::Restore(const State* state) {
  Operator::Restore(state);
  forgotten_at_.clear();
  keys_ = 0;
  if (state == nullptr) return;
  const auto& kept = static_cast<const DeduplicateState&>(*state);
  forgotten_at_ = kept.forgotten_at;
  keys_ = kept.keys;
}

std::shared_ptr<Operator::State> DeduplicateOperator::Gather(
    const std::vector<Slice>& slices) const {
  auto gathered = std::make_shared<DeduplicateState>();
  for (const Slice& slice : slices) {
    const auto& from = static_cast<const DeduplicateState&>(*slice.state);
    for (const auto& [at, keys] : from.forgotten_at) {
      const int64_t part =
          MulDivFloor(keys, slice.to, slice.width) - MulDivFloor(keys, slice.from, slice.width);
      if (part == 0) continue;
      gathered->forgotten_at[at] += part;
      gathered->keys += part;
    }
  }
  return gathered;
}

}  // namespace freshet
