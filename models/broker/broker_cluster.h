// What the broker designs have in common: the Kafka protocol. Requests from the wire to the log and
// back, fetch sessions and long polls, metadata, who leads. What differs is behind a few calls that
// a design answers: where an appended batch is stored and when it is committed, what a read has to
// fetch from where, and what happens when a broker dies.
//
// Produce: the channel is muted, a handler thread takes the request, the cores work, each batch is
// appended to the leader's log and stored as the design has it; the answer goes out when the high
// watermark has passed what has to be committed first. The channel's next request is taken then, or
// after the append where a design lets several wait for their answers. Consumers read up to the
// high watermark; where a design sends them to a follower, up to what that one knows of it; with
// read_committed up to the last stable offset (transactional_log.cc).
//
// Control (control_plane.cc): a broker that dies is fenced when its session with the active
// controller ends, and what the controllers decide holds once a majority has it; brokers hear of it
// a little later. Another active controller gives every broker a session anew. A broker that comes
// back is refused until the session of its earlier life has ended, and serves when it is unfenced.
//
//   kafka_cluster.h        shared-nothing: replicas on disks of their own, and tiered: their older
//                          segments in remote storage
//   s3stream_cluster.h     shared storage: a write-ahead log and object storage
//   leaderless_cluster.h   leaderless: files in object storage and a coordinator of batches; there
//                          appends are held at a broker until the coordinator gives them offsets
#ifndef FRESHET_MODELS_BROKER_BROKER_CLUSTER_H_
#define FRESHET_MODELS_BROKER_BROKER_CLUSTER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/broker/broker.h"
#include "models/broker/client_quotas.h"
#include "models/control/kraft_quorum.h"
#include "models/log/log_service.h"
#include "models/log/partition_log.h"
#include "sim/component.h"
#include "sim/pool.h"

namespace freshet {

struct TopicConfig {
  std::string name;
  int partitions = 1;
  int replication_factor = 1;
  int min_in_sync_replicas = 1;
  int64_t flush_messages = 0;  // 0: never by count.
  SegmentRules segments;
  Retention retention;
  // Of a tiered topic: what the brokers' disks keep of a log that is in remote storage, too.
  std::optional<Retention> local_retention;
  // What its partitions hold at the start, as if records of `history_record_bytes` as stored had
  // come at `history_rate` to the whole topic for `history`, and retention had been applied since.
  Duration history;
  Rate history_rate;
  Bytes history_record_bytes;
};

class BrokerCluster : public Component, public LogService {
 public:
  // What every design is told; each adds its own.
  struct Config {
    std::vector<TopicConfig> topics;
    Bytes fetch_max_bytes = MiB(55);     // fetch.max.bytes, the broker's cap
    Duration broker_session_timeout;     // broker.session.timeout.ms
    Duration broker_heartbeat_interval;  // broker.heartbeat.interval.ms
    Duration retention_check_interval;   // log.retention.check.interval.ms
    // Without zones the design has no such controllers: sessions end all the same, and decisions
    // hold at once.
    KraftQuorum::Config controllers;
    // The active controller writes a record so often at the least (metadata.max.idle.interval.ms);
    // brokers learn from its fetch that what came before is committed.
    Duration metadata_idle_interval;
    // How many of the last brokers are not there at the start.
    int absent_brokers = 0;
    // Absent: nobody is measured.
    std::optional<ClientQuotas::Config> quotas = std::nullopt;
    int32_t batches_per_parcel = 1;  // The run's resolution.
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
      "Records acknowledged and then lost, legally: with acks 0 or 1 cut off in a failover or, "
      "with "
      "acks 0, refused or lost on the way; with any acks cut off by an unclean election."};
  static constexpr MetricDef kDuplicates = {
      "log.duplicate_records", MetricKind::kCounter, MetricUnit::kCount,
      "Records appended again by a retry without idempotence."};
  static constexpr MetricDef kDeleted = {"log.deleted_records", MetricKind::kCounter,
                                         MetricUnit::kCount, "Records deleted by retention."};
  static constexpr MetricDef kAppended = {"log.appended_records", MetricKind::kCounter,
                                          MetricUnit::kCount, "Records appended by leaders."};

