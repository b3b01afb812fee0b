// A stream job of Flink's kind: a graph of vertices, run as subtasks in the slots of task managers,
// that reads topics, keeps state, takes checkpoints and writes into sinks.
//
// A failure anywhere fails the job as a whole (one pipelined region): all subtasks stop, and after
// the delay of its restart strategy, once there are slots enough, they start from the last complete
// checkpoint; what a sink had prepared for it is committed, later epochs are rolled back, and the
// sources go back to its offsets. Without checkpoints (at most once) what was under way is lost:
// offsets are committed before their records are processed.
//
// Held to by audits at any instant: records emitted = taken + under way on every edge (inv.I9), and
// the same of every complete checkpoint, which is the proof that its barriers cut the job in one
// place (inv.I17).
//
//   stream_job.cc           the graph, sources, sinks, samples, audits
//   stream_job_failover.cc  slots, detection, restarts, restore
//   stream_job_rescale.cc   another parallelism
//   stream_job_sinks.cc     epochs of sinks, and what they hear of records that do not come
//
// docs/models/stream_job.md has what is approximated and left out, and the sources.
#ifndef FRESHET_MODELS_PROCESSING_STREAM_JOB_H_
#define FRESHET_MODELS_PROCESSING_STREAM_JOB_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/client/consumers.h"
#include "models/client/poll_handler.h"
#include "models/log/log_service.h"
#include "models/processing/checkpoint_coordinator.h"
#include "models/processing/job_config.h"
#include "models/processing/subtask.h"
#include "models/sink/metered_sink.h"
#include "sim/component.h"

namespace freshet {

class StreamJob : public Component, private Subtask::Owner, private CheckpointCoordinator::Owner {
 public:
  static constexpr MetricDef kEndToEnd = {
      "stream_job.end_to_end_latency", MetricKind::kDistribution, MetricUnit::kDuration,
      "From the creation of a record until its sink has taken it, also again."};
  static constexpr MetricDef kLag = {
      "stream_job.lag", MetricKind::kGauge, MetricUnit::kCount,
      "Records below the high watermark that no source subtask has taken."};
  static constexpr MetricDef kRestarts = {"stream_job.restarts", MetricKind::kCounter,
                                          MetricUnit::kCount, "Times that the job has failed."};
  static constexpr MetricDef kReplayed = {"stream_job.replayed_records", MetricKind::kCounter,
                                          MetricUnit::kCount,
                                          "Records that sources had taken and went back behind."};
  static constexpr MetricDef kDetection = {
      "stream_job.detection_time", MetricKind::kDistribution, MetricUnit::kDuration,
      "From the death of a task manager with subtasks until the job manager gives it up."};
  static constexpr MetricDef kDowntime = {
      "stream_job.downtime", MetricKind::kDistribution, MetricUnit::kDuration,
      "From a failure of the job, or the death that led to it, until all subtasks run again."};
  static constexpr MetricDef kRestore = {"stream_job.restore_time", MetricKind::kDistribution,
                                         MetricUnit::kDuration,
                                         "Of that, for the download of state."};
  static constexpr MetricDef kOutOfMemory = {
      "stream_job.out_of_memory", MetricKind::kCounter, MetricUnit::kCount,
      "Times that a task manager has died since its subtasks' state outgrew its memory."};
  static constexpr MetricDef kRescales = {"stream_job.rescales", MetricKind::kCounter,
                                          MetricUnit::kCount,
                                          "Times that it went on with another parallelism."};
  static constexpr MetricDef kRunning = {"stream_job.running", MetricKind::kGauge,
                                         MetricUnit::kCount, "1 while its subtasks run."};

  enum class Status : uint8_t {
    kRunning,
    kRestarting,  // The delay of the strategy.
    kWaitingForSlots,
    kDeploying,
    kRestoring,
    kFailed,  // For good.
  };

  StreamJob(Simulation& sim, absl::string_view name, Network* network, LogService* log,
            const JobConfig& config);
  ~StreamJob() override;

  void Start();

  // --- Faults ---

