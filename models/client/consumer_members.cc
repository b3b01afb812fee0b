// Members of a Consumers group that subscribes: partitions that come and go, processes that stop,
// hang and start.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "models/client/classic_membership.h"
#include "models/client/consumers.h"
#include "models/client/epoch_membership.h"

namespace freshet {

void Consumers::JoinGroup() {
  const Group& text = *config_.group;
  group_ = std::make_unique<GroupState>();
  GroupState& group = *group_;
  group.metrics.rebalances = &AddCounter(GroupMetrics::kRebalances);
  for (int cause = 0; cause < kRebalanceCauses; ++cause) {
    group.metrics.by_cause[static_cast<size_t>(cause)] =
        &AddCounter(GroupMetrics::kRebalancesBy[cause]);
  }
  group.metrics.rebalance_time = &AddDistribution(GroupMetrics::kRebalanceTime);
  group.metrics.members = &AddGauge(GroupMetrics::kMembers);
  group.metrics.rebalancing = &AddGauge(GroupMetrics::kRebalancing);
  group.metrics.unavailable = &AddGauge(GroupMetrics::kUnavailable);
  group.metrics.fenced = &AddCounter(GroupMetrics::kFenced);
  group.metrics.lane = lane_;
  group.redelivered = &AddCounter(kRedelivered);
  group.passed_over = &AddGauge(kPassedOver);
  group.revoked = &AddCounter(kRevoked);
  group.unowned = &AddGauge(kUnowned);
  group.unowned_time = &AddDistribution(kUnownedTime);
  group.zombies = &AddCounter(kZombies);
  group.progress.resize(static_cast<size_t>(topic_.count));

  const LogService::TopicPartitions offsets = log_->PartitionsOf(text.offsets_topic);
  GroupCoordinator::Config config;
  config.group = text.id;
  config.topic = config_.topic;
  config.partitions = topic_.count;
  config.offsets_first = offsets.first;
  config.offsets_partitions = offsets.count;
  config.offsets_segment = text.offsets_segment;
  config.load_rate = text.load_rate;
  config.other_bytes = text.other_bytes;
  const std::string name_of = absl::StrCat(name(), "/coordinator");
  ClassicCoordinator* classic = nullptr;
  EpochCoordinator* epochs = nullptr;
  if (text.protocol == GroupProtocol::kClassic) {
    auto made = std::make_unique<ClassicCoordinator>(sim(), name_of, log_, config,
                                                     text.initial_rebalance_delay, &group.metrics);
    classic = made.get();
    coordinator_ = std::move(made);
  } else {
    auto made = std::make_unique<EpochCoordinator>(sim(), name_of, log_, config, text.assignor,
                                                   text.session_timeout, &group.metrics);
    epochs = made.get();
    coordinator_ = std::move(made);
  }

  GroupMembership::Application* const application = this;
  for (const auto& member : members_) {
    GroupMembership::Config standing;
    standing.client = member->number;
    standing.host = member->host;
    standing.is_static = text.static_members;
    standing.leave_on_close = text.leave_on_close;
    standing.auto_commit = config_.auto_commit;
    standing.read_committed = config_.isolation == Isolation::kReadCommitted;
    standing.auto_commit_interval = config_.auto_commit_interval;
    standing.heartbeat_interval = text.heartbeat_interval;
    standing.session_timeout = text.session_timeout;
    standing.max_poll_interval = text.max_poll_interval;
    standing.retry_backoff = text.retry_backoff;
    standing.assignor = text.assignor;
    const std::string standing_name =
        absl::StrCat(name(), "/member-", member->number + 1, "/membership");
    if (classic != nullptr) {
      member->membership = std::make_unique<ClassicMembership>(
          sim(), standing_name, network_, log_, classic, application, standing, topic_.count);
    } else {
      member->membership = std::make_unique<EpochMembership>(sim(), standing_name, network_, log_,
                                                             epochs, application, standing);
    }
    member->stopped = member->number >= member_count() - config_.absent_members;
  }
}

// --- What it has ---

Consumers::Owned* Consumers::FindOwned(Member& member, PartitionId partition) {
  if (member.owned.empty() || partition < member.owned.front().partition) return nullptr;
  const size_t index = partition - member.owned.front().partition;
  if (index < member.owned.size() && member.owned[index].partition == partition) {
    return &member.owned[index];  // The range assignor's have no gaps.
  }
  const auto found = std::lower_bound(
      member.owned.begin(), member.owned.end(), partition,
      [](const Owned& owned, PartitionId wanted) { return owned.partition < wanted; });
  return found != member.owned.end() && found->partition == partition ? &*found : nullptr;
}

bool Consumers::InPoll(int client) const {
  const Member& member = *members_[static_cast<size_t>(client)];
  return member.in_poll || member.hung;
}

std::vector<int> Consumers::OwnedBy(int member) const {
  std::vector<int> partitions;
  for (const Owned& owned : members_[static_cast<size_t>(member)]->owned) {
    partitions.push_back(static_cast<int>(owned.partition - topic_.first));
  }
  return partitions;
}

GroupMembership::Positions Consumers::PositionsOf(int client) const {
  GroupMembership::Positions positions;
  for (const Owned& owned : members_[static_cast<size_t>(client)]->owned) {
    if (!owned.reading) continue;
    Offset to = owned.polled;
    if (config_.handler != nullptr) to = config_.handler->Committable(client, owned.partition, to);
    positions.emplace_back(static_cast<int>(owned.partition - topic_.first), to);
  }
  return positions;
}

void Consumers::Assigned(int client, const std::vector<int>& partitions) {
  Member& member = *members_[static_cast<size_t>(client)];
  for (const int partition : partitions) {
    Progress& progress = group_->progress[static_cast<size_t>(partition)];
    for (const int holder : progress.holders) {
      // Only who is not of the group any more may still have it, and not know.
      SIM_CHECK(!members_[static_cast<size_t>(holder)]->membership->IsCurrent(), "inv.I15",
                absl::StrCat("partition ", partition, " is given to member ", client + 1,
                             " while member ", holder + 1, " has it"));
      group_->zombies->Add(1);
      sim().recorder().Mark(RecordLevel::kState, lane_, "zombie", Now(), holder + 1,
                            Severity::kWarning);
    }
    if (progress.unowned_since) {
      group_->unowned_time->Record(Now() - *progress.unowned_since);
      group_->unowned->Add(-1);
      progress.unowned_since.reset();
    }
    progress.holders.push_back(client);
    progress.owner = client;
    member.owned.push_back({topic_.first + static_cast<PartitionId>(partition), 0, 0, false});
  }
  std::stable_sort(member.owned.begin(), member.owned.end(),
                   [](const Owned& a, const Owned& b) { return a.partition < b.partition; });
}

void Consumers::Begin(int client, int partition, std::optional<Offset> committed) {
  Member& member = *members_[static_cast<size_t>(client)];
  if (!committed && config_.start_from == StartFrom::kNone) {
    GiveUp(member);
    return;
  }
  const auto slot = static_cast<size_t>(partition);
  const PartitionId id = topic_.first + static_cast<PartitionId>(partition);
  const Offset from =
      committed ? std::min(*committed, log_->LatestOffset(id, Isolation::kReadUncommitted))
                : ResetOffset(id);
  Owned& owned = *FindOwned(member, id);
  owned.position = owned.polled = from;
  owned.reading = true;
  position_[slot] = from;
  SourceEffects& effects = group_->progress[slot].effects;
  effects.Begin(from);
  effects.Reach(from);
  start_[slot] = effects.start();
  UpdatePassedOver(slot);
  member.sessions_stale = true;
  if (config_.handler != nullptr) config_.handler->PartitionBegins(client, id, from);
}

void Consumers::Drop(Member& member, int partition) {
  Progress& progress = group_->progress[static_cast<size_t>(partition)];
  auto& holders = progress.holders;
  holders.erase(std::remove(holders.begin(), holders.end(), member.number), holders.end());
  if (progress.owner != member.number) return;
  progress.owner = kNobody;
  progress.unowned_since = Now();
  group_->unowned->Add(1);
}

void Consumers::Revoked(int client, const std::vector<int>& partitions) {
  Member& member = *members_[static_cast<size_t>(client)];
  if (partitions.empty()) return;
  for (const int partition : partitions) {
    Drop(member, partition);
    const PartitionId id = topic_.first + static_cast<PartitionId>(partition);
    if (config_.handler != nullptr) config_.handler->PartitionEnds(client, id);
    const Owned* owned = FindOwned(member, id);
    member.owned.erase(member.owned.begin() + (owned - member.owned.data()));
  }
  group_->revoked->Add(static_cast<int64_t>(partitions.size()));
  // What was fetched of them is thrown away.
  OpenSessions(member);
}

void Consumers::CommitEnded(int client) {
  Member& member = *members_[static_cast<size_t>(client)];
  const Awaits awaited = member.awaits;
  member.awaits = Awaits::kNothing;
  if (awaited == Awaits::kCommitBefore) {
    if (Work(member)) Poll(member);
  } else if (awaited == Awaits::kCommitAfter) {
    member.in_poll = false;
    Poll(member);
  } else if (awaited == Awaits::kHandlersCommit) {
    config_.handler->CommitEnded(client);
    Poll(member);
  }
}

// --- Processes ---

void Consumers::StartMember(Member& member) {
  ++member.life;
  member.metadata = log_->CurrentMetadata(member.host);
  SetHostDown(member, false);
  member.membership->Start();
  WatchPolls(&member);
}

void Consumers::CrashMember(Member& member) {
  sim().recorder().Mark(RecordLevel::kState, lane_, "member_down", Now(), member.number + 1,
                        Severity::kCritical);
  member.lost += static_cast<int64_t>(member.owned.size());
  member.membership->Crash();
  CloseSessions(member);
  SetHostDown(member, true);
  member.thread->DropAll();
  if (member.hung) member.thread->SetDown(false);
  member.hung = false;
  DropWork(member);
  if (config_.handler != nullptr) config_.handler->MemberDied(member.number);
  member.awaits = Awaits::kNothing;
  for (const int partition : OwnedBy(member.number)) Drop(member, partition);
  member.owned.clear();
  ++member.life;
}

void Consumers::GiveUp(Member& member) {
  sim().recorder().Mark(RecordLevel::kState, lane_, "no_offset", Now(), member.number + 1,
                        Severity::kCritical);
  member.stopped = true;
  After<"consumer.gives_up">(Duration::Zero(), [raw = &member] { raw->membership->Close(); });
}

void Consumers::SetMemberDown(int number, bool down) {
  Member& member = *members_[static_cast<size_t>(number)];
  if (member.down == down) return;
  member.down = down;
  if (!started_) return;
  if (down) {
    const bool was_closing = member.stopped && member.membership->running();
    if (member.membership->running()) CrashMember(member);
    if (was_closing) Closed(number);
  } else if (!member.stopped) {
    StartMember(member);
  }
}

void Consumers::SetMemberHung(int number, bool hung) {
  Member& member = *members_[static_cast<size_t>(number)];
  if (member.hung == hung || !member.membership->running()) return;
  member.hung = hung;
  member.thread->SetDown(hung);
  if (hung) {
    sim().recorder().Mark(RecordLevel::kState, lane_, "member_hangs", Now(), number + 1,
                          Severity::kCritical);
    ++member.lost;
    if (!member.in_poll) member.poll_began = Now();
  } else {
    Poll(member);
  }
}

GroupCoordinator::Commit Consumers::NextCommitOf(int member) const {
  SIM_REQUIRE(group_ != nullptr);
  return members_[static_cast<size_t>(member)]->membership->NextCommit();
}

void Consumers::SetMemberSpeed(int number, Ratio speed) {
  members_[static_cast<size_t>(number)]->thread->SetSpeed(speed);
}

int64_t Consumers::WorkOf(int number) const {
  const Member& member = *members_[static_cast<size_t>(number)];
  return member.records + member.lost;
}

void Consumers::WatchPolls(Member* member) {
  const Duration most = config_.group->max_poll_interval;
  const bool polling = (member->in_poll || member->hung) && !member->poll_over;
  At<"consumer.poll_watch">(
      (polling ? member->poll_began : Now()) + most, [this, member, life = member->life] {
        if (life != member->life || !member->membership->running()) return;
        const bool busy = (member->in_poll || member->hung) && !member->poll_over;
        if (busy && Now() - member->poll_began >= config_.group->max_poll_interval) {
          member->poll_over = true;
          sim().recorder().Mark(RecordLevel::kState, lane_, "poll_interval_over", Now(),
                                member->number + 1, Severity::kWarning);
          member->membership->PollIntervalOver();
        }
        WatchPolls(member);
      });
}

// --- Tasks ---

void Consumers::StartProcess(int number) {
  Member& member = *members_[static_cast<size_t>(number)];
  SIM_REQUIRE(started_ && !member.membership->running());
  member.stopped = false;
  if (!member.down) StartMember(member);  // Else as the fault ends.
}

void Consumers::CloseProcess(int number) {
  Member& member = *members_[static_cast<size_t>(number)];
  member.stopped = true;
  member.membership->Close();
}

void Consumers::FailProcess(int number) {
  Member& member = *members_[static_cast<size_t>(number)];
  if (!member.membership->running()) return;
  member.thread->DropAll();
  DropWork(member);
  member.awaits = Awaits::kNothing;
  for (Owned& owned : member.owned) owned.polled = owned.position;
  ++member.life;
  CloseProcess(number);
}

void Consumers::KillProcess(int number) {
  Member& member = *members_[static_cast<size_t>(number)];
  member.stopped = true;
  if (member.membership->running()) CrashMember(member);
}

void Consumers::LoseAll(int number) {
  Member& member = *members_[static_cast<size_t>(number)];
  if (!member.membership->running()) return;
  DropWork(member);
  member.awaits = Awaits::kNothing;
  for (Owned& owned : member.owned) owned.polled = owned.position;
  member.membership->PollIntervalOver();
  Poll(member);
}

bool Consumers::IsRunning(int number) const {
  return members_[static_cast<size_t>(number)]->membership->running();
}

void Consumers::SetMemberCutOff(int number, bool cut_off) {
  members_[static_cast<size_t>(number)]->membership->SetCutOff(cut_off);
}

// --- What operators do ---

void Consumers::Closed(int client) {
  Member& member = *members_[static_cast<size_t>(client)];
  CloseSessions(member);
  SetHostDown(member, true);
  ++member.life;
  if (config_.handler != nullptr) config_.handler->MemberClosed(client);
  if (group_->closing == 0 || --group_->closing > 0) return;
  if (group_->restarts) {
    RestartAfter();
  } else {
    group_->done();
  }
}

void Consumers::RestartAll(Duration start_time, Duration min_ready, Callback done) {
  group_->restart_time = start_time;
  group_->min_ready = min_ready;
  group_->done = done;
  group_->restarts = true;
  for (const auto& member : members_) {
    if (!member->stopped) group_->restarting.push_back(member->number);
  }
  std::reverse(group_->restarting.begin(), group_->restarting.end());
  RestartNext();
}

void Consumers::RestartNext() {
  if (group_->restarting.empty()) {
    group_->restarts = false;
    group_->done();
    return;
  }
  Member& member = *members_[static_cast<size_t>(group_->restarting.back())];
  member.stopped = true;
  group_->closing = 1;
  member.membership->Close();
}

void Consumers::RestartAfter() {
  After<"consumer.started">(group_->restart_time, [this] {
    Member& member = *members_[static_cast<size_t>(group_->restarting.back())];
    group_->restarting.pop_back();
    member.stopped = false;
    if (started_ && !member.down) StartMember(member);
    After<"consumer.ready">(group_->min_ready, [this] { RestartNext(); });
  });
}

void Consumers::AddMembers(int count, Duration start_time, Callback done) {
  group_->done = done;
  After<"consumer.added">(start_time, [this, count] {
    int left = count;
    for (const auto& member : members_) {
      if (!member->stopped || left == 0) continue;
      --left;
      member->stopped = false;
      if (started_ && !member->down) StartMember(*member);
    }
    group_->done();
  });
}

void Consumers::RemoveMembers(int count, Callback done) {
  group_->done = done;
  std::vector<Member*> going;
  for (size_t i = members_.size(); i > 0 && going.size() < static_cast<size_t>(count); --i) {
    if (!members_[i - 1]->stopped) going.push_back(members_[i - 1].get());
  }
  if (going.empty()) {
    done();
    return;
  }
  group_->closing = static_cast<int>(going.size());
  for (Member* member : going) {
    member->stopped = true;
    member->membership->Close();
  }
}

}  // namespace freshet
