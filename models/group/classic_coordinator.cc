#include "models/group/classic_coordinator.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace freshet {

ClassicCoordinator::ClassicCoordinator(Simulation& sim, absl::string_view name, LogService* log,
                                       const Config& config, Duration initial_rebalance_delay,
                                       const GroupMetrics* metrics)
    : GroupCoordinator(sim, name, log, config, metrics), initial_delay_(initial_rebalance_delay) {}

// --- JoinGroup ---

void ClassicCoordinator::Join(BrokerId at, const JoinRequest& request, Joined answer) {
  JoinAnswer refused;
  refused.error = ErrorAt(at);
  if (refused.error != GroupError::kNone) {
    answer(refused);
    return;
  }
  const auto instance = group_.instances.find(request.client);
  if (request.id == kNoMember && request.is_static) {
    if (instance != group_.instances.end()) {
      Replace(request, answer);
    } else {
      Add(request, next_id_++, answer);
    }
  } else if (request.id == kNoMember) {
    refused.error = GroupError::kMemberIdRequired;
    refused.id = next_id_++;
    promised_[refused.id] =
        After<"group.promised_id_over">(request.session_timeout, [this, id = refused.id] {
          promised_.erase(id);
          TryComplete();
        });
    answer(refused);
  } else if (const auto promised = promised_.find(request.id); promised != promised_.end()) {
    sim().Cancel(promised->second);
    promised_.erase(promised);
    Add(request, request.id, answer);
  } else if (group_.members.count(request.id) > 0) {
    Rejoin(request, answer);
  } else {
    refused.error = GroupError::kUnknownMember;
    answer(refused);
  }
}

MemberId ClassicCoordinator::Add(const JoinRequest& request, MemberId id, Joined answer) {
  Member& member = group_.members[id];
  member.metadata = request;
  member.joined = answer;
  if (request.is_static) group_.instances[request.client] = id;
  metrics().members->Set(static_cast<int64_t>(group_.members.size()));
  if (group_.state == State::kPreparing) {
    came_meanwhile_ = true;
    TryComplete();
  } else {
    Prepare(RebalanceCause::kJoined);
  }
  return id;
}

void ClassicCoordinator::Replace(const JoinRequest& request, Joined answer) {
  // Its earlier life is fenced from now on. The share stays.
  const MemberId before = group_.instances[request.client];
  const MemberId id = next_id_++;
  Member member = group_.members[before];
  sim().Cancel(member.expiry);
  group_.members.erase(before);
  member.metadata = request;
  member.synced = {};
  if (group_.leader == before) group_.leader = id;
  group_.instances[request.client] = id;
  group_.members[id] = member;
  // With a second round to come it cannot know that it had to give something up for it.
  if (group_.state == State::kStable && group_.withheld == 0) {
    Beat(id);
    Persist();
    JoinAnswer known;
    known.id = id;
    known.generation = group_.generation;
    answer(known);
    return;
  }
  group_.members[id].joined = answer;
  if (group_.state == State::kPreparing) {
    TryComplete();
  } else {
    Prepare(group_.withheld > 0 ? RebalanceCause::kRevoked : RebalanceCause::kJoined);
  }
}

void ClassicCoordinator::Rejoin(const JoinRequest& request, Joined answer) {
  Member& member = group_.members[request.id];
  const bool same = member.metadata.owned == request.owned;
  const bool again = group_.state == State::kStable && (!same || request.id == group_.leader);
  member.metadata = request;
  if (group_.state == State::kPreparing || again) {
    member.joined = answer;
    if (again) {
      Prepare(request.owned_generation == group_.generation ? RebalanceCause::kRevoked
                                                            : RebalanceCause::kJoined);
    } else {
      TryComplete();
    }
    return;
  }
  // It has missed the answer, or asks without need.
  Beat(request.id);
  JoinAnswer known;
  known.id = request.id;
  known.generation = group_.generation;
  known.is_leader = group_.state == State::kCompleting && request.id == group_.leader;
  if (known.is_leader) known.members = MembersByClient();
  answer(known);
}

// --- The rounds ---

void ClassicCoordinator::Prepare(RebalanceCause cause) {
  if (group_.state == State::kPreparing) return;
  CountRebalance(cause);
  if (group_.state == State::kCompleting) {
    sim().Cancel(sync_timer_);
    for (auto& [id, member] : group_.members) {
      if (!member.synced) continue;
      Synced answer = member.synced;
      member.synced = {};
      Beat(id);
      SyncAnswer refused;
      refused.error = GroupError::kRebalanceInProgress;
      answer(refused);
    }
  }
  const bool first = group_.state == State::kEmpty;
  group_.state = State::kPreparing;
  if (first) {
    initial_ = true;
    came_meanwhile_ = false;
    initial_left_ = std::max(LongestRebalance() - initial_delay_, Duration::Zero());
    StartJoinTimer(initial_delay_);
    return;
  }
  StartJoinTimer(LongestRebalance());
  TryComplete();
}

