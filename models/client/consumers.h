// A group of Kafka consumers: fetch sessions with every leader, the poll loop, positions and
// commits.
//
// Without a group protocol each member owns a fixed part of the topic's partitions
// (FixedPartitions), as with assign(). With one (Config::group) members subscribe: they join, are
// given partitions, lose them and take them over (group_membership.h), and what is read again or
// passed over by that is counted exactly, offset by offset.
//
// With client.rack (preferred_replicas.cc) a leader may name a preferred read replica for some of
// its partitions. They are then read there, until metadata.max.age.ms have passed or that broker
// refuses or is gone; then their leader is asked again (KIP-392).
//
// Either way a member keeps one fetch outstanding per broker: fetch.min.bytes and fetch.max.wait.ms
// park it at the broker, fetch.max.bytes and max.partition.fetch.bytes bound its answer. What
// arrives is handed over in polls of at most max.poll.records, processed by one thread, and is
// visible to this consumer at the end of its poll. A poll that takes no time has no bounds.
//
//   consumers.cc         sessions, positions, samples, audits
//   consumer_polls.cc    from an answer to visible
//   consumer_members.cc  partitions that come and go, members that stop, hang and start
//   consumer_progress.cc what was processed twice, or never
//   consumer_freshness.cc event times: staleness, event to visible
//   consumer_handler.cc  somebody else processes the polls (poll_handler.h)
//   consumer_isolation.cc  what transactions withhold from it
//
// docs/models/client.md, consumer_group.md and transaction.md have the rest and the sources.
#ifndef FRESHET_MODELS_CLIENT_CONSUMERS_H_
#define FRESHET_MODELS_CLIENT_CONSUMERS_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "models/client/group_membership.h"
#include "models/client/poll_handler.h"
#include "models/group/group_coordinator.h"
#include "models/group/group_metrics.h"
#include "models/log/log_service.h"
#include "models/log/oldest_event.h"
#include "models/log/source_effects.h"
#include "models/network/network.h"
#include "sim/component.h"
#include "sim/ring.h"
#include "sim/stamps.h"
#include "sim/station.h"

namespace freshet {

// kNone: a member that finds no offset to go on from gives up.
enum class StartFrom : uint8_t { kEarliest, kLatest, kNone };
enum class GroupProtocol : uint8_t { kClassic, kConsumer };
// What the application commits itself, and waits for, with each poll.
enum class ApplicationCommits : uint8_t { kNone, kBeforeProcessing, kAfterProcessing };

class Consumers : public Component, private GroupMembership::Application {
 public:
  struct Group {
    GroupProtocol protocol = GroupProtocol::kClassic;
    Assignor assignor = Assignor::kRange;
    bool static_members = false;
    bool leave_on_close = true;
    Duration session_timeout;
    Duration heartbeat_interval;
    Duration max_poll_interval;
    Duration retry_backoff;
    ApplicationCommits application_commits = ApplicationCommits::kNone;
    // Of the brokers.
    Duration initial_rebalance_delay;
    std::string id;             // group.id
    std::string offsets_topic;  // It exists.
    Bytes offsets_segment;
    std::optional<BytesPerSecond> load_rate;
    Bytes other_bytes;
  };
  enum class FixedPartitions : uint8_t {
    kRange,   // The range assignor's.
    kInTurn,  // Partition p at member p mod n.
  };
  struct Config {
    std::string topic;
    std::vector<ZoneId> member_zones;  // One entry a member.
    // Theirs, where they share hosts with others; none: each has one of its own.
    std::vector<HostId> member_hosts;
    FixedPartitions assignment = FixedPartitions::kRange;  // Without a group.
    BytesPerSecond network_bandwidth;                      // Of each member's host.
    Duration start_at;  // When the group starts, from the start of the run.
    // Where it starts without a committed offset, and where it goes on when retention has deleted
    // what it wants to read (auto.offset.reset).
    StartFrom start_from = StartFrom::kLatest;
    // Instead, where it starts: at the first record that was created so long before.
    std::optional<Duration> start_from_age;
    Bytes fetch_min_bytes;
    Duration fetch_max_wait;
    Bytes fetch_max_bytes;
    Bytes max_partition_fetch_bytes;
    int64_t max_poll_records = 500;
    Duration cpu_per_poll;
    Duration cpu_per_record;
    Isolation isolation = Isolation::kReadUncommitted;  // isolation.level
    bool auto_commit = true;
    Duration auto_commit_interval;
    bool client_rack = false;    // client.rack of each member: its zone, or none.
    Duration metadata_max_age;   // metadata.max.age.ms: how long a preferred read replica holds.
    std::optional<Group> group;  // Absent: assign().
    int absent_members = 0;      // The last ones, which are not there at the start.
    bool event_times = false;    // Producers of the topic say that records may be late.
    PollHandler* handler = nullptr;               // Has what they have processed; null: nobody has.
    TrafficCause traffic = TrafficCause::kFetch;  // What its fetches are metered as.
  };

