#include "models/client/accumulator.h"

#include <algorithm>

namespace freshet {

bool Accumulator::Next(Time now, OpenBatch* batch) {
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
    const Time closes = !full ? linger_over : rest.count == 0 ? opened : std::max(opened, rest.last);
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
  // A parcel is sent when its last batch closes; none of it grows after that.
  if (config_.batches_per_parcel > 1) batch->full = true;
  return batch->batch_count > 0;
}

void Accumulator::TopUp(Time now, OpenBatch* batch) {
  const int64_t room = Capacity(*batch) - batch->record_count;
  if (batch->full || room <= 0) return;
  const ArrivalSpan more = arrivals_->TakeUntil(now, room);
  if (more.count == 0) return;
  CreatedTimes& created = batch->created;
  if (batch->record_count == created.first_count) {
    created.low = more.first;
    created.high = more.last;
  } else {
    created.low = std::min(created.low, more.first);
    created.high = std::max(created.high, more.last);
  }
  batch->record_count += more.count;
  batch->full = batch->record_count >= Capacity(*batch);
}

Time Accumulator::FullAt(const OpenBatch& batch) {
  return arrivals_->PeekNth(Capacity(batch) - batch.record_count);
}

int64_t Accumulator::Refuse(Time since) {
  return arrivals_->TakeUntil(since, INT64_MAX).count;
}

}  // namespace freshet
