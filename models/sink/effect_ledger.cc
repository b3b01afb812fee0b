#include "models/sink/effect_ledger.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

// Of one row: beyond it the lower half of the causes is told as one.
constexpr size_t kMostCauses = SourceEffects::kMostIntervals;

constexpr std::array<absl::string_view, kEffectCauseCount> kNames = {
    "none_known", "restart", "rebalance",           "zombie",
    "retry",      "reset",   "retention",           "commit_first",
    "truncated",  "replay",  "transaction_timeout", "overwritten"};

void Bound(IntervalMap<EffectCause>* causes) {
  if (causes->size() <= kMostCauses) return;
  auto end = causes->begin();
  for (size_t i = 0; i < kMostCauses / 2; ++i) ++end;
  causes->Assign((*causes->begin()).low, (*end).low, (*causes->begin()).value);
}

}  // namespace

absl::string_view NameOf(EffectCause cause) { return kNames[static_cast<size_t>(cause)]; }

EffectLedger::Row& EffectLedger::RowOf(const RecordSpan& records) {
  Row& row = rows_[records.partition];
  // A zombie, or a replay, may write what is before all that was written so far.
  if (!row.effects.begun() || records.from < row.effects.start()) row.effects.Begin(records.from);
  return row;
}

void EffectLedger::Begin(PartitionId partition, Offset at) { rows_[partition].effects.Begin(at); }

int64_t EffectLedger::Visible(const RecordSpan& records, Again again, Time now) {
  Row& row = RowOf(records);
  int64_t fresh = 0;
  Row::Order& order = row.order_of[records.split];
  if (order.at < now) {
    order.before = order.furthest;
    order.at = now;
  }
  row.effects.Take(
      records, How::kDone, again, [&](const RecordSpan& part, SourceEffects::Effect before) {
        if (before.times == 0 || before.how != How::kDone) {
          const int64_t count = part.record_count();
          if (before.times > 0 && before.how == How::kOverwritten) {
            settled_[static_cast<size_t>(before.how)] -= count;  // It is back.
            return;
          }
          fresh += count;
          if (before.times > 0) settled_[static_cast<size_t>(before.how)] -= count;
          reordered_ += part.CountIn(part.from, std::clamp(order.before, part.from, part.to));
          if (count == part.to - part.from) row.lost.Erase(part.from, part.to);
        } else if (again == Again::kReplaces) {
          replaced_ += part.record_count();
        } else {
          CountAgain(row, part);
        }
      });
  order.furthest = std::max(order.furthest, records.to);
  row.furthest = std::max(row.furthest, records.to);
  visible_ += fresh;
  return fresh;
}

void EffectLedger::CountAgain(const Row& row, const RecordSpan& records) {
  duplicated_ += records.record_count();
  const auto count = [&](EffectCause cause, Offset from, Offset to) {
    duplicated_by_[static_cast<size_t>(cause)] += records.CountIn(from, to);
  };
  Offset at = records.from;
  for (auto next = row.excused.LowerBound(at); at < records.to; ++next) {
    const Offset until =
        next == row.excused.end() ? records.to : std::clamp<Offset>((*next).low, at, records.to);
    count(EffectCause::kNoneKnown, at, until);
    if (until == records.to) return;
    at = std::min<Offset>((*next).high, records.to);
    count((*next).value, until, at);
  }
}

void EffectLedger::Settle(const RecordSpan& records, How how) {
  SIM_REQUIRE(how != How::kDone);
  RowOf(records).effects.Take(records, how, Again::kReplaces,
                              [&](const RecordSpan& part, SourceEffects::Effect before) {
                                if (before.times > 0) return;
                                settled_[static_cast<size_t>(how)] += part.record_count();
                              });
}

void EffectLedger::Lose(const RecordSpan& records, EffectCause cause) {
  const int64_t before = settled(How::kDeleted);
  Settle(records, How::kDeleted);
  given_up_by_[static_cast<size_t>(cause)] += settled(How::kDeleted) - before;
}

void EffectLedger::Overwrite(const RecordSpan& records) {
  const auto entry = rows_.find(records.partition);
  if (entry == rows_.end()) return;
  SourceEffects& effects = entry->second.effects;
  const auto take = [&](Offset from, Offset to) {
    RecordSpan part = records;
    part.from = from;
    part.to = to;
    effects.Take(part, How::kOverwritten, Again::kReplaces,
                 [&](const RecordSpan& each, SourceEffects::Effect before) {
                   if (before.how != How::kDone) return;
                   settled_[static_cast<size_t>(How::kOverwritten)] += each.record_count();
                 });
  };
  // An election may have cut some of them from the log: they are phantoms, and not lost.
  std::vector<std::pair<Offset, Offset>> missing;
  effects.VisitMissing(records.from, records.to,
                       [&](Offset low, Offset high) { missing.emplace_back(low, high); });
  Offset at = records.from;
  for (const auto& [low, high] : missing) {
    if (at < low) take(at, low);
    at = high;
  }
  if (at < records.to) take(at, records.to);
}

