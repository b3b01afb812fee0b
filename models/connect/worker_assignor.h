// How the leader of a group of Connect workers deals out tasks: incremental cooperative rebalancing
// (KIP-415). A function of what the workers say they run and of what this leader remembers.
//
// Tasks that nobody has had are dealt out at once, to whoever has the fewest. Tasks that a worker
// has left behind are nobody's for scheduled.rebalance.max.delay.ms, in the hope that it comes
// back: all are told to join again by then. Whoever has come meanwhile and has nothing gets them
// then; if nobody has, they are dealt out as new ones. A worker that joins beside others is given
// what they are first told to give up, in a second round.
//
// The memory is the leader's own. A new leader knows of no loss: after the loss of a leader the
// tasks that are missing are new to its successor, and dealt out without a delay.
//
// Left out: connectors, which are assigned beside their tasks and do nothing here; the back-off
// between rounds that take tasks away one after the other (since 3.4).
#ifndef FRESHET_MODELS_CONNECT_WORKER_ASSIGNOR_H_
#define FRESHET_MODELS_CONNECT_WORKER_ASSIGNOR_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "models/group/group_coordinator.h"
#include "sim/time.h"

namespace freshet {

class WorkerAssignor {
 public:
  struct Worker {
    MemberId id = kNoMember;
    std::vector<int> owned;  // Ascending.
  };
  struct Round {
    std::vector<std::vector<int>> shares;  // By worker, ascending.
    int unassigned = 0;                    // Tasks in no share.
    Duration rejoin_after;                 // Zero: when there is a reason.
  };

  WorkerAssignor(int tasks, Duration max_delay);

  // `generation` is dealt out; `completed` was the last that the leader has got a share in.
  // REQUIRES: at least one worker.
  Round Deal(const std::vector<Worker>& workers, int32_t generation, int32_t completed, Time now);

 private:
  using TaskSet = std::vector<bool>;  // By task.

  bool AllStillHere(const std::vector<Worker>& workers) const;
  // The tasks of the lost ones that are to be dealt out now as new ones.
  void HandleLost(const std::vector<Worker>& workers, const TaskSet& lost, Time now,
                  std::vector<std::vector<int>>* shares, TaskSet* fresh);
  void ResetDelay();
  // What has to go from those that have more than their part, for those that have less.
  TaskSet ForBalance(const std::vector<std::vector<int>>& shares) const;

  int tasks_;
  Duration max_delay_;
  TaskSet previous_;  // What was dealt out last, and what is lost.
  TaskSet revoked_;   // And taken away.
  int32_t previous_generation_ = -1;
  std::vector<MemberId> previous_members_;
  std::vector<MemberId> candidates_;  // Who came in the delay with nothing.
  std::optional<Time> scheduled_;     // The end of the delay.
  Duration delay_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_CONNECT_WORKER_ASSIGNOR_H_
