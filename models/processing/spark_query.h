// A query of Spark Structured Streaming's kind, in micro-batches: a driver with an offset log and a
// commit log in the checkpoint location, and executors whose cores run the tasks of each batch.
//
// A batch has its offsets before it has begun, in the offset log, and is over when the commit log
// has it. A driver that starts runs the last batch of the offset log again, with the same offsets,
// if the commit log does not have it. So each record is in the state once; it is in the sink once
// if that is transactional (an epoch is a batch, which the sink knows by its number) or replaces
// what is written again, and twice where a plain one had it already.
//
// A batch waits for its trigger, for the brokers' latest offsets, for the offset log, for planning,
// for a task for each partition of the topic that has records, on free cores, behind a shuffle for
// a task for each shuffle partition, for the sink's commit and for the commit log. Nothing of it is
// a constant latency: it is the sum of these that makes the floor.
//
// Held to by audits: as many tasks run on an executor as it has cores taken (inv.I15), chains
// conserve their records (inv.I9), sinks know the cause of each double (inv.I16).
//
//   spark_query.cc  its life, executors, what readers tell, samples
//   spark_batch.cc  triggers, and the phases of a batch
//   spark_stage.cc  which task runs where, executors that are lost
//   spark_task.cc   what a task does
//   spark_state.h   files of state
//
// docs/models/spark.md has what is approximated and left out, and the sources.
#ifndef FRESHET_MODELS_PROCESSING_SPARK_QUERY_H_
#define FRESHET_MODELS_PROCESSING_SPARK_QUERY_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/client/poll_handler.h"
#include "models/log/log_service.h"
#include "models/processing/operator_chain.h"
#include "models/processing/spark_config.h"
#include "models/processing/spark_state.h"
#include "models/sink/metered_sink.h"
#include "models/storage/object_writer.h"
#include "sim/station.h"

namespace freshet {

class SparkQuery : public Component, private PollHandler, private OperatorChain::Listener {
 public:
  static constexpr MetricDef kBatchDuration = {
      "spark.batch_duration", MetricKind::kDistribution, MetricUnit::kDuration,
      "triggerExecution: from a trigger to the end of its batch; of triggers with a batch."};
  static constexpr MetricDef kLatestOffset = {"spark.latest_offset_time", MetricKind::kDistribution,
                                              MetricUnit::kDuration,
                                              "latestOffset: brokers are asked how far they are."};
  static constexpr MetricDef kWalCommit = {"spark.wal_commit_time", MetricKind::kDistribution,
                                           MetricUnit::kDuration,
                                           "walCommit: the batch's offsets go to the offset log."};
  static constexpr MetricDef kQueryPlanning = {
      "spark.query_planning_time", MetricKind::kDistribution, MetricUnit::kDuration,
      "queryPlanning: from the offset log until the plan is there."};
  static constexpr MetricDef kAddBatch = {
      "spark.add_batch_time", MetricKind::kDistribution, MetricUnit::kDuration,
      "addBatch: all tasks of the batch, and the sink's commit."};
  static constexpr MetricDef kCommitOffsets = {
      "spark.commit_offsets_time", MetricKind::kDistribution, MetricUnit::kDuration,
      "commitOffsets: the batch's number goes to the commit log."};
  static constexpr MetricDef kBatches = {"spark.batches", MetricKind::kCounter, MetricUnit::kCount,
                                         "Batches that the commit log has."};
  static constexpr MetricDef kNoDataBatches = {
      "spark.no_data_batches", MetricKind::kCounter, MetricUnit::kCount,
      "Of these, batches without records, because the watermark had moved."};
  static constexpr MetricDef kFallingBehind = {
      "spark.triggers_falling_behind", MetricKind::kCounter, MetricUnit::kCount,
      "Triggers whose batch took longer than the interval; the next one follows at once."};
  static constexpr MetricDef kBatchRows = {"spark.batch_input_rows", MetricKind::kDistribution,
                                           MetricUnit::kCount,
                                           "numInputRows: records of a batch, of those over."};
  static constexpr MetricDef kInputRows = {"spark.input_rows", MetricKind::kCounter,
                                           MetricUnit::kCount,
                                           "Records that tasks have taken, also again."};
  static constexpr MetricDef kRerunBatches = {
      "spark.rerun_batches", MetricKind::kCounter, MetricUnit::kCount,
      "Batches of the offset log that a driver has begun to run again."};
  static constexpr MetricDef kTasks = {"spark.tasks", MetricKind::kCounter, MetricUnit::kCount,
                                       "Tasks that have ended well."};
  static constexpr MetricDef kTaskTime = {"spark.task_time", MetricKind::kDistribution,
                                          MetricUnit::kDuration,
                                          "From a task's getting a core to its end, of those."};
  static constexpr MetricDef kFailedTasks = {
      "spark.failed_tasks", MetricKind::kCounter, MetricUnit::kCount,
      "Tasks that were lost with their executor, or whose writes failed."};
  static constexpr MetricDef kRecomputed = {
      "spark.recomputed_tasks", MetricKind::kCounter, MetricUnit::kCount,
      "Tasks that had ended, and run again because the shuffle needs what was lost of them."};
  static constexpr MetricDef kFailures = {
      "spark.query_failures", MetricKind::kCounter, MetricUnit::kCount,
      "Queries that failed, and applications that were started again for it."};
  static constexpr MetricDef kDowntime = {
      "spark.query_downtime", MetricKind::kDistribution, MetricUnit::kDuration,
      "From a query's failure or its driver's death until the query triggers again."};
  static constexpr MetricDef kBehindLatest = {
      "spark.offsets_behind_latest", MetricKind::kGauge, MetricUnit::kCount,
      "Offsets below the latest and not in a batch of the commit log, of all partitions."};
  static constexpr MetricDef kStateBytes = {"spark.state_bytes", MetricKind::kGauge,
                                            MetricUnit::kBytes,
                                            "State of the stores, as of the last sample."};
  static constexpr MetricDef kStateWritten = {
      "spark.state_bytes_written", MetricKind::kCounter, MetricUnit::kBytes,
      "Bytes of deltas and snapshots that the checkpoint location has taken."};
  static constexpr MetricDef kStateRead = {
      "spark.state_bytes_read", MetricKind::kCounter, MetricUnit::kBytes,
      "Bytes of files that were read because a store was not on its task's executor."};
  static constexpr MetricDef kShuffled = {"spark.shuffle_bytes", MetricKind::kCounter,
                                          MetricUnit::kBytes,
                                          "Bytes that went from one executor to another."};
  static constexpr MetricDef kLate = {
      "spark.rows_dropped_by_watermark", MetricKind::kCounter, MetricUnit::kCount,
      "numRowsDroppedByWatermark: records dropped because their windows were closed."};
  static constexpr MetricDef kFired = {"spark.windows_closed", MetricKind::kCounter,
                                       MetricUnit::kCount, "Windows closed, by shuffle partition."};