void ClassicCoordinator::StartJoinTimer(Duration wait) {
  sim().Cancel(join_timer_);
  join_timer_ = After<"group.join_time_over">(wait, [this] { JoinTimeOver(); });
}

void ClassicCoordinator::JoinTimeOver() {
  if (initial_ && came_meanwhile_ && initial_left_ > Duration::Zero()) {
    came_meanwhile_ = false;
    const Duration wait = std::min(initial_delay_, initial_left_);
    initial_left_ -= wait;
    StartJoinTimer(wait);
    return;
  }
  Complete();
}

bool ClassicCoordinator::AllJoined() const {
  return promised_.empty() &&
         std::all_of(group_.members.begin(), group_.members.end(),
                     [](const auto& member) { return !!member.second.joined; });
}

void ClassicCoordinator::TryComplete() {
  if (group_.state == State::kPreparing && !initial_ && AllJoined()) Complete();
}

void ClassicCoordinator::Complete() {
  sim().Cancel(join_timer_);
  initial_ = false;
  std::vector<MemberId> missing;
  bool any = false;
  for (const auto& [id, member] : group_.members) {
    any = any || member.joined;
    if (!member.joined && !member.metadata.is_static) missing.push_back(id);
  }
  for (const MemberId id : missing) Remove(id);
  if (group_.members.empty()) {
    ++group_.generation;
    group_.state = State::kEmpty;
    Persist();
    CountStable();
    return;
  }
  if (!any) {  // Static ones all: they have until their sessions end.
    StartJoinTimer(LongestRebalance());
    return;
  }
  ++group_.generation;
  group_.state = State::kCompleting;
  const auto leader = group_.members.find(group_.leader);
  if (leader == group_.members.end() || !leader->second.joined) {
    for (const auto& [id, member] : group_.members) {
      if (!member.joined) continue;
      group_.leader = id;
      break;
    }
  }
  sync_timer_ = After<"group.sync_time_over">(LongestRebalance(), [this] {
    std::vector<MemberId> late;
    for (const auto& [id, member] : group_.members) {
      if (!member.has_synced) late.push_back(id);
    }
    for (const MemberId id : late) Remove(id);
    if (!late.empty()) Prepare(RebalanceCause::kNotJoined);
  });
  std::vector<MemberId> told;
  for (auto& [id, member] : group_.members) {
    member.has_synced = false;
    if (member.joined) told.push_back(id);
  }
  for (const MemberId id : told) {
    Member& member = group_.members[id];
    Joined answer = member.joined;
    member.joined = {};
    Beat(id);
    JoinAnswer generation;
    generation.id = id;
    generation.generation = group_.generation;
    generation.is_leader = id == group_.leader;
    if (generation.is_leader) generation.members = MembersByClient();
    answer(generation);
  }
}

std::vector<ClassicCoordinator::JoinedMember> ClassicCoordinator::MembersByClient() const {
  std::vector<JoinedMember> members;
  for (const auto& [id, member] : group_.members) {
    members.push_back(
        {member.metadata.client, id, member.metadata.owned, member.metadata.owned_generation});
  }
  std::stable_sort(members.begin(), members.end(),
                   [](const JoinedMember& a, const JoinedMember& b) {
                     return a.client != b.client ? a.client < b.client : a.id < b.id;
                   });
  return members;
}

// --- SyncGroup ---

void ClassicCoordinator::Sync(BrokerId at, MemberId id, int32_t generation,
                              const std::vector<Share>& shares, int withheld, Synced answer) {
  SyncAnswer result;
  result.error = ErrorAt(at);
  const auto found = group_.members.find(id);
  if (result.error != GroupError::kNone) {
  } else if (found == group_.members.end()) {
    result.error = GroupError::kUnknownMember;
  } else if (generation != group_.generation) {
    result.error = GroupError::kIllegalGeneration;
  } else if (group_.state == State::kPreparing) {
    result.error = GroupError::kRebalanceInProgress;
  }
  if (result.error != GroupError::kNone) {
    answer(result);
    return;
  }
  Member& member = found->second;
  member.has_synced = true;
  if (group_.state == State::kStable) {
    Beat(id);
    result.partitions = member.share;
    result.rejoin_after = member.rejoin_after;
    answer(result);
    return;
  }
  member.synced = answer;
  if (id == group_.leader) DealOut(shares, withheld);
}

