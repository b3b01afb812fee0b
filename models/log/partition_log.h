// The log of one partition: a row of ranges with contiguous offsets, and how far each replica has
// it.
//
// All replicas of a partition share one row, since a replica's log is a prefix of the leader's: it
// differs by its log end offset alone. A new leader whose log is shorter cuts the row (Truncate()),
// and what it cuts is counted.
//
// Recent ranges are batches with all their milestones. Ranges that every registered reader has
// passed coalesce, and beyond kMostRanges the oldest coalesce in any case: memory is bounded,
// counts and bytes stay exact, and times inside a coalesced range are interpolated and say so.
//
// What marks say of records (record_mark.h) is kept by offset, exactly, also in coalesced ranges.
//
// Beside the ranges stand the segments (segments.h), which are what retention deletes; they see the
// batches of a parcel one by one, evenly large. A position
// is a count of bytes since the log began; Truncate() gives positions back, Expire() does not.
//
// Transactional batches and the markers that end transactions are in it as all others; what they
// make of offsets stands beside (transaction_index.h), and nothing where there are none.
//
// Audited: inv.I7 offsets and positions are contiguous; inv.I8 log start <= last stable offset <=
// high watermark <= log end, each monotone but for Truncate() and Expire().
#ifndef FRESHET_MODELS_LOG_PARTITION_LOG_H_
#define FRESHET_MODELS_LOG_PARTITION_LOG_H_

#include <algorithm>
#include <cstdint>
#include <memory>

#include "models/log/batch.h"
#include "models/log/segments.h"
#include "models/log/transaction_index.h"
#include "sim/interval_map.h"
#include "sim/ring.h"
#include "sim/units.h"

namespace freshet {

// Whole cache lines; a look-up needs the first alone.
struct alignas(64) LogRange {
  Offset base_offset = 0;
  int64_t position = 0;    // Bytes of the log before it, since the log began.
  bool coalesced = false;  // Milestones of the parts are gone; `created` spans them all.
  Batch batch;
  Offset end_offset() const { return base_offset + batch.record_count; }
  // Within the range bytes and times are spread evenly over the records, so that parts add up.
  int64_t PositionOf(Offset offset) const {
    return position + MulDivCeil(batch.bytes.count(), offset - base_offset, batch.record_count);
  }
  Time CreatedAt(Offset offset) const;
};
static_assert(sizeof(LogRange) == 192);

// What a log holds when the run begins: records of even size, evenly spread over a time.
struct LogHistory {
  int64_t records = 0;
  Bytes bytes;
  Time oldest;
  Time newest;
};

class alignas(64) PartitionLog {
 public:
  static constexpr size_t kMostRanges = 4096;
  // Even, since they merge in pairs. As many batches that everybody has read are kept apart: with
  // the one that is appended 61 ranges, so that a log in steady state fits a ring of 64.
  static constexpr size_t kMostCoalesced = 30;

  explicit PartitionLog(const SegmentRules& rules = SegmentRules()) : segments_(rules) {}

  Offset log_start_offset() const { return log_start_; }
  Offset log_end_offset() const { return log_end_; }
  Offset high_watermark() const { return high_watermark_; }
  // Up to where readers with read_committed may read: below it every transaction is decided, and
  // its end is committed itself.
  Offset last_stable_offset() const {
    return transactions_ == nullptr ? high_watermark_ : StableOf(*transactions_);
  }
  // Null as long as it has seen neither a transactional batch nor a marker.
  const TransactionIndex* transactions() const { return transactions_.get(); }
  Bytes bytes() const { return Bytes(end_position_ - start_position_); }
  int64_t end_position() const { return end_position_; }
  // REQUIRES: offset <= log end. Below the log start it is the log start's.
  int64_t PositionOf(Offset offset) const;
  size_t range_count() const { return ranges_.size(); }
  const SegmentRow& segments() const { return segments_; }

  // Begins the log with a history, committed, as one coalesced range and its segments.
  // REQUIRES: nothing was ever appended; 0 < records <= bytes; oldest <= newest.
  void Fill(const LogHistory& history);
  // Appends at the log end and returns the batch's base offset. REQUIRES: record_count > 0.
  Offset Append(const Batch& batch);
  // REQUIRES: offset <= log end. Lower values are ignored: the watermark never goes back.
  // Stamps the ranges it passes as durable at `now`, thanks to `blocker`.
  void AdvanceHighWatermark(Offset offset, Time now, ComponentId blocker);
  // The producer of `batch`, which was appended to end at `end`, has been told so. Returns false
  // when the batch is not there any more.
  bool NoteAcknowledged(const Batch& batch, Offset end);
  // Cuts the log at `offset`, calling cut(const LogRange&, record_count) for each range or part
  // that goes, latest first. REQUIRES: offset >= log start.
  template <class Cut>
  void Truncate(Offset offset, Cut&& cut);
  // Where retention would have the log start now.
  Offset RetainedFrom(const Retention& retention, Time now) const;
  // Drops what is below `offset` and the high watermark: whole batches, or a part of a coalesced
  // range. Returns its bytes.
  Bytes Expire(Offset offset);
  // The latest creation time of what Expire() dropped. REQUIRES: it has dropped a segment.
  Time ExpiredUntil() const { return segments_.expired_until(); }