  // REQUIRES: all outlive it.
  SparkQuery(Simulation& sim, absl::string_view name, Network* network, LogService* log,
             const SparkConfig& config);
  ~SparkQuery() override;

  // The query runs at once, or when its source starts.
  void Start();

  // --- Faults ---

  int executor_count() const { return static_cast<int>(executors_.size()); }
  HostId driver_host() const { return driver_host_; }
  HostId HostOf(int executor) const { return executors_[static_cast<size_t>(executor)]->host; }
  Station& driver_cpu() { return *driver_cpu_; }
  Station& CpuOf(int executor) { return *executors_[static_cast<size_t>(executor)]->cpu; }
  // Fault verb down: the driver's process dies, and the executors go with it; at the end of the
  // fault the application starts.
  void SetDriverDown(bool down);
  // The same of one executor, which another one replaces at the end.
  void SetExecutorDown(int executor, bool down);
  // Batches that it has begun, and for each death the batch that it was in.
  int64_t DriverWork() const { return driver_work_; }
  // Tasks that it was given, and those that it runs.
  int64_t WorkOf(int executor) const { return executors_[static_cast<size_t>(executor)]->given; }
  int64_t TasksOn(int executor) const {
    return begun_ ? config_.cores - ExecutorAt(executor).free_cores : 0;
  }

  // --- Questions ---

  const Consumers& readers() const { return *readers_; }
  // By partition of the topic: where the last batch of the commit log ends.
  const std::vector<Offset>& committed() const { return committed_; }
  // The offsets [from, to) of the last batch of the offset log, by partition.
  const std::vector<Offset>& logged_from() const { return batch_.from; }
  const std::vector<Offset>& logged_to() const { return batch_.to; }
  int64_t last_logged() const { return logged_; }
  int64_t last_committed() const { return committed_batch_; }

 private:
  static constexpr int kNowhere = -1;
  static constexpr int64_t kNone = -1;

