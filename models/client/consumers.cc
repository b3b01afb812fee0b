#include "models/client/consumers.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

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
      lag_(AddGauge(kLag)),
      staleness_(AddGauge(kStaleness)) {
  if (config.start_from_age) catch_up_ = &AddDistribution(kCatchUp);
  if (config.client_rack) {
    leases_.resize(topic_.count);
    session_at_.assign(topic_.count, kNoBroker);
    from_followers_ = &AddCounter(kFromFollowers);
    sent_elsewhere_ = &AddCounter(kSentElsewhere);
  }
  const int members = static_cast<int>(config.member_zones.size());
  for (int i = 0; i < members; ++i) {
    members_.push_back(std::make_unique<Member>());
    Member& member = *members_.back();
    const std::string member_name = absl::StrCat(name, "/member-", i + 1);
    member.host = network->AddHost(member_name, config.member_zones[i], config.network_bandwidth);
    hosts_.push_back(member.host);
    member.thread =
        std::make_unique<Station>(sim, absl::StrCat(member_name, "/thread"), Station::Config());
    // The range assignor: contiguous, the first members get one more.
    const int base = topic_.count / members;
    const int longer = topic_.count % members;
    const int first = i * base + std::min(i, longer);
    const int count = base + (i < longer ? 1 : 0);
    for (int p = first; p < first + count; ++p) {
      member.partitions.push_back(topic_.first + static_cast<PartitionId>(p));
    }
    for (BrokerId broker = 0; broker < log->broker_count(); ++broker) {
      auto link = std::make_unique<Link>();
      link->member = &member;
      link->broker = broker;
      FetchSession& session = link->session;
      session.request_on = network->Connect(member.host, log->HostOf(broker));
      session.reply_on = network->Connect(log->HostOf(broker), member.host);
      session.client = client_id_;
      session.min_bytes = config.fetch_min_bytes;
      session.max_wait = config.fetch_max_wait;
      session.max_bytes = config.fetch_max_bytes;
      session.max_partition_bytes = config.max_partition_fetch_bytes;
      if (config.client_rack) session.rack = config.member_zones[i];
      session.on_response = [this, raw = link.get()] { Arrived(raw); };
      member.links.push_back(std::move(link));
    }
    member.commits.client = client_id_;
    member.commits.on_response = [this] { commits_.Add(1); };
  }
  for (int p = 0; p < topic_.count; ++p) {
    reader_[p] = log->AddReader(topic_.first + static_cast<PartitionId>(p));
  }
  log->OnBrokerChange([this](BrokerId) { BrokerChanged(); });
  log->OnMetadataRefresh([this] {
    if (started_) Reopen();
  });
  log->OnTruncate([this](PartitionId partition) { GoBack(partition); });
  sim.AddAudit([this] { Audit(); });
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
    return std::clamp(*from.offset, log_->EarliestOffset(partition), log_->LatestOffset(partition));
  }
  switch (from.from.value_or(config_.start_from)) {
    case StartFrom::kEarliest:
      return log_->EarliestOffset(partition);
    case StartFrom::kLatest:
      return log_->LatestOffset(partition);
  }
  return log_->LatestOffset(partition);
}

void Consumers::Begin(const StartPoint& from) {
  started_ = true;
  began_ = Now();
  for (int p = 0; p < topic_.count; ++p) {
    position_[p] = OffsetAt(topic_.first + static_cast<PartitionId>(p), from);
    start_[p] = position_[p];
  }
  for (const auto& member : members_) {
    member->metadata = log_->CurrentMetadata(member->host);
    OpenSessions(*member);
    if (config_.auto_commit) Commit(member.get());
  }
  Sample();
}

