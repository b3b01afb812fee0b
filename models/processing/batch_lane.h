// The other half of a dual path: a scheduled batch job beside the stream.
//
// A window of sending time closes, and after a delay its job begins: it looks up where the window
// begins and ends in each partition, reads the retained log from there over cards and cores of its
// own, and publishes what it has counted. Then both are held against each other, record by record
// (batch_reconcile.cc): what the batch has and the stream's sink has not, has late, twice or wrong
// is the window's drift, and from then on it is known.
//
// Reading is real: the brokers serve it, and the live traffic feels it. A task whose host goes down
// loses what it has counted and reads its part of the window again, from the beginning; what counts
// is what was published, so a window has each record once, whatever failed. A window whose
// beginning retention has deleted cannot be rebuilt whole, and says so.
//
// Approximated: an offset is looked up by time, so a window begins with the batch that holds its
// first record, and inside what the log has coalesced in proportion; a task reads on in partitions
// that it has finished until all of its are. docs/models/batch_lane.md has the rest.
#ifndef FRESHET_MODELS_PROCESSING_BATCH_LANE_H_
#define FRESHET_MODELS_PROCESSING_BATCH_LANE_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/strings/string_view.h"
#include "models/client/consumers.h"
#include "models/log/log_service.h"
#include "models/network/network.h"
#include "models/sink/metered_sink.h"
#include "sim/component.h"

namespace freshet {

class BatchLane : public Component, private PollHandler {
 public:
  // No defaults here: assembly fills every field from the schema, where each has its source.
  struct Config {
    Duration window;
    Duration start_delay;
    Duration publish_time;
    Duration retry_delay;  // From a host's coming back until its task begins again.
    // Of the tasks, one member each; assignment and handler are set here.
    Consumers::Config consumers;
  };

  static constexpr MetricDef kRuns = {"batch.runs", MetricKind::kCounter, MetricUnit::kCount,
                                      "Jobs whose result was published: one a window."};
  static constexpr MetricDef kRecords = {"batch.records", MetricKind::kCounter, MetricUnit::kCount,
                                         "Records in the results that were published."};
  static constexpr MetricDef kBytesCounted = {"batch.bytes", MetricKind::kCounter,
                                              MetricUnit::kBytes, "Bytes of those, as stored."};
  static constexpr MetricDef kDeleted = {
      "batch.deleted_records", MetricKind::kCounter, MetricUnit::kCount,
      "Records of windows that retention had deleted before their job read them."};
  static constexpr MetricDef kLostAttempts = {
      "batch.lost_attempts", MetricKind::kCounter, MetricUnit::kCount,
      "Tasks that lost what they had counted with their host, and had to begin again."};
  static constexpr MetricDef kRepeated = {
      "batch.repeated_records", MetricKind::kCounter, MetricUnit::kCount,
      "Records that such tasks had counted, which are read again."};
  static constexpr MetricDef kRebuild = {"batch.rebuild_time", MetricKind::kDistribution,
                                         MetricUnit::kDuration,
                                         "From the start of a job until its result is published."};
  static constexpr MetricDef kReconciled = {
      "batch.reconciled_after", MetricKind::kDistribution, MetricUnit::kDuration,
      "From the end of a window until the batch result that settles it is published."};
  static constexpr MetricDef kFreshness = {
      "batch.freshness", MetricKind::kDistribution, MetricUnit::kDuration,
      "From the sending of a record until the batch result that has it is published, for each: "
      "what "
      "sink.freshness is of the stream. Even over the window."};
  static constexpr MetricDef kDrift = {
      "drift.records", MetricKind::kGauge, MetricUnit::kCount,
      "Records of the last window published in which stream and batch differ."};
  static constexpr MetricDef kMissing = {
      "drift.missing_records", MetricKind::kCounter, MetricUnit::kCount,
      "Records of a batch that the stream's sink did not have when the batch was published: lost, "
      "or not there yet."};
  static constexpr MetricDef kLate = {
      "drift.late_records", MetricKind::kCounter, MetricUnit::kCount,
      "Records of a batch that the stream had dropped as too late."};
  static constexpr MetricDef kDoubled = {
      "drift.doubled_records", MetricKind::kCounter, MetricUnit::kCount,
      "Times that the stream's sink had records more than once which a batch has once."};
  static constexpr MetricDef kWrong = {
      "drift.wrong_records", MetricKind::kCounter, MetricUnit::kCount,
      "Records of a batch that the stream had corrupted or put aside, and records of aborted "
      "transactions that its sink had and the batch has not."};
  static constexpr MetricDef kNotTracked = {
      "drift.not_tracked_records", MetricKind::kCounter, MetricUnit::kCount,
      "Records of a batch of which the sink's ledger did not know any more what had become."};