  static constexpr MetricDef kEndToEnd = {
      "consumer.end_to_end_latency", MetricKind::kDistribution, MetricUnit::kDuration,
      "From the intended send of a record to the end of its processing by the consumer."};
  static constexpr MetricDef kRecords = {"consumer.records", MetricKind::kCounter,
                                         MetricUnit::kCount, "Records processed."};
  static constexpr MetricDef kBytesRead = {"consumer.bytes", MetricKind::kCounter,
                                           MetricUnit::kBytes, "Bytes fetched, as stored."};
  static constexpr MetricDef kFetches = {"consumer.fetches", MetricKind::kCounter,
                                         MetricUnit::kCount, "Fetches answered."};
  static constexpr MetricDef kCommits = {"consumer.offset_commits", MetricKind::kCounter,
                                         MetricUnit::kCount, "Offset commits acknowledged."};
  static constexpr MetricDef kInterpolated = {
      "consumer.interpolated_records", MetricKind::kCounter, MetricUnit::kCount,
      "Records whose times are interpolated inside a coalesced range of the log."};
  static constexpr MetricDef kSkipped = {"consumer.records_skipped_by_retention",
                                         MetricKind::kCounter, MetricUnit::kCount,
                                         "Records passed over because retention had deleted the "
                                         "next one to read: up to the log start, "
                                         "or with LATEST up to the high watermark."};
  static constexpr MetricDef kLag = {"consumer.lag", MetricKind::kGauge, MetricUnit::kCount,
                                     "Records below the high watermark, or with read_committed "
                                     "below the last stable offset, and not yet processed."};
  static constexpr MetricDef kStaleness = {"freshness.staleness", MetricKind::kGauge,
                                           MetricUnit::kDuration,
                                           "Now minus the oldest event time that is appended and "
                                           "not yet processed, every second; 0 when "
                                           "there is none."};

  // With event times that are not those of sending.
  static constexpr MetricDef kEventToVisible = {
      "freshness.event_to_visible", MetricKind::kDistribution, MetricUnit::kDuration,
      "From the event time of a record to the end of its processing by the consumer."};
  // With start_from_age only.
  static constexpr MetricDef kCatchUp = {
      "consumer.catch_up_time", MetricKind::kDistribution, MetricUnit::kDuration,
      "From the start of reading until all partitions are read up to the high watermark of a "
      "second before; no sample until then."};
  // Registered with client_rack only.
  static constexpr MetricDef kFromFollowers = {
      "consumer.bytes_from_followers", MetricKind::kCounter, MetricUnit::kBytes,
      "Of the bytes fetched, those that a follower served."};
  static constexpr MetricDef kSentElsewhere = {
      "consumer.preferred_read_replicas", MetricKind::kCounter, MetricUnit::kCount,
      "Partitions for which a leader's answer named a preferred read replica."};
  // Registered with read_committed only.
  static constexpr MetricDef kAborted = {
      "consumer.aborted_records", MetricKind::kCounter, MetricUnit::kCount,
      "Records of aborted transactions that were fetched and thrown away."};
  static constexpr MetricDef kTransactionWait = {
      "consumer.transaction_wait", MetricKind::kDistribution, MetricUnit::kDuration,
      "From committed by the high watermark until below the last stable offset: how long open "
      "transactions held records back; records that none did are not in it."};
  // Of a group that subscribes.
  static constexpr MetricDef kRedelivered = {
      "consumer.redelivered_records", MetricKind::kCounter, MetricUnit::kCount,
      "Records processed that a member of the group had processed before."};
  static constexpr MetricDef kPassedOver = {
      "consumer.skipped_records", MetricKind::kGauge, MetricUnit::kCount,
      "Records below the furthest offset that the group has gone on from, which nobody has "
      "processed and retention has not taken: lost by commits before processing, or by resets."};
  static constexpr MetricDef kRevoked = {"consumer.revoked_partitions", MetricKind::kCounter,
                                         MetricUnit::kCount,
                                         "Partitions that members had to give up."};
  static constexpr MetricDef kUnowned = {
      "consumer.unowned_partitions", MetricKind::kGauge, MetricUnit::kCount,
      "Partitions that had a member and have none now: nobody reads them."};
  static constexpr MetricDef kUnownedTime = {
      "consumer.unowned_time", MetricKind::kDistribution, MetricUnit::kDuration,
      "From a member's losing a partition until the next one has it, for each that has."};
  static constexpr MetricDef kZombies = {
      "consumer.zombie_partitions", MetricKind::kCounter, MetricUnit::kCount,
      "Partitions that were given to a member while one that is not of the group any more still "
      "worked on them."};

