// The handles that Connect workers offer to faults.
#ifndef FRESHET_MODELS_FAULT_CONNECT_TARGETS_H_
#define FRESHET_MODELS_FAULT_CONNECT_TARGETS_H_

#include "models/connect/connect_cluster.h"
#include "models/fault/fault.h"

namespace freshet {

// "pipes/worker-1": down, its process dies with its tasks, and another one starts at the end.
class WorkerTarget : public FaultTarget {
 public:
  WorkerTarget(ConnectCluster* connect, int worker) : connect_(connect), worker_(worker) {}
  bool Understands(FaultVerb verb) const override { return verb == FaultVerb::kDown; }
  void SetDown(bool down) override { connect_->SetWorkerDown(worker_, down); }
  // Records that its tasks were handed, and for each death the tasks that it had.
  int64_t WorkTouched() const override { return connect_->WorkOf(worker_); }

 private:
  ConnectCluster* connect_;
  int worker_;
};

// "pipes/worker-1/tasks": down, they hang in their put(), and heartbeats go on.
class WorkerTasksTarget : public FaultTarget {
 public:
  WorkerTasksTarget(ConnectCluster* connect, int worker) : connect_(connect), worker_(worker) {}
  bool Understands(FaultVerb verb) const override { return verb == FaultVerb::kDown; }
  void SetDown(bool down) override { connect_->SetTasksHung(worker_, down); }
  int64_t WorkTouched() const override { return connect_->WorkOf(worker_); }

 private:
  ConnectCluster* connect_;
  int worker_;
};

// "pipes/worker-1/group": down, it is cut off from the coordinators of its groups, and from nothing
// else.
class WorkerGroupTarget : public FaultTarget {
 public:
  WorkerGroupTarget(ConnectCluster* connect, int worker) : connect_(connect), worker_(worker) {}
  bool Understands(FaultVerb verb) const override { return verb == FaultVerb::kDown; }
  void SetDown(bool down) override { connect_->SetCutOff(worker_, down); }
  int64_t WorkTouched() const override { return connect_->WorkOf(worker_); }

 private:
  ConnectCluster* connect_;
  int worker_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_FAULT_CONNECT_TARGETS_H_