void Consumers::OpenSessions(Member& member) {
  std::vector<std::vector<FetchSession::Position>> wanted(member.links.size());
  for (const PartitionId partition : member.partitions) {
    const BrokerId at = ReadAt(member, partition);
    if (!session_at_.empty()) session_at_[partition - topic_.first] = at;
    if (at == kNoBroker || !log_->IsUp(at)) continue;
    wanted[at].push_back({partition, position_[partition - topic_.first]});
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

void Consumers::Arrived(Link* link) {
  link->arrived_at = Now();
  FetchSession& session = link->session;
  fetches_.Add(1);
  int64_t records = 0;
  for (const FetchedRange& range : session.response) records += range.to - range.from;
  const int64_t polls = (records + config_.max_poll_records - 1) / config_.max_poll_records;
  const Duration work = config_.cpu_per_poll * polls + config_.cpu_per_record * records;
  if (work == Duration::Zero()) {
    Processed(link, session.generation);
    return;
  }
  link->member->thread->Serve(
      work, [this, link, generation = session.generation] { Processed(link, generation); });
}

void Consumers::Processed(Link* link, uint32_t generation) {
  FetchSession& session = link->session;
  if (generation != session.generation) return;
  for (const FetchedRange& fetched : session.response) {
    const size_t slot = fetched.partition - topic_.first;
    SIM_CHECK(fetched.from == position_[slot], "inv.I7",
              absl::StrCat("partition ", fetched.partition, ": fetched from ", fetched.from,
                           ", expected ", position_[slot]));
    const PartitionLog& log = log_->LogOf(fetched.partition);
    Offset at = fetched.from;
    if (at < log.log_start_offset()) {
      // Retention overtook the answer on its way: how old the records were is known at the least.
      const int64_t gone = std::min(fetched.to, log.log_start_offset()) - at;
      end_to_end_.Record(Now() - log.ExpiredUntil(), gone);
      interpolated_.Add(gone);
      at += gone;
    }
    if (at < fetched.to) {
      const bool at_follower = ReadsAtFollower(*link, fetched.partition);
      log.Read(at, fetched.to, Bytes(INT64_MAX / 4),
               [&](const LogRange& range, int64_t records, Bytes) {
                 CountRange(range, at, records, *link, at_follower);
                 at += records;
               });
    }
    position_[slot] = fetched.to;
    records_.Add(fetched.to - fetched.from);
    bytes_.Add(fetched.bytes.count());
    if (ReadsAtFollower(*link, fetched.partition)) from_followers_->Add(fetched.bytes.count());
    log_->ConsumedUpTo(fetched.partition, reader_[slot], fetched.to);
  }
  if (session.failed) {
    EndLeases(*link);
    Reopen();
    return;
  }
  for (const uint32_t index : session.out_of_range) SkipDeleted(link, index);
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
  Offset& position = position_[partition - topic_.first];
  const Offset reset = ResetOffset(partition);
  skipped_.Add(reset - position);
  sim().recorder().Mark(RecordLevel::kState, lane_, "offset_reset", Now(), reset - position,
                        Severity::kCritical);
  position = reset;
  log_->Seek(&link->session, index, reset);
}

void Consumers::GoBack(PartitionId partition) {
  if (!started_ || partition < topic_.first ||
      partition >= topic_.first + static_cast<PartitionId>(topic_.count)) {
    return;
  }
  if (!leases_.empty()) ForgetFollower(partition);
  Offset& position = position_[partition - topic_.first];
  const Offset end = log_->LogOf(partition).high_watermark();
  if (position <= end) return;
  sim().recorder().Mark(RecordLevel::kState, lane_, "offset_truncated", Now(), position - end,
                        Severity::kCritical);
  cut_ += position - end;
  position = end;
  Offset& start = start_[partition - topic_.first];
  if (start > end) {
    cut_ -= start - end;
    start = end;
  }
}

void Consumers::CountRange(const LogRange& range, Offset from, int64_t records, const Link& link,
                           bool at_follower) {
  const Batch& batch = range.batch;
  if (records != batch.record_count || range.coalesced) {
    // A part of a range: the row of its creation times is cut in proportion, and says so.
    const Duration oldest = Now() - range.CreatedAt(from);
    const Duration youngest = Now() - range.CreatedAt(from + records);
    end_to_end_.RecordEvenly(youngest.nanos(), oldest.nanos(), records);
    interpolated_.Add(records);
    return;
  }
  batch.created.RecordUntil(Now(), records, end_to_end_);
  const Time start = batch.created.Earliest();
  const Time closed = std::max({batch.closed_at, batch.created.high, batch.created.first});
  StampTrail<> trail(start);
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
  // A fetch that waits at a follower waits for its leader to tell it what is committed.
  const FetchSession& session = link.session;
  const ComponentId server = at_follower ? session.served_by : batch.leader_component;
  const bool untold = at_follower && session.waited;
  trail.AddWait(std::max(trail.End(), session.answered_at), Milestone::kFetched,
                link.throttled ? WaitFor::kQuota
                : untold       ? WaitFor::kAck
                               : WaitFor::kPoll,
                untold && !link.throttled ? server : me);
  trail.AddService(std::max(trail.End(), session.served_at), Milestone::kFetched, server);
  trail.AddService(link.arrived_at, Milestone::kFetched, wire);
  trail.AddService(Now(), Milestone::kVisible, me);
  const __int128 entered = static_cast<__int128>((Now() - start).nanos()) * records -
                           batch.created.SumUntil(Now(), records);
  waterfall_.Add(trail, records, entered);
  if (ranges_counted_++ % kSpanEvery == 0) {
    sim().recorder().Span(RecordLevel::kSpans, lane_, "created_to_visible", start, Now(), records);
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
      for (const PartitionId partition : each->partitions) {
        const BrokerId at = ReadAt(*each, partition);
        waiting = waiting || at == kNoBroker || !log_->IsUp(at);
      }
      OpenSessions(*each);
    }
    if (waiting) Reopen();
  });
}

