// Metrics: what a component says about itself, defined beside the code that records it.
//
//   static constexpr MetricDef kPutLatency = {"object_store.put_latency",
//   MetricKind::kDistribution,
//                                             MetricUnit::kDuration, "From Put() to its last
//                                             byte."};
//   Distribution& put_latency_ = AddDistribution(kPutLatency);   // in a Component
//
// Three kinds. A Counter only grows. A Gauge is a level, weighted by the time it held. A
// Distribution is a histogram of integers (histogram.h), apart for each phase of the run (warm-up,
// before, during and after faults), so that an objective's window is exact. Each keeps a series
// over simulated time with a bounded number of buckets: when they are full, resolution halves and
// maxima are kept.
//
// Everything is integer and order-independent, so results merge over seeds in any order.
#ifndef FRESHET_SIM_METRIC_H_
#define FRESHET_SIM_METRIC_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "sim/histogram.h"
#include "sim/time.h"

namespace freshet {

using ComponentId = uint32_t;

enum class MetricKind : uint8_t { kCounter, kGauge, kDistribution };

// What the integer of a metric counts.
enum class MetricUnit : uint8_t { kCount, kBytes, kDuration, kRatioBillionths };

// Whether providers ask money for the quantity: a bill names it even when it has no price.
enum class Billable : uint8_t { kNo, kYes };

struct MetricDef {
  const char* name;  // "broker.produce_latency": snake_case, the owner's kind first.
  MetricKind kind;
  MetricUnit unit;
  const char* help;  // One sentence, from what to what.
  Billable billable = Billable::kNo;
};

// The parts of a run that objectives name. A plan gives their boundaries before the run starts.
enum class Phase : uint8_t { kWarmUp, kBeforeFaults, kDuringFaults, kAfterFaults };
inline constexpr int kPhaseCount = 4;

// A run's clock as metrics see it; Simulation keeps it up to date.
struct MetricClock {
  Time now;
  Phase phase = Phase::kBeforeFaults;
  bool series =
      true;  // Off when recording is off: series are for people, results do not need them.
};

// A bounded series over simulated time.
struct SeriesBucket {
  int64_t count = 0;  // Samples (distribution), increments (counter); unused by gauges.
  __int128 sum = 0;   // Of values; for a gauge the integral of level x nanoseconds.
  int64_t max = 0;
  friend bool operator==(const SeriesBucket&, const SeriesBucket&) = default;
};

class Series {
 public:
  static constexpr size_t kMostBuckets = 512;  // An even number: they merge in pairs.
  static constexpr Duration kFirstWidth = Milliseconds(100);

  // The bucket of `at`. REQUIRES: `at` is not before an earlier call's.
  SeriesBucket& BucketAt(Time at) {
    if (at.nanos() >= current_end_) Advance(at);
    return buckets_.back();
  }
  Duration width() const { return width_; }
  // Bucket i covers [i * width, (i + 1) * width); the last may be partly in the future.
  const std::vector<SeriesBucket>& buckets() const { return buckets_; }
  // End of the bucket that BucketAt() last returned.
  Time CurrentEnd() const { return Time::FromNanos(current_end_); }

 private:
  void Advance(Time at);

  Duration width_ = kFirstWidth;
  int64_t current_end_ = 0;
  std::vector<SeriesBucket> buckets_;
};

class Metric {
 public:
  Metric(const MetricDef& def, ComponentId owner, const MetricClock* clock)
      : def_(&def), owner_(owner), clock_(clock) {
    // One cache line is all that a change of a gauge or a repeated value touches.
    static_assert(sizeof(Metric) == 64 + sizeof(void*));
  }
  virtual ~Metric() = default;
  Metric(const Metric&) = delete;
  Metric& operator=(const Metric&) = delete;

  const MetricDef& def() const { return *def_; }
  ComponentId owner() const { return owner_; }
  virtual const Series& series() const { return series_; }
  // The level a policy would scrape: a counter's total, a gauge's level, a distribution's count.
  virtual int64_t Value() const = 0;
  // Gives phase and series what is theirs. Whoever changes the clock's phase or its `series` calls
  // it first.
  virtual void Settle() = 0;

 protected:
  const MetricDef* def_;
  ComponentId owner_;
  Series series_;
  const MetricClock* clock_;  // Last, beside what the kinds below change at each call.
};

class alignas(64) Counter final : public Metric {
 public:
  using Metric::Metric;
  void Add(int64_t amount) {
    if (__builtin_expect(clock_->now.nanos() >= keep_until_, 0)) EnterBucket();
    kept_back_ += amount;
    kept_max_ = std::max(kept_max_, amount);
    ++kept_count_;
  }
  int64_t Value() const override {
    return std::accumulate(by_phase_.begin(), by_phase_.end(), kept_back_);
  }
  int64_t InPhase(Phase phase) const {
    HandOver();
    return by_phase_[static_cast<size_t>(phase)];
  }
  const Series& series() const override {
    HandOver();
    return series_;
  }
  void Settle() override;

 private:
  void HandOver() const;
  void EnterBucket();

  // What phase and bucket have still to be given, kept back so that a change touches little;
  // whoever reads sees to it first. Until `keep_until_` they are the same.
  int64_t keep_until_ = 0;
  mutable int64_t kept_back_ = 0;
  mutable int64_t kept_max_ = 0;
  mutable int64_t kept_count_ = 0;
  SeriesBucket* bucket_ = nullptr;  // Null without a series.
  mutable std::array<int64_t, kPhaseCount> by_phase_ = {};
};

class alignas(64) Gauge final : public Metric {
 public:
  using Metric::Metric;
  void Set(int64_t level) {
    const Time now = clock_->now;
    if (__builtin_expect(now.nanos() >= bucket_end_, 0)) {
      EnterBucket();
    } else if (now != settled_at_) {
      kept_back_ += static_cast<__int128>(level_) * (now.nanos() - settled_at_.nanos());
      settled_at_ = now;
    }
    level_ = level;
    if (level > kept_max_) kept_max_ = level;
  }
  void Add(int64_t change) { Set(level_ + change); }