  int task_manager_count() const { return static_cast<int>(task_managers_.size()); }
  TaskManager& task_manager(int number) { return *task_managers_[static_cast<size_t>(number)]; }
  int64_t SubtasksOn(int number) const;
  // Fault verb down: the process dies, and another one starts when the fault ends.
  void SetTaskManagerDown(int number, bool down);
  // Cancels and restarts the job, as a failure of its code would; nothing while it waits to
  // restart.
  void FailNow();

  // --- Operations ---

  // Stops with a savepoint and goes on with so many subtasks of each vertex that scales, at most
  // `most` of it. `done` fires when all subtasks run; false if a failure came between. REQUIRES:
  // checkpoints, aligned; none is under way.
  void Rescale(int parallelism, Completion<bool> done);

  // --- Questions ---

  Status status() const { return status_; }
  const CheckpointCoordinator* checkpoints() const { return coordinator_.get(); }
  const std::vector<std::unique_ptr<Subtask>>& subtasks() const { return subtasks_; }
  Subtask& subtask(int vertex, int index) {
    return *subtasks_[static_cast<size_t>(first_[static_cast<size_t>(vertex)]) +
                      static_cast<size_t>(index)];
  }
  Vertex& vertex(int number) { return *vertices_[static_cast<size_t>(number)]; }
  int vertex_count() const { return static_cast<int>(vertices_.size()); }
  // Null of a vertex that is no source.
  const Consumers* source(int vertex) const;
  // The number of the vertex that holds the others up, as of the last sample; -1 for none.
  int bottleneck() const { return bottleneck_; }
  // What its sinks have taken: where the records' time went until then.
  const Waterfall& waterfall() const { return waterfall_; }
  int64_t replayed() const { return replayed_.Value(); }

 private:
  // Between one source's consumers and its subtasks.
  struct Source final : PollHandler {
    void HandlePoll(int member, const std::vector<RecordRange>& poll) override;
    void DropPoll(int member) override;
    void Truncated(PartitionId partition, Offset end) override;
    void Begun(const std::vector<Offset>& from) override;

    StreamJob* job = nullptr;
    int vertex = 0;
    LogService::TopicPartitions topic;
    std::unique_ptr<Consumers> consumers;
    std::vector<bool> held;  // By member: a poll that is not told to be done with.
    // With a read policy, by member: a poll that is judged (stream_job_reading.cc).
    struct Judged {
      uint32_t life = 0;
      std::vector<RecordRange> poll;
      std::vector<RecordRange> kept;
      size_t next = 0;
    };
    std::vector<Judged> judged;
    void Judge(int member);
    // All of a poll, and what the job is given of it.
    void Take(int member, const std::vector<RecordRange>& poll,
              const std::vector<RecordRange>& given);
    // By partition of the topic: where it began, and handed over up to here.
    std::vector<Offset> start;
    std::vector<Offset> taken;
  };

  void Connect(const EdgeConfig& edge);
  void AddSource(int vertex);
  bool Acknowledges() const { return config_.checkpoints.has_value(); }
  void Sample();
  void FindBottleneck();
  void AuditRecords() const;
  void CheckCut(const Checkpoint& checkpoint) const;

  // Subtask::Owner
  void Acknowledge(CheckpointId checkpoint, Subtask* subtask, bool ok) override;
  void WriteFailed() override;
  void OutOfMemory(TaskManager* host) override;
  void PollEmptied(Subtask* subtask) override;
  void Written(const RecordRange& records) override;
  void Settled(int vertex, const RecordSpan& records, SourceEffects::How how) override;
  // CheckpointCoordinator::Owner
  void TriggerBarriers(CheckpointId checkpoint) override;
  void AbortBarriers(CheckpointId checkpoint) override;
  void CheckpointComplete(const Checkpoint& checkpoint) override;
  void TooManyFailures() override { Fail(); }

  // stream_job_failover.cc
  bool AssignSlots();
  void Detect(int number);
  void Fail();
  // All subtasks stop, and what is under way is gone.
  void Halt();
  bool Runs(const Subtask& subtask) const {
    return subtask.index() < vertices_[static_cast<size_t>(subtask.vertex_number())]->parallelism();
  }
  bool NextDelay(Duration* delay);
  void Deploy();
  void Restore();
  void PartRestored(bool ok);
  void Resume();
  // Whether the state that has been loaded has room on every task manager.
  bool RestoredStateFits();
  void RunAll();

