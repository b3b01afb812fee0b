#include "results/metric_window.h"

#include <algorithm>
#include <utility>

#include "sim/check.h"
#include "sim/histogram.h"

namespace freshet {

const char* NameOf(Window window) {
  switch (window) {
    case Window::kAfterWarmUp:
      return "after_warm_up";
    case Window::kWholeRun:
      return "whole_run";
    case Window::kWarmUp:
      return "warm_up";
    case Window::kBeforeFaults:
      return "before_faults";
    case Window::kDuringFaults:
      return "during_faults";
    case Window::kAfterFaults:
      return "after_faults";
  }
  return "";
}

Window WindowOf(Objective::When when) {
  switch (when) {
    case Objective::WHOLE_RUN:
      return Window::kWholeRun;
    case Objective::BEFORE_FAULTS:
      return Window::kBeforeFaults;
    case Objective::DURING_FAULTS:
      return Window::kDuringFaults;
    case Objective::AFTER_FAULTS:
      return Window::kAfterFaults;
    default:
      return Window::kAfterWarmUp;
  }
}

bool Covers(Window window, MetricPhase::Phase phase) {
  switch (window) {
    case Window::kAfterWarmUp:
      return phase != MetricPhase::WARM_UP;
    case Window::kWholeRun:
      return true;
    case Window::kWarmUp:
      return phase == MetricPhase::WARM_UP;
    case Window::kBeforeFaults:
      return phase == MetricPhase::BEFORE_FAULTS;
    case Window::kDuringFaults:
      return phase == MetricPhase::DURING_FAULTS;
    case Window::kAfterFaults:
      return phase == MetricPhase::AFTER_FAULTS;
  }
  return false;
}

int64_t LengthOf(const MetricTable& table, Window window) {
  int64_t nanos = 0;
  for (const PhaseSpan& span : table.span()) {
    if (Covers(window, span.phase())) nanos += span.until_ns() - span.from_ns();
  }
  return nanos;
}

std::vector<PhaseSpan> SpansOf(const MetricTable& table, Window window) {
  std::vector<PhaseSpan> spans;
  for (const PhaseSpan& span : table.span()) {
    if (Covers(window, span.phase()) && span.until_ns() > span.from_ns()) spans.push_back(span);
  }
  return spans;
}

WideInteger ToMessage(Wide value) {
  WideInteger message;
  message.set_high(static_cast<int64_t>(value >> 64));
  message.set_low(static_cast<uint64_t>(value));
  return message;
}

Wide FromMessage(const WideInteger& message) {
  return static_cast<Wide>(message.high()) * (static_cast<Wide>(1) << 64) +
         static_cast<Wide>(message.low());
}

MetricWindow::MetricWindow(const MetricRow& row, Window window) : kind_(row.kind()) {
  for (const MetricPhase& phase : row.phase()) {
    if (Covers(window, phase.phase())) Merge(phase);
  }
}

void MetricWindow::Merge(const MetricPhase& phase) {
  total_ += phase.total();
  sum_ += FromMessage(phase.sum());
  max_ = HasValue() ? std::max(max_, phase.max()) : phase.max();
  nanos_ += phase.nanos();
  if (phase.count() == 0) return;
  min_ = count_ == 0 ? phase.min() : std::min(min_, phase.min());
  count_ += phase.count();
  std::vector<std::pair<int32_t, int64_t>> merged;
  merged.reserve(buckets_.size() + static_cast<size_t>(phase.bucket_size()));
  size_t ours = 0;
  int theirs = 0;
  while (ours < buckets_.size() || theirs < phase.bucket_size()) {
    if (theirs == phase.bucket_size() ||
        (ours < buckets_.size() && buckets_[ours].first < phase.bucket(theirs).bucket())) {
      merged.push_back(buckets_[ours++]);
    } else if (ours == buckets_.size() || phase.bucket(theirs).bucket() < buckets_[ours].first) {
      merged.emplace_back(phase.bucket(theirs).bucket(), phase.bucket(theirs).count());
      ++theirs;
    } else {
      merged.emplace_back(buckets_[ours].first,
                          buckets_[ours].second + phase.bucket(theirs).count());
      ++ours;
      ++theirs;
    }
  }
  buckets_ = std::move(merged);
}

bool MetricWindow::HasValue() const {
  switch (kind_) {
    case MetricRow::GAUGE:
      return nanos_ > 0;
    case MetricRow::DISTRIBUTION:
      return count_ > 0;
    default:
      return true;
  }
}

void MetricWindow::ExactMean(Wide* numerator, Wide* denominator) const {
  const int64_t weight = kind_ == MetricRow::GAUGE ? nanos_ : count_;
  *numerator = sum_;
  *denominator = weight == 0 ? 1 : weight;
}

double MetricWindow::Mean() const {
  Wide numerator = 0, denominator = 1;
  ExactMean(&numerator, &denominator);
  return static_cast<double>(numerator) / static_cast<double>(denominator);
}

int64_t MetricWindow::Quantile(int64_t numerator, int64_t denominator) const {
  SIM_REQUIRE(0 <= numerator && numerator <= denominator && denominator > 0);
  if (count_ == 0) return 0;
  const Wide scaled = static_cast<Wide>(numerator) * count_;
  const auto rank =
      std::max<int64_t>(1, static_cast<int64_t>((scaled + denominator - 1) / denominator));
  int64_t seen = 0;
  for (const auto& [bucket, count] : buckets_) {
    seen += count;
    if (seen < rank) continue;
    const int64_t low = Histogram::LowestOf(bucket);
    const int64_t middle = low + (Histogram::HighestOf(bucket) - low) / 2;
    return std::clamp(middle, min_, max_);
  }
  return max_;
}

bool MetricWindow::Converged(int64_t numerator, int64_t denominator) const {
  const int64_t tail = std::min(numerator, denominator - numerator);
  return static_cast<Wide>(tail) * count_ >= static_cast<Wide>(kSamplesBeyond) * denominator;
}

bool ParsePercentile(const std::string& text, Percentile* percentile) {
  int64_t number = 0;
  int64_t scale = 1;
  bool point = false;
  int digits = 0;
  for (const char c : text) {
    if (c == '.' && !point && digits > 0) {
      point = true;
      continue;
    }
    if (c < '0' || c > '9' || (point && scale == 1'000'000'000) || number > 1000'000'000'000) {
      return false;
    }
    number = number * 10 + (c - '0');
    if (point) scale *= 10;
    ++digits;
  }
  if (digits == 0 || text.back() == '.' || number > 100 * scale) return false;
  *percentile = {number, 100 * scale};
  return true;
}

}  // namespace freshet
