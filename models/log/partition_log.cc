#include "models/log/partition_log.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "sim/check.h"

namespace freshet {

Time LogRange::CreatedAt(Offset offset) const {
  const CreatedTimes& created = batch.created;
  const Time low = created.Earliest();
  const Time high = std::max(created.high, created.first);
  return low +
         Nanoseconds(MulDivFloor((high - low).nanos(), offset - base_offset, batch.record_count));
}

void PartitionLog::Fill(const LogHistory& history) {
  SIM_REQUIRE(ranges_.empty() && log_end_ == 0 && history.records > 0 &&
              Bytes(history.records) <= history.bytes && history.oldest <= history.newest);
  LogRange range;
  range.batch.record_count = history.records;
  range.batch.bytes = history.bytes;
  range.batch.created = {history.oldest, 1, history.oldest, history.newest};
  range.coalesced = true;
  segments_.Fill(range.batch);
  ranges_.push_back(range);
  coalesced_ = 1;
  log_end_ = high_watermark_ = passed_by_all_ = history.records;
  end_position_ = history.bytes.count();
}

Offset PartitionLog::FirstCreatedSince(Time since) const {
  for (size_t i = 0; i < ranges_.size() && ranges_[i].base_offset < high_watermark_; ++i) {
    const LogRange& range = ranges_[i];
    const CreatedTimes& created = range.batch.created;
    const Time latest = std::max(created.high, created.first);
    if (latest < since) continue;
    if (!range.coalesced || created.Earliest() >= since) return range.base_offset;
    const Offset within = MulDivCeil(range.batch.record_count, (since - created.Earliest()).nanos(),
                                     (latest - created.Earliest()).nanos());
    return std::min(range.base_offset + within, high_watermark_);
  }
  return high_watermark_;
}

void PartitionLog::AddMarks(Offset base, const Batch& batch) {
  if (marks_ == nullptr) marks_ = std::make_unique<IntervalMap<RecordMark>>();
  const BatchMarks& marks = *batch.marks;
  if (marks.schema_version != 0) {
    marks_->Assign(base, base + batch.record_count,
                   {RecordKind::kPlain, marks.schema_version, Time()});
  }
  for (const BatchMarks::Stretch& each : marks.stretches) {
    SIM_REQUIRE(each.from >= 0 && each.to <= batch.record_count);
    marks_->Assign(base + each.from, base + each.to, each.mark);
  }
}

Offset PartitionLog::Append(const Batch& batch) {
  SIM_REQUIRE(batch.record_count > 0);
  const Offset base = log_end_;
  LogRange& added = ranges_.AddBack();
  added.base_offset = base;
  added.batch = batch;
  added.position = end_position_;
  added.coalesced = false;
  if (batch.batch_count == 1) {
    segments_.Append(base, end_position_, batch.bytes, batch.created.Earliest(),
                     std::max(batch.created.high, batch.created.first));
  } else {
    AppendToSegments(ranges_.back());
  }
  if (__builtin_expect(batch.marks != nullptr, 0)) AddMarks(base, batch);
  log_end_ += batch.record_count;
  end_position_ += batch.bytes.count();
  if (batch.kind != BatchKind::kPlain) NoteTransaction(base, batch);
  while (ranges_.size() - coalesced_ > kMostRanges ||
         (ranges_.size() - coalesced_ > kMostCoalesced &&
          ranges_[coalesced_].end_offset() <= passed_by_all_)) {
    CoalesceFront();
  }
  return base;
}

void PartitionLog::NoteTransaction(Offset base, const Batch& batch) {
  if (transactions_ == nullptr) transactions_ = std::make_unique<TransactionIndex>();
  if (batch.kind == BatchKind::kTransactional) {
    transactions_->AppendData(batch.producer, base, log_end_, batch.appended_at,
                              batch.producer_component);
  } else {
    transactions_->AppendMarker(batch.producer, batch.sequence, base,
                                batch.kind == BatchKind::kCommitMarker);
  }
}

void PartitionLog::AppendToSegments(const LogRange& range) {
  const Batch& batch = range.batch;
  const Time last_created = std::max(batch.created.high, batch.created.first);
  // A segment closes between two batches, also of a parcel.
  for (int32_t i = 0; i < batch.batch_count; ++i) {
    const Offset from = range.base_offset + MulDivFloor(batch.record_count, i, batch.batch_count);
    const Offset to = range.base_offset + MulDivFloor(batch.record_count, i + 1, batch.batch_count);
    const int64_t position = range.PositionOf(from);
    segments_.Append(from, position, Bytes(range.PositionOf(to) - position),
                     batch.created.Earliest(), last_created);
  }
}

namespace {

// REQUIRES: `merged` is not `first`; it may be `second`.
void Merge(const LogRange& first, const LogRange& second, LogRange* merged) {
  const Batch& later = second.batch;
  const int64_t record_count = first.batch.record_count + later.record_count;
  const Bytes bytes = first.batch.bytes + later.bytes;
  const int32_t batch_count = first.batch.batch_count + later.batch_count;
  const Time durable_at = std::max(first.batch.durable_at, later.durable_at);
  // The first records of batches lose themselves among the others: one row over the whole span.
  const Time low = std::min(first.batch.created.Earliest(), later.created.Earliest());
  const Time high = std::max(first.batch.created.high, later.created.high);
  *merged = first;
  Batch& batch = merged->batch;
  batch.record_count = record_count;
  batch.bytes = bytes;
  batch.batch_count = batch_count;
  batch.created = {low, 1, low, high};
  batch.kind = BatchKind::kPlain;  // The index knows better, offset by offset.
  batch.durable_at = durable_at;
}

}  // namespace

void PartitionLog::CoalesceFront() {
  ranges_[coalesced_].coalesced = true;
  ++coalesced_;
  // The next append asks for it, when a cache has long forgotten it.
  if (coalesced_ < ranges_.size()) __builtin_prefetch(&ranges_[coalesced_]);
  if (coalesced_ < kMostCoalesced) return;
  // Neighbours merge in pairs, all at once, so that an append costs a constant share of it. A range
  // grows with every pass it lives through: old ones are coarse, recent ones fine.
  const size_t half = coalesced_ / 2;
  for (size_t i = half; i-- > 0;) {
    Merge(ranges_[2 * i], ranges_[2 * i + 1], &ranges_[half + i]);
  }
  for (size_t i = 0; i < half; ++i) ranges_.drop_front();
  coalesced_ -= half;
  found_ = found_ >= 2 * half ? found_ - half : 0;  // Readers at the end stay where they are.
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
  if (transactions_ == nullptr) {
    high_watermark_ = offset;
    return;
  }
  const Offset stable_before = last_stable_offset();
  high_watermark_ = offset;
  transactions_->Decide(offset, now);
  SIM_CHECK(last_stable_offset() >= stable_before, "inv.I8", "the last stable offset goes back");
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
    log_end_ = last.base_offset;
    end_position_ = last.position;
    if (coalesced_ == ranges_.size()) --coalesced_;
    ranges_.pop_back();
  } else {
    end_position_ = last.PositionOf(offset);
    // A segment that begins inside a coalesced range knows better where.
    for (size_t i = segments_.size(); i-- > 0 && segments_[i].position >= end_position_;) {
      if (segments_[i].base_offset < offset) end_position_ = segments_[i].position + 1;
    }
    last.batch.bytes = Bytes(end_position_ - last.position);
    last.batch.record_count = offset - last.base_offset;
    log_end_ = offset;
  }
  high_watermark_ = std::min(high_watermark_, log_end_);
  passed_by_all_ = std::min(passed_by_all_, log_end_);
  found_ = 0;
}

