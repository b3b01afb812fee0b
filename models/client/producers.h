// A fleet of Kafka producers: the client's loop from the intended record to its acknowledgement.
//
// Records come open-loop (models/workload); each is put into the batch of a partition: the sticky
// partition of the moment when it has no key, or its key's. A batch leaves when it is full or its
// linger is over and a request in flight to its leader is free
// (max.in.flight.requests.per.connection); until then it goes on filling. Batches hold batch.size
// of buffer.memory from their first record to their outcome; when the buffer is full, send() blocks
// and records wait outside, up to max.block.ms. So an overloaded producer's latency is set by its
// buffer over the throughput (cal.I8).
//
// A request that is not answered within request.timeout.ms breaks the connection; its batches and
// those that a broker refuses are sent again after retry.backoff.ms (doubling up to the maximum),
// until delivery.timeout.ms. With idempotence a broker recognises repetitions. Leaders are looked
// up in a metadata snapshot that is refreshed on errors.
//
// Sticky partition: with a new batch before 3.3 (KIP-480), after batch.size bytes since (KIP-794).
// docs/models/client.md lists what is approximated, and the sources of the defaults.
#ifndef FRESHET_MODELS_CLIENT_PRODUCERS_H_
#define FRESHET_MODELS_CLIENT_PRODUCERS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "models/client/accumulator.h"
#include "models/client/record_marker.h"
#include "models/log/log_service.h"
#include "models/network/network.h"
#include "models/schema/schema_registry.h"
#include "models/workload/event_times.h"
#include "models/workload/keys.h"
#include "models/workload/rate_function.h"
#include "models/workload/sizes.h"
#include "sim/component.h"

namespace freshet {

enum class ArrivalLaw : uint8_t { kConstant, kPoisson };
enum class StickyRule : uint8_t { kPerBatch, kPerBatchSizeBytes };

class Producer;
class TransactionCoordinator;

class Producers : public Component {
 public:
  // Each client has a transactional id and is never outside of a transaction.
  struct Transactions {
    TransactionCoordinator* coordinator = nullptr;
    Duration timeout;          // transaction.timeout.ms
    Duration commit_interval;  // From the begin of one to its commit.
    Ratio abort_share;         // Of the transactions, those that the application gives up.
  };
  struct Config {
    std::string topic;
    std::vector<ZoneId> client_zones;          // One entry a client.
    BytesPerSecond network_bandwidth;          // Of each client's host.
    std::shared_ptr<const RateFunction> rate;  // Of the whole fleet, records.
    ArrivalLaw arrivals = ArrivalLaw::kPoisson;
    EventSizes event_size = EventSizes::Constant(Bytes(1024));
    KeyDistribution keys;  // kNone: the sticky partitioner.
    StickyRule sticky = StickyRule::kPerBatchSizeBytes;
    Ratio compression_ratio = Ratio::One();  // Compressed size over raw size.
    Duration cpu_per_record;                 // Of send(): serialising, partitioning, appending.
    Duration cpu_per_batch;                  // Of the sender.
    Duration cpu_per_raw_mib;                // Of compression.
    Duration linger;
    Bytes batch_size;
    Bytes buffer_memory;
    Duration max_block;
    Acks acks = Acks::kAll;
    bool idempotent = true;
    int max_in_flight = 5;
    int64_t retries = INT64_MAX;
    Duration retry_backoff;
    Duration retry_backoff_max;
    Duration request_timeout;
    Duration delivery_timeout;
    Bytes max_request_size;
    int32_t batches_per_parcel = 1;
    // REQUIRES: then acks=all, idempotent, and one batch a parcel.
    std::optional<Transactions> transactions;
    // What sets its records apart; docs/models/workload.md.
    std::shared_ptr<const EventTimes> event_times;  // Null: all on time.
    std::optional<Sampler> clock_skew;              // How far each client's clock is off,
    Ratio clocks_ahead;                             // and which share of them is ahead.
    std::vector<OfflineRecords> offline;            // By sent_at; the first client sends them.
    Ratio poison_share;
    struct SchemaUse {
      SchemaRegistry* registry;
      SchemaRegistry::SubjectId subject;
      int32_t version;     // They begin with it.
      bool auto_register;  // auto.register.schemas
    };
    std::optional<SchemaUse> schema;
  };

