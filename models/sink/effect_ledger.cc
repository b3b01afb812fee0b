#include "models/sink/effect_ledger.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

// Of one row: beyond it the lower half of the causes is told as one.
constexpr size_t kMostCauses = SourceEffects::kMostIntervals;

constexpr std::array<absl::string_view, kEffectCauseCount> kNames = {
    "none_known", "restart",   "rebalance",    "zombie",    "retry",
    "reset",      "retention", "commit_first", "truncated", "replay"};

void Bound(IntervalMap<EffectCause>* causes) {
  if (causes->size() <= kMostCauses) return;
  auto end = causes->begin();
  for (size_t i = 0; i < kMostCauses / 2; ++i) ++end;
  causes->Assign((*causes->begin()).low, (*end).low, (*causes->begin()).value);
}

}  // namespace

absl::string_view NameOf(EffectCause cause) { return kNames[static_cast<size_t>(cause)]; }

EffectLedger::Row& EffectLedger::RowOf(const RecordSpan& records) {
  Row& row = rows_[{records.partition, records.split}];
  if (!row.effects.begun()) row.effects.Begin(records.from);
  return row;
}

absl::btree_map<EffectLedger::Key, EffectLedger::Row>::const_iterator EffectLedger::FirstRow(
    PartitionId partition) const {
  const auto row = rows_.lower_bound({partition, std::numeric_limits<int32_t>::min()});
  return row != rows_.end() && row->first.first == partition ? row : rows_.end();
}

template <class Visit>
void EffectLedger::ForRowsOf(PartitionId partition, Visit&& visit) {
  for (auto at = rows_.lower_bound({partition, std::numeric_limits<int32_t>::min()});
       at != rows_.end() && at->first.first == partition; ++at)
    visit(at->second);
}

void EffectLedger::Begin(PartitionId partition, int32_t split, Offset at) {
  rows_[{partition, split}].effects.Begin(at);
}

int64_t EffectLedger::Visible(const RecordSpan& records, Again again) {
  Row& row = RowOf(records);
  // A zombie, or a replay, may write what is before all that was written so far.
  if (records.from < row.effects.start()) row.effects.Begin(records.from);
  int64_t fresh = 0;
  row.effects.Take(records.from, records.to, How::kDone, again,
                   [&](Offset low, Offset high, int32_t times) {
                     const int64_t count = records.CountIn(low, high);
                     if (times == 0) {
                       fresh += count;
                       const Offset late = std::clamp(row.furthest, low, high);
                       reordered_ += records.CountIn(low, late);
                       row.lost.Erase(low, high);
                     } else if (again == Again::kReplaces) {
                       replaced_ += count;
                     } else {
                       CountAgain(row, records, low, high);
                     }
                   });
  row.furthest = std::max(row.furthest, records.to);
  visible_ += fresh;
  return fresh;
}

void EffectLedger::CountAgain(const Row& row, const RecordSpan& records, Offset low, Offset high) {
  duplicated_ += records.CountIn(low, high);
  const auto count = [&](EffectCause cause, Offset from, Offset to) {
    duplicated_by_[static_cast<size_t>(cause)] += records.CountIn(from, to);
  };
  Offset at = low;
  for (auto next = row.excused.LowerBound(low); at < high; ++next) {
    const Offset until =
        next == row.excused.end() ? high : std::clamp<Offset>((*next).low, at, high);
    count(EffectCause::kNoneKnown, at, until);
    if (until == high) return;
    at = std::min<Offset>((*next).high, high);
    count((*next).value, until, at);
  }
}

void EffectLedger::Settle(const RecordSpan& records, How how) {
  SIM_REQUIRE(how != How::kDone);
  Row& row = RowOf(records);
  if (records.from < row.effects.start()) row.effects.Begin(records.from);
  row.effects.Take(records.from, records.to, how, Again::kReplaces,
                   [&](Offset low, Offset high, int32_t times) {
                     if (times > 0) return;
                     settled_[static_cast<size_t>(how)] += records.CountIn(low, high);
                     row.lost.Erase(low, high);
                   });
}

void EffectLedger::GoOn(PartitionId partition, Offset from, EffectCause lost, EffectCause again) {
  ForRowsOf(partition, [&](Row& row) {
    const Offset before = row.effects.reached();
    if (from > before) {
      row.effects.VisitMissing(before, from,
                               [&](Offset low, Offset high) { row.lost.Assign(low, high, lost); });
      row.effects.Reach(from);
      Bound(&row.lost);
    }
    if (from < row.furthest) row.excused.Assign(from, row.furthest, again);
    Bound(&row.excused);
  });
}

void EffectLedger::Explain(const RecordSpan& records, EffectCause cause) {
  Row& row = RowOf(records);
  row.excused.Assign(records.from, records.to, cause);
  Bound(&row.excused);
}

void EffectLedger::ExplainAll(EffectCause cause) {
  for (auto& [key, row] : rows_) {
    if (row.effects.start() < row.furthest) {
      row.excused.Assign(row.effects.start(), row.furthest, cause);
    }
  }
}

void EffectLedger::Cut(PartitionId partition, Offset end) {
  ForRowsOf(partition, [&](Row& row) {
    const int64_t before = row.effects.taken();
    row.effects.Cut(end);
    phantom_ += before - row.effects.taken();
    row.lost.Erase(end, INT64_MAX);
    row.excused.Erase(end, INT64_MAX);
    row.furthest = std::min(row.furthest, end);
  });
}

Offset EffectLedger::FirstUnsettled(PartitionId partition, Offset from) const {
  // Of several rows, the one that is furthest behind.
  Offset first = INT64_MAX;
  for (auto at = FirstRow(partition); at != rows_.end() && at->first.first == partition; ++at) {
    first = std::min(first, at->second.effects.FirstMissing(from));
  }
  return first == INT64_MAX ? from : first;
}

Offset EffectLedger::reached(PartitionId partition) const {
  const auto row = FirstRow(partition);
  return row == rows_.end() ? 0 : row->second.effects.reached();
}

int64_t EffectLedger::lost() const {
  int64_t lost = 0;
  for (const auto& [key, row] : rows_) lost += row.effects.missing();
  return lost;
}

int64_t EffectLedger::not_tracked() const {
  int64_t count = 0;
  for (const auto& [key, row] : rows_) count += row.effects.not_tracked();
  return count;
}

int64_t EffectLedger::lost_by(EffectCause cause) const {
  int64_t lost = 0;
  for (const auto& [key, row] : rows_) {
    for (auto at = row.lost.begin(); at != row.lost.end(); ++at) {
      if ((*at).value == cause) lost += (*at).high - (*at).low;
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
  for (const auto& [key, row] : rows_) {
    const std::string wrong = row.effects.Disagreement();
    SIM_CHECK(wrong.empty(), "inv.I16",
              absl::StrCat(owner, ": of partition ", key.first, " ", wrong));
  }
}

}  // namespace freshet
