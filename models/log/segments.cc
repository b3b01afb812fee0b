#include "models/log/segments.h"

#include <algorithm>

namespace freshet {

void SegmentRow::Append(Offset base_offset, int64_t position, Bytes size, Time first_created,
                        Time last_created) {
  const bool fits = !segments_.empty() &&
                    position - segments_.back().position <= rules_.bytes.count() &&
                    size.count() <= rules_.bytes.count() - (position - segments_.back().position);
  if (!fits || last_created - segments_.back().first_created > rules_.roll_after) {
    segments_.push_back({base_offset, position, first_created, last_created});
    return;
  }
  segments_.back().last_created = std::max(segments_.back().last_created, last_created);
}

void SegmentRow::Fill(const Batch& row) {
  const Time first = row.created.low;
  const Duration span = row.created.high - first;
  int64_t each = row.record_count;
  if (row.bytes > rules_.bytes) {
    each = MulDivFloor(rules_.bytes.count(), row.record_count, row.bytes.count());
  }
  if (span > rules_.roll_after) {
    each = std::min(each, MulDivFloor(rules_.roll_after.nanos(), row.record_count, span.nanos()));
  }
  each = std::max<int64_t>(each, 1);
  const auto created_at = [&](Offset offset) {
    return first + Nanoseconds(MulDivFloor(span.nanos(), offset, row.record_count));
  };
  for (Offset base = 0; base < row.record_count; base += each) {
    const Offset end = std::min(base + each, row.record_count);
    segments_.push_back({base, MulDivCeil(row.bytes.count(), base, row.record_count),
                         created_at(base), created_at(end)});
  }
}

void SegmentRow::Truncate(Offset offset) {
  while (!segments_.empty() && segments_.back().base_offset >= offset) segments_.pop_back();
}

void SegmentRow::Expire(Offset offset, Offset log_end) {
  while (!segments_.empty()) {
    const Offset end = segments_.size() > 1 ? segments_[1].base_offset : log_end;
    if (end > offset) return;
    expired_until_ = segments_.front().last_created;
    segments_.pop_front();
  }
}

Offset SegmentRow::RetainedFrom(const Retention& retention, Time now, Offset high_watermark,
                                Offset log_end, int64_t end_position) const {
  if (segments_.empty()) return log_end;
  // By size first and then by time, as the broker does it: the two sets are both prefixes.
  int64_t excess = 0;
  if (retention.bytes) {
    excess = end_position - segments_.front().position - retention.bytes->count();
  }
  Offset from = segments_.front().base_offset;
  for (size_t i = 0; i < segments_.size(); ++i) {
    const bool last = i + 1 == segments_.size();
    const Offset end = last ? log_end : segments_[i + 1].base_offset;
    const int64_t size = (last ? end_position : segments_[i + 1].position) - segments_[i].position;
    const bool too_much = excess >= size;
    const bool too_old = now - segments_[i].last_created > retention.time;
    if (end > high_watermark || !(too_much || too_old)) break;
    if (too_much) excess -= size;
    from = end;
  }
  return from;
}

}  // namespace freshet
