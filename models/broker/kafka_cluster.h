// Kafka, shared-nothing: partitions with a leader and followers on disks of their own, the high
// watermark, and what happens to leadership when a broker dies. Requests are broker_cluster.h's.
//
// Append: into the page cache, flushed where the topic says so; followers that wait are woken;
// acks=all answers when the high watermark has passed. Replication: every follower runs
// num.replica.fetchers fetcher threads per leader, each a loop of long-polling fetches; what a
// fetch acknowledges moves the high watermark, so a batch is committed one fetch round trip after
// it was copied. Consumers read from memory while the page cache still holds it.
//
// In sync: a sweep every replica.lag.time.max / 2 drops followers that have not been caught up for
// replica.lag.time.max; leaders ask the controller for each change. A dead broker is fenced when
// its session ends (7-9 s after the crash) and its leaders move to the first in-sync replica that
// is not fenced. Below min.insync.replicas the high watermark stands still (KIP-966).
//
// Operations (kafka_operations.cc): controlled shutdown gives leaders away before the process ends;
// a reassignment adds replicas, which copy under a throttle, and removes the old ones when the new
// ones are in sync (KIP-455).
//
// Disks: replicas take room on their brokers' volumes, segment by segment, until retention deletes
// them: a check every log.retention.check.interval.ms, and the room is back
// log.segment.delete.delay.ms later. A broker whose volume is full halts.
//
// Reads at followers (kafka_follower_reads.cc): with a rack-aware selector leaders send consumers
// to a replica in their own rack, which serves them up to the high watermark that it knows
// (KIP-392).
//
// Tiered topics (kafka_tiering.cc): leaders copy closed segments into an object store, so that
// disks keep what local retention says, and a replica that begins anew copies that much. A consumer
// who reads below is served from remote storage, one partition a fetch.
//
// docs/models/kafka.md and tiered.md list what is approximated and left out.
#ifndef FRESHET_MODELS_BROKER_KAFKA_CLUSTER_H_
#define FRESHET_MODELS_BROKER_KAFKA_CLUSTER_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/inlined_vector.h"
#include "models/broker/broker_cluster.h"
#include "models/broker/kafka_broker.h"
#include "models/broker/remote_log_manager.h"
#include "models/log/remote_log.h"

namespace freshet {

class KafkaCluster : public BrokerCluster, private RemoteLogManager::Owner {
 public:
  struct Config : BrokerCluster::Config {
    std::vector<KafkaBroker::Config> brokers;
    int replica_fetchers = 1;                  // num.replica.fetchers
    Duration replica_fetch_wait_max;           // replica.fetch.wait.max.ms
    Bytes replica_fetch_min_bytes;             // replica.fetch.min.bytes
    Bytes replica_fetch_max_bytes;             // replica.fetch.max.bytes
    Bytes replica_fetch_response_max_bytes;    // replica.fetch.response.max.bytes
    Duration replica_lag_time_max;             // replica.lag.time.max.ms
    Duration leader_imbalance_check_interval;  // leader.imbalance.check.interval.seconds
    Duration file_delete_delay;                // log.segment.delete.delay.ms
    int recovery_threads = 1;                  // num.recovery.threads.per.data.dir
    // What one of them checks a second; absent: what the volume reads.
    std::optional<BytesPerSecond> recovery_rate;
    // leader.replication.throttled.rate and follower.replication.throttled.rate of every broker,
    // for replicas out of sync.
    std::optional<BytesPerSecond> replication_throttle;
    bool controlled_shutdown = true;       // controlled.shutdown.enable
    bool unclean_leader_election = false;  // unclean.leader.election.enable
    // The high watermark stands still below min.insync.replicas (KIP-966).
    bool strict_min_in_sync = true;
    bool eligible_leader_replicas = false;  // eligible.leader.replicas.version
    bool rack_aware_selector = false;       // replica.selector.class RackAwareReplicaSelector
    // remote.log.storage.system.enable; topics with a local retention are tiered then.
    std::optional<RemoteLogManager::Config> remote_log;
  };

