// What sets some of a producer's records apart from the others: their schema version, and the few
// that are poison or come from a device that was offline. A log keeps it by offset, so it outlives
// batches; what is not marked costs nothing.
#ifndef FRESHET_MODELS_LOG_RECORD_MARK_H_
#define FRESHET_MODELS_LOG_RECORD_MARK_H_

#include <cstdint>
#include <vector>

#include "sim/time.h"

namespace freshet {

enum class RecordKind : uint8_t {
  kPlain,
  kPoison,   // Nobody can read it, whatever schema he has.
  kOffline,  // Stated one by one, with an event time of its own.
};

struct RecordMark {
  RecordKind kind = RecordKind::kPlain;
  int32_t schema_version = 0;  // 0: the producer has no schema.
  Time event_time;             // Of kOffline only.
  friend bool operator==(const RecordMark&, const RecordMark&) = default;
};

// The marks of a batch. Its producer owns them, for as long as the run lasts.
struct BatchMarks {
  struct Stretch {
    int64_t from;  // Records [from, to) of the batch.
    int64_t to;
    RecordMark mark;
  };
  int32_t schema_version = 0;      // Of all of them.
  std::vector<Stretch> stretches;  // In order, with the same schema version.
};

}  // namespace freshet

#endif  // FRESHET_MODELS_LOG_RECORD_MARK_H_
