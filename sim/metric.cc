#include "sim/metric.h"

#include <algorithm>

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

void Gauge::Settle() {
  const Time now = clock_->now;
  if (now == settled_at_) return;
  const int64_t span = (now - settled_at_).nanos();
  PhaseStats& stats = by_phase_[static_cast<size_t>(clock_->phase)];
  stats.integral += static_cast<__int128>(level_) * span;
  stats.nanos += span;
  if (level_ > stats.max) stats.max = level_;
  if (clock_->series) {
    // The level held over the whole span: share it among the buckets that the span crosses.
    Time from = settled_at_;
    while (from < now) {
      SeriesBucket& bucket = series_.BucketAt(from);
      const Time until = std::min(now, series_.CurrentEnd());
      bucket.sum += static_cast<__int128>(level_) * (until - from).nanos();
      if (level_ > bucket.max) bucket.max = level_;
      from = until;
    }
  }
  settled_at_ = now;
}

void Distribution::RecordEvenly(int64_t low, int64_t high, int64_t weight) {
  SIM_REQUIRE(low <= high);
  if (weight <= 0) return;
  std::unique_ptr<Histogram>& histogram = by_phase_[static_cast<size_t>(clock_->phase)];
  if (histogram == nullptr) histogram = std::make_unique<Histogram>();
  histogram->RecordEvenly(low, high, weight);
  count_ += weight;
  if (clock_->series) {
    SeriesBucket& bucket = series_.BucketAt(clock_->now);
    bucket.count += weight;
    bucket.sum += Histogram::EvenSum(low, high, weight);
    if (high > bucket.max) bucket.max = high;
  }
}

Histogram Distribution::AfterWarmUp() const {
  Histogram merged;
  for (int phase = 1; phase < kPhaseCount; ++phase) {
    if (by_phase_[phase] != nullptr) merged.Merge(*by_phase_[phase]);
  }
  return merged;
}

Counter& MetricRegistry::AddCounter(const MetricDef& def, ComponentId owner) {
  SIM_REQUIRE(def.kind == MetricKind::kCounter && Find(def.name, owner) == nullptr);
  auto metric = std::make_unique<Counter>(def, owner, clock_);
  Counter& added = *metric;
  metrics_.push_back(std::move(metric));
  return added;
}

Gauge& MetricRegistry::AddGauge(const MetricDef& def, ComponentId owner) {
  SIM_REQUIRE(def.kind == MetricKind::kGauge && Find(def.name, owner) == nullptr);
  auto metric = std::make_unique<Gauge>(def, owner, clock_);
  Gauge& added = *metric;
  metrics_.push_back(std::move(metric));
  return added;
}

Distribution& MetricRegistry::AddDistribution(const MetricDef& def, ComponentId owner) {
  SIM_REQUIRE(def.kind == MetricKind::kDistribution && Find(def.name, owner) == nullptr);
  auto metric = std::make_unique<Distribution>(def, owner, clock_);
  Distribution& added = *metric;
  metrics_.push_back(std::move(metric));
  return added;
}

const Metric* MetricRegistry::Find(absl::string_view name, ComponentId owner) const {
  for (const auto& metric : metrics_) {
    if (metric->owner() == owner && name == metric->def().name) return metric.get();
  }
  return nullptr;
}

void MetricRegistry::Watch(const Metric& metric, Duration period, Duration memory) {
  SIM_REQUIRE(period > Duration::Zero());
  watched_.push_back({&metric, period, memory, clock_->now, {}});
}

void MetricRegistry::ScrapeAt(Time now) {
  for (WatchedMetric& watch : watched_) {
    if (now < watch.next) continue;
    watch.scrapes.push_back({now, watch.metric->Value()});
    while (watch.next <= now) watch.next += watch.period;
    // The oldest that may still be asked for stays: the first one beyond `memory`.
    while (watch.scrapes.size() > 1 && now - watch.scrapes[1].at > watch.memory) {
      watch.scrapes.pop_front();
    }
  }
}

int64_t MetricRegistry::ReadAtAge(const Metric& metric, Duration age, int64_t fallback) const {
  for (const WatchedMetric& watch : watched_) {
    if (watch.metric != &metric) continue;
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
