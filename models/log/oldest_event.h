// The least event time among the records of a partition from an offset on: what staleness is
// measured from (docs/concepts.md). Neither appends nor event times come in order, so the first
// record is not always the oldest.
//
// Follows a reader: each range of the log is looked at once while the reader moves on, when it is
// asked next, so it costs an append nothing.
#ifndef FRESHET_MODELS_LOG_OLDEST_EVENT_H_
#define FRESHET_MODELS_LOG_OLDEST_EVENT_H_

#include "models/log/partition_log.h"
#include "models/log/record_profiles.h"
#include "sim/ring.h"
#include "sim/time.h"

namespace freshet {

class OldestEvent {
 public:
  // Of the records [from, log end); Time::Max() if there are none. REQUIRES: always the same log
  // and partition; log start <= from <= log end.
  Time From(Offset from, PartitionId partition, const PartitionLog& log,
            const RecordProfiles& profiles);
  // The log was cut: what was seen may have gone.
  void Forget();

 private:
  struct Entry {
    Offset base;
    Time oldest;  // In its range; later entries are younger.
  };

  Ring<Entry> entries_;
  Offset from_ = 0;
  Offset seen_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_LOG_OLDEST_EVENT_H_
