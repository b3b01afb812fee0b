// The segments of a partition's log: where one file ends and the next begins, and which of them
// retention deletes.
//
// A segment is closed when the next batch would not fit in (log.segment.bytes) or comes too long
// after its first record (log.roll.ms), both told at an append only. Retention deletes whole
// segments, oldest first: those whose latest record is older than retention.ms, and those that the
// rest of the log reaches retention.bytes without. The last segment goes too when all of it is
// overdue; nothing above the high watermark goes. docs/models/log.md has the sources.
#ifndef FRESHET_MODELS_LOG_SEGMENTS_H_
#define FRESHET_MODELS_LOG_SEGMENTS_H_

#include <cstdint>
#include <optional>

#include "models/log/batch.h"
#include "sim/ring.h"
#include "sim/time.h"
#include "sim/units.h"

namespace freshet {

using Offset = int64_t;

struct SegmentRules {
  Bytes bytes = Bytes(INT64_MAX);         // log.segment.bytes
  Duration roll_after = Duration::Max();  // log.roll.ms
};

struct Retention {
  Duration time = Duration::Max();  // retention.ms
  std::optional<Bytes> bytes;       // retention.bytes, of one partition.
};

struct LogSegment {
  Offset base_offset = 0;
  int64_t position = 0;  // Bytes of the log before it, since the log began.
  Time first_created;
  Time last_created;
};

class SegmentRow {
 public:
  explicit SegmentRow(const SegmentRules& rules) : rules_(rules) {}

  // Records of `size` bytes from `base_offset` on, at `position` in the log.
  void Append(Offset base_offset, int64_t position, Bytes size, Time first_created,
              Time last_created);
  // Begins with the segments of one even row of records. REQUIRES: empty.
  void Fill(const Batch& row);
  // Forgets segments that begin at `offset` or behind it.
  void Truncate(Offset offset);
  // Forgets segments that end at `offset` or before it. REQUIRES: log_end is where the last ends.
  void Expire(Offset offset, Offset log_end);

  // Where the log would start if retention were applied now.
  Offset RetainedFrom(const Retention& retention, Time now, Offset high_watermark, Offset log_end,
                      int64_t end_position) const;

  const SegmentRules& rules() const { return rules_; }
  bool empty() const { return segments_.empty(); }
  size_t size() const { return segments_.size(); }
  const LogSegment& operator[](size_t index) const { return segments_[index]; }
  const LogSegment& front() const { return segments_.front(); }
  const LogSegment& back() const { return segments_.back(); }
  // The latest creation time of what Expire() has forgotten.
  Time expired_until() const { return expired_until_; }

 private:
  SegmentRules rules_;
  Ring<LogSegment> segments_;
  Time expired_until_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_LOG_SEGMENTS_H_
