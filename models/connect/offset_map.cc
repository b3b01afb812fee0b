#include "models/connect/offset_map.h"

#include <algorithm>
#include <utility>

#include "sim/check.h"

namespace freshet {

void OffsetMap::Appended(Offset from, Offset to, Offset base) {
  SIM_REQUIRE(from < to);
  copies_.Assign(base, base + (to - from), from - base);
}

void OffsetMap::Acknowledged(Offset from, Offset to, Offset base) {
  Appended(from, to, base);
  const bool skips = from - previous_.source != 1;
  const bool goes_back = base < previous_.copy;
  if (!last_sync_ || skips || goes_back) Emit({from, base});
  // Behind a sync the next one follows when the copy is so far ahead of what the sync says.
  const Offset step = lag_max_ + 1;
  for (Offset next = last_sync_->copy + step; next < base + (to - from); next += step) {
    if (next >= base) Emit({from + (next - base), next});
  }
  previous_ = {to - 1, base + (to - from) - 1};
}

void OffsetMap::Emit(const Sync& sync) {
  last_sync_ = sync;
  ++emitted_;
  if (!kept_.empty() && sync.source < kept_.back().source) kept_.clear();
  kept_.push_back(sync);
  // From the newest on: what lies between two that are near each other, seen from the newest, goes.
  const Offset newest = sync.source;
  std::vector<Sync> thinned = {sync};
  for (size_t i = kept_.size() - 1; i > 0; --i) {
    const Sync& at = kept_[i - 1];
    const bool has_older = i > 1;
    if (has_older && newest - kept_[i - 2].source <= 2 * (newest - thinned.back().source)) continue;
    thinned.push_back(at);
  }
  std::reverse(thinned.begin(), thinned.end());
  kept_ = std::move(thinned);
}

std::optional<Offset> OffsetMap::Translate(Offset source) const {
  const auto after =
      std::upper_bound(kept_.begin(), kept_.end(), source,
                       [](Offset wanted, const Sync& sync) { return wanted < sync.source; });
  if (after == kept_.begin()) return std::nullopt;
  const Sync& sync = *std::prev(after);
  return sync.source == source ? sync.copy : sync.copy + 1;
}

int64_t OffsetMap::CopiedIn(Offset from, Offset to, Offset at) const {
  IntervalMap<bool> covered;  // Of the source's offsets.
  for (auto next = copies_.LowerBound(at); next != copies_.end(); ++next) {
    const auto copy = *next;
    const Offset low = std::max({from, std::max<Offset>(copy.low, at) + copy.value});
    const Offset high = std::min<Offset>(to, copy.high + copy.value);
    if (low < high) covered.Assign(low, high, true);
  }
  int64_t records = 0;
  for (auto next = covered.LowerBound(from); next != covered.end(); ++next) {
    records += (*next).high - (*next).low;
  }
  return records;
}

}  // namespace freshet
