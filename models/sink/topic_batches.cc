#include "models/sink/topic_batches.h"

#include <algorithm>
#include <utility>

#include "sim/check.h"

namespace freshet {
namespace {

// The header of a batch, as of any producer's.
constexpr Bytes kBatchOverhead(61);

}  // namespace

void TopicBatches::Take(const RecordRange& records, Completion<bool> done) {
  taken_ += records.bytes;
  open_.count += records.record_count();
  open_.records.push_back(records);
  open_.done.push_back(done);
}

TopicBatch TopicBatches::Close(Time now) {
  SIM_REQUIRE(!empty());
  TopicBatch closed = std::exchange(open_, TopicBatch());
  const Bytes bytes = std::exchange(taken_, Bytes(0));
  if (record_size_) {
    // Whole records; what is left of one goes with the next batch, but none is sent without.
    const Bytes all = rest_ + bytes;
    closed.count = std::max<int64_t>(1, all.count() / record_size_->count());
    rest_ = std::max(Bytes(0), all - *record_size_ * closed.count);
  }
  closed.bytes = bytes + kBatchOverhead;
  closed.partition =
      first_ + static_cast<PartitionId>(closed_++ % static_cast<int64_t>(partitions_));
  closed.closed_at = now;
  Time low = Time::Max();
  Time high = Time::FromNanos(INT64_MIN);
  for (const RecordRange& each : closed.records) {
    low = std::min(low, each.created.Earliest());
    high = std::max(high, std::max(each.created.first, each.created.high));
  }
  // They keep the time of the records that they come of.
  if (closed.count == 1) high = low;
  closed.created = {low, 1, low, high};
  return closed;
}

void TopicBatches::Drop() {
  open_ = TopicBatch();
  taken_ = Bytes(0);
}

}  // namespace freshet
