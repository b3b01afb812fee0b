// Consumers whose polls somebody else processes (poll_handler.h).
#include <algorithm>

#include "models/client/consumers.h"

namespace freshet {

bool Consumers::HandOver(Member& member) {
  handed_over_.clear();
  for (const Part& part : member.poll) AddRanges(part, member.poll_began);
  if (handed_over_.empty()) {  // Nothing but what transactions withhold.
    PollDone(member);
    return !member.in_poll;
  }
  member.handled = false;
  member.handing_over = true;
  config_.handler->HandlePoll(member.number, handed_over_);
  member.handing_over = false;
  if (!member.handled) return false;
  PollDone(member);
  return !member.in_poll;
}

void Consumers::PollHandled(int number) {
  Member& member = *members_[static_cast<size_t>(number)];
  SIM_REQUIRE(member.in_poll && !member.handled);
  member.handled = true;
  if (member.handing_over) return;  // HandOver() goes on.
  PollDone(member);
  if (!member.in_poll) Poll(member);
}

void Consumers::AddRanges(const Part& part, Time began) {
  const PartitionId partition = part.range.partition;
  const PartitionLog& log = log_->LogOf(partition);
  const Offset end = part.range.to;
  Offset at = part.range.from;
  const auto add = [&](const StampTrail<>& trail) -> RecordRange& {
    handed_over_.emplace_back();
    RecordRange& added = handed_over_.back();
    added.partition = partition;
    added.from = added.base = at;
    added.trail = RecordTrail(trail);
    added.trail.AddService(std::max(trail.End(), part.arrived_at), Milestone::kFetched,
                           network_->component_id());
    added.trail.AddWait(std::max(added.trail.End(), began), Milestone::kProcessed, WaitFor::kPoll,
                        component_id());
    added.trail.AddService(Now(), Milestone::kProcessed, component_id());
    return added;
  };
  const auto interpolated = [&](Offset to, Bytes bytes, Time oldest, Time youngest) {
    StampTrail<> trail(oldest);
    trail.AddWait(std::max(oldest, part.answered_at), Milestone::kFetched, WaitFor::kPoll,
                  component_id());
    RecordRange& added = add(trail);
    added.to = to;
    added.whole = added.high = to - at;
    added.row = {oldest, youngest, to - at};
    added.bytes = bytes;
    added.created = {oldest, 1, oldest, youngest};
    added.interpolated = true;
    at = to;
  };
  if (at < log.log_start_offset()) {
    // Retention overtook the answer on its way.
    const Offset to = std::min(end, log.log_start_offset());
    interpolated(to, Bytes(MulDivFloor(part.range.bytes.count(), to - at, end - part.range.from)),
                 log.ExpiredUntil(), log.ExpiredUntil());
  }
  if (at >= end) return;
  const auto take = [&](const LogRange& range, int64_t records, Bytes) {
    const Batch& batch = range.batch;
    const bool whole = !range.coalesced && records == batch.record_count;
    log.VisitMarks(at, at + records, [&](Offset, Offset to, const RecordMark& mark) {
      const Bytes bytes(range.PositionOf(to) - range.PositionOf(at));
      const RecordStretch stretch = StretchOf(range, partition, at, to, mark);
      if (whole) {
        // One that is cut out of its batch by its mark has come the batch's way.
        const bool uncut = to - at == records;
        const Time start = uncut ? batch.created.Earliest() : range.CreatedAt(at);
        StampTrail<> trail(start);
        AddWay(range, to - at, part, &trail);
        RecordRange& added = add(trail);
        added.to = to;
        added.bytes = bytes;
        added.created = batch.created;
        if (!uncut) added.created = {start, 1, start, range.CreatedAt(to)};
        added.interpolated = !uncut;
        at = to;
      } else {
        interpolated(to, bytes, range.CreatedAt(at), range.CreatedAt(to));
      }
      RecordRange& added = handed_over_.back();
      added.base = range.base_offset;
      added.whole = added.high = batch.record_count;
      added.producer = stretch.producer;
      added.batch_number = stretch.batch_number;
      added.row = stretch.row;
      added.mark = mark;
    });
  };
  if (log.transactions() == nullptr) {
    log.Read(at, end, Bytes(INT64_MAX / 4), take);
    return;
  }
  log.transactions()->Split(
      at, end, config_.isolation,
      [&](Offset from, Offset to, std::optional<TransactionIndex::Withheld> why) {
        at = from;
        if (!why) log.Read(from, to, Bytes(INT64_MAX / 4), take);
      });
}

void Consumers::DropWork(Member& member) {
  const bool dropped = config_.handler != nullptr && member.in_poll && !member.handled;
  member.in_poll = false;
  member.arrived.clear();
  member.poll.clear();
  if (dropped) config_.handler->DropPoll(member.number);
}

void Consumers::CommitNow(int number) {
  Member& member = *members_[static_cast<size_t>(number)];
  SIM_REQUIRE(group_ != nullptr && member.awaits == Awaits::kNothing);
  member.awaits = Awaits::kHandlersCommit;
  member.membership->CommitAndWait();
}

void Consumers::Hold(int member, PartitionId partition) {
  FindOwned(*members_[static_cast<size_t>(member)], partition)->reading = false;
}

void Consumers::Resume(int number, PartitionId partition) {
  Member& member = *members_[static_cast<size_t>(number)];
  Owned* owned = FindOwned(member, partition);
  if (owned == nullptr || owned->reading) return;
  owned->reading = true;
  member.sessions_stale = true;
  Poll(member);
}

void Consumers::NotNeededBelow(PartitionId partition, Offset offset) {
  log_->ConsumedUpTo(partition, reader_[partition - topic_.first], offset);
}

void Consumers::StopReading() {
  SIM_REQUIRE(group_ == nullptr);
  for (const auto& member : members_) {
    CloseSessions(*member);
    DropWork(*member);
    for (Owned& owned : member->owned) owned.reading = false;
  }
}

void Consumers::ResumeAt(const std::vector<Offset>& positions) {
  SIM_REQUIRE(group_ == nullptr && positions.size() == position_.size());
  for (size_t slot = 0; slot < positions.size(); ++slot) {
    cut_ += position_[slot] - positions[slot];
    position_[slot] = positions[slot];
  }
  for (const auto& member : members_) {
    member->metadata = log_->CurrentMetadata(member->host);
    for (Owned& owned : member->owned) {
      owned.position = owned.polled = position_[owned.partition - topic_.first];
      owned.reading = true;
    }
    OpenSessions(*member);
  }
}

void Consumers::StopReading(int number) {
  SIM_REQUIRE(group_ == nullptr);
  Member& member = *members_[static_cast<size_t>(number)];
  CloseSessions(member);
  // Its poll is not to end in the middle of one that comes after ResumeAt().
  member.thread->DropAll();
  ++member.life;
  DropWork(member);
  for (Owned& owned : member.owned) owned.reading = false;
}

void Consumers::ResumeAt(int number, HostId host, const std::vector<Offset>& positions) {
  SIM_REQUIRE(group_ == nullptr && positions.size() == position_.size());
  Member& member = *members_[static_cast<size_t>(number)];
  if (host != member.host) {
    member.host = host;
    hosts_[static_cast<size_t>(number)] = host;
    for (const auto& link : member.links) {
      link->session.request_on = network_->Connect(host, log_->HostOf(link->broker));
      link->session.reply_on = network_->Connect(log_->HostOf(link->broker), host);
    }
  }
  member.metadata = log_->CurrentMetadata(host);
  for (Owned& owned : member.owned) {
    const size_t slot = owned.partition - topic_.first;
    cut_ += position_[slot] - positions[slot];
    position_[slot] = owned.position = owned.polled = positions[slot];
    owned.reading = true;
  }
  OpenSessions(member);
}

void Consumers::CommitOnce(int member) { SendCommit(*members_[static_cast<size_t>(member)]); }

}  // namespace freshet
