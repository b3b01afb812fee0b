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
// Who filters or splits a batch settles it share by share (record_range.h). Until all of a stretch
// of offsets is settled it remembers which places of the batch are; then it is as any other. So
// counts are of records, also where shares are cut by offset, come in any order, or are empty.
//
// Approximated: a share of a batch that the log has coalesced since lies in proportion.
//
// Beyond `most_intervals` the lower half is folded: its counts stay, but what is done there later
// is not tracked, and counted as that.
#ifndef FRESHET_MODELS_LOG_SOURCE_EFFECTS_H_
#define FRESHET_MODELS_LOG_SOURCE_EFFECTS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "models/log/record_range.h"
#include "models/log/segments.h"
#include "sim/interval_map.h"

namespace freshet {

class SourceEffects {
 public:
  // How an offset was settled. kDone: processed, or visible; the others for good, elsewhere.
  // kWithheld: a transaction's marker, or of one that was aborted. kQuarantined: put aside by a
  // reader, and may be done yet. kOverwritten: was done, and something else is in its place.
  enum class How : uint8_t {
    kDone,
    kDeleted,
    kFiltered,
    kLateDropped,
    kDeadLettered,
    kCorrupt,
    kWithheld,
    kQuarantined,
    kOverwritten
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
  // Calls visit(part, before) for each part of the span, with how it had been settled; times 0 is
  // new. Parts that are not tracked are counted and not visited. What replaces itself has taken
  // effect once, however often; what was settled elsewhere before, and is done after all, is done
  // for the first time. REQUIRES: begun, from <= to.
  enum class Again : uint8_t { kAdds, kReplaces };
  template <class Visit>
  void Take(const RecordSpan& span, How how, Again again, Visit&& visit);
  // Of all records with offsets in [from, to). Calls visit(low, high, times).
  template <class Visit>
  void Take(Offset from, Offset to, How how, Again again, Visit&& visit);
  void Reach(Offset at);
  void Cut(Offset end);

  Offset start() const { return start_; }
  Offset reached() const { return reached_; }
  // Below reached(), and without effect.
  int64_t missing() const { return folded_missing_ + (reached_ - floor_ - taken_below_reached_); }
  // In [low, high), as far as it is tracked.
  int64_t MissingIn(Offset low, Offset high) const;
  // Calls visit(low, high) for each part of [low, high) in which any is missing.
  template <class Visit>
  void VisitMissing(Offset low, Offset high, Visit&& visit) const;
  // Calls visit(records, effect) for what is settled in [low, high), as far as it is tracked.
  template <class Visit>
  void VisitSettled(Offset low, Offset high, Visit&& visit) const;
  // Of [low, high), those of which it is not known any more, since they were folded.
  int64_t NotTrackedIn(Offset low, Offset high) const {
    return std::max<int64_t>(0, std::min(high, floor_) - std::max(low, start_));
  }
  // From `from` on, the first that has taken no effect; of a batch that is settled in part, the
  // first of it.
  Offset FirstMissing(Offset from) const;
  // With effect, each once.
  int64_t taken() const { return folded_taken_ + taken_; }
  int64_t not_tracked() const { return not_tracked_; }
  size_t interval_count() const { return effects_.size(); }

  // What is counted is what the intervals say; "" or what disagrees. Shares are counted anew of
  // kRecounted stretches a call, in turn: there may be very many.
  static constexpr int kRecounted = 32;
  std::string Disagreement() const;

 private:
  // Places [low, high) of a batch.
  struct Share {
    int64_t low;
    int64_t high;
    Effect effect;
    friend bool operator==(const Share&, const Share&) = default;
  };
  // Offsets that were settled alike; or, of offsets [base, base + whole), the shares that were, in
  // order, no two of which touch and are equal.
  struct Stretch {
    Effect all;
    Offset base;
    int64_t whole;
    std::vector<Share> shares;
    // How many of the offsets [counted_low, counted_high) are settled by them.
    Offset counted_low;
    Offset counted_high;
    int64_t counted;
    // By what holds; what was counted of it follows.
    friend bool operator==(const Stretch& a, const Stretch& b) {
      return a.all == b.all && a.base == b.base && a.whole == b.whole && a.shares == b.shares;
    }
  };

  // The part of `span` in [low, high), which were settled as `before` says, or not at all (null):
  // in the places of the batch that is remembered.
  static RecordSpan PlacedIn(const RecordSpan& span, Offset low, Offset high,
                             const Stretch* before);
  static void Append(std::vector<Share>* shares, const Share& next);
  // Settled in full, and all alike: forgets the shares.
  static void Simplify(Stretch* stretch);
  static int64_t TakenOf(const Stretch& stretch, Offset low, Offset high);
  // Of its shares, one by one.
  static int64_t Recount(const Stretch& stretch, Offset low, Offset high);
  // Returns how many they are.
  int64_t CountTaken(const RecordSpan& part);
  int64_t TakenIn(Offset low, Offset high) const;
  void Fold();

