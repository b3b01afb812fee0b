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
  if (config_.batches_per_parcel > 1) return PlanParcel(now, batch);
  const Time first = arrivals_->PeekNth(1);
  if (first == Time::Max()) return false;
  batch->batch_count = 1;
  batch->opened_at = std::max(first, now);
  batch->closes_at = batch->opened_at + config_.linger;
  if (MayFill(batch->opened_at)) {
    const Time full_at = std::max(batch->opened_at, arrivals_->PeekNth(config_.records_per_batch));
    batch->closes_at = std::min(batch->closes_at, full_at);
  }
  return true;
}

bool Accumulator::PlanParcel(Time now, OpenBatch* batch) {
  *batch = OpenBatch();
  for (int32_t i = 0; i < config_.batches_per_parcel; ++i) {
    const Time first = arrivals_->PeekNth(1);
    if (first == Time::Max()) break;
    const Time opened = std::max(first, now);
    const Time linger_over = opened + config_.linger;
    arrivals_->TakeUntil(first, 1);
    const ArrivalSpan rest = config_.records_per_batch > 1
                                 ? arrivals_->TakeUntil(linger_over, config_.records_per_batch - 1)
                                 : ArrivalSpan();
    const bool full = rest.count == config_.records_per_batch - 1;
    const Time closes = !full             ? linger_over
                        : rest.count == 0 ? opened
                                          : std::max(opened, rest.last);
    CreatedTimes created = {first, 1, first, first};
    if (rest.count > 0) {
      created.low = rest.first;
      created.high = rest.last;
    }
    if (i == 0) {
      batch->opened_at = opened;
      batch->created = created;
    } else {
      batch->created.Shift(closes - batch->closes_at);
      CreatedTimes& all = batch->created;
      all.first = std::min(all.first, created.first);
      all.first_count += 1;
      if (rest.count > 0) {
        all.low = std::min(all.low, created.low);
        all.high = std::max(all.high, created.high);
      }
    }
    batch->record_count += 1 + rest.count;
    batch->batch_count += 1;
    batch->closes_at = closes;
    batch->full = full;
    now = closes;
  }
  batch->full = true;  // It is sent when its last batch closes; none of it grows after that.
  return batch->batch_count > 0;
}

void Accumulator::Take(Time until, OpenBatch* batch) {
  CreatedTimes& created = batch->created;
  if (batch->record_count == 0) {
    const Time first = arrivals_->PeekNth(1);
    arrivals_->TakeUntil(first, 1);
    created = {first, 1, first, first};
    batch->record_count = 1;
  }
  const int64_t room = Capacity(*batch) - batch->record_count;
  if (!batch->full && room > 0) {
    const ArrivalSpan more = arrivals_->TakeUntil(until, room);
    if (more.count > 0) {
      const bool only_first = batch->record_count == created.first_count;
      created.low = only_first ? more.first : std::min(created.low, more.first);
      created.high = only_first ? more.last : std::max(created.high, more.last);
      batch->record_count += more.count;
    }
  }
  batch->full = batch->full || batch->record_count >= Capacity(*batch);
}

Time Accumulator::FullAt(const OpenBatch& batch) {
  return arrivals_->PeekNth(Capacity(batch) - batch.record_count);
}

int64_t Accumulator::Refuse(Time since) { return arrivals_->TakeUntil(since, INT64_MAX).count; }

}  // namespace freshet