  // REQUIRES: all outlive it; publish_time, retry_delay and start_delay >= 0, window > 0.
  BatchLane(Simulation& sim, absl::string_view name, Network* network, LogService* log,
            MeteredSink* compares, const Config& config);
  ~BatchLane() override;

  void Start();

  int task_count() const { return static_cast<int>(tasks_.size()); }
  HostId HostOf(int task) const { return consumers_->hosts()[static_cast<size_t>(task)]; }
  // Fault verb down: its host answers nobody, and what the task has counted of this window is gone.
  void SetTaskDown(int task, bool down);
  // Its core takes 1 / speed of the time.
  void SetTaskSpeed(int task, Ratio speed) { consumers_->SetMemberSpeed(task, speed); }
  // Records that it has counted, and the attempts that it has lost or could not begin.
  int64_t WorkOf(int task) const;

 private:
  struct Part {  // Of the window, in one partition: [begin, end).
    Offset begin = 0;
    Offset end = 0;
    Offset at = 0;  // Read up to here:
    int64_t records = 0;
    int64_t bytes = 0;
    int64_t deleted = 0;  // Of it, which retention was quicker to delete.
  };
  struct Task {
    bool down = false;
    bool has_work = false;  // In this window, still.
    bool reading = false;
    uint32_t attempt = 0;
    int64_t records = 0;
    int64_t lost = 0;
  };

  // PollHandler
  void HandlePoll(int number, const std::vector<RecordRange>& poll) override;
  void Truncated(PartitionId partition, Offset end) override;

  // Calls visit(slot) for each partition of the task.
  template <class Visit>
  void VisitSlots(int task, Visit&& visit) const;
  Time EndOf(int64_t window) const { return Time() + config_.window * (window + 1); }
  PartitionId PartitionOf(size_t slot) const {
    return topic_.first + static_cast<PartitionId>(slot);
  }

  void CloseLater(int64_t window);
  void Closed(int64_t window);
  void BeginNext();
  void FindParts();
  void BeginTask(int number);
  void LoseAttempt(int number);
  void GoTo(Part* part, PartitionId partition, Offset to);
  void CheckLater();
  // Ends the task if all of its parts are read.
  void CheckTask(int number);
  void CheckTaskSoon(int number);
  void TaskDone();
  void Publish();
  // batch_reconcile.cc
  void Reconcile();
  int64_t CompareWith(const EffectLedger& ledger, PartitionId partition, Offset from, Offset to);

  const Config config_;
  Network* const network_;
  LogService* const log_;
  MeteredSink* const compares_;
  const LogService::TopicPartitions topic_;
  std::unique_ptr<Consumers> consumers_;
  std::vector<Task> tasks_;
  std::vector<int64_t> waiting_;  // Windows whose job is due.
  bool running_ = false;
  int64_t window_ = 0;  // That is being rebuilt,
  Time began_;          // since then.
  std::vector<Part> parts_;
  std::vector<Offset> next_;  // Where the next window begins, by partition.
  int unfinished_ = 0;        // Tasks.
  LaneId lane_;
  Counter& runs_;
  Counter& records_;
  Counter& bytes_;
  Counter& deleted_;
  Counter& lost_attempts_;
  Counter& repeated_;
  Distribution& rebuild_;
  Distribution& reconciled_;
  Distribution& freshness_;
  Gauge& drift_;
  Counter& missing_;
  Counter& late_;
  Counter& doubled_;
  Counter& wrong_;
  Counter& not_tracked_;
};

template <class Visit>
void BatchLane::VisitSlots(int task, Visit&& visit) const {
  for (auto slot = static_cast<size_t>(task); slot < parts_.size(); slot += tasks_.size()) {
    visit(slot);
  }
}

}  // namespace freshet

#endif  // FRESHET_MODELS_PROCESSING_BATCH_LANE_H_
