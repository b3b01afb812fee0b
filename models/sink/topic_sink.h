// A topic of the cluster as a sink: the producers of a job's last operator, Flink's KafkaSink.
//
// AT_LEAST_ONCE is plain: each writer has an idempotent producer with acks=all, and a write is done
// when its batch is committed to the log. A writer that dies takes its open batch with it; requests
// that have left are carried out.
//
// EXACTLY_ONCE is transactional: each writer writes into a transaction of its own; a checkpoint
// closes it and opens the next one, with another transactional id out of a pool; when the
// checkpoint is complete the transaction is committed, and consumers with read_committed see it.
// What was prepared outlives its writer as it does in Kafka, until transaction.timeout.ms: what its
// coordinator has aborted by then is lost, since the job goes on without it. What was open when the
// writer died is aborted when its successor uses the same id, or by the timeout.
//
// The ledger counts the records of the job's own sources, at the instant at which they become
// visible in the topic. Those of the topic keep the time of the records that they come of.
//
// docs/models/sink.md has what is approximated and left out, and the sources.
#ifndef FRESHET_MODELS_SINK_TOPIC_SINK_H_
#define FRESHET_MODELS_SINK_TOPIC_SINK_H_

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "models/client/transactional_producer.h"
#include "models/log/batch_writer.h"
#include "models/sink/metered_sink.h"
#include "models/sink/topic_batches.h"
#include "sim/pool.h"

namespace freshet {

class TopicSink : public MeteredSink {
 public:
  struct Config {
    LogService::TopicPartitions partitions;
    TransactionCoordinator* coordinator = nullptr;  // Null: at least once.
    std::string transactional_id_prefix;
    Duration transaction_timeout;      // transaction.timeout.ms
    Duration linger;                   // linger.ms
    Bytes batch_size;                  // batch.size
    Duration retry_backoff;            // retry.backoff.ms
    Duration delivery_timeout;         // delivery.timeout.ms, at least once.
    std::optional<Bytes> record_size;  // Absent: one record for each that came.
  };

  static constexpr MetricDef kSent = {"topic_sink.records", MetricKind::kCounter,
                                      MetricUnit::kCount,
                                      "Records of the topic that brokers have acknowledged."};
  static constexpr MetricDef kBatches = {"topic_sink.batches", MetricKind::kCounter,
                                         MetricUnit::kCount,
                                         "Batches that brokers have acknowledged."};
  static constexpr MetricDef kRetries = {"topic_sink.retries", MetricKind::kCounter,
                                         MetricUnit::kCount,
                                         "Batches that were sent again, at least once only."};
  static constexpr MetricDef kTransactions = {"topic_sink.transactions", MetricKind::kCounter,
                                              MetricUnit::kCount, "Transactions committed."};
  static constexpr MetricDef kTimedOut = {
      "topic_sink.transactions_lost", MetricKind::kCounter, MetricUnit::kCount,
      "Transactions that were prepared, and that their coordinator has aborted before they were "
      "committed: their records are lost."};

  // REQUIRES: all outlive it.
  TopicSink(Simulation& sim, absl::string_view name, Network* network, LogService* log,
            const Config& config);

  SinkPromise promise() const override {
    return config_.coordinator == nullptr ? SinkPromise::kPlain : SinkPromise::kTransactional;
  }
  // Before the run.
  WriterId AddWriter(absl::string_view name, HostId host) override;
  void Write(WriterId writer, const RecordRange& records, Completion<bool> done) override;
  void Prepare(WriterId writer, Epoch epoch, Completion<bool> done) override;
  void Commit(Epoch epoch, Completion<bool> done) override;
  void Reset(WriterId writer) override;
  void Rollback(Epoch epoch) override;

 private:
  using Key = uint32_t;  // Of a batch.
  // One transactional id, with a producer of its own.
  struct Transaction {
    enum class State : uint8_t { kDown, kStarting, kReady, kOpen, kPrepared, kEnding };
    WriterId writer = 0;
    std::unique_ptr<TransactionalProducer> producer;
    State state = State::kDown;
    // Somebody has begun one under this id and never ended it.
    bool lingers = false;
    Epoch epoch = 0;  // That it is prepared for.
    std::vector<RecordRange> staged;
  };
  struct Line {  // To one partition, at least once: one request at a time.
    std::deque<Key> queue;
    bool under_way = false;
    bool waiting = false;
    int64_t next_sequence = 0;
  };
  struct Writer {
    HostId host;
    uint32_t life = 0;
    TopicBatches batches;
    bool lingers = false;
    // At least once:
    std::unique_ptr<BatchWriter> requests;
    std::optional<ProducerId> producer;  // Of this life.
    std::map<PartitionId, Line> lines;
    // Exactly once:
    std::vector<std::unique_ptr<Transaction>> pool;
    Transaction* current = nullptr;  // Null: all of the pool are prepared or ending.
    std::deque<Key> closed;          // Until it is open.
    Completion<bool> prepared;       // Waits for the next one.
  };
  struct Question {
    Epoch epoch;
    Completion<bool> done;
  };

  Writer& At(WriterId writer) { return *writers_[static_cast<size_t>(writer)]; }
  void Close(WriterId writer);
  void Answer(WriterId writer, Key key, bool ok);

  // At least once.
  void TrySend(WriterId writer, PartitionId partition);
  void Answered(WriterId writer, PartitionId partition, uint32_t life, Key key, bool ok);
  void SendLater(WriterId writer, PartitionId partition);

  // Exactly once (topic_transactions.cc).
  void SendClosed(WriterId writer);
  void Open(WriterId writer);
  void Restart(Transaction* transaction);
  static void Abandon(Transaction* transaction);
  void TakeNext(WriterId writer);
  void Ended(Transaction* transaction, bool ok);
  void AnswerCommits();

  const Config config_;
  Network* const network_;
  LogService* const log_;
  std::vector<std::unique_ptr<Writer>> writers_;
  Pool<TopicBatch> in_hand_;
  absl::btree_map<Epoch, std::vector<Transaction*>> prepared_;
  absl::btree_map<Epoch, int64_t> ending_;  // Transactions that are being committed.
  std::vector<Question> questions_;
  Pool<Completion<bool>> answers_;
  Counter& sent_;
  Counter& batches_;
  Counter& retries_;
  Counter* transactions_ = nullptr;  // Exactly once only.
  Counter* timed_out_ = nullptr;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_SINK_TOPIC_SINK_H_
