// When checkpoints of a job are taken, when one is complete, and which files it is made of.
//
// One at a time: after the interval, and no sooner after the end of the last one than min_pause;
// one that takes longer than its timeout, or that a subtask cannot make safe, has failed. More
// failures in a row than are tolerated fail the job.
//
// Approximated: acknowledgements take no time; an incremental checkpoint refers to as much of what
// earlier ones have written as RocksDB's levels hold beside the live data, the youngest of it. The
// first one is due after a whole interval (there: after a random part of it).
#ifndef FRESHET_MODELS_PROCESSING_CHECKPOINT_COORDINATOR_H_
#define FRESHET_MODELS_PROCESSING_CHECKPOINT_COORDINATOR_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "models/processing/subtask.h"
#include "sim/component.h"

namespace freshet {

struct CheckpointFile {
  ObjectId object = 0;
  Bytes size;
};

struct Checkpoint {
  CheckpointId id = 0;
  Time triggered_at;
  // By subtask.
  std::vector<std::shared_ptr<const SubtaskState>> states;
  std::vector<std::vector<CheckpointFile>> files;
};

class CheckpointCoordinator : public Component {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void TriggerBarriers(CheckpointId checkpoint) = 0;
    virtual void AbortBarriers(CheckpointId checkpoint) = 0;
    virtual void CheckpointComplete(const Checkpoint& checkpoint) = 0;
    virtual void TooManyFailures() = 0;
  };

  static constexpr MetricDef kCompleted = {"checkpoint.completed", MetricKind::kCounter,
                                           MetricUnit::kCount, "Checkpoints completed."};
  static constexpr MetricDef kFailed = {
      "checkpoint.failed", MetricKind::kCounter, MetricUnit::kCount,
      "Checkpoints that timed out or could not be made safe; "
      "those that a failure of the job ended are not among them."};
  static constexpr MetricDef kDuration = {"checkpoint.duration", MetricKind::kDistribution,
                                          MetricUnit::kDuration,
                                          "From the trigger until all subtasks have acknowledged."};
  static constexpr MetricDef kSize = {"checkpoint.bytes", MetricKind::kDistribution,
                                      MetricUnit::kBytes,
                                      "Bytes uploaded for a checkpoint, of those completed."};
  static constexpr MetricDef kAge = {"checkpoint.age", MetricKind::kGauge, MetricUnit::kDuration,
                                     "Now minus the trigger of the last one that is complete, as "
                                     "of the last sample; from the start of the run before the "
                                     "first one."};

  CheckpointCoordinator(Simulation& sim, absl::string_view name, const CheckpointConfig& config,
                        int subtasks, Owner* owner);

  // The job runs.
  void Begin();
  // It has failed: what is under way is void.
  void End();
  // One at once, or when the one that is under way is over. REQUIRES: the job runs.
  void TriggerSavepoint();
  // What it goes back to has other subtasks now: the states and files of the same records.
  void Redistribute(std::vector<std::shared_ptr<const SubtaskState>> states,
                    std::vector<std::vector<CheckpointFile>> files);
  void Acknowledge(CheckpointId checkpoint, int number, Subtask* subtask, bool ok);
  void Sample();

  // Null before the first one.
  const Checkpoint* latest() const { return latest_.get(); }
  int64_t completed() const { return completed_.Value(); }

 private:
  void TriggerAfter(Time earliest);
  void Trigger();
  void Complete();
  void Fail();
  void EndPending();
  std::vector<CheckpointFile> FilesOf(int number, const Subtask& subtask) const;
  void Delete(const Checkpoint& old, const Checkpoint* in_use);

  const CheckpointConfig config_;
  Owner* const owner_;
  std::vector<Subtask*> subtasks_;  // As they acknowledged.
  CheckpointId last_id_ = 0;
  std::unique_ptr<Checkpoint> pending_;
  std::unique_ptr<Checkpoint> latest_;
  int missing_ = 0;
  int64_t failures_ = 0;
  Time triggered_at_;
  EventId trigger_;
  EventId timeout_;
  bool triggers_ = false;
  bool savepoint_wanted_ = false;
  Counter& completed_;
  Counter& failed_;
  Distribution& duration_;
  Distribution& size_;
  Gauge& age_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_PROCESSING_CHECKPOINT_COORDINATOR_H_
