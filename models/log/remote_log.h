// What a partition of a tiered topic has in remote storage: its copied segments, as the topic of
// remote log metadata tells them to every broker.
//
// They follow one another without a gap, from the remote log start to the remote log end; between
// the remote log end and the end of the log there are local segments alone. A segment that
// retention has passed is a deleted one until its objects are gone.
//
// Held to by Audit(): inv.I14, remote and local segments together cover the log.
#ifndef FRESHET_MODELS_LOG_REMOTE_LOG_H_
#define FRESHET_MODELS_LOG_REMOTE_LOG_H_

#include <cstdint>

#include "models/log/partition_log.h"
#include "models/storage/object_request.h"
#include "sim/ring.h"
#include "sim/units.h"

namespace freshet {

// A closed segment of a log, local or remote.
struct ClosedSegment {
  Offset base_offset = 0;
  Offset end_offset = 0;
  int64_t position = 0;  // Bytes of the log before it, since the log began.
  Bytes bytes;
};

struct RemoteSegment {
  ClosedSegment range;
  ObjectId log = 0;
  ObjectId indexes = 0;
  ObjectId manifest = 0;
};

class RemoteLog {
 public:
  // REQUIRES: it begins where the last one ends, if there is any.
  void Add(const RemoteSegment& segment);
  // Segments that end at `offset` or before it are deleted.
  void DeleteBelow(Offset offset);
  // The objects of the oldest deleted segment are gone. REQUIRES: deleted() is not empty.
  void Forget() { deleted_.pop_front(); }

  bool empty() const { return segments_.empty(); }
  size_t size() const { return segments_.size(); }
  // The first offset that no remote segment holds, 0 if there never was any.
  Offset end_offset() const { return end_offset_; }
  Bytes bytes() const { return bytes_; }
  // The segment that holds `offset`; null where none does. Valid until the next change.
  const RemoteSegment* Find(Offset offset) const;
  const Ring<RemoteSegment>& deleted() const { return deleted_; }

  // `local_start` is where the local log starts.
  void Audit(const PartitionLog& log, Offset local_start) const;

 private:
  friend class RemoteLogTestPeer;  // Breaks what the audit must notice.

  Ring<RemoteSegment> segments_;
  Ring<RemoteSegment> deleted_;
  Offset end_offset_ = 0;
  Bytes bytes_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_LOG_REMOTE_LOG_H_
