#include "models/client/epoch_membership.h"

#include <algorithm>
#include <iterator>

namespace freshet {
namespace {

std::vector<int> Without(const std::vector<int>& a, const std::vector<int>& b) {
  std::vector<int> rest;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(rest));
  return rest;
}

}  // namespace

void EpochMembership::OnStart() {
  is_member_ = lost_ = again_ = false;
  share_.clear();
  BeginHeartbeats();
}

void EpochMembership::OnLost() {
  ++heartbeat_.sender.generation;
  heartbeat_.under_way = false;
  again_ = false;
}

void EpochMembership::Forget() {
  id_ = kNoMember;
  generation_ = 0;
  is_member_ = again_ = false;
  ++heartbeat_.sender.generation;
  heartbeat_.under_way = false;
  share_.clear();
  lost_ = true;
}

bool EpochMembership::Duties() {
  const int me = config().client;
  if (lost_) {
    lost_ = false;
    const std::vector<int> owned = application().OwnedBy(me);
    DropUnfetched(owned);
    application().Revoked(me, owned);
    BeginHeartbeats();
  }
  if (!is_member_) {
    if (knows_coordinator()) Heartbeat();
    return true;
  }
  const std::vector<int> owned = application().OwnedBy(me);
  if (owned == share_) return true;
  if (config().auto_commit && !Without(owned, share_).empty()) {
    CommitThen(static_cast<void (GroupMembership::*)()>(&EpochMembership::TakeShare));
    return false;
  }
  TakeShare();
  return true;
}

void EpochMembership::TakeShare() {
  if (!is_member_) {  // Fenced while it committed.
    application().Poll(config().client);
    return;
  }
  const int me = config().client;
  const std::vector<int> owned = application().OwnedBy(me);
  const std::vector<int> taken = Without(owned, share_);
  const std::vector<int> given = Without(share_, owned);
  DropUnfetched(taken);
  if (!taken.empty()) application().Revoked(me, taken);
  application().Assigned(me, given);
  AddUnfetched(given);
  FetchOffsets();
  // The broker waits to hear of it.
  again_ = true;
  if (knows_coordinator()) Heartbeat();
  application().Poll(me);
}

void EpochMembership::Heartbeat() {
  if (heartbeat_.under_way || lost_) return;
  again_ = false;
  asks_.client = config().client;
  asks_.id = id_;
  asks_.is_static = config().is_static;
  asks_.epoch = is_member_ ? generation_ : EpochCoordinator::kJoin;
  asks_.owned = application().OwnedBy(config().client);
  asks_.rebalance_timeout = config().max_poll_interval;
  Send(
      &heartbeat_,
      [this] {
        told_ = coordinator_->Heartbeat(at(), asks_);
        Answer(&heartbeat_);
      },
      [this] { Beaten(); });
}

void EpochMembership::Beaten() {
  heartbeat_.under_way = false;
  switch (told_.error) {
    case GroupError::kNone:
      id_ = told_.id;
      generation_ = told_.epoch;
      is_member_ = true;
      share_ = told_.partitions;
      break;
    case GroupError::kNotCoordinator:
      LoseCoordinator();
      return;
    case GroupError::kUnknownMember:
      Forget();
      break;
    case GroupError::kLoading:
    case GroupError::kMemberIdRequired:
    case GroupError::kIllegalGeneration:
    case GroupError::kRebalanceInProgress:
      return;  // At the next heartbeat.
  }
  if (again_ && knows_coordinator()) Heartbeat();
  application().Poll(config().client);
}

bool EpochMembership::Leave(RebalanceCause cause) {
  const bool says_so = config().leave_on_close || cause != RebalanceCause::kLeft;
  if (!says_so || !is_member_ || !knows_coordinator() || leave_.under_way) return false;
  leaves_ = EpochCoordinator::Request();
  leaves_.client = config().client;
  leaves_.id = id_;
  leaves_.epoch = config().is_static ? EpochCoordinator::kLeaveForAWhile : EpochCoordinator::kLeave;
  leaves_.cause = cause;
  Send(
      &leave_,
      [this] {
        coordinator_->Heartbeat(at(), leaves_);
        Answer(&leave_);
      },
      [this] { Left(); });
  return true;
}

}  // namespace freshet
