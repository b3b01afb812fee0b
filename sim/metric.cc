#include "sim/metric.h"

#include <algorithm>
#include <limits>

#include "sim/check.h"

namespace freshet {

void Series::Advance(Time at) {
  while (at.nanos() / width_.nanos() >= static_cast<int64_t>(kMostBuckets)) {
    // Halve the resolution: neighbours merge, maxima are kept.
    if (buckets_.size() % 2 == 1) buckets_.emplace_back();
    for (size_t i = 0; i < buckets_.size() / 2; ++i) {
      SeriesBucket merged = buckets_[2 * i];
      const SeriesBucket& second = buckets_[2 * i + 1];
      merged.count += second.count;
      merged.sum += second.sum;
      merged.max = std::max(merged.max, second.max);
      buckets_[i] = merged;
    }
    buckets_.resize(buckets_.size() / 2);
    width_ = width_ * 2;
  }
  const auto index = static_cast<size_t>(at.nanos() / width_.nanos());
  if (buckets_.size() <= index) buckets_.resize(index + 1);
  current_end_ = static_cast<int64_t>(index + 1) * width_.nanos();
}

void Counter::HandOver() const {
  by_phase_[static_cast<size_t>(clock_->phase)] += kept_back_;
  if (bucket_ != nullptr) {
    bucket_->count += kept_count_;
    bucket_->sum += kept_back_;
    bucket_->max = std::max(bucket_->max, kept_max_);
  }
  kept_back_ = kept_max_ = kept_count_ = 0;
}

void Counter::Settle() {
  HandOver();
  bucket_ = nullptr;
  keep_until_ = 0;
}

void Counter::EnterBucket() {
  Settle();
  if (clock_->series) {
    bucket_ = &series_.BucketAt(clock_->now);
    keep_until_ = series_.CurrentEnd().nanos();
  } else {
    keep_until_ = std::numeric_limits<int64_t>::max();
  }
}

void Gauge::HandOver() const {
  PhaseStats& stats = by_phase_[static_cast<size_t>(clock_->phase)];
  stats.integral += kept_back_;
  stats.nanos += (settled_at_ - kept_since_).nanos();
  stats.max = std::max(stats.max, kept_max_);
  bucket_->sum += kept_back_;
  bucket_->max = std::max(bucket_->max, kept_max_);
  kept_back_ = 0;
  kept_since_ = settled_at_;
}

void Gauge::Settle() {
  HandOver();
  const int64_t span = (clock_->now - settled_at_).nanos();
  if (span != 0) {
    PhaseStats& stats = by_phase_[static_cast<size_t>(clock_->phase)];
    stats.integral += static_cast<__int128>(level_) * span;
    stats.nanos += span;
    stats.max = std::max(stats.max, level_);
    if (clock_->series) ShareAmongBuckets();
    settled_at_ = clock_->now;
    kept_since_ = settled_at_;
  }
  kept_max_ = 0;
  bucket_ = &unread_;
  bucket_end_ = 0;
}

void Gauge::EnterBucket() {
  Settle();
  if (clock_->series) {
    bucket_ = &series_.BucketAt(clock_->now);
    bucket_end_ = series_.CurrentEnd().nanos();
  } else {
    bucket_end_ = std::numeric_limits<int64_t>::max();
  }
}

void Gauge::ShareAmongBuckets() {
  for (Time from = settled_at_; from < clock_->now;) {
    SeriesBucket& bucket = series_.BucketAt(from);
    const Time until = std::min(clock_->now, series_.CurrentEnd());
    bucket.sum += static_cast<__int128>(level_) * (until - from).nanos();
    if (level_ > bucket.max) bucket.max = level_;
    from = until;
  }
}

Histogram& Distribution::InThisPhase() const {
  std::unique_ptr<Histogram>& histogram = by_phase_[static_cast<size_t>(clock_->phase)];
  if (histogram == nullptr) histogram = std::make_unique<Histogram>();
  return *histogram;
}

void Distribution::HandOver() const {
  if (kept_back_ == 0) return;
  InThisPhase().Record(last_, kept_back_);
  if (bucket_ != nullptr) {
    bucket_->count += kept_back_;
    bucket_->sum += static_cast<__int128>(last_) * kept_back_;
  }
  count_ += kept_back_;
  kept_back_ = 0;
}

// Makes bucket_ and keep_until_ those of now. REQUIRES: nothing is kept back for another bucket.
inline void Distribution::EnterBucket() {
  if (clock_->now.nanos() < keep_until_) return;
  HandOver();
  if (clock_->series) {
    bucket_ = &series_.BucketAt(clock_->now);
    keep_until_ = series_.CurrentEnd().nanos();
  } else {
    bucket_ = nullptr;
    keep_until_ = std::numeric_limits<int64_t>::max();
  }
}

void Distribution::RecordApart(int64_t value, int64_t weight) {
  SIM_REQUIRE((value | weight) >= 0);
  EnterBucket();
  HandOver();
  last_ = value;
  InThisPhase().Record(value, weight);
  count_ += weight;
  if (bucket_ == nullptr) return;
  bucket_->count += weight;
  bucket_->sum += static_cast<__int128>(value) * weight;
  if (value > bucket_->max) bucket_->max = value;
}

__int128 Distribution::RecordEvenly(int64_t low, int64_t high, int64_t weight) {
  if (weight == 0) return 0;
  EnterBucket();
  const __int128 sum = InThisPhase().RecordEvenly(low, high, weight);
  count_ += weight;
  if (bucket_ == nullptr) return sum;
  bucket_->count += weight;
  bucket_->sum += sum;
  if (high > bucket_->max) bucket_->max = high;
  return sum;
}

Histogram Distribution::AfterWarmUp() const {
  HandOver();
  Histogram merged;
  for (int phase = 1; phase < kPhaseCount; ++phase) {
    if (by_phase_[phase] != nullptr) merged.Merge(*by_phase_[phase]);
  }
  return merged;
}

template <typename MetricType>
MetricType& MetricRegistry::Add(MetricKind kind, const MetricDef& def, ComponentId owner) {
  SIM_REQUIRE(def.kind == kind && Find(def.name, owner) == nullptr);
  auto metric = std::make_unique<MetricType>(def, owner, clock_);
  MetricType& added = *metric;
  metrics_.push_back(std::move(metric));
  if (by_owner_.size() <= owner) by_owner_.resize(size_t{owner} + 1);
  by_owner_[owner].push_back(&added);
  return added;
}

Counter& MetricRegistry::AddCounter(const MetricDef& def, ComponentId owner) {
  return Add<Counter>(MetricKind::kCounter, def, owner);
}

Gauge& MetricRegistry::AddGauge(const MetricDef& def, ComponentId owner) {
  return Add<Gauge>(MetricKind::kGauge, def, owner);
}

Distribution& MetricRegistry::AddDistribution(const MetricDef& def, ComponentId owner) {
  return Add<Distribution>(MetricKind::kDistribution, def, owner);
}

const Metric* MetricRegistry::Find(absl::string_view name, ComponentId owner) const {
  if (owner >= by_owner_.size()) return nullptr;
  for (const Metric* metric : by_owner_[owner]) {
    if (name == metric->def().name) return metric;
  }
  return nullptr;
}

void MetricRegistry::Watch(const Metric& metric, Duration period, Duration memory) {
  SIM_REQUIRE(period > Duration::Zero());
  for (WatchedMetric& watch : watched_) {
    if (watch.metric != &metric) continue;
    watch.period = std::min(watch.period, period);
    watch.memory = std::max(watch.memory, memory);
    return;
  }
  watched_.push_back({&metric, period, memory, clock_->now, {}});
}

void MetricRegistry::ScrapeAt(Time now) {
  for (WatchedMetric& watch : watched_) {
    if (now < watch.next) continue;
    watch.scrapes.push_back({now, watch.metric->Value()});
    watch.next += watch.period * ((now - watch.next) / watch.period + 1);
    // The oldest that may still be asked for stays: the first one beyond `memory`.
    while (watch.scrapes.size() > 1 && now - watch.scrapes[1].at > watch.memory) {
      watch.scrapes.pop_front();
    }
  }
}

int64_t MetricRegistry::ReadAtAge(const Metric& metric, Duration age, int64_t fallback) const {
  for (const WatchedMetric& watch : watched_) {
    if (watch.metric != &metric) continue;
    SIM_REQUIRE(age <= watch.memory);
    for (auto scrape = watch.scrapes.rbegin(); scrape != watch.scrapes.rend(); ++scrape) {
      if (clock_->now - scrape->at >= age) return scrape->value;
    }
    return fallback;
  }
  BreakInvariant("contract", "metric is watched", "metric.cc", __LINE__, metric.def().name);
}

Duration MetricRegistry::ScrapePeriod() const {
  Duration shortest = Duration::Zero();
  for (const WatchedMetric& watch : watched_) {
    if (shortest == Duration::Zero() || watch.period < shortest) shortest = watch.period;
  }
  return shortest;
}

}  // namespace freshet
