// The handles that a mirror offers to faults.
#ifndef FRESHET_MODELS_FAULT_MIRROR_TARGETS_H_
#define FRESHET_MODELS_FAULT_MIRROR_TARGETS_H_

#include "models/connect/mirror.h"
#include "models/fault/fault.h"
#include "models/network/network.h"

namespace freshet {

// "mirror/worker-1": down, its process dies with its tasks, and another one starts at the end.
class MirrorWorkerTarget : public FaultTarget {
 public:
  MirrorWorkerTarget(Mirror* mirror, int worker) : mirror_(mirror), worker_(worker) {}
  bool Understands(FaultVerb verb) const override { return verb == FaultVerb::kDown; }
  void SetDown(bool down) override { mirror_->SetWorkerDown(worker_, down); }
  // Polls of its tasks, and for each death the tasks that it had.
  int64_t WorkTouched() const override { return mirror_->WorkOf(worker_); }

 private:
  Mirror* mirror_;
  int worker_;
};

// "mirror/link": down, nothing crosses between the regions of the source and of the workers.
class MirrorLinkTarget : public FaultTarget {
 public:
  MirrorLinkTarget(Network* network, RegionId from, RegionId to)
      : network_(network), from_(from), to_(to) {}
  bool Understands(FaultVerb verb) const override { return verb == FaultVerb::kDown; }
  void SetDown(bool down) override { network_->SetCut(from_, to_, down); }
  // Messages that had to wait.
  int64_t WorkTouched() const override { return network_->held_messages(); }

 private:
  Network* network_;
  RegionId from_;
  RegionId to_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_FAULT_MIRROR_TARGETS_H_
