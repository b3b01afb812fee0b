// What a batch knows of its records beyond their number and bytes: a small integer histogram, drawn
// once at creation. Operators work on it, so counts stay exact whole numbers; what lies below a
// slice or a key group is approximated (docs/models/workload.md).
//
// A plain value; the client keeps it in a pool and names it by index.
#ifndef FRESHET_MODELS_WORKLOAD_PROFILE_H_
#define FRESHET_MODELS_WORKLOAD_PROFILE_H_

#include <array>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "sim/random.h"
#include "sim/sampler.h"
#include "sim/time.h"

namespace freshet {

struct BatchProfile {
  static constexpr int kMaxSlices = 8;
  static constexpr int kKeyGroups = 8;

  // Records whose event time lies in [index, index + 1) x the topic's slice width.
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
  Time event_time_max;  // Of any record; the start of the run if there is none.

  int64_t records() const;
  // Adds records of one slice. When there is no room for another slice, the two nearest neighbours
  // become one, under the index of the one with more records (of the newer one, if equal).
  void AddSlice(int64_t index, int64_t records);

  // Takes `count` records out, every slice and key group in proportion to its size (largest
  // remainders), and returns them; what is left and what is returned add up to what was there.
  // `event_time_max` becomes a bound of each part. REQUIRES: 0 <= count <= records().
  BatchProfile TakeOut(int64_t count, Duration slice_width);
  // Adds the records of `other`. REQUIRES: the same schema version, or one of the two is empty.
  void Merge(const BatchProfile& other);

  // Breaks inv.W1 unless the order of slices and the two sums hold.
  void Check() const;

  friend bool operator==(const BatchProfile&, const BatchProfile&) = default;
};

// How far the event times of a source lie behind their arrivals: classes with a share each (on
// time, seconds late, the phone that was offline for hours), and a law of the delay within the
// class.
class EventTimes {
 public:
  struct Class {
    double share = 0;
    Sampler delay;  // Nanoseconds.
  };

  // REQUIRES: not empty, at most kMaxSlices classes, shares >= 0 and not all 0.
  explicit EventTimes(std::vector<Class> classes, Duration slice_width);

  // The profile of `count` records that arrive evenly in [first, last]. Records of one class in one
  // batch share one delay. Event times before the run began are legal (negative slices).
  // `key_groups` are shares, at most kKeyGroups of them; empty: all in group 0.
  BatchProfile Draw(int64_t count, Time first, Time last, absl::Span<const double> key_groups,
                    int32_t schema_version, RandomStream& stream) const;

  Duration slice_width() const { return slice_width_; }

 private:
  std::vector<Class> classes_;
  std::vector<double> shares_;
  Duration slice_width_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_WORKLOAD_PROFILE_H_