  // Fault verb down. A broker that starts is up when its design is through with what a start takes
  // and the controllers have registered it; AbandonStart() stops it before, if it has been started.
  void CrashBroker(BrokerId id);
  void RestartBroker(BrokerId id) { Recover(id); }
  void AbandonStart(BrokerId id);
  // Null in a design without controllers. An undisturbed cluster has nothing to decide: they come
  // into being with the first crash or decision, and cost nothing before.
  KraftQuorum* Controllers();
  // What the controllers were asked to decide.
  int64_t Decisions() const { return controllers_ == nullptr ? 0 : controllers_->decisions(); }

  // --- Operations (models/control/operations.h orders them) ---

  // Ends the process in good order, by controlled shutdown where the design has it; `stopped` fires
  // when it is gone. REQUIRES: it is up, and in no other shutdown.
  virtual void ShutDown(BrokerId id, Callback stopped);
  // Starts a broker that was shut down, or was never there. Until IsServing() it is on its way.
  void StartBroker(BrokerId id) { Rejoin(id); }
  // The broker is up and unfenced: partitions may be given to it.
  virtual bool IsServing(BrokerId id) const { return NodeAt(id).up(); }
  // No partition is without a leader or has a replica out of sync.
  bool IsHealthy() const { return under_replicated_.Value() == 0 && offline_.Value() == 0; }
  // Where the partition is, its preferred leader first. Empty in a design in which a partition is
  // nowhere: then there is nothing to move.
  virtual std::vector<BrokerId> BrokersOf(PartitionId) const { return {}; }
  // Brings the partition to `to`, as many brokers as it is on; `done` fires when it is there and
  // nowhere else. REQUIRES: BrokersOf() is not empty, no other move of it is under way.
  virtual void Reassign(PartitionId, const std::vector<BrokerId>& to, Callback done);
  // Bytes per second to and from each broker for replicas that moves copy; absent: no limit but the
  // cluster's own. Designs that copy nothing do not heed it.
  virtual void ThrottleMoves(std::optional<BytesPerSecond>) {}
  // The machine of a broker that is down is replaced by an empty one.
  virtual void ReplaceMachine(BrokerId) {}
  // From now on; what is absent stays. REQUIRES: the topic exists.
  void SetRetention(absl::string_view topic, std::optional<Duration> time,
                    std::optional<Bytes> bytes);
  // From now on, at all brokers. REQUIRES: the cluster has quotas.
  void AlterQuota(absl::string_view client, QuotaType type, std::optional<int64_t> per_second) {
    quotas_->Alter(client, type, per_second);
  }
  size_t partition_count() const { return partitions_.size(); }
  // Bytes that moves have copied to other brokers, or uploaded.
  int64_t moved_bytes() const { return moved_bytes_; }
  ZoneId ZoneOf(BrokerId id) const { return NodeAt(id).zone(); }

  Broker& NodeAt(BrokerId id) { return *nodes_[static_cast<size_t>(id)]; }
  const Broker& NodeAt(BrokerId id) const { return *nodes_[static_cast<size_t>(id)]; }
  int broker_count() const override { return static_cast<int>(nodes_.size()); }
  // Partitions whose data it serves or holds: what a crash of it touches.
  virtual int64_t PartitionsOn(BrokerId broker) const = 0;

