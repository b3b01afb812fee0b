// What all sinks say of themselves: what is visible in them how often (effect_ledger.h), how fresh
// it is, where the time went, and how far they are behind their sources.
//
// Staleness is that of docs/concepts.md: now minus the oldest creation among records that are
// appended and not settled here, which are those from where whoever writes went on last. What is
// lost before that never will be settled; it is counted as lost, and not as stale.
#ifndef FRESHET_MODELS_SINK_METERED_SINK_H_
#define FRESHET_MODELS_SINK_METERED_SINK_H_

#include <optional>
#include <vector>

#include "models/log/log_service.h"
#include "models/sink/effect_ledger.h"
#include "models/sink/sink.h"
#include "sim/stamps.h"

namespace freshet {

// Who knows which records were written wrong: the reader that could not read them and went on.
class RowJudge {
 public:
  virtual ~RowJudge() = default;
  virtual bool IsWrong(const RecordSpan& records) const = 0;
  // A file of the store that people see holds some of them.
  virtual void NoteFile(int64_t number) = 0;
};

class MeteredSink : public Sink {
 public:
  static constexpr MetricDef kFreshness = {
      "sink.freshness", MetricKind::kDistribution, MetricUnit::kDuration,
      "From the intended send of a record to its being visible in the store, for the first time."};
  static constexpr MetricDef kWrites = {"sink.writes", MetricKind::kCounter, MetricUnit::kCount,
                                        "Writes that the store has answered well."};
  static constexpr MetricDef kFailedWrites = {
      "sink.failed_writes", MetricKind::kCounter, MetricUnit::kCount,
      "Writes that were refused, or not answered in time: they may be there or not."};
  static constexpr MetricDef kInterpolated = {
      "sink.interpolated_records", MetricKind::kCounter, MetricUnit::kCount,
      "Visible records whose times are interpolated; the waterfall does not have them."};
  static constexpr MetricDef kLag = {"sink.lag", MetricKind::kGauge, MetricUnit::kCount,
                                     "Offsets below the high watermark and not settled here."};
  static constexpr MetricDef kStaleness = {"freshness.staleness", MetricKind::kGauge,
                                           MetricUnit::kDuration,
                                           "Now minus the oldest event time that is appended and "
                                           "not settled here, every second; 0 when there is none."};
  static constexpr MetricDef kVisible = {"effects.visible", MetricKind::kCounter,
                                         MetricUnit::kCount, "Records visible, each once."};
  static constexpr MetricDef kDuplicated = {
      "effects.duplicated", MetricKind::kCounter, MetricUnit::kCount,
      "Records that became visible once more beside themselves."};
  static constexpr MetricDef kReplaced = {
      "effects.replaced", MetricKind::kCounter, MetricUnit::kCount,
      "Records that were written again and replaced themselves: no harm but the work."};
  static constexpr MetricDef kReordered = {
      "effects.reordered", MetricKind::kCounter, MetricUnit::kCount,
      "Records that became visible after later ones of their partition and key group."};
  static constexpr MetricDef kFiltered = {"effects.filtered", MetricKind::kCounter,
                                          MetricUnit::kCount, "Records left out on purpose."};
  static constexpr MetricDef kLateDropped = {"effects.late_dropped", MetricKind::kCounter,
                                             MetricUnit::kCount,
                                             "Records dropped because they came too late."};
  static constexpr MetricDef kDeadLettered = {"effects.dead_lettered", MetricKind::kCounter,
                                              MetricUnit::kCount,
                                              "Records put aside as dead letters."};
  static constexpr MetricDef kCorrupt = {"effects.corrupt", MetricKind::kCounter,
                                         MetricUnit::kCount,
                                         "Records that came out wrong, visible ones among them."};
  static constexpr MetricDef kLost = {
      "effects.lost", MetricKind::kGauge, MetricUnit::kCount,
      "Records below where their reader went on from, which are neither visible nor settled."};
  static constexpr MetricDef kPhantom = {
      "effects.phantom", MetricKind::kCounter, MetricUnit::kCount,
      "Visible records that an election has cut from the log since."};
  // Of a sink whose feed has a contract only.
  static constexpr MetricDef kOtherVersion = {
      "contract.other_version_records", MetricKind::kCounter, MetricUnit::kCount,
      "Visible records of another schema version than the contract's, or that are wrong."};
  static constexpr MetricDef kTooLate = {
      "contract.late_records", MetricKind::kCounter, MetricUnit::kCount,
      "Visible records that were sent later after their event times than the contract has it."};
  static constexpr MetricDef kNotTracked = {
      "effects.not_tracked", MetricKind::kCounter, MetricUnit::kCount,
      "Effects on offsets so scattered that the ledger has folded them."};

