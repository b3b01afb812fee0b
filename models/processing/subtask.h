// One of a vertex's parallel tasks: a thread that takes records, barriers and watermarks from its
// channels one by one, or reads the log, runs its chain of operators and emits what comes of it.
//
// It takes nothing new while what it has emitted finds no room, or its sink takes no more: then it
// is back-pressured. So its time is idle, busy, back-pressured or stopped, and they sum to the time
// of the run, exactly.
//
//   subtask.cc             the loop, operators, exchanges, sink, watermarks
//   subtask_checkpoint.cc  barriers, snapshots, restore
//   subtask_source.cc      what a source does instead of taking from channels
#ifndef FRESHET_MODELS_PROCESSING_SUBTASK_H_
#define FRESHET_MODELS_PROCESSING_SUBTASK_H_

#include <array>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "models/log/source_effects.h"
#include "models/processing/channel.h"
#include "models/processing/job_config.h"
#include "models/processing/operator.h"
#include "models/processing/task_manager.h"
#include "models/processing/vertex.h"
#include "sim/pool.h"
#include "sim/ring.h"

namespace freshet {

// What a checkpoint keeps of a subtask.
struct SubtaskState {
  std::vector<std::pair<PartitionId, Offset>> offsets;  // Of a source: the next ones.
  std::vector<std::shared_ptr<const Operator::State>> operators;
  int64_t emitted = 0;         // Records, from the start of the job as the state has it,
  int64_t late = 0;            // and those of them into the side output;
  std::vector<int64_t> taken;  // by input edge.
  Bytes size;                  // To upload.
  Bytes state_size;            // Of the operators, all in all.
  // Unaligned: what was under way. By input channel, and by output edge and channel.
  std::vector<std::vector<RecordRange>> arrived;
  std::vector<std::vector<std::vector<RecordRange>>> waiting;
  std::vector<std::pair<RecordRange, bool>> unsent;  // And whether it was late.
};

class Subtask final : public ChannelEnd, public OperatorContext {
 public:
  // What its job hears of it.
  class Owner {
   public:
    virtual ~Owner() = default;
    // All that it keeps for the checkpoint is safe. `failed`: it could not be made so.
    virtual void Acknowledge(CheckpointId checkpoint, Subtask* subtask, bool ok) = 0;
    virtual void WriteFailed() = 0;
    // The state of its task manager has outgrown the memory. It does nothing more until it is
    // stopped.
    virtual void OutOfMemory(TaskManager* host) = 0;
    virtual void PollEmptied(Subtask* subtask) = 0;
    virtual void Written(const RecordRange& records) = 0;
    // They go no further than this vertex, but into a side output if they were late.
    virtual void Settled(int vertex, const RecordSpan& records, SourceEffects::How how) = 0;
  };
  enum class Activity : uint8_t { kStopped, kIdle, kBusy, kBackPressured };

  Subtask(Simulation& sim, const JobConfig& config, Vertex* vertex, int vertex_number, int index,
          const RecordProfiles* profiles, Owner* owner);

  // --- Wiring, before the run ---

  // An edge of which it is an end; returns the place for its channels.
  size_t AddOutput(const EdgeConfig& edge);
  size_t AddInput(const EdgeConfig& edge);
  OutputPool* PoolOf(size_t output) { return &outputs_[output]->pool; }
  InputGate* GateOf(size_t input) { return inputs_[input].get(); }
  void AddChannelOut(size_t output, Channel* channel);
  void AddChannelIn(size_t input, Channel* channel);
  void AddPartition(PartitionId partition);
  // So many of the receivers of an output take part from now on, the first ones.
  void SetReceivers(size_t output, const EdgeConfig& edge, int receivers);
  // It takes no part in the next attempts: as if it had never had a record.
  void Rest();
  // A source: takes nothing more once it has taken its snapshot for this checkpoint.
  void HaltAfter(CheckpointId checkpoint) { halt_after_ = checkpoint; }