  // LogService.
  TopicPartitions PartitionsOf(absl::string_view topic) const override;
  std::shared_ptr<const Metadata> CurrentMetadata(HostId) const override { return metadata_; }
  HostId HostOf(BrokerId id) const override { return NodeAt(id).host(); }
  bool IsUp(BrokerId id) const override { return NodeAt(id).up(); }
  ClientId AddClient(const Component& fleet, QuotaType traffic) override;
  ProducerId NewProducerId() override { return next_producer_id_++; }
  RequestIndex NewRequest() override;
  ProduceRequest& RequestAt(RequestIndex index) override { return requests_[index]; }
  void SendProduce(RequestIndex index, BrokerId broker, ProduceChannel* channel) override;
  void ForgetRequest(RequestIndex index) override;
  void SendControl(BrokerId broker, const ControlSender* sender) override;
  void AnswerControl(const ControlSender* sender) override;
  BrokerId GroupCoordinatorOf(PartitionId partition) const override {
    const BrokerId leader = partitions_[partition].leader;
    return leader != kNoBroker && NodeAt(leader).up() ? leader : kNoBroker;
  }
  void ResetChannel(ProduceChannel* channel) override;
  void VerifyTransactionsBy(const TransactionVerifier* verifier) override { verifier_ = verifier; }
  void OpenSession(FetchSession* session, BrokerId broker) override;
  void CloseSession(FetchSession* session, BrokerId broker) override;
  void Fetch(FetchSession* session, BrokerId broker) override;
  const PartitionLog& LogOf(PartitionId partition) const override {
    return partitions_[partition].log;
  }
  void Seek(FetchSession* session, uint32_t index, Offset offset) override;
  void ConsumedUpTo(PartitionId partition, int reader, Offset offset) override;
  int AddReader(PartitionId partition) override;
  void OnTruncate(Completion<PartitionId> cut) override { truncation_listeners_.push_back(cut); }
  void OnBrokerChange(Completion<BrokerId> changed) override { listeners_.push_back(changed); }
  void OnLeaderChange(Callback changed) override { leader_listeners_.push_back(changed); }
  // Where leaders change, the old one refuses, and that is what clients learn it from.
  void OnMetadataRefresh(Callback) override {}

 protected:
  // When a batch gets its offsets: from the leader of its partition, as it comes; or later, by
  // whichever broker took it. Then no partition has a leader.
  enum class Offsets : uint8_t { kByLeader, kAtCommit };
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
    explicit Partition(const SegmentRules& segments) : log{segments} {}
    PartitionLog log;
    BrokerId leader = kNoBroker;
    int32_t leader_epoch = 0;
    int topic = 0;
    // What is below is in remote storage alone. 0 where there is none.
    Offset local_log_start = 0;
    Ring<PendingAck> pending_acks;  // By required offset.
    std::vector<Subscriber> replica_subscribers;
    std::vector<Subscriber> consumer_subscribers;
    std::vector<Subscriber> follower_subscribers;  // Consumers that read at followers.
    std::vector<ProducerState> producers;          // By ProducerId.
    std::vector<Offset> readers;                   // Consumed up to.
  };

  // Partitions of all topics, in their order, with their history and without a leader. The design
  // makes its brokers and elects the first leaders. `most_unanswered`: requests of one channel that
  // a broker takes before it has answered the first of them.
  BrokerCluster(Simulation& sim, absl::string_view name, const Config& config,
                size_t most_unanswered, Offsets offsets = Offsets::kByLeader);

  // --- What a design answers ---

