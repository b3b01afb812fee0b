// The operators of one task that takes records by the poll or by the batch: each hands on to the
// next, and what comes out at the end waits until whoever runs the task sends it on. Tasks of
// Kafka Streams' kind and of Spark's kind have one; subtasks of Flink's kind have channels instead
// (subtask.h).
//
// Left out: lookups.
#ifndef FRESHET_MODELS_PROCESSING_OPERATOR_CHAIN_H_
#define FRESHET_MODELS_PROCESSING_OPERATOR_CHAIN_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "models/log/source_effects.h"
#include "models/processing/operator.h"
#include "sim/simulation.h"

namespace freshet {

class OperatorChain final : public OperatorContext {
 public:
  // Who hears of records that go no further, and of windows.
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void Settled(const RecordSpan& records, SourceEffects::How how) = 0;
    virtual void Fired(int64_t windows, int64_t rows) = 0;
  };
  // What is kept of it; never changed.
  using State = std::vector<std::shared_ptr<const Operator::State>>;

  // `job` and `part` are what trails name; `parallelism`: of its siblings, which share the keys.
  // REQUIRES: all outlive it; at least one operator.
  OperatorChain(Simulation& sim, const std::vector<OperatorConfig>& operators, ComponentId job,
                ComponentId part, int parallelism, Listener* listener);

  // Return what they cost. What comes of it is added to out().
  Duration Take(const RecordRange& records);
  // Event time has come to there; back: nothing happens.
  Duration AdvanceTo(Time watermark);
  std::vector<RecordRange>& out() { return out_; }

  State Snapshot() const;
  // Empty: as at the start. Its watermark is the beginning of time again.
  void Restore(const State& state);
  Bytes StateSize() const;
  // Bytes of state that were written since the last call.
  Bytes TakeWritten();

  // --- OperatorContext ---

  Time CurrentTime() const override { return sim_.Now(); }
  Time Watermark() const override { return watermark_; }
  ComponentId Job() const override { return job_; }
  ComponentId Part() const override { return part_; }
  int Parallelism() const override { return parallelism_; }
  int Index() const override { return 0; }  // Only a broadcast, which no application has, asks.
  void Emit(size_t at, const RecordRange& records) override;
  void EmitLate(size_t at, const RecordRange& records) override;
  void Ask(LookupService* service, int64_t questions, int64_t at_a_time) override;
  void Filtered(const RecordSpan& records) override;
  void CountResult(const Result& result) override;

 private:
  Simulation& sim_;
  const ComponentId job_;
  const ComponentId part_;
  const int parallelism_;
  Listener* const listener_;
  std::vector<std::unique_ptr<Operator>> chain_;
  std::vector<RecordRange> out_;
  Duration cost_;
  Time watermark_ = Time::FromNanos(INT64_MIN);
};

}  // namespace freshet

#endif  // FRESHET_MODELS_PROCESSING_OPERATOR_CHAIN_H_
