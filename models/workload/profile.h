// What is known of records that travel together beyond their number and bytes: a small integer
// histogram. Operators work on it, so counts stay exact whole numbers; what lies below a slice or a
// key group is approximated (docs/models/workload.md).
//
// A plain value. models/log/record_profiles.h has those of records that left a log.
#ifndef FRESHET_MODELS_WORKLOAD_PROFILE_H_
#define FRESHET_MODELS_WORKLOAD_PROFILE_H_

#include <algorithm>
#include <array>
#include <cstdint>

#include "models/workload/event_times.h"
#include "models/workload/keys.h"
#include "sim/time.h"

namespace freshet {

struct BatchProfile {
  static constexpr int kMaxSlices = 8;
  static constexpr int kKeyGroups = freshet::kKeyGroups;

  // Records whose event time lies in [index, index + 1) x the slice width of whoever asks.
  struct Slice {
    int64_t index = 0;
    int64_t records = 0;
    friend bool operator==(const Slice&, const Slice&) = default;
  };

  // Newest first, no index twice, no slice empty; slice_count of them are in use.
  std::array<Slice, kMaxSlices> slices = {};
  int32_t slice_count = 0;
  int32_t schema_version = 0;
  // Sum equals that of the slices. All in group 0 where keys do not matter.
  std::array<int64_t, kKeyGroups> key_group_records = {};
  // Of any record, the start of the run if there is none; bounds, where other records of the same
  // offsets went another way.
  Time event_time_min;
  Time event_time_max;
  // How far the clock that stamped the records was ahead of the true time, or behind it: watermarks
  // follow the stamps, everything else the event times themselves.
  Duration clock_skew;

  Time stamp_max() const { return event_time_max + clock_skew; }

  int64_t records() const;
  // Adds records of one slice. When there is no room for another slice, the two nearest neighbours
  // become one, under the index of the one with more records (of the newer one, if equal).
  void AddSlice(int64_t index, int64_t records);

  // Adds those records of `row` with numbers [from, to) that `count(a, b)` finds in [a, b), each
  // with the event time that the row has for it less `lateness`. What lies beyond eight slices
  // falls into the oldest of the newest eight.
  template <class Count>
  void AddRow(const EvenRow& row, int64_t from, int64_t to, Duration lateness, Duration slice_width,
              Count&& count);

  // Takes `count` records out, every slice and key group in proportion to its size (largest
  // remainders), and returns them; what is left and what is returned add up to what was there.
  // The least and the greatest event time become bounds of each part. REQUIRES: 0 <= count <=
  // records().
  BatchProfile TakeOut(int64_t count, Duration slice_width);
  // Adds the records of `other`; their latest stamp stays what it was. REQUIRES: the same schema
  // version, or one of the two is empty.
  void Merge(const BatchProfile& other);

  // Breaks inv.W1 unless the order of slices and the two sums hold.
  void Check() const;

  friend bool operator==(const BatchProfile&, const BatchProfile&) = default;
};

template <class Count>
void BatchProfile::AddRow(const EvenRow& row, int64_t from, int64_t to, Duration lateness,
                          Duration slice_width, Count&& count) {
  if (from >= to) return;
  const auto slice_of = [&](int64_t number) {
    const int64_t nanos = (row.At(number) - lateness).nanos();
    const int64_t width = slice_width.nanos();
    return nanos / width - (nanos % width < 0 ? 1 : 0);
  };
  const bool is_first = slice_count == 0;
  const Time oldest = row.At(from) - lateness;
  const Time newest = row.At(to - 1) - lateness;
  event_time_min = is_first ? oldest : std::min(event_time_min, oldest);
  event_time_max = is_first ? newest : std::max(event_time_max, newest);
  const int64_t newest_slice = slice_of(to - 1);
  const int64_t oldest_slice = std::max(slice_of(from), newest_slice - kMaxSlices + 1);
  int64_t end = to;
  for (int64_t slice = newest_slice; slice > oldest_slice && end > from; --slice) {
    const Time begin = Time() + slice_width * slice + lateness;
    const int64_t first = std::clamp(row.CountBefore(begin), from, end);
    AddSlice(slice, count(first, end));
    end = first;
  }
  AddSlice(oldest_slice, count(from, end));
}

}  // namespace freshet

#endif  // FRESHET_MODELS_WORKLOAD_PROFILE_H_
