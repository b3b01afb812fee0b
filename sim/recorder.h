// What a run writes down while it goes: spans, marks and states, each on a lane, each with the
// nearest recorded thing that led to it.
//
// A model asks Records(level) first, so that what is not recorded costs one comparison. The
// recorder keeps no history: it hands each item to a sink (the run record writer in results/), and
// a run without a sink is as deterministic as one with it. Nothing in the simulation reads it back.
//
// Cause: every event inherits the nearest recorded ancestor of the event that scheduled it. When a
// handler records something, what it schedules afterwards descends from that.
#ifndef FRESHET_SIM_RECORDER_H_
#define FRESHET_SIM_RECORDER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "sim/time.h"

namespace freshet {

enum class RecordLevel : uint8_t {
  kOff = 0,       // Digests and final metrics only.
  kState = 1,     // Faults, elections, rebalances, state changes, series. The default; small.
  kSpans = 2,     // Also a sample of batches, each from created to visible.
  kRequests = 3,  // Also every produce and fetch. Large: meant for a window of simulated time.
};

using LaneId = uint32_t;
// Identifies a recorded item as an ancestor; 0 is "none".
using RecordId = uint32_t;

// 0 = information ... 3 = data at risk. The explorer keeps the largest when it zooms out.
enum class Severity : uint8_t { kInfo = 0, kNotice = 1, kWarning = 2, kCritical = 3 };

struct RecordedItem {
  enum class Kind : uint8_t { kSpan, kMark, kState };
  Kind kind;
  Severity severity;
  LaneId lane;
  RecordId id;
  RecordId ancestor;  // Nearest recorded ancestor, 0 for none.
  uint64_t event;     // Sequence of the event in which it was recorded.
  Time start;
  Duration duration;  // Zero for marks and states.
  const char* name;   // A literal: "election", "append", "down".
  int64_t value;      // A state's new value, a span's size; its meaning goes with the name.
};

// Receives items in the order they are recorded. Spans arrive when they end.
class RecordSink {
 public:
  virtual ~RecordSink() = default;
  virtual void OnLane(LaneId lane, LaneId parent, absl::string_view name) = 0;
  virtual void OnItem(const RecordedItem& item) = 0;
};

class Recorder {
 public:
  // `sink` may be null: then nothing is recorded whatever the level.
  void Configure(RecordLevel level, RecordSink* sink);
  // Above kState, items are kept only when they start in [from, until).
  void SetWindow(Time from, Time until) { window_from_ = from, window_until_ = until; }

  bool Records(RecordLevel level, Time start) const {
    return level <= level_ &&
           (level <= RecordLevel::kState || (start >= window_from_ && start < window_until_));
  }
  RecordLevel level() const { return level_; }

  // A row of the timeline; `parent` 0 is the root. REQUIRES: called before the run starts.
  LaneId AddLane(absl::string_view name, LaneId parent = 0);

  // Each returns the item's id, 0 if it was not recorded, and becomes the running handler's nearest
  // recorded ancestor.
  RecordId Span(RecordLevel level, LaneId lane, const char* name, Time start, Time end,
                int64_t value = 0, Severity severity = Severity::kInfo);
  RecordId Mark(RecordLevel level, LaneId lane, const char* name, Time at, int64_t value = 0,
                Severity severity = Severity::kInfo);
  RecordId State(LaneId lane, const char* name, Time at, int64_t value,
                 Severity severity = Severity::kInfo);

  // Kept by Simulation around each event.
  void EnterEvent(uint64_t sequence, RecordId ancestor) {
    event_ = sequence;
    ancestor_ = ancestor;
  }
  uint64_t event() const { return event_; }
  RecordId ancestor() const { return ancestor_; }
  uint32_t ItemCount() const { return next_id_ - 1; }

 private:
  RecordId Add(RecordedItem item);

  RecordLevel level_ = RecordLevel::kOff;
  RecordSink* sink_ = nullptr;
  Time window_from_;
  Time window_until_ = Time::Max();
  LaneId next_lane_ = 1;
  RecordId next_id_ = 1;
  uint64_t event_ = 0;
  RecordId ancestor_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_SIM_RECORDER_H_
