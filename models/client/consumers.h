// A group of Kafka consumers: fetch sessions with every leader, the poll loop, positions and
// commits.
//
// Each member owns a fixed part of the topic's partitions (the range assignor's). It keeps one
// fetch outstanding per broker: fetch.min.bytes and fetch.max.wait.ms park it at the broker,
// fetch.max.bytes and max.partition.fetch.bytes bound its answer. What arrives is handed over in
// polls of at most max.poll.records, processed by one thread, and then counts as visible to this
// consumer.
//
// With client.rack (preferred_replicas.cc) a leader may name a preferred read replica for some of
// its partitions. They are then read there, until metadata.max.age.ms have passed or that broker
// refuses or is gone; then their leader is asked again (KIP-392).
//
// Left out, until the processors: joining, leaving and rebalancing, and the transactions behind
// isolation.level. docs/models/client.md has the rest and the sources.
#ifndef FRESHET_MODELS_CLIENT_CONSUMERS_H_
#define FRESHET_MODELS_CLIENT_CONSUMERS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "models/log/log_service.h"
#include "models/network/network.h"
#include "sim/component.h"
#include "sim/stamps.h"
#include "sim/station.h"

namespace freshet {

enum class StartFrom : uint8_t { kEarliest, kLatest };

class Consumers : public Component {
 public:
  struct Config {
    std::string topic;
    std::vector<ZoneId> member_zones;  // One entry a member.
    BytesPerSecond network_bandwidth;  // Of each member's host.
    Duration start_at;                 // When the group starts, from the start of the run.
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
    bool auto_commit = true;
    Duration auto_commit_interval;
    bool client_rack = false;   // client.rack of each member: its zone, or none.
    Duration metadata_max_age;  // metadata.max.age.ms: how long a preferred read replica holds.
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
                                     "Records below the high watermark and not yet processed."};
  static constexpr MetricDef kStaleness = {"freshness.staleness", MetricKind::kGauge,
                                           MetricUnit::kDuration,
                                           "Now minus the oldest event time that is appended and "
                                           "not yet processed, every second; 0 when "
                                           "there is none."};

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
  };
  struct Member {
    HostId host;
    std::unique_ptr<Station> thread;
    std::vector<std::unique_ptr<Link>> links;
    std::vector<PartitionId> partitions;
    std::shared_ptr<const Metadata> metadata;
    ControlSender commits;
    BrokerId coordinator = kNoBroker;  // That `commits` is connected to.
  };

  // Where a partition is read instead of at its leader.
  struct Lease {
    BrokerId replica = kNoBroker;
    Time until;
  };

  void Begin(const StartPoint& from);
  Offset OffsetAt(PartitionId partition, const StartPoint& from) const;
  void OpenSessions(Member& member);
  void Arrived(Link* link);
  void Processed(Link* link, uint32_t generation);
  // After the answer's throttle.
  void FetchLater(Link* link);
  // Where auto.offset.reset leads now.
  Offset ResetOffset(PartitionId partition) const;
  void SkipDeleted(Link* link, uint32_t index);
  // An election has cut what it had read: it goes on at the end of what is left.
  void GoBack(PartitionId partition);
  // Records [from, from + records) of `range` have become visible.
  void CountRange(const LogRange& range, Offset from, int64_t records, const Link& link,
                  bool at_follower);
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
  // The broker that leads the group's offsets, or the next one that is up; kNoBroker if none is.
  BrokerId Coordinator() const;
  void Sample();
  // At a sample: whether it has read all that it could have a second ago.
  void CheckCaughtUp();
  void Audit() const;

  const Config config_;
  LogService* log_;
  Network* network_;
  const ClientId client_id_;
  LogService::TopicPartitions topic_;
  std::vector<std::unique_ptr<Member>> members_;
  std::vector<HostId> hosts_;
  std::vector<Offset> position_;  // By partition of the topic.
  std::vector<Offset> start_;
  std::vector<int> reader_;  // Our number at the log.
  // By partition of the topic; none without client.rack.
  std::vector<Lease> leases_;
  std::vector<BrokerId> session_at_;  // Whose session has it; kNoBroker while it waits for one.
  bool started_ = false;
  bool reopening_ = false;
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
  Gauge& staleness_;
  Distribution* catch_up_ = nullptr;  // Null where none is told, and when it has been.
  Time began_;
  std::vector<Offset> catch_up_to_;  // The high watermarks of the last sample.
  Counter* from_followers_ = nullptr;
  Counter* sent_elsewhere_ = nullptr;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_CLIENT_CONSUMERS_H_
