// A batch: a contiguous range of records of one partition with counts, bytes and times. Never a
// record object, never payload.
//
// When its records were created is kept as an evenly spaced row (the first record apart, since
// under a linger timer it waits longest): enough for exact sums and for latency distributions over
// many batches; see models/workload/arrivals.h.
#ifndef FRESHET_MODELS_LOG_BATCH_H_
#define FRESHET_MODELS_LOG_BATCH_H_

#include <cstdint>

#include "models/log/record_mark.h"
#include "sim/metric.h"
#include "sim/time.h"
#include "sim/units.h"

namespace freshet {

using PartitionId = uint32_t;  // Index over all partitions of the cluster's topics.
using ProducerId = uint32_t;
inline constexpr ProducerId kNoProducer = UINT32_MAX;

// The intended creation times of a batch's records.
struct CreatedTimes {
  // The first record of each batch: one, or one for each batch of a parcel.
  Time first;
  int64_t first_count = 1;
  // The others lie evenly on [low, high]; both are `first` where there are none.
  Time low;
  Time high;

  Time Earliest() const { return first < low ? first : low; }

  // Sum over the records of (at - created), in nanoseconds. REQUIRES: at >= every creation.
  __int128 SumUntil(Time at, int64_t record_count) const {
    const __int128 first_wait = (at - first).nanos();
    return first_wait * first_count +
           Histogram::EvenSum((at - high).nanos(), (at - low).nanos(), record_count - first_count);
  }
  // Records each record's (at - created) into `distribution`; returns SumUntil().
  __int128 RecordUntil(Time at, int64_t record_count, Distribution& distribution) const {
    distribution.Record(at - first, first_count);
    const __int128 first_wait = (at - first).nanos();
    return first_wait * first_count + distribution.RecordEvenly((at - high).nanos(),
                                                                (at - low).nanos(),
                                                                record_count - first_count);
  }
  // Moves all by `later`: a parcel's batches were made one after the other and leave together.
  void Shift(Duration later) {
    first += later;
    low += later;
    high += later;
  }
};

// A marker is a control batch of one record: it ends its producer's transaction in the partition,
// takes one offset, and no reader is given it.
enum class BatchKind : uint8_t { kPlain, kTransactional, kCommitMarker, kAbortMarker };
inline constexpr bool IsMarker(BatchKind kind) { return kind >= BatchKind::kCommitMarker; }

struct Batch {
  // First what every look-up in a log asks for.
  int64_t record_count = 0;
  Bytes bytes;  // On the wire and on disk, after compression.
  PartitionId partition = 0;
  ProducerId producer = 0;
  // The producer's numbering per partition, in batches, anew for each epoch: a broker tells a
  // repetition, a successor and a gap apart by it. Of a transactional producer the epoch is the one
  // that its coordinator has given out; the sequence of a marker is the number of the transaction.
  int32_t producer_epoch = 0;
  // The producer's numbering over all partitions, in the order in which batches close; it stays
  // through retries. What is drawn for the records of a batch is drawn by it (record_profiles.h).
  uint32_t number = 0;
  int64_t sequence = 0;
  int32_t attempts = 0;
  // acks 0 or 1: the producer has been told that it is safe; a failover may still lose it, legally.
  bool acked_before_replication = false;
  // What it waited for, at its producer and then at its broker, was a quota's throttle.
  bool throttled_at_producer = false;
  bool throttled_at_broker = false;
  BatchKind kind = BatchKind::kPlain;
  int32_t batch_count = 1;  // How many real batches this parcel stands for (the run's resolution),
  int32_t request_count = 1;  // and how many real requests bring them.
  CreatedTimes created;

  // Milestones; each is set once, in this order (docs/concepts.md).
  Time closed_at;    // The accumulator let it go: full, or its linger was over.
  Time sent_at;      // A request took it: an in-flight slot was free.
  Time resent_at;    // The request that got through left: later than sent_at after retries.
  Time received_at;  // The request's last byte is at the broker.
  Time taken_at;     // The broker's cores began to work on it.
  Time appended_at;  // In the leader's log (in memory; a flush counts as waiting for durable).
  Time durable_at;   // The high watermark passed it.
  // Who had it: for the waterfall.
  ComponentId producer_component = 0;
  ComponentId leader_component = 0;
  ComponentId durable_blocker = 0;    // Whose acknowledgement moved the high watermark.
  const BatchMarks* marks = nullptr;  // Null: nothing sets its records apart.
};

}  // namespace freshet

#endif  // FRESHET_MODELS_LOG_BATCH_H_