  // `store` is the remote storage and outlives it; null without tiering.
  // REQUIRES: no topic has a local retention unless `remote_log` is set.
  KafkaCluster(Simulation& sim, absl::string_view name, Network* network, const Config& config,
               ObjectStore* store = nullptr);

  KafkaBroker& broker(BrokerId id) { return *brokers_[id]; }
  int64_t PartitionsOn(BrokerId broker) const override;
  int InSyncCount(PartitionId partition) const;
  // Where the disks' part of the log starts: the log start, but for a tiered topic.
  Offset LocalLogStart(PartitionId partition) const {
    return std::max(partitions_[partition].local_log_start,
                    partitions_[partition].log.log_start_offset());
  }
  // Its position in the log, to the byte; PartitionLog tells positions inside a coalesced range by
  // interpolation.
  int64_t LocalStartPosition(PartitionId partition) const;
  const RemoteLog& RemoteLogAt(PartitionId partition) const { return remote_logs_[partition]; }
  // REQUIRES: tiering.
  const RemoteLogManager& remote_log(BrokerId id) const {
    return *remote_log_[static_cast<size_t>(id)];
  }

  // Fault verb lose on a disk: the broker halts, and its replicas begin anew when it is restarted.
  void LoseDisk(BrokerId id);

  void ShutDown(BrokerId id, Callback stopped) override;
  bool IsServing(BrokerId id) const override { return brokers_[id]->up() && !fenced_[id]; }
  std::vector<BrokerId> BrokersOf(PartitionId id) const override;
  void Reassign(PartitionId id, const std::vector<BrokerId>& to, Callback done) override;
  void ThrottleMoves(std::optional<BytesPerSecond> rate) override;
  void ReplaceMachine(BrokerId id) override;

  static constexpr MetricDef kUncleanElections = {
      "log.unclean_elections", MetricKind::kCounter, MetricUnit::kCount,
      "Leaders elected out of sync: what they lack is lost. Only where there was one."};

  static constexpr MetricDef kRebuilding = {
      "log.rebuilding_replicas", MetricKind::kGauge, MetricUnit::kCount,
      "Replicas on live brokers that are out of sync and copy from their leaders, every 30 s."};
  static constexpr MetricDef kRebuildLeft = {
      "log.rebuild_left", MetricKind::kGauge, MetricUnit::kBytes,
      "Bytes between them and the ends of their leaders' logs."};
  static constexpr MetricDef kRebuildProjected = {
      "log.rebuild_projected", MetricKind::kGauge, MetricUnit::kDuration,
      "How long the slowest of their brokers still takes at the rate of the last 30 s."};
  static constexpr MetricDef kFallingBehind = {"log.replicas_falling_behind", MetricKind::kGauge,
                                               MetricUnit::kCount,
                                               "Of those, replicas on brokers that did not come "
                                               "nearer in the last 30 s: at this rate they are "
                                               "never in sync."};
  // Registered with tiering only.
  static constexpr MetricDef kRemoteBytes = {
      "log.remote_bytes", MetricKind::kGauge, MetricUnit::kBytes,
      "Bytes of segments in remote storage, without their indexes: RemoteLogSizeBytes."};
  static constexpr MetricDef kAuxiliaryStates = {
      "log.auxiliary_states_built", MetricKind::kCounter, MetricUnit::kCount,
      "Replicas that began at their leader's local log start: "
      "BuildRemoteLogAuxStateRequestsPerSec."};

