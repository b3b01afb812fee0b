// Shared storage, as AutoMQ's S3Stream has it: a partition has one broker at a time, and no
// replicas; what is acknowledged is in that broker's write-ahead log or in object storage, which
// any broker can read. Requests are broker_cluster.h's, what one broker does is
// s3stream_broker.h's.
//
// Append: into the write-ahead log; the high watermark passes when it is durable there, and
// acks=all waits for that. A broker takes up to 64 requests of a connection before it has answered
// the first. Consumers read what is in the log cache from memory, older data from objects.
//
// A broker that dies is fenced when its session ends. The controller looks once a scan interval,
// and has one failed node at a time recovered: a survivor takes over its write-ahead log, reads
// what was not uploaded and uploads it; then its partitions open elsewhere. One that comes back
// first does so itself. A partition moves by the same means without a failure: no more appends,
// upload, open there.
//
// Retention trims the partitions' streams: extents leave the index, and objects that hold nothing
// else are deleted with the next compaction. A history lies in objects as compaction leaves them.
//
// Held to by audits: inv.I13, for every partition what is in objects, and then what is in its
// broker's write-ahead log, is contiguous from the log start up to the high watermark.
//
// Records of a table topic go into an Iceberg table, too (table_topic.h).
//
// docs/models/s3stream.md lists what is approximated and left out.
#ifndef FRESHET_MODELS_BROKER_S3STREAM_CLUSTER_H_
#define FRESHET_MODELS_BROKER_S3STREAM_CLUSTER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/container/btree_map.h"
#include "models/broker/auto_balancer.h"
#include "models/broker/broker_cluster.h"
#include "models/broker/s3stream_broker.h"
#include "models/broker/table_channel.h"
#include "models/broker/table_topic.h"
#include "models/broker/zone_router.h"

