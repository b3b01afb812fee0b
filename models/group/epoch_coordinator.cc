#include "models/group/epoch_coordinator.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

bool Has(const std::vector<int>& partitions, int partition) {
  return std::binary_search(partitions.begin(), partitions.end(), partition);
}

// What is in `a` and not in `b`. REQUIRES: both ascending.
std::vector<int> Without(const std::vector<int>& a, const std::vector<int>& b) {
  std::vector<int> rest;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(rest));
  return rest;
}

}  // namespace

EpochCoordinator::EpochCoordinator(Simulation& sim, absl::string_view name, LogService* log,
                                   const Config& config, Assignor assignor,
                                   Duration session_timeout, const GroupMetrics* metrics)
    : GroupCoordinator(sim, name, log, config, metrics),
      assignor_(assignor),
      session_timeout_(session_timeout),
      with_(static_cast<size_t>(config.partitions), kNoMember) {
  SIM_REQUIRE(assignor == Assignor::kUniform || assignor == Assignor::kRange);
}

EpochCoordinator::Answer EpochCoordinator::AnswerOf(MemberId id, const Member& member) {
  return {GroupError::kNone, id, member.epoch, member.assigned};
}

EpochCoordinator::Answer EpochCoordinator::Heartbeat(BrokerId at, const Request& request) {
  Answer refused;
  refused.error = ErrorAt(at);
  if (refused.error != GroupError::kNone) return refused;
  if (request.epoch == kJoin) return Join(request);
  const auto found = members_.find(request.id);
  if (found == members_.end()) {
    refused.error = GroupError::kUnknownMember;
    return refused;
  }
  if (request.epoch == kLeave) {
    Remove(request.id, request.cause);
    return Answer();
  }
  Member& member = found->second;
  if (request.epoch == kLeaveForAWhile) {
    // Its share waits for it until the session ends.
    member.away = true;
    member.epoch = kLeaveForAWhile;
    return Answer();
  }
  Beat(request.id);
  Reconcile(request.id, &request.owned);
  CheckStable();
  return AnswerOf(request.id, member);
}

EpochCoordinator::Answer EpochCoordinator::Join(const Request& request) {
  for (auto& [id, member] : members_) {
    const bool returns = member.is_static && member.client == request.client;
    if (id != request.id && !returns) continue;
    // A static member is back, perhaps before its earlier life was missed, or a member joins anew
    // with nothing in hand. It has its share, and the id of its new life.
    const MemberId new_id = returns ? next_id_++ : id;
    Member again = member;
    again.away = false;
    again.epoch = 0;
    sim().Cancel(again.session);
    sim().Cancel(again.revocation);
    for (MemberId& with : with_) with = with == id ? new_id : with;
    members_.erase(id);
    Member& joined = members_[new_id] = std::move(again);
    Release(&joined, std::vector<int>(joined.revoking));
    Beat(new_id);
    Reconcile(new_id, nullptr);
    CheckStable();
    return AnswerOf(new_id, joined);
  }
  const MemberId id = next_id_++;
  Member& member = members_[id];
  member.client = request.client;
  member.is_static = request.is_static;
  member.rebalance_timeout = request.rebalance_timeout;
  metrics().members->Set(static_cast<int64_t>(members_.size()));
  NewTarget(RebalanceCause::kJoined);
  Beat(id);
  Reconcile(id, nullptr);
  CheckStable();
  return AnswerOf(id, member);
}

void EpochCoordinator::NewTarget(RebalanceCause cause) {
  CountRebalance(cause);
  ++epoch_;
  std::vector<Member*> by_client;
  for (auto& [id, member] : members_) by_client.push_back(&member);
  std::stable_sort(by_client.begin(), by_client.end(),
                   [](const Member* a, const Member* b) { return a->client < b->client; });
  if (by_client.empty()) {
    CountStable();
    return;
  }
  Assignment before;
  for (const Member* member : by_client) before.push_back(member->target);
  const Assignment target = Assign(assignor_, {partitions()}, before);
  for (size_t i = 0; i < by_client.size(); ++i) by_client[i]->target = target[i];
}