 private:
  struct ReplicaFetcher;
  struct Replica {
    BrokerId broker = kNoBroker;
    bool in_sync = true;
    // The leader has asked for it to join or leave the set; until that holds it counts as in sync
    // for the high watermark.
    bool changing = false;
    bool eligible = false;  // To lead, if the set is empty: it left one that was too small.
    bool adding = false;    // By a reassignment.
    // Its disk was lost and it has not been in sync since: it cannot lead.
    bool lost = false;
    Offset log_end = 0;  // On the replica itself.
    // What it has on its disk: from where to where in the log, by position.
    int64_t start_position = 0;
    int64_t position = 0;  // Of log_end.
    Bytes stored() const { return Bytes(position - start_position); }
    Offset acknowledged = 0;  // As the leader knows it.
    Offset leader_end_at_fetch = 0;
    Time fetched_at;  // Its last fetch that acknowledged something.
    Time caught_up_at;
    int64_t unflushed = 0;  // Records since the last flush.
    // With a rack-aware selector: the leader's high watermark as it was told last, and how far
    // consumers may read here.
    Offset told = 0;
    Offset readable = 0;
    bool untold = false;                // On its fetcher's list of that name.
    ReplicaFetcher* fetcher = nullptr;  // That copies it now.
  };
  // A partition's replicas; its log, which they share, is the base's.
  struct Replicated {
    absl::InlinedVector<Replica, 3> replicas;  // The first is the preferred leader.
    int leader = 0;                            // Index into replicas, -1 for none.
    Offset epoch_start = 0;                    // Log end when the present leader took over.
    BrokerId last_leader = kNoBroker;          // The last one that was fenced while it led.
  };
  // One fetcher thread of a follower for one leader.
  struct ReplicaFetcher {
    BrokerId follower;
    BrokerId leader;
    FetchSession session;
    struct Progress {
      PartitionId partition;
      Offset log_end;
    };
    std::vector<Progress> acknowledge;  // Goes with the next fetch.
    std::vector<PartitionId> untold;    // Whose high watermark the next answer tells.
    std::vector<Progress> told;         // What the answer under way tells.
    size_t appending = 0;               // Next range of the response to append.
    size_t moving = 0;                  // Next position out of range to move.
  };

  // Storage (kafka_storage.cc).
  ProduceError Admit(PartitionId id, const ProduceRequest& request) override;
  void BeforeAppend(PartitionId id) override;
  void AfterAppend(PartitionId id) override;
  bool Store(PartitionId id, const Batch& batch, BrokerId leader, const Callback& go_on) override;
  bool StoreAt(PartitionId id, Replica& replica, int64_t records, Bytes bytes,
               const Callback& go_on);
  bool FlushDue(PartitionId id, Replica& replica, int64_t records);
  void AfterRequest(PartitionId id, Bytes bytes) override;
  bool AwaitsCommit(Acks acks) const override { return acks == Acks::kAll; }
  ProduceError ErrorOfCommitted(PartitionId id) override;
  Bytes Missing(const FetchedRange& part, BrokerId broker) override;
  bool Prepare(FetchSession* session, BrokerId broker, Bytes missed,
               const Callback& serve) override;
  // As sendfile() does: the session's network thread sleeps while the volume reads, goes on reading
  // as long as the socket takes what it has, and turns to others when it is full.
  void SendFromDisk(FetchSession* session, BrokerId broker, uint32_t generation);
  void ReadMissed(FetchSession* session, BrokerId broker, uint32_t generation);
  // Returns whether the thread sleeps on.
  bool HasRead(FetchSession* session, BrokerId broker, uint32_t generation);
  void PartArrived(FetchSession* session) override;