namespace freshet {

class S3StreamCluster : public BrokerCluster,
                        private S3StreamBroker::Owner,
                        private AutoBalancer::Owner,
                        private ZoneRouter::Owner,
                        private TableChannel::Owner,
                        private TableTopic::Host {
 public:
  struct TableConfig {
    size_t topic;  // By its place in Config::topics.
    IcebergTable* table;
    TableTopic::Config config;
  };
  struct Config : BrokerCluster::Config {
    std::vector<S3StreamBroker::Config> brokers;
    Duration failover_scan_interval;
    Duration open_time;                 // Until a partition serves on its new broker.
    Duration deleted_object_retention;  // Until garbage is deleted.
    Duration prepared_object_ttl;       // The same for objects that were never committed.
    std::optional<AutoBalancer::Config> balancer;  // Absent: partitions stay where they are.
    // Routing by zones; absent: clients ask leaders wherever they are. REQUIRES: write-ahead logs
    // are in objects.
    std::optional<S3Wal::Config> router_channel;
    // Topics that go into tables. REQUIRES: not empty only if the last two topics are those of
    // TableChannel::AddTopics(); tables outlive the cluster.
    std::vector<TableConfig> tables;
  };

  static constexpr MetricDef kRecoveries = {
      "log.recoveries", MetricKind::kCounter, MetricUnit::kCount,
      "Write-ahead logs of failed brokers that were read and uploaded."};
  static constexpr MetricDef kRecoveredBytes = {"log.recovered_bytes", MetricKind::kCounter,
                                                MetricUnit::kBytes,
                                                "Bytes uploaded from logs of failed brokers."};
  static constexpr MetricDef kUnavailable = {
      "log.partition_unavailable", MetricKind::kDistribution, MetricUnit::kDuration,
      "From a broker's crash until a partition of it serves again, for each."};
  static constexpr MetricDef kMoves = {"log.partition_moves", MetricKind::kCounter,
                                       MetricUnit::kCount, "Partitions that moved as asked."};
  static constexpr MetricDef kMoveTime = {
      "log.partition_move_time", MetricKind::kDistribution, MetricUnit::kDuration,
      "From the order to move a partition until it serves on its new broker."};
  static constexpr MetricDef kStreamSetObjects = {"log.stream_set_objects", MetricKind::kGauge,
                                                  MetricUnit::kCount,
                                                  "Objects that hold records of many partitions."};
  static constexpr MetricDef kStreamObjects = {"log.stream_objects", MetricKind::kGauge,
                                               MetricUnit::kCount,
                                               "Objects that hold records of one partition."};

  // REQUIRES: `network` and `store` outlive it.
  S3StreamCluster(Simulation& sim, absl::string_view name, Network* network, ObjectStore* store,
                  const Config& config);

  // Moves a partition to another broker: a balancer's order. Returns false, and does nothing, while
  // the partition is not served, or when `to` is not there to serve it.
  bool MovePartition(PartitionId id, BrokerId to) override;

  // Operations (s3stream_operations.cc): a broker that shuts down gives its partitions away first.
  void ShutDown(BrokerId id, Callback stopped) override;
  bool IsServing(BrokerId id) const override { return IsReady(id); }
  std::vector<BrokerId> BrokersOf(PartitionId id) const override;
  void Reassign(PartitionId id, const std::vector<BrokerId>& to, Callback done) override;

  S3StreamBroker& broker(BrokerId id) { return *brokers_[static_cast<size_t>(id)]; }
  const S3StreamBroker& broker(BrokerId id) const { return *brokers_[static_cast<size_t>(id)]; }
  int64_t PartitionsOn(BrokerId broker) const override;
  // With routing by zones a client is told of a broker of its own zone.
  std::shared_ptr<const Metadata> CurrentMetadata(HostId client) const override;
  void OnMetadataRefresh(Callback refresh) override { refreshes_.push_back(refresh); }
  const StreamObjects& objects() const { return objects_; }
  // By the order of Config::tables.
  const TableTopic& table_topic(size_t index) const { return *tables_[index]; }

 private:
  friend class S3StreamClusterTestPeer;  // Breaks what the audits must notice.

  enum class State : uint8_t {
    kServed,
    kClosing,  // Takes no more appends; its tail is being uploaded.
    kOpening,
    kLost,  // Its broker died with it.
  };
  struct Placement {
    BrokerId home;  // In whose write-ahead log its tail is.
    State state = State::kServed;
    BrokerId to = kNoBroker;  // kClosing, kOpening.
    bool lost = false;        // kOpening: after a crash.
    Time since;               // The crash, or the order to move.
  };
  // A failed broker's write-ahead log, on its way into objects.
  struct Recovery {
    BrokerId by;
    uint64_t number;
  };
  struct Opening {
    PartitionId partition;
    Time at;
  };
  struct Deletion {
    std::vector<ObjectId> objects;
    Time at;
  };

  // The log's storage (s3stream_cluster.cc).
  ProduceError Admit(PartitionId id, const ProduceRequest& request) override;
  void BeforeAppend(PartitionId id) override;
  void AfterAppend(PartitionId id) override;
  bool Store(PartitionId id, const Batch& batch, BrokerId leader, const Callback& go_on) override;
  void AfterRequest(PartitionId id, Bytes bytes) override;
  bool AwaitsCommit(Acks acks) const override { return acks == Acks::kAll; }
  ProduceError ErrorOfCommitted(PartitionId id) override;
  Bytes Missing(const FetchedRange& part, BrokerId broker) override;
  bool Prepare(FetchSession* session, BrokerId broker, Bytes missed,
               const Callback& serve) override;
  void OnDurable(BrokerId id, PartitionId partition, Offset offset) override;
  void OnUploaded(BrokerId id) override;
  void OnFenced(BrokerId id) override;
  void OnGarbage(const std::vector<ObjectId>& objects) override;
  std::vector<PartitionId> LedBy(BrokerId id) const override;
  void DeleteLater(std::vector<ObjectId> objects, Duration after);
  void DeleteDue();
  void ShowObjects();
  void Audit();

  // What is kept (s3stream_retention.cc).
  void HoldHistory();
  void ApplyRetention() override;

  // Routing by zones (s3stream_zones.cc).
  void StartRouter();
  BrokerId NearestTo(ZoneId zone, BrokerId leader) const;
  void ZonesChanged();
  bool Route(RequestIndex index, uint32_t batch, BrokerId id) override;
  void RespondThrough(RequestIndex index, BrokerId from) override;
  void RoutedArrived(const ZoneRouter::Routed& routed, BrokerId leader) override;
  void RoutedRefused(const ZoneRouter::Routed& routed) override;
  void RoutedForgotten(const ZoneRouter::Routed& routed) override;
  void RoutedAnswered(RequestIndex request) override;
  bool ServesSnapshots(PartitionId id, BrokerId at) const override;
  bool PrepareSnapshot(const FetchSession& session, BrokerId id, Callback serve);

  // Table topics (s3stream_tables.cc).
  static constexpr uint32_t kNoTable = UINT32_MAX;
  void StartTables();
  void TableDurable(PartitionId id, Offset offset, BrokerId leader);
  void TableOpened(PartitionId id);
  void TableClosed(PartitionId id);
  BrokerId LeaderOf(PartitionId id) const override;
  HostId HostOfBroker(BrokerId id) const override { return broker(id).host(); }
  Offset AppendMessage(PartitionId id, Bytes bytes) override;
  void MessageSaid(const TableMessage& message) override;
  void MessageHeard(uint32_t table, uint64_t number, BrokerId at) override;
  int32_t EpochOf(PartitionId id) const override { return partitions_[id].leader_epoch; }
  bool ReadAt(BrokerId id, PartitionId partition, Offset from, Offset to, Callback read) override;
  void Say(const TableMessage& message) override { channel_->Say(message); }
  bool CanReadAnswers() const override { return LeaderOf(channel_->data()) != kNoBroker; }

  // What its balancer asks (s3stream_balance.cc).
  void StartBalancer();
  void CountSent(const FetchSession& session);
  bool CanServe(BrokerId id) const override;
  BrokerId ServedBy(PartitionId id) const override;
  int TopicIndexOf(PartitionId id) const override { return partitions_[id].topic; }
  NetworkLoad BytesOf(PartitionId id) const override;

  // Failures and moves (s3stream_control.cc).
  void OnCrash(BrokerId id) override;
  void OnRestart(BrokerId id) override;
  void OnSessionEnd(BrokerId id) override;
  void BeginOpening(PartitionId id);
  void Abandon(BrokerId id);
  void ScheduleScan();
  void Scan();
  void BeginRecovery(BrokerId failed, BrokerId by);
  void RecoverNext(BrokerId failed, uint64_t number);
  void UploadRead(BrokerId failed, uint64_t number);
  void BlockRecovered(BrokerId failed, uint64_t number);
  void FinishRecovery(BrokerId failed);
  bool IsCurrent(BrokerId failed, uint64_t number) const;
  bool IsReady(BrokerId id) const;
  BrokerId LeastLoaded() const;
  void CloseFurther(PartitionId id);
  void Open(PartitionId id, BrokerId to);
  void OpenDue();
  bool OpenNow(PartitionId id);
  void CountHealth();

  // Operations (s3stream_operations.cc).
  struct Order {
    BrokerId broker;  // That shuts down, or that a partition goes to.
    Callback done;
  };
  void FollowOrder(PartitionId id);
  // Orders that may be done now that partitions have opened.
  void LookAtOrders();
  void LeaveFurther(BrokerId id);

  const Config config_;
  Network* const network_;
  ObjectStore* const store_;
  StreamObjects objects_;
  std::vector<std::unique_ptr<S3StreamBroker>> brokers_;
  std::vector<Placement> placements_;  // By PartitionId.
  // By broker: its log holds what an earlier life left; and it is known to be dead.
  std::vector<bool> to_recover_;
  std::vector<bool> fenced_;
  // By broker: it takes no partition any more; and its log was empty when it stopped.
  std::vector<bool> leaving_;
  std::vector<bool> stopped_cleanly_;
  std::vector<Order> shutdowns_;
  absl::btree_map<PartitionId, Order> orders_;
  absl::btree_map<BrokerId, Recovery> recoveries_;  // By the failed broker.
  uint64_t next_recovery_ = 1;
  EventId scan_;
  Ring<Opening> openings_;
  absl::btree_map<Time, std::vector<ObjectId>> deletions_;
  int64_t closing_ = 0;  // Partitions in kClosing.
  std::unique_ptr<AutoBalancer> balancer_;
  std::vector<int64_t> sent_;  // Bytes of each partition, where a balancer asks.
  std::unique_ptr<ZoneRouter> router_;
  mutable std::vector<std::shared_ptr<const Metadata>> zone_metadata_;  // By ZoneId.
  std::vector<Callback> refreshes_;                                     // Of clients.
  std::unique_ptr<TableChannel> channel_;  // None without table topics.
  std::vector<std::unique_ptr<TableTopic>> tables_;
  std::vector<uint32_t> table_of_;  // By partition; kNoTable.
  // With routing, by broker: up to where it has read partitions that others lead.
  std::vector<std::vector<Offset>> snapshots_;
  Counter& recoveries_done_;
  Counter& recovered_bytes_;
  Distribution& unavailable_;
  Counter& moves_;
  Distribution& move_time_;
  Gauge& stream_set_objects_;
  Gauge& stream_objects_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_BROKER_S3STREAM_CLUSTER_H_
