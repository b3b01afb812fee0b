#include "sim/recorder.h"

#include <limits>

#include "sim/check.h"

namespace freshet {

void Recorder::Configure(RecordLevel level, RecordSink* sink) {
  sink_ = sink;
  level_ = sink == nullptr ? RecordLevel::kOff : level;
}

LaneId Recorder::AddLane(absl::string_view name, LaneId parent) {
  SIM_REQUIRE(parent < next_lane_);
  const LaneId lane = next_lane_++;
  if (sink_ != nullptr) sink_->OnLane(lane, parent, name);
  return lane;
}

RecordId Recorder::Add(RecordedItem item) {
  SIM_CHECK(next_id_ != std::numeric_limits<RecordId>::max(), "inv.R1",
            "more than 4e9 recorded items; record a window instead");
  item.id = next_id_++;
  item.ancestor = ancestor_;
  item.event = event_;
  sink_->OnItem(item);
  ancestor_ = item.id;
  return item.id;
}

RecordId Recorder::Span(RecordLevel level, LaneId lane, const char* name, Time start, Time end,
                        int64_t value, Severity severity) {
  if (!Records(level, start)) return 0;
  SIM_CHECK(end >= start, "inv.I1", name);
  return Add({RecordedItem::Kind::kSpan, severity, lane, 0, 0, 0, start, end - start, name, value});
}

RecordId Recorder::Mark(RecordLevel level, LaneId lane, const char* name, Time at, int64_t value,
                        Severity severity) {
  if (!Records(level, at)) return 0;
  return Add(
      {RecordedItem::Kind::kMark, severity, lane, 0, 0, 0, at, Duration::Zero(), name, value});
}

RecordId Recorder::State(LaneId lane, const char* name, Time at, int64_t value, Severity severity) {
  if (!Records(RecordLevel::kState, at)) return 0;
  return Add(
      {RecordedItem::Kind::kState, severity, lane, 0, 0, 0, at, Duration::Zero(), name, value});
}

}  // namespace freshet