  Consumers(Simulation& sim, absl::string_view name, Network* network, LogService* log,
            const Config& config);
  ~Consumers() override;

  // Starts the group, or has it start at its time.
  void Start();
  // Instead, an operator starts it now, from here in every partition.
  struct StartPoint {
    std::optional<StartFrom> from;
    std::optional<Offset> offset;  // At the log start if retention has deleted it.
    std::optional<Duration> age;   // The first record that was created so long ago.
  };
  // REQUIRES: it has not started.
  void StartAt(const StartPoint& from);

  // --- Members that stop and start: a group that subscribes ---

  int member_count() const { return static_cast<int>(members_.size()); }
  // Fault verb down: the process dies, and another one starts when the fault ends.
  void SetMemberDown(int member, bool down);
  // Its application hangs, in a poll or before the next one; its heartbeats go on.
  void SetMemberHung(int member, bool hung);
  // Its thread takes 1 / speed of the time.
  void SetMemberSpeed(int member, Ratio speed);
  // What it has processed, and the partitions that it has lost by dying.
  int64_t WorkOf(int member) const;
  // One process after the other is stopped in good order, started after `start_time`, and the next
  // one follows `min_ready` later. `done` fires at the end. One of these three at a time.
  void RestartAll(Duration start_time, Duration min_ready, Callback done);
  void AddMembers(int count, Duration start_time, Callback done);
  void RemoveMembers(int count, Callback done);  // The last ones.

  // Or somebody else starts and ends them, one by one: the tasks of a connector. With
  // Config::member_hosts hosts live on without them. REQUIRES: it has started.
  void StartProcess(int member);  // REQUIRES: none runs.
  // In good order, after its poll: MemberClosed() follows, perhaps at once.
  void CloseProcess(int member);
  // The same in the middle of its poll, which is dropped: it counts as not handed over.
  void FailProcess(int member);
  void KillProcess(int member);
  // It goes on without its poll and its partitions: it leaves its group, gives them up as lost, and
  // joins again.
  void LoseAll(int member);
  bool IsRunning(int member) const;
  // Nobody of the group's coordinator hears of it; it reads on.
  void SetMemberCutOff(int member, bool cut_off);

  // Null without a group.
  GroupCoordinator* coordinator() const { return coordinator_.get(); }
  // What a member would commit now, for a transaction to commit in its place (KIP-447).
  GroupCoordinator::Commit NextCommitOf(int member) const;
  std::vector<int> OwnedBy(int member) const override;

  // --- With a handler ---

  // Its poll is done with. REQUIRES: HandlePoll() was called for it, and neither this nor
  // DropPoll() since.
  void PollHandled(int member);
  // Commits what Committable() says of all that it has, and waits: CommitEnded() follows, perhaps
  // at once. Until then it does not poll. REQUIRES: a group; no commit of it under way.
  void CommitNow(int member);
  // In PartitionBegins(): the partition is not fetched, nor committed, before Resume().
  void Hold(int member, PartitionId partition);
  void Resume(int member, PartitionId partition);
  // It polls, if it is not in its poll already.
  void GoOn(int member) { Poll(*members_[static_cast<size_t>(member)]); }
  // Milestones below `offset` are needed no more: nobody will go back there.
  void NotNeededBelow(PartitionId partition, Offset offset);
  // Members with fixed partitions: all stop reading, and what they have is dropped;
  void StopReading();
  // they go on from there, by partition of the topic, or where retention leaves them. REQUIRES:
  // stopped; no more offsets than the log has.
  void ResumeAt(const std::vector<Offset>& positions);
  // The same of one of them, which may go on from another host. By partition of the topic; of what
  // is another member's nothing is taken.
  void StopReading(int member);
  void ResumeAt(int member, HostId host, const std::vector<Offset>& positions);
  // Members with fixed partitions: one sends its offsets to the broker, to be seen there.
  void CommitOnce(int member);
  // What has been handed over, by partition of the topic.
  const std::vector<Offset>& positions() const { return position_; }