  MeteredSink(Simulation& sim, absl::string_view name);

  // Its records come from there: lag and staleness are measured against it, each second.
  void AddSource(LogService* log, LogService::TopicPartitions partitions);

  MeteredSink* metered() override { return this; }
  // Rows are wrong if it says so when they become visible. REQUIRES: it outlives the sink.
  void JudgeRowsBy(RowJudge* judge) { judges_.push_back(judge); }
  // What the feed into it has promised; it is counted, and not enforced.
  struct Contract {
    std::optional<int32_t> schema_version;
    std::optional<Duration> lateness;
  };
  void Promise(const Contract& contract);
  EffectLedger& ledger() { return ledger_; }
  const EffectLedger& ledger() const { return ledger_; }
  const Waterfall& waterfall() const { return waterfall_; }
  // They never will be visible: EffectLedger::Settle().
  void Settle(const RecordSpan& records, EffectLedger::How how);
  // Metrics follow the ledger; who changes it by hand calls this.
  void ShowEffects();
  // Now minus the oldest creation that is appended and not settled here.
  Duration Staleness() const;
  // Whether a query is answered.
  virtual bool Readable() const { return true; }
  // Grows with all that the store does or is asked: what a fault could have touched.
  virtual int64_t WorkTouched() const { return writes_.Value() + failed_writes_.Value(); }

 protected:
  bool IsWrong(const RecordSpan& records) const;
  // What was drawn for the records of a source; null if it is not one of its own.
  const RecordProfiles* ProfilesOf(PartitionId partition) const;
  void NoteWrongFile(int64_t number);
  // Now. The trail goes on to here with a wait for `why` at this store, or service.
  void BecomeVisible(const RecordRange& records, EffectLedger::Again again, WaitFor why);
  // Where freshness is recorded a second time; null: nowhere.
  virtual Distribution* FreshnessToo() { return nullptr; }
  // Each second, for who shows it elsewhere, too.
  virtual void Sampled(int64_t /*lag*/, Duration /*staleness*/) {}
  void WriteEnded(bool ok) { (ok ? writes_ : failed_writes_).Add(1); }

 private:
  struct Source {
    LogService* log;
    LogService::TopicPartitions partitions;
  };
  void CountBreaches(const RecordRange& records, int64_t fresh, bool wrong);
  void Sample();
  void Audit() const;

  EffectLedger ledger_;
  std::vector<RowJudge*> judges_;
  int64_t wrong_ = 0;  // Visible, each once.
  Waterfall waterfall_;
  std::vector<Source> sources_;
  Contract contract_;
  Counter* other_version_ = nullptr;
  Counter* too_late_ = nullptr;
  Distribution& freshness_;
  Counter& writes_;
  Counter& failed_writes_;
  Counter& interpolated_;
  Gauge& lag_;
  Gauge& staleness_;
  Counter& visible_;
  Counter& duplicated_;
  Counter& replaced_;
  Counter& reordered_;
  Counter& filtered_;
  Counter& late_dropped_;
  Counter& dead_lettered_;
  Counter& corrupt_;
  Gauge& lost_;
  Counter& phantom_;
  Counter& not_tracked_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_SINK_METERED_SINK_H_
