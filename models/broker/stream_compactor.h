// Compaction of a shared-storage broker: it reads objects and writes them anew, so that a
// partition's records lie together and objects stay few.
//
// Every `interval` it takes the stream-set objects that it wrote and that share a partition: a
// partition with split_size or more in them gets stream objects of its own, the others a new
// stream-set object together. Every `stream_interval` it joins neighbouring stream objects of the
// partitions that it leads, up to joined_bytes. Reading is spread over `interval` less a minute and
// waits, as writing does, in the limiter's class for compaction. What nothing refers to any more is
// garbage, which the owner deletes later; what retention has left with nothing that counts joins
// it at the next pass of its kind.
//
// Left out: joining objects by reference, up to 10 GiB, which moves no data; the forced split of
// old objects; the limit on memory, which cuts one pass into several. docs/models/s3stream.md has
// the sources.
#ifndef FRESHET_MODELS_BROKER_STREAM_COMPACTOR_H_
#define FRESHET_MODELS_BROKER_STREAM_COMPACTOR_H_

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "models/log/stream_objects.h"
#include "models/network/network_limiter.h"
#include "models/storage/object_writer.h"
#include "sim/component.h"
#include "sim/ring.h"
#include "sim/sampler.h"
#include "sim/units.h"

namespace freshet {

class StreamCompactor : public Component {
 public:
  struct Config {
    Duration interval;
    Duration stream_interval;
    Bytes split_size;
    Bytes joined_bytes;
    Bytes piece;  // Read at a time.
    Sampler metadata_latency;
  };

  static constexpr MetricDef kCompactions = {"broker.compactions", MetricKind::kCounter,
                                             MetricUnit::kCount,
                                             "Compactions that were committed."};
  static constexpr MetricDef kCompactedBytes = {"broker.compacted_bytes", MetricKind::kCounter,
                                                MetricUnit::kBytes,
                                                "Bytes that compactions wrote anew."};

  // `led` fills in the partitions that the broker leads, ascending; `garbage` takes objects that
  // are to be deleted. REQUIRES: all pointers outlive it.
  StreamCompactor(Simulation& sim, absl::string_view name, ObjectClient* client, PrefixId prefix,
                  ObjectWriter* writer, NetworkLimiter* inbound, NetworkLimiter* outbound,
                  StreamObjects* objects, int32_t owner, const Config& config,
                  Completion<std::vector<PartitionId>*> led,
                  Completion<const std::vector<ObjectId>*> garbage);

  // The process begins; both passes come an interval from now.
  void Start();
  PrefixId prefix() const { return prefix_; }
  // It dies: what is under way is forgotten. Returns the objects that may be there and that nobody
  // knows of. REQUIRES: the client, the writer and the limiters drop theirs too.
  std::vector<ObjectId> DropAll();

 private:
  struct Target {
    ObjectId object;
    Bytes size;
    bool stream_set;
    std::vector<StreamExtent> extents;
  };
  // From these objects, or parts of them, to those.
  struct Job {
    std::vector<ObjectId> sources;
    std::vector<Bytes> source_bytes;
    std::vector<Target> targets;
    Bytes bytes;
    Duration spread;  // The time that reading takes at the least.
  };

  void CompactStreamSets();
  void JoinStreamObjects();
  template <class Match>
  void DeleteExpired(Match&& match);
  static void Put(StreamExtent merged, Target* target, Job* job);
  void ReadNext();
  void ReadPiece(Bytes size);
  void WriteNext();
  void WriteTarget();
  void Commit();
  void Abandon();
  void StartNextIfAny();
  Job& job() { return jobs_.front(); }

  const Config config_;
  ObjectClient* const client_;
  const PrefixId prefix_;
  ObjectWriter* const writer_;
  NetworkLimiter* const inbound_;
  NetworkLimiter* const outbound_;
  StreamObjects* const objects_;
  const int32_t owner_;
  Sampler metadata_latency_;
  RandomStream metadata_stream_;
  Completion<std::vector<PartitionId>*> led_;
  Completion<const std::vector<ObjectId>*> garbage_;
  Ring<Job> jobs_;  // The first is under way.
  Time began_at_;
  size_t source_ = 0;     // Being read,
  Bytes read_of_source_;  // and how far.
  Bytes read_;
  size_t target_ = 0;
  uint32_t life_ = 0;
  Counter& compactions_;
  Counter& compacted_bytes_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_BROKER_STREAM_COMPACTOR_H_