void EffectLedger::GoOn(PartitionId partition, Offset from, EffectCause lost, EffectCause again) {
  const auto entry = rows_.find(partition);
  if (entry == rows_.end()) return;
  Row& row = entry->second;
  const Offset before = row.effects.reached();
  if (from > before) {
    row.effects.VisitMissing(before, from,
                             [&](Offset low, Offset high) { row.lost.Assign(low, high, lost); });
    row.effects.Reach(from);
    Bound(&row.lost);
  }
  if (from < row.furthest) row.excused.Assign(from, row.furthest, again);
  Bound(&row.excused);
}

void EffectLedger::Explain(const RecordSpan& records, EffectCause cause) {
  Row& row = RowOf(records);
  row.excused.Assign(records.from, records.to, cause);
  Bound(&row.excused);
}

void EffectLedger::ExplainAll(EffectCause cause) {
  for (auto& [partition, row] : rows_) {
    if (row.effects.start() < row.furthest) {
      row.excused.Assign(row.effects.start(), row.furthest, cause);
    }
  }
}

void EffectLedger::Cut(PartitionId partition, Offset end) {
  const auto entry = rows_.find(partition);
  if (entry == rows_.end()) return;
  Row& row = entry->second;
  const int64_t before = row.effects.taken();
  row.effects.Cut(end);
  phantom_ += before - row.effects.taken();
  row.lost.Erase(end, INT64_MAX);
  row.excused.Erase(end, INT64_MAX);
  row.furthest = std::min(row.furthest, end);
  for (auto& [split, order] : row.order_of) {
    order.furthest = std::min(order.furthest, end);
    order.before = std::min(order.before, end);
  }
}

EffectLedger::Tally EffectLedger::TallyIn(PartitionId partition, Offset from, Offset to) const {
  Tally tally;
  tally.missing = to - from;
  const auto entry = rows_.find(partition);
  if (entry == rows_.end()) return tally;
  tally.not_tracked = entry->second.effects.NotTrackedIn(from, to);
  tally.missing -= tally.not_tracked;
  entry->second.effects.VisitSettled(from, to, [&](int64_t records, SourceEffects::Effect effect) {
    tally.missing -= records;
    if (effect.how == How::kDone) {
      tally.visible += records;
      tally.again += records * (effect.times - 1);
    } else {
      tally.settled[static_cast<size_t>(effect.how)] += records;
    }
  });
  return tally;
}

Offset EffectLedger::FirstUnsettled(PartitionId partition, Offset from) const {
  const auto row = rows_.find(partition);
  return row == rows_.end() ? from : row->second.effects.FirstMissing(from);
}

Offset EffectLedger::reached(PartitionId partition) const {
  const auto row = rows_.find(partition);
  return row == rows_.end() ? 0 : row->second.effects.reached();
}

int64_t EffectLedger::lost() const {
  int64_t lost = settled(How::kDeleted) + settled(How::kOverwritten);
  for (const auto& [partition, row] : rows_) lost += row.effects.missing();
  return lost;
}

int64_t EffectLedger::not_tracked() const {
  int64_t count = 0;
  for (const auto& [partition, row] : rows_) count += row.effects.not_tracked();
  return count;
}

int64_t EffectLedger::lost_by(EffectCause cause) const {
  int64_t lost = given_up_by_[static_cast<size_t>(cause)];
  if (cause == EffectCause::kRetention) {
    lost += settled(How::kDeleted);
    for (const int64_t given_up : given_up_by_) lost -= given_up;
  }
  if (cause == EffectCause::kOverwritten) lost += settled(How::kOverwritten);
  for (const auto& [partition, row] : rows_) {
    for (auto at = row.lost.begin(); at != row.lost.end(); ++at) {
      if ((*at).value == cause) lost += row.effects.MissingIn((*at).low, (*at).high);
    }
  }
  return lost;
}

void EffectLedger::Audit(absl::string_view owner) const {
  int64_t by_cause = 0;
  for (const int64_t count : duplicated_by_) by_cause += count;
  SIM_CHECK(by_cause == duplicated_, "inv.I16",
            absl::StrCat(owner, ": ", duplicated_, " records twice, by cause ", by_cause));
  SIM_CHECK(
      duplicated_by(EffectCause::kNoneKnown) == 0 && lost_by(EffectCause::kNoneKnown) == 0,
      "inv.I16",
      absl::StrCat(owner, ": without a known cause ", duplicated_by(EffectCause::kNoneKnown),
                   " records are twice in it, and ", lost_by(EffectCause::kNoneKnown), " lost"));
  for (const auto& [partition, row] : rows_) {
    const std::string wrong = row.effects.Disagreement();
    SIM_CHECK(wrong.empty(), "inv.I16",
              absl::StrCat(owner, ": of partition ", partition, " ", wrong));
  }
}

}  // namespace freshet
