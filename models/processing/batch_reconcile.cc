// What stream and batch differ in, record by record, when the batch's result is published.
#include <optional>

#include "models/processing/batch_lane.h"

namespace freshet {

void BatchLane::Reconcile() {
  const EffectLedger& ledger = compares_->ledger();
  int64_t drift = 0;
  for (size_t slot = 0; slot < parts_.size(); ++slot) {
    const Part& part = parts_[slot];
    const PartitionId partition = PartitionOf(slot);
    const TransactionIndex* transactions = log_->LogOf(partition).transactions();
    if (transactions == nullptr) {
      drift += CompareWith(ledger, partition, part.begin, part.end);
      continue;
    }
    transactions->Split(part.begin, part.end, config_.consumers.isolation,
                        [&](Offset from, Offset to, std::optional<TransactionIndex::Withheld> why) {
                          if (!why) {
                            drift += CompareWith(ledger, partition, from, to);
                            return;
                          }
                          // The batch has none of these.
                          const int64_t seen = ledger.TallyIn(partition, from, to).visible;
                          wrong_.Add(seen);
                          drift += seen;
                        });
  }
  drift_.Set(drift);
  sim().recorder().Mark(RecordLevel::kState, lane_, "reconciled", Now(), drift,
                        drift > 0 ? Severity::kWarning : Severity::kNotice);
}

int64_t BatchLane::CompareWith(const EffectLedger& ledger, PartitionId partition, Offset from,
                               Offset to) {
  using How = EffectLedger::How;
  const EffectLedger::Tally tally = ledger.TallyIn(partition, from, to);
  int64_t drift = 0;
  const auto count = [&drift](Counter& counter, int64_t records) {
    counter.Add(records);
    drift += records;
  };
  // What is settled as deleted is lost; what a filter has left out, the batch leaves out, too.
  count(missing_, tally.missing + tally.settled_as(How::kDeleted));
  count(late_, tally.settled_as(How::kLateDropped));
  count(doubled_, tally.again);
  count(wrong_, tally.settled_as(How::kCorrupt) + tally.settled_as(How::kDeadLettered) +
                    tally.settled_as(How::kQuarantined));
  not_tracked_.Add(tally.not_tracked);
  return drift;
}

}  // namespace freshet
