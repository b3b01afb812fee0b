// The transaction coordinators of a cluster: what the brokers that lead the partitions of
// __transaction_state know and decide.
//
// A transactional id belongs to one of those partitions, by the hash of its name; the partition's
// leader coordinates it. Every change of a transaction is a record there, appended and replicated
// as any other, and holds once the high watermark has passed it. To end a transaction is two
// phases: the decision (prepare) is written, and from then on nothing but its markers can follow;
// they go to the leaders of all its partitions, each until that one has it; then the end (complete)
// is written. A new leader loads the partition, and writes the markers of what it finds decided
// again; a partition that has them already says so.
//
// Epochs fence. Who asks for a producer id gets an epoch of its own, and what earlier ones of that
// transactional id ask or append is refused. With transaction.version 2 (KIP-890) every end of a
// transaction raises the epoch, too, so that nothing of it can be appended behind its marker.
//
// A transaction that is open for longer than its timeout is aborted at the next sweep, under a
// higher epoch. Calls are made at the broker `at`, after the request's way and work.
// docs/models/transaction.md has what is approximated and the sources.
#ifndef FRESHET_MODELS_GROUP_TRANSACTION_COORDINATOR_H_
#define FRESHET_MODELS_GROUP_TRANSACTION_COORDINATOR_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "models/log/batch_writer.h"
#include "models/log/log_service.h"
#include "sim/component.h"

namespace freshet {

class GroupCoordinator;

enum class TransactionState : uint8_t {
  kEmpty,          // Empty: an epoch, and no transaction yet.
  kOngoing,        // Ongoing
  kPrepareCommit,  // Decided; markers are on their way.
  kPrepareAbort,
  kCompleteCommit,
  kCompleteAbort,
};

enum class TransactionError : uint8_t {
  kNone,
  kNotCoordinator,  // NOT_COORDINATOR
  kLoading,         // COORDINATOR_LOAD_IN_PROGRESS
  kConcurrent,      // CONCURRENT_TRANSACTIONS: what was asked before is not through. Ask again.
  kFenced,          // PRODUCER_FENCED, INVALID_PRODUCER_EPOCH
};

class TransactionCoordinator : public Component, public TransactionVerifier {
 public:
  using Id = uint32_t;  // Of a transactional id.
  struct Config {
    PartitionId state_first = 0;  // The topic __transaction_state.
    int state_partitions = 50;
    Bytes state_segment = MiB(100);           // transaction.state.log.segment.bytes
    std::optional<BytesPerSecond> load_rate;  // Absent: loading takes no time.
    // transaction.abort.timed.out.transaction.cleanup.interval.ms
    Duration abort_interval = Seconds(10);
    bool raises_epochs = true;  // transaction.version 2
    bool verifies = true;       // transaction.partition.verification.enable
    Duration retry_backoff;     // Between two tries to write a marker.
  };
  struct Request {
    enum class Kind : uint8_t {
      kInitProducerId,  // InitProducerId
      kAddPartitions,   // AddPartitionsToTxn
      kAddOffsets,      // AddOffsetsToTxn
      kCommit,          // EndTxn
      kAbort,
    };
    Kind kind = Kind::kInitProducerId;
    Id id = 0;
    int32_t epoch = 0;
    // kInitProducerId: it goes on as the producer of `epoch`, and not in place of it.
    bool same_producer = false;
    Duration timeout;                     // kInitProducerId: transaction.timeout.ms
    std::vector<PartitionId> partitions;  // kAddPartitions
    GroupCoordinator* group = nullptr;    // kAddOffsets
  };
  struct Answer {
    TransactionError error = TransactionError::kNone;
    ProducerId producer = 0;
    int32_t epoch = 0;
  };
  using Answered = Completion<const Answer&>;

  static constexpr MetricDef kCommitted = {"transaction.committed", MetricKind::kCounter,
                                           MetricUnit::kCount, "Transactions committed."};
  static constexpr MetricDef kAborted = {"transaction.aborted", MetricKind::kCounter,
                                         MetricUnit::kCount,
                                         "Transactions aborted, for whatever reason."};
  static constexpr MetricDef kTimedOut = {
      "transaction.timed_out", MetricKind::kCounter, MetricUnit::kCount,
      "Transactions aborted by their coordinator after transaction.timeout.ms."};
  static constexpr MetricDef kOngoing = {"transaction.ongoing", MetricKind::kGauge,
                                         MetricUnit::kCount, "Transactions that are open."};
  static constexpr MetricDef kEndTime = {
      "transaction.end_time", MetricKind::kDistribution, MetricUnit::kDuration,
      "From the decision to end a transaction until every partition has its marker and the "
      "coordinator has noted that."};
  static constexpr MetricDef kMarkers = {"transaction.markers", MetricKind::kCounter,
                                         MetricUnit::kCount,
                                         "Markers that partitions have acknowledged."};
  static constexpr MetricDef kFencedRequests = {
      "transaction.fenced_requests", MetricKind::kCounter, MetricUnit::kCount,
      "Requests refused because their producer's epoch is not the current one."};

  TransactionCoordinator(Simulation& sim, absl::string_view name, Network* network, LogService* log,
                         const Config& config);