  // Whether a batch may be appended now, once its leader and sequence are known to be right.
  virtual ProduceError Admit(PartitionId id, const ProduceRequest& request) = 0;
  // Right before and right after a batch is appended to the leader's log.
  virtual void BeforeAppend(PartitionId id) = 0;
  virtual void AfterAppend(PartitionId id) = 0;
  // Puts what was just appended where it is kept. Returns true when the handler thread goes on at
  // once; otherwise `go_on` fires when it may.
  virtual bool Store(PartitionId id, const Batch& batch, BrokerId leader,
                     const Callback& go_on) = 0;
  // The handler is through with the appends of a request, this one of `bytes` among them.
  virtual void AfterRequest(PartitionId id, Bytes bytes) = 0;
  // Whether the answer to `acks` waits until the high watermark has passed the batch.
  virtual bool AwaitsCommit(Acks acks) const = 0;
  // A batch is at a broker that does not lead its partition. Returns true when that passes it on:
  // AppendRouted(), RefuseRouted() or ForgetRouted() ends it, and the request is not answered
  // before.
  virtual bool Route(RequestIndex, uint32_t, BrokerId) { return false; }
  // All of the request is done, the last of it at `from`, which is not where the client waits:
  // Respond() follows.
  virtual void RespondThrough(RequestIndex index, BrokerId) { Respond(index); }
  // Whether consumers of the partition may read at a broker that does not lead it.
  virtual bool ServesSnapshots(PartitionId, BrokerId) const { return false; }
  // Whether consumers that state a rack may be told to read elsewhere (KIP-392).
  virtual bool SelectsReplicas() const { return false; }
  // Which follower of the partition a consumer in `rack` should read from `next` on; kNoBroker: its
  // leader. REQUIRES: SelectsReplicas(), it has a leader.
  virtual BrokerId PreferredReplica(PartitionId, ZoneId, Offset) const { return kNoBroker; }
  // Whether consumers may read at this follower, and up to where it lets them.
  virtual bool ServesAsFollower(PartitionId, BrokerId) const { return false; }
  virtual Offset FollowerLimit(PartitionId, BrokerId) const { return 0; }
  // What the answer to a committed batch says.
  virtual ProduceError ErrorOfCommitted(PartitionId id) = 0;
  // How many bytes of a part of the log, which a fetch asks for, are not in memory at `broker`.
  // They are on their way there from now on: Prepare() follows.
  virtual Bytes Missing(const FetchedRange& part, BrokerId broker) = 0;
  // Brings the `missed` bytes of the session's response into memory and waits for whatever else
  // holds a response back. Returns true when it may be served at once; otherwise `serve` fires when
  // it may, or SendResponse() is called, unless the broker dies first.
  virtual bool Prepare(FetchSession* session, BrokerId broker, Bytes missed,
                       const Callback& serve) = 0;
  // The response is worked on and sent; its network thread is awake, or about to be.
  void SendResponse(FetchSession* session, BrokerId broker, uint32_t generation);
  // Nothing of it has been sent; what it says of partitions is known.
  void BeginSending(FetchSession* session) const;
  // So is what of it is `ready`: not all, while a disk reads the rest. PartArrived() tells when the
  // reader has such a part. REQUIRES: more than before.
  void SendUpTo(FetchSession* session, BrokerId broker, uint32_t generation, Bytes ready);
  virtual void PartArrived(FetchSession*) {}
  // Reads what `session->remote` asks for from remote storage, adds it to the response, and calls
  // `go_on`, also when there is nothing to add; never, if the session ends before.
  virtual void ReadRemote(FetchSession*, BrokerId, Callback) {}
  // The process is gone: requests that wait at it have died with it. Listeners are told afterwards.
  virtual void OnCrash(BrokerId id) = 0;
  // Its session with the active controller is over.
  virtual void OnSessionEnd(BrokerId id) = 0;
  // It is up again, registered, and still fenced.
  virtual void OnRestart(BrokerId id) = 0;
  // Offsets::kAtCommit: the broker has the request. AppendHeld(), RefuseHeld() or DropHeld() ends
  // it.
  virtual void Hold(RequestIndex index, BrokerId broker) {
    static_cast<void>(index);
    static_cast<void>(broker);
  }
  virtual void OnUnfence(BrokerId) {}
  virtual void OnAbandonStart(BrokerId) {}
  // What a start does before the broker asks to be registered; it ends with Rejoin().
  virtual void Recover(BrokerId id) { Rejoin(id); }
  // Time to delete what retention keeps no longer; ScheduleRetention() has begun it.
  virtual void ApplyRetention() {}

  // --- What a design calls ---