  // --- An attempt of the job ---

  // On this host, from this state; null: from nothing, at these offsets.
  void Start(TaskManager* host, const SubtaskState* state);
  // Unaligned: what was under way comes back, before anything runs. Of all subtasks what had
  // arrived, then what waited.
  void PutBackArrived(const SubtaskState& state);
  void PutBackWaiting(const SubtaskState& state);
  void Run();
  void Stop();
  // Its process is dead: the same, and nothing that it had emitted leaves any more.
  void Die();

  void TriggerCheckpoint(CheckpointId checkpoint);  // A source.
  void AbortCheckpoint(CheckpointId checkpoint);
  // The last one.
  std::shared_ptr<const SubtaskState> snapshot() const { return snapshot_; }
  ObjectId uploaded() const { return uploaded_; }

  // --- A source ---

  void AddPoll(const std::vector<RecordRange>& poll);
  void DropPolls();
  void Truncated(PartitionId partition, Offset end);
  int64_t polls_waiting() const { return polls_; }
  void SetNext(PartitionId partition, Offset next);

  void Wake() override;

  // --- Questions ---

  int vertex_number() const { return vertex_number_; }
  int index() const { return index_; }
  Vertex& vertex() { return *vertex_; }
  TaskManager* host() { return host_; }
  const OperatorConfig& last() const { return chain_.back()->config(); }
  bool IsSource() const { return vertex_->config().source.has_value(); }
  bool IsSink() const { return last().kind == OperatorKind::kSink; }
  const Operator& operator_at(size_t at) const { return *chain_[at]; }
  // Time until now.
  Duration TimeIn(Activity activity) const;
  Activity activity() const { return activity_; }
  Sink::WriterId writer() const { return writer_; }
  int64_t emitted() const { return emitted_; }
  int64_t taken(size_t input) const { return taken_[input]; }
  // Records that it holds outside of operators.
  int64_t Unsent(bool late) const;
  int64_t late() const { return late_; }
  // Of a state of this subtask: records that had arrived on an input.
  int64_t ArrivedIn(const SubtaskState& state, size_t input) const;
  std::vector<std::pair<PartitionId, Offset>> Offsets() const;
  Bytes StateSize() const;
  int64_t WritesUnderWay() const { return static_cast<int64_t>(writes_.in_use()); }
  void Audit() const;

  // --- OperatorContext ---

  Time CurrentTime() const override { return sim_.Now(); }
  Time Watermark() const override { return watermark_; }
  ComponentId Job() const override { return vertex_->job(); }
  ComponentId Part() const override { return vertex_->component_id(); }
  int Parallelism() const override { return vertex_->parallelism(); }
  int Index() const override { return index_; }
  const RecordProfiles* Profiles() const override { return profiles_; }
  void Emit(size_t at, const RecordRange& records) override;
  void EmitLate(size_t at, const RecordRange& records) override;
  void Ask(LookupService* service, int64_t questions, int64_t at_a_time) override;
  void Filtered(const RecordSpan& records) override;
  void CountResult(const Result& result) override;

 private:
  struct Output {
    Partitioning by;
    bool late;
    std::vector<int64_t> bounds;
    uint64_t purpose;
    size_t next = 0;  // kRebalance
    OutputPool pool;
    std::vector<Channel*> channels;
    size_t in_use = 0;  // The first ones.
  };
  struct Outgoing {
    Element element;
    bool late = false;
  };
  struct Split {
    PartitionId partition = 0;
    Offset next = 0;
    bool any = false;
    Time max;        // Event time.
    Time last_read;  // When the last record came.
  };
  struct Polled {
    RecordRange records;
    bool ends_poll = false;
  };

