// How a StreamJob fails and comes back.
#include <algorithm>

#include "models/processing/stream_job.h"
#include "sim/check.h"

namespace freshet {

bool StreamJob::AssignSlots() {
  size_t needed = 0;
  for (const auto& vertex : vertices_) {
    needed = std::max(needed, static_cast<size_t>(vertex->parallelism()));
  }
  // A slot takes one subtask of each vertex (slot sharing); task managers fill up in order.
  std::vector<TaskManager*> slots;
  for (const auto& each : task_managers_) {
    for (int slot = 0; each->up() && slot < config_.slots && slots.size() < needed; ++slot) {
      slots.push_back(each.get());
    }
  }
  if (slots.size() < needed) return false;
  slots_ = std::move(slots);
  return true;
}

int64_t StreamJob::SubtasksOn(int number) const {
  const TaskManager* process = task_managers_[static_cast<size_t>(number)].get();
  return std::count_if(subtasks_.begin(), subtasks_.end(), [&](const auto& each) {
    return Runs(*each) && slots_[static_cast<size_t>(each->index())] == process;
  });
}

void StreamJob::SetTaskManagerDown(int number, bool down) {
  TaskManager& process = *task_managers_[static_cast<size_t>(number)];
  if (process.up() != down) return;
  process.SetUp(!down);
  if (!down) {
    if (status_ == Status::kWaitingForSlots) Deploy();
    return;
  }
  const bool has_tasks = std::find(slots_.begin(), slots_.end(), &process) != slots_.end() &&
                         (status_ == Status::kRunning || status_ == Status::kDeploying ||
                          status_ == Status::kRestoring);
  if (!has_tasks || !started_) return;
  if (all_alive_ && status_ == Status::kRunning) failed_at_ = Now();
  all_alive_ = false;
  for (const auto& each : subtasks_) {
    if (Runs(*each) && slots_[static_cast<size_t>(each->index())] == &process) each->Die();
  }
  // The job manager asks on a fixed beat. It gives up after so many requests that fail, or the
  // timeout after the last answer.
  const int64_t beat = config_.heartbeat_interval.nanos();
  const Time last = Time::FromNanos(Now().nanos() / beat * beat);
  Time detected = last + config_.heartbeat_timeout;
  if (config_.heartbeat_failures > 0) {
    detected = std::min(detected, last + config_.heartbeat_interval * config_.heartbeat_failures);
  }
  At<"stream_job.detected">(detected, [this, attempt = attempt_, died = Now()] {
    if (attempt != attempt_ || status_ == Status::kFailed) return;
    detection_.Record(Now() - died);
    Fail();
  });
}

void StreamJob::OutOfMemory(TaskManager* host) {
  if (host->doomed()) return;
  host->Doom();
  // Whoever is in the middle of handing something to it comes to an end first.
  At<"stream_job.out_of_memory">(Now(), [this, host, attempt = attempt_] {
    if (attempt != attempt_ || !host->doomed()) return;  // Something else has ended it.
    out_of_memory_->Add(1);
    const auto number = std::find_if(task_managers_.begin(), task_managers_.end(),
                                     [host](const auto& each) { return each.get() == host; }) -
                        task_managers_.begin();
    SetTaskManagerDown(static_cast<int>(number), true);
    // Whatever runs it starts it again; the job manager has yet to miss the subtasks that died.
    SetTaskManagerDown(static_cast<int>(number), false);
  });
}

bool StreamJob::RestoredStateFits() {
  if (!config_.state_memory) return true;
  bool fits = true;
  for (const auto& each : task_managers_) {
    if (each->held_state() <= *config_.state_memory) continue;
    fits = false;
    OutOfMemory(each.get());
  }
  return fits;
}

void StreamJob::FailNow() { Fail(); }

void StreamJob::Fail() {
  if (status_ == Status::kRestarting || status_ == Status::kWaitingForSlots ||
      status_ == Status::kFailed) {
    return;
  }
  if (status_ == Status::kRunning) {
    if (all_alive_) failed_at_ = Now();
    restarts_.Add(1);
    for (const auto& source : sources_) source->consumers->StopReading();
  }
  Halt();
  // One that is ordered waits until the job runs; one that is nearly over ends with it.
  if (rescaling_ && rescaling_->savepoint != 0 && !rescaling_->stopped) EndRescale(false);
  Duration delay;
  if (!NextDelay(&delay)) {
    status_ = Status::kFailed;
    return;
  }
  After<"stream_job.restart">(delay, [this] { Deploy(); });
}

void StreamJob::Halt() {
  ++attempt_;
  running_.Set(0);
  status_ = Status::kRestarting;
  if (coordinator_ != nullptr) coordinator_->End();
  for (Commits& commits : commits_) commits.wanted = 0;  // SettleSinks() sees to that.
  for (const auto& each : subtasks_) each->Stop();
  for (const auto& each : channels_) each->Close();
  for (const auto& each : task_managers_) each->DropAll();
}

bool StreamJob::NextDelay(Duration* delay) {
  const RestartConfig& config = config_.restart;
  switch (config.strategy) {
    case RestartStrategy::kNone:
      return false;
    case RestartStrategy::kFixedDelay:
      *delay = config.backoff.first;
      return failures_++ < config.attempts;
    case RestartStrategy::kExponentialDelay:
      if (Now() - runs_since_ >= config.reset_after) failures_ = 0;
      *delay = backoff_.Draw(failures_++, delay_stream_);
      return true;
  }
  return false;
}

void StreamJob::Deploy() {
  if (!AssignSlots()) {
    status_ = Status::kWaitingForSlots;
    return;
  }
  status_ = Status::kDeploying;
  all_alive_ = true;
  After<"stream_job.deployed">(config_.restart.deploy_time, [this, attempt = attempt_] {
    if (attempt == attempt_ && all_alive_) Restore();
  });
}

void StreamJob::Restore() {
  status_ = Status::kRestoring;
  restoring_since_ = Now();
  restored_ok_ = true;
  parts_left_ = 1;
  const Checkpoint* from = coordinator_ == nullptr ? nullptr : coordinator_->latest();
  for (size_t i = 0; i < subtasks_.size(); ++i) {
    Subtask& each = *subtasks_[i];
    if (!Runs(each)) continue;
    TaskManager* host = slots_[static_cast<size_t>(each.index())];
    each.Start(host, from == nullptr ? nullptr : from->states[i].get());
    if (from == nullptr) continue;
    for (const CheckpointFile& file : from->files[i]) {
      ++parts_left_;
      host->Download(file.object, file.size, [this, attempt = attempt_](bool ok) {
        if (attempt == attempt_) PartRestored(ok);
      });
    }
  }
  SettleSinks();
  PartRestored(true);
}

void StreamJob::PartRestored(bool ok) {
  restored_ok_ = restored_ok_ && ok;
  if (--parts_left_ > 0 || !all_alive_) return;
  if (!restored_ok_) return Fail();
  if (RestoredStateFits()) Resume();
}

void StreamJob::Resume() {
  const Checkpoint* from = coordinator_ == nullptr ? nullptr : coordinator_->latest();
  restore_time_.Record(Now() - restoring_since_);
  downtime_.Record(Now() - failed_at_);
  one_cut_ = one_cut_ && (from == nullptr || config_.guarantee == DeliveryGuarantee::kExactlyOnce);
  const bool at_most_once = config_.guarantee == DeliveryGuarantee::kAtMostOnce;
  std::vector<std::vector<Offset>> positions;
  for (const auto& source : sources_) {
    std::vector<Offset> next(source->taken.size());
    if (at_most_once) {
      next = source->taken;  // Committed before they were processed.
    } else if (from == nullptr) {
      next = source->start;
    } else {
      const auto first = static_cast<size_t>(first_[static_cast<size_t>(source->vertex)]);
      const auto readers =
          static_cast<size_t>(config_.vertices[static_cast<size_t>(source->vertex)].parallelism);
      for (size_t i = 0; i < readers; ++i) {
        for (const auto& [partition, offset] : from->states[first + i]->offsets) {
          // What an election has cut meanwhile is not there to go on from.
          next[partition - source->topic.first] =
              std::min(offset, log_->LogOf(partition).high_watermark());
        }
      }
    }
    for (size_t p = 0; p < next.size(); ++p) {
      const PartitionId partition = source->topic.first + static_cast<PartitionId>(p);
      const auto readers = config_.vertices[static_cast<size_t>(source->vertex)].parallelism;
      subtask(source->vertex, static_cast<int>(p) % readers).SetNext(partition, next[p]);
      replayed_.Add(std::max<int64_t>(0, source->taken[p] - next[p]));
      source->taken[p] = next[p];
      GoOn(source->vertex, partition, next[p]);
    }
    positions.push_back(std::move(next));
  }
  RunAll();
  for (size_t s = 0; s < sources_.size(); ++s) sources_[s]->consumers->ResumeAt(positions[s]);
  if (rescaling_ && rescaling_->stopped) EndRescale(true);
}

void StreamJob::RunAll() {
  const Checkpoint* from = coordinator_ == nullptr ? nullptr : coordinator_->latest();
  for (const Edge& edge : edges_) {
    for (size_t i = 0; i < edge.channels.size(); ++i) {
      const auto [sender, receiver] = edge.ends[i];
      edge.channels[i]->in_use = Runs(*sender) && Runs(*receiver);
      if (!edge.channels[i]->in_use) continue;
      edge.channels[i]->Open(slots_[static_cast<size_t>(sender->index())]->host(),
                             slots_[static_cast<size_t>(receiver->index())]->host());
    }
  }
  if (from != nullptr) {
    for (size_t i = 0; i < subtasks_.size(); ++i) subtasks_[i]->PutBackArrived(*from->states[i]);
    for (size_t i = 0; i < subtasks_.size(); ++i) subtasks_[i]->PutBackWaiting(*from->states[i]);
  }
  status_ = Status::kRunning;
  all_alive_ = true;
  running_.Set(1);
  runs_since_ = Now();
  // Those downstream first: whoever emits finds them running.
  for (size_t i = subtasks_.size(); i-- > 0;) {
    if (Runs(*subtasks_[i])) subtasks_[i]->Run();
  }
  if (coordinator_ != nullptr) coordinator_->Begin();
  if (rescaling_ && !rescaling_->stopped) coordinator_->TriggerSavepoint();
}

}  // namespace freshet