  // The ranges from `from` on, up to `limit` and to about `most` bytes; the first range is always
  // returned even if larger (as Kafka does), but a coalesced one is served in parts.
  // Calls visit(const LogRange&, record_count, bytes) for each whole or partial range.
  // Returns the next offset to read. REQUIRES: log start <= from <= limit <= log end.
  template <class Visit>
  Offset Read(Offset from, Offset limit, Bytes most, Visit&& visit) const;
  // Size of what Read() would return at the least from `offset`: the rest of its range, or one
  // record of a coalesced one. REQUIRES: offset < log end.
  Bytes FirstBytes(Offset offset) const;
  // The earliest creation time in the batch that holds `offset`, or of the record itself in a
  // coalesced range. REQUIRES: log start <= offset < log end.
  Time OldestCreatedFrom(Offset offset) const;
  // The first offset that was created at `since` or later, as a look-up by time finds it: the first
  // of its batch. The high watermark when there is none below it.
  Offset FirstCreatedSince(Time since) const;
  // Bytes in [from, limit); what is below the log start has none.
  Bytes BytesBetween(Offset from, Offset limit) const {
    return Bytes(PositionOf(limit) - PositionOf(from));
  }

  // Calls visit(from, to, const RecordMark&) for the stretches of [from, to), which it covers in
  // order: what is not marked has a plain mark.
  template <class Visit>
  void VisitMarks(Offset from, Offset to, Visit&& visit) const;

  // Ranges wholly below `offset` have no reader left that needs their milestones.
  void AllowCoalescingBelow(Offset offset);

  void Audit() const;

 private:
  Offset StableOf(const TransactionIndex& transactions) const {
    return std::max(log_start_, std::min(high_watermark_, transactions.first_unstable_offset()));
  }
  void NoteTransaction(Offset base, const Batch& batch);
  size_t FindRange(Offset offset) const;
  // The last range from index `low` on that starts at or below `offset`.
  size_t LastStartingBy(Offset offset, size_t low) const;
  void AddMarks(Offset base, const Batch& batch);
  void AppendToSegments(const LogRange& range);
  void CoalesceFront();
  void CutLast(Offset offset);
  void CutFirst(Offset offset);

  Ring<LogRange> ranges_;
  Offset log_end_ = 0;
  Offset high_watermark_ = 0;
  mutable size_t found_ = 0;  // Where the last look-up ended: readers go on from there.
  std::unique_ptr<TransactionIndex> transactions_;
  Offset log_start_ = 0;
  int64_t start_position_ = 0;
  int64_t end_position_ = 0;
  size_t coalesced_ = 0;  // Ranges at the front that are coalesced.
  Offset passed_by_all_ = 0;
  std::unique_ptr<IntervalMap<RecordMark>> marks_;  // None before the first marked batch.
  SegmentRow segments_;
};

template <class Cut>
void PartitionLog::Truncate(Offset offset, Cut&& cut) {
  SIM_CHECK(offset >= log_start_, "inv.I8", "a log is cut below its start");
  while (!ranges_.empty() && ranges_.back().end_offset() > offset) {
    const LogRange& last = ranges_.back();
    cut(last, last.end_offset() - std::max(offset, last.base_offset));
    CutLast(offset);
  }
  segments_.Truncate(ranges_.empty() ? 0 : log_end_);
  if (transactions_ != nullptr) transactions_->Truncate(log_end_);
  if (marks_ != nullptr) marks_->Erase(offset, INT64_MAX);
}

template <class Visit>
void PartitionLog::VisitMarks(Offset from, Offset to, Visit&& visit) const {
  if (marks_ != nullptr) {
    for (auto next = marks_->LowerBound(from); next != marks_->end() && (*next).low < to; ++next) {
      const auto marked = *next;
      if (from < marked.low) visit(from, Offset{marked.low}, RecordMark());
      const Offset end = std::min<Offset>(marked.high, to);
      visit(std::max<Offset>(from, marked.low), end, marked.value);
      from = end;
    }
  }
  if (from < to) visit(from, to, RecordMark());
}

template <class Visit>
Offset PartitionLog::Read(Offset from, Offset limit, Bytes most, Visit&& visit) const {
  Bytes taken;
  for (size_t index = FindRange(from); from < limit && index < ranges_.size(); ++index) {
    const LogRange& range = ranges_[index];
    int64_t count = range.end_offset() - from;
    Bytes size = range.batch.bytes;
    if (range.coalesced || from != range.base_offset || range.end_offset() > limit) {
      if (range.end_offset() > limit) count = limit - from;
      if (range.coalesced && taken == Bytes(0)) {
        const int64_t fitting =
            MulDivFloor(most.count(), range.batch.record_count, range.batch.bytes.count());
        if (fitting < count) count = fitting > 0 ? fitting : 1;
      }
      size = Bytes(range.PositionOf(from + count) - range.PositionOf(from));
    }
    if (taken > Bytes(0) && taken + size > most) break;
    visit(range, count, size);
    taken += size;
    from += count;
    if (taken >= most) break;
  }
  return from;
}

}  // namespace freshet

#endif  // FRESHET_MODELS_LOG_PARTITION_LOG_H_
