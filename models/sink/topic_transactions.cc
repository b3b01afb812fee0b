// A TopicSink's transactions: one for each writer and checkpoint.
#include <algorithm>
#include <utility>

#include "models/sink/topic_sink.h"

namespace freshet {

void TopicSink::SendClosed(WriterId number) {
  Writer& writer = At(number);
  if (writer.closed.empty() || writer.current == nullptr) return;
  if (writer.current->state != Transaction::State::kOpen) return Open(number);
  while (!writer.closed.empty()) {
    const Key key = writer.closed.front();
    writer.closed.pop_front();
    const TopicBatch& batch = in_hand_[key];
    std::vector<RecordRange>& staged = writer.current->staged;
    staged.insert(staged.end(), batch.records.begin(), batch.records.end());
    writer.current->producer->Send(batch.partition, {batch.count, batch.bytes, batch.created},
                                   [this, number, life = writer.life, key](bool ok) {
                                     if (life == At(number).life) {
                                       Answer(number, key, ok);
                                     } else {
                                       in_hand_.Take(key);
                                     }
                                   });
  }
}

void TopicSink::Open(WriterId number) {
  Transaction* const transaction = At(number).current;
  switch (transaction->state) {
    case Transaction::State::kDown:
      return Restart(transaction);
    case Transaction::State::kReady:
      transaction->state = Transaction::State::kOpen;
      transaction->producer->Begin();
      return SendClosed(number);
    default:
      return;
  }
}

void TopicSink::Restart(Transaction* transaction) {
  transaction->state = Transaction::State::kStarting;
  transaction->lingers = false;
  transaction->producer->Start([this, transaction] {
    transaction->state = Transaction::State::kReady;
    Writer& writer = At(transaction->writer);
    if (writer.current == nullptr) TakeNext(transaction->writer);
    if (writer.current == transaction) SendClosed(transaction->writer);
  });
}

// What it has sent stays open until somebody begins anew under its id.
void TopicSink::Abandon(Transaction* transaction) {
  transaction->producer->Crash();
  transaction->state = Transaction::State::kDown;
  transaction->lingers = true;
  transaction->staged.clear();
}

void TopicSink::Prepare(WriterId number, Epoch epoch, Completion<bool> done) {
  SIM_REQUIRE(promise() == SinkPromise::kTransactional);
  Writer& writer = At(number);
  SIM_REQUIRE(writer.batches.empty() && writer.closed.empty());
  writer.prepared = done;
  if (writer.current != nullptr && writer.current->state == Transaction::State::kOpen) {
    writer.current->state = Transaction::State::kPrepared;
    writer.current->epoch = epoch;
    prepared_[epoch].push_back(writer.current);
    writer.current = nullptr;
  }
  // Not from within the call.
  After<"topic_sink.prepared">(Duration::Zero(), [this, number, life = writer.life] {
    if (life != At(number).life) return;
    TakeNext(number);
  });
}

void TopicSink::TakeNext(WriterId number) {
  Writer& writer = At(number);
  if (writer.current == nullptr) {
    const auto free = std::find_if(writer.pool.begin(), writer.pool.end(), [](const auto& each) {
      return each->state == Transaction::State::kReady || each->state == Transaction::State::kDown;
    });
    if (free == writer.pool.end()) return;  // The next that ends.
    writer.current = free->get();
  }
  if (!writer.prepared) return;
  Completion<bool> done = writer.prepared;
  writer.prepared = {};
  done(true);
}

void TopicSink::Commit(Epoch epoch, Completion<bool> done) {
  SIM_REQUIRE(promise() == SinkPromise::kTransactional);
  questions_.push_back({epoch, done});
  while (!prepared_.empty() && prepared_.begin()->first <= epoch) {
    const Epoch own = prepared_.begin()->first;
    const std::vector<Transaction*> due = std::move(prepared_.begin()->second);
    prepared_.erase(prepared_.begin());
    ending_[own] += static_cast<int64_t>(due.size());
    for (Transaction* transaction : due) {
      transaction->state = Transaction::State::kEnding;
      transaction->producer->Commit([this, transaction](bool ok) { Ended(transaction, ok); });
    }
  }
  After<"topic_sink.committed">(Duration::Zero(), [this] { AnswerCommits(); });
}

void TopicSink::Ended(Transaction* transaction, bool ok) {
  (ok ? transactions_ : timed_out_)->Add(1);
  for (const RecordRange& records : transaction->staged) {
    if (ok) {
      BecomeVisible(records, EffectLedger::Again::kAdds, WaitFor::kBarrier);
    } else {
      // The committer notes that the transaction is gone, and goes on.
      ledger().Lose(records, EffectCause::kTimedOut);
    }
  }
  ShowEffects();
  transaction->staged.clear();
  transaction->state = ok ? Transaction::State::kReady : Transaction::State::kDown;
  if (--ending_[transaction->epoch] == 0) ending_.erase(transaction->epoch);
  if (At(transaction->writer).current == nullptr) {
    TakeNext(transaction->writer);
    SendClosed(transaction->writer);
  }
  After<"topic_sink.committed">(Duration::Zero(), [this] { AnswerCommits(); });
}

void TopicSink::AnswerCommits() {
  const Epoch left = ending_.empty() ? INT64_MAX : ending_.begin()->first;
  std::vector<Question> answered;
  for (size_t i = 0; i < questions_.size();) {
    if (questions_[i].epoch >= left) {
      ++i;
      continue;
    }
    answered.push_back(questions_[i]);
    questions_.erase(questions_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  for (Question& each : answered) each.done(true);
}

void TopicSink::Rollback(Epoch epoch) {
  const auto first = prepared_.upper_bound(epoch);
  for (auto it = first; it != prepared_.end(); ++it) {
    for (Transaction* transaction : it->second) Abandon(transaction);
  }
  prepared_.erase(first, prepared_.end());
  // Whoever recovers the job ends what its writers have left open (abortLingeringTransactions).
  for (const auto& writer : writers_) {
    for (const auto& each : writer->pool) {
      if (each->lingers) Restart(each.get());
    }
  }
}

}  // namespace freshet