  struct Executor {
    HostId host = 0;
    std::unique_ptr<Station> cpu;
    std::unique_ptr<ObjectClient> client;
    std::unique_ptr<ObjectWriter> writer;
    bool down = false;  // By a fault.
    bool up = false;    // The driver has it.
    int64_t free_cores = 0;
    int64_t given = 0;
    uint32_t life = 0;
  };
  // The consumer of one partition of the topic, at the executor that read it last.
  struct PartitionReader {
    int executor = kNowhere;
    bool open = false;
    bool has_poll = false;
    bool pumping = false;
    std::vector<RecordRange> poll;
    size_t next = 0;
    Offset at = 0;  // Everything below was handed over.
  };
  enum class Stage : uint8_t { kBeforeShuffle, kBehindShuffle };
  enum class TaskState : uint8_t { kWaiting, kRunning, kDone };
  // What a task behind the shuffle waits for; the others read and write until they have done both.
  enum class Step : uint8_t { kStarting, kLoading, kFetching, kWorking, kWriting, kEnding };
  struct Outgoing {
    RecordRange records;
    int64_t retries = 0;
  };
  struct Task {
    Stage stage = Stage::kBeforeShuffle;
    int number = 0;  // Of the partition.
    TaskState state = TaskState::kWaiting;
    Step step = Step::kStarting;
    int executor = kNowhere;
    uint32_t attempt = 0;  // No two of the run are alike.
    int64_t failures = 0;
    Time submitted;
    Time launched;
    bool working = false;
    int64_t rows = 0;
    Time latest = Time::FromNanos(INT64_MIN);  // Event time.
    std::vector<Outgoing> out;                 // Into the sink:
    uint32_t to_send = 0;                      // the next one to write,
    int64_t under_way = 0;
    uint32_t written = 0;  // and how many the sink has taken.
    // Before the shuffle:
    Offset at = 0;
    Offset to = 0;
    // Behind it, how many answers it waits for, and the file that it writes.
    int64_t parts = 0;
    SparkStateFiles::File delta;
  };
  // What a task has left for the shuffle, at its executor; by shuffle partition.
  struct ShuffleOutput {
    int executor = kNowhere;
    std::vector<std::vector<RecordRange>> parts;
  };
  struct Store {
    std::unique_ptr<OperatorChain> chain;
    OperatorChain::State kept;  // As of the last batch of the commit log.
    OperatorChain::State next;  // Of the batch that is run.
    Bytes size;                 // Of both.
    Bytes next_size;
    int executor = kNowhere;  // That has it in memory.
    SparkStateFiles files;
    int snapshot_by = kNowhere;  // The executor that writes one.
  };
  struct Batch {
    int64_t id = 0;
    std::vector<Offset> from;  // By partition.
    std::vector<Offset> to;
    // Windows that end below are closed and sent; what is late is so by that of the batch before.
    Time watermark = Time::FromNanos(INT64_MIN);
    Time late_watermark = Time::FromNanos(INT64_MIN);
    bool has_data = false;
  };
  using Key = std::pair<Stage, int>;

  // PollHandler.
  void Begun(const std::vector<Offset>& from) override;
  void HandlePoll(int member, const std::vector<RecordRange>& poll) override;
  void DropPoll(int member) override;
  void Truncated(PartitionId partition, Offset end) override;
  // OperatorChain::Listener.
  void Settled(const RecordSpan& records, SourceEffects::How how) override;
  void Fired(int64_t windows, int64_t rows) override;

  bool shuffles() const { return !config_.behind_shuffle.empty(); }
  bool transactional() const { return config_.sink->promise() == SinkPromise::kTransactional; }
  PartitionId PartitionAt(int number) const {
    return topic_.first + static_cast<PartitionId>(number);
  }
  Executor& ExecutorAt(int executor) { return *executors_[static_cast<size_t>(executor)]; }
  const Executor& ExecutorAt(int executor) const {
    return *executors_[static_cast<size_t>(executor)];
  }
  Sink::Epoch EpochOf(int64_t batch) const { return batch + 1; }
  int64_t VersionOf(int64_t batch) const { return batch + 1; }

  // spark_query.cc
  void StartApplication();
  void StopApplication();
  // The query has failed: its application ends, and another one starts. Not from within this.
  void Fail();
  void Sample();
  void Maintain();
  void Audit() const;

  // spark_batch.cc
  void ReadLogs();
  void LogRead();
  void Resume();
  void Trigger();
  void TriggerLater();
  void AskForOffsets();
  void OffsetsTold();
  void BrokerChanged();
  void ConstructBatch();
  // By partition: up to where a batch from there may go.
  std::vector<Offset> LimitedTo(const std::vector<Offset>& from,
                                const std::vector<Offset>& latest) const;
  void WriteOffsetLog();
  void Plan();
  void RunBatch();
  void CommitSink();
  void WriteCommitLog();
  void EndBatch();
  void PurgeLogs();

  // spark_stage.cc
  void SubmitTasks();
  void SubmitTask(Stage stage, int number);
  void StageSubmitted();
  // Waiting tasks get the free cores that they may have.
  void Dispatch();
  // What of the shuffle is lost is made again, if a task waits for it. Returns whether all is
  // there.
  bool HasOutputs();
  int ExecutorFor(const Task& task) const;
  int PreferredFor(const Task& task) const;
  void Launch(Task& task, int executor);
  // Null if that attempt is over.
  Task* Find(Stage stage, int number, uint32_t attempt);
  void EndTask(Task& task);
  void StageOver();
  void FailTask(Task& task);
  void FailTaskSoon(const Task& task);  // Not from within what has failed.
  // It gives up its core; what it has done is void.
  void Withdraw(Task& task);
  void LoseExecutor(int executor);

