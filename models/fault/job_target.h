// The handle that the task managers of a stream job offer to faults.
#ifndef FRESHET_MODELS_FAULT_JOB_TARGET_H_
#define FRESHET_MODELS_FAULT_JOB_TARGET_H_

#include "models/fault/targets.h"
#include "models/processing/lookup.h"
#include "models/processing/stream_job.h"

namespace freshet {

// "sessions/task-manager-1": down, its process dies with its subtasks, and another one registers at
// the end; slow, its cores.
class TaskManagerTarget : public FaultTarget {
 public:
  TaskManagerTarget(StreamJob* job, int number) : job_(job), number_(number) {}
  bool Understands(FaultVerb verb) const override {
    return verb == FaultVerb::kDown || verb == FaultVerb::kSlow;
  }
  void SetDown(bool down) override {
    if (down && job_->task_manager(number_).up()) lost_ += job_->SubtasksOn(number_);
    job_->SetTaskManagerDown(number_, down);
  }
  void SetSlow(Ratio factor) override {
    job_->task_manager(number_).cpu().SetSpeed(BrokerTarget::InverseOf(factor));
  }
  // Pieces of work that it did, and for each death the subtasks that it had.
  int64_t WorkTouched() const override {
    return job_->task_manager(number_).cpu().served() + lost_;
  }

 private:
  StreamJob* job_;
  int number_;
  int64_t lost_ = 0;
};

// "sessions/enrich/service": the service that a lookup asks; down, answers come when it is back;
// slow.
class LookupTarget : public FaultTarget {
 public:
  explicit LookupTarget(LookupService* service) : service_(service) {}
  bool Understands(FaultVerb verb) const override {
    return verb == FaultVerb::kDown || verb == FaultVerb::kSlow;
  }
  void SetDown(bool down) override { service_->workers().SetDown(down); }
  void SetSlow(Ratio factor) override {
    service_->workers().SetSpeed(BrokerTarget::InverseOf(factor));
  }
  int64_t WorkTouched() const override { return service_->asked(); }

 private:
  LookupService* service_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_FAULT_JOB_TARGET_H_