BrokerId Consumers::Coordinator() const {
  // Which broker leads the group's offsets partition does not matter to the load.
  const auto brokers = static_cast<uint64_t>(log_->broker_count());
  for (uint64_t step = 0; step < brokers; ++step) {
    const auto broker = static_cast<BrokerId>((Fnv1a64(name()) + step) % brokers);
    if (log_->IsUp(broker)) return broker;
  }
  return kNoBroker;
}

void Consumers::Commit(Member* member) {
  After<"consumer.auto_commit">(config_.auto_commit_interval, [this, member] {
    const BrokerId coordinator = Coordinator();
    if (coordinator != kNoBroker && coordinator != member->coordinator) {
      member->coordinator = coordinator;
      member->commits.request_on = network_->Connect(member->host, log_->HostOf(coordinator));
      member->commits.reply_on = network_->Connect(log_->HostOf(coordinator), member->host);
    }
    if (coordinator != kNoBroker) log_->SendControl(coordinator, &member->commits);
    Commit(member);
  });
}

void Consumers::Sample() {
  int64_t lag = 0;
  Time oldest = Now();
  for (int p = 0; p < topic_.count; ++p) {
    const PartitionLog& log = log_->LogOf(topic_.first + static_cast<PartitionId>(p));
    lag += log.high_watermark() - position_[p];
    const Offset first_kept = std::max(position_[p], log.log_start_offset());
    if (first_kept < log.log_end_offset()) {
      oldest = std::min(oldest, log.OldestCreatedFrom(first_kept));
    }
  }
  lag_.Set(lag);
  staleness_.Set((Now() - oldest).nanos());
  if (catch_up_ != nullptr) CheckCaughtUp();
  After<"consumer.sample">(
      kSampleInterval, [this] { Sample(); }, Priority::kControl);
}

void Consumers::CheckCaughtUp() {
  bool caught_up = !catch_up_to_.empty();
  catch_up_to_.resize(position_.size());
  for (size_t p = 0; p < position_.size(); ++p) {
    caught_up = caught_up && position_[p] >= catch_up_to_[p];
    catch_up_to_[p] = log_->LogOf(topic_.first + static_cast<PartitionId>(p)).high_watermark();
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
  SIM_CHECK(passed + cut_ == records_.Value() + skipped_.Value(), "inv.I9",
            absl::StrCat("positions passed ", passed, " records, processed ", records_.Value(),
                         ", skipped ", skipped_.Value()));
  waterfall_.Audit();
}

}  // namespace freshet
