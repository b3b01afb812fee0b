// Kafka Connect, distributed: workers that share out the tasks of a sink connector.
//
// Two groups at one cluster of brokers. Workers are in one of their own, which deals out tasks
// (worker_membership.h): a worker that is lost leaves its tasks unassigned for
// scheduled.rebalance.max.delay.ms. Tasks are consumers in the group connect-NAME, which deals out
// the topic's partitions: when a task is gone, the tasks that still run have its partitions as soon
// as its session is over. So the delay is felt where no task is left, or where those that are left
// cannot keep up.
//
// A task that meets what it cannot read, whose writes are refused for too long, or whose
// credentials have expired is FAILED: it stays assigned and does nothing until an operator restarts
// it, or until a rebalance gives it to another worker. A task that does not stop in
// task.shutdown.graceful.timeout.ms is abandoned, and goes on until it notices.
//
// Between worker and task number lies the slot: each is a member of the tasks' group that runs or
// does not.
//
// Held to by audits: what is told of tasks is what workers have; a task that runs is of its worker.
//
// Faults: a worker down (its process, and another one starts at the end), its tasks hanging in
// their put(), and cut off from the coordinators of both groups. docs/models/connect.md says what
// is approximated and has the sources.
#ifndef FRESHET_MODELS_CONNECT_CONNECT_CLUSTER_H_
#define FRESHET_MODELS_CONNECT_CONNECT_CLUSTER_H_

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "models/client/consumers.h"
#include "models/connect/dead_letter_topic.h"
#include "models/connect/sink_tasks.h"
#include "models/connect/worker_membership.h"
#include "models/group/group_metrics.h"
#include "models/log/log_service.h"
#include "models/network/network.h"
#include "models/schema/read_policy.h"
#include "models/sink/metered_sink.h"
#include "sim/component.h"