  // Tiered topics (kafka_tiering.cc).
  struct RemoteFetch {
    FetchSession* session;
    uint32_t generation;
    BrokerId broker;
    uint32_t broker_generation;
    uint32_t position;
    FetchedRange range;
    int64_t from;  // By position in the log.
    int64_t to;
    RemoteSegment segment;
    Callback go_on;
    Time expires_at;
    EventId expiry;
    RemoteLogReader::ReadId read;
  };
  bool Tiered(PartitionId id) const { return TopicOf(partitions_[id]).local_retention.has_value(); }
  void StartTiering(ObjectStore* store, Network* network);
  void HoldRemoteHistory(PartitionId id, ObjectStore* store);
  // The new leader's tasks begin.
  void LeadRemote(PartitionId id);
  void ApplyLocalRetention(PartitionId id);
  // The local log starts at the end of a remote segment.
  void SetLocalStart(PartitionId id, Offset from);
  void ReadRemote(FetchSession* session, BrokerId broker, Callback go_on) override;
  void SubmitRemote(uint32_t fetch);
  void RemoteRead(uint32_t fetch, bool well);
  void RemoteExpired(uint32_t fetch);
  // Moves the fetcher's replicas that are below their leaders' local log starts, one by one.
  void MoveOutOfRange(ReplicaFetcher* fetcher);
  // Returns false when a replica needs no auxiliary state to begin at the local log start.
  bool ReadAuxiliary(ReplicaFetcher* fetcher, PartitionId id);
  void AuxiliaryRead(ReplicaFetcher* fetcher, bool well);
  void BeginAtLocalStart(PartitionId id, Replica& replica);
  void AuditTiering() const;
  // RemoteLogManager::Owner.
  bool LeadsStill(BrokerId broker, PartitionId id, int32_t epoch) const override;
  std::optional<ClosedSegment> NextToCopy(PartitionId id) const override;
  RemoteLogManager::Lag LagOf(PartitionId id) const override;
  RemoteLog& RemoteLogOf(PartitionId id) override { return remote_logs_[id]; }
  PrefixId PrefixOf(PartitionId id) const override {
    return prefixes_[static_cast<size_t>(partitions_[id].topic)];
  }
  bool ReadSegment(BrokerId broker, PartitionId id, const ClosedSegment& segment,
                   Callback read) override;
  void OnCopied(PartitionId id) override;
  void ApplyTotalRetention(PartitionId id) override;
  // The first closed segment that is not remote, as an index into the log's segments.
  size_t FirstNotRemote(PartitionId id) const;

  // What is kept (kafka_retention.cc).
  void HoldHistory(PartitionId id, Replica& replica);
  void ApplyRetention() override;
  // The replica deletes what is below the local log start, and follows when it has nothing above;
  // that of a tiered topic goes on from there when its fetcher has built the auxiliary state.
  void FollowLogStart(PartitionId id, Replica& replica);
  // All of its replicas on live brokers.
  void FollowLogStart(PartitionId id);
  // The broker stops: a volume has no room left.
  void FailLogDir(BrokerId id);
  // The replica's log ends at `offset` from now on: more is on its disk and in its cache, or less.
  void SetLogEnd(PartitionId id, Replica& replica, Offset offset);

  // Starts after an unclean stop, and replicas out of sync (kafka_recovery.cc).
  struct Recovery {
    uint32_t run = 0;                            // Raised by each start and each stop.
    std::vector<std::vector<PartitionId>> logs;  // Left to check, by volume.
    std::vector<Time> checked_at;  // By thread: when it is through with its log, read or not.
    uint32_t threads_left = 0;
  };
  void Recover(BrokerId id) override;
  // A thread takes its volume's next log, and waits for the disk and for its own work.
  void RecoverNext(BrokerId id, uint32_t thread, uint32_t run);
  void FinishLog(BrokerId id, uint32_t thread, uint32_t run);
  int64_t UnflushedFrom(PartitionId id, const Replica& replica) const;
  void WatchRebuilds();
  void SampleRebuilds();
  // When the follower may fetch again, having taken what its last answer held.
  Time ThrottledUntil(const ReplicaFetcher& fetcher);

  // Replication (kafka_replication.cc).
  // All sessions between followers and leaders begin anew; those of one pair alone, if it is given.
  void StartFetchers(BrokerId follower = kNoBroker, BrokerId leader = kNoBroker);
  void ReplicaResponse(ReplicaFetcher* fetcher);
  void AppendFetched(ReplicaFetcher* fetcher);
  void FetchAgain(ReplicaFetcher* fetcher);
  void TakeAcknowledgements(ReplicaFetcher* fetcher);
  void AdvanceHighWatermark(PartitionId id, BrokerId blocker);
  Replica* ReplicaOn(PartitionId id, BrokerId broker);

