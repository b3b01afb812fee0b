// Which value holds where on the int64 line: an ordered map of disjoint half-open intervals [low,
// high) to values. Offsets that a store holds, ranges that a transaction left open, the trail that
// a range of records carries.
//
// Neighbours that touch and carry equal values are one interval, always, so that the map is a
// function of what holds where and not of the order in which it was told: two maps are equal when
// they say the same about every point.
#ifndef FRESHET_SIM_INTERVAL_MAP_H_
#define FRESHET_SIM_INTERVAL_MAP_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>

#include "absl/container/btree_map.h"
#include "sim/check.h"

namespace freshet {

// `Value` is copyable and has ==.
template <typename Value>
class IntervalMap {
 private:
  struct Entry {
    int64_t high;
    Value value;
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  using Map = absl::btree_map<int64_t, Entry>;  // By the low end.

 public:
  struct Interval {
    int64_t low;
    int64_t high;
    const Value& value;
  };

  // Walks the intervals from low to high. Valid until the next change.
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Interval;
    using difference_type = std::ptrdiff_t;
    using pointer = const Interval*;
    using reference = Interval;

    Iterator() = default;
    Interval operator*() const { return {at_->first, at_->second.high, at_->second.value}; }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++at_;
      return before;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.at_ == b.at_; }

   private:
    friend class IntervalMap;
    explicit Iterator(typename Map::const_iterator at) : at_(at) {}
    typename Map::const_iterator at_;
  };

  // `value` holds on [low, high), whatever held there before. REQUIRES: low <= high.
  void Assign(int64_t low, int64_t high, Value value) {
    SIM_REQUIRE(low <= high);
    if (low == high) return;
    // Records come in order: the common case goes on where the last interval ends.
    if (!map_.empty()) {
      auto last = std::prev(map_.end());
      if (last->second.high == low && last->second.value == value) {
        last->second.high = high;
        return;
      }
    }
    auto after = Cut(low, high);
    if (after != map_.end() && after->first == high && after->second.value == value) {
      high = after->second.high;
      after = map_.erase(after);
    }
    if (after != map_.begin()) {
      auto before = std::prev(after);
      if (before->second.high == low && before->second.value == value) {
        before->second.high = high;
        return;
      }
    }
    map_.emplace_hint(after, low, Entry{high, std::move(value)});
  }

  // Nothing holds on [low, high) any more. REQUIRES: low <= high.
  void Erase(int64_t low, int64_t high) {
    SIM_REQUIRE(low <= high);
    if (low < high) Cut(low, high);
  }

  // The value that holds at `point`, null when none does. Valid until the next change.
  const Value* Find(int64_t point) const {
    const auto at = At(point);
    return at == map_.end() ? nullptr : &at->second.value;
  }
  // The first interval that holds `point` or lies above it; end() when there is none.
  Iterator LowerBound(int64_t point) const {
    const auto at = At(point);
    return Iterator(at == map_.end() ? map_.upper_bound(point) : at);
  }
  // Whether something holds at every point of [low, high).
  bool Covers(int64_t low, int64_t high) const {
    for (auto at = At(low); low < high; ++at) {
      if (at == map_.end() || at->first > low) return false;
      low = at->second.high;
    }
    return true;
  }

  Iterator begin() const { return Iterator(map_.begin()); }
  Iterator end() const { return Iterator(map_.end()); }
  size_t size() const { return map_.size(); }
  bool empty() const { return map_.empty(); }
  void Clear() { map_.clear(); }

  friend bool operator==(const IntervalMap& a, const IntervalMap& b) { return a.map_ == b.map_; }

 private:
  // The entry that holds `point`, or end().
  typename Map::const_iterator At(int64_t point) const {
    auto at = map_.upper_bound(point);
    if (at == map_.begin()) return map_.end();
    --at;
    return at->second.high > point ? at : map_.end();
  }

  // Takes [low, high) out, leaving what overlapped it on either side. Returns the first entry at or
  // above `high`.
  typename Map::iterator Cut(int64_t low, int64_t high) {
    auto at = map_.lower_bound(low);
    if (at != map_.begin()) {
      auto before = std::prev(at);
      if (before->second.high > high) {
        // It encloses the cut: its upper part becomes an entry of its own.
        Entry upper = before->second;
        before->second.high = low;
        return map_.emplace_hint(at, high, std::move(upper));
      }
      before->second.high = std::min(before->second.high, low);
    }
    auto end = at;
    while (end != map_.end() && end->second.high <= high) ++end;
    end = map_.erase(at, end);
    if (end == map_.end() || end->first >= high) return end;
    Entry upper = std::move(end->second);
    end = map_.erase(end);
    return map_.emplace_hint(end, high, std::move(upper));
  }

  Map map_;
};

}  // namespace freshet

#endif  // FRESHET_SIM_INTERVAL_MAP_H_
