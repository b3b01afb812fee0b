#include "sim/backoff.h"

#include "sim/check.h"

namespace freshet {

Backoff::Backoff(const Config& config) : config_(config) {
  SIM_REQUIRE(config.first >= Duration::Zero() && config.factor >= Ratio::One() &&
              config.cap >= Duration::Zero());
  SIM_REQUIRE(config.spread >= Ratio() && config.spread <= Ratio::One());
}

Duration Backoff::Base(int64_t index) const {
  SIM_REQUIRE(index >= 0);
  Duration delay = config_.first;
  // With a cap, no more steps than doubling needs to reach it; a factor of one needs none.
  for (int64_t i = 0; i < index && delay < config_.cap && delay > Duration::Zero(); ++i) {
    if (config_.factor == Ratio::One()) break;
    const __int128 next = static_cast<__int128>(delay.nanos()) * config_.factor.billionths();
    if (next / 1'000'000'000 >= config_.cap.nanos()) return config_.cap;
    delay = config_.factor * delay;
  }
  return delay < config_.cap ? delay : config_.cap;
}

Duration Backoff::Draw(int64_t index, RandomStream& stream) const {
  const Duration base = Base(index);
  switch (config_.jitter) {
    case Jitter::kNone:
      return base;
    case Jitter::kSpread: {
      const Duration spread = config_.spread * base;
      const auto width = static_cast<uint64_t>(spread.nanos()) * 2 + 1;
      return base - spread + Nanoseconds(static_cast<int64_t>(stream.NextBelow(width)));
    }
    case Jitter::kFull:
      return Nanoseconds(
          static_cast<int64_t>(stream.NextBelow(static_cast<uint64_t>(base.nanos()) + 1)));
  }
  return base;
}

}  // namespace freshet
