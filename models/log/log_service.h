// The seam between clients and brokers: what a producer and a consumer see of any broker design. A
// scenario swaps the design behind it; clients and arrivals stay.
//
// Requests travel over Connections (network.h) that the client owns; the service takes them where
// they arrive and answers over the client's other direction. A client learns who leads a partition
// from a metadata snapshot, which may be old, and which a design may make for the client's zone.
#ifndef FRESHET_MODELS_LOG_LOG_SERVICE_H_
#define FRESHET_MODELS_LOG_LOG_SERVICE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "models/log/batch.h"
#include "models/log/partition_log.h"
#include "models/log/record_profiles.h"
#include "models/network/network.h"
#include "sim/callback.h"
#include "sim/ring.h"
#include "sim/units.h"

namespace freshet {

using BrokerId = int32_t;
inline constexpr BrokerId kNoBroker = -1;

// Who asks, where brokers hold clients to quotas (models/broker/client_quotas.h).
using ClientId = int32_t;
inline constexpr ClientId kNoClient = -1;
enum class QuotaType : uint8_t { kProduce, kFetch, kRequest };
inline constexpr int kQuotaTypes = 3;

enum class Acks : uint8_t { kNone, kLeader, kAll };

// What a broker says to a batch. All but kNone and kFenced are retriable.
enum class ProduceError : uint8_t {
  kNone,
  kNotLeader,           // NOT_LEADER_OR_FOLLOWER: refresh metadata.
  kNotEnoughReplicas,   // Fewer in sync than min.insync.replicas, before or after the append.
  kOutOfOrderSequence,  // An earlier batch of this producer is missing.
  kStorageError,        // KAFKA_STORAGE_ERROR: it could not be put where it is kept.
  // Of an offset commit: its member is not, or no longer, of the group. Of a transactional batch:
  // INVALID_PRODUCER_EPOCH, or INVALID_TXN_STATE.
  kFenced,
};

// Who leads what, as of one moment.
struct Metadata {
  uint64_t version = 0;
  std::vector<BrokerId> leader;  // By PartitionId; kNoBroker while there is none.
};

struct AppendJudgement {
  const Batch& batch;
  ProduceError error = ProduceError::kNone;
};

// A produce request on its way. It belongs to its sender until the broker has it, then to the
// broker. Requests are pooled and keep the memory of their vectors.
struct ProduceRequest {
  std::vector<Batch> batches;
  std::vector<ProduceError> errors;  // By batch; filled by the broker.
  Acks acks = Acks::kAll;
  bool idempotent = true;
  Bytes bytes;
  int32_t request_count = 1;    // How many real requests this parcel stands for,
  int32_t partition_count = 0;  // and the batches in them.
  Time sent_at;
  Duration throttle;  // The response's throttle_time_ms: the client sends nothing for so long.
  // Called at the client when the response is in; for acks=0, never. Its argument is the request,
  // which is freed afterwards. A client that gave up waiting empties it.
  Completion<ProduceRequest&> on_response;
  // Called at the broker right before a batch goes into the log; an error refuses the batch. For
  // what coordinators keep in partitions of their own; empty for all else.
  Completion<AppendJudgement&> on_append;

  // --- Kept by the service ---
  std::vector<Offset> end_offsets;  // By batch: where it ends in the log.
  bool at_broker = false;
  BrokerId broker = kNoBroker;  // At which; what it leads not it may pass on.
  bool answered = false;        // But for earlier ones of its channel.
  int32_t waiting_for_acks = 0;
  Time handler_since;     // When a handler thread took it,
  Duration handler_time;  // and for how long it had it. Both under quotas only.
  uint32_t broker_generation = 0;
  uint32_t channel_generation = 0;
  struct ProduceChannel* channel = nullptr;
};
using RequestIndex = uint32_t;

// A producer's connection to one broker. The broker appends one request of it at a time, and takes
// no more than a number of them before it has answered; with Kafka one, so that requests in flight
// beyond the first save the way, not the waiting for acks.
struct ProduceChannel {
  Connection* request_on = nullptr;
  Connection* reply_on = nullptr;
  ClientId client = kNoClient;

