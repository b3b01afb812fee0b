// The handle that the coordinator of a leaderless cluster offers to faults.
#ifndef FRESHET_MODELS_FAULT_COORDINATOR_TARGET_H_
#define FRESHET_MODELS_FAULT_COORDINATOR_TARGET_H_

#include "models/broker/batch_coordinator.h"
#include "models/fault/targets.h"

namespace freshet {

// "log/coordinator": down, it answers nobody, and goes on with what has come when it is back; slow.
class CoordinatorTarget : public FaultTarget {
 public:
  explicit CoordinatorTarget(BatchCoordinator* coordinator) : coordinator_(coordinator) {}
  bool Understands(FaultVerb verb) const override {
    return verb == FaultVerb::kDown || verb == FaultVerb::kSlow;
  }
  void SetDown(bool down) override { coordinator_->SetDown(down); }
  void SetSlow(Ratio factor) override { coordinator_->SetSpeed(BrokerTarget::InverseOf(factor)); }
  // Commits and look-ups that came, also while nobody answered them.
  int64_t WorkTouched() const override { return coordinator_->asked(); }

 private:
  BatchCoordinator* coordinator_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_FAULT_COORDINATOR_TARGET_H_