  // Kafka's record format v2: a batch header of 61 bytes, and about ten bytes of varints a record
  // (length, attributes, timestamp and offset deltas, key, value and header lengths).
  static constexpr Bytes kBatchOverhead = Bytes(61);
  static constexpr Bytes kRecordOverhead = Bytes(10);

  static constexpr MetricDef kLatency = {
      "producer.latency", MetricKind::kDistribution, MetricUnit::kDuration,
      "From the intended send of a record to its acknowledgement."};
  static constexpr MetricDef kBatchWait = {
      "producer.batch_wait", MetricKind::kDistribution, MetricUnit::kDuration,
      "From the intended send of a record to the closing of its batch."};
  static constexpr MetricDef kBatchRecords = {"producer.batch_records", MetricKind::kDistribution,
                                              MetricUnit::kCount, "Records in a batch."};
  static constexpr MetricDef kRequests = {"producer.requests", MetricKind::kCounter,
                                          MetricUnit::kCount, "Produce requests sent."};
  static constexpr MetricDef kTaken = {"producer.records_sent", MetricKind::kCounter,
                                       MetricUnit::kCount, "Records given to send()."};
  static constexpr MetricDef kAcked = {"producer.records_acked", MetricKind::kCounter,
                                       MetricUnit::kCount, "Records acknowledged."};
  static constexpr MetricDef kBytesAcked = {"producer.bytes_acked", MetricKind::kCounter,
                                            MetricUnit::kBytes,
                                            "Bytes acknowledged, as stored, with overheads."};
  static constexpr MetricDef kFailed = {
      "producer.records_failed", MetricKind::kCounter, MetricUnit::kCount,
      "Records given up after delivery.timeout.ms or the last retry."};
  static constexpr MetricDef kRefused = {
      "producer.records_refused", MetricKind::kCounter, MetricUnit::kCount,
      "Records that send() refused after max.block.ms: the data never entered the pipeline."};
  static constexpr MetricDef kRetries = {"producer.batch_retries", MetricKind::kCounter,
                                         MetricUnit::kCount, "Batches sent again."};
  static constexpr MetricDef kBuffered = {"producer.buffered", MetricKind::kGauge,
                                          MetricUnit::kBytes,
                                          "buffer.memory in use, summed over the clients."};
  static constexpr MetricDef kBlocked = {"producer.blocked_clients", MetricKind::kGauge,
                                         MetricUnit::kCount,
                                         "Clients whose send() blocks on buffer.memory."};

  // Registered with transactions only.
  static constexpr MetricDef kCommitted = {"producer.transactions_committed", MetricKind::kCounter,
                                           MetricUnit::kCount, "Transactions committed."};
  static constexpr MetricDef kAborted = {
      "producer.transactions_aborted", MetricKind::kCounter, MetricUnit::kCount,
      "Transactions that were given up, or found to be aborted."};
  static constexpr MetricDef kAbortedRecords = {
      "producer.records_aborted", MetricKind::kCounter, MetricUnit::kCount,
      "Of the records acknowledged, those whose transaction was aborted afterwards."};
  static constexpr MetricDef kCommitTime = {
      "producer.commit_time", MetricKind::kDistribution, MetricUnit::kDuration,
      "From a commit until its client has the answer and may go on; what it has not sent is sent "
      "first."};
  // Registered only with a schema.
  static constexpr MetricDef kUnserialized = {
      "producer.records_unserialized", MetricKind::kCounter, MetricUnit::kCount,
      "Records for which send() threw a SerializationException, since the registry had refused "
      "their schema or gave no answer: the data never entered the pipeline."};
  static constexpr MetricDef kWithoutSchema = {
      "producer.clients_without_schema", MetricKind::kGauge, MetricUnit::kCount,
      "Clients whose serializer waits for the registry, or has been refused."};
  static constexpr MetricDef kRolledBack = {
      "producer.clients_rolled_back", MetricKind::kCounter, MetricUnit::kCount,
      "Clients that went back to the version before, since the registry refused the new one."};
  // Registered only where there are any.
  static constexpr MetricDef kPoison = {"producer.poison_records", MetricKind::kCounter,
                                        MetricUnit::kCount,
                                        "Records sent that nobody can read, whatever his schema."};
  static constexpr MetricDef kOffline = {
      "producer.offline_records", MetricKind::kCounter, MetricUnit::kCount,
      "Records sent of devices that had been offline, as the scenario states them."};

