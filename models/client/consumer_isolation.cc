// What transactions withhold from Consumers: markers from everybody, and from read_committed the
// records of aborted transactions. They are fetched with the others and thrown away here.
#include <algorithm>

#include "models/client/consumers.h"

namespace freshet {

void Consumers::CountIsolated(Member& member, const Part& part) {
  const FetchedRange& done = part.range;
  const TransactionIndex& transactions = *log_->LogOf(done.partition).transactions();
  transactions.Split(done.from, done.to, config_.isolation,
                     [&](Offset from, Offset to, std::optional<TransactionIndex::Withheld> why) {
                       if (!why) {
                         CountGiven(member, part, from, to);
                         return;
                       }
                       int64_t count = to - from;
                       if (group_ != nullptr) {
                         count = Take(done.partition - topic_.first, from, to,
                                      SourceEffects::How::kWithheld);
                       }
                       if (*why == TransactionIndex::Withheld::kMarker) {
                         markers_ += count;
                       } else {
                         aborted_->Add(count);
                       }
                     });
}

int64_t Consumers::GivenOf(const FetchedRange& range) const {
  const TransactionIndex* transactions = log_->LogOf(range.partition).transactions();
  const int64_t all = range.to - range.from;
  if (transactions == nullptr) return all;
  return all - transactions->WithheldIn(range.from, range.to, config_.isolation);
}

void Consumers::AddTransactionWait(const LogRange& range, int64_t records, const Part& part,
                                   StampTrail<>* trail) const {
  const TransactionIndex* transactions = log_->LogOf(part.range.partition).transactions();
  if (transactions == nullptr) return;
  const TransactionIndex::Held* held = transactions->HolderOf(range.base_offset);
  if (held == nullptr || held->until <= trail->End()) return;
  const Time until = std::min(held->until, part.answered_at);
  if (until <= trail->End()) return;
  transaction_wait_->Record(until - trail->End(), records);
  trail->AddWait(until, Milestone::kFetched, WaitFor::kBarrier, range.batch.leader_component,
                 held->component);
}

}  // namespace freshet
