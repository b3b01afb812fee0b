#include "models/connect/sink_tasks.h"

#include <algorithm>
#include <utility>

namespace freshet {

SinkTasks::SinkTasks(Simulation& sim, absl::string_view name, MeteredSink* sink,
                     const Config& config, ReadPolicy* policy, DeadLetterTopic* dead_letters,
                     Runner* runner)
    : SinkWriter(sim, name, sink, config.writer),
      config_(config),
      policy_(policy),
      dead_letters_(dead_letters),
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
  Task& task = TaskOf(number);
  if (!runner_->HasCredentials()) {
    Fail(number, TaskFailure::kCredentials);
    return;
  }
  const bool plain = std::all_of(poll.begin(), poll.end(), [](const RecordRange& range) {
    return range.mark.kind != RecordKind::kPoison;
  });
  if (plain) {
    SinkWriter::HandlePoll(number, poll);
    return;
  }
  task.poll = poll;
  task.next = 0;
  Convert(number);
}

void SinkTasks::Convert(int number) {
  Task& task = TaskOf(number);
  while (task.next < task.poll.size()) {
    const RecordRange& range = task.poll[task.next];
    if (dead_letters_ != nullptr) dead_letters_->From(number / config_.slots);
    const Reading reading = policy_->Judge(range, [this, number, life = task.life] {
      if (life == TaskOf(number).life) Convert(number);
    });
    switch (reading) {
      case Reading::kAwait:
        return;
      case Reading::kStop:
        Fail(number, TaskFailure::kUnreadable);
        return;
      case Reading::kSkip:
        sink().ledger().Settle(range, dead_letters_ != nullptr ? EffectLedger::How::kDeadLettered
                                                               : EffectLedger::How::kFiltered);
        sink().ShowEffects();
        break;
      case Reading::kRead:
      case Reading::kReadCorrupt:
        break;
    }
    ++task.next;
  }
  const std::vector<RecordRange> poll = std::move(task.poll);
  task.poll.clear();
  SinkWriter::HandlePoll(number, poll);
}

bool SinkTasks::IsSettled(const RecordRange& records) const {
  return records.mark.kind == RecordKind::kPoison;
}

bool SinkTasks::HoldsPoll(int number) const {
  const auto index = static_cast<size_t>(number);
  return index < tasks_.size() && !tasks_[index].poll.empty();
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
  SinkWriter::DropPoll(number);
  Task& task = TaskOf(number);
  ++task.life;
  task.poll.clear();
  task.failing = false;
}

void SinkTasks::MemberDied(int number) {
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