  // --- A group that is moved to another cluster ---

  bool has_started() const { return started_; }
  // Of a group that subscribes: how many records of [from, to) somebody has processed.
  int64_t ProcessedIn(int partition, Offset from, Offset to) const;
  // Where its concern with the partition begins; none before it has read there.
  std::optional<Offset> BeganAt(int partition) const;

  // By member.
  const std::vector<HostId>& hosts() const { return hosts_; }
  // Where the records' time went, from creation to visible.
  const Waterfall& waterfall() const { return waterfall_; }

  // At the level `spans` one batch in so many is recorded, from its first record to visible.
  static constexpr uint64_t kSpanEvery = 256;

 private:
  struct Member;
  struct Link {  // One member's session with one broker.
    Member* member;
    BrokerId broker;
    FetchSession session;
    Time arrived_at;
    // With client.rack: other partitions than the session's are to be read here, and until when
    // those of the session may be.
    bool regroup = false;
    Time lease_until = Time::Max();
    bool throttled = false;  // Since the last answer with records.
    size_t range = 0;        // Of the response, the next one to hand over,
    Offset next = 0;         // from here.
  };
  struct Owned {
    PartitionId partition;
    Offset position;  // Processed up to here,
    Offset polled;    // handed over up to here.
    bool reading;     // Not before it is known where to begin.
  };
  struct Arrival {
    Link* link;
    uint32_t generation;
  };
  // Of a poll: records of one partition.
  struct Part {
    Link* link;
    uint32_t generation;
    FetchedRange range;  // Its bytes are counted with its last record.
    Time answered_at;
    Time served_at;
    Time arrived_at;
    bool at_follower;
    bool waited;     // The fetch was parked there.
    bool throttled;  // Since the answer before.
    ComponentId served_by;
    bool ends_response = false;
  };
  static constexpr int kNobody = -1;
  enum class Awaits : uint8_t { kNothing, kCommitBefore, kCommitAfter, kHandlersCommit };
  struct Member {
    int number = 0;
    HostId host;
    std::unique_ptr<Station> thread;
    std::vector<std::unique_ptr<Link>> links;
    std::vector<Owned> owned;  // Ascending.
    std::shared_ptr<const Metadata> metadata;
    ControlSender commits;
    BrokerId coordinator = kNoBroker;  // That `commits` is connected to.
    Ring<Arrival> arrived;             // Answers that are not handed over.
    std::vector<Part> poll;
    bool in_poll = false;
    bool handing_over = false;  // HandlePoll() runs,
    bool handled = true;        // and has said that it is done already.

    // Of a group.
    std::unique_ptr<GroupMembership> membership;
    Awaits awaits = Awaits::kNothing;
    bool hung = false;
    bool down = false;     // By a fault,
    bool stopped = false;  // by an operator.
    bool poll_over = false;
    bool sessions_stale = false;
    Time poll_began;
    uint32_t life = 0;
    int64_t records = 0;
    int64_t lost = 0;
  };

  // Where a partition is read instead of at its leader.
  struct Lease {
    BrokerId replica = kNoBroker;
    Time until;
  };

  void AddMember(int number);
  void JoinGroup();
  void Begin(const StartPoint& from);
  Offset OffsetAt(PartitionId partition, const StartPoint& from) const;
  void OpenSessions(Member& member);
  void CloseSessions(Member& member);