void ClassicCoordinator::DealOut(const std::vector<Share>& shares, int withheld) {
  for (auto& [id, member] : group_.members) member.share.clear();
  std::vector<bool> given(static_cast<size_t>(partitions()));
  int dealt = 0;
  for (const Share& share : shares) {
    for (const int partition : share.partitions) {
      SIM_CHECK(!given[static_cast<size_t>(partition)], "inv.I15",
                absl::StrCat("partition ", partition, " is given to two members"));
      given[static_cast<size_t>(partition)] = true;
      ++dealt;
    }
    const auto member = group_.members.find(share.id);
    if (member == group_.members.end()) continue;
    member->second.share = share.partitions;
    member->second.rejoin_after = share.rejoin_after;
  }
  SIM_CHECK(dealt + withheld == partitions(), "inv.I15",
            absl::StrCat("of ", partitions(), " partitions ", dealt, " are given to members and ",
                         withheld, " are to move"));
  group_.state = State::kStable;
  group_.withheld = withheld;
  sim().Cancel(sync_timer_);
  Persist();
  for (auto& [id, member] : stored_.members) member.synced = {};
  if (withheld == 0) CountStable();
  for (auto& [id, member] : group_.members) {
    if (!member.synced) continue;
    Synced answer = member.synced;
    member.synced = {};
    Beat(id);
    SyncAnswer result;
    result.partitions = member.share;
    result.rejoin_after = member.rejoin_after;
    answer(result);
  }
}

// --- Heartbeats, and ends ---

GroupError ClassicCoordinator::Heartbeat(BrokerId at, MemberId id, int32_t generation) {
  const GroupError error = ErrorAt(at);
  if (error != GroupError::kNone) return error;
  if (group_.members.count(id) == 0) return GroupError::kUnknownMember;
  if (generation != group_.generation) return GroupError::kIllegalGeneration;
  Beat(id);
  return group_.state == State::kPreparing ? GroupError::kRebalanceInProgress : GroupError::kNone;
}

void ClassicCoordinator::Beat(MemberId id) {
  Member& member = group_.members[id];
  sim().Cancel(member.expiry);
  member.expiry = After<"group.session_over">(member.metadata.session_timeout, [this, id] {
    const auto found = group_.members.find(id);
    if (found == group_.members.end()) return;
    if (found->second.joined || found->second.synced) return;  // It waits for us.
    sim().recorder().Mark(RecordLevel::kState, metrics().lane, "session_over", Now(),
                          found->second.metadata.client + 1, Severity::kWarning);
    Gone(id, RebalanceCause::kSessionOver);
  });
}

void ClassicCoordinator::Leave(BrokerId at, MemberId id, RebalanceCause cause) {
  if (ErrorAt(at) != GroupError::kNone) return;
  if (const auto promised = promised_.find(id); promised != promised_.end()) {
    sim().Cancel(promised->second);
    promised_.erase(promised);
    TryComplete();
  } else if (group_.members.count(id) > 0) {
    Gone(id, cause);
  }
}

void ClassicCoordinator::Remove(MemberId id) {
  Member& member = group_.members[id];
  sim().Cancel(member.expiry);
  const auto instance = group_.instances.find(member.metadata.client);
  if (instance != group_.instances.end() && instance->second == id) {
    group_.instances.erase(instance);
  }
  if (group_.leader == id) group_.leader = kNoMember;
  group_.members.erase(id);
  metrics().members->Set(static_cast<int64_t>(group_.members.size()));
}

void ClassicCoordinator::Gone(MemberId id, RebalanceCause cause) {
  Remove(id);
  if (group_.state == State::kPreparing) {
    TryComplete();
  } else {
    Prepare(cause);
  }
}

Duration ClassicCoordinator::LongestRebalance() const {
  Duration longest;
  for (const auto& [id, member] : group_.members) {
    longest = std::max(longest, member.metadata.rebalance_timeout);
  }
  return longest;
}

bool ClassicCoordinator::IsCurrent(MemberId member, int32_t generation) const {
  const auto found = group_.members.find(member);
  return found != group_.members.end() && generation == group_.generation;
}

bool ClassicCoordinator::MayCommit(MemberId member, int32_t generation) const {
  // While shares are dealt out nobody may; KIP-447 and before.
  return IsCurrent(member, generation) && group_.state != State::kCompleting;
}

// --- Failover ---

void ClassicCoordinator::OnUnload() {
  sim().Cancel(join_timer_);
  sim().Cancel(sync_timer_);
  for (auto& [id, event] : promised_) sim().Cancel(event);
  promised_.clear();
  std::map<MemberId, Member> left;
  left.swap(group_.members);
  group_ = stored_;
  for (auto& [id, member] : group_.members) {
    member.joined = {};
    member.synced = {};
    member.expiry = EventId();
  }
  initial_ = false;
  for (auto& [id, member] : left) {
    sim().Cancel(member.expiry);
    if (member.joined) {
      JoinAnswer refused;
      refused.error = GroupError::kNotCoordinator;
      member.joined(refused);
    }
    if (member.synced) {
      SyncAnswer refused;
      refused.error = GroupError::kNotCoordinator;
      member.synced(refused);
    }
  }
}

void ClassicCoordinator::OnLoad() {
  metrics().members->Set(static_cast<int64_t>(group_.members.size()));
  for (auto& [id, member] : group_.members) Beat(id);
  if (group_.state == State::kStable) CountStable();
}

}  // namespace freshet
