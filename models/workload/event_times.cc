#include "models/workload/event_times.h"

#include <utility>

#include "absl/types/span.h"
#include "models/workload/keys.h"
#include "sim/check.h"

namespace freshet {

EventTimes::EventTimes(std::vector<Class> classes) : classes_(std::move(classes)) {
  SIM_REQUIRE(!classes_.empty() && classes_.size() <= LatenessRuns::kMost);
  for (const Class& each : classes_) shares_.push_back(each.share);
}

LatenessRuns EventTimes::Draw(int64_t count, RandomStream& stream) const {
  std::array<int64_t, LatenessRuns::kMost> by_class = {};
  SplitByShares(count, shares_, stream, absl::MakeSpan(by_class.data(), shares_.size()));
  LatenessRuns drawn;
  int64_t end = 0;
  for (size_t i = classes_.size(); i-- > 0;) {
    if (by_class[i] == 0) continue;
    end += by_class[i];
    drawn.runs[static_cast<size_t>(drawn.count++)] = {end, classes_[i].delay.DrawDuration(stream)};
  }
  return drawn;
}

}  // namespace freshet
