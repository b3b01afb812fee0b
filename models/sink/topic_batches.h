// What a writer to a topic gathers before it sends: batches that are full at batch.size, or old
// enough at linger.ms, and go to the topic's partitions in turn, whatever the keys in them.
//
// A record of the topic is one of those that came; or, where rows are written that many records
// went into, as many of `record_size` as the bytes make.
#ifndef FRESHET_MODELS_SINK_TOPIC_BATCHES_H_
#define FRESHET_MODELS_SINK_TOPIC_BATCHES_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "models/log/record_range.h"
#include "sim/callback.h"
#include "sim/units.h"

namespace freshet {

// Records that become one batch of the topic, and who waits for it.
struct TopicBatch {
  PartitionId partition = 0;
  std::vector<RecordRange> records;
  std::vector<Completion<bool>> done;
  int64_t count = 0;  // Of the topic's records.
  Bytes bytes;        // With the batch's header.
  CreatedTimes created;
  Time closed_at;
  int32_t attempts = 0;
  int64_t sequence = 0;
  // Its writer has died since it left.
  bool orphan = false;
};

class TopicBatches {
 public:
  TopicBatches(PartitionId first, int partitions, Bytes batch_size,
               std::optional<Bytes> record_size)
      : first_(first),
        partitions_(partitions),
        batch_size_(batch_size),
        record_size_(record_size) {}

  bool empty() const { return open_.records.empty(); }
  // Whether the open batch has to go before `records` are taken.
  bool IsFullFor(const RecordRange& records) const {
    return !empty() && taken_ + records.bytes > batch_size_;
  }
  bool IsFull() const { return taken_ >= batch_size_; }
  void Take(const RecordRange& records, Completion<bool> done);
  // The open batch, which is empty then. REQUIRES: !empty().
  TopicBatch Close(Time now);
  void Drop();

 private:
  const PartitionId first_;
  const int partitions_;
  const Bytes batch_size_;
  const std::optional<Bytes> record_size_;
  TopicBatch open_;
  Bytes taken_;  // Of records, in the open batch.
  Bytes rest_;   // Below one record_size_, of those before.
  int64_t closed_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_SINK_TOPIC_BATCHES_H_
