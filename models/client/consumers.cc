#include "models/client/consumers.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "models/log/first_up.h"

namespace freshet {
namespace {

// How long a consumer waits before it asks for metadata again: retry.backoff.ms.
constexpr Duration kMetadataBackoff = Milliseconds(100);
constexpr Duration kSampleInterval = Seconds(1);

}  // namespace

Consumers::Consumers(Simulation& sim, absl::string_view name, Network* network, LogService* log,
                     const Config& config)
    : Component(sim, name),
      config_(config),
      log_(log),
      network_(network),
      client_id_(log->AddClient(*this, QuotaType::kFetch)),
      topic_(log->PartitionsOf(config.topic)),
      position_(topic_.count, 0),
      start_(topic_.count, 0),
      reader_(topic_.count, 0),
      lane_(sim.recorder().AddLane(name)),
      end_to_end_(AddDistribution(kEndToEnd)),
      records_(AddCounter(kRecords)),
      bytes_(AddCounter(kBytesRead)),
      fetches_(AddCounter(kFetches)),
      commits_(AddCounter(kCommits)),
      interpolated_(AddCounter(kInterpolated)),
      skipped_(AddCounter(kSkipped)),
      lag_(AddGauge(kLag)) {
  if (config.handler == nullptr) staleness_ = &AddGauge(kStaleness);
  if (config.isolation == Isolation::kReadCommitted) {
    aborted_ = &AddCounter(kAborted);
    transaction_wait_ = &AddDistribution(kTransactionWait);
  }
  if (config.event_times && config.handler == nullptr) {
    oldest_.resize(topic_.count);
    event_to_visible_ = &AddDistribution(kEventToVisible);
  }
  if (config.start_from_age) catch_up_ = &AddDistribution(kCatchUp);
  if (config.client_rack) {
    leases_.resize(topic_.count);
    session_at_.assign(topic_.count, kNoBroker);
    from_followers_ = &AddCounter(kFromFollowers);
    sent_elsewhere_ = &AddCounter(kSentElsewhere);
  }
  polls_have_bounds_ =
      config.handler != nullptr || config.cpu_per_poll > Duration::Zero() ||
      config.cpu_per_record > Duration::Zero() ||
      (config.group && config.group->application_commits != ApplicationCommits::kNone);
  for (int i = 0; i < static_cast<int>(config.member_zones.size()); ++i) AddMember(i);
  for (int p = 0; p < topic_.count; ++p) {
    reader_[p] = log->AddReader(topic_.first + static_cast<PartitionId>(p));
  }
  log->OnBrokerChange([this](BrokerId) { BrokerChanged(); });
  log->OnMetadataRefresh([this] {
    if (started_) Reopen();
  });
  log->OnTruncate([this](PartitionId partition) { GoBack(partition); });
  sim.AddAudit([this] { Audit(); });
  if (config.group) JoinGroup();
}

void Consumers::AddMember(int number) {
  members_.push_back(std::make_unique<Member>());
  Member& member = *members_.back();
  member.number = number;
  const std::string member_name = absl::StrCat(name(), "/member-", number + 1);
  member.host =
      config_.member_hosts.empty()
          ? network_->AddHost(member_name, config_.member_zones[static_cast<size_t>(number)],
                              config_.network_bandwidth)
          : config_.member_hosts[static_cast<size_t>(number)];
  hosts_.push_back(member.host);
  member.thread =
      std::make_unique<Station>(sim(), absl::StrCat(member_name, "/thread"), Station::Config());
  if (!config_.group && config_.assignment == FixedPartitions::kInTurn) {
    for (int p = number; p < topic_.count; p += static_cast<int>(config_.member_zones.size())) {
      member.owned.push_back({topic_.first + static_cast<PartitionId>(p), 0, 0, true});
    }
  } else if (!config_.group) {
    // The range assignor: contiguous, the first members get one more.
    const int members = static_cast<int>(config_.member_zones.size());
    const int base = topic_.count / members;
    const int longer = topic_.count % members;
    const int first = number * base + std::min(number, longer);
    const int count = base + (number < longer ? 1 : 0);
    for (int p = first; p < first + count; ++p) {
      member.owned.push_back({topic_.first + static_cast<PartitionId>(p), 0, 0, true});
    }
  }
  for (BrokerId broker = 0; broker < log_->broker_count(); ++broker) {
    auto link = std::make_unique<Link>();
    link->member = &member;
    link->broker = broker;
    FetchSession& session = link->session;
    session.request_on = network_->Connect(member.host, log_->HostOf(broker));
    session.reply_on = network_->Connect(log_->HostOf(broker), member.host);
    session.client = client_id_;
    session.cause = config_.traffic;
    session.min_bytes = config_.fetch_min_bytes;
    session.max_wait = config_.fetch_max_wait;
    session.max_bytes = config_.fetch_max_bytes;
    session.max_partition_bytes = config_.max_partition_fetch_bytes;
    session.isolation = config_.isolation;
    if (config_.client_rack) session.rack = config_.member_zones[static_cast<size_t>(number)];
    session.on_response = [this, raw = link.get()] { Arrived(raw); };
    member.links.push_back(std::move(link));
  }
  member.commits.client = client_id_;
  member.commits.on_response = [this] { commits_.Add(1); };
}

Consumers::~Consumers() = default;

void Consumers::Start() {
  if (config_.start_at == Duration::Zero()) {
    Begin({std::nullopt, std::nullopt, config_.start_from_age});
    return;
  }
  At<"consumer.starts">(Time() + config_.start_at, [this] {
    Begin({std::nullopt, std::nullopt, config_.start_from_age});
  });
}

void Consumers::StartAt(const StartPoint& from) {
  SIM_REQUIRE(!started_);
  Begin(from);
}

Offset Consumers::OffsetAt(PartitionId partition, const StartPoint& from) const {
  if (from.age) return log_->LogOf(partition).FirstCreatedSince(Now() - *from.age);
  if (from.offset) {
    return std::clamp(*from.offset, log_->EarliestOffset(partition),
                      log_->LatestOffset(partition, config_.isolation));
  }
  switch (from.from.value_or(config_.start_from)) {
    case StartFrom::kEarliest:
      return log_->EarliestOffset(partition);
    case StartFrom::kLatest:
    case StartFrom::kNone:
      return log_->LatestOffset(partition, config_.isolation);
  }
  return log_->LatestOffset(partition, config_.isolation);
}

void Consumers::Begin(const StartPoint& from) {
  started_ = true;
  began_ = Now();
  const bool stated = from.from || from.offset || from.age;
  for (int p = 0; p < topic_.count; ++p) {
    position_[p] = OffsetAt(topic_.first + static_cast<PartitionId>(p), from);
    start_[p] = position_[p];
    if (group_ != nullptr && stated) coordinator_->Reset(p, position_[p]);
  }
  if (config_.handler != nullptr && group_ == nullptr) config_.handler->Begun(position_);
  for (const auto& member : members_) {
    if (group_ != nullptr) {
      if (!member->stopped && !member->down) StartMember(*member);
      continue;
    }
    member->metadata = log_->CurrentMetadata(member->host);
    for (Owned& owned : member->owned) {
      owned.position = owned.polled = position_[owned.partition - topic_.first];
    }
    OpenSessions(*member);
    if (config_.auto_commit) Commit(member.get());
  }
  Sample();
}

void Consumers::OpenSessions(Member& member) {
  std::vector<std::vector<FetchSession::Position>> wanted(member.links.size());
  for (const Owned& owned : member.owned) {
    if (!owned.reading) continue;
    const BrokerId at = ReadAt(member, owned.partition);
    if (!session_at_.empty()) session_at_[owned.partition - topic_.first] = at;
    if (at == kNoBroker || !log_->IsUp(at)) continue;
    wanted[at].push_back({owned.partition, owned.polled});
  }
  // A session whose partitions stay goes on, with what it has under way.
  for (const auto& link : member.links) {
    FetchSession& session = link->session;
    std::vector<FetchSession::Position>& positions = wanted[link->broker];
    const bool same = std::equal(
        positions.begin(), positions.end(), session.positions.begin(), session.positions.end(),
        [](const auto& a, const auto& b) { return a.partition == b.partition; });
    if (session.open && !session.failed && same) continue;
    if (session.open) log_->CloseSession(&session, link->broker);
    session.positions = std::move(positions);
    NoteSession(link.get());
    if (session.positions.empty()) continue;
    log_->OpenSession(&session, link->broker);
    log_->Fetch(&session, link->broker);
  }
}

void Consumers::CloseSessions(Member& member) {
  for (const auto& link : member.links) {
    if (link->session.open) log_->CloseSession(&link->session, link->broker);
    link->session.positions.clear();
  }
}

void Consumers::FetchLater(Link* link) {
  link->throttled = true;
  const FetchSession& session = link->session;
  At<"consumer.throttled">(std::max(Now(), link->arrived_at + session.throttle),
                           [this, link, generation = session.generation] {
                             if (generation == link->session.generation) {
                               log_->Fetch(&link->session, link->broker);
                             }
                           });
}

Offset Consumers::ResetOffset(PartitionId partition) const { return OffsetAt(partition, {}); }

void Consumers::SkipDeleted(Link* link, uint32_t index) {
  const PartitionId partition = link->session.positions[index].partition;
  if (ReadsAtFollower(*link, partition)) {
    // A follower may have deleted what its leader has not: that is asked before anything is passed
    // over.
    LeaseOf(partition) = Lease();
    link->regroup = true;
    return;
  }
  const size_t slot = partition - topic_.first;
  Member& member = *link->member;
  if (group_ != nullptr && config_.start_from == StartFrom::kNone) {
    GiveUp(member);
    return;
  }
  Owned& owned = *FindOwned(member, partition);
  const Offset reset = ResetOffset(partition);
  // Of a group, some of it may have been processed by another member.
  skipped_.Add(group_ == nullptr ? reset - owned.position
                                 : Take(slot, owned.position, reset, SourceEffects::How::kDeleted));
  sim().recorder().Mark(RecordLevel::kState, lane_, "offset_reset", Now(), reset - owned.position,
                        Severity::kCritical);
  owned.position = owned.polled = reset;
  if (group_ == nullptr || group_->progress[slot].owner == member.number) position_[slot] = reset;
  log_->Seek(&link->session, index, reset);
}

void Consumers::GoBack(PartitionId partition) {
  if (!started_ || partition < topic_.first ||
      partition >= topic_.first + static_cast<PartitionId>(topic_.count)) {
    return;
  }
  if (!leases_.empty()) ForgetFollower(partition);
  const size_t slot = partition - topic_.first;
  const Offset end = log_->LogOf(partition).high_watermark();
  if (!oldest_.empty()) oldest_[slot].Forget();
  for (const auto& member : members_) {
    if (Owned* owned = FindOwned(*member, partition)) {
      owned->position = std::min(owned->position, end);
      owned->polled = std::min(owned->polled, end);
    }
    for (Part& part : member->poll) {
      if (part.range.partition != partition) continue;
      part.range.from = std::min(part.range.from, end);
      part.range.to = std::min(part.range.to, end);
    }
  }
  if (config_.handler != nullptr) config_.handler->Truncated(partition, end);
  if (group_ != nullptr) CutProgress(slot, end);
  Offset& position = position_[slot];
  if (position <= end) return;
  sim().recorder().Mark(RecordLevel::kState, lane_, "offset_truncated", Now(), position - end,
                        Severity::kCritical);
  cut_ += position - end;
  position = end;
  Offset& start = start_[slot];
  if (start > end) {
    cut_ -= start - end;
    start = end;
  }
}

void Consumers::BrokerChanged() {
  // Connections to a dead broker break at once; sessions with the others go on.
  for (const auto& member : members_) {
    for (const auto& link : member->links) {
      if (link->session.open && !log_->IsUp(link->broker)) {
        log_->CloseSession(&link->session, link->broker);
        EndLeases(*link);
      }
    }
  }
  if (started_) Reopen();
}

void Consumers::Reopen() {
  // One refresh serves all: they ask at the same moment.
  if (reopening_) return;
  reopening_ = true;
  After<"consumer.metadata">(kMetadataBackoff, [this] {
    reopening_ = false;
    EndLeasesAtDeadBrokers();
    bool waiting = false;
    for (const auto& each : members_) {
      each->metadata = log_->CurrentMetadata(each->host);
      for (const Owned& owned : each->owned) {
        const BrokerId at = ReadAt(*each, owned.partition);
        waiting = waiting || at == kNoBroker || !log_->IsUp(at);
      }
      OpenSessions(*each);
    }
    if (waiting) Reopen();
  });
}

BrokerId Consumers::Coordinator() const {
  // Which broker leads the group's offsets partition does not matter to the load.
  return FirstUp(*log_, Fnv1a64(name()));
}

void Consumers::Commit(Member* member) {
  After<"consumer.auto_commit">(config_.auto_commit_interval, [this, member] {
    SendCommit(*member);
    Commit(member);
  });
}

void Consumers::SendCommit(Member& member) {
  const BrokerId coordinator = Coordinator();
  if (coordinator == kNoBroker) return;
  if (coordinator != member.coordinator) {
    member.coordinator = coordinator;
    member.commits.request_on = network_->Connect(member.host, log_->HostOf(coordinator));
    member.commits.reply_on = network_->Connect(log_->HostOf(coordinator), member.host);
  }
  log_->SendControl(coordinator, &member.commits);
}

void Consumers::Sample() {
  int64_t lag = 0;
  Time oldest = Now();
  for (int p = 0; p < topic_.count; ++p) {
    const PartitionLog& log = log_->LogOf(topic_.first + static_cast<PartitionId>(p));
    lag += LimitOf(log) - position_[p];
    const Offset next = group_ == nullptr ? position_[p] : FirstUnprocessed(static_cast<size_t>(p));
    const Offset first_kept = std::max(next, log.log_start_offset());
    if (first_kept < log.log_end_offset()) {
      oldest = std::min(oldest, OldestUnsettled(static_cast<size_t>(p), first_kept));
    }
  }
  lag_.Set(lag);
  if (staleness_ != nullptr) staleness_->Set((Now() - oldest).nanos());
  if (catch_up_ != nullptr) CheckCaughtUp();
  After<"consumer.sample">(
      kSampleInterval, [this] { Sample(); }, Priority::kControl);
}

void Consumers::CheckCaughtUp() {
  bool caught_up = !catch_up_to_.empty();
  catch_up_to_.resize(position_.size());
  for (size_t p = 0; p < position_.size(); ++p) {
    caught_up = caught_up && position_[p] >= catch_up_to_[p];
    catch_up_to_[p] = LimitOf(log_->LogOf(topic_.first + static_cast<PartitionId>(p)));
  }
  if (!caught_up) return;
  catch_up_->Record(Now() - began_);
  catch_up_ = nullptr;
}

void Consumers::Audit() const {
  // What was read or skipped is what the positions passed over, and never beyond the high
  // watermark.
  int64_t passed = 0;
  for (int p = 0; p < topic_.count; ++p) {
    const Offset high_watermark =
        log_->LogOf(topic_.first + static_cast<PartitionId>(p)).high_watermark();
    SIM_CHECK(
        position_[p] <= high_watermark, "inv.I8",
        absl::StrCat("position ", position_[p], " is past the high watermark ", high_watermark));
    passed += position_[p] - start_[p];
  }
  waterfall_.Audit();
  if (group_ != nullptr) {
    AuditProgress();
    return;
  }
  SIM_CHECK(passed + cut_ == records_.Value() + skipped_.Value() + WithheldRecords(), "inv.I9",
            absl::StrCat("positions passed ", passed, " records, processed ", records_.Value(),
                         ", skipped ", skipped_.Value(), ", withheld ", WithheldRecords()));
}

}  // namespace freshet
