#include "models/fault/fault.h"

#include <algorithm>

namespace freshet {

absl::string_view NameOf(FaultVerb verb) {
  switch (verb) {
    case FaultVerb::kDown:
      return "down";
    case FaultVerb::kSlow:
      return "slow";
    case FaultVerb::kThrottle:
      return "throttle";
    case FaultVerb::kLose:
      return "lose";
  }
  return "";
}

FaultInjector::FaultInjector(Simulation& sim, absl::string_view name)
    : Component(sim, name),
      active_gauge_(AddGauge(kActive)),
      begun_(AddCounter(kBegun)),
      lane_(sim.recorder().AddLane(name)) {}

void FaultInjector::Schedule(const FaultPlan& plan) {
  SIM_REQUIRE(plan.on != nullptr && plan.on->Understands(plan.verb));
  const size_t index = effects_.size();
  effects_.push_back({plan, false, false, 0});
  At<"fault.begins">(
      plan.at, [this, index] { Begin(index); }, Priority::kFault);
  if (plan.lasts > Duration::Zero()) {
    At<"fault.ends">(
        plan.at + plan.lasts, [this, index] { End(index); }, Priority::kFault);
  }
}

void FaultInjector::SchedulePhases(Duration warm_up) {
  warm_ = warm_up == Duration::Zero();
  UpdatePhase();
  if (warm_) return;
  After<"run.warm_up_ends">(
      warm_up,
      [this] {
        warm_ = true;
        UpdatePhase();
      },
      Priority::kFault);
}

void FaultInjector::Begin(size_t index) {
  Effect& effect = effects_[index];
  effect.begun = true;
  active_.push_back({index, effect.plan.on->WorkTouched()});
  sim().recorder().State(lane_, NameOf(effect.plan.verb).data(), Now(), static_cast<int64_t>(index),
                         Severity::kCritical);
  Apply(effect.plan.on, effect.plan.verb);
  begun_.Add(1);
  active_gauge_.Set(static_cast<int64_t>(active_.size()));
  UpdatePhase();
}

void FaultInjector::End(size_t index) {
  Effect& effect = effects_[index];
  const auto it = std::find_if(active_.begin(), active_.end(),
                               [index](const Active& active) { return active.index == index; });
  SIM_CHECK(it != active_.end(), "inv.I22", "a fault ends that does not hold");
  effect.touched += effect.plan.on->WorkTouched() - it->touched_at_begin;
  effect.ended = true;
  active_.erase(it);
  any_ended_ = true;
  sim().recorder().State(lane_, "healed", Now(), static_cast<int64_t>(index));
  Apply(effect.plan.on, effect.plan.verb);
  active_gauge_.Set(static_cast<int64_t>(active_.size()));
  UpdatePhase();
}

void FaultInjector::Apply(FaultTarget* target, FaultVerb verb) {
  bool holds = false;
  Ratio slowest = Ratio::One();
  BytesPerSecond lowest(INT64_MAX);
  for (const Active& active : active_) {
    const FaultPlan& plan = effects_[active.index].plan;
    if (plan.on != target || plan.verb != verb) continue;
    holds = true;
    slowest = std::max(slowest, plan.factor);
    lowest = std::min(lowest, plan.rate);
  }
  switch (verb) {
    case FaultVerb::kDown:
      target->SetDown(holds);
      break;
    case FaultVerb::kSlow:
      target->SetSlow(slowest);
      break;
    case FaultVerb::kThrottle:
      target->SetThrottle(lowest);
      break;
    case FaultVerb::kLose:
      target->SetLost(holds);
      break;
  }
}

void FaultInjector::UpdatePhase() {
  Phase phase = Phase::kBeforeFaults;
  if (!warm_) {
    phase = Phase::kWarmUp;
  } else if (!active_.empty()) {
    phase = Phase::kDuringFaults;
  } else if (any_ended_) {
    phase = Phase::kAfterFaults;
  }
  if (!phases_.empty() && phase == phases_.back().phase) return;
  phases_.push_back({Now(), phase});
  sim().EnterPhase(phase);
}

std::vector<FaultInjector::Effect> FaultInjector::Effects() const {
  std::vector<Effect> effects = effects_;
  for (const Active& active : active_) {
    const FaultTarget& target = *effects_[active.index].plan.on;
    effects[active.index].touched += target.WorkTouched() - active.touched_at_begin;
  }
  return effects;
}

}  // namespace freshet
