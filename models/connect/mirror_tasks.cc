// Workers of a mirror that die and come back, tasks that move between them, and the connector's
// being stopped.
#include <algorithm>

#include "models/connect/mirror.h"

namespace freshet {

std::vector<int> Mirror::TasksOf(int worker) const {
  std::vector<int> tasks;
  for (int task = 0; task < config_.tasks; ++task) {
    if (tasks_[static_cast<size_t>(task)].worker == worker) tasks.push_back(task);
  }
  return tasks;
}

int64_t Mirror::WorkOf(int worker) const {
  const Worker& of = workers_[static_cast<size_t>(worker)];
  return of.polled + of.lost;
}

void Mirror::SetWorkerDown(int number, bool down) {
  Worker& worker = workers_[static_cast<size_t>(number)];
  if (worker.down == down) return;
  worker.down = down;
  if (!down) {
    network_->SetDown(worker.host, false);
    DealTasks();
    return;
  }
  sim().recorder().Mark(RecordLevel::kState, lane_, "worker_down", Now(), number + 1,
                        Severity::kCritical);
  for (const int task : TasksOf(number)) {
    ++worker.lost;
    LoseTask(task);
    Task& lost = tasks_[static_cast<size_t>(task)];
    lost.unassigned = true;
    After<"mirror.delay_over">(config_.session_timeout + config_.max_delay,
                               [this, task, life = lost.life] {
                                 if (tasks_[static_cast<size_t>(task)].life != life) return;
                                 tasks_[static_cast<size_t>(task)].due = true;
                                 DealTasks();
                               });
  }
  network_->SetDown(worker.host, true);
  if (stopped_) StoppedIfIdle();
}

void Mirror::LoseTask(int number) {
  Task& task = tasks_[static_cast<size_t>(number)];
  consumers_->StopReading(number);
  Reset(WriterOf(number));
  VisitSlots(number, [this](size_t slot) { pending_[slot].clear(); });
  task.worker = kNobody;
  task.polling = false;
  ++task.life;
  running_.Add(-1);
  unassigned_.Add(1);
}

void Mirror::DealTasks() {
  for (int number = 0; number < config_.tasks; ++number) {
    Task& task = tasks_[static_cast<size_t>(number)];
    if (!task.unassigned || !task.due) continue;
    int fewest = kNobody;
    for (int worker = 0; worker < worker_count(); ++worker) {
      if (workers_[static_cast<size_t>(worker)].down) continue;
      if (fewest == kNobody || TasksOf(worker).size() < TasksOf(fewest).size()) fewest = worker;
    }
    if (fewest == kNobody) return;
    task.unassigned = task.due = false;
    unassigned_.Add(-1);
    running_.Add(1);
    RunTask(number, fewest);
  }
}

void Mirror::RunTask(int number, int worker) {
  Task& task = tasks_[static_cast<size_t>(number)];
  task.worker = worker;
  VisitSlots(number, [this](size_t slot) {
    read_[slot] = acked_[slot] = committed_[slot];
    ledger().GoOn(SourceOf(static_cast<int>(slot)), committed_[slot], EffectCause::kRestart,
                  EffectCause::kRestart);
    MapOf(static_cast<int>(slot)).Restart();
  });
  if (stopped_) return;
  consumers_->ResumeAt(number, workers_[static_cast<size_t>(worker)].host, committed_);
}

void Mirror::Stop(Callback done) {
  SIM_REQUIRE(!stopped_);
  stopped_ = true;
  on_stopped_ = done;
  for (int task = 0; task < config_.tasks; ++task) {
    if (tasks_[static_cast<size_t>(task)].worker == kNobody) continue;
    consumers_->StopReading(task);
    DropWaiting(WriterOf(task));
  }
  // Never within the call.
  After<"mirror.stop">(Duration::Zero(), [this] { StoppedIfIdle(); });
}

void Mirror::StoppedIfIdle() {
  if (!on_stopped_) return;
  for (int task = 0; task < config_.tasks; ++task) {
    if (tasks_[static_cast<size_t>(task)].worker == kNobody) continue;
    if (UnackedOf(WriterOf(task)) > Bytes(0)) return;
  }
  for (int task = 0; task < config_.tasks; ++task) {
    if (tasks_[static_cast<size_t>(task)].worker != kNobody) Flush(task);
    VisitSlots(task, [this](size_t slot) { pending_[slot].clear(); });
  }
  Callback done = on_stopped_;
  on_stopped_ = Callback();
  done();
}

void Mirror::Resume() {
  SIM_REQUIRE(stopped_ && !on_stopped_);
  stopped_ = false;
  for (int task = 0; task < config_.tasks; ++task) {
    const int worker = tasks_[static_cast<size_t>(task)].worker;
    if (worker != kNobody) RunTask(task, worker);
  }
}

}  // namespace freshet
