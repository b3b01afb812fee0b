// The limit that a shared-storage broker puts on one direction of its own network use: a bucket of
// bytes that classes take from in order of priority.
//
// Bypass never waits: what must not be held up (produce, write-ahead log, uploads, recovery, reads
// that a consumer waits for) takes its bytes and may leave the bucket in debt, down to minus its
// depth. The other classes pass while anything is in the bucket and nobody waits; then they wait,
// the higher class first, first come first served within a class, and are served in parts of 1 MiB,
// each as long as the bucket is not empty. So a class starves while a higher one waits.
//
// The bucket is filled every refill interval, with what the bandwidth brings in that time. It costs
// an event only while somebody waits. Held to by audits: inv.I3 asked = passed + waiting + dropped,
// in bytes; inv.I6 what is in the bucket lies between minus its depth and its depth.
//
// The bytes themselves go over the network card, which knows no classes. docs/models/s3stream.md
// has the sources.
#ifndef FRESHET_MODELS_NETWORK_NETWORK_LIMITER_H_
#define FRESHET_MODELS_NETWORK_NETWORK_LIMITER_H_

#include <array>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "sim/component.h"
#include "sim/ring.h"
#include "sim/units.h"

namespace freshet {

// In order of priority.
enum class LimiterClass : uint8_t {
  kBypass,
  kCompaction,
  kTail,          // Fetch responses from the log cache.
  kCatchUp,       // Fetch responses that needed objects, and read-ahead.
  kIcebergWrite,  // Table commits.
};
inline constexpr int kLimiterClassCount = 5;

class NetworkLimiter : public Component {
 public:
  struct Config {
    BytesPerSecond bandwidth;
    Duration refill_interval;
    Bytes depth;
  };

  static constexpr MetricDef kWait = {"network_limiter.wait", MetricKind::kDistribution,
                                      MetricUnit::kDuration,
                                      "From asking to passing, of those that had to wait."};
  static constexpr MetricDef kWaiting = {"network_limiter.waiting_bytes", MetricKind::kGauge,
                                         MetricUnit::kBytes, "Bytes that wait to pass."};

  NetworkLimiter(Simulation& sim, absl::string_view name, const Config& config);

  // Takes `size` at once.
  void Bypass(Bytes size);
  // Returns true when `size` may pass now; otherwise `passed` fires once, when it may.
  // REQUIRES: size >= 0; not kBypass.
  bool Pass(LimiterClass limiter_class, Bytes size, Callback passed);
  // Forgets all that wait: the process died.
  void DropAll();

  Bytes Waiting() const { return Bytes(asked_ - passed_ - dropped_); }
  // In the bucket at the moment; negative when it is in debt.
  int64_t Level();

 private:
  struct Waiter {
    Bytes size;
    Bytes left;
    Time asked_at;
    Callback passed;
  };

  void Refill();
  void Reduce(Bytes size);
  bool NobodyWaits() const;
  void ArmTick();
  void Tick();
  void Audit() const;

  const Config config_;
  const int64_t refill_;  // Bytes a tick.
  int64_t level_;
  int64_t refilled_to_ = 0;  // Ticks.
  std::array<Ring<Waiter>, kLimiterClassCount> waiting_;
  EventId tick_;
  int64_t asked_ = 0;
  int64_t passed_ = 0;
  int64_t dropped_ = 0;
  Distribution& wait_;
  Gauge& waiting_gauge_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_NETWORK_NETWORK_LIMITER_H_