  const size_t most_intervals_;
  IntervalMap<Stretch> effects_;
  bool begun_ = false;
  Offset start_ = 0;
  Offset floor_ = 0;  // Below it nothing is tracked.
  Offset reached_ = 0;
  int64_t taken_ = 0;  // In the intervals,
  int64_t taken_below_reached_ = 0;
  int64_t folded_taken_ = 0;
  int64_t folded_missing_ = 0;
  int64_t not_tracked_ = 0;
  mutable Offset recount_from_ = 0;  // Whose turn it is in Disagreement().
};

template <class Visit>
void SourceEffects::Take(Offset from, Offset to, How how, Again again, Visit&& visit) {
  RecordSpan span;
  span.from = from;
  span.to = to;
  Take(span, how, again, [&visit](const RecordSpan& part, Effect before) {
    visit(part.from, part.to, before.times);
  });
}

template <class Visit>
void SourceEffects::Take(const RecordSpan& span, How how, Again again, Visit&& visit) {
  SIM_REQUIRE(begun_ && span.from <= span.to);
  int64_t added = 0;  // To the stretch at hand.
  const auto settle = [&](const RecordSpan& part, Effect before) {
    if (before.times == 0) {
      added += CountTaken(part);
      visit(part, before);
      // A filter decides by places, whenever it is asked: those it holds back need not be known.
      return Effect{how == How::kFiltered ? How::kDone : how, 1};
    }
    visit(part, before);
    if (before.how != How::kDone && how == How::kDone) return Effect{how, 1};
    if (before.how == How::kDone && how == How::kOverwritten) return Effect{how, 1};
    if (again == Again::kReplaces) return before;
    return Effect{How::kDone, before.times + 1};
  };
  Offset at = span.from;
  if (at < floor_) {
    const Offset tracked = std::min(floor_, span.to);
    not_tracked_ += span.CountIn(at, tracked);
    at = tracked;
  }
  while (at < span.to) {
    const auto next = effects_.LowerBound(at);
    const bool known = next != effects_.end() && (*next).low <= at;
    const Offset until =
        next == effects_.end() ? span.to : std::min(known ? (*next).high : (*next).low, span.to);
    const Stretch* const before = known ? &(*next).value : nullptr;
    const RecordSpan part = PlacedIn(span, at, until, before);
    Stretch after = {};
    if (part.low == 0 && part.high == part.whole && (before == nullptr || before->shares.empty())) {
      after.all = settle(part, before == nullptr ? Effect{how, 0} : before->all);
    } else if (part.low < part.high) {
      after.base = part.base;
      after.whole = part.whole;
      added = 0;
      // What lies beside the part stays as it was.
      std::vector<Share> shares;
      if (before != nullptr) shares = before->shares;
      if (before != nullptr && shares.empty()) shares = {{0, part.whole, before->all}};
      int64_t place = part.low;
      const auto take = [&](int64_t high, Effect was) {
        RecordSpan share = part;
        share.low = place;
        share.high = high;
        if (place < high) Append(&after.shares, {place, high, settle(share, was)});
        place = high;
      };
      for (const Share& old : shares) {
        if (old.low < part.low) {
          Append(&after.shares, {old.low, std::min(old.high, part.low), old.effect});
        }
        if (old.high > part.low && old.low < part.high) {
          take(std::max(place, old.low), {how, 0});
          take(std::min(old.high, part.high), old.effect);
        }
        if (old.high > part.high) {
          take(part.high, {how, 0});
          Append(&after.shares, {std::max(old.low, part.high), old.high, old.effect});
        }
      }
      take(part.high, {how, 0});
      after.counted_low = at;
      after.counted_high = until;
      after.counted = (before == nullptr ? 0 : TakenOf(*before, at, until)) + added;
      Simplify(&after);
    } else {
      at = until;  // An empty share.
      continue;
    }
    effects_.Assign(at, until, std::move(after));
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
    const Offset end = std::min<Offset>((*next).high, high);
    at = std::max(at, until);
    if (at < end && TakenOf((*next).value, at, end) < end - at) visit(at, end);
    at = std::max<Offset>(at, (*next).high);
  }
}

template <class Visit>
void SourceEffects::VisitSettled(Offset low, Offset high, Visit&& visit) const {
  low = std::max(low, floor_);
  for (auto next = effects_.LowerBound(low); next != effects_.end() && (*next).low < high; ++next) {
    const Offset from = std::max<Offset>((*next).low, low);
    const Offset to = std::min<Offset>((*next).high, high);
    const Stretch& stretch = (*next).value;
    if (stretch.shares.empty()) {
      visit(to - from, stretch.all);
      continue;
    }
    for (const Share& share : stretch.shares) {
      RecordSpan part;
      part.from = from;
      part.to = to;
      part.base = stretch.base;
      part.whole = stretch.whole;
      part.low = share.low;
      part.high = share.high;
      visit(part.record_count(), share.effect);
    }
  }
}

}  // namespace freshet

#endif  // FRESHET_MODELS_LOG_SOURCE_EFFECTS_H_
