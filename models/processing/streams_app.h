// An application of Kafka Streams' kind: instances with stream threads that run tasks, one for each
// partition of a sub-topology, as members of the application's consumer group.
//
// A thread polls, runs its tasks record by record, and commits all of them each
// commit.interval.ms: caches are flushed to the changelogs, everything produced is acknowledged,
// then offsets are committed; with exactly_once_v2 all of that is one transaction of the thread.
// State is in stores of the instance and, change by change, in a changelog topic of the cluster:
// a task that comes to an instance without its store reads that first (state_copies.h), and a
// standby replica reads it all the time. Records for the next sub-topology go through a topic of
// the cluster. A dead instance is noticed when its members' sessions are over, as in any group.
//
// Held to by audits: a task runs at one member of the group at a time, chains conserve their
// records (inv.I9), sinks and topics know the cause of each double (inv.I16).
//
//   streams_app.cc      instances, tasks, samples
//   stream_thread.h     the loop of a thread, and its commits
//   streams_assignor.cc who is given which task, replicas
//
// docs/models/kafka_streams.md has what is approximated and left out, and the sources.
#ifndef FRESHET_MODELS_PROCESSING_STREAMS_APP_H_
#define FRESHET_MODELS_PROCESSING_STREAMS_APP_H_

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/client/consumers.h"
#include "models/client/poll_handler.h"
#include "models/processing/operator_chain.h"
#include "models/processing/state_copies.h"
#include "models/processing/streams_config.h"
#include "models/processing/topic_writer.h"

namespace freshet {

class StreamThread;

class StreamsApp : public Component {
 public:
  static constexpr MetricDef kEndToEnd = {
      "streams.end_to_end_latency", MetricKind::kDistribution, MetricUnit::kDuration,
      "From the creation of a record until what became of it has left the last sub-topology, and "
      "its store or topic has it."};
  static constexpr MetricDef kProcessed = {"streams.processed_records", MetricKind::kCounter,
                                           MetricUnit::kCount,
                                           "Records that tasks have processed, also again."};
  static constexpr MetricDef kReplayed = {"streams.replayed_records", MetricKind::kCounter,
                                          MetricUnit::kCount,
                                          "Records that tasks had processed and went back behind."};
  static constexpr MetricDef kLate = {"streams.late_records", MetricKind::kCounter,
                                      MetricUnit::kCount,
                                      "Records dropped because their windows were closed."};
  static constexpr MetricDef kFired = {"streams.windows_closed", MetricKind::kCounter,
                                       MetricUnit::kCount, "Windows closed, by task."};
  static constexpr MetricDef kCommits = {"streams.commits", MetricKind::kCounter,
                                         MetricUnit::kCount, "Commits of threads."};
  static constexpr MetricDef kCommitLatency = {
      "streams.commit_latency", MetricKind::kDistribution, MetricUnit::kDuration,
      "Of a thread's commit: what it flushes, and offsets or the transaction; meanwhile the thread "
      "stands still."};
  static constexpr MetricDef kChangelogBytes = {"streams.changelog_bytes", MetricKind::kCounter,
                                                MetricUnit::kBytes,
                                                "Bytes of state produced to changelogs."};
  static constexpr MetricDef kRunning = {"streams.running_tasks", MetricKind::kGauge,
                                         MetricUnit::kCount,
                                         "Tasks that are assigned and have their state."};
  static constexpr MetricDef kDowntime = {
      "streams.task_downtime", MetricKind::kDistribution, MetricUnit::kDuration,
      "From the end of a task's running until it runs again: noticing, a rebalance, restoring."};
  static constexpr MetricDef kFailures = {
      "streams.thread_failures", MetricKind::kCounter, MetricUnit::kCount,
      "Threads that gave up all tasks and joined again: a transaction that was aborted, or a write "
      "that the sink refused too often."};
  static constexpr MetricDef kLag = {
      "streams.lag", MetricKind::kGauge, MetricUnit::kCount,
      "Records below the high watermark that no task has processed, of all sub-topologies."};
  static constexpr MetricDef kStandbyLag = {
      "streams.standby_lag", MetricKind::kGauge, MetricUnit::kCount,
      "Changelog records that the standby replica that is furthest behind has yet to read."};
  static constexpr MetricDef kState = {"streams.state_bytes", MetricKind::kGauge,
                                       MetricUnit::kBytes,
                                       "State of the tasks that run, as of the last sample."};
  static constexpr MetricDef kProcessRatio = {
      "streams.process_ratio", MetricKind::kGauge, MetricUnit::kCount,
      "Percent of the last second that threads spent processing, their commits and waits not in "
      "it, over all threads of live instances."};

  StreamsApp(Simulation& sim, absl::string_view name, Network* network, LogService* log,
             const StreamsConfig& config);
  ~StreamsApp() override;

  void Start();

  // --- Faults ---

  int instance_count() const { return static_cast<int>(instances_.size()); }
  HostId HostOf(int instance) const { return InstanceAt(instance).host; }
  Station& CpuOf(int instance) { return *instances_[static_cast<size_t>(instance)]->cpu; }
  // Fault verb down: the process dies, and another one starts when the fault ends.
  void SetInstanceDown(int instance, bool down);
  // Records that it has processed, and the tasks that it has lost by dying.
  int64_t WorkOf(int instance) const;