  // consumer_polls.cc
  void Arrived(Link* link);
  void Poll(Member& member);
  bool TakePoll(Member& member);
  Offset EndOfPart(PartitionId partition, Offset from, Offset to, int64_t most, bool first) const;
  bool Work(Member& member);
  bool HandOver(Member& member);
  void DropWork(Member& member);
  void AddRanges(const Part& part, Time began);
  StampTrail<> TrailOf(const LogRange& range, const Part& part) const;
  // The way of so many records of the range, from their sending to the member.
  void AddWay(const LogRange& range, int64_t records, const Part& part, StampTrail<>* trail) const;
  // consumer_freshness.cc
  Time OldestUnsettled(size_t slot, Offset from);
  void CountEvents(const LogRange& range, Offset from, Offset to, const Part& part, bool has_trail);
  void PollDone(Member& member);
  // Those records of the answer that the link holds.
  Part PartOf(Link* link, const FetchedRange& range) const;
  void CountPart(Member& member, const Part& part);
  // Those [from, to) of them that the member is given.
  void CountGiven(Member& member, const Part& part, Offset from, Offset to);
  void CountRecords(const Part& part, Offset from, Offset to);
  void CountRange(const LogRange& range, Offset from, int64_t records, const Part& part);
  void ResponseDone(Link* link);

  // consumer_isolation.cc
  // Up to where it may read.
  Offset LimitOf(const PartitionLog& log) const {
    return config_.isolation == Isolation::kReadCommitted ? log.last_stable_offset()
                                                          : log.high_watermark();
  }
  void CountIsolated(Member& member, const Part& part);
  int64_t GivenOf(const FetchedRange& range) const;
  // Markers, and aborted records.
  int64_t WithheldRecords() const {
    return markers_ + (aborted_ == nullptr ? 0 : aborted_->Value());
  }
  void AddTransactionWait(const LogRange& range, int64_t records, const Part& part,
                          StampTrail<>* trail) const;
  // After the answer's throttle.
  void FetchLater(Link* link);

  // Where auto.offset.reset leads now.
  Offset ResetOffset(PartitionId partition) const;
  void SkipDeleted(Link* link, uint32_t index);
  // An election has cut what it had read: it goes on at the end of what is left.
  void GoBack(PartitionId partition);
  void Reopen();
  void BrokerChanged();

  // Preferred read replicas (preferred_replicas.cc).
  Lease& LeaseOf(PartitionId partition) { return leases_[partition - topic_.first]; }
  // The broker to read the partition at now; kNoBroker while it has no leader.
  BrokerId ReadAt(const Member& member, PartitionId partition);
  bool ReadsAtFollower(const Link& link, PartitionId partition) const {
    return !leases_.empty() && leases_[partition - topic_.first].replica == link.broker;
  }
  // Its leases are over: each partition's leader is asked again.
  void EndLeases(const Link& link);
  void EndLeasesAtDeadBrokers();
  // The partition was cut: what a follower has sent of it and is on its way is not to arrive.
  void ForgetFollower(PartitionId partition);
  void TakePreferred(Link* link);
  // Begins the session anew with what is to be read there now, and those that wait for what it
  // gives away. REQUIRES: no fetch of it is under way.
  void Regroup(Link* link);
  void OpenGrouped(Link* link);
  void NoteSession(Link* link);

  void Commit(Member* member);
  void SendCommit(Member& member);
  // The broker that leads the group's offsets, or the next one that is up; kNoBroker if none is.
  BrokerId Coordinator() const;
  void Sample();
  // At a sample: whether it has read all that it could have a second ago.
  void CheckCaughtUp();
  void Audit() const;

  // consumer_members.cc: GroupMembership::Application, and what operators and faults do.
  bool InPoll(int client) const override;
  GroupMembership::Positions PositionsOf(int client) const override;
  void Assigned(int client, const std::vector<int>& partitions) override;
  void Begin(int client, int partition, std::optional<Offset> committed) override;
  void Revoked(int client, const std::vector<int>& partitions) override;
  void Poll(int client) override { Poll(*members_[static_cast<size_t>(client)]); }
  void CommitEnded(int client) override;
  bool ReadyToLose(int client, const std::vector<int>& /*partitions*/) override {
    return config_.handler == nullptr || config_.handler->ReadyToLose(client);
  }
  std::optional<Assignment> DealOut(const std::vector<int>& clients, const Assignment& owned,
                                    Duration* again) override {
    if (config_.handler == nullptr) return std::nullopt;
    return config_.handler->DealOut(clients, owned, again);
  }
  void Closed(int client) override;
  void Committed(int) override { commits_.Add(1); }
  void StartMember(Member& member);
  // Of one that is alone on its host.
  void SetHostDown(const Member& member, bool down) {
    if (config_.member_hosts.empty()) network_->SetDown(member.host, down);
  }
  void CrashMember(Member& member);
  void GiveUp(Member& member);
  void WatchPolls(Member* member);
  void RestartNext();
  void RestartAfter();
  Owned* FindOwned(Member& member, PartitionId partition);
  void Drop(Member& member, int partition);
  // Records [from, to) are processed, or deleted; `visit(from, to)` for each part that is new.
  template <class Visit>
  void TakeNew(size_t slot, Offset from, Offset to, SourceEffects::How how, Visit&& visit);
  // Returns how many were new.
  int64_t Take(size_t slot, Offset from, Offset to, SourceEffects::How how);
  void CutProgress(size_t slot, Offset end);
  void UpdatePassedOver(size_t slot);
  void AuditProgress() const;
  // The first offset from its position on that nobody has processed.
  Offset FirstUnprocessed(size_t slot) const;

