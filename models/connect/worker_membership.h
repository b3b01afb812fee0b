// A Connect worker's standing in the group of workers: the classic protocol, with tasks in the
// place of partitions and with Connect's own assignor at the leader (worker_assignor.h).
//
// A worker goes on with what it runs while a rebalance is under way, and when it was put out of the
// group without knowing: it joins again with its tasks, and if another one has got them meanwhile,
// both are told to stop. One that cannot reach the coordinator gives its tasks up: after the
// session timeout it takes the coordinator for lost, and looks for it for the length of a heartbeat
// interval.
#ifndef FRESHET_MODELS_CONNECT_WORKER_MEMBERSHIP_H_
#define FRESHET_MODELS_CONNECT_WORKER_MEMBERSHIP_H_

#include "models/client/classic_membership.h"
#include "models/connect/worker_assignor.h"

namespace freshet {

class WorkerMembership : public ClassicMembership {
 public:
  WorkerMembership(Simulation& sim, absl::string_view name, Network* network, LogService* log,
                   ClassicCoordinator* coordinator, Application* application, const Config& config,
                   int tasks, Duration max_delay)
      : ClassicMembership(sim, name, network, log, coordinator, application, config, tasks),
        tasks_(tasks),
        max_delay_(max_delay),
        assignor_(tasks, max_delay) {}

  // A new process has no memory of what it dealt out.
  void StartWorker() {
    assignor_ = WorkerAssignor(tasks_, max_delay_);
    ++rejoins_at_;
    Start();
  }
  // When it gives up its tasks, if it goes on hearing nothing.
  Time GivesUpAt() const {
    return heard_at_ + config().session_timeout + config().heartbeat_interval;
  }

 private:
  void DealOut() override;
  bool KeepsWhatItHas() const override { return true; }
  void ShareTaken(Duration rejoin_after) override;

  const int tasks_;
  const Duration max_delay_;
  WorkerAssignor assignor_;
  uint32_t rejoins_at_ = 0;  // Counts shares: each replaces what the one before it has scheduled.
};

}  // namespace freshet

#endif  // FRESHET_MODELS_CONNECT_WORKER_MEMBERSHIP_H_
