#include "models/client/classic_membership.h"

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

void ClassicMembership::OnStart() {
  state_ = State::kOutside;
  rejoins_ = true;
  lost_ = answer_waits_ = false;
  last_share_.clear();
  share_generation_ = 0;
}

void ClassicMembership::OnLost() {
  for (Request* request : {&request_, &heartbeat_}) {
    ++request->sender.generation;
    request->under_way = false;
  }
  answer_waits_ = false;
  if (state_ == State::kJoining || state_ == State::kSyncing) {
    state_ = State::kOutside;
    rejoins_ = true;
  }
}

void ClassicMembership::Forget(bool id_too) {
  if (id_too) id_ = kNoMember;
  generation_ = 0;
  state_ = State::kOutside;
  ++request_.sender.generation;
  request_.under_way = false;
  answer_waits_ = false;
  lost_ = rejoins_ = true;
}

// --- Between polls ---

bool ClassicMembership::Duties() {
  if (answer_waits_) {
    answer_waits_ = false;
    if (state_ == State::kJoining) {
      Joined();
    } else {
      Synced();
    }
    if (answer_waits_) return false;  // What it is to give up is being committed.
  }
  if (!rejoins_ || !knows_coordinator()) return true;
  if (state_ == State::kJoining || state_ == State::kSyncing) return true;
  rejoins_ = false;
  if (lost_) {
    // onPartitionsLost: nothing is committed, others may have them already.
    lost_ = false;
    if (KeepsWhatItHas()) {
      SendJoin();
      return true;
    }
    const std::vector<int> owned = application().OwnedBy(config().client);
    DropUnfetched(owned);
    application().Revoked(config().client, owned);
    last_share_.clear();
    SendJoin();
    return true;
  }
  if (config().auto_commit && state_ == State::kMember) {
    CommitThen(static_cast<void (GroupMembership::*)()>(&ClassicMembership::GiveUpAndJoin));
  } else {
    GiveUpAndJoin();
  }
  return false;
}

void ClassicMembership::JoinAgain() {
  if (state_ != State::kMember) return;
  rejoins_ = true;
  application().Poll(config().client);
}

void ClassicMembership::GiveUpAndJoin() {
  if (!knows_coordinator()) {
    rejoins_ = true;
    return;
  }
  if (!cooperative()) {
    const std::vector<int> owned = application().OwnedBy(config().client);
    DropUnfetched(owned);
    application().Revoked(config().client, owned);
  }
  SendJoin();
  application().Poll(config().client);
}

// --- JoinGroup, SyncGroup ---

void ClassicMembership::SendJoin() {
  state_ = State::kJoining;
  Send(
      &request_,
      [this] {
        ClassicCoordinator::JoinRequest request;
        request.client = config().client;
        request.id = id_;
        request.is_static = config().is_static;
        if (cooperative()) {
          request.owned = application().OwnedBy(config().client);
        } else if (config().assignor == Assignor::kSticky) {
          request.owned = last_share_;
        }
        request.owned_generation = share_generation_;
        request.session_timeout = config().session_timeout;
        request.rebalance_timeout = config().max_poll_interval;
        coordinator_->Join(at(), request,
                           [this, generation = request_.sender.generation](
                               const ClassicCoordinator::JoinAnswer& answer) {
                             if (generation != request_.sender.generation) return;
                             joined_ = answer;
                             Answer(&request_);
                           });
      },
      [this] {
        request_.under_way = false;
        if (application().InPoll(config().client)) {
          answer_waits_ = true;
        } else {
          Joined();
        }
      });
}

void ClassicMembership::Joined() {
  switch (joined_.error) {
    case GroupError::kNone:
      id_ = joined_.id;
      generation_ = joined_.generation;
      shares_.clear();
      withheld_ = 0;
      if (joined_.is_leader) DealOut();
      SendSync();
      return;
    case GroupError::kMemberIdRequired:
      id_ = joined_.id;
      SendJoin();
      return;
    case GroupError::kNotCoordinator:
      LoseCoordinator();
      return;
    case GroupError::kLoading:
      state_ = State::kOutside;
      rejoins_ = true;
      Wait();
      return;
    case GroupError::kUnknownMember:
    case GroupError::kIllegalGeneration:
    case GroupError::kRebalanceInProgress:
      Forget(true);
      application().Poll(config().client);
      return;
  }
}

