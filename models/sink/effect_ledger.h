// What became of each record of a source in one store: how often it is visible there, or what
// settled it elsewhere; and why, where it is not exactly once.
//
// Who writes to the store tells when it goes on from an offset, and why (GoOn): what lies below and
// has not been settled is lost, until it comes after all; what lies above may come again. A record
// that is lost or twice without such a reason is an error of ours: inv.I16. A store that replaces
// what is written again has it once, and counts what it replaced.
//
// Counts are of records, exact: a span that was filtered or split says which of its batch's records
// it has, and who filters settles the others. Only their order is kept for each part of a split.
#ifndef FRESHET_MODELS_SINK_EFFECT_LEDGER_H_
#define FRESHET_MODELS_SINK_EFFECT_LEDGER_H_

#include <array>
#include <cstdint>

#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "models/log/record_range.h"
#include "models/log/source_effects.h"
#include "sim/interval_map.h"
#include "sim/time.h"

namespace freshet {

// Why records are lost, or there again.
enum class EffectCause : uint8_t {
  kNoneKnown,
  kRestart,      // Whoever wrote has died, and went back to its last safe offset.
  kRebalance,    // A partition got another reader, which went on from what was committed.
  kZombie,       // One wrote that was not to write any more.
  kRetry,        // A write without an answer was written again.
  kReset,        // An operator, or auto.offset.reset.
  kRetention,    // The log had deleted them.
  kCommitFirst,  // Offsets were committed before the records were safe.
  kTruncated,    // The log lost them in an election.
  kReplay,       // On purpose.
  kTimedOut,     // Their transaction was aborted before it was committed.
  kOverwritten,  // They were visible, and an overwrite has put something else in their place.
};
inline constexpr int kEffectCauseCount = 12;
// "commit_first": snake_case, for marks and reports.
absl::string_view NameOf(EffectCause cause);

class EffectLedger {
 public:
  using How = SourceEffects::How;
  using Again = SourceEffects::Again;

  // The store's concern with the source begins at `at`; without, where the first record of it is.
  void Begin(PartitionId partition, Offset at);
  // They are visible from now on, beside what is there of them or in place of it. Returns how many
  // for the first time. What becomes visible at one instant, a commit, has no order.
  int64_t Visible(const RecordSpan& records, Again again, Time now);
  // They never will be, and that is settled: not kDone. Those that were deleted are lost. Should
  // they become visible after all, they are that and no more.
  void Settle(const RecordSpan& records, How how);
  // The same, and they are lost for this reason.
  void Lose(const RecordSpan& records, EffectCause cause);
  // They were visible, and something else is in their place now: lost, until they are visible
  // again. What is not visible of them stays as it is.
  void Overwrite(const RecordSpan& records);
  // See above. Nothing of a source that has not begun.
  void GoOn(PartitionId partition, Offset from, EffectCause lost, EffectCause again);
  // These may come again.
  void Explain(const RecordSpan& records, EffectCause cause);
  // All that is visible may: whoever wrote has died.
  void ExplainAll(EffectCause cause);
  // The log was cut at `end`, and its offsets are given anew: what was visible beyond is of records
  // that the log does not have.
  void Cut(PartitionId partition, Offset end);

  // What became of the records [from, to). They are `visible`, or settled, or `missing`, or not
  // tracked any more.
  struct Tally {
    int64_t visible = 0;  // Each once, and what a filter has left out: it is kept with them.
    int64_t again = 0;    // These times more.
    std::array<int64_t, 8> settled = {};  // By How, but for those two.
    int64_t missing = 0;
    int64_t not_tracked = 0;
    int64_t settled_as(How how) const { return settled[static_cast<size_t>(how)]; }
  };
  Tally TallyIn(PartitionId partition, Offset from, Offset to) const;

  bool Knows(PartitionId partition) const { return rows_.contains(partition); }
  // From `from` on, the first offset that is not settled; `from` of a source that is not known.
  Offset FirstUnsettled(PartitionId partition, Offset from) const;
  // The last offset that GoOn() or Begin() was told.
  Offset reached(PartitionId partition) const;

  // Records. Visible, each once, those that were overwritten since among them:
  int64_t visible() const { return visible_; }
  int64_t duplicated() const { return duplicated_; }  // and these again,
  int64_t replaced() const { return replaced_; }      // or again in place of themselves.
  // For the first time, after later ones of the same part of the same source.
  int64_t reordered() const { return reordered_; }
  int64_t settled(How how) const { return settled_[static_cast<size_t>(how)]; }
  int64_t phantom() const { return phantom_; }
  int64_t lost() const;
  int64_t not_tracked() const;
  int64_t duplicated_by(EffectCause cause) const {
    return duplicated_by_[static_cast<size_t>(cause)];
  }
  int64_t lost_by(EffectCause cause) const;

  // inv.I16, and the sums.
  void Audit(absl::string_view owner) const;

 private:
  friend class EffectLedgerTestPeer;  // Breaks what the audit must notice.

  struct Row {
    SourceEffects effects;
    IntervalMap<EffectCause> excused;  // What may come again,
    IntervalMap<EffectCause> lost;     // and why what is missing is.
    // Visible, for the order: of each part of a split; and of all.
    struct Order {
      Offset furthest = 0;
      Offset before = 0;  // This instant:
      Time at;
    };
    absl::btree_map<int32_t, Order> order_of;
    Offset furthest = 0;
  };

  Row& RowOf(const RecordSpan& records);
  void CountAgain(const Row& row, const RecordSpan& records);

  absl::btree_map<PartitionId, Row> rows_;
  int64_t visible_ = 0;
  int64_t duplicated_ = 0;
  int64_t replaced_ = 0;
  int64_t reordered_ = 0;
  int64_t phantom_ = 0;
  std::array<int64_t, 9> settled_ = {};  // By How.
  std::array<int64_t, kEffectCauseCount> duplicated_by_ = {};
  std::array<int64_t, kEffectCauseCount> given_up_by_ = {};  // By Lose(), of those kDeleted.
};

}  // namespace freshet

#endif  // FRESHET_MODELS_SINK_EFFECT_LEDGER_H_
