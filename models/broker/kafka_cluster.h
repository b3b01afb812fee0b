// Kafka, shared-nothing: partitions with a leader and followers, produce and fetch handling, the
// high watermark, and what happens to leadership when a broker dies.
//
// Produce: the channel is muted, a handler thread takes the request, the cores work, each batch is
// appended to the leader's log (and flushed where the topic says so), followers that wait are
// woken; acks=all answers when the high watermark has passed. Replication: every follower runs
// num.replica.fetchers fetcher threads per leader, each a loop of long-polling fetches; what a
// fetch acknowledges moves the high watermark, so a batch is committed one fetch round trip after
// it was copied. Consumers read up to the high watermark, from memory while the page cache still
// holds it.
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
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "models/broker/kafka_broker.h"
#include "models/log/log_service.h"
#include "models/log/partition_log.h"
#include "sim/component.h"
#include "sim/pool.h"

namespace freshet {

class KafkaCluster : public Component, public LogService {
 public:
  struct TopicConfig {
    std::string name;
    int partitions = 1;
    int replication_factor = 1;
    int min_in_sync_replicas = 1;
    int64_t flush_messages = 0;  // 0: never by count.
  };
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

  static constexpr MetricDef kUnderReplicated = {
      "log.under_replicated_partitions", MetricKind::kGauge, MetricUnit::kCount,
      "Partitions with fewer replicas in sync than assigned."};
  static constexpr MetricDef kOffline = {"log.offline_partitions", MetricKind::kGauge,
                                         MetricUnit::kCount, "Partitions without a leader."};
  static constexpr MetricDef kElections = {"log.leader_elections", MetricKind::kCounter,
                                           MetricUnit::kCount, "Leaders that changed."};
  static constexpr MetricDef kLostAcked = {
      "log.lost_acked_records", MetricKind::kCounter, MetricUnit::kCount,
      "Records acknowledged with acks 0 or 1 and then lost: cut off in a failover or, with acks 0, "
      "refused or lost on the way. A legal loss."};
  static constexpr MetricDef kDuplicates = {
      "log.duplicate_records", MetricKind::kCounter, MetricUnit::kCount,
      "Records appended again by a retry without idempotence."};
  static constexpr MetricDef kAppended = {"log.appended_records", MetricKind::kCounter,
                                          MetricUnit::kCount, "Records appended by leaders."};

  KafkaCluster(Simulation& sim, absl::string_view name, Network* network, const Config& config);

  KafkaBroker& broker(BrokerId id) { return *brokers_[id]; }

  // Fault verb down.
  void CrashBroker(BrokerId id);
  void RestartBroker(BrokerId id);

  // LogService.
  TopicPartitions PartitionsOf(absl::string_view topic) const override;
  std::shared_ptr<const Metadata> CurrentMetadata() const override { return metadata_; }
  int broker_count() const override { return static_cast<int>(brokers_.size()); }
  HostId HostOf(BrokerId broker) const override { return brokers_[broker]->host(); }
  bool IsUp(BrokerId broker) const override { return brokers_[broker]->up(); }
  ProducerId NewProducerId() override { return next_producer_id_++; }
  RequestIndex NewRequest() override;
  ProduceRequest& RequestAt(RequestIndex index) override { return requests_[index]; }
  void SendProduce(RequestIndex index, BrokerId broker, ProduceChannel* channel) override;
  void ForgetRequest(RequestIndex index) override;
  void SendControl(BrokerId broker, Connection* request_on, Connection* reply_on,
                   Callback on_response) override;
  void ResetChannel(ProduceChannel* channel) override;
  void OpenSession(FetchSession* session, BrokerId broker) override;
  void CloseSession(FetchSession* session, BrokerId broker) override;
  void Fetch(FetchSession* session, BrokerId broker) override;
  const PartitionLog& LogOf(PartitionId partition) const override {
    return partitions_[partition].log;
  }
  void ConsumedUpTo(PartitionId partition, int reader, Offset offset) override;
  int AddReader(PartitionId partition) override;
  void OnBrokerChange(Completion<BrokerId> changed) override { listeners_.push_back(changed); }

  int InSyncCount(PartitionId partition) const;
  int64_t ReplicasOn(BrokerId broker) const;

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
  struct PendingAck {
    Offset required;
    RequestIndex request;
  };
  struct Subscriber {
    FetchSession* session;
    uint32_t position;
  };
  struct ProducerState {
    int32_t epoch = 0;
    int64_t next_sequence = 0;
  };
  struct Partition {
    PartitionLog log;
    absl::InlinedVector<Replica, 3> replicas;  // The first is the preferred leader.
    int leader = 0;                            // Index into replicas, -1 for none.
    int32_t leader_epoch = 0;
    Offset epoch_start = 0;  // Log end when the present leader took over.
    int topic = 0;
    Ring<PendingAck> pending_acks;  // By required offset.
    std::vector<Subscriber> replica_subscribers;
    std::vector<Subscriber> consumer_subscribers;
    std::vector<ProducerState> producers;  // By ProducerId.
    std::vector<Offset> readers;           // Consumed up to.
    BrokerId leader_broker() const { return leader < 0 ? kNoBroker : replicas[leader].broker; }
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

