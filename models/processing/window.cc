#include "models/processing/window.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "models/processing/record_split.h"
#include "sim/check.h"
#include "sim/hash.h"

namespace freshet {
namespace {

// How finely it is told how much of its session is still to come for a record; and how many records
// are told alike at the least, so that a buffer's does not fall into single records.
constexpr int64_t kPlacesInSession = 8;
constexpr int64_t kRecordsOfPlace = 16;

int64_t RecordsOf(const std::vector<RecordRange>& parts) {
  int64_t records = 0;
  for (const RecordRange& part : parts) records += part.record_count();
  return records;
}

}  // namespace

WindowOperator::WindowOperator(const OperatorConfig& config, OperatorContext* context, size_t at)
    : Operator(config, context, at), window_(config.window) {
  SIM_REQUIRE(window_.slide > Duration::Zero() && window_.size >= window_.slide &&
              window_.size.nanos() % window_.slide.nanos() == 0);
}

uint64_t WindowOperator::FoldOf(const RecordRange& records) {
  uint64_t hash = MixHash(records.partition, static_cast<uint64_t>(records.from));
  hash = MixHash(hash, static_cast<uint64_t>(records.to));
  hash = MixHash(hash, static_cast<uint64_t>(records.low));
  hash = MixHash(hash, static_cast<uint64_t>(records.high));
  return MixHash(hash, static_cast<uint64_t>(records.split));
}

int64_t WindowOperator::RowsOf(int64_t records) const {
  if (window_.join) {
    constexpr int64_t kAll = 1'000'000'000;
    return MulDivFloor(records, window_.join->rows_per_record.billionths(), kAll);
  }
  if (window_.session) {
    // Exact in the sum of all that went out.
    const int64_t each = window_.session->records;
    return (counts_.out + records) / each - counts_.out / each;
  }
  const int parallelism = context_->Parallelism();
  return std::min(records, std::max<int64_t>(1, window_.keys / parallelism));
}

Bytes WindowOperator::StateOf(const Pane& pane) const {
  if (window_.all_records) return pane.bytes;
  if (window_.session) {
    return window_.state_per_row * MulDivCeil(pane.records, 1, window_.session->records);
  }
  return window_.state_per_row * RowsOf(pane.records);
}

void WindowOperator::Process(const RecordRange& records) {
  cost_ = Duration::Zero();
  if (!window_.session) return Sort(records, Duration::Zero());
  // A short range lies in some of the places, in which is anybody's guess: over many ranges all are
  // taken alike.
  const int64_t parts =
      std::clamp<int64_t>(records.record_count() / kRecordsOfPlace, 1, kPlacesInSession);
  const uint64_t first =
      MixHash(MixHash(purpose_, records.partition), static_cast<uint64_t>(records.from));
  for (int64_t k = 0; k < parts; ++k) {
    const RecordRange part = TakeShare(records, k, k + 1, parts, MixHash(purpose_, uint64_t{1}));
    const auto place =
        static_cast<int64_t>((first + static_cast<uint64_t>(k * kPlacesInSession / parts)) %
                             static_cast<uint64_t>(kPlacesInSession));
    const Duration rest = window_.session->length * (2 * place + 1) / (2 * kPlacesInSession);
    if (part.record_count() > 0) Sort(part, rest + window_.session->gap);
  }
}

void WindowOperator::Sort(const RecordRange& records, Duration later) {
  // In whole steps, rounded up.
  const int64_t step = window_.slide.nanos();
  const Duration shift = Nanoseconds(MulDivCeil(later.nanos(), 1, step) * step);
  ForEachSlice(records, context_->Profiles(), window_.slide,
               [&](Time slice, const RecordRange& part) {
                 const Time start = slice + shift;
                 const Time last_end = start + window_.size;
                 const Time watermark = context_->Watermark();
                 if (last_end <= watermark && watermark - last_end >= window_.allowed_lateness) {
                   counts_.late += part.record_count();
                   context_->EmitLate(at_, part);
                   return;
                 }
                 if (last_end <= fired_until_) {
                   std::vector<RecordRange> update = {part};
                   counts_.buffered += part.record_count();
                   fold_ += FoldOf(part);
                   Match(&update);
                   Send(&update, RowsOf(RecordsOf(update)));
                   context_->CountResult({0, 0, 0, part.record_count()});
                   return;
                 }
                 Add(start, part);
               });
}

void WindowOperator::Add(Time start, const RecordRange& records) {
  Pane& pane = panes_[start];
  const Bytes before = StateOf(pane);
  pane.records += records.record_count();
  pane.bytes += records.bytes;
  pane.unsent.push_back(records);
  counts_.buffered += records.record_count();
  fold_ += FoldOf(records);
  state_ += StateOf(pane) - before;
  // An aggregate is written anew for each record.
  written_ += window_.all_records ? records.bytes : window_.state_per_row * records.record_count();
}

Duration WindowOperator::AdvanceTo(Time watermark) {
  cost_ = Duration::Zero();
  while (!panes_.empty()) {
    const Time first_end = panes_.begin()->first + window_.slide;
    const Time next = fired_until_ < first_end
                          ? first_end
                          : SliceStart(fired_until_, window_.slide) + window_.slide;
    if (next > watermark) break;
    Fire(next);
    // What no window to come holds, is gone.
    while (!panes_.empty() && panes_.begin()->first + window_.size <= next) {
      state_ -= StateOf(panes_.begin()->second);
      panes_.erase(panes_.begin());
    }
  }
  fired_until_ = std::max(fired_until_, watermark);
  return cost_;
}

void WindowOperator::Fire(Time end) {
  int64_t records = 0;
  std::vector<RecordRange> parts;
  for (auto pane = panes_.lower_bound(end - window_.size);
       pane != panes_.end() && pane->first < end; ++pane) {
    records += pane->second.records;
    for (RecordRange& part : pane->second.unsent) parts.push_back(std::move(part));
    pane->second.unsent.clear();
  }
  fired_until_ = end;
  if (records == 0) return;
  context_->CountResult({1, 0, RecordsOf(parts), 0});
  Match(&parts);
  Send(&parts, RowsOf(window_.join ? RecordsOf(parts) : records));
}

void WindowOperator::Match(std::vector<RecordRange>* parts) {
  if (!window_.join) return;
  constexpr int64_t kAll = 1'000'000'000;
  for (RecordRange& part : *parts) {
    const RecordRange matched =
        TakeShare(part, 0, window_.join->matched.billionths(), kAll, purpose_);
    fold_ += FoldOf(matched) - FoldOf(part);
    counts_.buffered -= part.record_count() - matched.record_count();
    FilterAllBut(matched, part);
    part = matched;
  }
}

void WindowOperator::Send(std::vector<RecordRange>* parts, int64_t rows) {
  context_->CountResult({0, rows, 0, 0});
  cost_ += config_.cpu_per_row * rows;
  const int64_t total = std::max<int64_t>(1, RecordsOf(*parts));
  const int64_t bytes = (window_.bytes_per_row * rows).count();
  int64_t before = 0;
  for (RecordRange& part : *parts) {
    const int64_t count = part.record_count();
    fold_ -= FoldOf(part);
    counts_.buffered -= count;
    part.bytes =
        Bytes(MulDivFloor(bytes, before + count, total) - MulDivFloor(bytes, before, total));
    before += count;
    part.trail.AddWait(std::max(part.trail.End(), context_->CurrentTime()), Milestone::kProcessed,
                       WaitFor::kBarrier, context_->Job(), context_->Part());
    Emit(part);
  }
}

std::shared_ptr<const Operator::State> WindowOperator::Snapshot() const {
  auto state = std::make_shared<WindowState>();
  state->counts = counts_;
  state->panes = panes_;
  state->fired_until = fired_until_;
  state->fold = fold_;
  return state;
}

void WindowOperator::Restore(const State* state) {
  Operator::Restore(state);
  panes_.clear();
  state_ = Bytes(0);
  fold_ = 0;
  fired_until_ = Time::FromNanos(INT64_MIN);
  if (state == nullptr) return;
  const auto& kept = static_cast<const WindowState&>(*state);
  panes_ = kept.panes;
  fired_until_ = kept.fired_until;
  int64_t buffered = 0;
  for (const auto& [start, pane] : panes_) {
    state_ += StateOf(pane);
    for (const RecordRange& part : pane.unsent) {
      fold_ += FoldOf(part);
      buffered += part.record_count();
    }
  }
  SIM_CHECK(fold_ == kept.fold && buffered == counts_.buffered, "inv.I17",
            absl::StrCat(config_.name, ": restored ", buffered, " records, the checkpoint holds ",
                         counts_.buffered));
}

std::shared_ptr<Operator::State> WindowOperator::Gather(const std::vector<Slice>& slices) const {
  auto gathered = std::make_shared<WindowState>();
  // All have come to the same watermark at the barrier.
  gathered->fired_until = Time::Max();
  for (const Slice& slice : slices) {
    const auto& from = static_cast<const WindowState&>(*slice.state);
    gathered->fired_until = std::min(gathered->fired_until, from.fired_until);
    const auto share = [&slice](int64_t all) {
      return MulDivFloor(all, slice.to, slice.width) - MulDivFloor(all, slice.from, slice.width);
    };
    for (const auto& [start, pane] : from.panes) {
      Pane part;
      // Those that went out with an earlier window, which only slides know.
      part.records = share(pane.records - RecordsOf(pane.unsent));
      part.bytes = Bytes(share(pane.bytes.count()));
      for (const RecordRange& each : pane.unsent) {
        RecordRange taken = TakeShare(each, slice.from, slice.to, slice.width, purpose_);
        const int64_t count = taken.record_count();
        if (count == 0) continue;
        part.records += count;
        gathered->counts.buffered += count;
        gathered->fold += FoldOf(taken);
        part.unsent.push_back(std::move(taken));
      }
      if (part.records == 0) continue;
      Pane& pane_of_all = gathered->panes[start];
      pane_of_all.records += part.records;
      pane_of_all.bytes += part.bytes;
      for (RecordRange& each : part.unsent) pane_of_all.unsent.push_back(std::move(each));
    }
  }
  return gathered;
}

Bytes WindowOperator::StateSize() const { return state_; }

}  // namespace freshet
