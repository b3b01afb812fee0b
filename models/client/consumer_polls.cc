// The poll loop of Consumers: from a broker's answer to records that are visible.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "models/client/consumers.h"

namespace freshet {

void Consumers::Arrived(Link* link) {
  link->arrived_at = Now();
  const FetchSession& session = link->session;
  fetches_.Add(session.answers);
  Member& member = *link->member;
  // What is out of range is skipped from the end of the running poll on.
  const bool waits = member.in_poll && !session.out_of_range.empty();
  if (session.response.empty() && !waits) {
    ResponseDone(link);
    return;
  }
  if (!polls_have_bounds_ && member.membership == nullptr) {
    // One poll takes all of it, and no time.
    for (const FetchedRange& range : session.response) {
      FindOwned(member, range.partition)->polled = range.to;
      CountPart(member, PartOf(link, range));
    }
    ResponseDone(link);
    return;
  }
  link->range = 0;
  link->next = waits && session.response.empty() ? 0 : session.response[0].from;
  member.arrived.push_back({link, session.generation});
  Poll(member);
}

Consumers::Part Consumers::PartOf(Link* link, const FetchedRange& range) const {
  const FetchSession& session = link->session;
  return {link,
          session.generation,
          range,
          session.answered_at,
          session.served_at,
          link->arrived_at,
          ReadsAtFollower(*link, range.partition),
          session.waited,
          link->throttled,
          session.served_by};
}

void Consumers::Poll(Member& member) {
  while (!member.in_poll && !member.hung) {
    if (member.membership != nullptr) {
      member.poll_over = false;
      if (!member.membership->BeforePoll()) return;
      if (member.in_poll) return;  // What was due has led to a poll already.
      if (member.sessions_stale) {
        member.sessions_stale = false;
        OpenSessions(member);
      }
    }
    if (!TakePoll(member)) return;
    member.in_poll = true;
    member.poll_began = Now();
    if (config_.group &&
        config_.group->application_commits == ApplicationCommits::kBeforeProcessing) {
      member.awaits = Awaits::kCommitBefore;
      member.membership->CommitAndWait();
      return;
    }
    if (!Work(member)) return;
  }
}

bool Consumers::TakePoll(Member& member) {
  member.poll.clear();
  int64_t left = polls_have_bounds_ ? config_.max_poll_records : INT64_MAX;
  while (!member.arrived.empty() && left > 0) {
    Link* link = member.arrived.front().link;
    FetchSession& session = link->session;
    if (member.arrived.front().generation != session.generation) {
      member.arrived.pop_front();
      continue;
    }
    if (session.response.empty()) {
      member.arrived.pop_front();
      ResponseDone(link);
      continue;
    }
    const FetchedRange& range = session.response[link->range];
    Owned* owned = FindOwned(member, range.partition);
    SIM_CHECK(owned != nullptr && link->next == owned->polled, "inv.I7",
              absl::StrCat("partition ", range.partition, ": fetched from ", link->next,
                           ", expected ", owned == nullptr ? -1 : owned->polled));
    const Offset to =
        left >= range.to - link->next
            ? range.to
            : EndOfPart(range.partition, link->next, range.to, left, member.poll.empty());
    if (to == link->next) break;  // The next batch is for the next poll.
    left -= to - link->next;
    owned->polled = to;
    const bool whole = to == range.to;
    Part part = PartOf(link, {range.partition, link->next, to, whole ? range.bytes : Bytes(0)});
    link->next = to;
    if (whole && ++link->range == session.response.size()) {
      part.ends_response = true;
      member.arrived.pop_front();
    } else if (whole) {
      link->next = session.response[link->range].from;
    }
    member.poll.push_back(part);
  }
  return !member.poll.empty();
}

// A poll ends with a batch if it can, so that the records of a batch stay together.
Offset Consumers::EndOfPart(PartitionId partition, Offset from, Offset to, int64_t most,
                            bool first) const {
  const PartitionLog& log = log_->LogOf(partition);
  const Offset start = std::max(from, std::min(log.log_start_offset(), to));
  if (start - from >= most) return from + most;
  Offset at = start;
  bool full = false;
  if (at < to) {
    log.Read(at, to, Bytes(INT64_MAX / 4), [&](const LogRange& range, int64_t records, Bytes) {
      if (full) return;
      const int64_t room = most - (at - from);
      if (records <= room) {
        at += records;
        return;
      }
      full = true;
      if (range.coalesced || (first && at == from)) at += room;
    });
  }
  return at;
}

bool Consumers::Work(Member& member) {
  int64_t records = 0;
  for (const Part& part : member.poll) records += GivenOf(part.range);
  const int64_t polls =
      std::max<int64_t>(1, (records + config_.max_poll_records - 1) / config_.max_poll_records);
  const Duration work = config_.cpu_per_poll * polls + config_.cpu_per_record * records;
  if (work == Duration::Zero()) {
    if (config_.handler != nullptr) return HandOver(member);
    PollDone(member);
    return true;
  }
  member.thread->Serve(work, [this, raw = &member, life = member.life] {
    if (life != raw->life) return;
    if (config_.handler != nullptr) {
      if (HandOver(*raw)) Poll(*raw);
      return;
    }
    PollDone(*raw);
    Poll(*raw);
  });
  return false;
}

void Consumers::PollDone(Member& member) {
  for (size_t i = 0; i < member.poll.size(); ++i) {
    const Part& part = member.poll[i];
    CountPart(member, part);
    if (part.ends_response && part.generation == part.link->session.generation) {
      ResponseDone(part.link);
    }
  }
  member.poll.clear();
  if (config_.group && config_.group->application_commits == ApplicationCommits::kAfterProcessing) {
    member.awaits = Awaits::kCommitAfter;
    member.membership->CommitAndWait();
    return;
  }
  member.in_poll = false;
}

void Consumers::CountPart(Member& member, const Part& part) {
  const FetchedRange& done = part.range;
  const size_t slot = done.partition - topic_.first;
  Owned* owned = FindOwned(member, done.partition);
  SIM_CHECK(owned != nullptr && done.from == owned->position, "inv.I7",
            absl::StrCat("partition ", done.partition, ": processed from ", done.from,
                         ", expected ", owned == nullptr ? -1 : owned->position));
  owned->position = done.to;
  if (log_->LogOf(done.partition).transactions() == nullptr) {
    CountGiven(member, part, done.from, done.to);
  } else {
    CountIsolated(member, part);
  }
  if (group_ == nullptr || group_->progress[slot].owner == member.number) {
    position_[slot] = done.to;
  }
  bytes_.Add(done.bytes.count());
  if (part.at_follower) from_followers_->Add(done.bytes.count());
  if (config_.handler == nullptr) {
    log_->ConsumedUpTo(done.partition, reader_[slot], position_[slot]);
  }
}

void Consumers::CountGiven(Member& member, const Part& part, Offset from, Offset to) {
  if (group_ == nullptr) {
    CountRecords(part, from, to);
  } else {
    int64_t fresh = 0;
    TakeNew(part.range.partition - topic_.first, from, to, SourceEffects::How::kDone,
            [&](Offset low, Offset high) {
              CountRecords(part, low, high);
              fresh += high - low;
            });
    group_->redelivered->Add(to - from - fresh);
    member.records += to - from;
  }
  records_.Add(to - from);
}

void Consumers::CountRecords(const Part& part, Offset from, Offset to) {
  if (config_.handler != nullptr) return;  // They are not visible yet.
  const PartitionLog& log = log_->LogOf(part.range.partition);
  Offset at = from;
  if (at < log.log_start_offset()) {
    // Retention overtook the answer on its way: how old the records were is known at the least.
    const int64_t gone = std::min(to, log.log_start_offset()) - at;
    end_to_end_.Record(Now() - log.ExpiredUntil(), gone);
    interpolated_.Add(gone);
    at += gone;
  }
  if (at == to) return;
  log.Read(at, to, Bytes(INT64_MAX / 4), [&](const LogRange& range, int64_t records, Bytes) {
    CountRange(range, at, records, part);
    at += records;
  });
}

void Consumers::CountRange(const LogRange& range, Offset from, int64_t records, const Part& part) {
  const Batch& batch = range.batch;
  if (records != batch.record_count || range.coalesced) {
    // A part of a range: the row of its creation times is cut in proportion, and says so.
    const Duration oldest = Now() - range.CreatedAt(from);
    const Duration youngest = Now() - range.CreatedAt(from + records);
    end_to_end_.RecordEvenly(youngest.nanos(), oldest.nanos(), records);
    interpolated_.Add(records);
    if (event_to_visible_ != nullptr) CountEvents(range, from, from + records, part, false);
    return;
  }
  const __int128 ages = batch.created.RecordUntil(Now(), records, end_to_end_);
  if (event_to_visible_ != nullptr) {
    CountEvents(range, from, from + records, part, true);
    return;
  }
  StampTrail<> trail = TrailOf(range, part);
  trail.AddService(Now(), Milestone::kVisible, component_id());
  const Time start = trail.Start();
  const __int128 entered = static_cast<__int128>((Now() - start).nanos()) * records - ages;
  waterfall_.Add(trail, records, entered);
  if (ranges_counted_++ % kSpanEvery == 0) {
    sim().recorder().Span(RecordLevel::kSpans, lane_, "created_to_visible", start, Now(), records);
  }
}

// From the earliest creation to the arrival at the member.
StampTrail<> Consumers::TrailOf(const LogRange& range, const Part& part) const {
  StampTrail<> trail(range.batch.created.Earliest());
  AddWay(range, range.batch.record_count, part, &trail);
  return trail;
}

void Consumers::AddWay(const LogRange& range, int64_t records, const Part& part,
                       StampTrail<>* way) const {
  const Batch& batch = range.batch;
  StampTrail<>& trail = *way;
  const Time closed = std::max({batch.closed_at, batch.created.high, batch.created.first});
  const ComponentId me = component_id();
  const ComponentId wire = network_->component_id();
  trail.AddWait(closed, Milestone::kSent, WaitFor::kTimer, batch.producer_component);
  trail.AddWait(std::max(closed, batch.sent_at), Milestone::kSent,
                batch.throttled_at_producer ? WaitFor::kQuota : WaitFor::kBackPressure,
                batch.producer_component);
  trail.AddWait(std::max(trail.End(), batch.resent_at), Milestone::kSent, WaitFor::kRetry,
                batch.producer_component);
  trail.AddService(std::max(trail.End(), batch.received_at), Milestone::kAppended, wire);
  trail.AddWait(std::max(trail.End(), batch.taken_at), Milestone::kAppended,
                batch.throttled_at_broker ? WaitFor::kQuota : WaitFor::kQueue,
                batch.leader_component);
  trail.AddService(std::max(trail.End(), batch.appended_at), Milestone::kAppended,
                   batch.leader_component);
  trail.AddWait(std::max(trail.End(), batch.durable_at), Milestone::kDurable, WaitFor::kAck,
                batch.leader_component, batch.durable_blocker);
  if (transaction_wait_ != nullptr) AddTransactionWait(range, records, part, &trail);
  // A fetch that waits at a follower waits for its leader to tell it what is committed.
  const ComponentId server = part.at_follower ? part.served_by : batch.leader_component;
  const bool untold = part.at_follower && part.waited && !part.throttled;
  trail.AddWait(std::max(trail.End(), part.answered_at), Milestone::kFetched,
                part.throttled ? WaitFor::kQuota
                : untold       ? WaitFor::kAck
                               : WaitFor::kPoll,
                untold ? server : me);
  trail.AddService(std::max(trail.End(), part.served_at), Milestone::kFetched, server);
  trail.AddService(part.arrived_at, Milestone::kFetched, wire);
}

void Consumers::ResponseDone(Link* link) {
  FetchSession& session = link->session;
  if (session.failed) {
    EndLeases(*link);
    Reopen();
    return;
  }
  const uint32_t generation = session.generation;
  for (const uint32_t index : session.out_of_range) {
    SkipDeleted(link, index);
    if (generation != session.generation) return;  // The member has given up.
  }
  if (!leases_.empty() && !session.preferred.empty()) TakePreferred(link);
  if (session.throttle > Duration::Zero()) {
    FetchLater(link);
    return;
  }
  link->throttled = false;
  if (!leases_.empty() && (link->regroup || Now() > link->lease_until)) {
    Regroup(link);
    return;
  }
  log_->Fetch(&session, link->broker);
}

}  // namespace freshet
