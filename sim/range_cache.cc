#include "sim/range_cache.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "sim/check.h"

namespace freshet {

RangeCache::RangeCache(Bytes capacity, Bytes grain) : capacity_(capacity), grain_(grain.count()) {
  SIM_REQUIRE(capacity >= Bytes(0) && grain >= Bytes(0));
}

void RangeCache::Unlink(Slot slot) {
  const Range& range = pool_[slot];
  (range.newer == kNone ? newest_ : pool_[range.newer].older) = range.older;
  (range.older == kNone ? oldest_ : pool_[range.older].newer) = range.newer;
}

void RangeCache::LinkNewest(Slot slot) {
  pool_[slot].newer = kNone;
  pool_[slot].older = newest_;
  (newest_ == kNone ? oldest_ : pool_[newest_].newer) = slot;
  newest_ = slot;
}

RangeCache::Slot RangeCache::Add(StreamId stream, int64_t from, int64_t to) {
  Slot slot;
  if (free_.empty()) {
    slot = static_cast<Slot>(pool_.size());
    pool_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  pool_[slot] = {stream, from, to, kNone, kNone};
  ranges_.emplace(Key{stream, from}, slot);
  return slot;
}

void RangeCache::Remove(Map::iterator at) {
  Slot& last = last_[at->first.first % kLastEntries];
  if (last == at->second) last = kNone;
  Unlink(at->second);
  free_.push_back(at->second);
  ranges_.erase(at);
}

RangeCache::Map::const_iterator RangeCache::FirstBehind(StreamId stream, int64_t from) const {
  auto at = ranges_.lower_bound(Key{stream, from});
  if (at != ranges_.begin()) {
    auto before = at;
    --before;
    if (before->first.first == stream && pool_[before->second].to > from) return before;
  }
  return at;
}

// Takes [from, to) out of what is held; what lies left and right of it keeps its age. Returns
// bytes.
int64_t RangeCache::CutOut(StreamId stream, int64_t from, int64_t to) {
  int64_t cut = 0;
  while (from < to) {
    const auto at = FirstBehind(stream, from);
    if (at == ranges_.end() || at->first.first != stream || at->first.second >= to) break;
    const Slot slot = at->second;
    const int64_t low = pool_[slot].from;
    const int64_t high = pool_[slot].to;
    cut += std::min(high, to) - std::max(low, from);
    if (high > to) {
      // The right part becomes a range of its own, right beside in age.
      const Slot right = Add(stream, to, high);
      const Slot newer = pool_[slot].newer;
      pool_[right].older = slot;
      pool_[right].newer = newer;
      (newer == kNone ? newest_ : pool_[newer].older) = right;
      pool_[slot].newer = right;
      if (LastOf(stream) == slot) last_[stream % kLastEntries] = right;
    }
    if (low < from) {
      pool_[slot].to = from;
    } else {
      Remove(ranges_.find(Key{stream, low}));
    }
  }
  bytes_ -= cut;
  return cut;
}

void RangeCache::Insert(StreamId stream, int64_t from, int64_t to) {
  SIM_REQUIRE(from >= 0 && from <= to);
  if (from == to) return;
  const Slot last = LastOf(stream);
  if (last != kNone && pool_[last].to == from && to - pool_[last].from <= grain_) {
    inserted_ += to - from;
    bytes_ += to - from;
    pool_[last].to = to;
    MakeNewest(last);
    Evict();
    return;
  }
  inserted_ += to - from - CutOut(stream, from, to);
  bytes_ += to - from;
  // Extend the range right before it, if there is one that is not too long.
  auto at = ranges_.lower_bound(Key{stream, from});
  const bool is_last = at == ranges_.end() || at->first.first != stream;
  Slot grown = kNone;
  if (at != ranges_.begin()) {
    --at;
    Range& before = pool_[at->second];
    if (before.stream == stream && before.to == from && to - before.from <= grain_) {
      before.to = to;
      grown = at->second;
      MakeNewest(grown);
    }
  }
  if (grown == kNone) {
    grown = Add(stream, from, to);
    LinkNewest(grown);
  }
  if (is_last) last_[stream % kLastEntries] = grown;
  Evict();
}

void RangeCache::Evict() {
  while (bytes_ > capacity_.count()) {
    Range& range = pool_[oldest_];
    const int64_t excess = bytes_ - capacity_.count();
    const int64_t length = range.to - range.from;
    const auto at = ranges_.find(Key{range.stream, range.from});
    evicted_ += std::min(excess, length);
    bytes_ -= std::min(excess, length);
    if (length <= excess) {
      Remove(at);
    } else {
      const Slot slot = at->second;
      range.from += excess;
      ranges_.erase(at);
      ranges_.emplace(Key{range.stream, range.from}, slot);
    }
  }
}

Bytes RangeCache::Lookup(StreamId stream, int64_t from, int64_t to, std::vector<Piece>* pieces) {
  SIM_REQUIRE(from >= 0 && from <= to);
  const Slot last = LastOf(stream);
  if (pieces == nullptr && last != kNone && from < to && pool_[last].from <= from &&
      to <= pool_[last].to) {
    MakeNewest(last);
    return Bytes(to - from);
  }
  int64_t hit = 0;
  int64_t position = from;
  const auto add = [pieces](int64_t low, int64_t high, bool is_hit) {
    if (pieces == nullptr || low == high) return;
    if (is_hit && !pieces->empty() && pieces->back().hit && pieces->back().to == low) {
      pieces->back().to = high;
    } else {
      pieces->push_back({low, high, is_hit});
    }
  };
  for (auto at = FirstBehind(stream, from);
       at != ranges_.end() && at->first.first == stream && at->first.second < to; ++at) {
    const Slot slot = at->second;
    const int64_t low = std::max(pool_[slot].from, from);
    const int64_t high = std::min(pool_[slot].to, to);
    if (low >= high) break;  // from == to.
    add(position, low, false);
    add(low, high, true);
    hit += high - low;
    position = high;
    Unlink(slot);
    LinkNewest(slot);
  }
  add(position, to, false);
  return Bytes(hit);
}

Bytes RangeCache::Peek(StreamId stream, int64_t from, int64_t to) const {
  int64_t hit = 0;
  for (auto at = FirstBehind(stream, from);
       at != ranges_.end() && at->first.first == stream && at->first.second < to; ++at) {
    const Range& range = pool_[at->second];
    hit += std::max<int64_t>(0, std::min(range.to, to) - std::max(range.from, from));
  }
  return Bytes(hit);
}

void RangeCache::Erase(StreamId stream, int64_t from, int64_t to) {
  erased_ += CutOut(stream, from, to);
}

void RangeCache::Clear() {
  erased_ += bytes_;
  bytes_ = 0;
  ranges_.clear();
  pool_.clear();
  free_.clear();
  last_.assign(kLastEntries, kNone);
  newest_ = kNone;
  oldest_ = kNone;
}

void RangeCache::SetCapacity(Bytes capacity) {
  SIM_REQUIRE(capacity >= Bytes(0));
  capacity_ = capacity;
  Evict();
}

void RangeCache::Audit() const {
  int64_t bytes = 0;
  const Range* previous = nullptr;
  for (const auto& [key, slot] : ranges_) {
    const Range& range = pool_[slot];
    SIM_CHECK(range.from < range.to && key == Key(range.stream, range.from), "inv.I13",
              "a cached range is empty or under a wrong key");
    SIM_CHECK(previous == nullptr || previous->stream != range.stream || previous->to <= range.from,
              "inv.I13", "cached ranges overlap");
    bytes += range.to - range.from;
    previous = &range;
  }
  for (const Slot slot : last_) {
    if (slot == kNone) continue;
    const auto at = ranges_.find(Key{pool_[slot].stream, pool_[slot].from});
    const auto next = at == ranges_.end() ? at : std::next(at);
    SIM_CHECK(at != ranges_.end() && at->second == slot &&
                  (next == ranges_.end() || next->first.first != pool_[slot].stream),
              "inv.I13", "what counts as the last range of a stream is not");
  }
  size_t in_order = 0;
  for (Slot slot = newest_; slot != kNone; slot = pool_[slot].older) ++in_order;
  SIM_CHECK(in_order == ranges_.size(), "inv.I3", "the order of use lost a range");
  SIM_CHECK(bytes == bytes_, "inv.I3",
            absl::StrCat("cache holds ", bytes, " bytes, believed ", bytes_));
  AuditSums();
}

void RangeCache::AuditSums() const {
  SIM_CHECK(bytes_ <= capacity_.count() && inserted_ == bytes_ + evicted_ + erased_, "inv.I3",
            absl::StrCat("cache believes to hold ", bytes_, " bytes of at most ", capacity_.count(),
                         "; inserted ", inserted_, ", evicted ", evicted_, ", erased ", erased_));
}

void RangeCache::AuditInTurn(bool last) {
  audited_ += kAuditShare;
  if (last || audited_ >= ranges_.size()) {
    audited_ = 0;
    Audit();
  } else {
    AuditSums();
  }
}

}  // namespace freshet
