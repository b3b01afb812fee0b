// MirrorMaker 2: workers that run the tasks of a source connector, which copies a topic of one
// cluster into another (mirror_topic.h), and keeps the groups' offsets translated.
//
// Tasks have the topic's partitions in turn, whoever runs them: a consumer each that is told what
// to read (assign()), over whatever link lies between the clusters, and a producer each. Every
// offset.flush.interval.ms a task commits how far its copy is acknowledged; whoever goes on after a
// crash begins there, and copies again what came since: at least once.
//
// A worker that dies takes its tasks along. Its session is over after session.timeout.ms; then they
// are nobody's for scheduled.rebalance.max.delay.ms, and nobody copies their partitions; at its end
// they go to the workers that have the fewest, one that has come back meanwhile among them.
//
// Every emit.checkpoints.interval the committed offsets of each group that is known are translated
// (offset_map.h); a checkpoint never goes back. With sync.group.offsets.enabled they are written
// into the target's group, too, as long as that has no members.
//
// Approximated: rounds of the workers' group take no time; offset syncs, checkpoints and commits
// travel at no cost. docs/models/mirror.md has the rest and the sources.
#ifndef FRESHET_MODELS_CONNECT_MIRROR_H_
#define FRESHET_MODELS_CONNECT_MIRROR_H_

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "models/client/consumers.h"
#include "models/connect/mirror_topic.h"

namespace freshet {

class Mirror : public MirrorTopic, private PollHandler {
 public:
  // No defaults here: assembly fills every field from the schema, where each has its source.
  struct Config {
    std::vector<ZoneId> worker_zones;  // One entry a worker.
    BytesPerSecond network_bandwidth;  // Of each worker's host.
    int tasks = 1;
    Duration session_timeout;
    Duration max_delay;       // scheduled.rebalance.max.delay.ms
    Duration flush_interval;  // offset.flush.interval.ms
    int64_t offset_lag_max = 100;
    Duration checkpoint_interval;
    std::optional<Duration> sync_interval;  // Absent: offsets are not written to the target.
    Duration refresh_interval;              // Of what groups there are.
    Bytes buffer_memory;
    std::string writes;  // The copy.
    // Of the tasks; members and handler are set here. Its topic is the source.
    Consumers::Config consumers;
  };

  static constexpr MetricDef kRecordAge = {
      "mirror.record_age", MetricKind::kDistribution, MetricUnit::kDuration,
      "From the creation of a record until a task has polled it."};
  static constexpr MetricDef kRunning = {"mirror.running_tasks", MetricKind::kGauge,
                                         MetricUnit::kCount, "Tasks that a worker runs."};
  static constexpr MetricDef kUnassigned = {
      "mirror.unassigned_tasks", MetricKind::kGauge, MetricUnit::kCount,
      "Tasks that no worker has: lost with theirs, and waiting for the end of the delay."};
  static constexpr MetricDef kCheckpoints = {"mirror.checkpoints", MetricKind::kCounter,
                                             MetricUnit::kCount,
                                             "Checkpoints emitted: one a group and partition."};
  static constexpr MetricDef kDistance = {"mirror.translation_distance", MetricKind::kGauge,
                                          MetricUnit::kCount,
                                          "Records that the groups would read again if they moved "
                                          "to where their last checkpoints say."};

  // REQUIRES: all outlive it. The topics of `config` exist.
  Mirror(Simulation& sim, absl::string_view name, Network* network, LogService* source,
         LogService* target, const Config& config);
  ~Mirror() override;

  void Start();
  // A group of the source and its image at the target, null if it will not be there.
  void AddGroup(Consumers* group, Consumers* image);

  int worker_count() const { return static_cast<int>(workers_.size()); }
  HostId HostOf(int worker) const { return workers_[static_cast<size_t>(worker)].host; }
  // Fault verb down: the process dies, and another one starts when the fault ends.
  void SetWorkerDown(int worker, bool down);
  // Batches that its tasks polled, and the tasks that it has lost.
  int64_t WorkOf(int worker) const;
  std::vector<int> TasksOf(int worker) const;