  // Makes the transactional id known; at most once a name, before the run.
  Id AddTransactionalId(absl::string_view transactional_id);

  // What FindCoordinator says.
  BrokerId BrokerOf(Id id) const;
  // `answer` fires at the broker, perhaps much later, or never if it dies.
  void Handle(BrokerId at, const Request& request, Answered answer);

  // An operator ends a transaction that the coordinator knows nothing of (kafka-transactions.sh
  // --abort): its producer's marker is written to that partition alone.
  void AbortHanging(PartitionId partition, ProducerId producer);

  // TransactionVerifier.
  ProduceError Judge(ProducerId producer, int32_t epoch, PartitionId partition) const override;

  // One that it had to abort, since its producer did not end it in time.
  struct TimedOut {
    Id id = 0;
    ProducerId producer = 0;
    std::vector<PartitionId> partitions;
    Time since;
    Time until;
  };
  // The first ones of the run, kMostTold at the most.
  const std::vector<TimedOut>& timed_out() const { return told_; }
  // Whose transaction is open that the producer has in the partition; nobody's: it will hang for
  // good.
  std::optional<Id> OwnerOf(ProducerId producer, PartitionId partition) const;
  absl::string_view NameOf(Id id) const { return ids_[id].name; }
  Duration TimeoutOf(Id id) const { return ids_[id].now.timeout; }

  TransactionState StateOf(Id id) const { return ids_[id].now.state; }
  int32_t EpochOf(Id id) const { return ids_[id].now.epoch; }

 private:
  // What a record of the state says of a transactional id.
  struct Entry {
    TransactionState state = TransactionState::kEmpty;
    bool known = false;  // Somebody has asked for a producer id.
    ProducerId producer = 0;
    int32_t epoch = 0;
    int32_t last_epoch = 0;  // Before the end of the last transaction raised it;
    bool swept = false;      // that was an abort which its producer had not asked for.
    Duration timeout;
    Time started;
    int64_t number = 0;                   // Of the transaction, over all epochs.
    std::vector<PartitionId> partitions;  // Ascending.
    std::vector<GroupCoordinator*> groups;
  };
  struct Transactional {
    std::string name;
    size_t shard = 0;
    Entry now;
    // What is on its way into the log, and where it ends there; the answer waits for it.
    std::optional<Entry> next;
    std::optional<Offset> next_end;
    Answered answer;
    std::vector<PartitionId> unmarked;  // Whose marker is not acknowledged;
    int requests = 0;                   // with markers that are under way.
    uint32_t round = 0;                 // Raised when its coordinator moves.
    Time decided;
  };
  struct Shard {  // One partition of the state.
    BrokerId broker = kNoBroker;
    bool loaded = false;
    uint32_t loads = 0;
    std::vector<Id> ids;
  };

  PartitionId PartitionOf(size_t shard) const {
    return config_.state_first + static_cast<PartitionId>(shard);
  }
  void LookAtAll();
  void Look(size_t shard);
  void Unload(size_t shard);
  Bytes LoadBytes(size_t shard) const;
  void Loaded(size_t shard);
  void Sweep();
  void Initialise(Transactional& each, const Request& request, Answered answer);
  void AddTo(Transactional& each, const Request& request, Answered answer);
  void End(Transactional& each, const Request& request, Answered answer);
  // Writes that it is to end, and has the markers follow. `sweeps`: its producer did not ask.
  void Decide(Transactional& each, bool commits, bool sweeps, Answered answer);
  // Writes `entry`; it holds, and `answer` goes out, when it is committed. REQUIRES: !each.next
  void Write(Transactional& each, const Entry& entry, Answered answer);
  void SendNext(Id id);
  void WriteAnswered(Id id, const ProduceRequest* answered);
  void Apply(Transactional& each);
  void Mark(Id id);
  void MarkersAnswered(Id id, const ProduceRequest* answered);
  void MarkersDone(Id id);
  void NoteMarker(Id id, const Batch& marker);
  Batch MarkerOf(const Entry& entry, PartitionId partition, int64_t number, bool commits) const;
  Bytes RecordBytes(const Transactional& each, const Entry& entry) const;
  Id IdOf(const Transactional& each) const { return static_cast<Id>(&each - ids_.data()); }
  Answer AnswerOf(const Transactional& each) const {
    return {TransactionError::kNone, each.now.producer, each.now.epoch};
  }

  const Config config_;
  LogService* const log_;
  std::vector<std::unique_ptr<BatchWriter>> writers_;  // By broker, whose host they write from.
  std::vector<Shard> shards_;
  std::vector<Transactional> ids_;
  std::vector<std::optional<Id>> by_producer_;
  static constexpr size_t kMostTold = 256;
  std::vector<TimedOut> told_;
  const ProducerId own_producer_;
  int64_t writes_ = 0;
  Counter& committed_;
  Counter& aborted_;
  Counter& timed_out_;
  Gauge& ongoing_;
  Distribution& end_time_;
  Counter& markers_;
  Counter& fenced_;
  LaneId lane_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_GROUP_TRANSACTION_COORDINATOR_H_
