// Records that have left a log and travel together: through the operators of a job, the tasks of a
// connector, into a sink. Never a record object, never payload.
//
// Where they come from stays with them, offset by offset, so that whoever commits an effect can say
// of which records; and so does where their time went.
//
// Who filters or splits takes a share of the batch's records, [low, high) of `whole`: those whose
// places are in it. Each record has a place of its own, neighbours far apart, so that any part of
// the batch has about its share of any share. Parts and shares add up exactly, none is ever
// negative, and records that are read again in other parts are counted as the same records.
#ifndef FRESHET_MODELS_LOG_RECORD_RANGE_H_
#define FRESHET_MODELS_LOG_RECORD_RANGE_H_

#include <cstdint>

#include "models/log/batch.h"
#include "models/log/record_mark.h"
#include "models/log/segments.h"
#include "models/workload/event_times.h"
#include "sim/stamps.h"
#include "sim/units.h"

namespace freshet {

// How many of the first `records` of `whole` records have a place below `place`. REQUIRES: 0 <=
// records, place <= whole; whole > 0.
int64_t CountPlacesBelow(int64_t records, int64_t whole, int64_t place);

// Which records these are: what a store has to know to tell whether it has them.
struct RecordSpan {
  PartitionId partition = 0;  // Of the source:
  Offset from = 0;            // its offsets [from, to).
  Offset to = 0;
  // The batch that they are of, or the coalesced range: offsets [base, base + whole). Whole 0: of
  // no one batch, and all records go this way.
  Offset base = 0;
  int64_t whole = 0;
  // Which of its records go this way: all before anything filters or splits.
  int64_t low = 0;
  int64_t high = 0;
  // Of a split by key: the number of the part. Records of two parts are never the same.
  int32_t split = 0;

  // How many of the records with offsets in [a, b) go this way. REQUIRES: base <= a <= b <= base +
  // whole.
  int64_t CountIn(Offset a, Offset b) const {
    if (whole == 0 || (low == 0 && high == whole)) return b - a;
    return CountBelow(b) - CountBelow(a);
  }
  int64_t record_count() const { return CountIn(from, to); }

 private:
  int64_t CountBelow(Offset at) const {
    if (at == base) return 0;
    if (at == base + whole) return high - low;
    return CountPlacesBelow(at - base, whole, high) - CountPlacesBelow(at - base, whole, low);
  }
};

// The same; of no one batch, it is one of its own.
inline RecordSpan WithPlaces(RecordSpan span) {
  if (span.whole > 0) return span;
  span.base = span.from;
  span.whole = span.high = span.to - span.from;
  span.low = 0;
  return span;
}

// Long enough for a way through a log, the tasks of a job and a store.
using RecordTrail = StampTrail<24>;

struct RecordRange : RecordSpan {
  Bytes bytes;
  CreatedTimes created;
  // Which batch it was, and when its `whole` records were created: with these record_profiles.h
  // tells their event times. A coalesced range is of nobody.
  ProducerId producer = kNoProducer;
  uint32_t batch_number = 0;
  EvenRow row;
  // The same for all of its records: ranges are cut where it changes.
  RecordMark mark;
  // Times are interpolated: a part of a batch, or of a coalesced range of the log.
  bool interpolated = false;
  // From the earliest creation on. Ends where it was handed over.
  RecordTrail trail;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_LOG_RECORD_RANGE_H_
