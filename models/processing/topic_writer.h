// The producer of one stream thread: results, records for the next sub-topology and changelogs, to
// many partitions, in batches of batch.size that wait for linger.ms at the most.
//
// Idempotent with acks=all; or with a transactional id, and then what it sends is of one
// transaction from a commit to the next. It sends again what a broker refuses for as long as it
// takes.
//
// Approximated: what is added at once goes as one batch, also when it is longer than batch.size;
// one request is under way for a partition, carries no other one's batches, and takes along as many
// of those that wait behind as max.in.flight.requests.per.connection (5) would have sent by then.
#ifndef FRESHET_MODELS_PROCESSING_TOPIC_WRITER_H_
#define FRESHET_MODELS_PROCESSING_TOPIC_WRITER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/client/transactional_producer.h"
#include "models/log/batch_writer.h"
#include "models/processing/written_topic.h"

namespace freshet {

class TopicWriter : public Component {
 public:
  struct Config {
    HostId host = 0;
    Duration linger;   // linger.ms
    Bytes batch_size;  // batch.size
    Bytes buffer;      // buffer.memory
    Duration retry_backoff;
    // With transactions:
    TransactionCoordinator* transactions = nullptr;
    std::string transactional_id;
    Duration transaction_timeout;
  };

  // `room` fires when there is room again after HasRoom() was false. REQUIRES: all outlive it.
  TopicWriter(Simulation& sim, absl::string_view name, Network* network, LogService* log,
              const Config& config, Callback room);

  // A process starts. `ready` fires when it may write: at once, or when its coordinator has ended
  // what an earlier one has left.
  void Start(Callback ready);
  // It dies, with all that is not acknowledged.
  void Crash();

  // Records for a partition. `sink`, if any, is shown them when they are there.
  void Add(PartitionId partition, const RecordRange& records, WrittenTopic* sink);
  // Records that are nobody's effects: a changelog's.
  void AddState(PartitionId partition, int64_t records, Bytes bytes);
  bool HasRoom() const { return held_ < config_.buffer; }

  // Without transactions: `done` fires once all that was added is acknowledged.
  void Flush(Callback done);
  // With: the same, and the offsets with it; `done(ok)` fires when it is decided. Not ok: it is
  // aborted, and so is all that was added since the last commit; Start() follows.
  void Commit(const std::vector<std::pair<GroupCoordinator*, GroupCoordinator::Commit>>& offsets,
              Completion<bool> done);
  bool transactional() const { return config_.transactions != nullptr; }
  // Anything was added since the last commit.
  bool dirty() const { return dirty_; }

 private:
  struct Part {
    WrittenTopic* sink;
    RecordRange records;
  };
  struct Open {
    int64_t batches = 1;  // Several, where they go together.
    int64_t records = 0;
    Bytes bytes;
    Time oldest;
    Time youngest;
    std::vector<Part> parts;
  };
  struct Line {  // Of one partition.
    Open open;
    uint32_t opened = 0;      // Counts open batches: a linger timer is of one.
    std::vector<Open> queue;  // Without transactions: closed, the first under way or waiting.
    bool under_way = false;
    int64_t next_sequence = 0;
    int32_t attempts = 0;
    Time closed_at;
    Time sent_at;
  };

  Open& OpenOf(PartitionId partition);
  void Added(PartitionId partition);
  void Close(PartitionId partition);
  void CloseAll();
  void TrySend(PartitionId partition);
  void SendLater(PartitionId partition);
  void Answered(PartitionId partition, const ProduceRequest* answer);
  void TakeAlong(std::vector<Open>* queue);
  void Acknowledged(const Open& done);
  void EndFlush();

  LogService* const log_;
  const Config config_;
  Callback room_;
  BatchWriter writer_;
  std::unique_ptr<TransactionalProducer> producer_;
  ProducerId id_ = kNoProducer;
  std::map<PartitionId, Line> lines_;
  std::vector<Part> staged_;  // Of the transaction.
  Bytes held_;
  int64_t unanswered_ = 0;
  bool dirty_ = false;
  bool full_ = false;
  bool broken_ = false;  // The transaction: it can only be aborted.
  uint32_t life_ = 0;
  Callback flushed_;
  Completion<bool> committed_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_PROCESSING_TOPIC_WRITER_H_
