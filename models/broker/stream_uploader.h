// Uploads of a shared-storage broker: from what its log cache holds into objects that last, and
// into the index of who is where.
//
// An upload asks the controller for its objects, writes them, and commits. A partition of
// split_size or more gets a stream object of its own, and so does one that is alone; the others
// share a stream-set object. Uploads ask one after the other, write side by side, and commit in the
// order in which they came. One in line is written no faster than its bytes came in, or those of
// any before it: bytes / min(20 s, age), and bursts when there is no time for that.
//
// An object that cannot be written is tried again until it is there.
//
// Left out: the blocks and the index inside an object. docs/models/s3stream.md has the sources.
#ifndef FRESHET_MODELS_BROKER_STREAM_UPLOADER_H_
#define FRESHET_MODELS_BROKER_STREAM_UPLOADER_H_

#include <cstdint>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "models/log/log_cache.h"
#include "models/log/stream_objects.h"
#include "models/network/network_limiter.h"
#include "models/storage/object_writer.h"
#include "sim/component.h"
#include "sim/ring.h"
#include "sim/sampler.h"
#include "sim/units.h"

namespace freshet {

class StreamUploader : public Component {
 public:
  struct Config {
    Bytes split_size;
    Sampler metadata_latency;  // Of a request to the controller.
  };
  enum class Pace : uint8_t { kAsItCame, kBurst };
  // Uploads of another broker's log do not wait for this one's.
  enum class Order : uint8_t { kInLine, kApart };

  static constexpr MetricDef kUploads = {"broker.uploads", MetricKind::kCounter, MetricUnit::kCount,
                                         "Uploads of the log's tail that were committed."};
  static constexpr MetricDef kUploadedBytes = {"broker.uploaded_bytes", MetricKind::kCounter,
                                               MetricUnit::kBytes,
                                               "Bytes of uploads that were committed."};
  static constexpr MetricDef kUploadTime = {
      "broker.upload_time", MetricKind::kDistribution, MetricUnit::kDuration,
      "From the beginning of an upload to its commit, waiting in line included."};

  // Writes under `prefix`, for the broker with index `owner`. REQUIRES: all pointers outlive it.
  StreamUploader(Simulation& sim, absl::string_view name, ObjectStore* store, PrefixId prefix,
                 ObjectWriter* writer, NetworkLimiter* outbound, StreamObjects* objects,
                 int32_t owner, const Config& config);

  // Uploads `parts`, which have gathered since `opened_at`. `committed` fires with `tag` when they
  // are in the index. REQUIRES: parts is not empty.
  void Upload(const std::vector<LogCache::Part>& parts, Time opened_at, Pace pace, Order order,
              uint64_t tag, Completion<uint64_t> committed);
  // All that is under way is written as fast as it can be.
  void Burst();
  // The process dies. Returns the objects that may be there and that nobody knows of.
  // REQUIRES: the client and the writer drop their calls too.
  std::vector<ObjectId> DropAll();

  bool idle() const { return tasks_.empty(); }

 private:
  struct NewObject {
    ObjectId object;
    Bytes size;
    bool stream_set;
    Duration starts_after;  // From the beginning of the writing, at the task's pace.
    std::vector<StreamExtent> extents;
  };
  struct Task {
    std::vector<NewObject> objects;
    size_t started = 0;
    size_t written = 0;
    bool may_write = false;
    Order order;
    uint64_t tag;
    Completion<uint64_t> committed;
    Time began_at;
    Time write_from;
    Bytes bytes;
    EventId next_start;
  };
  using TaskId = uint64_t;

  void Prepare(TaskId id);
  void StartWriting(TaskId id);
  void StartObjects(TaskId id);
  void Write(TaskId id, size_t index);
  void Written(TaskId id, size_t index, ObjectResult result);
  void CommitNext();
  void AskCommit(TaskId id);
  void Commit(TaskId id);
  Duration MetadataLatency();

  const Config config_;
  ObjectStore* const store_;
  const PrefixId prefix_;
  ObjectWriter* const writer_;
  NetworkLimiter* const outbound_;
  StreamObjects* const objects_;
  const int32_t owner_;
  Sampler metadata_latency_;
  RandomStream metadata_stream_;
  absl::btree_map<TaskId, Task> tasks_;
  Ring<TaskId> prepare_line_;
  Ring<TaskId> commit_line_;
  bool committing_ = false;
  TaskId next_task_ = 1;
  uint32_t life_ = 0;
  BytesPerSecond highest_rate_;
  Counter& uploads_;
  Counter& uploaded_bytes_;
  Distribution& upload_time_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_BROKER_STREAM_UPLOADER_H_
