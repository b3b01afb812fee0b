#include "models/log/partition_log.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "sim/check.h"

namespace freshet {

Offset PartitionLog::Append(const Batch& batch, int64_t cache_mark) {
  SIM_REQUIRE(batch.record_count > 0);
  const Offset base = log_end_;
  ranges_.push_back({base, batch, cache_mark, false});
  log_end_ += batch.record_count;
  bytes_ += batch.bytes;
  while (ranges_.size() - coalesced_ > kMostRanges ||
         (ranges_.size() - coalesced_ > kMostCoalesced &&
          ranges_[coalesced_].end_offset() <= passed_by_all_)) {
    CoalesceFront();
  }
  return base;
}

namespace {

void Merge(const LogRange& first, const LogRange& second, LogRange* merged) {
  LogRange sum = first;
  sum.batch.record_count += second.batch.record_count;
  sum.batch.bytes += second.batch.bytes;
  sum.batch.batch_count += second.batch.batch_count;
  CreatedTimes& created = sum.batch.created;
  const CreatedTimes& later = second.batch.created;
  // The first records of batches lose themselves among the others: one row over the whole span.
  created.low = std::min(created.Earliest(), later.Earliest());
  created.high = std::max(created.high, later.high);
  created.first = created.low;
  created.first_count = 1;
  sum.batch.durable_at = std::max(sum.batch.durable_at, second.batch.durable_at);
  *merged = sum;
}

}  // namespace

void PartitionLog::CoalesceFront() {
  ranges_[coalesced_].coalesced = true;
  ++coalesced_;
  if (coalesced_ < kMostCoalesced) return;
  // Neighbours merge in pairs, all at once, so that an append costs a constant share of it. A range
  // grows with every pass it lives through: old ones are coarse, recent ones fine.
  const size_t half = coalesced_ / 2;
  for (size_t i = half; i-- > 0;) {
    Merge(ranges_[2 * i], ranges_[2 * i + 1], &ranges_[half + i]);
  }
  for (size_t i = 0; i < half; ++i) ranges_.pop_front();
  coalesced_ -= half;
  found_ = 0;
}

void PartitionLog::AdvanceHighWatermark(Offset offset, Time now, ComponentId blocker) {
  SIM_CHECK(offset <= log_end_, "inv.I8",
            absl::StrCat("high watermark ", offset, " is past the log end ", log_end_));
  if (offset <= high_watermark_) return;
  for (size_t i = FindRange(high_watermark_); i < ranges_.size(); ++i) {
    if (ranges_[i].base_offset >= offset) break;
    if (ranges_[i].coalesced) continue;
    ranges_[i].batch.durable_at = now;
    ranges_[i].batch.durable_blocker = blocker;
  }
  high_watermark_ = offset;
}

bool PartitionLog::NoteAcknowledged(const Batch& batch, Offset end) {
  if (end <= high_watermark_) return true;  // It cannot be lost any more.
  if (end > log_end_) return false;
  LogRange& range = ranges_[FindRange(end - 1)];
  if (range.coalesced) return true;
  if (range.batch.producer != batch.producer || range.batch.sequence != batch.sequence)
    return false;
  range.batch.acked_before_replication = true;
  return true;
}

void PartitionLog::CutLast(Offset offset) {
  LogRange& last = ranges_.back();
  if (last.base_offset >= offset) {
    bytes_ -= last.batch.bytes;
    log_end_ = last.base_offset;
    if (coalesced_ == ranges_.size()) --coalesced_;
    ranges_.pop_back();
  } else {
    const int64_t kept = offset - last.base_offset;
    const Bytes size = Bytes(MulDivCeil(last.batch.bytes.count(), kept, last.batch.record_count));
    bytes_ -= last.batch.bytes - size;
    last.batch.bytes = size;
    last.batch.record_count = kept;
    log_end_ = offset;
  }
  high_watermark_ = std::min(high_watermark_, log_end_);
  found_ = 0;
}

Bytes PartitionLog::Expire(Offset offset) {
  Bytes expired;
  while (!ranges_.empty() && ranges_.front().end_offset() <= offset &&
         ranges_.front().end_offset() <= high_watermark_) {
    expired += ranges_.front().batch.bytes;
    log_start_ = ranges_.front().end_offset();
    if (coalesced_ > 0) --coalesced_;
    ranges_.pop_front();
  }
  bytes_ -= expired;
  found_ = 0;
  return expired;
}

size_t PartitionLog::LastStartingBy(Offset offset, size_t low) const {
  size_t high = ranges_.size();
  while (high - low > 1) {
    const size_t middle = (low + high) / 2;
    (ranges_[middle].base_offset <= offset ? low : high) = middle;
  }
  return low;
}

size_t PartitionLog::FindRange(Offset offset) const {
  if (offset >= log_end_) return ranges_.size();
  if (found_ >= ranges_.size() || ranges_[found_].base_offset > offset) {
    found_ = LastStartingBy(offset, 0);
  }
  // Readers stand near the end of one another: most look-ups go a few ranges on.
  constexpr size_t kFew = 16;
  for (size_t steps = 0; ranges_[found_].end_offset() <= offset; ++steps) {
    if (steps == kFew) {
      found_ = LastStartingBy(offset, found_);
      break;
    }
    ++found_;
  }
  return found_;
}

Bytes PartitionLog::FirstBytes(Offset offset) const {
  const LogRange& range = ranges_[FindRange(offset)];
  const int64_t count = range.coalesced ? 1 : range.end_offset() - offset;
  return Bytes(MulDivCeil(range.batch.bytes.count(), count, range.batch.record_count));
}

Bytes PartitionLog::BytesBetween(Offset from, Offset limit) const {
  Bytes total;
  Read(from, limit, Bytes(INT64_MAX / 2),
       [&](const LogRange&, int64_t, Bytes size) { total += size; });
  return total;
}

void PartitionLog::AllowCoalescingBelow(Offset offset) {
  passed_by_all_ = std::max(passed_by_all_, offset);
}

void PartitionLog::Audit() const {
  SIM_CHECK(log_start_ <= high_watermark_ && high_watermark_ <= log_end_, "inv.I8",
            absl::StrCat("log start ", log_start_, ", high watermark ", high_watermark_,
                         ", log end ", log_end_));
  Offset next = log_start_;
  for (size_t i = 0; i < ranges_.size(); ++i) {
    SIM_CHECK(ranges_[i].base_offset == next, "inv.I7",
              absl::StrCat("a range starts at ", ranges_[i].base_offset, ", expected ", next));
    next = ranges_[i].end_offset();
  }
  SIM_CHECK(next == log_end_, "inv.I7",
            absl::StrCat("the last range ends at ", next, ", the log at ", log_end_));
}

}  // namespace freshet
