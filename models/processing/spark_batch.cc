// Triggers of a SparkQuery, and the phases of a batch: latestOffset, walCommit, queryPlanning,
// addBatch, commitOffsets.
#include <algorithm>

#include "models/processing/spark_query.h"
#include "sim/check.h"

namespace freshet {
namespace {

// An entry of a log: JSON with versions, confs and watermark, and an offset for each partition.
// ours: the confs that OffsetSeqMetadata keeps are about so long.
constexpr Bytes kLogEntry(1024);
constexpr Bytes kLogEntryPerPartition(16);

}  // namespace

// --- A query that starts ---

void SparkQuery::ReadLogs() {
  phase_since_ = Now();
  const auto last = logs_.find(logged_);
  if (last == logs_.end()) {
    Resume();
    return;
  }
  // The last entry of both logs, side by side.
  logs_left_ = 1;
  const auto read = [this](ObjectId object) {
    const std::optional<Bytes> size = config_.checkpoint_location->SizeOf(object);
    driver_client_->Get(object, Bytes(0), size.value_or(Bytes(0)), ObjectCause::kRecovery,
                        [this](ObjectResult result) {
                          if (result != ObjectResult::kOk) {
                            Fail();
                          } else {
                            LogRead();
                          }
                        });
  };
  const auto committed = logs_.find(committed_batch_);
  if (committed != logs_.end()) {
    ++logs_left_;
    read(committed->second.second);
  }
  read(last->second.first);
}

void SparkQuery::LogRead() {
  if (--logs_left_ == 0) Resume();
}

void SparkQuery::Resume() {
  rerun_ = logged_ > committed_batch_;
  if (transactional()) {
    // A sink that was told to commit the batch knows it, by its number, whenever it comes.
    const int64_t kept = std::max(sink_told_, committed_batch_);
    config_.sink->Rollback(EpochOf(kept));
  }
  if (down_since_) downtime_.Record(Now() - *down_since_);
  down_since_.reset();
  Trigger();
}

// --- Triggers ---

void SparkQuery::Trigger() {
  triggered_at_ = phase_since_ = Now();
  const int64_t interval = config_.trigger_interval.nanos();
  next_trigger_ =
      interval == 0 ? Now() : Time::FromNanos((Now().nanos() / interval + 1) * interval);
  if (rerun_) {
    rerun_batches_.Add(1);
    ++driver_work_;
    in_batch_ = true;
    Plan();
    return;
  }
  AskForOffsets();
}

void SparkQuery::TriggerLater() {
  // One that took longer than the interval is followed at once.
  At<"spark.trigger">(std::max(Now(), next_trigger_), [this, life = life_] {
    if (life == life_) Trigger();
  });
}

void SparkQuery::AskForOffsets() {
  asking_ = true;
  answers_left_ = 0;
  const std::shared_ptr<const Metadata> metadata = log_->CurrentMetadata(driver_host_);
  std::vector<bool> asked(askers_.size());
  for (int p = 0; p < topic_.count; ++p) {
    const BrokerId leader = metadata->leader[PartitionAt(p)];
    if (leader == kNoBroker || !log_->IsUp(leader)) continue;
    asked[static_cast<size_t>(leader)] = true;
  }
  for (size_t broker = 0; broker < asked.size(); ++broker) answers_left_ += asked[broker];
  if (answers_left_ == 0) {
    BrokerChanged();  // Nobody to ask: again, later.
    return;
  }
  for (size_t broker = 0; broker < asked.size(); ++broker) {
    if (asked[broker]) log_->SendControl(static_cast<BrokerId>(broker), askers_[broker].get());
  }
}

void SparkQuery::BrokerChanged() {
  if (!asking_) return;
  asking_ = false;
  for (const auto& asker : askers_) ++asker->generation;
  After<"spark.ask_again">(config_.retry_backoff, [this, life = life_] {
    if (life == life_) AskForOffsets();
  });
}

void SparkQuery::OffsetsTold() {
  if (!asking_ || --answers_left_ > 0) return;
  asking_ = false;
  ConstructBatch();
}

// --- A batch ---

std::vector<Offset> SparkQuery::LimitedTo(const std::vector<Offset>& from,
                                          const std::vector<Offset>& latest) const {
  if (!config_.max_offsets_per_trigger) return latest;
  int64_t total = 0;
  for (size_t p = 0; p < from.size(); ++p) total += latest[p] - from[p];
  std::vector<Offset> limited = latest;
  const int64_t most = *config_.max_offsets_per_trigger;
  if (total == 0) return limited;
  for (size_t p = 0; p < from.size(); ++p) {
    const int64_t size = latest[p] - from[p];
    // A partition's share of the limit is that of what waits; less than one is one
    // (KafkaMicroBatchStream.rateLimit).
    const int64_t share = std::max<int64_t>(size > 0, MulDivFloor(most, size, total));
    limited[p] = std::min(latest[p], from[p] + share);
  }
  return limited;
}

void SparkQuery::ConstructBatch() {
  std::vector<Offset> latest = committed_;
  for (size_t p = 0; p < latest.size(); ++p) {
    const PartitionId partition = PartitionAt(static_cast<int>(p));
    latest[p] = std::max(latest[p], log_->LatestOffset(partition, config_.source.isolation));
  }
  std::vector<Offset> to = LimitedTo(committed_, latest);
  const bool has_data = to != committed_;
  // The last batch ran with a lower watermark: there may be windows to close. A query that has just
  // started does not look.
  const bool moved =
      config_.no_data_batches && shuffles() && has_ended_one_ && watermark_ > batch_.watermark;
  if (!has_data && !moved) {
    next_trigger_ = std::max(next_trigger_, Now() + config_.polling_delay);
    TriggerLater();
    return;
  }
  latest_offset_.Record(Now() - phase_since_);
  ++driver_work_;
  in_batch_ = true;
  constructed_.id = logged_ + 1;
  constructed_.from = committed_;
  constructed_.to = std::move(to);
  constructed_.late_watermark = batch_.watermark;
  constructed_.watermark = watermark_;
  constructed_.has_data = has_data;
  WriteOffsetLog();
}

void SparkQuery::WriteOffsetLog() {
  phase_since_ = Now();
  const ObjectId entry = config_.checkpoint_location->NewObject(prefix_);
  logs_[constructed_.id].first = entry;
  driver_client_->Put(entry, kLogEntry + kLogEntryPerPartition * topic_.count, ObjectCause::kOther,
                      [this](ObjectResult result) {
                        if (result != ObjectResult::kOk) {
                          Fail();
                          return;
                        }
                        batch_ = constructed_;
                        logged_ = batch_.id;
                        wal_commit_.Record(Now() - phase_since_);
                        PurgeLogs();
                        Plan();
                      });
}

void SparkQuery::PurgeLogs() {
  // From the next number on, those that are too old.
  while (!logs_.empty() && logs_.begin()->first < logged_ - config_.min_batches_to_retain) {
    const auto [offsets, commit] = logs_.begin()->second;
    for (const ObjectId entry : {offsets, commit}) {
      driver_client_->Delete(entry, ObjectCause::kOther, [](ObjectResult) {});
    }
    logs_.erase(logs_.begin());
  }
}

void SparkQuery::Plan() {
  phase_since_ = Now();
  driver_cpu_->Serve(config_.planning_time, [this, life = life_] {
    if (life != life_) return;
    query_planning_.Record(Now() - phase_since_);
    RunBatch();
  });
}

void SparkQuery::RunBatch() {
  phase_since_ = Now();
  writes_ = !(transactional() && sink_told_ >= batch_.id);
  SubmitTasks();
}

void SparkQuery::CommitSink() {
  if (!transactional()) {
    WriteCommitLog();
    return;
  }
  sink_told_ = batch_.id;
  config_.sink->Commit(EpochOf(batch_.id), [this, life = life_](bool ok) {
    if (life != life_) return;
    if (ok) {
      WriteCommitLog();
    } else {
      Fail();
    }
  });
}

void SparkQuery::WriteCommitLog() {
  add_batch_.Record(Now() - phase_since_);
  phase_since_ = Now();
  ObjectId& entry = logs_[batch_.id].second;
  if (entry == 0) entry = config_.checkpoint_location->NewObject(prefix_);
  driver_client_->Put(entry, kLogEntry, ObjectCause::kOther, [this](ObjectResult result) {
    if (result == ObjectResult::kOk) {
      EndBatch();
    } else {
      Fail();
    }
  });
}

void SparkQuery::EndBatch() {
  commit_offsets_.Record(Now() - phase_since_);
  committed_batch_ = batch_.id;
  committed_ = batch_.to;
  int64_t rows = 0;
  Time latest = Time::FromNanos(INT64_MIN);
  for (const auto& [key, task] : tasks_) {
    rows += task.rows;
    latest = std::max(latest, task.latest);
  }
  // The latest event time of any partition, not the least: withWatermark() has one for all of them.
  if (config_.watermark_delay && latest > Time::FromNanos(INT64_MIN)) {
    watermark_ = std::max(watermark_, latest - *config_.watermark_delay);
  }
  for (int p = 0; p < topic_.count; ++p) {
    readers_->NotNeededBelow(PartitionAt(p), committed_[static_cast<size_t>(p)]);
  }
  for (Store& store : stores_) {
    store.kept = std::move(store.next);
    store.next.clear();
    store.size = store.next_size;
  }
  rerun_ = in_batch_ = false;
  has_ended_one_ = true;
  batches_.Add(1);
  if (!batch_.has_data) no_data_batches_.Add(1);
  batch_rows_.Record(rows);
  batch_duration_.Record(Now() - triggered_at_);
  sim().recorder().Span(RecordLevel::kSpans, lane_, "micro_batch", triggered_at_, Now(), rows);
  if (config_.trigger_interval > Duration::Zero() &&
      Now() - triggered_at_ > config_.trigger_interval) {
    falling_behind_.Add(1);
  }
  TriggerLater();
}

}  // namespace freshet
