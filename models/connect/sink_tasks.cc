#include "models/connect/sink_tasks.h"

#include <algorithm>

namespace freshet {

SinkTasks::SinkTasks(Simulation& sim, absl::string_view name, MeteredSink* sink,
                     const Config& config, ReadPolicy* policy, DeadLetterTopic* dead_letters,
                     Runner* runner)
    : ReadingWriter(sim, name, sink, config.writer, policy, dead_letters, config.max_poll_records),
      config_(config),
      runner_(runner) {
  if (transactional()) zombie_commits_ = &AddCounter(kZombieCommits);
}

SinkTasks::Task& SinkTasks::TaskOf(int member) {
  const auto index = static_cast<size_t>(member);
  if (index >= tasks_.size()) tasks_.resize(index + 1);
  return tasks_[index];
}

// --- Converting ---

void SinkTasks::HandlePoll(int number, const std::vector<RecordRange>& poll) {
  if (!runner_->HasCredentials()) {
    Fail(number, TaskFailure::kCredentials);
    return;
  }
  ReadingWriter::HandlePoll(number, poll);
}

// --- Ends ---

bool SinkTasks::TriesAgain(int number, int64_t retries) {
  if (!config_.max_retries || retries < *config_.max_retries) return true;
  Fail(number, TaskFailure::kWrite);
  return false;
}

void SinkTasks::Fail(int number, TaskFailure why) {
  Task& task = TaskOf(number);
  if (task.failing) return;
  task.failing = true;
  After<"connect.task_fails">(Duration::Zero(), [this, number, why, life = task.life] {
    // Its worker may have died, or have stopped it, in the meantime.
    if (life != TaskOf(number).life) return;
    Forget(number);
    runner_->TaskFailed(number, why);
    consumers().FailProcess(number);
  });
}

void SinkTasks::DropPoll(int number) {
  ReadingWriter::DropPoll(number);
  Task& task = TaskOf(number);
  ++task.life;
  task.failing = false;
}

void SinkTasks::MemberDied(int number) {
  // Dead letters are the worker's, which may live: ReadingWriter::MemberDied() would drop them.
  SinkWriter::MemberDied(number);
  NoCoordinator(number);
}

void SinkTasks::MemberClosed(int number) {
  NoCoordinator(number);
  runner_->TaskClosed(number);
}

// --- The coordinator ---

void SinkTasks::PartitionBegins(int member, PartitionId partition, Offset from) {
  SinkWriter::PartitionBegins(member, partition, from);
  if (!transactional() || partition != first_partition() || member == coordinator_) return;
  const int before = coordinator_;
  NoCoordinator(member);
  if (before != kNobody) zombies_.push_back(before);
  coordinator_ = member;
  sink().SetCommitter(WriterOf(member));
}

void SinkTasks::PartitionEnds(int member, PartitionId partition) {
  SinkWriter::PartitionEnds(member, partition);
  if (!transactional()) return;
  // A task that is told drops what it has staged, whatever the fence.
  if (!fenced()) Abandon(member);
  if (partition == first_partition()) NoCoordinator(member);
}

void SinkTasks::NoCoordinator(int member) {
  if (coordinator_ == member) coordinator_ = kNobody;
  zombies_.erase(std::remove(zombies_.begin(), zombies_.end(), member), zombies_.end());
}

void SinkTasks::Commits(Sink::Epoch epoch) {
  for (const int zombie : zombies_) {
    zombie_commits_->Add(1);
    sink().CommitBeside(WriterOf(zombie), epoch);
  }
}

}  // namespace freshet
