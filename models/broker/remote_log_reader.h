// How a broker of a tiered cluster reads from remote storage: reader threads with a bounded queue,
// the cache of remote indexes, and chunks as the remote storage plug-in fetches and keeps them.
//
// A read holds a thread until its bytes are there. A segment whose indexes are in no cache costs
// requests for its manifest and for each index, one after the other. Then the read goes from chunk
// to chunk: one that is at hand, one that is on its way already, or a request; behind it so many
// bytes of the same segment are fetched before anybody asks. Chunks are kept on the broker's disk:
// they pass the page cache that the log is written through.
//
// Approximated: chunks and indexes leave by least recent use, not by age; what is kept is read back
// at once. Left out: encryption and compression of chunks, a cache of manifests apart from the
// indexes. docs/models/tiered.md has the sources.
#ifndef FRESHET_MODELS_BROKER_REMOTE_LOG_READER_H_
#define FRESHET_MODELS_BROKER_REMOTE_LOG_READER_H_

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "models/log/remote_log.h"
#include "models/storage/object_client.h"
#include "models/storage/page_cache.h"
#include "sim/component.h"
#include "sim/permits.h"
#include "sim/pool.h"
#include "sim/range_cache.h"
#include "sim/units.h"

namespace freshet {

class RemoteLogReader : public Component {
 public:
  struct Config {
    int64_t threads;                      // remote.log.reader.threads
    int64_t most_pending;                 // remote.log.reader.max.pending.tasks
    std::optional<BytesPerSecond> quota;  // remote.log.manager.fetch.max.bytes.per.second
    Bytes index_cache;                    // remote.log.index.file.cache.total.size.bytes
    Bytes chunk;                          // chunk.size of the plug-in
    Bytes chunk_cache;                    // fetch.chunk.cache.size
    bool chunks_on_disk = true;           // fetch.chunk.cache.class
    Bytes prefetch;                       // fetch.chunk.cache.prefetch.max.size
  };

  static constexpr MetricDef kFetches = {"remote_log.fetches", MetricKind::kCounter,
                                         MetricUnit::kCount,
                                         "Reads from remote storage that began: "
                                         "RemoteFetchRequestsPerSec."};
  static constexpr MetricDef kFetchedBytes = {
      "remote_log.fetched_bytes", MetricKind::kCounter, MetricUnit::kBytes,
      "Bytes of the log that these reads brought: RemoteFetchBytesPerSec."};
  static constexpr MetricDef kFetchErrors = {"remote_log.fetch_errors", MetricKind::kCounter,
                                             MetricUnit::kCount,
                                             "Reads that a request to the store failed: "
                                             "RemoteFetchErrorsPerSec."};
  static constexpr MetricDef kRejected = {"remote_log.fetches_rejected", MetricKind::kCounter,
                                          MetricUnit::kCount,
                                          "Reads turned away because the readers' queue was full."};
  static constexpr MetricDef kExpired = {
      "remote_log.fetches_expired", MetricKind::kCounter, MetricUnit::kCount,
      "Fetches answered without their remote data, since remote.fetch.max.wait.ms was over: "
      "DelayedRemoteFetchMetrics."};
  static constexpr MetricDef kQueue = {"remote_log.reader_queue", MetricKind::kGauge,
                                       MetricUnit::kCount,
                                       "Reads that wait for a thread: "
                                       "RemoteLogReaderTaskQueueSize."};
  static constexpr MetricDef kFetchTime = {
      "remote_log.fetch_time", MetricKind::kDistribution, MetricUnit::kDuration,
      "From a thread's taking a read to its last byte: RemoteLogReaderFetchRateAndTimeMs."};
  static constexpr MetricDef kIndexMisses = {"remote_log.index_misses", MetricKind::kCounter,
                                             MetricUnit::kCount,
                                             "Segments whose indexes had to be fetched."};
  static constexpr MetricDef kChunkHits = {"remote_log.chunk_hits", MetricKind::kCounter,
                                           MetricUnit::kCount, "Chunks that reads found at hand."};
  static constexpr MetricDef kChunkMisses = {
      "remote_log.chunk_misses", MetricKind::kCounter, MetricUnit::kCount,
      "Chunks that reads had to wait for, on their way or not."};