namespace freshet {

class ConnectCluster : public Component,
                       private GroupMembership::Application,
                       private SinkTasks::Runner {
 public:
  // No defaults here: assembly fills every field from the schema, where each has its source.
  struct Config {
    std::vector<ZoneId> worker_zones;  // One entry a worker.
    int absent_workers = 0;            // The last ones, which are not there at the start.
    BytesPerSecond network_bandwidth;  // Of each worker's host.
    int tasks = 1;
    std::string group;  // group.id of the workers.
    Duration session_timeout;
    Duration heartbeat_interval;
    Duration rebalance_timeout;
    Duration max_delay;             // scheduled.rebalance.max.delay.ms
    Duration graceful_stop;         // task.shutdown.graceful.timeout.ms
    SinkTasks::Config sink;         // Its `slots` are set here.
    ReadPolicy::Config reading;     // Its store and host are set here.
    std::string dead_letter_topic;  // With kDeadLetter.
    // The sink takes them for so long, from the start and from each renewal on.
    std::optional<Duration> credential_lifetime;
    // Of the tasks; members and handler are set here. REQUIRES: a group.
    Consumers::Config consumers;
  };

  static constexpr MetricDef kWorkers = {"connect.workers", MetricKind::kGauge, MetricUnit::kCount,
                                         "Workers whose process runs."};
  static constexpr MetricDef kRunning = {"connect.running_tasks", MetricKind::kGauge,
                                         MetricUnit::kCount,
                                         "Tasks that workers run, abandoned ones not among them."};
  static constexpr MetricDef kFailed = {
      "connect.failed_tasks", MetricKind::kGauge, MetricUnit::kCount,
      "Tasks that are assigned and FAILED: they do nothing until somebody restarts them."};
  static constexpr MetricDef kUnassigned = {
      "connect.unassigned_tasks", MetricKind::kGauge, MetricUnit::kCount,
      "Tasks that no worker has: lost with theirs, and waiting for the end of the delay."};
  static constexpr MetricDef kUnassignedTime = {
      "connect.unassigned_time", MetricKind::kDistribution, MetricUnit::kDuration,
      "From a task's being lost until another worker, or the same one, has it."};
  static constexpr MetricDef kFailures[kTaskFailures] = {
      {"connect.failures_unreadable", MetricKind::kCounter, MetricUnit::kCount,
       "Tasks that failed because they could not read a record."},
      {"connect.failures_write", MetricKind::kCounter, MetricUnit::kCount,
       "Tasks that failed because the sink refused a write for too long."},
      {"connect.failures_credentials", MetricKind::kCounter, MetricUnit::kCount,
       "Tasks that failed because their credentials had expired."}};
  static constexpr MetricDef kStarts = {"connect.task_starts", MetricKind::kCounter,
                                        MetricUnit::kCount, "Tasks started, and started again."};
  static constexpr MetricDef kAbandoned = {
      "connect.abandoned_tasks", MetricKind::kCounter, MetricUnit::kCount,
      "Tasks that did not stop in time; their workers go on without waiting for them."};
  static constexpr MetricDef kGaveUp = {
      "connect.tasks_given_up", MetricKind::kCounter, MetricUnit::kCount,
      "Tasks that workers stopped because they could not reach their group."};

  // REQUIRES: all outlive it. The topics of `config` exist.
  ConnectCluster(Simulation& sim, absl::string_view name, Network* network, LogService* log,
                 MeteredSink* sink, const Config& config);
  ~ConnectCluster() override;

  void Start();

  int worker_count() const { return static_cast<int>(workers_.size()); }
  HostId HostOf(int worker) const { return workers_[static_cast<size_t>(worker)].host; }
  // Fault verb down: the process dies, and another one starts when the fault ends.
  void SetWorkerDown(int worker, bool down);
  // Its tasks hang in their put(); its heartbeats, and theirs, go on.
  void SetTasksHung(int worker, bool hung);
  // Nothing that it says to a group's coordinator arrives there.
  void SetCutOff(int worker, bool cut_off);
  // Records that its tasks were handed, and the tasks that it has lost.
  int64_t WorkOf(int worker) const;

  // --- What operators do ---

  // As POST /connectors/NAME/restart?includeTasks=true&onlyFailed=...
  void RestartTasks(bool only_failed);
  // New ones are in the connector's config, whose change restarts all its tasks.
  void RenewCredentials();
  // What is done with what they cannot read: another version, another policy, redriven.
  SinkTasks& sink_tasks() { return *sink_tasks_; }
  // Absent ones are there after `start_time`.
  void AddWorkers(int count, Duration start_time, Callback done);
  // The last ones are stopped in good order.
  void RemoveWorkers(int count, Callback done);

  const Consumers& consumers() const { return *consumers_; }
  std::vector<int> TasksOf(int worker) const { return OwnedBy(worker); }

 private:
  enum class Slot : uint8_t { kIdle, kRunning, kStopping, kFailed };
  struct Worker {
    HostId host = 0;
    std::unique_ptr<WorkerMembership> membership;
    std::vector<int> tasks;  // Ascending, FAILED ones among them.
    int stopping = 0;        // Tasks that it waits for.
    bool absent = false;     // Not there yet, or removed.
    bool down = false;
    bool hung = false;
    bool cut_off = false;
    uint32_t life = 0;
    int64_t lost = 0;
  };
  struct SlotState {
    Slot state = Slot::kIdle;
    bool starts_again = false;  // As soon as it has closed.
    uint32_t stops = 0;
  };
  struct Task {
    int owners = 0;
    std::optional<Time> unassigned_since;
  };

  int MemberOf(int worker, int task) const { return worker * config_.tasks + task; }
  Worker& WorkerAt(int worker) { return workers_[static_cast<size_t>(worker)]; }
  SlotState& SlotOf(int member) { return slots_[static_cast<size_t>(member)]; }

  // GroupMembership::Application
  bool InPoll(int worker) const override;
  std::vector<int> OwnedBy(int worker) const override {
    return workers_[static_cast<size_t>(worker)].tasks;
  }
  GroupMembership::Positions PositionsOf(int /*worker*/) const override { return {}; }
  void Assigned(int worker, const std::vector<int>& tasks) override;
  void Begin(int /*worker*/, int /*task*/, std::optional<Offset> /*committed*/) override {}
  void Revoked(int worker, const std::vector<int>& tasks) override;
  void Poll(int worker) override;
  void CommitEnded(int /*worker*/) override {}
  void Closed(int worker) override;
  void Committed(int /*worker*/) override {}

  // SinkTasks::Runner
  bool HasCredentials() const override { return !expired_; }
  void TaskFailed(int member, TaskFailure why) override;
  void TaskClosed(int member) override;

  void BuildGroup();
  void StartWorker(int worker);
  void StartTask(int worker, int task);
  void StopTask(int worker, int task);
  void StopOver(int worker);
  void DropTasks(int worker);
  void Own(int task, int more);
  void SetState(int member, Slot state);
  void ExpireLater();
  void Expire();
  void Audit() const;

  const Config config_;
  Network* const network_;
  LogService* const log_;
  std::vector<Worker> workers_;
  std::vector<SlotState> slots_;  // By member.
  std::vector<Task> tasks_;
  GroupMetrics group_metrics_;
  std::unique_ptr<ClassicCoordinator> coordinator_;
  std::unique_ptr<DeadLetterTopic> dead_letters_;
  std::unique_ptr<ReadPolicy> policy_;
  std::unique_ptr<SinkTasks> sink_tasks_;
  std::unique_ptr<Consumers> consumers_;
  bool expired_ = false;
  uint32_t renewals_ = 0;
  int closing_ = 0;
  Callback done_;
  LaneId lane_;
  Gauge& workers_gauge_;
  Gauge& running_;
  Gauge& failed_;
  Gauge& unassigned_;
  Distribution& unassigned_time_;
  std::array<Counter*, kTaskFailures> failures_ = {};
  Counter& starts_;
  Counter& abandoned_;
  Counter& gave_up_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_CONNECT_CONNECT_CLUSTER_H_
