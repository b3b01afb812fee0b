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
// Audited: inv.I7 offsets are contiguous; inv.I8 log start <= high watermark <= log end, each
// monotone but for Truncate() and Expire().
#ifndef FRESHET_MODELS_LOG_PARTITION_LOG_H_
#define FRESHET_MODELS_LOG_PARTITION_LOG_H_

#include <algorithm>
#include <cstdint>

#include "models/log/batch.h"
#include "sim/ring.h"
#include "sim/units.h"

namespace freshet {

using Offset = int64_t;

struct LogRange {
  Offset base_offset = 0;
  Batch batch;
  // Bytes the leader's broker had ever appended when this range came: what was written since tells
  // whether the page cache still holds it.
  int64_t cache_mark = 0;
  bool coalesced = false;  // Milestones of the parts are gone; `created` spans them all.
  Offset end_offset() const { return base_offset + batch.record_count; }
};

class PartitionLog {
 public:
  static constexpr size_t kMostRanges = 4096;
  static constexpr size_t kMostCoalesced = 64;  // An even number: they merge in pairs.

  Offset log_start_offset() const { return log_start_; }
  Offset log_end_offset() const { return log_end_; }
  Offset high_watermark() const { return high_watermark_; }
  Bytes bytes() const { return bytes_; }
  size_t range_count() const { return ranges_.size(); }

  // Appends at the log end and returns the batch's base offset. REQUIRES: record_count > 0.
  Offset Append(const Batch& batch, int64_t cache_mark);
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
  // Drops whole ranges below `offset` (retention). Returns their bytes.
  Bytes Expire(Offset offset);

  // The ranges from `from` on, up to `limit` and to about `most` bytes; the first range is always
  // returned even if larger (as Kafka does), but a coalesced one is served in parts.
  // Calls visit(const LogRange&, record_count, bytes) for each whole or partial range.
  // Returns the next offset to read. REQUIRES: log start <= from <= limit <= log end.
  template <class Visit>
  Offset Read(Offset from, Offset limit, Bytes most, Visit&& visit) const;
  // Size of what Read() would return at the least from `offset`: the rest of its range, or one
  // record of a coalesced one. REQUIRES: offset < log end.
  Bytes FirstBytes(Offset offset) const;
  // The earliest creation time in the range that holds `offset`. REQUIRES: offset < log end.
  Time OldestCreatedFrom(Offset offset) const {
    return ranges_[FindRange(offset)].batch.created.Earliest();
  }
  // Bytes in [from, limit).
  Bytes BytesBetween(Offset from, Offset limit) const;

  // Ranges wholly below `offset` have no reader left that needs their milestones.
  void AllowCoalescingBelow(Offset offset);

  void Audit() const;

 private:
  size_t FindRange(Offset offset) const;
  // The last range from index `low` on that starts at or below `offset`.
  size_t LastStartingBy(Offset offset, size_t low) const;
  void CoalesceFront();
  void CutLast(Offset offset);

  Ring<LogRange> ranges_;
  Offset log_start_ = 0;
  Offset log_end_ = 0;
  Offset high_watermark_ = 0;
  Bytes bytes_;
  size_t coalesced_ = 0;  // Ranges at the front that are coalesced.
  Offset passed_by_all_ = 0;
  mutable size_t found_ = 0;  // Where the last look-up ended: readers go on from there.
};

template <class Cut>
void PartitionLog::Truncate(Offset offset, Cut&& cut) {
  SIM_CHECK(offset >= log_start_, "inv.I8", "a log is cut below its start");
  while (!ranges_.empty() && ranges_.back().end_offset() > offset) {
    const LogRange& last = ranges_.back();
    cut(last, last.end_offset() - std::max(offset, last.base_offset));
    CutLast(offset);
  }
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
      size = Bytes(MulDivCeil(range.batch.bytes.count(), count, range.batch.record_count));
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
