// What the tasks of a sink connector do with what they poll: convert it, put it into the sink, and
// say up to where its offsets may be committed.
//
// A task converts all of a poll before it puts any of it. What it cannot read is by the connector's
// policy (errors.tolerance): the task fails with nothing of the poll written, or the record is left
// out, or goes to a dead-letter topic first. A write that the sink refuses is tried again; beyond
// the connector's patience the task fails. So do all when the credentials for the sink expire.
//
// Of a transactional sink one task has the coordinator, which ends epochs: the one that has the
// first partition. A task that has lost that partition without knowing, because it hangs in its
// put(), leaves its coordinator running: a zombie, that commits what tasks prepare beside the new
// one.
//
// Members are slots: `slots` of each worker, one after the other.
#ifndef FRESHET_MODELS_CONNECT_SINK_TASKS_H_
#define FRESHET_MODELS_CONNECT_SINK_TASKS_H_

#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "models/schema/reading_writer.h"

namespace freshet {

enum class TaskFailure : uint8_t { kUnreadable, kWrite, kCredentials };
inline constexpr int kTaskFailures = 3;

class SinkTasks : public ReadingWriter {
 public:
  struct Config {
    SinkWriter::Config writer;
    std::optional<int64_t> max_retries;  // Of a write; absent: without end.
    int slots = 1;                       // Of each worker.
    int64_t max_poll_records = 500;
  };
  // Who runs them.
  class Runner {
   public:
    virtual ~Runner() = default;
    virtual bool HasCredentials() const = 0;
    virtual void TaskFailed(int member, TaskFailure why) = 0;
    virtual void TaskClosed(int member) = 0;
  };

  static constexpr MetricDef kZombieCommits = {
      "connect.zombie_commits", MetricKind::kCounter, MetricUnit::kCount,
      "Epochs that a coordinator committed which had been replaced and did not know it."};

  // REQUIRES: all outlive it; `dead_letters` is null unless the policy writes there.
  SinkTasks(Simulation& sim, absl::string_view name, MeteredSink* sink, const Config& config,
            ReadPolicy* policy, DeadLetterTopic* dead_letters, Runner* runner);

  // At the end of the present event it has failed: its poll is dropped, it commits what it has
  // written, and closes.
  void Fail(int member, TaskFailure why);

  void HandlePoll(int member, const std::vector<RecordRange>& poll) override;
  void DropPoll(int member) override;
  void MemberDied(int member) override;
  void MemberClosed(int member) override;
  void PartitionBegins(int member, PartitionId partition, Offset from) override;
  void PartitionEnds(int member, PartitionId partition) override;

  int64_t zombies() const { return static_cast<int64_t>(zombies_.size()); }

 private:
  struct Task {
    uint32_t life = 0;
    bool failing = false;
  };

  void CannotRead(int number) override { Fail(number, TaskFailure::kUnreadable); }
  int ProducerOf(int number) const override { return number / config_.slots; }
  bool TriesAgain(int number, int64_t retries) override;
  void Commits(Sink::Epoch epoch) override;
  void NoCoordinator(int member);

  const Config config_;
  Runner* const runner_;
  std::vector<Task> tasks_;  // By member, grown as they come.
  Task& TaskOf(int member);
  int coordinator_ = kNobody;
  std::vector<int> zombies_;
  Counter* zombie_commits_ = nullptr;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_CONNECT_SINK_TASKS_H_
