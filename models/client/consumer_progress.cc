// Which records a group that subscribes has processed twice, or never.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "models/client/consumers.h"

namespace freshet {

int64_t Consumers::Take(size_t slot, Offset from, Offset to, Taken how) {
  int64_t fresh = 0;
  TakeNew(slot, from, to, how, [&fresh](Offset low, Offset high) { fresh += high - low; });
  return fresh;
}

void Consumers::UpdatePassedOver(size_t slot) {
  Progress& progress = group_->progress[slot];
  const int64_t now = progress.furthest - start_[slot] - progress.taken_count;
  if (now == progress.passed_over) return;
  group_->passed_over->Add(now - progress.passed_over);
  progress.passed_over = now;
}

Offset Consumers::FirstUnprocessed(size_t slot) const {
  const Offset position = position_[slot];
  const IntervalMap<Taken>& taken = group_->progress[slot].taken;
  Offset at = position;
  for (auto next = taken.LowerBound(at); next != taken.end() && (*next).low <= at; ++next) {
    at = (*next).high;
  }
  return at;
}

void Consumers::CutProgress(size_t slot, Offset end) {
  Progress& progress = group_->progress[slot];
  coordinator_->CutCommitted(static_cast<int>(slot), end);
  for (auto next = progress.taken.LowerBound(end); next != progress.taken.end(); ++next) {
    progress.taken_count -= (*next).high - std::max<Offset>((*next).low, end);
  }
  progress.taken.Erase(end, INT64_MAX);
  progress.furthest = std::min(progress.furthest, end);
  start_[slot] = std::min(start_[slot], end);
  UpdatePassedOver(slot);
}

void Consumers::AuditProgress() const {
  int64_t passed_over = 0;
  for (size_t slot = 0; slot < group_->progress.size(); ++slot) {
    const Progress& progress = group_->progress[slot];
    int64_t taken = 0;
    for (auto each = progress.taken.begin(); each != progress.taken.end(); ++each) {
      taken += (*each).high - (*each).low;
    }
    SIM_CHECK(
        taken == progress.taken_count && progress.passed_over >= 0, "inv.I9",
        absl::StrCat("partition ", slot, ": ", taken, " records taken, ", progress.taken_count,
                     " counted, ", progress.passed_over, " passed over"));
    passed_over += progress.passed_over;
    SIM_CHECK(progress.owner == kNobody ||
                  std::count(progress.holders.begin(), progress.holders.end(), progress.owner) == 1,
              "inv.I15", absl::StrCat("the owner of partition ", slot, " does not have it"));
  }
  SIM_CHECK(passed_over == group_->passed_over->Value(), "inv.I9",
            absl::StrCat(passed_over, " records are passed over, ", group_->passed_over->Value(),
                         " were counted"));
}

}  // namespace freshet
