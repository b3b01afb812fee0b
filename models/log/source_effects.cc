#include "models/log/source_effects.h"

#include "absl/strings/str_cat.h"

namespace freshet {

void SourceEffects::Begin(Offset at) {
  if (!begun_) {
    begun_ = true;
    start_ = floor_ = reached_ = at;
    return;
  }
  // What is folded stays so.
  if (at >= start_) return;
  if (floor_ == start_) {
    floor_ = at;
  } else {
    folded_missing_ += start_ - at;
  }
  start_ = at;
}

void SourceEffects::Reach(Offset at) {
  if (at <= reached_) return;
  taken_below_reached_ += TakenIn(reached_, at);
  reached_ = at;
}

void SourceEffects::Cut(Offset end) {
  if (!begun_) return;
  const int64_t gone = TakenIn(end, INT64_MAX);
  taken_ -= gone;
  taken_below_reached_ -= TakenIn(end, reached_);
  effects_.Erase(end, INT64_MAX);
  reached_ = std::min(reached_, end);
  floor_ = std::min(floor_, end);
  start_ = std::min(start_, end);
}

int64_t SourceEffects::TakenIn(Offset low, Offset high) const {
  int64_t taken = 0;
  if (low >= high) return taken;
  for (auto next = effects_.LowerBound(low); next != effects_.end() && (*next).low < high; ++next) {
    taken += std::min<Offset>((*next).high, high) - std::max<Offset>((*next).low, low);
  }
  return taken;
}

Offset SourceEffects::FirstMissing(Offset from) const {
  Offset at = std::max(from, floor_);
  for (auto next = effects_.LowerBound(at); next != effects_.end() && (*next).low <= at; ++next) {
    at = (*next).high;
  }
  return at;
}

void SourceEffects::Fold() {
  size_t left = effects_.size() / 2;
  Offset end = floor_;
  for (auto next = effects_.begin(); left > 0; ++next, --left) end = (*next).high;
  const int64_t taken = TakenIn(floor_, end);
  const int64_t below = TakenIn(floor_, std::min(end, reached_));
  folded_missing_ += std::max<Offset>(0, std::min(end, reached_) - floor_) - below;
  not_tracked_ += std::max<Offset>(0, end - std::max(floor_, reached_)) - (taken - below);
  folded_taken_ += taken;
  taken_ -= taken;
  taken_below_reached_ -= below;
  effects_.Erase(floor_, end);
  reached_ = std::max(reached_, end);
  floor_ = end;
}

std::string SourceEffects::Disagreement() const {
  const int64_t taken = TakenIn(floor_, INT64_MAX);
  const int64_t below = TakenIn(floor_, reached_);
  if (taken == taken_ && below == taken_below_reached_ && missing() >= 0) return "";
  return absl::StrCat(taken, " offsets taken, ", taken_, " counted; ", below, " below ", reached_,
                      ", ", taken_below_reached_, " counted; ", missing(), " missing");
}

}  // namespace freshet
