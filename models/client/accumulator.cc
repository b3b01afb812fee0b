#include "models/client/accumulator.h"

#include <algorithm>

namespace freshet {

bool Accumulator::MayFill(Time opened) const {
  // With a mean of B / 8 arrivals, B of them come with a probability below e^-(1.2 B) (Chernoff).
  // Then Take() notices the full batch when its linger is over, and nobody the difference.
  if (config_.records_per_batch <= 8) return true;
  return 8 * arrivals_->RateAt(opened).InTime(config_.linger) >= config_.records_per_batch;
}

bool Accumulator::Plan(Time now, OpenBatch* batch) {
  *batch = OpenBatch();
  const Time first = arrivals_->PeekNth(1);
  if (first == Time::Max()) return false;
  batch->opened_at = std::max(first, now);
  batch->closes_at = batch->opened_at + config_.linger;
  if (MayFill(batch->opened_at)) {
    const Time full_at = std::max(batch->opened_at, arrivals_->PeekNth(config_.records_per_batch));
    batch->closes_at = std::min(batch->closes_at, full_at);
  }
  return true;
}

void Accumulator::Take(Time until, OpenBatch* batch) {
  CreatedTimes& created = batch->created;
  if (batch->record_count == 0) {
    const Time first = arrivals_->PeekNth(1);
    arrivals_->TakeUntil(first, 1);
    created = {first, 1, first, first};
    batch->record_count = 1;
  }
  const int64_t room = config_.records_per_batch - batch->record_count;
  if (!batch->full && room > 0) {
    const ArrivalSpan more = arrivals_->TakeUntil(until, room);
    if (more.count > 0) {
      const bool only_first = batch->record_count == created.first_count;
      created.low = only_first ? more.first : std::min(created.low, more.first);
      created.high = only_first ? more.last : std::max(created.high, more.last);
      batch->record_count += more.count;
    }
  }
  batch->full = batch->full || batch->record_count >= config_.records_per_batch;
}

Time Accumulator::FullAt(const OpenBatch& batch) {
  return arrivals_->PeekNth(config_.records_per_batch - batch.record_count);
}

int64_t Accumulator::Refuse(Time since) { return arrivals_->TakeUntil(since, INT64_MAX).count; }

}  // namespace freshet