  void Loop();
  void Show(Activity activity);
  bool Drain();
  bool HasRoom(const Outgoing& unsent) const;
  void Send(const Outgoing& unsent);
  void Route(Output* output, const RecordRange& records);
  void Write(uint32_t write);
  void WriteEnded(uint32_t write, bool ok);
  // Its sink is in the middle of something that a snapshot, or more writes, would tear apart.
  bool SinkIsBusy() const { return preparing_ || WritesUnderWay() > 0; }
  bool TakeNext();
  bool TakeFromChannels();
  void Work(const RecordRange& records, bool changes = false);
  // Tells its task manager how large its state is now; false: there is no room for it.
  bool StateFits();
  void RunOutOfMemory();
  void Serve(Duration cost);
  void AskNext();
  void Served();
  void AdvanceTo(Time watermark, bool idle);
  void CombineWatermarks();

  // subtask_checkpoint.cc
  void TakeBarrier(Channel* channel, const Element& barrier);
  void BarrierArrived(CheckpointId checkpoint);
  void TakeSnapshot(CheckpointId checkpoint, bool unaligned);
  void ChannelStateComplete();
  void Serialise(CheckpointId checkpoint);
  void PartSafe(CheckpointId checkpoint, bool ok);
  void Unblock();
  size_t ChannelsInUse() const;

  // subtask_source.cc
  bool TakeFromPolls();
  void EmitWatermark();
  void WatermarkLater();

  Simulation& sim_;
  const JobConfig& config_;
  Vertex* const vertex_;
  const int vertex_number_;
  const int index_;
  const RecordProfiles* const profiles_;
  Owner* const owner_;
  TaskManager* host_ = nullptr;
  std::vector<std::unique_ptr<Operator>> chain_;
  std::vector<std::unique_ptr<Output>> outputs_;
  std::vector<std::unique_ptr<InputGate>> inputs_;
  std::vector<std::pair<Channel*, size_t>> channels_;  // Of all inputs, and which.
  size_t next_channel_ = 0;

  uint32_t life_ = 0;
  bool in_loop_ = false;
  bool again_ = false;
  bool serving_ = false;
  Ring<Outgoing> unsent_;
  Duration cost_;
  Bytes held_state_;  // As its task manager has it.
  struct Questions {
    LookupService* service;
    int64_t left;
    int64_t at_a_time;
  };
  Ring<Questions> questions_;  // Of the records in hand.
  int64_t asked_ = 0;          // Without answer.
  int64_t emitted_ = 0;
  int64_t late_ = 0;
  std::vector<int64_t> taken_;

  static constexpr Sink::WriterId kNoWriter = -1;
  Sink::WriterId writer_ = kNoWriter;
  struct UnderWay {
    RecordRange records;
    int64_t retries = 0;
  };
  Pool<UnderWay> writes_;
  bool preparing_ = false;

  Time watermark_ = Time::FromNanos(INT64_MIN);
  bool idle_sent_ = false;
  bool watermark_due_ = false;

  std::vector<Split> splits_;
  Ring<Polled> polled_;
  int64_t polls_ = 0;

  // The barrier that is waited for on all channels, and since when.
  CheckpointId aligning_ = 0;
  size_t barriers_ = 0;
  Time aligning_since_;
  CheckpointId barrier_due_ = 0;  // Complete: the snapshot is to be taken.
  CheckpointId urgent_ = 0;       // The same, unaligned.
  CheckpointId passed_ = 0;       // Barriers up to here are over.
  CheckpointId halt_after_ = 0;   // 0: it goes on.
  size_t channels_left_ = 0;      // Unaligned: whose barrier has not come.
  bool copying_ = false;
  CheckpointId current_ = 0;  // Whose snapshot is below.
  int parts_left_ = 0;
  bool parts_ok_ = true;
  std::shared_ptr<SubtaskState> snapshot_;
  ObjectId uploaded_ = 0;
  Bytes to_serialise_;  // Of its file.

  Activity activity_ = Activity::kStopped;
  Time since_;
  std::array<Duration, 4> time_in_ = {};
};

}  // namespace freshet

#endif  // FRESHET_MODELS_PROCESSING_SUBTASK_H_
