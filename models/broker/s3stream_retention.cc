// What S3StreamCluster keeps in object storage: retention, and what is there when the run begins.
#include <algorithm>

#include "models/broker/s3stream_cluster.h"

namespace freshet {

void S3StreamCluster::HoldHistory() {
  // As compaction leaves it: stream objects of one size for partitions that have a split size or
  // more, and one object with all the others for each broker.
  std::vector<std::vector<PartitionId>> small(brokers_.size());
  for (PartitionId id = 0; id < partitions_.size(); ++id) {
    const PartitionLog& log = partitions_[id].log;
    const Offset start = log.log_start_offset();
    objects_.BeginAt(id, start);
    if (log.bytes() == Bytes(0)) continue;
    const BrokerId leader = partitions_[id].leader;
    const StreamCompactor::Config& compacted =
        config_.brokers[static_cast<size_t>(leader)].compactor;
    if (log.bytes() < compacted.split_size) {
      small[static_cast<size_t>(leader)].push_back(id);
      continue;
    }
    const int64_t records = log.log_end_offset() - start;
    const int64_t count =
        std::min(MulDivCeil(log.bytes().count(), 1, compacted.joined_bytes.count()), records);
    for (int64_t i = 0; i < count; ++i) {
      const Offset from = start + MulDivFloor(records, i, count);
      const Offset to = start + MulDivFloor(records, i + 1, count);
      const Bytes bytes = log.BytesBetween(from, to);
      const ObjectId object = store_->NewObject(broker(leader).compacted());
      store_->SetObject(object, bytes);
      objects_.AddObject(object, bytes, /*stream_set=*/false, leader);
      objects_.Commit({id, from, to, bytes, object, Bytes(0), 0});
    }
  }
  for (BrokerId leader = 0; leader < broker_count(); ++leader) {
    const std::vector<PartitionId>& together = small[static_cast<size_t>(leader)];
    if (together.empty()) continue;
    Bytes size;
    for (const PartitionId id : together) size += partitions_[id].log.bytes();
    const ObjectId object = store_->NewObject(broker(leader).compacted());
    store_->SetObject(object, size);
    objects_.AddObject(object, size, /*stream_set=*/true, leader);
    Bytes before;
    for (const PartitionId id : together) {
      const PartitionLog& log = partitions_[id].log;
      objects_.Commit(
          {id, log.log_start_offset(), log.log_end_offset(), log.bytes(), object, before, 0});
      before += log.bytes();
    }
  }
  ShowObjects();
}

void S3StreamCluster::ApplyRetention() {
  for (PartitionId id = 0; id < partitions_.size(); ++id) {
    const Partition& partition = partitions_[id];
    // A stream is trimmed by the broker that has it open.
    if (placements_[id].state != State::kServed || !broker(partition.leader).up()) continue;
    // What waits in a write-ahead log goes into objects first, however old it is.
    const Offset from = std::min(partition.log.RetainedFrom(TopicOf(partition).retention, Now()),
                                 objects_.EndOf(id));
    if (from <= partition.log.log_start_offset()) continue;
    ExpireLog(id, from);
    objects_.Trim(id, partition.log.log_start_offset());
  }
  ShowObjects();
}

}  // namespace freshet