  // stream_job_rescale.cc
  void StopForRescale();
  void Redistribute(const std::vector<int>& before);
  struct Made {
    std::shared_ptr<SubtaskState> state;
    std::vector<std::shared_ptr<Operator::State>> operators;
  };
  void Recount(const Checkpoint& from, int first, int before, std::vector<Made>* made);
  void EndRescale(bool ok);

  // stream_job_sinks.cc
  void FindSinks();
  void CommitSinks(CheckpointId checkpoint);
  void CommitSink(size_t number);
  // Of the job that starts again: what no checkpoint vouches for is dropped.
  void SettleSinks();
  // A source goes on from there, with what its sinks have.
  void GoOn(int vertex, PartitionId partition, Offset from);
  // A source goes on from `to`, and was handed nothing from `from` on.
  void PassOver(int vertex, PartitionId partition, Offset from, Offset to);
  // The log was cut at `end`; a source had read up to `taken`.
  void CutAt(int vertex, PartitionId partition, Offset end, Offset taken);

  struct Edge {
    EdgeConfig config;
    size_t output;  // At each subtask of `from`,
    size_t input;   // and at each of `to`.
    std::vector<Channel*> channels;
    std::vector<std::pair<Subtask*, Subtask*>> ends;
  };
  // How often a record that is emitted once crosses it.
  int64_t CopiesOn(const Edge& edge) const;

  const JobConfig config_;
  Network* const network_;
  LogService* const log_;
  std::vector<std::unique_ptr<TaskManager>> task_managers_;
  std::vector<std::unique_ptr<Vertex>> vertices_;
  std::vector<std::unique_ptr<Subtask>> subtasks_;  // Vertex by vertex.
  std::vector<int> first_;                          // Of a vertex.
  std::vector<std::unique_ptr<Channel>> channels_;
  std::vector<Edge> edges_;
  std::vector<std::unique_ptr<Source>> sources_;
  std::vector<Sink*> sinks_;  // Each once.
  // By sink: the epoch that it commits, 0 for none, and the last one that is to be.
  struct Commits {
    Sink::Epoch under_way = 0;
    Sink::Epoch wanted = 0;
  };
  std::vector<Commits> commits_;
  // By vertex: the sinks that its records may reach, and those that they reach if they are not
  // late.
  std::vector<std::vector<MeteredSink*>> reached_;
  std::vector<std::vector<MeteredSink*>> reached_in_time_;
  std::unique_ptr<CheckpointCoordinator> coordinator_;
  std::vector<TaskManager*> slots_;  // Of each index.

  struct Rescaling {
    int parallelism;
    Completion<bool> done;
    CheckpointId savepoint = 0;  // Until it is triggered.
    bool stopped = false;        // The savepoint is there: nothing goes back behind it.
  };
  std::optional<Rescaling> rescaling_;

  Status status_ = Status::kRestarting;
  bool started_ = false;
  // Whether what the counts say is one cut: not after a restore at least once.
  bool one_cut_ = true;
  bool all_alive_ = true;
  uint32_t attempt_ = 0;
  Time failed_at_;
  Time runs_since_;
  Time restoring_since_;
  int64_t failures_ = 0;  // For the restart strategy.
  int parts_left_ = 0;
  bool restored_ok_ = true;
  const Backoff backoff_;
  RandomStream delay_stream_;
  int bottleneck_ = -1;
  std::vector<Duration> back_pressured_;  // By subtask, as of the last sample.
  std::vector<Duration> busy_;
  Waterfall waterfall_;
  Distribution& end_to_end_;
  Gauge& lag_;
  Counter& restarts_;
  Counter* rescales_ = nullptr;       // Where a vertex scales.
  Counter* out_of_memory_ = nullptr;  // Where memory is limited.
  Counter& replayed_;
  Distribution& detection_;
  Distribution& downtime_;
  Distribution& restore_time_;
  Gauge& running_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_PROCESSING_STREAM_JOB_H_
