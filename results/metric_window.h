// One metric of a finished run over one window: its phases merged, its statistics read.
#ifndef FRESHET_RESULTS_METRIC_WINDOW_H_
#define FRESHET_RESULTS_METRIC_WINDOW_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "results/objective.pb.h"
#include "results/record.pb.h"

namespace freshet {

__extension__ using Wide = __int128;

enum class Window {
  kAfterWarmUp,  // All but the warm-up: what a headline means.
  kWholeRun,
  kWarmUp,
  kBeforeFaults,
  kDuringFaults,
  kAfterFaults,
};

// "after_warm_up": in files. Words for people come from it.
const char* NameOf(Window window);
Window WindowOf(Objective::When when);
bool Covers(Window window, MetricPhase::Phase phase);

// How much simulated time the window has, and the time itself in order.
int64_t LengthOf(const MetricTable& table, Window window);
std::vector<PhaseSpan> SpansOf(const MetricTable& table, Window window);

WideInteger ToMessage(Wide value);
Wide FromMessage(const WideInteger& message);

class MetricWindow {
 public:
  MetricWindow(const MetricRow& row, Window window);

  int64_t total() const { return total_; }  // Of a counter.
  int64_t count() const { return count_; }  // Of a distribution.
  int64_t min() const { return min_; }
  int64_t max() const { return max_; }
  // A distribution's mean, a gauge's average over time. 0 when there is nothing.
  double Mean() const;
  // The same, unrounded; the denominator is positive.
  void ExactMean(Wide* numerator, Wide* denominator) const;
  // Whether Mean() and max() say anything.
  bool HasValue() const;

  // The value at rank ceil(numerator / denominator * count): the midpoint of its bucket, within
  // Histogram::kRelativeError. As Histogram::Quantile() of the merged phases. 0 when empty.
  // REQUIRES: a distribution; 0 <= numerator <= denominator, denominator > 0.
  int64_t Quantile(int64_t numerator, int64_t denominator) const;
  // Whether a quantile may be told: kSamplesBeyond samples lie on either side of it
  // (10 000 samples for p1 and p99, 100 000 for p99.9).
  bool Converged(int64_t numerator, int64_t denominator) const;
  static constexpr int64_t kSamplesBeyond = 100;

 private:
  void Merge(const MetricPhase& phase);

  MetricRow::Kind kind_;
  int64_t total_ = 0;
  Wide sum_ = 0;
  int64_t nanos_ = 0;
  int64_t count_ = 0;
  int64_t min_ = 0;
  int64_t max_ = 0;
  std::vector<std::pair<int32_t, int64_t>> buckets_;
};

// A quantile as an exact fraction: p99.9 is 999 / 1000.
struct Percentile {
  int64_t numerator;
  int64_t denominator;
};
// Reads "99", "99.9", "0.5": at most nine decimals, between 0 and 100. False when it is not one.
bool ParsePercentile(const std::string& text, Percentile* percentile);

}  // namespace freshet

#endif  // FRESHET_RESULTS_METRIC_WINDOW_H_
