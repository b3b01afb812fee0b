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
// replica.lag.time.max. A dead broker is fenced when its session ends (7-9 s after the crash) and
// its leaders move to the first live in-sync replica.
//
// Disks: replicas take room on their brokers' volumes, segment by segment, until retention deletes
// them: a check every log.retention.check.interval.ms, and the room is back
// log.segment.delete.delay.ms later. A broker whose volume is full halts.
//
// docs/models/kafka.md lists what is approximated and what the broker designs add later (controller
// failover, leader epochs per fetch, reassignment, quotas).
#ifndef FRESHET_MODELS_BROKER_KAFKA_CLUSTER_H_
#define FRESHET_MODELS_BROKER_KAFKA_CLUSTER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "models/broker/broker_cluster.h"
#include "models/broker/kafka_broker.h"

namespace freshet {

class KafkaCluster : public BrokerCluster {
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
  };

  KafkaCluster(Simulation& sim, absl::string_view name, Network* network, const Config& config);

  KafkaBroker& broker(BrokerId id) { return *brokers_[id]; }
  Broker& NodeAt(BrokerId id) override { return *brokers_[id]; }
  const Broker& NodeAt(BrokerId id) const override { return *brokers_[id]; }
  int broker_count() const override { return static_cast<int>(brokers_.size()); }
  int64_t PartitionsOn(BrokerId broker) const override;
  int InSyncCount(PartitionId partition) const;

  // Fault verb lose on a disk: the broker halts, and its replicas begin anew when it is restarted.
  void LoseDisk(BrokerId id);
  void AbandonStart(BrokerId id) override { ++recoveries_[static_cast<size_t>(id)].run; }

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

 private:
  struct Replica {
    BrokerId broker = kNoBroker;
    bool in_sync = true;
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
  };
  // A partition's replicas; its log, which they share, is the base's.
  struct Replicated {
    absl::InlinedVector<Replica, 3> replicas;  // The first is the preferred leader.
    int leader = 0;                            // Index into replicas, -1 for none.
    Offset epoch_start = 0;                    // Log end when the present leader took over.
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
    size_t appending = 0;               // Next range of the response to append.
  };

  // Storage (kafka_storage.cc).
  ProduceError Admit(PartitionId id, const ProduceRequest& request) override;
  void BeforeAppend(PartitionId id) override;
  void AfterAppend(PartitionId id) override;
  bool Store(PartitionId id, const Batch& batch, BrokerId leader, Callback go_on) override;
  bool StoreAt(PartitionId id, Replica& replica, int64_t records, Bytes bytes, Callback go_on);
  bool FlushDue(PartitionId id, Replica& replica, int64_t records);
  void AfterRequest(PartitionId id, Bytes bytes) override;
  bool AwaitsCommit(Acks acks) const override { return acks == Acks::kAll; }
  ProduceError ErrorOfCommitted(PartitionId id) override;
  Bytes Missing(const FetchedRange& part, BrokerId broker) override;
  bool Prepare(FetchSession* session, BrokerId broker, Bytes missed, Callback serve) override;

  // What is kept (kafka_retention.cc).
  void HoldHistory(PartitionId id, Replica& replica);
  void ApplyRetention() override;
  // The replica deletes what is below the log start, and follows when it has nothing above.
  void FollowLogStart(PartitionId id, Replica& replica);
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
  void StartFetchers();
  void ReplicaResponse(ReplicaFetcher* fetcher);
  void AppendFetched(ReplicaFetcher* fetcher);
  void FetchAgain(ReplicaFetcher* fetcher);
  void TakeAcknowledgements(ReplicaFetcher* fetcher);
  void AdvanceHighWatermark(PartitionId id, BrokerId blocker);
  Replica* ReplicaOn(PartitionId id, BrokerId broker);
  Replica& LeaderOf(PartitionId id) {
    return replicated_[id].replicas[static_cast<size_t>(replicated_[id].leader)];
  }
  void SweepInSync();
  void ScheduleSweep();

  // Control (kafka_control.cc).
  void OnCrash(BrokerId id) override;
  void OnRestart(BrokerId id) override;
  void OnSessionEnd(BrokerId id) override;
  void TakeLeadership(BrokerId id);
  void Unfence(BrokerId id);
  void Elect(PartitionId id, int replica);
  void BalanceLeaders();
  void ScheduleBalance();
  void CountHealth();
  void Audit();

  const Config config_;
  Network* network_;
  std::vector<std::unique_ptr<KafkaBroker>> brokers_;
  std::vector<bool> fenced_;
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
  bool watching_rebuilds_ = false;
  std::vector<Bytes> rebuild_left_before_;  // By BrokerId, at the last sample.
  Gauge& rebuilding_;
  Gauge& rebuild_left_;
  Gauge& rebuild_projected_;
  Gauge& falling_behind_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_BROKER_KAFKA_CLUSTER_H_
