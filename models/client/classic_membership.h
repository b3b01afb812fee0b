// A member of the classic protocol. With an eager assignor it gives up all it has before it joins
// again, so that the whole group stands still; with the cooperative one it goes on with what it
// has, and gives up only what the leader's first round has taken from it, which a second round then
// deals out (KIP-429). The leader is a member, and runs the assignor.
#ifndef FRESHET_MODELS_CLIENT_CLASSIC_MEMBERSHIP_H_
#define FRESHET_MODELS_CLIENT_CLASSIC_MEMBERSHIP_H_

#include <cstdint>
#include <vector>

#include "models/client/group_membership.h"
#include "models/group/classic_coordinator.h"

namespace freshet {

class ClassicMembership : public GroupMembership {
 public:
  ClassicMembership(Simulation& sim, absl::string_view name, Network* network, LogService* log,
                    ClassicCoordinator* coordinator, Application* application, const Config& config,
                    int partitions)
      : GroupMembership(sim, name, network, log, coordinator, application, config),
        coordinator_(coordinator),
        partitions_(partitions) {}

 protected:
  // --- What a group of another kind does in its own way (models/connect/worker_membership.h) ---

  // The leader's part: fills `shares_` and `withheld_` from `joined_`.
  virtual void DealOut();
  // Put out of its group it goes on with what it has, and says so as it joins again.
  virtual bool KeepsWhatItHas() const { return false; }
  // It has its share, and is to join again after so long; zero: it is not.
  virtual void ShareTaken(Duration rejoin_after);
  // As if it had been told that a rebalance is under way.
  void JoinAgain();

  ClassicCoordinator::JoinAnswer joined_;
  std::vector<ClassicCoordinator::Share> shares_;  // As the leader.
  int withheld_ = 0;
  int32_t share_generation_ = 0;  // Of the last share that it took; 0: none.
  Time heard_at_;                 // From the coordinator, as a member.

 private:
  enum class State : uint8_t { kOutside, kJoining, kSyncing, kMember };

  void OnStart() override;
  void OnLost() override;
  bool Duties() override;
  void Heartbeat() override;
  bool Leave(RebalanceCause cause) override;
  bool RetriesFencedCommits() const override { return false; }
  void OnPollIntervalOver() override { Forget(true); }

  bool cooperative() const { return config().assignor == Assignor::kCooperativeSticky; }
  // It is no member any more, as far as it knows.
  void Forget(bool id_too);
  void GiveUpAndJoin();
  void SendJoin();
  void Joined();
  void SendSync();
  void Synced();
  void Beaten();
  void TakeShare();

  ClassicCoordinator* const coordinator_;
  const int partitions_;
  State state_ = State::kOutside;
  bool rejoins_ = false;       // It has to join again, at its next poll.
  bool lost_ = false;          // What it has is not its own any more.
  bool answer_waits_ = false;  // An answer has come during a poll.
  Request request_;            // JoinGroup or SyncGroup
  Request heartbeat_;
  ClassicCoordinator::SyncAnswer synced_;
  GroupError beaten_ = GroupError::kNone;
  std::vector<int> last_share_;
  RebalanceCause leaves_for_ = RebalanceCause::kLeft;
  MemberId leaving_id_ = kNoMember;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_CLIENT_CLASSIC_MEMBERSHIP_H_
