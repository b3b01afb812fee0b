#include "models/processing/broadcast.h"

#include <algorithm>

namespace freshet {

Duration BroadcastOperator::Apply(const RecordRange& changes) {
  const int64_t count = changes.record_count();
  keys_ = std::min(keys_ + count, config_.broadcast.keys);
  written_ += config_.broadcast.state_per_key * count;
  return config_.broadcast.cpu_per_change * count;
}

std::shared_ptr<const Operator::State> BroadcastOperator::Snapshot() const {
  auto state = std::make_shared<TableState>();
  state->counts = counts_;
  state->keys = keys_;
  return state;
}

void BroadcastOperator::Restore(const State* state) {
  Operator::Restore(state);
  keys_ = state == nullptr ? 0 : static_cast<const TableState&>(*state).keys;
}

}  // namespace freshet