  // Produce path (kafka_produce.cc).
  void ProduceArrived(RequestIndex index, BrokerId broker, ProduceChannel* channel);
  void TakeRequest(RequestIndex index, BrokerId broker);
  void AppendFrom(RequestIndex index, BrokerId broker, size_t first_batch);
  ProduceError AppendBatch(Partition& partition, const ProduceRequest& request, Batch& batch,
                           KafkaBroker& node);
  ProduceError CheckSequence(Partition& partition, const Batch& batch, bool idempotent,
                             bool* duplicate);
  void FinishAppend(RequestIndex index, BrokerId broker);
  void AwaitAck(Partition& partition, Offset required, RequestIndex index);
  void Refuse(RequestIndex index, PartitionId partition, ProduceError error);
  void Respond(RequestIndex index, BrokerId broker);
  void NoteTold(const ProduceRequest& request);
  void Unmute(ProduceChannel* channel, BrokerId broker);
  void FreeRequest(RequestIndex index);
  void CountUnanswered(const ProduceRequest& request, size_t first_batch);
  bool FlushDue(Partition& partition, Replica& replica, int64_t records);

  // Fetch path (kafka_fetch.cc).
  void FetchArrived(FetchSession* session, BrokerId broker);
  void ProcessFetch(FetchSession* session, BrokerId broker, uint32_t generation);
  void Park(FetchSession* session, BrokerId broker);
  void ParkTimer(FetchSession* session, BrokerId broker);
  void AnswerFetch(FetchSession* session, BrokerId broker);
  void ServeResponse(FetchSession* session, BrokerId broker, uint32_t generation);
  void SendFetchResponse(FetchSession* session, BrokerId broker, uint32_t generation);
  void Collect(FetchSession* session, BrokerId broker, Bytes* missed);
  void Announce(PartitionId id, std::vector<Subscriber>& subscribers, Bytes bytes);
  Offset LimitOf(const FetchSession& session, const Partition& partition) const {
    return session.to_log_end ? partition.log.log_end_offset() : partition.log.high_watermark();
  }

  // Replication (kafka_replication.cc).
  void StartFetchers();
  void ReplicaResponse(ReplicaFetcher* fetcher);
  void AppendFetched(ReplicaFetcher* fetcher);
  void FetchAgain(ReplicaFetcher* fetcher);
  void TakeAcknowledgements(ReplicaFetcher* fetcher);
  void AdvanceHighWatermark(PartitionId id, BrokerId blocker);
  Replica* ReplicaOn(Partition& partition, BrokerId broker);
  void SweepInSync();
  void ScheduleSweep();

  // Control (kafka_control.cc).
  void Fence(BrokerId id, uint32_t generation);
  void Unfence(BrokerId id);
  void Elect(PartitionId id, int replica);
  void BalanceLeaders();
  void ScheduleBalance();
  void PublishMetadata();
  void CountHealth();
  void Audit();

  PartitionId IdOf(const Partition& partition) const {
    return static_cast<PartitionId>(&partition - partitions_.data());
  }

  const Config config_;
  Network* network_;
  std::vector<std::unique_ptr<KafkaBroker>> brokers_;
  std::vector<bool> fenced_;
  std::vector<Partition> partitions_;
  std::vector<TopicPartitions> topics_;
  std::vector<std::unique_ptr<ReplicaFetcher>> fetchers_;
  std::vector<ReplicaFetcher*> fetcher_of_;  // By follower, leader and thread.
  Pool<ProduceRequest> requests_;
  struct ControlRequest {
    BrokerId broker;
    Connection* reply_on;
    Callback on_response;
  };
  Pool<ControlRequest> control_requests_;
  ProducerId next_producer_id_ = 0;
  std::shared_ptr<const Metadata> metadata_;
  std::vector<Completion<BrokerId>> listeners_;
  RandomStream heartbeat_phase_;
  bool balance_scheduled_ = false;
  Gauge& under_replicated_;
  Gauge& offline_;
  Counter& elections_;
  Counter& lost_acked_;
  Counter& duplicates_;
  Counter& appended_;
  LaneId lane_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_BROKER_KAFKA_CLUSTER_H_
