#include "models/broker/sampled_rate.h"

#include <algorithm>

#include "sim/check.h"

namespace freshet {
namespace {

constexpr int64_t kNanosPerMilli = 1'000'000;

int64_t MillisOf(Time time) { return time.SinceStart().nanos() / kNanosPerMilli; }

}  // namespace

Duration SampledRate::Measure::ThrottleFor(int64_t per_second) const {
  SIM_REQUIRE(per_second > 0);
  // W x (O - T) / T = total / T - W.
  const __int128 too_much = static_cast<__int128>(total) * 1'000 -
                            static_cast<__int128>(per_second) * (over.nanos() / kNanosPerMilli);
  if (too_much <= 0) return Duration::Zero();
  const __int128 millis = (2 * too_much + per_second) / (2 * static_cast<__int128>(per_second));
  constexpr int64_t kMost = Duration::Max().nanos() / kNanosPerMilli / 2;
  return Milliseconds(static_cast<int64_t>(std::min<__int128>(millis, kMost)));
}

void SampledRate::Record(const Config& config, int64_t value, Time now) {
  const int64_t now_ms = MillisOf(now);
  if (samples_.empty()) {
    samples_.push_back({now_ms, now_ms, 0});
  } else if (now_ms - samples_[current_].begun_ms >= config.window.nanos() / kNanosPerMilli) {
    current_ = (current_ + 1) % (static_cast<size_t>(config.samples) + 1);
    if (current_ == samples_.size()) samples_.emplace_back();
    samples_[current_] = {now_ms, now_ms, 0};
  }
  samples_[current_].total += value;
  samples_[current_].last_ms = now_ms;
}

void SampledRate::Forget(const Config& config, int64_t now_ms) {
  const int64_t too_old = config.samples * (config.window.nanos() / kNanosPerMilli);
  for (Sample& sample : samples_) {
    if (now_ms - sample.last_ms >= too_old) sample = {now_ms, now_ms, 0};
  }
}

SampledRate::Measure SampledRate::At(const Config& config, Time now) {
  const int64_t now_ms = MillisOf(now);
  const int64_t window_ms = config.window.nanos() / kNanosPerMilli;
  Forget(config, now_ms);
  Measure measure;
  int64_t oldest_ms = now_ms;
  for (const Sample& sample : samples_) {
    measure.total += sample.total;
    oldest_ms = std::min(oldest_ms, sample.begun_ms);
  }
  int64_t over_ms = now_ms - oldest_ms;
  const int64_t missing = config.samples - 1 - over_ms / window_ms;
  if (missing > 0) over_ms += missing * window_ms;
  // With a single sample that has just begun.
  measure.over = Milliseconds(over_ms == 0 ? window_ms : over_ms);
  return measure;
}

}  // namespace freshet