  // Consumers that read at followers (kafka_follower_reads.cc).
  bool SelectsReplicas() const override { return config_.rack_aware_selector; }
  BrokerId PreferredReplica(PartitionId id, ZoneId rack, Offset next) const override;
  bool ServesAsFollower(PartitionId id, BrokerId broker) const override;
  Offset FollowerLimit(PartitionId id, BrokerId broker) const override;
  // The followers do not know it yet.
  void NoteHighWatermark(PartitionId id);
  // The answer that is put together now tells what has changed.
  void TellHighWatermarks(ReplicaFetcher* fetcher);
  void LearnHighWatermarks(ReplicaFetcher* fetcher);
  void RaiseReadable(PartitionId id, Replica& replica);
  // The log was cut.
  void LowerReadable(PartitionId id, Replica& replica);
  Replica& LeaderOf(PartitionId id) {
    return replicated_[id].replicas[static_cast<size_t>(replicated_[id].leader)];
  }
  void SweepInSync();
  void ScheduleSweep();

  // Control (kafka_control.cc).
  void OnCrash(BrokerId id) override;
  void OnRestart(BrokerId id) override;
  void OnSessionEnd(BrokerId id) override;
  void OnUnfence(BrokerId id) override;
  void OnAbandonStart(BrokerId id) override { ++recoveries_[static_cast<size_t>(id)].run; }
  void TakeLeadership(BrokerId id);
  bool CanLead(const Replica& replica) const;
  void ElectAny(PartitionId id);
  void Elect(PartitionId id, int replica);
  void ElectUncleanly(PartitionId id, int replica);
  void TryToJoin(PartitionId id, Replica& replica);
  void ProposeInSync(PartitionId id, Replica& replica, bool in_sync);
  void JoinInSync(PartitionId id, Replica& replica);
  void LeaveInSync(PartitionId id, Replica& replica);
  int MinInSync(PartitionId id) const;
  void BalanceLeaders();
  void ScheduleBalance();
  void CountHealth();
  void Audit();

  // Operations (kafka_operations.cc).
  struct Move {
    std::vector<BrokerId> to;
    Callback done;
    bool begun;  // The controllers have added the new replicas.
  };
  struct Stopping {
    BrokerId broker;
    Callback stopped;
  };
  void FinishShutDown(BrokerId id);
  void BeginMove(PartitionId id);
  // Once all that are to have it are in sync.
  void FinishMoveLater(PartitionId id);
  void FinishMove(PartitionId id);
  bool AllInSync(PartitionId id, const std::vector<BrokerId>& brokers);
  void DeleteReplica(PartitionId id, const Replica& replica);

  const Config config_;
  Network* network_;
  std::vector<std::unique_ptr<KafkaBroker>> brokers_;
  std::vector<bool> fenced_;
  std::vector<bool> stopped_cleanly_;
  std::vector<Stopping> stopping_;
  absl::btree_map<PartitionId, Move> moves_;
  std::optional<BytesPerSecond> move_throttle_;
  // The generation whose log directory failed; it is raised by the crash that follows.
  std::vector<std::optional<uint32_t>> log_dir_failed_at_;
  std::vector<Replicated> replicated_;  // By PartitionId.
  std::vector<std::unique_ptr<ReplicaFetcher>> fetchers_;
  std::vector<ReplicaFetcher*> fetcher_of_;  // By follower, leader and thread.
  bool balance_scheduled_ = false;
  std::vector<Recovery> recoveries_;  // By BrokerId.
  // Until when the throttled rate is used up, by BrokerId.
  std::vector<Time> sending_throttled_until_;
  std::vector<Time> receiving_throttled_until_;
  std::vector<RemoteLog> remote_logs_;                         // By PartitionId.
  std::vector<std::unique_ptr<RemoteLogManager>> remote_log_;  // By BrokerId; none without tiering.
  std::vector<PrefixId> prefixes_;                             // By topic.
  std::vector<int64_t> local_start_positions_;                 // Of local_log_start.
  Pool<RemoteFetch> remote_fetches_;
  Gauge* remote_bytes_ = nullptr;
  Counter* auxiliary_states_ = nullptr;
  bool watching_rebuilds_ = false;
  std::vector<Bytes> rebuild_left_before_;  // By BrokerId, at the last sample.
  Gauge& rebuilding_;
  Gauge& rebuild_left_;
  Gauge& rebuild_projected_;
  Gauge& falling_behind_;
  Counter* unclean_elections_ = nullptr;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_BROKER_KAFKA_CLUSTER_H_
