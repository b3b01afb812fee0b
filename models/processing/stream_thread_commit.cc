// A StreamThread's caches, and its commits.
#include <algorithm>

#include "models/client/producers.h"
#include "models/processing/stream_thread.h"

namespace freshet {

// --- State ---

Bytes StreamThread::CacheShare() const {
  int64_t tasks = 0;
  for (int i = 0; i < app_->config_.threads; ++i) {
    tasks += app_->ThreadOf(instance_ * app_->config_.threads + i).tasks();
  }
  return Bytes(app_->config_.cache.count() / std::max<int64_t>(1, tasks));
}

void StreamThread::FlushStore(int stage, int task, Running& running) {
  StreamsApp::Stage& of = StageAt(stage);
  if (of.copies == nullptr) return;
  // The cache keeps each key once, however often it was written.
  const Bytes keys = running.flushed_size + running.grown;
  const Bytes bytes =
      app_->config_.cache == Bytes(0) ? running.written : std::min(running.written, keys);
  running.written = running.grown = Bytes(0);
  running.flushed_size = running.chain->StateSize();
  if (bytes == Bytes(0)) return;
  const int64_t records = std::max<int64_t>(1, bytes.count() / of.config->changelog_record.count());
  const Bytes sent = bytes + Producers::kRecordOverhead * records;
  app_->changelog_bytes_.Add(sent.count());
  const LogService::TopicPartitions changelog = app_->log_->PartitionsOf(of.config->changelog);
  writer_.AddState(changelog.first + static_cast<PartitionId>(task), records, sent);
}

// --- Commits ---

bool StreamThread::Dirty() const {
  return writer_.dirty() || std::any_of(tasks_.begin(), tasks_.end(), [](const auto& each) {
           return each.second.next != each.second.committed;
         });
}

bool StreamThread::ReadyToLose(int stage) {
  if (!running_ || failing_ || (!committing_ && !busy_ && !Dirty())) return true;
  awaits_commit_[static_cast<size_t>(stage)] = true;
  commit_due_ = commit_due_ || !committing_;
  Loop();
  return false;
}

void StreamThread::CommitLater() {
  sim().At<"streams.commit">(app_->Now() + app_->config_.commit_interval, app_->component_id(),
                             [this, round = ++commit_round_, life = life_] {
                               if (life != life_ || round != commit_round_) return;
                               commit_due_ = true;
                               Loop();
                             });
}

void StreamThread::Commit() {
  if (!Dirty()) {
    CommitLater();
    WakeMembers();
    return;
  }
  committing_ = true;
  commit_since_ = app_->Now();
  for (auto& [key, running] : tasks_) {
    FlushStore(key.first, key.second, running);
    if (running.next == running.committed) continue;
    std::vector<StreamsApp::Kept>& kept =
        StageAt(key.first).tasks[static_cast<size_t>(key.second)].kept;
    if (kept.size() == 2) kept.erase(kept.begin());
    kept.push_back(
        {running.next, running.chain->Snapshot(), running.stream_time, running.chain->StateSize()});
  }
  if (!app_->exactly_once()) {
    writer_.Flush([this, life = life_] {
      if (life == life_) CommitNext(0);
    });
    return;
  }
  std::vector<std::pair<GroupCoordinator*, GroupCoordinator::Commit>> offsets;
  for (const auto& stage : app_->stages_) {
    if (!stage->consumers->IsRunning(member_)) continue;
    offsets.emplace_back(stage->consumers->coordinator(), stage->consumers->NextCommitOf(member_));
  }
  writer_.Commit(offsets, [this, life = life_](bool ok) {
    if (life != life_) return;
    if (ok) {
      Committed();
    } else {
      Fail();
    }
  });
}

void StreamThread::CommitNext(int stage) {
  for (; stage < static_cast<int>(app_->stages_.size()); ++stage) {
    Consumers& consumers = *StageAt(stage).consumers;
    if (!consumers.IsRunning(member_) || consumers.OwnedBy(member_).empty()) continue;
    consumers.CommitNow(member_);
    return;
  }
  Committed();
}

void StreamThread::CommitEnded(int stage) {
  if (running_ && committing_ && !failing_) CommitNext(stage + 1);
}

void StreamThread::Committed() {
  committing_ = false;
  app_->commits_.Add(1);
  app_->commit_latency_.Record(app_->Now() - commit_since_);
  for (auto& [key, running] : tasks_) {
    running.committed = running.next;
    StreamsApp::Stage& of = StageAt(key.first);
    if (of.copies != nullptr) of.copies->Committed(instance_, key.second);
    of.consumers->NotNeededBelow(of.topic.first + static_cast<PartitionId>(key.second),
                                 running.next);
  }
  CommitLater();
  WakeMembers();
  Loop();
}

void StreamThread::WakeMembers() {
  for (size_t stage = 0; stage < awaits_commit_.size(); ++stage) {
    if (!awaits_commit_[stage]) continue;
    awaits_commit_[stage] = false;
    // Not from within what its member has asked.
    sim().At<"streams.go_on">(app_->Now(), app_->component_id(), [this, stage, life = life_] {
      if (life == life_) StageAt(static_cast<int>(stage)).consumers->GoOn(member_);
    });
  }
}

}  // namespace freshet
