// Bandwidth shared by those who use it at the moment: a network card, a volume, an object store.
//
// A transfer joins, is served as a fluid at its fair share, and fires its callback when its last byte
// has passed. Shares are max-min fair: tiers are served in order (a lower tier number first, the
// others get what is left), within a tier classes share in proportion to weight x transfers in
// progress of the class, no class beyond its cap, no transfer beyond its own cap; what a capped one
// leaves goes to the others. With one class and no caps this is processor sharing, in O(log n) a
// transfer.
//
// Capacity may be two numbers: a baseline that always holds, and a burst that holds while credits
// last (credits refill at the baseline's unused rate, in bytes): EBS and network of small cloud
// instances (calibration: "two numbers, baseline and burst, with credits").
//
// Bytes are exact: inv.I6 bytes served <= integral of capacity (+ rounding of one byte a transfer),
// inv.I3 in = done + in progress + cancelled, in transfers and in bytes. A transfer's finish is
// rounded up to a nanosecond.
#ifndef FRESHET_SIM_BANDWIDTH_H_
#define FRESHET_SIM_BANDWIDTH_H_

#include <cstdint>
#include <vector>

#include "sim/callback.h"
#include "sim/component.h"
#include "sim/metric.h"
#include "sim/units.h"

namespace freshet {

class Bandwidth : public Component {
 public:
  struct Class {
    int tier = 0;
    int64_t weight = 1;
    BytesPerSecond cap = BytesPerSecond(INT64_MAX);
  };
  struct Credits {
    BytesPerSecond baseline;  // What holds without credits.
    Bytes capacity;           // The bucket; a byte above the baseline costs one.
    Bytes initial;
  };
  struct Config {
    BytesPerSecond capacity;  // The burst rate where credits are given.
    std::vector<Class> classes = {Class()};
    bool has_credits = false;
    Credits credits;
  };

  static constexpr MetricDef kBytes = {"bandwidth.bytes", MetricKind::kCounter, MetricUnit::kBytes,
                                       "Bytes whose transfer finished."};
  static constexpr MetricDef kActive = {"bandwidth.active", MetricKind::kGauge, MetricUnit::kCount,
                                        "Transfers in progress."};

  // A transfer in progress; 0 is none.
  using TransferId = uint64_t;

  Bandwidth(Simulation& sim, absl::string_view name, const Config& config);

  // Starts a transfer of `size` bytes. `done` fires once, never re-entrantly, also for size 0.
  // REQUIRES: size >= 0, class_index within the classes.
  TransferId Start(Bytes size, Callback done, int class_index = 0,
                   BytesPerSecond own_cap = BytesPerSecond(INT64_MAX));
  // Takes it back; `done` will not fire. Returns the bytes not yet served, 0 if it is over.
  Bytes Cancel(TransferId id);
  // Cancels everything in progress: a crash. Returns the number.
  int64_t CancelAll();

  // Fault verbs: throttle (a cap on the whole) and cut (0). Transfers in progress slow down.
  void SetCapacity(BytesPerSecond capacity);
  BytesPerSecond capacity() const { return capacity_; }
  Bytes CreditsLeft() const;
  void SetCredits(Bytes credits);
  int64_t active() const { return active_; }

  // PRIVATE_TO_IMPLEMENTATION: the implementer fills in.
 private:
  BytesPerSecond capacity_;
  int64_t active_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_SIM_BANDWIDTH_H_
