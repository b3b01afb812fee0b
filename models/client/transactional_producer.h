// A producer with a transactional id that somebody else drives, batch by batch: an exactly-once
// sink that writes to a topic, a task of a Kafka Streams kind job.
//
//   Start()                  once, and after a crash; `ready` fires when Begin() may be called
//   Begin() Send()... SendOffsets()... Commit() or Abort()
//
// A batch is what the caller makes it; batches of a partition are appended in the order in which
// they were sent, one request at a time. It sends again what a broker refuses or does not answer,
// for as long as it takes; a transaction that takes too long is aborted by its coordinator.
//
// A sink of two phases (Flink's) has one for each transaction that may be open at a time. It is
// prepared when each Send() is done; when its job dies it is kept, as the transaction is in Kafka,
// and whoever recovers the job commits it, unless its timeout was shorter than that took.
//
// Offsets go to the group's coordinator as a part of the transaction (TxnOffsetCommit) and count
// with its commit. Whoever is fenced is told by each of his completions, and can go on with
// Start(), as another process would.
#ifndef FRESHET_MODELS_CLIENT_TRANSACTIONAL_PRODUCER_H_
#define FRESHET_MODELS_CLIENT_TRANSACTIONAL_PRODUCER_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>

#include "models/client/transaction_manager.h"
#include "models/group/group_coordinator.h"
#include "models/log/batch_writer.h"

namespace freshet {

class TransactionalProducer : public Component, private TransactionManager::Application {
 public:
  using Config = TransactionManager::Config;
  using Done = Completion<bool>;
  struct Records {
    int64_t count = 0;
    Bytes bytes;  // As stored, the batch's header included.
    CreatedTimes created;
  };

  // REQUIRES: all outlive it.
  TransactionalProducer(Simulation& sim, absl::string_view name, Network* network, LogService* log,
                        TransactionCoordinator* coordinator, const Config& config);

  // A process starts; transactions of an earlier one with this id are aborted and fenced.
  void Start(Callback ready);
  // It dies: nothing of it fires any more. What it has left open is aborted by Start(), or by its
  // coordinator after the timeout.
  void Crash();

  // REQUIRES: ready, or the transaction before has ended.
  void Begin();
  // `done(ok)` fires when it is appended and committed to the log, and not yet stable. REQUIRES:
  // in a transaction that is neither committing nor aborting.
  void Send(PartitionId partition, const Records& records, Done done = {});
  void SendOffsets(GroupCoordinator* group, const GroupCoordinator::Commit& commit, Done done = {});
  // When all of it is appended, ends the transaction; `done(ok)` fires when that is decided: then
  // it will be visible, whoever fails. Not ok: it is aborted, or will be.
  void Commit(Done done);
  // What has not been sent is dropped. `done(true)`, or false if it is fenced.
  void Abort(Done done);

  bool in_transaction() const { return manager_.in_transaction(); }
  const TransactionManager& manager() const { return manager_; }

 private:
  struct Item {
    Batch batch;
    GroupCoordinator* group = nullptr;
    GroupCoordinator::Commit commit;
    Done done;
  };
  struct Line {              // Of one partition.
    std::deque<Item> queue;  // The first one is under way, if any is.
    bool under_way = false;
    bool waiting = false;
    int32_t epoch = -1;
    int64_t next_sequence = 0;
  };

  void Ready() override;
  void PartitionsAdded() override { TrySendAll(); }
  void Ended(bool committed) override;
  void Fenced() override;
  void TellEnd();

  void Enqueue(PartitionId partition, const Item& item);
  void TrySendAll();
  void TrySend(PartitionId partition);
  void Answered(PartitionId partition, const ProduceRequest* answered);
  void Judge(AppendJudgement& judgement);
  void Later(PartitionId partition);
  void EndIfFlushed();
  void DropAll();

  LogService* const log_;
  const Config config_;
  BatchWriter writer_;
  TransactionManager manager_;
  std::map<PartitionId, Line> lines_;
  int64_t unanswered_ = 0;
  std::optional<bool> ends_;  // With a commit.
  bool commit_asked_ = false;
  bool gave_up_ = false;  // A batch, in this transaction.
  bool end_ok_ = false;
  Done end_done_;
  Callback ready_;
  uint32_t life_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_CLIENT_TRANSACTIONAL_PRODUCER_H_
