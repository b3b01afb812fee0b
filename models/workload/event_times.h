// How far the event times of a source lie behind their arrivals: classes with a share each (on
// time, seconds late, the phone that was offline for hours), and a law of the delay within a class.
//
// What is drawn for a batch are runs: stretches of its records, in the order of their offsets, each
// with one delay. A part of the batch has the parts of the runs that lie in it, so parts add up
// exactly.
#ifndef FRESHET_MODELS_WORKLOAD_EVENT_TIMES_H_
#define FRESHET_MODELS_WORKLOAD_EVENT_TIMES_H_

#include <array>
#include <cstdint>
#include <vector>

#include "sim/random.h"
#include "sim/sampler.h"
#include "sim/time.h"
#include "sim/units.h"

namespace freshet {

// Instants of `count` records, evenly spaced from `low` to `high`, both taken.
struct EvenRow {
  Time low;
  Time high;
  int64_t count = 1;

  // REQUIRES: 0 <= index < count.
  Time At(int64_t index) const {
    if (count == 1) return low;
    return low + Nanoseconds(MulDivFloor((high - low).nanos(), index, count - 1));
  }
  // How many of the records come before `at`.
  int64_t CountBefore(Time at) const {
    if (at <= low) return 0;
    if (at > high) return count;
    if (count == 1) return 1;
    return MulDivCeil((at - low).nanos(), count - 1, (high - low).nanos());
  }
};

struct LatenessRuns {
  static constexpr int kMost = 8;
  struct Run {
    int64_t end = 0;  // The records from the run before up to this number,
    Duration delay;   // all of them so late.
    friend bool operator==(const Run&, const Run&) = default;
  };
  std::array<Run, kMost> runs = {};
  int count = 0;

  const Run* begin() const { return runs.data(); }
  const Run* end() const { return runs.data() + count; }
};

class EventTimes {
 public:
  struct Class {
    double share = 0;
    Sampler delay;  // Nanoseconds.
  };

  // REQUIRES: not empty, at most LatenessRuns::kMost classes, shares >= 0 and not all 0.
  explicit EventTimes(std::vector<Class> classes);

  // The runs of `count` records: one for each class that has any of them, the last class first, so
  // that the newest records are of the first class.
  LatenessRuns Draw(int64_t count, RandomStream& stream) const;

 private:
  std::vector<Class> classes_;
  std::vector<double> shares_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_WORKLOAD_EVENT_TIMES_H_
