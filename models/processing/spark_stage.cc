// Stages of a SparkQuery's batch: tasks, the cores that they get, and executors that are lost.
#include <algorithm>

#include "models/processing/spark_query.h"

namespace freshet {

// --- Stages ---

void SparkQuery::SubmitTasks() {
  tasks_.clear();
  left_ = 0;
  stages_run_ = true;
  stage_ = Stage::kBeforeShuffle;
  for (int p = 0; p < topic_.count; ++p) {
    const auto at = static_cast<size_t>(p);
    if (batch_.to[at] > batch_.from[at]) SubmitTask(stage_, p);
  }
  StageSubmitted();
}

void SparkQuery::SubmitTask(Stage stage, int number) {
  Task& task = tasks_[{stage, number}];
  task.stage = stage;
  task.number = number;
  task.submitted = Now();
  task.attempt = ++attempts_;
  ++left_;
}

void SparkQuery::StageSubmitted() {
  if (left_ == 0) {
    StageOver();
    return;
  }
  Dispatch();
  // Who waits for the executor that it prefers gives up then.
  After<"spark.locality">(config_.locality_wait, [this, id = batch_.id, life = life_] {
    if (life == life_ && id == batch_.id) Dispatch();
  });
}

void SparkQuery::StageOver() {
  if (stage_ == Stage::kBeforeShuffle && shuffles()) {
    stage_ = Stage::kBehindShuffle;
    for (int i = 0; i < config_.shuffle_partitions; ++i) SubmitTask(stage_, i);
    StageSubmitted();
    return;
  }
  stages_run_ = false;
  outputs_.clear();
  CommitSink();
}

// --- Tasks and cores ---

SparkQuery::Task* SparkQuery::Find(Stage stage, int number, uint32_t attempt) {
  const auto found = tasks_.find({stage, number});
  return found == tasks_.end() || found->second.attempt != attempt ? nullptr : &found->second;
}

int SparkQuery::PreferredFor(const Task& task) const {
  if (task.stage == Stage::kBehindShuffle) {
    const int has = stores_[static_cast<size_t>(task.number)].executor;
    return has != kNowhere && ExecutorAt(has).up ? has : kNowhere;
  }
  // A partition has one of the executors that are there, so that its consumer can be used again.
  std::vector<int> live;
  for (int i = 0; i < executor_count(); ++i) {
    if (ExecutorAt(i).up) live.push_back(i);
  }
  return live.empty() ? kNowhere : live[static_cast<size_t>(task.number) % live.size()];
}

int SparkQuery::ExecutorFor(const Task& task) const {
  const int preferred = PreferredFor(task);
  if (preferred != kNowhere) {
    if (ExecutorAt(preferred).free_cores > 0) return preferred;
    if (task.failures == 0 && Now() < task.submitted + config_.locality_wait) return kNowhere;
  }
  int most = kNowhere;
  for (int i = 0; i < executor_count(); ++i) {
    if (!ExecutorAt(i).up || ExecutorAt(i).free_cores == 0) continue;
    if (most == kNowhere || ExecutorAt(i).free_cores > ExecutorAt(most).free_cores) most = i;
  }
  return most;
}

bool SparkQuery::HasOutputs() {
  const bool wanted = std::any_of(tasks_.begin(), tasks_.end(), [](const auto& each) {
    return each.first.first == Stage::kBehindShuffle && each.second.state == TaskState::kWaiting;
  });
  bool all = true;
  for (auto& [key, task] : tasks_) {
    if (key.first != Stage::kBeforeShuffle) continue;
    if (wanted && task.state == TaskState::kDone && !outputs_.contains(key.second)) {
      task.state = TaskState::kWaiting;
      recomputed_.Add(1);
    }
    all = all && task.state == TaskState::kDone;
  }
  return all;
}

void SparkQuery::Dispatch() {
  if (!running_ || failing_ || !stages_run_) return;
  const bool has_outputs = stage_ == Stage::kBeforeShuffle || HasOutputs();
  for (auto& [key, task] : tasks_) {
    if (task.state != TaskState::kWaiting) continue;
    if (key.first == Stage::kBehindShuffle && !has_outputs) continue;
    const int executor = ExecutorFor(task);
    if (executor != kNowhere) Launch(task, executor);
  }
}

void SparkQuery::Launch(Task& task, int number) {
  Executor& executor = ExecutorAt(number);
  --executor.free_cores;
  ++executor.given;
  task.state = TaskState::kRunning;
  task.step = Step::kStarting;
  task.executor = number;
  task.attempt = ++attempts_;
  task.launched = Now();
  task.working = false;
  task.rows = 0;
  task.latest = Time::FromNanos(INT64_MIN);
  task.out.clear();
  task.to_send = task.written = 0;
  task.under_way = task.parts = 0;
  if (task.stage == Stage::kBeforeShuffle) {
    task.at = batch_.from[static_cast<size_t>(task.number)];
    task.to = batch_.to[static_cast<size_t>(task.number)];
  }
  executor.cpu->Serve(config_.task_overhead,
                      [this, stage = task.stage, number = task.number, attempt = task.attempt] {
                        Task* const begins = Find(stage, number, attempt);
                        if (begins != nullptr) Begin(*begins);
                      });
}

void SparkQuery::EndTask(Task& task) {
  task.state = TaskState::kDone;
  task.attempt = ++attempts_;
  task.out.clear();
  ++ExecutorAt(task.executor).free_cores;
  ended_tasks_.Add(1);
  task_time_.Record(Now() - task.launched);
  if (task.stage == stage_ && --left_ == 0) {
    StageOver();
  } else {
    Dispatch();
  }
}

// --- Tasks and executors that fail ---

void SparkQuery::Withdraw(Task& task) {
  ++ExecutorAt(task.executor).free_cores;
  task.state = TaskState::kWaiting;
  task.attempt = ++attempts_;
  task.out.clear();
  if (task.stage == Stage::kBeforeShuffle) {
    chains_[static_cast<size_t>(task.number)]->out().clear();
    outputs_.erase(task.number);
  } else {
    Store& store = stores_[static_cast<size_t>(task.number)];
    store.chain->Restore(store.kept);
  }
  if (Writes(task)) config_.sink->Reset(WriterOf(task));
}

void SparkQuery::FailTask(Task& task) {
  failed_tasks_.Add(1);
  Withdraw(task);
  // What it had written to a plain sink comes once more.
  if (Writes(task) && metered_ != nullptr) {
    metered_->ledger().ExplainAll(EffectCause::kRestart);
  }
  if (++task.failures >= config_.task_max_failures) Fail();
}

void SparkQuery::FailTaskSoon(const Task& task) {
  After<"spark.task_fails">(
      Duration::Zero(), [this, stage = task.stage, number = task.number, attempt = task.attempt] {
        Task* const fails = Find(stage, number, attempt);
        if (fails == nullptr) return;
        FailTask(*fails);
        Dispatch();
      });
}

void SparkQuery::LoseExecutor(int number) {
  Executor& executor = ExecutorAt(number);
  executor.up = false;
  executor.cpu->DropAll();
  executor.writer->DropAll();
  executor.client->DropAll();
  for (int p = 0; p < topic_.count; ++p) {
    PartitionReader& reader = partitions_[static_cast<size_t>(p)];
    if (!reader.open || reader.executor != number) continue;
    readers_->StopReading(p);
    reader.open = false;
  }
  for (Store& store : stores_) {
    if (store.snapshot_by == number) store.snapshot_by = kNowhere;
    if (store.executor == number) store.executor = kNowhere;
  }
  bool lost_outputs = false;
  for (auto& [key, task] : tasks_) {
    const auto output =
        key.first == Stage::kBeforeShuffle ? outputs_.find(key.second) : outputs_.end();
    if (task.state == TaskState::kRunning && task.executor == number) {
      if (running_) {
        FailTask(task);
      } else {
        Withdraw(task);
      }
    } else if (output != outputs_.end() && output->second.executor == number) {
      outputs_.erase(output);
      lost_outputs = true;
      if (stage_ != Stage::kBeforeShuffle) continue;
      task.state = TaskState::kWaiting;
      task.attempt = ++attempts_;
      recomputed_.Add(1);
      ++left_;
    }
  }
  if (!lost_outputs) return;
  // Who fetches from it begins anew when what is lost has been made again; that is no failure.
  for (auto& [key, task] : tasks_) {
    if (key.first == Stage::kBehindShuffle && task.state == TaskState::kRunning &&
        task.step <= Step::kFetching) {
      Withdraw(task);
    }
  }
}

}  // namespace freshet
