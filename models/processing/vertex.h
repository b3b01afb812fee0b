// A vertex of a job: operators that run in one task each subtask, and what is measured of them
// together.
#ifndef FRESHET_MODELS_PROCESSING_VERTEX_H_
#define FRESHET_MODELS_PROCESSING_VERTEX_H_

#include <array>
#include <cstdint>

#include "models/processing/job_config.h"
#include "sim/component.h"
#include "sim/units.h"

namespace freshet {

class Vertex : public Component {
 public:
  static constexpr MetricDef kRecordsIn = {"task.records_in", MetricKind::kCounter,
                                           MetricUnit::kCount,
                                           "Records that its operators have taken, those that were "
                                           "read again included."};
  static constexpr MetricDef kRecordsOut = {
      "task.records_out", MetricKind::kCounter, MetricUnit::kCount,
      "Records emitted or written, those that were read again included."};
  static constexpr MetricDef kFiltered = {"task.records_filtered", MetricKind::kCounter,
                                          MetricUnit::kCount, "Records that did not pass."};
  static constexpr MetricDef kLate = {
      "task.records_late", MetricKind::kCounter, MetricUnit::kCount,
      "Records dropped, or put into the side output, since their windows were over."};
  static constexpr MetricDef kUpdates = {
      "task.late_updates", MetricKind::kCounter, MetricUnit::kCount,
      "Records that came after their windows had fired, within the allowed lateness."};
  static constexpr MetricDef kWindows = {"task.windows_fired", MetricKind::kCounter,
                                         MetricUnit::kCount, "Windows fired, by subtask."};
  static constexpr MetricDef kRows = {"task.window_rows", MetricKind::kCounter, MetricUnit::kCount,
                                      "Rows of their results."};
  static constexpr MetricDef kInTime = {"task.window_records", MetricKind::kCounter,
                                        MetricUnit::kCount,
                                        "Records that were in the first result of their windows."};
  static constexpr MetricDef kCompleteness = {
      "task.completeness", MetricKind::kGauge, MetricUnit::kRatioBillionths,
      "Of the records of windows that have fired, the share that was in the first result, as of "
      "the "
      "last sample: late updates and what was dropped as late were not."};
  static constexpr MetricDef kState = {"task.state_bytes", MetricKind::kGauge, MetricUnit::kBytes,
                                       "State of its operators, as of the last sample."};
  static constexpr MetricDef kActivity[4] = {
      {"task.stopped", MetricKind::kGauge, MetricUnit::kCount, "Subtasks that do not run."},
      {"task.idle", MetricKind::kGauge, MetricUnit::kCount, "Subtasks that have nothing to do."},
      {"task.busy", MetricKind::kGauge, MetricUnit::kCount, "Subtasks that work."},
      {"task.back_pressured", MetricKind::kGauge, MetricUnit::kCount,
       "Subtasks that wait for room downstream."}};
  static constexpr MetricDef kAlignment = {
      "task.alignment_time", MetricKind::kDistribution, MetricUnit::kDuration,
      "From the first barrier of a checkpoint until the last one, by subtask."};
  static constexpr MetricDef kRetries = {
      "task.write_retries", MetricKind::kCounter, MetricUnit::kCount,
      "Writes that its sink has refused, or not answered in time, and that were tried again."};
  static constexpr MetricDef kBottleneck = {
      "task.bottleneck", MetricKind::kGauge, MetricUnit::kCount,
      "1 while it is the bottleneck: the last vertex that keeps one before it back-pressured, and "
      "is not so itself."};

  Vertex(Simulation& sim, absl::string_view name, const VertexConfig& config, ComponentId job)
      : Component(sim, name),
        config_(config),
        job_(job),
        parallelism_(config.parallelism),
        records_in(AddCounter(kRecordsIn)),
        records_out(AddCounter(kRecordsOut)),
        filtered(AddCounter(kFiltered)),
        late(AddCounter(kLate)),
        state(AddGauge(kState)),
        activity{&AddGauge(kActivity[0]), &AddGauge(kActivity[1]), &AddGauge(kActivity[2]),
                 &AddGauge(kActivity[3])},
        alignment(AddDistribution(kAlignment)),
        bottleneck(AddGauge(kBottleneck)) {
    activity[0]->Set(config.subtasks());
    if (config.chain.back().most_retries > 0) retries = &AddCounter(kRetries);
    for (const OperatorConfig& each : config.chain) {
      if (each.kind != OperatorKind::kWindow || updates != nullptr) continue;
      updates = &AddCounter(kUpdates);
      in_time = &AddCounter(kInTime);
      completeness = &AddGauge(kCompleteness);
      completeness->Set(Ratio::One().billionths());
      windows = &AddCounter(kWindows);
      rows = &AddCounter(kRows);
    }
  }

  const VertexConfig& config() const { return config_; }
  // Now; the config has that of the start.
  int parallelism() const { return parallelism_; }
  void SetParallelism(int parallelism) { parallelism_ = parallelism; }
  // Of windows, from the counters.
  void SetCompleteness() {
    if (completeness == nullptr) return;
    const int64_t all = in_time->Value() + updates->Value() + late.Value();
    if (all == 0) return;
    completeness->Set(MulDivFloor(in_time->Value(), Ratio::One().billionths(), all));
  }
  // Whom trails name: the job, so that they have room for all of it; waits name the vertex as what
  // held them up.
  ComponentId job() const { return job_; }

 private:
  const VertexConfig config_;
  const ComponentId job_;
  int parallelism_;

 public:
  Counter& records_in;
  Counter& records_out;
  Counter& filtered;
  Counter& late;
  Gauge& state;
  std::array<Gauge*, 4> activity;
  Distribution& alignment;
  Gauge& bottleneck;
  // Of a sink that is tried again only.
  Counter* retries = nullptr;
  // With windows only.
  Counter* updates = nullptr;
  Counter* in_time = nullptr;
  Gauge* completeness = nullptr;
  Counter* windows = nullptr;
  Counter* rows = nullptr;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_PROCESSING_VERTEX_H_
