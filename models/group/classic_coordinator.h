// The coordinator's side of the classic protocol: members join a generation, the leader deals out
// the partitions, everybody asks for his share.
//
//   empty      no members.
//   preparing  members are told by their heartbeats to join again; ends when all have, or when the
//              longest rebalance timeout is over. The first generation waits
//              group.initial.rebalance.delay.ms, and as long again while new members come.
//   completing all have their generation; the leader's SyncGroup is awaited.
//   stable
//
// A member without a heartbeat in its session timeout is removed; one that waits for an answer is
// not. A static member (KIP-345) that comes back within the session has its place and its share
// without a rebalance. Audited: inv.I15, a generation's shares are disjoint, and cover all
// partitions unless a second round of a cooperative rebalance is to come.
#ifndef FRESHET_MODELS_GROUP_CLASSIC_COORDINATOR_H_
#define FRESHET_MODELS_GROUP_CLASSIC_COORDINATOR_H_

#include <cstdint>
#include <map>
#include <vector>

#include "models/group/group_coordinator.h"

namespace freshet {

class ClassicCoordinator : public GroupCoordinator {
 public:
  struct JoinRequest {
    int client = 0;  // Which of the group's processes: the order of assignors, and the instance id.
    MemberId id = kNoMember;
    bool is_static = false;
    std::vector<int> owned;        // What sticky assignors are told,
    int32_t owned_generation = 0;  // and of when.
    Duration session_timeout;
    Duration rebalance_timeout;  // max.poll.interval.ms
  };
  struct JoinedMember {
    int client;
    MemberId id;
    std::vector<int> owned;
    int32_t owned_generation;
  };
  struct JoinAnswer {
    GroupError error = GroupError::kNone;
    MemberId id = kNoMember;
    int32_t generation = 0;
    bool is_leader = false;
    std::vector<JoinedMember> members;  // For the leader, by client.
  };
  struct Share {
    MemberId id;
    std::vector<int> partitions;
    Duration rejoin_after;  // Its member is to join again by then; zero: it is not.
  };
  struct SyncAnswer {
    GroupError error = GroupError::kNone;
    std::vector<int> partitions;
    Duration rejoin_after;
  };
  using Joined = Completion<const JoinAnswer&>;
  using Synced = Completion<const SyncAnswer&>;

  ClassicCoordinator(Simulation& sim, absl::string_view name, LogService* log, const Config& config,
                     Duration initial_rebalance_delay, const GroupMetrics* metrics);

  // `answer` fires at the broker, perhaps much later, or never if the broker dies.
  void Join(BrokerId at, const JoinRequest& request, Joined answer);
  // `shares` of the leader, of whom `withheld` partitions go to nobody in this generation.
  void Sync(BrokerId at, MemberId id, int32_t generation, const std::vector<Share>& shares,
            int withheld, Synced answer);
  GroupError Heartbeat(BrokerId at, MemberId id, int32_t generation);
  void Leave(BrokerId at, MemberId id, RebalanceCause cause);

  bool IsCurrent(MemberId member, int32_t generation) const override;
  int32_t generation() const { return group_.generation; }
  bool stable() const { return group_.state == State::kStable; }

 private:
  enum class State : uint8_t { kEmpty, kPreparing, kCompleting, kStable };
  struct Member {
    JoinRequest metadata;
    std::vector<int> share;
    Duration rejoin_after;
    Joined joined;  // Not empty while it waits for the generation,
    Synced synced;  // and while it waits for its share.
    bool has_synced = false;
    EventId expiry;
  };
  struct Group {
    State state = State::kEmpty;
    int32_t generation = 0;
    MemberId leader = kNoMember;
    int withheld = 0;  // Partitions that wait for a second round.
    std::map<MemberId, Member> members;
    std::map<int, MemberId> instances;  // Of static members, by client.
  };

  bool MayCommit(MemberId member, int32_t generation) const override;
  void OnUnload() override;
  void OnLoad() override;

  MemberId Add(const JoinRequest& request, MemberId id, Joined answer);
  void Replace(const JoinRequest& request, Joined answer);
  void Rejoin(const JoinRequest& request, Joined answer);
  void Remove(MemberId id);
  void Gone(MemberId id, RebalanceCause cause);
  void Prepare(RebalanceCause cause);
  void StartJoinTimer(Duration wait);
  void JoinTimeOver();
  bool AllJoined() const;
  void TryComplete();
  void Complete();
  void Beat(MemberId id);
  Duration LongestRebalance() const;
  std::vector<JoinedMember> MembersByClient() const;
  void DealOut(const std::vector<Share>& shares, int withheld);
  void Persist() { stored_ = group_; }

  const Duration initial_delay_;
  Group group_;
  Group stored_;  // What the log holds: as of the last stable or empty generation.
  std::map<MemberId, EventId> promised_;  // Ids given out, whose members have not joined yet.
  MemberId next_id_ = 1;
  EventId join_timer_;
  EventId sync_timer_;
  bool initial_ = false;         // The first generation's delay runs,
  bool came_meanwhile_ = false;  // and somebody new has come in it.
  Duration initial_left_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_GROUP_CLASSIC_COORDINATOR_H_