  // All that the source has committed is acknowledged by the target.
  bool IsDrained() const;
  // The connector is stopped: nothing is read any more, what has not been sent is dropped, and what
  // is on its way awaited. `done` fires then.
  void Stop(Callback done);
  // It goes on from what was acknowledged. REQUIRES: stopped.
  void Resume();
  bool stopped() const { return stopped_; }

  // Up to where the copy of a partition is acknowledged without a gap, in offsets of the source.
  Offset acknowledged(int partition) const { return acked_[static_cast<size_t>(partition)]; }
  // Where the group goes on in the copy; none if it has no checkpoint yet.
  std::optional<Offset> CheckpointOf(const Consumers* group, int partition) const;
  // From a commit until it is surely translated, if its group is known.
  Duration TranslationTime() const {
    return config_.checkpoint_interval + config_.sync_interval.value_or(Duration::Zero());
  }
  bool syncs_groups() const { return config_.sync_interval.has_value(); }
  const Consumers& consumers() const { return *consumers_; }

 private:
  static constexpr int kNobody = -1;
  struct Worker {
    HostId host = 0;
    bool down = false;
    int64_t polled = 0;
    int64_t lost = 0;
  };
  struct Task {
    int worker = kNobody;
    bool unassigned = false;
    bool polling = false;  // It holds a poll that is not handed back: its buffer is full.
    bool due = false;      // Its delay is over.
    uint32_t life = 0;
  };
  struct Checkpoint {
    Offset source = 0;
    Offset copy = 0;
  };
  struct GroupState {
    Consumers* group;
    Consumers* image;
    bool known = false;
    std::vector<std::optional<Checkpoint>> checkpoints;  // By partition.
  };

  // PollHandler
  void Begun(const std::vector<Offset>& from) override;
  void HandlePoll(int task, const std::vector<RecordRange>& poll) override;
  void DropPoll(int task) override { tasks_[static_cast<size_t>(task)].polling = false; }
  void Truncated(PartitionId partition, Offset end) override;

  WriterId WriterOf(int task) const {
    const Task& of = tasks_[static_cast<size_t>(task)];
    return static_cast<WriterId>(of.worker * config_.tasks + task);
  }
  void Acked(int task, uint32_t life, int slot);
  // Who died has copied what comes again; the task goes on where it committed last.
  void LoseTask(int task);
  void RunTask(int task, int worker);
  void DealTasks();
  void FlushLater();
  void Flush(int task);
  void CheckpointLater();
  void RefreshLater();
  void SyncLater();
  void Refresh();
  void Emit(GroupState& state);
  // Whether the group's coordinator at the source can be asked.
  bool Answers(const Consumers& group) const;
  void StoppedIfIdle();
  bool AnyWorkerUp() const;
  template <class Visit>
  void VisitSlots(int task, Visit&& visit) const {
    for (int slot = task; slot < partition_count(); slot += config_.tasks) {
      visit(static_cast<size_t>(slot));
    }
  }

  const Config config_;
  Network* const network_;
  std::vector<Worker> workers_;
  std::vector<Task> tasks_;
  std::unique_ptr<Consumers> consumers_;
  std::vector<GroupState> groups_;
  // By partition: read, acknowledged and committed up to here.
  std::vector<Offset> read_;
  std::vector<Offset> acked_;
  std::vector<Offset> committed_;
  std::vector<std::deque<Offset>> pending_;  // Ends of what is written, in order.
  bool stopped_ = false;
  Callback on_stopped_;
  LaneId lane_;
  Distribution& record_age_;
  Gauge& running_;
  Gauge& unassigned_;
  Counter& checkpoints_;
  Gauge& distance_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_CONNECT_MIRROR_H_
