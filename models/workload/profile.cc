#include "models/workload/profile.h"

#include <algorithm>

#include "sim/check.h"
#include "sim/units.h"

namespace freshet {
namespace {

// Takes `count` of the sum of `from`, each in proportion, the largest remainders first and the
// lower index first among equals; returns what was taken of each.
template <size_t kSize>
std::array<int64_t, kSize> TakeInProportion(const std::array<int64_t, kSize>& from, int64_t count) {
  int64_t total = 0;
  for (const int64_t each : from) total += each;
  std::array<int64_t, kSize> taken = {};
  if (count == 0) return taken;
  std::array<int64_t, kSize> remainder = {};
  int64_t missing = count;
  for (size_t i = 0; i < kSize; ++i) {
    taken[i] = MulDivFloor(from[i], count, total);
    // from[i] x count modulo total: the products agree in their low 64 bits, the difference is
    // small.
    remainder[i] =
        static_cast<int64_t>(static_cast<uint64_t>(from[i]) * static_cast<uint64_t>(count) -
                             static_cast<uint64_t>(taken[i]) * static_cast<uint64_t>(total));
    missing -= taken[i];
  }
  for (; missing > 0; --missing) {
    const auto largest = std::max_element(remainder.begin(), remainder.end());
    ++taken[static_cast<size_t>(largest - remainder.begin())];
    *largest = -1;
  }
  return taken;
}

}  // namespace

int64_t BatchProfile::records() const {
  int64_t sum = 0;
  for (int32_t i = 0; i < slice_count; ++i) sum += slices[static_cast<size_t>(i)].records;
  return sum;
}

void BatchProfile::AddSlice(int64_t index, int64_t records) {
  SIM_REQUIRE(records >= 0);
  if (records == 0) return;
  // One place more than there is room for, then the nearest two become one.
  std::array<Slice, kMaxSlices + 1> wide = {};
  auto used = static_cast<size_t>(slice_count);
  std::copy_n(slices.begin(), used, wide.begin());
  size_t at = 0;
  while (at < used && wide[at].index > index) ++at;
  if (at < used && wide[at].index == index) {
    slices[at].records += records;
    return;
  }
  std::copy_backward(wide.begin() + at, wide.begin() + used, wide.begin() + used + 1);
  wide[at] = {index, records};
  ++used;
  if (used > kMaxSlices) {
    size_t newer = 0;
    for (size_t i = 1; i + 1 < used; ++i) {
      if (wide[i].index - wide[i + 1].index < wide[newer].index - wide[newer + 1].index) newer = i;
    }
    Slice& kept = wide[newer];
    const Slice& older = wide[newer + 1];
    if (older.records > kept.records) kept.index = older.index;
    kept.records += older.records;
    std::copy(wide.begin() + newer + 2, wide.begin() + used, wide.begin() + newer + 1);
    --used;
  }
  std::copy_n(wide.begin(), used, slices.begin());
  slice_count = static_cast<int32_t>(used);
}

BatchProfile BatchProfile::TakeOut(int64_t count, Duration slice_width) {
  const int64_t total = records();
  SIM_REQUIRE(count >= 0 && count <= total);
  std::array<int64_t, kMaxSlices> sizes = {};
  for (int32_t i = 0; i < slice_count; ++i) {
    const auto at = static_cast<size_t>(i);
    sizes[at] = slices[at].records;
  }
  const auto sliced = TakeInProportion(sizes, count);
  const auto grouped = TakeInProportion(key_group_records, count);

  BatchProfile taken;
  BatchProfile left;
  taken.schema_version = left.schema_version = schema_version;
  for (int32_t i = 0; i < slice_count; ++i) {
    const auto at = static_cast<size_t>(i);
    taken.AddSlice(slices[at].index, sliced[at]);
    left.AddSlice(slices[at].index, sizes[at] - sliced[at]);
  }
  for (size_t i = 0; i < kKeyGroups; ++i) {
    taken.key_group_records[i] = grouped[i];
    left.key_group_records[i] = key_group_records[i] - grouped[i];
  }
  for (BatchProfile* part : {&taken, &left}) {
    if (part->slice_count == 0) continue;
    const Time end = Time() + slice_width * (part->slices[0].index + 1);
    part->event_time_max = std::min(event_time_max, end - Nanoseconds(1));
    part->event_time_min = event_time_min;
    part->clock_skew = clock_skew;
  }
  *this = left;
  return taken;
}

void BatchProfile::Merge(const BatchProfile& other) {
  if (other.slice_count == 0) return;
  if (slice_count == 0) {
    *this = other;
    return;
  }
  SIM_REQUIRE(schema_version == other.schema_version);
  for (int32_t i = 0; i < other.slice_count; ++i) {
    const Slice& slice = other.slices[static_cast<size_t>(i)];
    AddSlice(slice.index, slice.records);
  }
  for (size_t i = 0; i < kKeyGroups; ++i) key_group_records[i] += other.key_group_records[i];
  const Time stamp = std::max(stamp_max(), other.stamp_max());
  event_time_min = std::min(event_time_min, other.event_time_min);
  event_time_max = std::max(event_time_max, other.event_time_max);
  clock_skew = stamp - event_time_max;
}

void BatchProfile::Check() const {
  SIM_CHECK(slice_count >= 0 && slice_count <= kMaxSlices, "inv.W1", "slices out of range");
  for (int32_t i = 0; i < slice_count; ++i) {
    const auto at = static_cast<size_t>(i);
    SIM_CHECK(slices[at].records > 0, "inv.W1", "an empty slice");
    SIM_CHECK(i == 0 || slices[at - 1].index > slices[at].index, "inv.W1", "slices out of order");
  }
  int64_t grouped = 0;
  for (const int64_t each : key_group_records) grouped += each;
  SIM_CHECK(grouped == records(), "inv.W1", "key groups and slices disagree on the records");
}

}  // namespace freshet
