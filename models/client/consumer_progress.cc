// Which records a group that subscribes has processed twice, or never.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "models/client/consumers.h"

namespace freshet {

int64_t Consumers::Take(size_t slot, Offset from, Offset to, SourceEffects::How how) {
  int64_t fresh = 0;
  TakeNew(slot, from, to, how, [&fresh](Offset low, Offset high) { fresh += high - low; });
  return fresh;
}

void Consumers::UpdatePassedOver(size_t slot) {
  Progress& progress = group_->progress[slot];
  const int64_t now = progress.effects.missing();
  if (now == progress.passed_over) return;
  group_->passed_over->Add(now - progress.passed_over);
  progress.passed_over = now;
}

Offset Consumers::FirstUnprocessed(size_t slot) const {
  return group_->progress[slot].effects.FirstMissing(position_[slot]);
}

int64_t Consumers::ProcessedIn(int partition, Offset from, Offset to) const {
  SIM_REQUIRE(group_ != nullptr);
  const SourceEffects& effects = group_->progress[static_cast<size_t>(partition)].effects;
  if (!effects.begun()) return 0;
  from = std::max(from, effects.start());
  return from >= to ? 0 : to - from - effects.MissingIn(from, to);
}

std::optional<Offset> Consumers::BeganAt(int partition) const {
  SIM_REQUIRE(group_ != nullptr);
  const SourceEffects& effects = group_->progress[static_cast<size_t>(partition)].effects;
  return effects.begun() ? std::optional<Offset>(effects.start()) : std::nullopt;
}

void Consumers::CutProgress(size_t slot, Offset end) {
  coordinator_->CutCommitted(static_cast<int>(slot), end);
  group_->progress[slot].effects.Cut(end);
  UpdatePassedOver(slot);
}

void Consumers::AuditProgress() const {
  int64_t passed_over = 0;
  for (size_t slot = 0; slot < group_->progress.size(); ++slot) {
    const Progress& progress = group_->progress[slot];
    const std::string wrong = progress.effects.Disagreement();
    SIM_CHECK(wrong.empty(), "inv.I9", absl::StrCat("partition ", slot, ": ", wrong));
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