  // Sizes of a segment's objects beside its data. A manifest, and the leader epochs and the
  // snapshot of producers behind the indexes, are small files: ours.
  static constexpr Bytes kManifestBytes = KiB(1);
  static constexpr Bytes kAuxiliaryBytes = KiB(1);
  static Bytes OffsetIndexBytes(Bytes segment);
  static Bytes TimeIndexBytes(Bytes segment);
  static Bytes IndexBytes(Bytes segment) {
    return OffsetIndexBytes(segment) + TimeIndexBytes(segment);
  }

  // `disk` takes the chunks that are kept. REQUIRES: both outlive it.
  RemoteLogReader(Simulation& sim, absl::string_view name, ObjectClient* client, PageCache* disk,
                  const Config& config);

  using ReadId = uint32_t;
  static constexpr ReadId kRefused = 0;
  using Done = Completion<bool>;
  // Reads positions [from, to) of the log from `segment`. `done` fires once, never re-entrantly,
  // with whether it went well, unless Abandon() or DropAll() comes first. kRefused when the queue
  // is full. REQUIRES: from < to, both within the segment.
  ReadId Read(const RemoteSegment& segment, int64_t from, int64_t to, Done done);
  // Nobody waits for it any more: it does not begin, or goes on for the caches alone.
  void Abandon(ReadId id);
  // From when on the quota lets a read begin.
  Time AllowedAt() const { return quota_until_; }
  Counter& expired() { return expired_; }

  // The process dies. REQUIRES: the client drops its calls too. What the cache on disk held is
  // deleted at the start, as the plug-in does.
  void DropAll();

 private:
  struct Pending {
    RemoteSegment segment;
    int64_t from;  // Moves on with each chunk.
    int64_t to;
    Bytes bytes;
    Done done;
    Time began_at;
    bool begun;
    bool abandoned;
  };
  using ChunkKey = std::pair<ObjectId, uint32_t>;
  struct ChunkLoad {
    Bytes size;
    std::vector<ReadId> waiting;
  };
  struct IndexLoad {
    RemoteSegment segment;
    int step;
    std::vector<ReadId> waiting;
  };

  void Begin(ReadId id);
  void AskIndex(ObjectId indexes);
  void IndexAnswered(ObjectId indexes, ObjectResult result);
  void NextChunk(ReadId id);
  Bytes ChunkSize(const RemoteSegment& segment, uint32_t chunk) const;
  bool IsCached(const RemoteSegment& segment, uint32_t chunk);
  ChunkLoad& Load(const RemoteSegment& segment, uint32_t chunk, ObjectCause cause);
  void Prefetch(const RemoteSegment& segment, uint32_t chunk);
  void ChunkAnswered(ChunkKey key, ObjectResult result);
  void ChunkStored(ChunkKey key);
  void Finish(ReadId id, bool well);

  const Config config_;
  ObjectClient* const client_;
  PageCache* const disk_;
  std::optional<Permits> threads_;
  RangeCache index_cache_;
  RangeCache chunk_cache_;
  Pool<Pending> reads_;
  absl::btree_map<ChunkKey, ChunkLoad> chunk_loads_;
  absl::btree_map<ObjectId, IndexLoad> index_loads_;
  Time quota_until_;
  uint32_t life_ = 0;
  Counter& fetches_;
  Counter& fetched_bytes_;
  Counter& fetch_errors_;
  Counter& rejected_;
  Counter& expired_;
  Counter& index_misses_;
  Counter& chunk_hits_;
  Counter& chunk_misses_;
  Gauge& queue_;
  Distribution& fetch_time_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_BROKER_REMOTE_LOG_READER_H_
