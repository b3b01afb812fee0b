// How often each offset of one source took effect somewhere: was processed by a group, became
// visible in a store. Exact, offset by offset, and small: what took effect in order, once, is one
// interval, and only deviations cost memory.
//
//   Begin(o)  the source's concern begins at o
//   Take()    offsets take effect, in any order, again and again
//   Reach(o)  whoever reads the source has gone on from o: what is below it and has taken no
//             effect is missing, until somebody takes it after all
//   Cut(o)    the log was cut at o: what was above has not been, and offsets are given anew
//
// Beyond `most_intervals` the lower half is folded: its counts stay, but what is done there later
// is not tracked, and counted as that.
#ifndef FRESHET_MODELS_LOG_SOURCE_EFFECTS_H_
#define FRESHET_MODELS_LOG_SOURCE_EFFECTS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "models/log/segments.h"
#include "sim/interval_map.h"

namespace freshet {

class SourceEffects {
 public:
  // How an offset was settled. kDone: processed, or visible; the others for good, elsewhere.
  // kWithheld: a transaction's marker, or of one that was aborted.
  enum class How : uint8_t {
    kDone,
    kDeleted,
    kFiltered,
    kLateDropped,
    kDeadLettered,
    kCorrupt,
    kWithheld
  };
  struct Effect {
    How how;
    int32_t times;
    friend bool operator==(const Effect&, const Effect&) = default;
  };
  static constexpr size_t kMostIntervals = 16'384;

  explicit SourceEffects(size_t most_intervals = kMostIntervals)
      : most_intervals_(most_intervals) {}

  bool begun() const { return begun_; }
  // Again and further back: what is between concerns it, too.
  void Begin(Offset at);
  // Calls visit(low, high, times) for each part, in order, with how often it had taken effect
  // before: 0 is new. Parts that are not tracked are counted and not visited. What replaces itself
  // has taken effect once, however often. REQUIRES: begun, from <= to.
  enum class Again : uint8_t { kAdds, kReplaces };
  template <class Visit>
  void Take(Offset from, Offset to, How how, Again again, Visit&& visit);
  void Reach(Offset at);
  void Cut(Offset end);

  Offset start() const { return start_; }
  Offset reached() const { return reached_; }
  // Below reached(), and without effect.
  int64_t missing() const { return folded_missing_ + (reached_ - floor_ - taken_below_reached_); }
  // The same in [low, high) alone: calls visit(low, high) for each part.
  template <class Visit>
  void VisitMissing(Offset low, Offset high, Visit&& visit) const;
  // From `from` on, the first that has taken no effect.
  Offset FirstMissing(Offset from) const;
  // With effect, each once.
  int64_t taken() const { return folded_taken_ + taken_; }
  int64_t not_tracked() const { return not_tracked_; }
  size_t interval_count() const { return effects_.size(); }

  // What is counted is what the intervals say; "" or what disagrees.
  std::string Disagreement() const;

 private:
  int64_t TakenIn(Offset low, Offset high) const;
  void Fold();

  const size_t most_intervals_;
  IntervalMap<Effect> effects_;
  bool begun_ = false;
  Offset start_ = 0;
  Offset floor_ = 0;  // Below it nothing is tracked.
  Offset reached_ = 0;
  int64_t taken_ = 0;  // In the intervals,
  int64_t taken_below_reached_ = 0;
  int64_t folded_taken_ = 0;
  int64_t folded_missing_ = 0;
  int64_t not_tracked_ = 0;
};

template <class Visit>
void SourceEffects::Take(Offset from, Offset to, How how, Again again, Visit&& visit) {
  SIM_REQUIRE(begun_ && from <= to);
  Offset at = from;
  if (at < floor_) {
    const Offset tracked = std::min(floor_, to);
    not_tracked_ += tracked - at;
    at = tracked;
  }
  while (at < to) {
    const auto next = effects_.LowerBound(at);
    if (next == effects_.end() || (*next).low > at) {
      const Offset until = next == effects_.end() ? to : std::min<Offset>((*next).low, to);
      visit(at, until, 0);
      effects_.Assign(at, until, {how, 1});
      taken_ += until - at;
      taken_below_reached_ += std::max<Offset>(0, std::min(until, reached_) - at);
      at = until;
      continue;
    }
    const Offset until = std::min<Offset>((*next).high, to);
    const Effect before = (*next).value;
    visit(at, until, before.times);
    if (again == Again::kAdds) effects_.Assign(at, until, {How::kDone, before.times + 1});
    at = until;
  }
  if (effects_.size() > most_intervals_) Fold();
}

template <class Visit>
void SourceEffects::VisitMissing(Offset low, Offset high, Visit&& visit) const {
  Offset at = std::max(low, floor_);
  for (auto next = effects_.LowerBound(at); at < high; ++next) {
    const Offset until = next == effects_.end() ? high : std::min<Offset>((*next).low, high);
    if (at < until) visit(at, until);
    if (next == effects_.end()) return;
    at = std::max<Offset>(at, (*next).high);
  }
}

}  // namespace freshet

#endif  // FRESHET_MODELS_LOG_SOURCE_EFFECTS_H_
