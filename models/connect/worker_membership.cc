#include "models/connect/worker_membership.h"

#include <utility>
#include <vector>

namespace freshet {

void WorkerMembership::DealOut() {
  std::vector<WorkerAssignor::Worker> workers;
  for (const ClassicCoordinator::JoinedMember& member : joined_.members) {
    workers.push_back({member.id, member.owned});
  }
  WorkerAssignor::Round round =
      assignor_.Deal(workers, joined_.generation, share_generation_, Now());
  for (size_t i = 0; i < workers.size(); ++i) {
    shares_.push_back({workers[i].id, std::move(round.shares[i]), round.rejoin_after});
  }
  withheld_ = round.unassigned;
}

void WorkerMembership::ShareTaken(Duration rejoin_after) {
  ++rejoins_at_;
  if (rejoin_after == Duration::Zero()) return;
  After<"worker.delay_over">(rejoin_after, [this, share = rejoins_at_] {
    if (share == rejoins_at_) JoinAgain();
  });
}

}  // namespace freshet
