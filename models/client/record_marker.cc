#include "models/client/record_marker.h"

#include <algorithm>
#include <utility>

#include "models/workload/event_times.h"
#include "sim/check.h"
#include "sim/math.h"

namespace freshet {

RecordMarker::RecordMarker(Ratio poison_share, std::vector<OfflineRecords> offline,
                           RandomStream stream)
    : rate_(poison_share == Ratio() ? 0 : -Log(1 - poison_share.ToDouble())),
      stream_(std::move(stream)),
      offline_(std::move(offline)) {
  SIM_REQUIRE(poison_share >= Ratio() && poison_share < Ratio::One());
  DrawGap();
}

void RecordMarker::DrawGap() {
  if (rate_ > 0) gap_ = FloorToInt64(std::min(stream_.NextExponential() / rate_, 0x1p62));
}

const BatchMarks* RecordMarker::Mark(int64_t record_count, const CreatedTimes& created) {
  BatchMarks marks;
  marks.schema_version = schema_version_;
  // Where devices that are online again come in.
  const EvenRow row = {created.Earliest(), std::max(created.high, created.first), record_count};
  int64_t taken = 0;
  while (next_offline_ < offline_.size() && offline_[next_offline_].sent_at <= row.high) {
    OfflineRecords& next = offline_[next_offline_];
    const int64_t from = std::max(taken, std::min(row.CountBefore(next.sent_at), record_count - 1));
    if (from >= record_count) break;
    const int64_t to = std::min(from + next.count, record_count);
    marks.stretches.push_back({from, to, {RecordKind::kOffline, schema_version_, next.event_time}});
    offline_sent_ += to - from;
    next.count -= to - from;
    taken = to;
    if (next.count == 0) ++next_offline_;
  }
  const size_t stated = marks.stretches.size();
  for (int64_t at = 0; rate_ > 0; ++at) {
    if (gap_ >= record_count - at) {
      gap_ -= record_count - at;
      break;
    }
    at += gap_;
    DrawGap();
    const bool is_stated =
        std::any_of(marks.stretches.begin(), marks.stretches.begin() + static_cast<int64_t>(stated),
                    [at](const BatchMarks::Stretch& s) { return s.from <= at && at < s.to; });
    if (is_stated) continue;
    marks.stretches.push_back({at, at + 1, {RecordKind::kPoison, schema_version_, Time()}});
    ++poison_;
  }
  std::stable_sort(marks.stretches.begin(), marks.stretches.end(),
                   [](const auto& a, const auto& b) { return a.from < b.from; });
  if (!marks.stretches.empty()) {
    marks_.push_back(std::move(marks));
    return &marks_.back();
  }
  if (schema_version_ == 0) return nullptr;
  if (plain_ == nullptr || plain_->schema_version != schema_version_) {
    marks_.push_back(std::move(marks));
    plain_ = &marks_.back();
  }
  return plain_;
}

}  // namespace freshet
