// Faults: verbs on handles that components offer, scheduled, with proof that they touched
// something.
//
// A handle ("log/broker-1/disk") is a FaultTarget; it says which verbs it understands. While faults
// of one verb overlap on a target, the harshest rules, and the end of one does not end another.
// Each fault leaves its effect: how much work its target did, or lost, while it held. A fault
// without effect is vacuous, and a drill that rests on it has proved nothing.
#ifndef FRESHET_MODELS_FAULT_FAULT_H_
#define FRESHET_MODELS_FAULT_FAULT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "sim/component.h"
#include "sim/units.h"

namespace freshet {

enum class FaultVerb : uint8_t {
  kDown,      // The process does not run; its host answers nobody.
  kSlow,      // Work takes `factor` times as long.
  kThrottle,  // Bandwidth is capped at `rate`.
  kLose,      // What is stored there is gone for good; an empty one takes its place at the end.
};
absl::string_view NameOf(FaultVerb verb);

class FaultTarget {
 public:
  virtual ~FaultTarget() = default;
  virtual bool Understands(FaultVerb verb) const = 0;
  // What holds from now on, over all active faults; the neutral values are false, 1, no cap, false.
  // Only verbs that the target understands are called.
  virtual void SetDown(bool down) { static_cast<void>(down); }
  virtual void SetSlow(Ratio factor) { static_cast<void>(factor); }
  virtual void SetThrottle(BytesPerSecond cap) { static_cast<void>(cap); }
  virtual void SetLost(bool lost) { static_cast<void>(lost); }
  // A count that grows with every piece of work the target does or, while down, fails to do.
  virtual int64_t WorkTouched() const = 0;
};

struct FaultPlan {
  std::string name;  // For reports; "" becomes verb and target.
  FaultVerb verb = FaultVerb::kDown;
  std::string target;  // The handle, for reports.
  FaultTarget* on = nullptr;
  Time at;
  Duration lasts;       // Zero: until the end of the run.
  Ratio factor;         // kSlow
  BytesPerSecond rate;  // kThrottle
};

class FaultInjector : public Component {
 public:
  static constexpr MetricDef kActive = {"fault.active", MetricKind::kGauge, MetricUnit::kCount,
                                        "Faults that hold at the moment."};
  static constexpr MetricDef kBegun = {"fault.begun", MetricKind::kCounter, MetricUnit::kCount,
                                       "Faults that began."};

  // What a fault did; final after the run.
  struct Effect {
    FaultPlan plan;
    bool begun = false;
    bool ended = false;
    int64_t touched = 0;  // Work of the target while the fault held.
    bool Vacuous() const { return touched == 0; }
  };

  FaultInjector(Simulation& sim, absl::string_view name);

  // REQUIRES: plan.on understands the verb; called before the run.
  void Schedule(const FaultPlan& plan);
  // Enters the metric phases: warm-up, before, during and after faults. Called once, before the
  // run.
  void SchedulePhases(Duration warm_up);

  // When which phase was entered, in order.
  struct PhaseEntry {
    Time at;
    Phase phase;
  };
  const std::vector<PhaseEntry>& phases() const { return phases_; }

  // As of now: a fault that still holds is counted up to now.
  std::vector<Effect> Effects() const;

 private:
  struct Active {
    size_t index;
    int64_t touched_at_begin;
  };

  void Begin(size_t index);
  void End(size_t index);
  void Apply(FaultTarget* target, FaultVerb verb);
  void UpdatePhase();

  std::vector<Effect> effects_;
  std::vector<Active> active_;
  std::vector<PhaseEntry> phases_;
  bool warm_ = false;
  bool any_ended_ = false;
  Gauge& active_gauge_;
  Counter& begun_;
  LaneId lane_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_FAULT_FAULT_H_