  // The high watermark goes to `offset`, thanks to `blocker`: acks go out, consumers are told.
  void Commit(PartitionId id, Offset offset, ComponentId blocker);
  // What waits for acknowledgement at the leader is refused, and its requests answered.
  void RefuseWaiting(PartitionId id, ProduceError error);
  // The batches of a request that was held get their offsets, in their order; visit(const Batch&,
  // end offset) for each that was appended, which those are not that were there already or that
  // follow a gap. Respond() follows.
  template <class Visit>
  void AppendHeld(RequestIndex index, Visit&& visit);
  // It is refused as a whole, and answered.
  void RefuseHeld(RequestIndex index, ProduceError error);
  // Its broker has died with it.
  void DropHeld(RequestIndex index);
  const ProduceRequest& HeldRequest(RequestIndex index) const { return requests_[index]; }
  // A batch that was passed on is with its leader, cannot be there, or died with the broker that
  // passed it on (routed_batches.cc).
  void AppendRouted(RequestIndex index, uint32_t batch, BrokerId leader);
  void RefuseRouted(RequestIndex index, uint32_t batch, ProduceError error);
  void ForgetRouted(RequestIndex index);
  void Respond(RequestIndex index);
  // The design has controllers on hosts of `network`.
  void RunControllers(Network* network) { controller_network_ = network; }
  // `held` fires when a majority of the controllers has the decision, and with DecideAndTell() when
  // brokers have heard of it; each in the order of the calls.
  void Decide(Callback held);
  void DecideAndTell(Callback held);
  // Whether there is a controller that could act now.
  bool HasActiveController();
  // The process ends; nobody waits for its session, and listeners are not told yet.
  void EndProcess(BrokerId id);
  void TellListeners(BrokerId id);
  void AwaitSessionEnd(BrokerId id);
  // The broker asks to be registered; it is up when that is granted.
  void Rejoin(BrokerId id);
  // Cuts the log at `offset`: what was acknowledged (all below the high watermark, and what was
  // told before) is counted as lost, and forgotten with the sequences of its producers.
  void CutLog(PartitionId id, Offset offset);
  // ApplyRetention() is called soon, and then once a check interval.
  void ScheduleRetention();
  // Raises the log start to `offset` and counts what is deleted.
  void ExpireLog(PartitionId id, Offset offset);
  // What a fetch reads of a partition from `from` on, up to `limit` and about `most` bytes.
  // REQUIRES: log start <= from < limit <= log end.
  void ReadInto(PartitionId id, Offset from, Offset limit, Bytes most, FetchedRange* range) const;
  // Part of the response to `session` that came later than the rest.
  void AddToResponse(FetchSession* session, BrokerId broker, uint32_t index,
                     const FetchedRange& range);
  // The high watermark of a partition with transactions has moved, and the last stable offset
  // perhaps: each consumer is told what that gives it.
  void AnnounceTransactional(PartitionId id, Offset committed_before, Offset stable_before);
  // New data up to the readers' limit.
  void Announce(PartitionId id, std::vector<Subscriber>& subscribers, Bytes bytes);
  // The same for the consumers that read at a follower, whose limit has risen.
  void AnnounceAtFollower(PartitionId id, BrokerId follower, Bytes bytes);
  // Clients see who leads now; those parked at a broker that leads no more are answered.
  void PublishMetadata();
  // Logs (inv.I7, I8), and that an epoch has one leader (inv.I12).
  void AuditLogs();

  Offset LimitOf(const FetchSession& session, const FetchSession::Position& position,
                 const Partition& partition) const {
    if (session.to_log_end) return partition.log.log_end_offset();
    if (session.isolation == Isolation::kReadCommitted) return StableLimitOf(session, position);
    if (position.at_follower) return FollowerLimit(position.partition, session.broker);
    return partition.log.high_watermark();
  }
  Offset StableLimitOf(const FetchSession& session, const FetchSession::Position& position) const;
  PartitionId IdOf(const Partition& partition) const {
    return static_cast<PartitionId>(&partition - partitions_.data());
  }
  bool Serves(BrokerId broker, const Partition& partition) const {
    return partition.leader == broker || offsets_ == Offsets::kAtCommit;
  }
  // The broker that the session is open with serves this position.
  bool ServesPosition(const FetchSession& session, const FetchSession::Position& position,
                      const Partition& partition) const {
    if (position.at_follower) return FollowsStill(session, position, partition);
    return Serves(session.broker, partition) || ServesSnapshots(position.partition, session.broker);
  }
  const TopicConfig& TopicOf(const Partition& partition) const {
    return topic_configs_[static_cast<size_t>(partition.topic)];
  }

