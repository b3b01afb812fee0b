// Which records of one producer client are set apart (models/log/record_mark.h): poison, those of
// devices that were offline, and the schema version of all of them.
//
// Poison is drawn record by record, as the gaps between them, so the n-th record of a client is
// poison or not whatever the batches are that it falls into: two designs see the same ones.
#ifndef FRESHET_MODELS_CLIENT_RECORD_MARKER_H_
#define FRESHET_MODELS_CLIENT_RECORD_MARKER_H_

#include <cstdint>
#include <deque>
#include <vector>

#include "models/log/batch.h"
#include "sim/random.h"
#include "sim/units.h"

namespace freshet {

// Records of a device that had no connection: made at `event_time`, they are the first that a
// client sends from `sent_at` on.
struct OfflineRecords {
  Time event_time;
  Time sent_at;
  int64_t count = 1;
};

class RecordMarker {
 public:
  // REQUIRES: 0 <= poison_share < 1; `offline` in the order of sent_at, which are after their event
  // times.
  RecordMarker(Ratio poison_share, std::vector<OfflineRecords> offline, RandomStream stream);

  void SetSchemaVersion(int32_t version) { schema_version_ = version; }
  int32_t schema_version() const { return schema_version_; }

  // Marks the next batch of the client. Null when there is nothing to mark; what it returns lives
  // as long as the marker.
  const BatchMarks* Mark(int64_t record_count, const CreatedTimes& created);

  int64_t poison_records() const { return poison_; }
  int64_t offline_records() const { return offline_sent_; }

 private:
  void DrawGap();

  const double rate_;  // Of the exponential law whose whole part is a gap's; 0: no poison.
  RandomStream stream_;
  int64_t gap_ = INT64_MAX;  // Records until the next poison.
  std::vector<OfflineRecords> offline_;
  size_t next_offline_ = 0;
  int32_t schema_version_ = 0;
  int64_t poison_ = 0;
  int64_t offline_sent_ = 0;
  std::deque<BatchMarks> marks_;
  const BatchMarks* plain_ = nullptr;  // Of the present version, with nothing else to it.
};

}  // namespace freshet

#endif  // FRESHET_MODELS_CLIENT_RECORD_MARKER_H_