void EpochCoordinator::Reconcile(MemberId id, const std::vector<int>* owned) {
  Member& member = members_[id];
  if (!member.revoking.empty()) {
    if (owned == nullptr) return;
    const bool still = std::any_of(member.revoking.begin(), member.revoking.end(),
                                   [&](int partition) { return Has(*owned, partition); });
    if (still) return;
    sim().Cancel(member.revocation);
    Release(&member, std::vector<int>(member.revoking));
  }
  const std::vector<int> too_much = Without(member.assigned, member.target);
  if (!too_much.empty()) {
    member.assigned = Without(member.assigned, too_much);
    member.revoking = too_much;
    member.revocation = After<"group.revocation_over">(member.rebalance_timeout, [this, id] {
      if (members_.count(id) > 0) Remove(id, RebalanceCause::kNotJoined);
    });
    return;
  }
  member.epoch = epoch_;
  for (const int partition : Without(member.target, member.assigned)) {
    MemberId& with = with_[static_cast<size_t>(partition)];
    if (with != kNoMember) continue;  // Its last member has not let it go: at a later heartbeat.
    with = id;
    member.assigned.push_back(partition);
  }
  std::stable_sort(member.assigned.begin(), member.assigned.end());
}

void EpochCoordinator::Release(Member* member, const std::vector<int>& partitions) {
  for (const int partition : partitions) with_[static_cast<size_t>(partition)] = kNoMember;
  member->revoking = Without(member->revoking, partitions);
  member->assigned = Without(member->assigned, partitions);
}

void EpochCoordinator::Remove(MemberId id, RebalanceCause cause) {
  Member& member = members_[id];
  sim().Cancel(member.session);
  sim().Cancel(member.revocation);
  for (MemberId& with : with_) with = with == id ? kNoMember : with;
  members_.erase(id);
  metrics().members->Set(static_cast<int64_t>(members_.size()));
  NewTarget(cause);
  CheckStable();
}

void EpochCoordinator::Beat(MemberId id) {
  Member& member = members_[id];
  sim().Cancel(member.session);
  member.session = After<"group.session_over">(session_timeout_, [this, id] {
    sim().recorder().Mark(RecordLevel::kState, metrics().lane, "session_over", Now(),
                          members_[id].client + 1, Severity::kWarning);
    Remove(id, RebalanceCause::kSessionOver);
  });
}

void EpochCoordinator::CheckStable() {
  for (const auto& [id, member] : members_) {
    if (member.epoch != epoch_ || member.assigned != member.target) return;
  }
  int dealt = 0;
  for (const auto& [id, member] : members_) {
    for (const int partition : member.assigned) {
      SIM_CHECK(with_[static_cast<size_t>(partition)] == id, "inv.I15",
                absl::StrCat("partition ", partition, " is with two members"));
      ++dealt;
    }
  }
  SIM_CHECK(members_.empty() || dealt == partitions(), "inv.I15",
            absl::StrCat("of ", partitions(), " partitions ", dealt, " are with members"));
  CountStable();
}

bool EpochCoordinator::IsCurrent(MemberId member, int32_t epoch) const {
  const auto found = members_.find(member);
  return found != members_.end() && epoch == found->second.epoch;
}

bool EpochCoordinator::MayCommit(MemberId member, int32_t epoch) const {
  return IsCurrent(member, epoch);
}

void EpochCoordinator::OnUnload() {
  // All of it is in the log; only the clocks are the broker's.
  for (auto& [id, member] : members_) {
    sim().Cancel(member.session);
    sim().Cancel(member.revocation);
  }
}

void EpochCoordinator::OnLoad() {
  for (auto& [id, member] : members_) {
    Beat(id);
    if (member.revoking.empty()) continue;
    member.revocation = After<"group.revocation_over">(member.rebalance_timeout, [this, id = id] {
      if (members_.count(id) > 0) Remove(id, RebalanceCause::kNotJoined);
    });
  }
}

}  // namespace freshet