  std::vector<Partition> partitions_;
  std::vector<Broker*> nodes_;  // By id: the design's own, which it adds as it makes them.
  // A batch is committed by itself, and not with others that were made durable together.
  bool commits_each_batch_ = false;
  int64_t moved_bytes_ = 0;
  Gauge& under_replicated_;
  Gauge& offline_;
  Counter& elections_;
  Counter& lost_acked_;
  LaneId lane_;

 private:
  friend class BrokerClusterTestPeer;  // Breaks what the audits must notice.

  struct Led {
    int32_t epoch = 0;
    BrokerId leader = kNoBroker;
  };

  // Produce path (produce_path.cc).
  void ProduceArrived(RequestIndex index, BrokerId broker, ProduceChannel* channel);
  void TakeRequest(RequestIndex index, BrokerId broker);
  void AppendFrom(RequestIndex index, BrokerId broker, size_t first_batch);
  void BeginHolding(RequestIndex index, BrokerId broker);
  ProduceError AppendBatch(const ProduceRequest& request, Batch& batch, BrokerId broker);
  ProduceError CheckSequence(Partition& partition, const Batch& batch, bool idempotent,
                             bool* duplicate);
  // The same for a transactional batch, and for a marker.
  ProduceError CheckTransactional(Partition& partition, const Batch& batch, bool* duplicate);
  void FinishAppend(RequestIndex index, BrokerId broker);
  void AwaitAck(Partition& partition, Offset required, RequestIndex index);
  void Refuse(RequestIndex index, PartitionId partition, ProduceError error);
  // All of it is done, the last at `broker`.
  void Complete(RequestIndex index, BrokerId broker) {
    if (requests_[index].broker == broker) {
      Respond(index);
    } else {
      RespondThrough(index, broker);
    }
  }
  void SendAnswer(RequestIndex index);
  // Under quotas: what the answer says, and the silence after it (throttling.cc).
  void ThrottleProduce(RequestIndex index);
  void NoteThrottle(ProduceRequest& request);
  void Mute(ProduceChannel* channel, BrokerId broker, Duration length);
  void Unmute(ProduceChannel* channel, BrokerId broker, uint32_t generation);
  void NoteTold(const ProduceRequest& request);
  void TakeNext(ProduceChannel* channel, BrokerId broker);
  void FreeRequest(RequestIndex index);
  void ControlArrived(const ControlSender* sender, BrokerId broker, uint32_t generation);
  void CountUnanswered(const ProduceRequest& request, size_t first_batch);

