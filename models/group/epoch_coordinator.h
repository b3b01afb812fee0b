// The coordinator's side of the broker-side protocol (KIP-848, group.protocol=consumer): it deals
// out the partitions itself, and each member comes to its target by its own heartbeats.
//
// Whoever comes or goes raises the group's epoch and makes a new target. A member that has too much
// is told to give it up, and gets the new epoch when its heartbeat says that it has; a partition
// goes to its new member once the old one has let it go. Nobody waits for anybody else.
//
// Audited: inv.I15, a partition is with one member at a time.
#ifndef FRESHET_MODELS_GROUP_EPOCH_COORDINATOR_H_
#define FRESHET_MODELS_GROUP_EPOCH_COORDINATOR_H_

#include <cstdint>
#include <map>
#include <vector>

#include "models/group/group_coordinator.h"

namespace freshet {

class EpochCoordinator : public GroupCoordinator {
 public:
  static constexpr int32_t kJoin = 0;             // The epochs of a member that joins,
  static constexpr int32_t kLeave = -1;           // leaves,
  static constexpr int32_t kLeaveForAWhile = -2;  // or, static, leaves and will be back.
  struct Request {
    int client = 0;
    MemberId id = kNoMember;
    bool is_static = false;
    int32_t epoch = kJoin;
    RebalanceCause cause = RebalanceCause::kLeft;  // Of kLeave.
    std::vector<int> owned;
    Duration rebalance_timeout;
  };
  struct Answer {
    GroupError error = GroupError::kNone;
    MemberId id = kNoMember;
    int32_t epoch = 0;
    std::vector<int> partitions;  // What it may have now.
  };

  // REQUIRES: the assignor is kUniform or kRange.
  EpochCoordinator(Simulation& sim, absl::string_view name, LogService* log, const Config& config,
                   Assignor assignor, Duration session_timeout, const GroupMetrics* metrics);

  Answer Heartbeat(BrokerId at, const Request& request);

  bool IsCurrent(MemberId member, int32_t epoch) const override;
  int32_t epoch() const { return epoch_; }

 private:
  struct Member {
    int client = 0;
    bool is_static = false;
    bool away = false;  // kLeaveForAWhile.
    int32_t epoch = 0;
    std::vector<int> target;
    std::vector<int> assigned;
    std::vector<int> revoking;  // Told to give up, and not given up yet.
    EventId session;
    EventId revocation;
    Duration rebalance_timeout;
  };

  bool MayCommit(MemberId member, int32_t epoch) const override;
  void OnUnload() override;
  void OnLoad() override;

  Answer Join(const Request& request);
  void NewTarget(RebalanceCause cause);
  void Reconcile(MemberId id, const std::vector<int>* owned);
  void Remove(MemberId id, RebalanceCause cause);
  void Release(Member* member, const std::vector<int>& partitions);
  void Beat(MemberId id);
  void CheckStable();
  static Answer AnswerOf(MemberId id, const Member& member);

  const Assignor assignor_;
  const Duration session_timeout_;
  int32_t epoch_ = 0;
  MemberId next_id_ = 1;
  std::map<MemberId, Member> members_;
  std::vector<MemberId> with_;  // By partition: who has it, or has not let it go yet.
};

}  // namespace freshet

#endif  // FRESHET_MODELS_GROUP_EPOCH_COORDINATOR_H_