  // --- Questions ---

  const Consumers& consumers(int sub_topology) const {
    return *stages_[static_cast<size_t>(sub_topology)]->consumers;
  }
  // Null where results go into a sink.
  const WrittenTopic* topic_sink(int sub_topology) const {
    return stages_[static_cast<size_t>(sub_topology)]->topic_sink.get();
  }
  const StateCopies* copies(int sub_topology) const {
    return stages_[static_cast<size_t>(sub_topology)]->copies.get();
  }
  // The member that runs the task; -1 for none.
  int OwnerOf(int sub_topology, int task) const {
    return stages_[static_cast<size_t>(sub_topology)]->tasks[static_cast<size_t>(task)].owner;
  }

 private:
  friend class StreamThread;
  static constexpr int kNobody = -1;

  struct Kept {  // What a changelog says as of a commit.
    Offset next = 0;
    OperatorChain::State state;
    Time stream_time;
    Bytes size;
  };
  // A task, whoever runs it.
  struct Task {
    int owner = kNobody;
    bool begun = false;
    bool runs = false;
    bool died = false;       // Its last owner did, with its process.
    Offset furthest = 0;     // Processed by anybody below.
    std::vector<Kept> kept;  // The last two: one is being committed.
    std::optional<Time> down_since;
  };
  struct Stage final : PollHandler, OperatorChain::Listener {
    StreamsApp* app;
    int number;
    const SubTopologyConfig* config;
    LogService::TopicPartitions topic;
    LogService::TopicPartitions target;  // Where results go to, if to a topic.
    std::vector<int64_t> bounds;
    uint64_t purpose = 0;
    std::unique_ptr<WrittenTopic> topic_sink;
    MeteredSink* metered = nullptr;  // Of either kind; null if it does not count.
    std::unique_ptr<StateCopies> copies;
    std::vector<Task> tasks;
    std::unique_ptr<Consumers> consumers;

    void HandlePoll(int member, const std::vector<RecordRange>& poll) override;
    void DropPoll(int member) override;
    void PartitionBegins(int member, PartitionId partition, Offset from) override;
    void PartitionEnds(int member, PartitionId partition) override;
    bool ReadyToLose(int member) override;
    void CommitEnded(int member) override;
    Offset Committable(int member, PartitionId partition, Offset polled) const override;
    void Truncated(PartitionId partition, Offset end) override;
    std::optional<Assignment> DealOut(const std::vector<int>& members, const Assignment& owned,
                                      Duration* again) override;

    void Settled(const RecordSpan& records, SourceEffects::How how) override;
    void Fired(int64_t windows, int64_t rows) override;

    Task& TaskOf(PartitionId partition) { return tasks[partition - topic.first]; }
    void PassOver(PartitionId partition, Offset from, Offset to);
  };
  struct Instance {
    HostId host = 0;
    std::unique_ptr<Station> cpu;
    bool down = false;
    int64_t lost = 0;
    uint32_t life = 0;
  };

  const Instance& InstanceAt(int number) const { return *instances_[static_cast<size_t>(number)]; }
  int InstanceOf(int member) const { return member / config_.threads; }
  StreamThread& ThreadOf(int member) { return *threads_[static_cast<size_t>(member)]; }
  bool exactly_once() const { return config_.transactions != nullptr; }
  bool IsLast(const Stage& stage) const {
    return stage.number + 1 == static_cast<int>(stages_.size());
  }
  void AddStage(int number);
  void StartThreads(int instance);
  void TaskRuns(Stage& stage, int member, int task);
  void TaskStops(Stage& stage, int member, int task, bool clean);
  // A result of the last sub-topology is where it goes.
  void Arrived(const RecordRange& records);
  void Sample();
  void Audit() const;

  // streams_assignor.cc
  Assignment DealOutTasks(Stage& stage, const std::vector<int>& members, const Assignment& owned,
                          Duration* again);
  void PlaceReplicas(Stage& stage, const std::vector<int>& owner_of_task,
                     const std::vector<int>& members,
                     const std::vector<std::pair<int, int>>& warm_ups);
  std::vector<Bytes> StateSizes(const Stage& stage) const;

  const StreamsConfig config_;
  Network* const network_;
  LogService* const log_;
  std::vector<std::unique_ptr<Instance>> instances_;
  std::vector<std::unique_ptr<Stage>> stages_;
  std::vector<std::unique_ptr<StreamThread>> threads_;  // By member.
  LaneId lane_;
  Duration busy_;  // Of all threads, at the last sample.
  Distribution& end_to_end_;
  Counter& processed_;
  Counter& replayed_;
  Counter& late_;
  Counter& fired_;
  Counter& commits_;
  Distribution& commit_latency_;
  Counter& changelog_bytes_;
  Gauge& running_;
  Distribution& downtime_;
  Counter& failures_;
  Gauge& lag_;
  Gauge& standby_lag_;
  Gauge& state_;
  Gauge& process_ratio_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_PROCESSING_STREAMS_APP_H_
