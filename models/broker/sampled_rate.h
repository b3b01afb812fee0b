// The rate that a Kafka quota is held against: what was recorded in the last samples, over the time
// that they cover (SampledStat and Rate of its metrics).
//
// A sample begins with a record, not by the clock, and is over after a window; then the next record
// begins another one. Samples whose last record is `samples` windows old are forgotten. The divisor
// is the time since the oldest sample began; where that is less than `samples` - 1 whole windows,
// those that are missing count as if nothing had happened in them. So a quiet client may exceed its
// quota for a while, and one that begins may take ten windows' worth at once.
//
// Times are Kafka's: whole milliseconds.
#ifndef FRESHET_MODELS_BROKER_SAMPLED_RATE_H_
#define FRESHET_MODELS_BROKER_SAMPLED_RATE_H_

#include <cstdint>
#include <vector>

#include "sim/time.h"

namespace freshet {

class SampledRate {
 public:
  struct Config {
    int64_t samples = 11;          // quota.window.num
    Duration window = Seconds(1);  // quota.window.size.seconds
  };
  struct Measure {
    int64_t total = 0;
    Duration over;

    // How long nothing may be added until the rate is `per_second`: (O - T) / T x W with the rate
    // O, T = `per_second` and W = `over`, in whole milliseconds, half a one up; zero if O <= T.
    // REQUIRES: per_second > 0.
    Duration ThrottleFor(int64_t per_second) const;
  };

  // A negative value takes back what was recorded. REQUIRES: `now` never goes back.
  void Record(const Config& config, int64_t value, Time now);
  Measure At(const Config& config, Time now);

 private:
  struct Sample {
    int64_t begun_ms = 0;
    int64_t last_ms = 0;
    int64_t total = 0;
  };
  void Forget(const Config& config, int64_t now_ms);

  std::vector<Sample> samples_;  // One more than `samples`: the oldest overlaps the window's start.
  size_t current_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_BROKER_SAMPLED_RATE_H_
