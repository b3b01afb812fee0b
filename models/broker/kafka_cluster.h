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
// docs/models/kafka.md lists what is approximated and what the broker designs add later (controller
// failover, leader epochs per fetch, retention, reassignment, quotas).
#ifndef FRESHET_MODELS_BROKER_KAFKA_CLUSTER_H_
#define FRESHET_MODELS_BROKER_KAFKA_CLUSTER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "models/broker/broker_cluster.h"
#include "models/broker/kafka_broker.h"

namespace freshet {

class KafkaCluster : public BrokerCluster {
 public:
  struct Config {
    std::vector<KafkaBroker::Config> brokers;
    std::vector<TopicConfig> topics;
    int replica_fetchers = 1;                  // num.replica.fetchers
    Duration replica_fetch_wait_max;           // replica.fetch.wait.max.ms
    Bytes replica_fetch_min_bytes;             // replica.fetch.min.bytes
    Bytes replica_fetch_max_bytes;             // replica.fetch.max.bytes
    Bytes replica_fetch_response_max_bytes;    // replica.fetch.response.max.bytes
    Bytes fetch_max_bytes = MiB(55);           // fetch.max.bytes, the broker's cap
    Duration replica_lag_time_max;             // replica.lag.time.max.ms
    Duration broker_session_timeout;           // broker.session.timeout.ms
    Duration broker_heartbeat_interval;        // broker.heartbeat.interval.ms
    Duration leader_imbalance_check_interval;  // leader.imbalance.check.interval.seconds
  };

  KafkaCluster(Simulation& sim, absl::string_view name, Network* network, const Config& config);

  KafkaBroker& broker(BrokerId id) { return *brokers_[id]; }
  Broker& NodeAt(BrokerId id) override { return *brokers_[id]; }
  const Broker& NodeAt(BrokerId id) const override { return *brokers_[id]; }
  int broker_count() const override { return static_cast<int>(brokers_.size()); }
  int64_t PartitionsOn(BrokerId broker) const override;
  int InSyncCount(PartitionId partition) const;

 private:
  struct Replica {
    BrokerId broker = kNoBroker;
    bool in_sync = true;
    Offset log_end = 0;       // On the replica itself.
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
  Bytes Missing(PartitionId id, BrokerId broker, const LogRange& part, Bytes size) override;
  bool Prepare(FetchSession* session, BrokerId broker, Bytes missed, Callback serve) override;

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
  void Fence(BrokerId id, uint32_t generation);
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
  std::vector<Replicated> replicated_;  // By PartitionId.
  std::vector<std::unique_ptr<ReplicaFetcher>> fetchers_;
  std::vector<ReplicaFetcher*> fetcher_of_;  // By follower, leader and thread.
  RandomStream heartbeat_phase_;
  bool balance_scheduled_ = false;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_BROKER_KAFKA_CLUSTER_H_
