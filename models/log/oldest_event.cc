#include "models/log/oldest_event.h"

#include <algorithm>

namespace freshet {
namespace {

// How far a coalesced range is searched, whose event times are drawn by cells anyway.
constexpr int64_t kSearched = 8 * RecordProfiles::kCell;

Time OldestIn(const LogRange& range, Offset from, PartitionId partition, const PartitionLog& log,
              const RecordProfiles& profiles) {
  Offset to = range.end_offset();
  if (range.coalesced) to = std::min(to, from + kSearched);
  Time oldest = Time::Max();
  log.VisitMarks(from, to, [&](Offset low, Offset high, const RecordMark& mark) {
    const Time least = profiles.OldestEvent(StretchOf(range, partition, low, high, mark));
    oldest = std::min(oldest, least);
  });
  return oldest;
}

}  // namespace

void OldestEvent::Forget() {
  while (!entries_.empty()) entries_.pop_front();
  seen_ = 0;
}

Time OldestEvent::From(Offset from, PartitionId partition, const PartitionLog& log,
                       const RecordProfiles& profiles) {
  const Offset end = log.log_end_offset();
  if (from < from_) Forget();
  from_ = from;
  if (from >= end) return Time::Max();
  // The range that `from` lies in shrinks with it; of those behind it the ones that no later one
  // undercuts are kept.
  Time oldest = Time::Max();
  Offset next = from;
  log.Read(from, end, Bytes(0), [&](const LogRange& range, int64_t, Bytes) {
    oldest = OldestIn(range, from, partition, log, profiles);
    next = range.end_offset();
  });
  Offset at = std::max(seen_, next);
  if (at < end) {
    log.Read(at, end, Bytes(INT64_MAX / 4), [&](const LogRange& range, int64_t records, Bytes) {
      const Time least = OldestIn(range, at, partition, log, profiles);
      while (!entries_.empty() && entries_.back().oldest >= least) entries_.pop_back();
      entries_.push_back({at, least});
      at += records;
    });
  }
  seen_ = end;
  while (!entries_.empty() && entries_.front().base < next) entries_.pop_front();
  return entries_.empty() ? oldest : std::min(oldest, entries_.front().oldest);
}

}  // namespace freshet
