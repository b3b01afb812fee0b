// A StreamJob and its sinks: epochs, and what they hear of records that will not come.
#include <algorithm>

#include "models/processing/stream_job.h"
#include "sim/check.h"

namespace freshet {
namespace {

template <class T>
void AddOnce(T* each, std::vector<T*>* all) {
  if (std::find(all->begin(), all->end(), each) == all->end()) all->push_back(each);
}

}  // namespace

void StreamJob::FindSinks() {
  reached_.resize(config_.vertices.size());
  reached_in_time_.resize(config_.vertices.size());
  for (size_t v = config_.vertices.size(); v-- > 0;) {
    Sink* const own = config_.vertices[v].chain.back().sink;
    if (own != nullptr) {
      AddOnce(own, &sinks_);
      if (own->metered() != nullptr) {
        reached_[v].push_back(own->metered());
        reached_in_time_[v].push_back(own->metered());
      }
    }
    for (const EdgeConfig& edge : config_.edges) {
      if (edge.from != static_cast<int>(v)) continue;
      for (MeteredSink* sink : reached_[static_cast<size_t>(edge.to)]) {
        AddOnce(sink, &reached_[v]);
        if (!edge.late) AddOnce(sink, &reached_in_time_[v]);
      }
    }
  }
  // In the order of the job's text.
  std::reverse(sinks_.begin(), sinks_.end());
  commits_.resize(sinks_.size());
}

// --- Epochs ---

void StreamJob::CommitSinks(CheckpointId checkpoint) {
  for (size_t i = 0; i < sinks_.size(); ++i) {
    if (sinks_[i]->promise() != SinkPromise::kTransactional) continue;
    commits_[i].wanted = checkpoint;
    if (commits_[i].under_way == 0) CommitSink(i);
  }
}

void StreamJob::CommitSink(size_t number) {
  Commits& commits = commits_[number];
  commits.under_way = commits.wanted;
  sinks_[number]->Commit(commits.under_way, [this, number, attempt = attempt_](bool ok) {
    Commits& ended = commits_[number];
    const Sink::Epoch epoch = ended.under_way;
    ended.under_way = 0;
    const bool is_old = attempt != attempt_;
    // A committer that died is missed with its task manager.
    if (!is_old && !ok && all_alive_) return Fail();
    if ((is_old || ok) && ended.wanted > epoch) CommitSink(number);
  });
}

void StreamJob::SettleSinks() {
  const Checkpoint* from = coordinator_ == nullptr ? nullptr : coordinator_->latest();
  const Sink::Epoch epoch = from == nullptr ? 0 : from->id;
  for (Sink* sink : sinks_) {
    // What was in the state of the checkpoint, or is read again, may be there and come once more.
    if (sink->metered() != nullptr) sink->metered()->ledger().ExplainAll(EffectCause::kRestart);
    if (sink->promise() != SinkPromise::kTransactional) continue;
    sink->Rollback(epoch);
    if (from == nullptr) continue;
    ++parts_left_;
    sink->Commit(epoch, [this, attempt = attempt_](bool ok) {
      if (attempt == attempt_) PartRestored(ok);
    });
  }
}

// --- Effects ---

void StreamJob::Settled(int vertex, const RecordSpan& records, SourceEffects::How how) {
  const auto& sinks = how == SourceEffects::How::kLateDropped ? reached_in_time_ : reached_;
  for (MeteredSink* sink : sinks[static_cast<size_t>(vertex)]) sink->Settle(records, how);
}

void StreamJob::GoOn(int vertex, PartitionId partition, Offset from) {
  // From a checkpoint: what was read before is in its state, and will come.
  if (config_.guarantee != DeliveryGuarantee::kAtMostOnce) return;
  for (MeteredSink* sink : reached_[static_cast<size_t>(vertex)]) {
    sink->ledger().GoOn(partition, from, EffectCause::kCommitFirst, EffectCause::kRestart);
  }
}

void StreamJob::PassOver(int vertex, PartitionId partition, Offset from, Offset to) {
  RecordSpan gap;
  gap.partition = partition;
  gap.from = from;
  gap.to = to;
  SourceEffects::How how = SourceEffects::How::kDeleted;
  const PartitionLog& log = log_->LogOf(partition);
  // Markers, and what was aborted, are not records.
  if (log.transactions() != nullptr && from >= log.log_start_offset()) {
    how = SourceEffects::How::kWithheld;
  }
  for (MeteredSink* sink : reached_[static_cast<size_t>(vertex)]) sink->Settle(gap, how);
}

void StreamJob::CutAt(int vertex, PartitionId partition, Offset end, Offset taken) {
  RecordSpan gone;
  gone.partition = partition;
  gone.from = end;
  gone.to = taken;
  for (MeteredSink* sink : reached_[static_cast<size_t>(vertex)]) {
    sink->ledger().Cut(partition, end);
    // What is under way in the job still comes, and others at the same offsets after it.
    if (end < taken) sink->ledger().Explain(gone, EffectCause::kTruncated);
  }
}

}  // namespace freshet
