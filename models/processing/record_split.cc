#include "models/processing/record_split.h"

#include <algorithm>

#include "sim/check.h"
#include "sim/hash.h"

namespace freshet {

RecordRange TakeShare(const RecordRange& taken, int64_t from, int64_t to, int64_t total,
                      uint64_t purpose) {
  SIM_REQUIRE(0 <= from && from <= to && to <= total && total > 0);
  RecordRange range = taken;
  static_cast<RecordSpan&>(range) = WithPlaces(taken);
  const int64_t width = range.high - range.low;
  // Somewhere in [0, total), and the same for all parts of the batch.
  uint64_t place = MixHash(MixHash(purpose, range.partition), static_cast<uint64_t>(range.base));
  place = MixHash(place, static_cast<uint64_t>(range.low));
  const auto dither = static_cast<int64_t>(place % static_cast<uint64_t>(total));
  const auto bound = [&](int64_t at) {
    return static_cast<int64_t>((static_cast<__int128>(width) * at + dither) / total);
  };
  RecordRange part = range;
  // The ends are exact: dither < total.
  part.low = range.low + bound(from);
  part.high = range.low + bound(to);
  const int64_t records = range.record_count();
  if (records == 0) {
    part.bytes = Bytes(0);
    return part;
  }
  // By the records below each end, so that the parts' bytes add up.
  const auto below = [&](int64_t share) {
    RecordRange lower = range;
    lower.high = share;
    return MulDivFloor(range.bytes.count(), lower.record_count(), records);
  };
  part.bytes = Bytes(below(part.high) - below(part.low));
  return part;
}

std::vector<int64_t> BoundsOf(absl::Span<const int64_t> weights) {
  std::vector<int64_t> bounds = {0};
  for (const int64_t weight : weights) bounds.push_back(bounds.back() + weight);
  return bounds;
}

RecordRange TakeOffsets(const RecordRange& range, Offset from, Offset to) {
  SIM_REQUIRE(range.from <= from && from <= to && to <= range.to);
  RecordRange part = range;
  part.from = from;
  part.to = to;
  const int64_t records = range.record_count();
  if (records > 0) {
    const auto below = [&](Offset at) {
      return MulDivFloor(range.bytes.count(), range.CountIn(range.from, at), records);
    };
    part.bytes = Bytes(below(to) - below(from));
  }
  if (from == range.from && to == range.to) return part;
  // The row of creation times is cut in proportion, as a part of a batch is.
  const int64_t length = range.to - range.from;
  const Time low = std::min(range.created.first, range.created.low);
  const Time high = std::max(range.created.first, range.created.high);
  const auto at = [&](Offset offset) {
    return low + Nanoseconds(MulDivFloor((high - low).nanos(), offset - range.from, length));
  };
  part.created = {at(from), 1, at(from), at(to)};
  part.interpolated = true;
  return part;
}

Time EarliestEventTime(const RecordRange& range) { return range.created.Earliest(); }

Time LatestEventTime(const RecordRange& range) {
  return std::max(range.created.first, range.created.high);
}

Offset FirstNotBefore(const RecordRange& range, Time boundary) {
  const Time low = EarliestEventTime(range);
  const Time high = LatestEventTime(range);
  if (high < boundary) return range.to;
  if (low >= boundary) return range.from;
  // Event times lie evenly between the two: low < boundary <= high, rounded up.
  const int64_t length = range.to - range.from;
  const int64_t spread = (high - low).nanos();
  const int64_t before = (boundary - low).nanos();
  const auto steps =
      static_cast<int64_t>((static_cast<__int128>(before) * length + spread - 1) / spread);
  return range.from + std::min(steps, length);
}

namespace {

bool MayBeLate(const RecordRange& range, const RecordProfiles* profiles) {
  return profiles != nullptr &&
         (range.mark.kind == RecordKind::kOffline || profiles->HasEventTimes(range.partition));
}

}  // namespace

Time LatestStamp(const RecordRange& range, const RecordProfiles* profiles) {
  if (!MayBeLate(range, profiles)) return LatestEventTime(range);
  return profiles->ProfileOf(range, Duration::Max()).stamp_max();
}

void ForEachSlice(const RecordRange& range, const RecordProfiles* profiles, Duration width,
                  absl::FunctionRef<void(Time, const RecordRange&)> visit) {
  if (!MayBeLate(range, profiles)) return ForEachSlice(range, width, visit);
  profiles->VisitRuns(StretchOf(range), [&](const EventRun& run) {
    Offset from = run.from;
    while (from < run.to) {
      const Time slice = SliceStart(run.EventAt(from), width);
      const Offset next = run.base + run.row.CountBefore(slice + width + run.lateness);
      const Offset to = std::min(std::max(next, from + 1), run.to);
      const RecordRange part = TakeOffsets(range, from, to);
      if (part.record_count() > 0) visit(slice, part);
      from = to;
    }
  });
}

Time SliceStart(Time at, Duration width) {
  SIM_REQUIRE(width > Duration::Zero());
  int64_t index = at.nanos() / width.nanos();
  if (at.nanos() % width.nanos() < 0) --index;
  return Time::FromNanos(index * width.nanos());
}

}  // namespace freshet