Offset PartitionLog::RetainedFrom(const Retention& retention, Time now) const {
  return segments_.RetainedFrom(retention, now, high_watermark_, log_end_, end_position_);
}

void PartitionLog::CutFirst(Offset offset) {
  LogRange& first = ranges_.front();
  int64_t position = first.PositionOf(offset);
  if (!segments_.empty() && segments_.front().base_offset == offset) {
    position = segments_.front().position;
  }
  CreatedTimes& created = first.batch.created;
  const Time low = first.CreatedAt(offset);
  created = {low, 1, low, std::max(created.high, created.first)};
  first.batch.bytes -= Bytes(position - first.position);
  first.batch.record_count -= offset - first.base_offset;
  first.base_offset = offset;
  first.position = position;
}

Bytes PartitionLog::Expire(Offset offset) {
  const int64_t before = start_position_;
  const Offset limit = std::min(offset, high_watermark_);
  while (!ranges_.empty() && ranges_.front().end_offset() <= limit) {
    log_start_ = ranges_.front().end_offset();
    start_position_ = ranges_.front().position + ranges_.front().batch.bytes.count();
    if (coalesced_ > 0) --coalesced_;
    ranges_.pop_front();
  }
  const bool cuts = coalesced_ > 0 && ranges_.front().base_offset < limit;
  segments_.Expire(cuts ? limit : log_start_, log_end_);
  if (cuts) {
    CutFirst(limit);
    log_start_ = limit;
    start_position_ = ranges_.front().position;
  }
  found_ = 0;
  if (transactions_ != nullptr) transactions_->ForgetBelow(log_start_);
  if (marks_ != nullptr) marks_->Erase(0, log_start_);
  return Bytes(start_position_ - before);
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

int64_t PartitionLog::PositionOf(Offset offset) const {
  if (offset >= log_end_) return end_position_;
  if (offset <= log_start_) return start_position_;
  return ranges_[FindRange(offset)].PositionOf(offset);
}

Time PartitionLog::OldestCreatedFrom(Offset offset) const {
  const LogRange& range = ranges_[FindRange(offset)];
  return range.coalesced ? range.CreatedAt(offset) : range.batch.created.Earliest();
}

void PartitionLog::AllowCoalescingBelow(Offset offset) {
  passed_by_all_ = std::max(passed_by_all_, offset);
  if (transactions_ != nullptr && transactions_->IsLarge()) {
    transactions_->ForgetBelow(passed_by_all_);
  }
}

void PartitionLog::Audit() const {
  SIM_CHECK(log_start_ <= high_watermark_ && high_watermark_ <= log_end_, "inv.I8",
            absl::StrCat("log start ", log_start_, ", high watermark ", high_watermark_,
                         ", log end ", log_end_));
  if (transactions_ != nullptr) {
    const Offset stable = last_stable_offset();
    SIM_CHECK(log_start_ <= stable && stable <= high_watermark_, "inv.I8",
              absl::StrCat("last stable offset ", stable, ", log start ", log_start_,
                           ", high watermark ", high_watermark_));
    transactions_->Audit(high_watermark_, log_end_);
  }
  Offset next = log_start_;
  int64_t position = start_position_;
  for (size_t i = 0; i < ranges_.size(); ++i) {
    SIM_CHECK(ranges_[i].base_offset == next && ranges_[i].position == position, "inv.I7",
              absl::StrCat("a range starts at ", ranges_[i].base_offset, ", expected ", next));
    next = ranges_[i].end_offset();
    position += ranges_[i].batch.bytes.count();
  }
  SIM_CHECK(next == log_end_ && position == end_position_, "inv.I7",
            absl::StrCat("the last range ends at ", next, ", the log at ", log_end_));
  SIM_CHECK(segments_.empty() == ranges_.empty() &&
                (segments_.empty() || (segments_.front().base_offset <= log_start_ &&
                                       segments_.back().base_offset < log_end_)),
            "inv.I7", "the segments do not cover the log");
}

}  // namespace freshet
