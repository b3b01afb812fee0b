// The handle that the tasks of a batch lane offer to faults.
#ifndef FRESHET_MODELS_FAULT_BATCH_TARGET_H_
#define FRESHET_MODELS_FAULT_BATCH_TARGET_H_

#include "models/fault/targets.h"
#include "models/processing/batch_lane.h"

namespace freshet {

// "nightly/task-1": down, its host dies with what it has counted, and reads its part of the window
// again when it is back; slow, its core.
class BatchTaskTarget : public FaultTarget {
 public:
  BatchTaskTarget(BatchLane* lane, int task) : lane_(lane), task_(task) {}
  bool Understands(FaultVerb verb) const override {
    return verb == FaultVerb::kDown || verb == FaultVerb::kSlow;
  }
  void SetDown(bool down) override { lane_->SetTaskDown(task_, down); }
  void SetSlow(Ratio factor) override {
    lane_->SetTaskSpeed(task_, BrokerTarget::InverseOf(factor));
  }
  // Records that it has counted, and the attempts that it has lost or could not begin.
  int64_t WorkTouched() const override { return lane_->WorkOf(task_); }

 private:
  BatchLane* lane_;
  int task_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_FAULT_BATCH_TARGET_H_
