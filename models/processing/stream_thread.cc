#include "models/processing/stream_thread.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "models/processing/record_split.h"

namespace freshet {
namespace {

TopicWriter::Config WriterOf(const StreamsConfig& config, HostId host,
                             const std::string& transactional_id) {
  TopicWriter::Config writer;
  writer.host = host;
  writer.linger = config.linger;
  writer.batch_size = config.batch_size;
  writer.buffer = config.buffer;
  writer.retry_backoff = config.retry_backoff;
  writer.transactions = config.transactions;
  writer.transactional_id = transactional_id;
  writer.transaction_timeout = config.transaction_timeout;
  return writer;
}

}  // namespace

StreamThread::StreamThread(StreamsApp* app, int member)
    : app_(app),
      member_(member),
      instance_(app->InstanceOf(member)),
      writer_(app->sim(),
              absl::StrCat(app->name(), "/instance-", instance_ + 1, "/thread-",
                           member % app->config_.threads + 1, "/producer"),
              app->network_, app->log_,
              WriterOf(app->config_, app->HostOf(instance_),
                       absl::StrCat(app->name(), "-", member + 1)),
              [this] { RoomAgain(); }),
      awaits_commit_(app->stages_.size()),
      polls_(app->stages_.size()) {
  for (const auto& stage : app->stages_) {
    Sink* const sink = stage->config->sink;
    sink_writers_.push_back(sink == nullptr
                                ? -1
                                : sink->AddWriter(absl::StrCat(app->name(), "/thread-", member + 1),
                                                  app->HostOf(instance_)));
  }
}

Simulation& StreamThread::sim() { return app_->sim(); }
Station& StreamThread::cpu() { return app_->CpuOf(instance_); }

// --- Its life ---

void StreamThread::Start() {
  SIM_REQUIRE(!running_);
  ++life_;
  running_ = true;
  failing_ = busy_ = committing_ = commit_due_ = false;
  writer_.Start([this, life = life_] {
    if (life == life_) Join();
  });
}

void StreamThread::Join() {
  for (const auto& stage : app_->stages_) stage->consumers->StartProcess(member_);
  CommitLater();
}

void StreamThread::Kill() {
  if (!running_ && !failing_) return;
  Stop();
  failing_ = false;
  for (const auto& stage : app_->stages_) stage->consumers->KillProcess(member_);
}

void StreamThread::Stop() {
  running_ = false;
  ++life_;
  if (busy_) worked_ += sim().Now() - busy_since_;
  busy_ = committing_ = false;
  writer_.Crash();
  writes_ = Pool<Outgoing>();
  for (size_t stage = 0; stage < sink_writers_.size(); ++stage) {
    if (sink_writers_[stage] >= 0) {
      StageAt(static_cast<int>(stage)).config->sink->Reset(sink_writers_[stage]);
    }
  }
  for (const auto& [key, running] : tasks_) {
    app_->TaskStops(StageAt(key.first), member_, key.second, false);
  }
  tasks_.clear();
  for (Poll& poll : polls_) poll = Poll();
  awaits_commit_.assign(awaits_commit_.size(), false);
}

void StreamThread::Fail() {
  if (failing_) return;
  failing_ = true;
  // Not from within what has failed.
  sim().At<"streams.thread_fails">(app_->Now(), app_->component_id(), [this, life = life_] {
    if (life == life_ && running_) StartAnew();
  });
}

void StreamThread::StartAnew() {
  app_->failures_.Add(1);
  for (const auto& [key, running] : tasks_) {
    StateCopies* const copies = StageAt(key.first).copies.get();
    if (copies != nullptr) copies->Deactivate(instance_, key.second, false);
  }
  Stop();
  for (const auto& stage : app_->stages_) stage->consumers->LoseAll(member_);
  writer_.Start([this, life = life_] {
    if (life != life_) return;
    running_ = true;
    failing_ = commit_due_ = false;
    CommitLater();
    Loop();
  });
}

// --- Tasks ---

void StreamThread::TaskBegins(int stage, int task, Offset from) {
  StreamsApp::Stage& of = StageAt(stage);
  StreamsApp::Task& known = of.tasks[static_cast<size_t>(task)];
  const PartitionId partition = of.topic.first + static_cast<PartitionId>(task);
  if (of.metered != nullptr) {
    EffectLedger& ledger = of.metered->ledger();
    if (!known.begun) {
      ledger.Begin(partition, from);
    } else {
      // What is in its state may come once more, and so may what was read behind its commit.
      ledger.ExplainAll(known.owner != StreamsApp::kNobody ? EffectCause::kZombie
                        : known.died                       ? EffectCause::kRestart
                                                           : EffectCause::kRebalance);
    }
  }
  known.begun = true;
  if (known.furthest > from) app_->replayed_.Add(known.furthest - from);
  if (known.owner != StreamsApp::kNobody) {
    app_->TaskStops(of, known.owner, task, false);
  }
  known.owner = member_;
  Running& running = tasks_[{stage, task}];
  running = Running();
  running.chain =
      std::make_unique<OperatorChain>(app_->sim(), of.config->chain, app_->component_id(),
                                      app_->component_id(), of.topic.count, &of);
  running.next = running.committed = from;
  const StreamsApp::Kept* kept = nullptr;
  for (const StreamsApp::Kept& each : known.kept) {
    if (kept == nullptr || each.next <= from) kept = &each;
  }
  Bytes size;
  if (kept != nullptr) {
    running.chain->Restore(kept->state);
    running.stream_time = kept->stream_time;
    size = running.flushed_size = kept->size;
    known.kept = std::vector<StreamsApp::Kept>{*kept};
  }
  if (of.copies == nullptr) {
    running.restored = true;
    app_->TaskRuns(of, member_, task);
    return;
  }
  of.copies->Activate(instance_, task, size, [this, stage, task, life = life_] {
    const auto restored = tasks_.find({stage, task});
    if (life != life_ || restored == tasks_.end()) return;
    restored->second.restored = true;
    StreamsApp::Stage& its = StageAt(stage);
    app_->TaskRuns(its, member_, task);
    its.consumers->Resume(member_, its.topic.first + static_cast<PartitionId>(task));
  });
  if (!running.restored) of.consumers->Hold(member_, partition);
}

void StreamThread::TaskEnds(int stage, int task) {
  const auto found = tasks_.find({stage, task});
  if (found == tasks_.end()) return;
  const bool clean = found->second.next == found->second.committed;
  StreamsApp::Stage& of = StageAt(stage);
  if (of.copies != nullptr) of.copies->Deactivate(instance_, task, clean);
  app_->TaskStops(of, member_, task, clean);
  tasks_.erase(found);
  // What it has produced for that task may not be committed (TaskMigratedException).
  if (!clean && app_->exactly_once()) Fail();
}

Offset StreamThread::NextOf(int stage, int task) const {
  const auto found = tasks_.find({stage, task});
  return found == tasks_.end() ? 0 : found->second.next;
}

void StreamThread::Truncated(int stage, int task, Offset end) {
  const auto found = tasks_.find({stage, task});
  if (found == tasks_.end()) return;
  found->second.next = std::min(found->second.next, end);
  found->second.committed = std::min(found->second.committed, end);
  const PartitionId partition = StageAt(stage).topic.first + static_cast<PartitionId>(task);
  Poll& poll = polls_[static_cast<size_t>(stage)];
  for (size_t at = poll.next; at < poll.records.size(); ++at) {
    RecordRange& records = poll.records[at];
    if (records.partition != partition || records.to <= end) continue;
    records = TakeOffsets(records, std::min(records.from, end), std::min(records.to, end));
  }
}

void StreamThread::PassWithheld(int stage, int task) {
  const auto found = tasks_.find({stage, task});
  const StreamsApp::Stage& of = StageAt(stage);
  const PartitionId partition = of.topic.first + static_cast<PartitionId>(task);
  const PartitionLog& log = app_->log_->LogOf(partition);
  if (busy_ || committing_ || found == tasks_.end() || log.transactions() == nullptr) return;
  const Isolation isolation =
      app_->exactly_once() ? Isolation::kReadCommitted : Isolation::kReadUncommitted;
  const Offset end = app_->log_->LatestOffset(partition, isolation);
  Running& running = found->second;
  if (running.next >= end || !running.restored) return;
  if (log.transactions()->WithheldIn(running.next, end, isolation) < end - running.next) return;
  StageAt(stage).PassOver(partition, running.next, end);
  running.next = end;
}

Bytes StreamThread::StateSize() const {
  Bytes size;
  for (const auto& [key, running] : tasks_) size += running.chain->StateSize();
  return size;
}

Duration StreamThread::BusyTime() const {
  return busy_ ? worked_ + (app_->Now() - busy_since_) : worked_;
}

// --- Processing ---

void StreamThread::HandlePoll(int stage, const std::vector<RecordRange>& poll) {
  polls_[static_cast<size_t>(stage)] = {true, poll, 0};
  Loop();
}

void StreamThread::DropPoll(int stage) { polls_[static_cast<size_t>(stage)] = Poll(); }

void StreamThread::Loop() {
  again_ = true;
  if (in_loop_) return;
  in_loop_ = true;
  while (again_) {
    again_ = false;
    while (running_ && !busy_ && !committing_ && !failing_) {
      if (commit_due_) {
        commit_due_ = false;
        Commit();
        continue;
      }
      if (!writer_.HasRoom() || !TakeNext()) break;
    }
  }
  in_loop_ = false;
}

bool StreamThread::TakeNext() {
  for (size_t tried = 0; tried < polls_.size(); ++tried) {
    turn_ = (turn_ + 1) % polls_.size();
    Poll& poll = polls_[turn_];
    if (!poll.here) continue;
    const int stage = static_cast<int>(turn_);
    if (poll.next == poll.records.size()) {
      poll = Poll();
      StageAt(stage).consumers->PollHandled(member_);
    } else {
      Process(stage, poll.records[poll.next++]);
    }
    return true;
  }
  return false;
}

void StreamThread::Process(int stage, RecordRange records) {
  StreamsApp::Stage& of = StageAt(stage);
  const int task = static_cast<int>(records.partition - of.topic.first);
  const auto found = tasks_.find({stage, task});
  if (found == tasks_.end()) return;
  Running& running = found->second;
  if (records.from > running.next) of.PassOver(records.partition, running.next, records.from);
  if (records.record_count() == 0) {
    running.next = records.to;
    return;
  }
  records.trail.AddWait(std::max(records.trail.End(), app_->Now()), Milestone::kProcessed,
                        WaitFor::kQueue, app_->component_id(), app_->component_id());
  running.stream_time = std::max(running.stream_time, LatestEventTime(records));
  const Bytes before = running.chain->StateSize();
  Duration cost = running.chain->Take(records);
  running.grown += std::max(Bytes(0), running.chain->StateSize() - before);
  cost += running.chain->AdvanceTo(running.stream_time - of.config->grace);
  app_->processed_.Add(records.record_count());
  processed_ += records.record_count();
  busy_ = true;
  busy_since_ = app_->Now();
  in_hand_ = {{stage, task}, records.to};
  cpu().Serve(cost, [this, life = life_] {
    if (life == life_) WorkDone();
  });
}

void StreamThread::WorkDone() {
  const auto [key, to] = in_hand_;
  const auto found = tasks_.find(key);
  if (found != tasks_.end()) {
    const PartitionLog& log =
        app_->log_->LogOf(StageAt(key.first).topic.first + static_cast<PartitionId>(key.second));
    found->second.next = std::min(to, log.high_watermark());
    Processed(key.first, key.second);
  }
  if (writes_.in_use() > 0) return;  // A call of foreach() that has not returned.
  worked_ += app_->Now() - busy_since_;
  busy_ = false;
  Loop();
}

void StreamThread::Processed(int stage, int task) {
  Running& running = tasks_.at({stage, task});
  Offset& furthest = StageAt(stage).tasks[static_cast<size_t>(task)].furthest;
  furthest = std::max(furthest, running.next);
  running.written += running.chain->TakeWritten();
  if (running.written >= CacheShare()) FlushStore(stage, task, running);
  Release(stage, task);
}

void StreamThread::Release(int stage, int task) {
  StreamsApp::Stage& of = StageAt(stage);
  std::vector<RecordRange>& out = tasks_.at({stage, task}).chain->out();
  for (RecordRange& records : out) {
    records.trail.AddService(std::max(records.trail.End(), app_->Now()), Milestone::kProcessed,
                             app_->component_id());
    if (of.config->sink != nullptr) {
      const uint32_t write = writes_.Add({stage, records, 0});
      Write(write);
    } else {
      Route(of, records);
    }
  }
  out.clear();
}

void StreamThread::Route(StreamsApp::Stage& stage, const RecordRange& records) {
  const int partitions = stage.target.count;
  if (app_->IsLast(stage)) {
    // Keys stay, and the partition with them.
    const auto at = (records.partition - stage.topic.first) % static_cast<PartitionId>(partitions);
    writer_.Add(stage.target.first + at, records, stage.topic_sink.get());
    return;
  }
  for (int i = 0; i < partitions; ++i) {
    const auto at = static_cast<size_t>(i);
    RecordRange part = TakeShare(records, stage.bounds[at], stage.bounds[at + 1],
                                 stage.bounds.back(), stage.purpose);
    part.split = records.split * partitions + i;
    writer_.Add(stage.target.first + static_cast<PartitionId>(i), part, stage.topic_sink.get());
  }
}

void StreamThread::Write(uint32_t write) {
  const Outgoing& outgoing = writes_[write];
  StreamsApp::Stage& of = StageAt(outgoing.stage);
  of.config->sink->Write(sink_writers_[static_cast<size_t>(outgoing.stage)], outgoing.records,
                         [this, write, life = life_](bool ok) {
                           if (life == life_) WriteEnded(write, ok);
                         });
}

void StreamThread::WriteEnded(uint32_t write, bool ok) {
  Outgoing& outgoing = writes_[write];
  const SubTopologyConfig& config = *StageAt(outgoing.stage).config;
  if (!ok) {
    if (outgoing.retries++ >= config.most_retries) {
      Fail();
      return;
    }
    sim().At<"streams.write_again">(app_->Now() + config.retry_delay, app_->component_id(),
                                    [this, write, life = life_] {
                                      if (life == life_) Write(write);
                                    });
    return;
  }
  app_->Arrived(writes_.Take(write).records);
  if (writes_.in_use() > 0) return;
  worked_ += app_->Now() - busy_since_;
  busy_ = false;
  Loop();
}

}  // namespace freshet