  struct Progress {  // Of one partition, in a group that subscribes.
    int owner = kNobody;
    std::vector<int> holders;  // Who works on it, the owner and those that should not.
    std::optional<Time> unowned_since;
    SourceEffects effects;  // What was processed how often, or deleted before.
    int64_t passed_over = 0;
  };
  struct GroupState {
    GroupMetrics metrics;
    std::vector<Progress> progress;  // By partition of the topic.
    Counter* redelivered = nullptr;
    Gauge* passed_over = nullptr;
    Counter* revoked = nullptr;
    Gauge* unowned = nullptr;
    Distribution* unowned_time = nullptr;
    Counter* zombies = nullptr;
    std::vector<int> restarting;  // The last is next.
    Duration restart_time;
    Duration min_ready;
    Callback done;
    int closing = 0;
    bool restarts = false;
  };

  const Config config_;
  LogService* log_;
  Network* network_;
  const ClientId client_id_;
  LogService::TopicPartitions topic_;
  std::unique_ptr<GroupCoordinator> coordinator_;
  std::unique_ptr<GroupState> group_;
  std::vector<std::unique_ptr<Member>> members_;
  std::vector<HostId> hosts_;
  std::vector<Offset> position_;  // By partition of the topic; of its owner, or its last one.
  std::vector<Offset> start_;
  std::vector<int> reader_;  // Our number at the log.
  // By partition of the topic; none without client.rack.
  std::vector<Lease> leases_;
  std::vector<BrokerId> session_at_;  // Whose session has it; kNoBroker while it waits for one.
  bool started_ = false;
  bool reopening_ = false;
  bool polls_have_bounds_ = false;
  Waterfall waterfall_;
  int64_t cut_ = 0;  // Records read whose offsets were given to others later.
  uint64_t ranges_counted_ = 0;
  LaneId lane_;
  Distribution& end_to_end_;
  Counter& records_;
  Counter& bytes_;
  Counter& fetches_;
  Counter& commits_;
  Counter& interpolated_;
  Counter& skipped_;
  Gauge& lag_;
  Gauge* staleness_ = nullptr;       // The handler's matter, where there is one.
  std::vector<OldestEvent> oldest_;  // By partition of the topic; none without event times.
  Distribution* event_to_visible_ = nullptr;
  std::vector<RecordRange> handed_over_;
  Distribution* catch_up_ = nullptr;  // Null where none is told, and when it has been.
  Time began_;
  std::vector<Offset> catch_up_to_;  // The high watermarks of the last sample.
  Counter* from_followers_ = nullptr;
  Counter* sent_elsewhere_ = nullptr;
  int64_t markers_ = 0;  // Passed over.
  Counter* aborted_ = nullptr;
  Distribution* transaction_wait_ = nullptr;
};

template <class Visit>
void Consumers::TakeNew(size_t slot, Offset from, Offset to, SourceEffects::How how,
                        Visit&& visit) {
  SourceEffects& effects = group_->progress[slot].effects;
  effects.Reach(to);
  effects.Take(from, to, how, SourceEffects::Again::kReplaces,
               [&visit](Offset low, Offset high, int32_t times) {
                 if (times == 0) visit(low, high);
               });
  UpdatePassedOver(slot);
}

}  // namespace freshet

#endif  // FRESHET_MODELS_CLIENT_CONSUMERS_H_
