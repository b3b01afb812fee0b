// How long a client waits before it tries again: exponential, with a cap, a limit on retries, and
// jitter of the two usual kinds.
#ifndef FRESHET_SIM_BACKOFF_H_
#define FRESHET_SIM_BACKOFF_H_

#include <cstdint>

#include "sim/random.h"
#include "sim/time.h"
#include "sim/units.h"

namespace freshet {

class Backoff {
 public:
  enum class Jitter : uint8_t {
    kNone,
    kSpread,  // delay x (1 +- spread), evenly: Kafka's clients, with spread 0.2.
    kFull,    // Evenly on [0, delay]: AWS's clients.
  };

  struct Config {
    Duration first;
    Ratio factor = Ratio::Whole(2);
    Duration cap = Duration::Max();
    int64_t most_retries = INT64_MAX;
    Jitter jitter = Jitter::kNone;
    Ratio spread;  // Of kSpread.
  };

  // REQUIRES: first >= 0, factor >= 1, 0 <= spread <= 1.
  explicit Backoff(const Config& config);

  // Whether a try may follow after `retries` retries have failed too.
  bool MayRetry(int64_t retries) const { return retries < config_.most_retries; }
  // The wait before retry `index` (0 is the first), without jitter: first x factor^index, at most
  // the cap.
  Duration Base(int64_t index) const;
  // The same with jitter: one uniform from `stream` if there is jitter, else none.
  Duration Draw(int64_t index, RandomStream& stream) const;

 private:
  const Config config_;
};

}  // namespace freshet

#endif  // FRESHET_SIM_BACKOFF_H_