  Producers(Simulation& sim, absl::string_view name, Network* network, LogService* log,
            const Config& config);
  ~Producers() override;

  // Starts the arrivals.
  void Start();
  // A release that writes `version`: one client after the other begins to, `interval` apart. When
  // the registry refuses it, a client goes back to what it wrote and the deployment stops
  // (`rolls_back`), or its send() throws until the next deployment. `done` fires at the end, also
  // when the next deployment takes its place. REQUIRES: a schema; the subject has that version.
  void Deploy(int32_t version, Duration interval, bool rolls_back, Callback done);

  // --- A fleet that is moved to another cluster ---

  // close(): nothing that comes from now on is taken here; what has been taken is sent, or fails in
  // its time. What send() held back is refused. REQUIRES: no transactions, one batch a parcel.
  void Stop();
  // The world's records that came after `since` are this fleet's; those that have waited for longer
  // than max.block.ms are refused at once. REQUIRES: it has not started, or was stopped; the same.
  void StartFrom(Time since);
  // Taken, and neither acknowledged nor failed.
  int64_t held_records() const { return held_records_; }

  const Config& config() const { return config_; }
  // --- With transactions ---
  // The application of a client hangs: it neither sends nor commits.
  void SetClientHung(int client, bool hung);
  // Its process dies, and another one starts when the fault ends.
  void SetClientDown(int client, bool down);
  // Records that it has had acknowledged, and each time that it hung or died in a transaction.
  int64_t WorkOf(int client) const;

  // By client.
  const std::vector<HostId>& hosts() const { return hosts_; }
  int64_t records_per_batch() const { return records_per_batch_; }
  // What they ask of the brokers, for estimates: records and bytes a second at `at`.
  Rate DemandAt(Time at) const { return config_.rate->RateAt(at); }

 private:
  friend class Producer;
  friend class ProducerTransactions;

  void DeployNext(uint32_t number);
  void Deployed(uint32_t number, bool refused);

  // Every record taken is acknowledged, failed, or still held here.
  void Audit() const;

  const Config config_;
  LogService* log_;
  Network* network_;
  const ClientId client_id_;
  LogService::TopicPartitions partitions_;
  int64_t records_per_batch_;
  std::vector<std::unique_ptr<Producer>> clients_;
  std::vector<HostId> hosts_;
  int64_t held_records_ = 0;
  Distribution& latency_;
  Distribution& batch_wait_;
  Distribution& batch_records_;
  Counter& requests_;
  Counter& taken_;
  Counter& acked_;
  Counter& bytes_acked_;
  Counter& failed_;
  Counter& refused_;
  Counter& retries_;
  Gauge& buffered_;
  Gauge& blocked_;
  Counter* committed_ = nullptr;
  Counter* aborted_ = nullptr;
  Counter* aborted_records_ = nullptr;
  Distribution* commit_time_ = nullptr;
  Counter* unserialized_ = nullptr;
  Gauge* without_schema_ = nullptr;
  Counter* rolled_back_ = nullptr;
  struct Deployment {
    uint32_t number;  // From 1 on.
    int32_t version;
    Duration interval;
    bool rolls_back;
    Callback done;
    size_t begun = 0;  // Clients.
    size_t ended = 0;
    bool stopped = false;
  };
  std::optional<Deployment> deployment_;
  uint32_t deployments_ = 0;
  Counter* poison_ = nullptr;
  Counter* offline_ = nullptr;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_CLIENT_PRODUCERS_H_