  // --- Kept by the service ---
  bool appending = false;                // A request of it is on its way into the log.
  bool thread_awaited = false;           // Requests wait until its network thread is awake.
  uint32_t network_thread = UINT32_MAX;  // Of the broker; none before the first request.
  bool muted = false;                    // By a quota: the broker reads nothing from it.
  Time muted_until;
  Ring<RequestIndex> taken;  // And not answered; answers go out in this order.
  Ring<RequestIndex> waiting;
  Ring<RequestIndex> unanswered_on_wire;  // With acks=0, which nobody else remembers.
  uint32_t generation = 0;                // Raised by ResetChannel().
};

struct FetchedRange {
  PartitionId partition;
  Offset from;
  Offset to;
  Bytes bytes;
  int64_t position;  // Of `from`, in bytes since the log began.
};

// One reader's standing with one broker: an incremental fetch session (KIP-227). The broker keeps
// the partitions that have news on a list, so that a fetch costs what it returns and not what it
// covers.
struct FetchSession {
  // --- Set by the reader ---
  Connection* request_on = nullptr;
  Connection* reply_on = nullptr;
  Bytes min_bytes = Bytes(1);
  Duration max_wait = Milliseconds(500);
  Bytes max_bytes = MiB(50);
  Bytes max_partition_bytes = MiB(1);
  TrafficCause cause = TrafficCause::kFetch;
  ClientId client = kNoClient;  // Of a consumer.
  // A replica reads to the log end, a consumer to the high watermark, or with read_committed to the
  // last stable offset.
  bool to_log_end = false;
  Isolation isolation = Isolation::kReadUncommitted;
  // client.rack of a consumer: it may be told of a replica there (KIP-392).
  std::optional<ZoneId> rack;
  // Called at the reader when a response is in (also an empty one). The ranges are valid during it.
  Callback on_response;
  // Called at the broker when it processes a fetch: a replica's acknowledgements. May be empty.
  Callback on_processed;
  // Called at the broker when it answers a fetch that had to wait. May be empty.
  Callback on_wait_over;

  // --- Kept by the service ---

  // What each step of a fetch asks for, side by side.
  uint32_t generation = 0;
  uint32_t network_thread = UINT32_MAX;  // Of the broker; none before it is first open.
  BrokerId broker = kNoBroker;           // With whom it is open.
  ComponentId served_by = 0;             // The same.
  bool open = false;
  bool parked = false;
  bool waited = false;       // The response had to wait for what it holds.
  bool failed = false;       // The response says: not the leader of some of it any more.
  bool sending = false;      // The cores are at it.
  bool socket_full = false;  // Its network thread has turned to others until parts arrive.
  bool fresh = false;        // Not one answer yet: it names all partitions, too.
  struct Position {
    PartitionId partition;
    Offset next;          // Next offset to send.
    bool listed = false;  // On `news`.
    // Read at a follower, which knows its leader by this epoch, and up to what that follower knows
    // to be committed.
    bool at_follower = false;
    int32_t leader_epoch = 0;
  };
  std::vector<Position> positions;
  // The response says OFFSET_OUT_OF_RANGE for these positions: retention has passed them; or to a
  // replica OFFSET_MOVED_TO_TIERED_STORAGE. The reader goes elsewhere with Seek().
  std::vector<uint32_t> out_of_range;
  // The response names a preferred read replica for these positions, and has no records of them:
  // the reader is to read them there, in another session.
  struct Preferred {
    uint32_t index;
    BrokerId replica;
  };
  std::vector<Preferred> preferred;
  // The position of the response that has to come from remote storage: one at the most.
  static constexpr uint32_t kNoRemote = UINT32_MAX;
  uint32_t remote = kNoRemote;
  Bytes missed;         // Of the rest of that response, what is in no memory yet.
  Ring<uint32_t> news;  // Indices into `positions`: data beyond `next`.
  std::vector<FetchedRange> response;
  Bytes response_bytes;
  Bytes ready_bytes;    // Of these, what may be sent: all, unless a disk is read meanwhile.
  Bytes sent_bytes;     // Of these, what the cores have put on the wire.
  Bytes arrived_bytes;  // Of these, what has arrived of a part; the whole is not counted.
  // Partitions that the next request names, and topics: all of them, and then those in which the
  // reader has come further.
  int64_t named = 0;
  int64_t named_topics = 0;
  // How many real ones the next request and the last response stand for (the run's resolution), and
  // how often a request has waited in vain for max_wait.
  int64_t requests = 1;
  int64_t answers = 1;
  int32_t waits_over = 0;
  Bytes entry_bytes;  // Of what the response says of partitions, beside records.
  Time answered_at;   // When the response was put together.
  Time served_at;     // When the cores had put it on the wire.
  Bytes available;    // Lower bound of what waits, for min_bytes.
  // The response's throttle_time_ms: then it is empty, and the reader asks again after so long.
  Duration throttle;
  Time handler_since;  // As in ProduceRequest.
  Duration handler_time;
  Time park_deadline;
  EventId park_timer;  // None while it is not set.
};

// Who sends small requests to a broker, over which connections.
struct ControlSender {
  Connection* request_on = nullptr;
  Connection* reply_on = nullptr;
  ClientId client = kNoClient;
  // Called at the broker when its cores have worked on a request; it answers later, or never, by
  // AnswerControl(). Empty: the request is answered at once.
  Callback on_request;
  // Called at the client with each answer; never for one whose connection breaks.
  Callback on_response;
  // Raised by a sender that gives up what is under way: neither is called for it.
  uint32_t generation = 0;
};

// Who knows which transactions go on: asked by a partition's leader before it appends the first
// batch of one (KIP-890).
class TransactionVerifier {
 public:
  virtual ~TransactionVerifier() = default;
  // kNone, or kFenced: it is not of an ongoing transaction; or kNotLeader: nobody can say now.
  virtual ProduceError Judge(ProducerId producer, int32_t epoch, PartitionId partition) const = 0;
};

class LogService {
 public:
  virtual ~LogService() = default;

