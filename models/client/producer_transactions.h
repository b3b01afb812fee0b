// The transactions of one producer client of a fleet (producers.h): it begins one, produces for a
// commit interval, sends all that it has, commits, and begins the next. While it commits send() is
// not called: what comes meanwhile waits outside, and is as old as that when it is sent.
//
// A batch that is given up, or refused because the client is fenced, aborts the transaction. A
// client that was too slow and finds its transaction aborted goes on under the next epoch.
#ifndef FRESHET_MODELS_CLIENT_PRODUCER_TRANSACTIONS_H_
#define FRESHET_MODELS_CLIENT_PRODUCER_TRANSACTIONS_H_

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "models/client/transaction_manager.h"
#include "models/log/batch.h"
#include "sim/random.h"

namespace freshet {

class Producer;
class Producers;

class ProducerTransactions : private TransactionManager::Application {
 public:
  ProducerTransactions(Producer* producer, Producers* fleet, int client, HostId host);

  void Start() { manager_.Start(); }
  // Its application hangs: what it has given to send() is sent, and nothing follows, no commit
  // either, until it wakes up.
  void SetHung(bool hung);
  // Its process dies, with all that is not acknowledged, and another one starts, which has what the
  // first has left open aborted.
  void SetDown(bool down);
  // What it has had acknowledged.
  int64_t work() const { return work_; }

  // --- What the producer asks and tells ---

  // Whether the lane may open a batch now; if not, it is told to later.
  bool MayOpen(size_t lane);
  bool MaySend(PartitionId partition) { return manager_.MaySend(partition); }
  // Whether anything in the queue may be sent; all of it is asked for.
  template <class Queue>
  bool MaySendAny(const Queue& queue) {
    bool any = false;
    for (size_t i = 0; i < queue.size(); ++i) any = MaySend(queue[i].partition) || any;
    return any;
  }
  void Stamp(Batch* batch);
  void Closed() { ++unanswered_; }
  void Succeeded(const Batch& batch);
  void Failed();
  // Nothing of this transaction is sent again.
  bool failed() const { return failed_; }

 private:
  void Ready() override;
  void PartitionsAdded() override;
  void Ended(bool committed) override;
  void Fenced() override;

  void Begin();
  void OpenHeld();
  void CommitDue();
  void Flush();
  void EndIfFlushed();
  void CountEnd(bool committed);

  Producer* const producer_;
  Producers* const fleet_;
  TransactionManager manager_;
  RandomStream abort_stream_;
  std::vector<size_t> held_;  // Lanes that wait for the next transaction.
  bool open_ = false;         // Records may be taken.
  bool closing_ = false;      // Batches are closed or dropped just now.
  bool flushing_ = false;
  bool failed_ = false;
  bool renews_ = false;  // The next transaction needs a new epoch.
  bool hung_ = false;
  bool down_ = false;
  bool due_ = false;    // A commit, while it hangs.
  uint32_t round_ = 0;  // Raised when a commit is due no more.
  int32_t epoch_ = -1;
  int64_t unanswered_ = 0;  // Batches.
  int64_t acked_ = 0;       // Records, in this transaction.
  int64_t work_ = 0;
  Time flush_since_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_CLIENT_PRODUCER_TRANSACTIONS_H_
