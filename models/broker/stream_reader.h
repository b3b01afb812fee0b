// How a shared-storage broker reads from objects what its log cache holds no more: a cache of
// blocks, read-ahead for those who read on, and requests of no more than a few megabytes.
//
// Who reads on where a read has ended is the same reader. What he needs and the cache lacks is
// fetched at once, whole blocks, neighbours in one request. Behind him his read-ahead runs, in the
// low class of the network limiter: it grows by a step for each read that had to wait, starts anew
// from where the last one ended as he reaches its beginning, and rests for a while after what it
// had brought was evicted before he came.
//
// Approximated: blocks leave by least recent use, not by age or because they were read; bytes
// inside an extent lie evenly between its records. Left out: the index of an object, which is at
// hand. docs/models/s3stream.md has the sources.
#ifndef FRESHET_MODELS_BROKER_STREAM_READER_H_
#define FRESHET_MODELS_BROKER_STREAM_READER_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "models/log/stream_objects.h"
#include "models/network/network_limiter.h"
#include "models/storage/object_client.h"
#include "sim/component.h"
#include "sim/pool.h"
#include "sim/range_cache.h"
#include "sim/units.h"

namespace freshet {

class StreamReader : public Component {
 public:
  struct Config {
    Bytes block_cache;
    Bytes block;
    Bytes most_request;     // Adjacent blocks are fetched together up to this.
    Bytes read_ahead_step;  // And where it begins.
    Bytes most_read_ahead;
    Duration rest_after_eviction;
    Duration idle_after;  // A reader that does not come back is forgotten.
  };

  static constexpr MetricDef kHitBytes = {"broker.block_cache_hit_bytes", MetricKind::kCounter,
                                          MetricUnit::kBytes,
                                          "Bytes of fetches that the block cache held."};
  static constexpr MetricDef kMissBytes = {
      "broker.block_cache_miss_bytes", MetricKind::kCounter, MetricUnit::kBytes,
      "Bytes of fetches that were still on their way from objects, or had to be asked for."};

  // REQUIRES: all pointers outlive it.
  StreamReader(Simulation& sim, absl::string_view name, ObjectClient* client,
               NetworkLimiter* inbound, const StreamObjects* objects, const Config& config);

  struct Wanted {
    PartitionId partition;
    Offset from;
    Offset to;
  };
  // Brings all of it into memory. Returns true when it is there already; otherwise `done` fires
  // when it is. REQUIRES: it is uploaded, and from < to.
  bool Read(const std::vector<Wanted>& wanted, Callback done);
  // The process dies. REQUIRES: the client and the limiter drop theirs too.
  void DropAll();

 private:
  // Someone who reads a partition on.
  struct Reader {
    PartitionId partition;
    Offset next;
    Time last_used;
    int32_t busy;   // Reads and loads that will come back to it.
    int32_t loads;  // Of its read-ahead.
    int64_t ahead_to;
    int64_t mark;
    Bytes ahead_size;
    int64_t misses;
    bool reset;
    Time rests_until;
  };
  using ReaderId = uint64_t;  // 0 is none.
  struct Pending {
    int64_t loads_left;
    Callback done;
    std::vector<std::pair<ReaderId, bool>> readers;  // And whether it had to wait.
  };
  using ReadIndex = uint32_t;
  // Bytes of a partition on their way, by where they begin.
  using LoadKey = std::pair<PartitionId, int64_t>;
  struct Load {
    int64_t to;
    ReaderId reader;  // Whose read-ahead it is.
    std::vector<ReadIndex> waiting;
  };
  struct Run {
    int64_t from;
    int64_t to;
  };

  ReaderId ReaderAt(PartitionId partition, Offset offset);
  void ForgetIdle();
  Load* LoadOf(PartitionId partition, int64_t from, int64_t to);
  // Calls visit(from, to) for each block that overlaps [from, to), cut at the ends of extents.
  template <class Visit>
  void EachBlock(PartitionId partition, int64_t from, int64_t to, Visit&& visit) const;
  void AddToRuns(PartitionId partition, int64_t from, int64_t to, std::vector<Run>* runs) const;
  bool ReadOne(ReadIndex read, const Wanted& wanted, Reader& reader);
  void StartLoad(PartitionId partition, Run run, ReaderId reader, ReadIndex read);
  void Ask(LoadKey key);
  void Loaded(LoadKey key, ObjectResult result);
  void ReadOver(ReadIndex index);
  void ReadAhead(ReaderId id, bool missed);

  const Config config_;
  ObjectClient* const client_;
  NetworkLimiter* const inbound_;
  const StreamObjects* const objects_;
  RangeCache cache_;
  absl::btree_map<ReaderId, Reader> readers_;
  absl::btree_map<std::pair<PartitionId, Offset>, ReaderId> reader_at_;  // By where it goes on.
  ReaderId next_reader_ = 1;
  Pool<Pending> reads_;
  absl::btree_map<LoadKey, Load> loads_;
  Counter& hit_bytes_;
  Counter& miss_bytes_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_BROKER_STREAM_READER_H_
