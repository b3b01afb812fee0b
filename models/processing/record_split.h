// How operators take records apart: by share, by offset, by event time. Parts always add up to the
// whole, and records that are read again are divided in the same way.
//
// Which of a batch's records pass a filter, or have a key of one subtask, is not known below the
// batch: a share of them is. Where it is no whole number, what is rounded depends on where the
// batch lies in its partition, so that over many batches the shares hold, and so that a replay
// rounds as the first reading did.
//
// The event time of a record is the time of its creation, less its lateness where its producers say
// that records may be late.
#ifndef FRESHET_MODELS_PROCESSING_RECORD_SPLIT_H_
#define FRESHET_MODELS_PROCESSING_RECORD_SPLIT_H_

#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "models/log/record_profiles.h"
#include "models/log/record_range.h"

namespace freshet {

// `range`'s share [from, to) of `total` equal parts, with its part of the bytes. The shares of a
// partition of [0, total) add up to the range. `purpose` keeps the roundings of two operators
// apart. REQUIRES: 0 <= from <= to <= total, total > 0.
RecordRange TakeShare(const RecordRange& range, int64_t from, int64_t to, int64_t total,
                      uint64_t purpose);

// Running sums of `weights`, from 0 on: the bounds of the shares.
std::vector<int64_t> BoundsOf(absl::Span<const int64_t> weights);

// Its records with offsets in [from, to). REQUIRES: range.from <= from <= to <= range.to.
RecordRange TakeOffsets(const RecordRange& range, Offset from, Offset to);

// The earliest and the latest event time of its records, as far as known.
Time EarliestEventTime(const RecordRange& range);
Time LatestEventTime(const RecordRange& range);
// The first of its offsets from which on no record has an event time before `boundary`.
Offset FirstNotBefore(const RecordRange& range, Time boundary);

// The start of the slice of `width` that holds `at`: a multiple of it. REQUIRES: width > 0.
Time SliceStart(Time at, Duration width);

// Visits (start of the slice, records of it) for each slice of event time that has some.
template <class Visit>
void ForEachSlice(const RecordRange& range, Duration width, Visit&& visit) {
  RecordRange rest = range;
  for (Time slice = SliceStart(EarliestEventTime(range), width);; slice += width) {
    const Offset end = FirstNotBefore(rest, slice + width);
    if (end >= rest.to) {
      if (rest.record_count() > 0) visit(slice, rest);
      return;
    }
    const RecordRange part = TakeOffsets(rest, rest.from, end);
    if (part.record_count() > 0) visit(slice, part);
    rest = TakeOffsets(rest, end, rest.to);
  }
}

// By what is known of the records' lateness; `profiles` null: nothing is. The latest event time as
// the producer's clock stamped it, which a watermark follows; and slices of the true event time, of
// which one may be visited more than once.
Time LatestStamp(const RecordRange& range, const RecordProfiles* profiles);
void ForEachSlice(const RecordRange& range, const RecordProfiles* profiles, Duration width,
                  absl::FunctionRef<void(Time, const RecordRange&)> visit);

}  // namespace freshet

#endif  // FRESHET_MODELS_PROCESSING_RECORD_SPLIT_H_