void ClassicMembership::DealOut() {
  // Two that claim one partition: it was dealt out to the one of the later generation, and the
  // other has not been told yet (KAFKA-14639).
  constexpr int kNobody = -1;
  std::vector<int> claimant(static_cast<size_t>(partitions_), kNobody);
  Assignment owned(joined_.members.size());
  for (size_t i = 0; i < owned.size(); ++i) {
    for (const int partition : joined_.members[i].owned) {
      int& best = claimant[static_cast<size_t>(partition)];
      if (best == kNobody || joined_.members[i].owned_generation >
                                 joined_.members[static_cast<size_t>(best)].owned_generation) {
        best = static_cast<int>(i);
      }
    }
  }
  for (int partition = 0; partition < partitions_; ++partition) {
    const int best = claimant[static_cast<size_t>(partition)];
    if (best != kNobody) owned[static_cast<size_t>(best)].push_back(partition);
  }
  std::vector<int> clients;
  for (const ClassicCoordinator::JoinedMember& each : joined_.members) {
    clients.push_back(each.client);
  }
  Duration again;
  std::optional<Assignment> dealt = application().DealOut(clients, owned, &again);
  Assignment assignment =
      dealt ? *std::move(dealt) : Assign(config().assignor, {partitions_}, owned);
  if (cooperative()) withheld_ = Withhold(owned, &assignment);
  for (size_t i = 0; i < assignment.size(); ++i) {
    const bool leads = joined_.members[i].client == config().client;
    shares_.push_back(
        {joined_.members[i].id, std::move(assignment[i]), leads ? again : Duration::Zero()});
  }
}

void ClassicMembership::ShareTaken(Duration rejoin_after) {
  if (rejoin_after == Duration::Zero()) return;
  After<"member.joins_again">(rejoin_after, [this, share = share_generation_] {
    if (share == share_generation_) JoinAgain();
  });
}

void ClassicMembership::SendSync() {
  state_ = State::kSyncing;
  Send(
      &request_,
      [this] {
        coordinator_->Sync(at(), id_, generation_, shares_, withheld_,
                           [this, generation = request_.sender.generation](
                               const ClassicCoordinator::SyncAnswer& answer) {
                             if (generation != request_.sender.generation) return;
                             synced_ = answer;
                             Answer(&request_);
                           });
      },
      [this] {
        request_.under_way = false;
        if (application().InPoll(config().client)) {
          answer_waits_ = true;
        } else {
          Synced();
        }
      });
}

void ClassicMembership::Synced() {
  switch (synced_.error) {
    case GroupError::kNone:
      TakeShare();
      return;
    case GroupError::kNotCoordinator:
      LoseCoordinator();
      return;
    case GroupError::kRebalanceInProgress:
      SendJoin();
      return;
    case GroupError::kUnknownMember:
    case GroupError::kIllegalGeneration:
      Forget(synced_.error == GroupError::kUnknownMember);
      application().Poll(config().client);
      return;
    case GroupError::kLoading:
    case GroupError::kMemberIdRequired:
      state_ = State::kOutside;
      rejoins_ = true;
      application().Poll(config().client);
      return;
  }
}

void ClassicMembership::TakeShare() {
  const std::vector<int> owned = application().OwnedBy(config().client);
  const std::vector<int> taken = Without(owned, synced_.partitions);
  if (!taken.empty() && !application().ReadyToLose(config().client, taken)) {
    answer_waits_ = true;
    return;
  }
  state_ = State::kMember;
  last_share_ = synced_.partitions;
  share_generation_ = generation_;
  const std::vector<int> given = Without(last_share_, owned);
  if (!taken.empty()) {
    DropUnfetched(taken);
    application().Revoked(config().client, taken);
    rejoins_ = true;  // So that others can have them.
  }
  heard_at_ = Now();
  application().Assigned(config().client, given);
  if (config().fetches_offsets) {
    AddUnfetched(given);
    FetchOffsets();
  }
  BeginHeartbeats();
  BeginCommits();
  ShareTaken(synced_.rejoin_after);
  application().Poll(config().client);
}

// --- Heartbeats, and the end ---

void ClassicMembership::Heartbeat() {
  if (state_ != State::kMember || heartbeat_.under_way) return;
  Send(
      &heartbeat_,
      [this] {
        beaten_ = coordinator_->Heartbeat(at(), id_, generation_);
        Answer(&heartbeat_);
      },
      [this] { Beaten(); });
}

void ClassicMembership::Beaten() {
  heartbeat_.under_way = false;
  if (state_ != State::kMember) return;
  switch (beaten_) {
    case GroupError::kNone:
      heard_at_ = Now();
      return;
    case GroupError::kLoading:
    case GroupError::kMemberIdRequired:
      return;
    case GroupError::kRebalanceInProgress:
      heard_at_ = Now();
      rejoins_ = true;
      break;
    case GroupError::kUnknownMember:
    case GroupError::kIllegalGeneration:
      Forget(beaten_ == GroupError::kUnknownMember);
      break;
    case GroupError::kNotCoordinator:
      LoseCoordinator();
      return;
  }
  application().Poll(config().client);
}

bool ClassicMembership::Leave(RebalanceCause cause) {
  const bool says_so =
      !config().is_static && (config().leave_on_close || cause != RebalanceCause::kLeft);
  if (!says_so || id_ == kNoMember || !knows_coordinator() || leave_.under_way) return false;
  leaves_for_ = cause;
  leaving_id_ = id_;
  Send(
      &leave_,
      [this] {
        coordinator_->Leave(at(), leaving_id_, leaves_for_);
        Answer(&leave_);
      },
      [this] { Left(); });
  return true;
}

}  // namespace freshet