  // What producers say of their records, for whoever reads them.
  RecordProfiles& profiles() { return profiles_; }
  const RecordProfiles& profiles() const { return profiles_; }

  // Partitions of a topic: [first, first + count). REQUIRES: the topic exists.
  struct TopicPartitions {
    PartitionId first;
    int count;
  };
  virtual TopicPartitions PartitionsOf(absl::string_view topic) const = 0;
  // What a client at that host is told now; most designs tell everybody the same.
  virtual std::shared_ptr<const Metadata> CurrentMetadata(HostId client) const = 0;
  virtual int broker_count() const = 0;
  virtual HostId HostOf(BrokerId broker) const = 0;
  virtual bool IsUp(BrokerId broker) const = 0;

  // A fleet of clients, which its brokers know under its name; kNoClient where there are no quotas.
  // `traffic`: kProduce or kFetch, what it does.
  virtual ClientId AddClient(const Component& fleet, QuotaType traffic) = 0;

  // Producing. NewRequest() hands out an empty request; SendProduce() puts it on the wire to
  // `broker`. ForgetRequest() is for a client that stops waiting, on a timeout or a broken
  // connection: the response will not be told. ResetChannel() breaks the connection: requests that
  // have not been taken by the broker are lost, the others are still carried out there.
  // REQUIRES for ResetChannel(): all requests in flight on it are forgotten.
  virtual ProducerId NewProducerId() = 0;
  virtual RequestIndex NewRequest() = 0;
  virtual ProduceRequest& RequestAt(RequestIndex index) = 0;
  virtual void SendProduce(RequestIndex index, BrokerId broker, ProduceChannel* channel) = 0;
  virtual void ForgetRequest(RequestIndex index) = 0;
  virtual void ResetChannel(ProduceChannel* channel) = 0;
  // From now on; without one every transactional batch of a current epoch is taken.
  virtual void VerifyTransactionsBy(const TransactionVerifier* verifier) = 0;

  // A small request that costs a broker one request and no bytes: an offset commit, a heartbeat.
  // REQUIRES: `sender` outlives the run.
  virtual void SendControl(BrokerId broker, const ControlSender* sender) = 0;
  // The answer to a request that on_request was called for, now.
  virtual void AnswerControl(const ControlSender* sender) = 0;
  // The broker that coordinates the groups of a partition of the offsets topic: its leader, if that
  // is up; kNoBroker while there is none.
  virtual BrokerId GroupCoordinatorOf(PartitionId partition) const = 0;

  // Reading. A reader opens a session with a broker for partitions and start offsets, then fetches
  // again and again; one fetch is outstanding at a time. REQUIRES for Fetch(): session->open.
  virtual void OpenSession(FetchSession* session, BrokerId broker) = 0;
  virtual void CloseSession(FetchSession* session, BrokerId broker) = 0;
  virtual void Fetch(FetchSession* session, BrokerId broker) = 0;
  // The reader goes on from `offset` in the session's position `index`. REQUIRES: session->open, no
  // fetch under way, log start <= offset <= log end.
  virtual void Seek(FetchSession* session, uint32_t index, Offset offset) = 0;

  // Records each range of a fetched part; visit(const LogRange&, record_count).
  virtual const PartitionLog& LogOf(PartitionId partition) const = 0;
  // The earliest and the latest offset a consumer may start from.
  Offset EarliestOffset(PartitionId partition) const { return LogOf(partition).log_start_offset(); }
  Offset LatestOffset(PartitionId partition, Isolation isolation) const {
    const PartitionLog& log = LogOf(partition);
    return isolation == Isolation::kReadCommitted ? log.last_stable_offset() : log.high_watermark();
  }
  // A consumer group has taken everything below `offset`: milestones there are needed no more.
  virtual void ConsumedUpTo(PartitionId partition, int reader, Offset offset) = 0;
  // Registers a consumer of the partition; returns its number for ConsumedUpTo().
  virtual int AddReader(PartitionId partition) = 0;

  // `cut` fires when an election has cut a partition below what was its high watermark: a reader
  // that has passed the new log end goes back to it (KIP-320).
  virtual void OnTruncate(Completion<PartitionId> cut) = 0;
  // `changed` fires whenever a broker goes down or comes back: its TCP connections break.
  virtual void OnBrokerChange(Completion<BrokerId> changed) = 0;
  // `changed` fires whenever some partition has got another leader, before anything is appended
  // there.
  virtual void OnLeaderChange(Callback changed) = 0;
  // `refresh` fires when a client's regular look at the metadata (metadata.max.age.ms) would show
  // it something new that no error tells it.
  virtual void OnMetadataRefresh(Callback refresh) = 0;

 private:
  RecordProfiles profiles_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_LOG_LOG_SERVICE_H_
