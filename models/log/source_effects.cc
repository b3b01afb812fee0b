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

RecordSpan SourceEffects::PlacedIn(const RecordSpan& span, Offset low, Offset high,
                                   const Stretch* before) {
  RecordSpan part = span;
  part.from = low;
  part.to = high;
  const bool all = span.whole == 0 || (span.low == 0 && span.high == span.whole);
  if (before != nullptr && !before->shares.empty() &&
      (before->base != span.base || before->whole != span.whole)) {
    // Another batch than it was when it was settled, or of none.
    part.base = before->base;
    part.whole = before->whole;
    part.low = all ? 0 : MulDivFloor(span.low, before->whole, span.whole);
    part.high = all ? before->whole : MulDivFloor(span.high, before->whole, span.whole);
  } else if (all) {
    part.base = low;
    part.whole = part.high = high - low;
    part.low = 0;
    if (before != nullptr && !before->shares.empty()) {
      part.base = before->base;
      part.whole = part.high = before->whole;
    }
  }
  return part;
}

void SourceEffects::Append(std::vector<Share>* shares, const Share& next) {
  if (!shares->empty() && shares->back().high == next.low && shares->back().effect == next.effect) {
    shares->back().high = next.high;
  } else {
    shares->push_back(next);
  }
}

void SourceEffects::Simplify(Stretch* stretch) {
  if (stretch->counted < stretch->counted_high - stretch->counted_low) return;
  const Effect all = stretch->shares.front().effect;
  for (const Share& share : stretch->shares) {
    if (!(share.effect == all)) return;
  }
  *stretch = Stretch();
  stretch->all = all;
}

int64_t SourceEffects::TakenOf(const Stretch& stretch, Offset low, Offset high) {
  if (stretch.shares.empty()) return high - low;
  if (low == stretch.counted_low && high == stretch.counted_high) return stretch.counted;
  return Recount(stretch, low, high);
}

int64_t SourceEffects::Recount(const Stretch& stretch, Offset low, Offset high) {
  RecordSpan span;
  span.base = stretch.base;
  span.whole = stretch.whole;
  int64_t taken = 0;
  for (const Share& share : stretch.shares) {
    span.low = share.low;
    span.high = share.high;
    taken += span.CountIn(low, high);
  }
  return taken;
}

int64_t SourceEffects::CountTaken(const RecordSpan& part) {
  const int64_t count = part.record_count();
  taken_ += count;
  if (part.to <= reached_) {
    taken_below_reached_ += count;
  } else if (part.from < reached_) {
    taken_below_reached_ += part.CountIn(part.from, reached_);
  }
  return count;
}

int64_t SourceEffects::TakenIn(Offset low, Offset high) const {
  int64_t taken = 0;
  if (low >= high) return taken;
  for (auto next = effects_.LowerBound(low); next != effects_.end() && (*next).low < high; ++next) {
    taken += TakenOf((*next).value, std::max<Offset>((*next).low, low),
                     std::min<Offset>((*next).high, high));
  }
  return taken;
}

int64_t SourceEffects::MissingIn(Offset low, Offset high) const {
  low = std::max(low, floor_);
  return low < high ? high - low - TakenIn(low, high) : 0;
}

Offset SourceEffects::FirstMissing(Offset from) const {
  Offset at = std::max(from, floor_);
  for (auto next = effects_.LowerBound(at); next != effects_.end() && (*next).low <= at; ++next) {
    if (TakenOf((*next).value, at, (*next).high) < (*next).high - at) return at;
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
  auto next = effects_.LowerBound(recount_from_);
  for (int left = kRecounted; left > 0 && next != effects_.end(); ++next) {
    const auto& [low, high, stretch] = *next;
    if (stretch.shares.empty()) continue;
    --left;
    recount_from_ = high;
    const int64_t counted = TakenOf(stretch, low, high);
    const int64_t anew = Recount(stretch, low, high);
    if (counted != anew) {
      return absl::StrCat(anew, " of the offsets [", low, ", ", high, ") taken, ", counted,
                          " counted");
    }
  }
  if (next == effects_.end()) recount_from_ = floor_;
  const int64_t taken = TakenIn(floor_, INT64_MAX);
  const int64_t below = TakenIn(floor_, reached_);
  if (taken == taken_ && below == taken_below_reached_ && missing() >= 0) return "";
  return absl::StrCat(taken, " offsets taken, ", taken_, " counted; ", below, " below ", reached_,
                      ", ", taken_below_reached_, " counted; ", missing(), " missing");
}

}  // namespace freshet
