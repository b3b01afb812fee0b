// Consumers with client.rack: where they read each partition (KIP-392).
#include <algorithm>

#include "models/client/consumers.h"

namespace freshet {

BrokerId Consumers::ReadAt(const Member& member, PartitionId partition) {
  const BrokerId leader = member.metadata->leader[partition];
  if (leases_.empty() || leader == kNoBroker) return leader;
  Lease& lease = LeaseOf(partition);
  if (Now() > lease.until) lease = Lease();
  return lease.replica == kNoBroker ? leader : lease.replica;
}

void Consumers::EndLeases(const Link& link) {
  if (leases_.empty()) return;
  for (const FetchSession::Position& position : link.session.positions) {
    Lease& lease = LeaseOf(position.partition);
    if (lease.replica == link.broker) lease = Lease();
  }
}

void Consumers::EndLeasesAtDeadBrokers() {
  for (Lease& lease : leases_) {
    if (lease.replica != kNoBroker && !log_->IsUp(lease.replica)) lease = Lease();
  }
}

void Consumers::ForgetFollower(PartitionId partition) {
  for (const auto& member : members_) {
    for (const auto& link : member->links) {
      if (!link->session.open || !ReadsAtFollower(*link, partition)) continue;
      const auto& positions = link->session.positions;
      const bool here = std::any_of(
          positions.begin(), positions.end(),
          [partition](const auto& position) { return position.partition == partition; });
      if (!here) continue;
      EndLeases(*link);
      log_->CloseSession(&link->session, link->broker);
      Reopen();
    }
  }
}

void Consumers::TakePreferred(Link* link) {
  for (const FetchSession::Preferred& preferred : link->session.preferred) {
    const PartitionId partition = link->session.positions[preferred.index].partition;
    LeaseOf(partition) = {preferred.replica, Now() + config_.metadata_max_age};
    sent_elsewhere_->Add(1);
  }
  link->regroup = true;
}

void Consumers::Regroup(Link* link) {
  Member& member = *link->member;
  for (const Owned& owned : member.owned) {
    const PartitionId partition = owned.partition;
    if (!owned.reading) continue;
    // Its own, and those that wait for a session: where they were to go may be over meanwhile.
    BrokerId& session_at = session_at_[partition - topic_.first];
    if (session_at != link->broker && session_at != kNoBroker) continue;
    const BrokerId at = ReadAt(member, partition);
    if (at == link->broker) continue;
    session_at = kNoBroker;
    if (at == kNoBroker || !log_->IsUp(at)) {
      Reopen();  // Nobody answers there: the leader is asked again after a while.
    } else {
      member.links[at]->regroup = true;
    }
  }
  OpenGrouped(link);
  // One fetch to a broker at a time: who has one under way takes on more when it is answered.
  for (const auto& other : member.links) {
    if (other->regroup && !other->session.open) OpenGrouped(other.get());
  }
}

void Consumers::OpenGrouped(Link* link) {
  FetchSession& session = link->session;
  if (session.open) log_->CloseSession(&session, link->broker);
  session.positions.clear();
  link->regroup = false;
  if (log_->CurrentMetadata(link->member->host)->version != link->member->metadata->version) {
    Reopen();  // FENCED_LEADER_EPOCH
    return;
  }
  for (const Owned& owned : link->member->owned) {
    if (!owned.reading || ReadAt(*link->member, owned.partition) != link->broker) continue;
    if (log_->IsUp(link->broker)) session.positions.push_back({owned.partition, owned.polled});
  }
  NoteSession(link);
  if (session.positions.empty()) return;
  log_->OpenSession(&session, link->broker);
  log_->Fetch(&session, link->broker);
}

void Consumers::NoteSession(Link* link) {
  link->regroup = false;
  link->lease_until = Time::Max();
  if (leases_.empty()) return;
  for (const FetchSession::Position& position : link->session.positions) {
    session_at_[position.partition - topic_.first] = link->broker;
    const Lease& lease = LeaseOf(position.partition);
    if (lease.replica == link->broker) {
      link->lease_until = std::min(link->lease_until, lease.until);
    }
  }
}

}  // namespace freshet