  // spark_task.cc
  void Begin(Task& task);
  void OpenReader(Task& task);
  void Pump(Task& task);
  void Work(Task& task, RecordRange records);
  void Worked(Task& task);
  void PassOver(Task& task, Offset to);
  bool RestIsWithheld(const Task& task) const;
  void LoadState(Task& task);
  void StateLoaded(Task& task);
  void FetchShuffle(Task& task);
  void PartHere(Task& task);
  void Reduce(Task& task);
  void TakeOut(Task& task, OperatorChain& chain);
  void SendWrites(Task& task);
  void SendWrite(Task& task, uint32_t number);
  void WriteEnded(Task& task, uint32_t number, bool ok);
  void MaybeWritten(Task& task);
  void WriteState(Task& task);
  void CommitTask(Task& task);
  Sink::WriterId WriterOf(const Task& task) const {
    return writers_[static_cast<size_t>(task.number)];
  }
  bool Writes(const Task& task) const { return task.stage == Stage::kBehindShuffle || !shuffles(); }

  const SparkConfig config_;
  Network* const network_;
  LogService* const log_;
  const LogService::TopicPartitions topic_;
  const LaneId lane_;
  const PrefixId prefix_;
  MeteredSink* const metered_;
  HostId driver_host_ = 0;
  std::unique_ptr<Station> driver_cpu_;
  std::unique_ptr<ObjectClient> driver_client_;
  std::vector<std::unique_ptr<Executor>> executors_;
  std::vector<std::unique_ptr<ControlSender>> askers_;  // By broker.
  std::unique_ptr<Consumers> readers_;
  std::vector<PartitionReader> partitions_;
  std::vector<std::unique_ptr<OperatorChain>> chains_;  // By partition.
  std::vector<Store> stores_;                           // By shuffle partition.
  std::vector<int64_t> bounds_;
  std::vector<Sink::WriterId> writers_;  // By task of the last stage.
  Sink::WriterId committer_ = 0;
  std::map<std::pair<int, int>, Connection*> lines_;  // Between executors.

  bool begun_ = false;
  bool running_ = false;      // The query does.
  bool driver_down_ = false;  // By a fault.
  uint32_t life_ = 0;         // Of the application.
  int64_t driver_work_ = 0;
  std::optional<Time> down_since_;

  // In the checkpoint location.
  int64_t logged_ = kNone;           // The last batch of the offset log, which is batch_,
  int64_t committed_batch_ = kNone;  // of the commit log,
  std::vector<Offset> committed_;
  Time watermark_ = Time::FromNanos(INT64_MIN);                   // and the watermark in it.
  absl::btree_map<int64_t, std::pair<ObjectId, ObjectId>> logs_;  // By batch: of both logs.
  // Of the sink: all tasks of a batch had prepared, and it was told to commit.
  int64_t sink_told_ = kNone;

  // The trigger that runs.
  Batch constructed_;  // Not in the offset log yet.
  Batch batch_;
  bool rerun_ = false;
  bool has_ended_one_ = false;  // Since the application started.
  bool failing_ = false;
  bool writes_ = true;  // Else the sink has what the tasks would write.
  int logs_left_ = 0;
  int answers_left_ = 0;
  bool asking_ = false;
  Time triggered_at_;
  Time next_trigger_;
  Time phase_since_;
  bool in_batch_ = false;
  std::map<Key, Task> tasks_;
  std::map<int, ShuffleOutput> outputs_;  // By partition.
  int64_t left_ = 0;                      // Tasks of the stage that are not done,
  Stage stage_ = Stage::kBeforeShuffle;   // which is this one,
  bool stages_run_ = false;               // if any is.
  uint32_t attempts_ = 0;

  Distribution& batch_duration_;
  Distribution& latest_offset_;
  Distribution& wal_commit_;
  Distribution& query_planning_;
  Distribution& add_batch_;
  Distribution& commit_offsets_;
  Counter& batches_;
  Counter& no_data_batches_;
  Counter& falling_behind_;
  Distribution& batch_rows_;
  Counter& input_rows_;
  Counter& rerun_batches_;
  Counter& ended_tasks_;
  Distribution& task_time_;
  Counter& failed_tasks_;
  Counter& recomputed_;
  Counter& failures_;
  Distribution& downtime_;
  Gauge& behind_latest_;
  Gauge& state_bytes_;
  Counter& state_written_;
  Counter& state_read_;
  Counter& shuffled_;
  Counter& late_;
  Counter& fired_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_PROCESSING_SPARK_QUERY_H_