  struct PhaseStats {
    __int128 integral = 0;  // level x nanoseconds
    int64_t nanos = 0;
    int64_t max = 0;
  };
  // Brings the integral up to now, too: readers of InPhase() call it first.
  void Settle() override;
  int64_t Value() const override { return level_; }
  const PhaseStats& InPhase(Phase phase) const {
    HandOver();
    return by_phase_[static_cast<size_t>(phase)];
  }
  const Series& series() const override {
    HandOver();
    return series_;
  }

 private:
  void HandOver() const;
  void EnterBucket();
  void ShareAmongBuckets();

  int64_t level_ = 0;
  Time settled_at_;
  // The end of the bucket of the series in which settled_at_ lies, before which a change of level
  // needs no search; 0 when that is to be found.
  int64_t bucket_end_ = 0;
  // What phase and bucket have still to be given, kept back so that a change of level touches
  // little; whoever reads sees to it first.
  mutable __int128 kept_back_ = 0;
  int64_t kept_max_ = 0;
  mutable Time kept_since_;
  SeriesBucket* bucket_ = &unread_;  // That one; without a series one that nobody reads.
  mutable std::array<PhaseStats, kPhaseCount> by_phase_ = {};
  SeriesBucket unread_;
};

class alignas(64) Distribution final : public Metric {
 public:
  using Metric::Metric;
  // `weight` records had this value: a batch is recorded once. REQUIRES: value >= 0, weight >= 0.
  void Record(int64_t value, int64_t weight = 1) {
    if (value == last_ && weight >= 0 && clock_->now.nanos() < keep_until_) {
      kept_back_ += weight;
    } else {
      RecordApart(value, weight);
    }
  }
  void Record(Duration value, int64_t weight = 1) { Record(value.nanos(), weight); }
  // `weight` records had values spread evenly over [low, high]: the records of a batch. Exact in
  // count, sum and maximum; quantiles as if they were equally spaced.
  // Returns their exact sum.
  __int128 RecordEvenly(int64_t low, int64_t high, int64_t weight);

  int64_t Value() const override { return count_ + kept_back_; }
  const Series& series() const override {
    HandOver();
    return series_;
  }
  // Null when nothing was recorded in that phase.
  const Histogram* InPhase(Phase phase) const {
    HandOver();
    return by_phase_[static_cast<size_t>(phase)].get();
  }
  // All phases but the warm-up, merged.
  Histogram AfterWarmUp() const;
  void Settle() override {
    HandOver();
    keep_until_ = 0;
  }

 private:
  void RecordApart(int64_t value, int64_t weight);
  void HandOver() const;
  Histogram& InThisPhase() const;
  void EnterBucket();

  // Values that are the same as the one before, as a wait of nothing often is, are only counted;
  // whoever reads sees to them first. Until `keep_until_` they belong to the phase and to the
  // bucket, null without a series, of that one.
  int64_t last_ = -1;
  int64_t keep_until_ = 0;
  mutable int64_t kept_back_ = 0;
  mutable int64_t count_ = 0;
  SeriesBucket* bucket_ = nullptr;
  mutable std::array<std::unique_ptr<Histogram>, kPhaseCount> by_phase_;
};

// All metrics of one run, in order of registration. Owned by Simulation.
class MetricRegistry {
 public:
  explicit MetricRegistry(const MetricClock* clock) : clock_(clock) {}

  // REQUIRES: `def` outlives the registry (it is a constant of a class); (name, owner) is new.
  Counter& AddCounter(const MetricDef& def, ComponentId owner);
  Gauge& AddGauge(const MetricDef& def, ComponentId owner);
  Distribution& AddDistribution(const MetricDef& def, ComponentId owner);

  const std::vector<std::unique_ptr<Metric>>& All() const { return metrics_; }
  // Null when there is none.
  const Metric* Find(absl::string_view name, ComponentId owner) const;

  // Starts to remember `metric` every `period`, for ReadAtAge() up to an age of `memory`. A metric
  // has one scraper: watched again, it keeps the shorter period and the longer memory.
  void Watch(const Metric& metric, Duration period, Duration memory);
  // Takes the scrapes that are due now. Simulation calls it on a control-priority event per period.
  void ScrapeAt(Time now);
  // The value at the last scrape that is at least `age` old; `fallback` when there is none yet.
  // REQUIRES: `metric` is watched, `age` is within its memory. A policy thus never sees a value
  // newer than the real scrape.
  int64_t ReadAtAge(const Metric& metric, Duration age, int64_t fallback) const;
  // The shortest watch period, zero when nothing is watched.
  Duration ScrapePeriod() const;

 private:
  struct Scrape {
    Time at;
    int64_t value;
  };
  struct WatchedMetric {
    const Metric* metric;
    Duration period;
    Duration memory;
    Time next;
    std::deque<Scrape> scrapes;
  };

  template <typename MetricType>
  MetricType& Add(MetricKind kind, const MetricDef& def, ComponentId owner);

  const MetricClock* clock_;
  std::vector<std::unique_ptr<Metric>> metrics_;
  std::vector<std::vector<const Metric*>> by_owner_;  // Indexed by ComponentId.
  std::vector<WatchedMetric> watched_;
};

}  // namespace freshet

#endif  // FRESHET_SIM_METRIC_H_