  // Fetch path (fetch_path.cc).
  void FetchArrived(FetchSession* session, BrokerId broker);
  void ProcessFetch(FetchSession* session, BrokerId broker, uint32_t generation);
  void Park(FetchSession* session, BrokerId broker);
  void ParkTimer(FetchSession* session, BrokerId broker);
  void AnswerFetch(FetchSession* session, BrokerId broker);
  void RemoteOver(FetchSession* session, BrokerId broker, uint32_t generation);
  void ServeResponse(FetchSession* session, BrokerId broker, uint32_t generation);
  void NameChanged(FetchSession* session) const;
  int64_t AnswersIn(const FetchSession& session) const;
  void ServePiece(FetchSession* session, BrokerId broker, uint32_t generation);
  void SendPiece(FetchSession* session, BrokerId broker, uint32_t generation);
  void Collect(FetchSession* session);
  std::vector<uint32_t> served_in_part_;  // Positions in Collect(), kept for their memory.
  void SelectReplicas(FetchSession* session, BrokerId broker);
  void Tell(const Subscriber& subscriber, const Partition& partition, Bytes bytes);
  std::vector<Subscriber>& SubscribersFor(const FetchSession& session,
                                          const FetchSession::Position& position,
                                          Partition& partition) const;
  // FENCED_LEADER_EPOCH otherwise, or NOT_LEADER_OR_FOLLOWER.
  bool FollowsStill(const FetchSession& session, const FetchSession::Position& position,
                    const Partition& partition) const {
    return position.leader_epoch == partition.leader_epoch &&
           ServesAsFollower(position.partition, session.broker);
  }
  // Those who read there learn it with their next answer, and one that waits has it at once.
  void FailReaders(const std::vector<Subscriber>& subscribers, const Partition& partition);
  // Under quotas: whether the answer is to be empty, which it is made then (throttling.cc).
  bool ThrottleFetch(FetchSession* session, BrokerId broker);
  void PutBack(FetchSession* session);

  // Control (control_plane.cc).
  struct Session {
    bool runs = false;         // Of a life that is over.
    bool registering = false;  // The next life waits to be registered.
    uint32_t number = 0;       // Raised by each that begins anew, and by each registration.
  };
  Session& SessionOf(BrokerId id);
  void StartSession(BrokerId id, Duration ends_after);
  void ControllerActivated();
  void Register(BrokerId id);
  void Registered(BrokerId id);
  void Tell();
  void CheckRetentionAfter(Duration wait);

  std::vector<TopicConfig> topic_configs_;
  const Bytes fetch_max_bytes_;
  const Duration session_timeout_;
  const Duration heartbeat_interval_;
  const Duration retention_check_interval_;
  const size_t most_unanswered_;
  const int32_t batches_per_parcel_;
  const Offsets offsets_;
  std::unique_ptr<ClientQuotas> quotas_;  // Null where there are none.
  const TransactionVerifier* verifier_ = nullptr;
  RandomStream heartbeat_phase_;
  std::vector<TopicPartitions> topics_;
  Pool<ProduceRequest> requests_;
  ProducerId next_producer_id_ = 0;
  std::shared_ptr<const Metadata> metadata_;
  std::vector<Completion<BrokerId>> listeners_;
  std::vector<Completion<PartitionId>> truncation_listeners_;
  std::vector<Callback> leader_listeners_;
  const KraftQuorum::Config controller_config_;
  const Duration metadata_idle_interval_;
  Network* controller_network_ = nullptr;
  std::unique_ptr<KraftQuorum> controllers_;
  Duration metadata_phase_;
  Ring<Callback> untold_;          // What DecideAndTell() was given, in order.
  std::vector<Session> sessions_;  // By BrokerId.
  std::vector<Led> led_;           // By PartitionId, as of the last audit.
  Counter& duplicates_;
  Counter& deleted_;
  Counter& appended_;
};

template <class Visit>
void BrokerCluster::AppendHeld(RequestIndex index, Visit&& visit) {
  ProduceRequest& request = requests_[index];
  for (size_t i = 0; i < request.batches.size(); ++i) {
    Batch& batch = request.batches[i];
    const PartitionLog& log = partitions_[batch.partition].log;
    const Offset end_before = log.log_end_offset();
    request.errors[i] = AppendBatch(request, batch, request.broker);
    request.end_offsets[i] = log.log_end_offset();
    if (request.errors[i] != ProduceError::kNone) {
      batch.appended_at = Time();
      if (request.acks == Acks::kNone) lost_acked_.Add(batch.record_count);
    }
    if (log.log_end_offset() != end_before) visit(batch, log.log_end_offset());
  }
}

}  // namespace freshet

#endif  // FRESHET_MODELS_BROKER_BROKER_CLUSTER_H_
