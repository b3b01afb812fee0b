#include "models/sink/database_sink.h"

#include <algorithm>
#include <utility>

namespace freshet {

DatabaseSink::DatabaseSink(Simulation& sim, absl::string_view name, Network* network,
                           const Config& config)
    : ServerSink(sim, name, network, config), config_(config), commit_stream_(NewStream("commit")) {
  if (config.promise == SinkPromise::kTransactional) prepared_records_ = &AddGauge(kPrepared);
}

void DatabaseSink::Execute(RequestKey key, const Request& request) {
  if (request.verb == Verb::kWrite && config_.promise == SinkPromise::kTransactional) {
    // Of a writer that is gone, the transaction is, too.
    if (!request.orphan && request.awaited) open_[request.writer].push_back({key, request.records});
    Answer(key, true);
    return;
  }
  const Duration latency = config_.commit_latency.DrawDuration(commit_stream_);
  if (latency == Duration::Zero()) {
    Apply(key);
    return;
  }
  After<"sink.durable">(latency, [this, key] { Apply(key); });
}

void DatabaseSink::Apply(RequestKey key) {
  const Request* const request = Find(key);
  if (request == nullptr) return;  // It was down meanwhile.
  switch (request->verb) {
    case Verb::kWrite:
      ExplainOrphan(*request);
      for (const RecordRange& records : request->records) {
        BecomeVisible(records,
                      config_.promise == SinkPromise::kIdempotent ? EffectLedger::Again::kReplaces
                                                                  : EffectLedger::Again::kAdds,
                      WaitFor::kNone);
      }
      break;
    case Verb::kPrepare: {
      if (request->orphan) break;
      const auto open = open_.find(request->writer);
      if (open == open_.end()) break;
      prepared_[request->epoch].push_back({key, std::move(open->second)});
      open_.erase(open);
      ShowPrepared();
      break;
    }
    case Verb::kCommit:
      CommitUpTo(request->epoch);
      break;
  }
  Answer(key, true);
}

void DatabaseSink::GivenUp(RequestKey key, const Request& request) {
  if (request.verb == Verb::kPrepare && request.orphan) {
    // In doubt: nobody was told that it is prepared, so it is rolled back.
    for (auto& [epoch, transactions] : prepared_) {
      transactions.erase(std::remove_if(transactions.begin(), transactions.end(),
                                        [key](const Transaction& each) { return each.key == key; }),
                         transactions.end());
    }
    ShowPrepared();
  }
  // A statement: back to the savepoint before it, for it will be written again.
  const auto open = open_.find(request.writer);
  if (open == open_.end()) return;
  auto& statements = open->second;
  statements.erase(std::remove_if(statements.begin(), statements.end(),
                                  [key](const Statement& each) { return each.key == key; }),
                   statements.end());
}

void DatabaseSink::CommitUpTo(Epoch epoch) {
  while (!prepared_.empty() && prepared_.begin()->first <= epoch) {
    for (const Transaction& transaction : prepared_.begin()->second) {
      for (const Statement& statement : transaction.statements) {
        for (const RecordRange& records : statement.records) {
          BecomeVisible(records, EffectLedger::Again::kAdds, WaitFor::kBarrier);
        }
      }
    }
    prepared_.erase(prepared_.begin());
  }
  ShowPrepared();
}

void DatabaseSink::Rollback(Epoch epoch) {
  prepared_.erase(prepared_.upper_bound(epoch), prepared_.end());
  ShowPrepared();
}

void DatabaseSink::ShowPrepared() {
  int64_t records = 0;
  for (const auto& [epoch, transactions] : prepared_) {
    for (const Transaction& transaction : transactions) {
      for (const Statement& statement : transaction.statements) {
        for (const RecordRange& range : statement.records) records += range.record_count();
      }
    }
  }
  if (prepared_records_ != nullptr) prepared_records_->Set(records);
}

}  // namespace freshet
