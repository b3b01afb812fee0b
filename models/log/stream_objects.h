// Where a shared log lies in object storage: which range of which partition is in which object, as
// the controller knows it.
//
// An upload commits extents: one for each partition whose records it holds, each beginning where
// the partition's last one ends. An object holds one partition's records (a stream object) or those
// of many (a stream-set object). Compaction puts extents in the place of those they were made of;
// an object that nothing refers to any more is told, and its bytes are garbage. Retention trims a
// partition: extents that end at its log start or before it go.
//
// Held to by Audit(): inv.I13, the extents of a partition have no gap and do not overlap, from the
// log's beginning, or what was trimmed, to what was uploaded; and every object's count of extents
// is right.
//
// Left out: the index inside an object, and its bytes. docs/models/s3stream.md says the rest.
#ifndef FRESHET_MODELS_LOG_STREAM_OBJECTS_H_
#define FRESHET_MODELS_LOG_STREAM_OBJECTS_H_

#include <cstdint>
#include <vector>

#include "absl/container/btree_map.h"
#include "models/log/batch.h"
#include "models/log/partition_log.h"
#include "models/storage/object_request.h"
#include "sim/time.h"
#include "sim/units.h"

namespace freshet {

// Part of a partition, in one object.
struct StreamExtent {
  PartitionId partition = 0;
  Offset from = 0;
  Offset to = 0;
  Bytes bytes;
  ObjectId object = 0;
  Bytes object_offset;
  // Bytes of the partition's extents before it: what caches count in. Set when it is committed.
  int64_t position = 0;

  int64_t end_position() const { return position + bytes.count(); }
  // Where `offset` lies, evenly between both ends.
  int64_t PositionOf(Offset offset) const {
    return position + MulDivFloor(bytes.count(), offset - from, to - from);
  }
};

struct StreamObject {
  Bytes size;
  bool stream_set = false;  // Of many partitions.
  int32_t owner = 0;        // The broker that wrote it.
  int64_t extents = 0;      // That refer to it.
};

class StreamObjects {
 public:
  explicit StreamObjects(size_t partitions) : streams_(partitions), starts_(partitions) {}

  // A partition whose records below `offset` were deleted before the run. REQUIRES: it is empty.
  void Begin(PartitionId partition, Offset offset);

  // What an object is, before extents refer to it. REQUIRES: nothing is known of it.
  void AddObject(ObjectId object, Bytes size, bool stream_set, int32_t owner);
  // REQUIRES: the extent begins at EndOf() its partition and its object is known.
  void Commit(StreamExtent extent);
  // Puts `merged` in the place of the partition's extents between merged.from and merged.to, and
  // appends the objects that nothing refers to any more to `unused`.
  // REQUIRES: extents begin and end there and their bytes are those of `merged`.
  void Replace(StreamExtent merged, std::vector<ObjectId>* unused);

  // Forgets the extents of a partition that end at `offset` or before it, and appends the objects
  // that nothing refers to any more to `unused`.
  void Trim(PartitionId partition, Offset offset, std::vector<ObjectId>* unused);

  size_t partition_count() const { return streams_.size(); }
  // What is uploaded of a partition: from its first extent to the end of its last.
  Offset StartOf(PartitionId partition) const { return starts_[partition].offset; }
  Offset EndOf(PartitionId partition) const {
    const auto& extents = streams_[partition];
    return extents.empty() ? starts_[partition].offset : extents.back().to;
  }
  int64_t EndPositionOf(PartitionId partition) const {
    const auto& extents = streams_[partition];
    return extents.empty() ? starts_[partition].position : extents.back().end_position();
  }
  const std::vector<StreamExtent>& ExtentsOf(PartitionId partition) const {
    return streams_[partition];
  }
  // The extent that holds an offset or a position. REQUIRES: it is uploaded.
  const StreamExtent& At(PartitionId partition, Offset offset) const;
  const StreamExtent& AtPosition(PartitionId partition, int64_t position) const;

  const absl::btree_map<ObjectId, StreamObject>& objects() const { return objects_; }
  int64_t stream_set_objects() const { return stream_set_objects_; }
  int64_t stream_objects() const {
    return static_cast<int64_t>(objects_.size()) - stream_set_objects_;
  }

  void Audit() const;

 private:
  friend class StreamObjectsTestPeer;  // Breaks what the audit must notice.

  struct Start {
    Offset offset = 0;
    int64_t position = 0;
  };

  void Refer(ObjectId object) { ++objects_.at(object).extents; }
  void Release(ObjectId object, std::vector<ObjectId>* unused);

  std::vector<std::vector<StreamExtent>> streams_;  // By partition, in order.
  std::vector<Start> starts_;                       // By partition.
  absl::btree_map<ObjectId, StreamObject> objects_;
  int64_t stream_set_objects_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_LOG_STREAM_OBJECTS_H_
