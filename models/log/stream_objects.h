// Where a shared log lies in object storage: which range of which partition is in which object, as
// the controller knows it.
//
// An upload commits extents: one for each partition whose records it holds, each beginning where
// the partition's last one ends. An object holds one partition's records (a stream object) or those
// of many (a stream-set object). Compaction puts extents in the place of those they were made of;
// an object that nothing refers to any more is told, and its bytes are garbage.
//
// Held to by Audit(): inv.I13, the extents of a partition have no gap and do not overlap, from the
// log's beginning to what was uploaded; and every object's count of extents is right.
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
  explicit StreamObjects(size_t partitions) : streams_(partitions) {}

  // The partition begins at `offset`: there was more before the run. REQUIRES: nothing is uploaded.
  void BeginAt(PartitionId partition, Offset offset);
  // What an object is, before extents refer to it. REQUIRES: nothing is known of it.
  void AddObject(ObjectId object, Bytes size, bool stream_set, int32_t owner);
  // REQUIRES: the extent begins at EndOf() its partition and its object is known.
  void Commit(StreamExtent extent);
  // Puts `merged` in the place of the partition's extents between merged.from and merged.to, but
  // for those that are trimmed, and appends the objects that nothing refers to any more to
  // `unused`. REQUIRES: extents begin and end there and their bytes are those of `merged`.
  void Replace(StreamExtent merged, std::vector<ObjectId>* unused);
  // The object was to take the place of others, and all that it holds is trimmed: forgets it.
  void DropIfUnused(ObjectId object, std::vector<ObjectId>* unused);
  // The partition starts at `offset` now: extents that end there or before it leave. Objects that
  // are left without any wait for TakeExpired(). REQUIRES: offset <= EndOf(partition).
  void Trim(PartitionId partition, Offset offset);
  // Objects that trims have left with nothing that counts, and that match(const Expired&).
  struct Expired {
    ObjectId object;
    bool stream_set;
    int32_t owner;
    PartitionId partition;  // Whose trim was the last.
  };
  template <class Match>
  std::vector<ObjectId> TakeExpired(Match&& match);

  size_t partition_count() const { return streams_.size(); }
  // What is uploaded of a partition, up to where, and what of it is not trimmed: objects hold
  // whole extents, so the first one may begin before StartOf().
  Offset EndOf(PartitionId partition) const { return streams_[partition].end; }
  int64_t EndPositionOf(PartitionId partition) const { return streams_[partition].end_position; }
  Offset StartOf(PartitionId partition) const { return streams_[partition].start; }
  Offset FirstHeld(PartitionId partition) const {
    const Stream& stream = streams_[partition];
    return stream.extents.empty() ? stream.end : stream.extents.front().from;
  }
  int64_t FirstPositionOf(PartitionId partition) const {
    const Stream& stream = streams_[partition];
    return stream.extents.empty() ? stream.end_position : stream.extents.front().position;
  }
  const std::vector<StreamExtent>& ExtentsOf(PartitionId partition) const {
    return streams_[partition].extents;
  }
  // The extent that holds an offset or a position. REQUIRES: it is uploaded, and held.
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

  struct Stream {
    std::vector<StreamExtent> extents;  // In order.
    Offset start = 0;
    Offset end = 0;
    int64_t end_position = 0;
  };

  void Refer(ObjectId object) { ++objects_.at(object).extents; }
  // Returns true when it was the last: the object is forgotten.
  bool Unrefer(ObjectId object);
  void Forget(ObjectId object);

  std::vector<Stream> streams_;  // By partition.
  absl::btree_map<ObjectId, StreamObject> objects_;
  int64_t stream_set_objects_ = 0;
  std::vector<Expired> expired_;
};

template <class Match>
std::vector<ObjectId> StreamObjects::TakeExpired(Match&& match) {
  std::vector<ObjectId> taken;
  size_t kept = 0;
  for (const Expired& object : expired_) {
    if (match(object)) {
      taken.push_back(object.object);
    } else {
      expired_[kept++] = object;
    }
  }
  expired_.resize(kept);
  return taken;
}

}  // namespace freshet

#endif  // FRESHET_MODELS_LOG_STREAM_OBJECTS_H_
