// How a broker of a leaderless cluster brings what a fetch asks for into memory.
//
// It asks the coordinator which files hold it. Recent data is read in whole blocks of a file,
// through the cache: a block that is on its way is waited for by all who want it, so that it costs
// one GET. Where the cache is shared by the brokers of a zone, each block has one owner among them,
// who reads and keeps it; others ask him over the network. Data that was old when it was asked for
// (the lagging path) goes past the cache: one GET of just the range for each file, or for each
// partition in it if it was merged, by threads of its own and under a limit of requests.
//
// A file that was deleted under a read, and an owner that dies, make it look again.
//
// Approximated: bytes inside an extent lie evenly between its records; a fetch asks the coordinator
// once and knows of new files by itself. Left out: a cache of the coordinator's answers, processor
// time. docs/models/leaderless.md has the sources.
#ifndef FRESHET_MODELS_BROKER_FILE_READER_H_
#define FRESHET_MODELS_BROKER_FILE_READER_H_

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "models/broker/batch_coordinator.h"
#include "models/broker/block_cache.h"
#include "models/broker/file_client.h"
#include "models/log/log_service.h"
#include "models/log/stream_objects.h"
#include "sim/permits.h"
#include "sim/token_bucket.h"

namespace freshet {

class FileReader : public Component {
 public:
  struct Config {
    Bytes block;
    int64_t most_blocks;
    Duration time_to_live;
    int64_t threads;              // Reads of blocks side by side.
    int64_t lagging_threads = 0;  // 0: all data is recent.
    Duration lagging_after;
    std::optional<Rate> lagging_rate;  // GETs a second.
  };

  // Where blocks are kept: by each broker for itself, or by the brokers of a zone together.
  class Peers {
   public:
    virtual ~Peers() = default;
    virtual BrokerId OwnerOf(BlockKey block, BrokerId asker) = 0;
    virtual FileReader& ReaderOf(BrokerId broker) = 0;
    // REQUIRES: two brokers of one zone.
    virtual Connection* Between(BrokerId from, BrokerId to) = 0;
  };

  static constexpr MetricDef kHitBytes = {"broker.file_cache_hit_bytes", MetricKind::kCounter,
                                          MetricUnit::kBytes,
                                          "Bytes of fetches whose block was in the cache."};
  static constexpr MetricDef kMissBytes = {
      "broker.file_cache_miss_bytes", MetricKind::kCounter, MetricUnit::kBytes,
      "Bytes of fetches whose block was on its way, or had to be asked for."};
  static constexpr MetricDef kLaggingBytes = {"broker.lagging_read_bytes", MetricKind::kCounter,
                                              MetricUnit::kBytes,
                                              "Bytes read past the cache for consumers that lag."};
  static constexpr MetricDef kPeerBytes = {
      "broker.peer_read_bytes", MetricKind::kCounter, MetricUnit::kBytes,
      "Bytes that another broker of the zone handed over, who owns their block."};
  static constexpr MetricDef kCacheBytes = {"broker.file_cache_bytes", MetricKind::kGauge,
                                            MetricUnit::kBytes,
                                            "Bytes of the blocks in the cache."};

  // REQUIRES: all pointers outlive it; `id` is its broker's index.
  FileReader(Simulation& sim, absl::string_view name, BrokerId id, FileClient* client,
             BatchCoordinator* coordinator, const StreamObjects* index, const FileSet* files,
             Peers* peers, const Config& config);

  struct Wanted {
    PartitionId partition;
    Offset from;
    Offset to;
  };
  // `done` fires when all of it is in memory, never at once. REQUIRES: it is committed.
  void Read(std::vector<Wanted> wanted, Callback done);
  // A file is in memory that its broker has written.
  void Keep(FileId file);
  void PeerDied(BrokerId peer);
  // The process dies. REQUIRES: the client drops its calls too.
  void DropAll();

 private:
  using ReadId = uint64_t;
  using AskId = uint64_t;
  // Who waits for a block: a read of this broker, or another's request.
  struct Waiter {
    ReadId read;
    uint32_t round;
    BrokerId peer;
    AskId ask;
  };
  struct Reading {
    std::vector<Wanted> wanted;
    Callback done;
    uint32_t round = 0;  // Raised when it looks again: what was asked for before is void.
    int64_t left = 0;
  };
  struct PeerAsk {
    BrokerId owner;
    BlockKey block;
    Bytes bytes;
    ReadId read;
    uint32_t round;
  };
  struct LaggingRead {
    FileId file;
    Bytes offset;
    Bytes size;
    ReadId read;
    uint32_t round;
  };
  using Ranges = std::vector<std::pair<Bytes, Bytes>>;
  // What is wanted of one file.
  struct Part {
    Ranges ranges;                            // One for each partition.
    absl::btree_map<uint64_t, Bytes> blocks;  // With how much of it.
  };

  void Find(ReadId id);
  void Plan(ReadId id);
  void AddPart(const StreamExtent& extent, const Wanted& wanted,
               absl::btree_map<FileId, Part>* parts) const;
  bool IsLagging(FileId file) const;
  Bytes SizeOf(BlockKey block) const;
  void ReadBlock(BlockKey block, Bytes bytes, const Waiter& waiter);
  // True when it is there.
  bool Load(BlockKey block, const Waiter& waiter);
  void AskForBlock(BlockKey block);
  void Loaded(BlockKey block, ObjectResult result);
  void Serve(const Waiter& waiter, bool found);
  void AskPeer(BrokerId owner, BlockKey block, Bytes bytes, const Waiter& waiter);
  void AskedBy(BrokerId peer, AskId ask);
  void Answered(AskId ask, bool found);
  Ranges Requests(FileId file, const Part& part) const;
  void ReadLagging(const LaggingRead& what);
  void AskLagging(uint32_t index);
  void Arrived(ReadId id, uint32_t round);
  void Restart(ReadId id, uint32_t round);

  const Config config_;
  const BrokerId id_;
  FileClient* const client_;
  BatchCoordinator* const coordinator_;
  const StreamObjects* const index_;
  const FileSet* const files_;
  Peers* const peers_;
  BlockCache cache_;
  std::optional<Permits> threads_;
  std::optional<Permits> lagging_threads_;
  std::optional<TokenBucket> lagging_rate_;
  absl::btree_map<ReadId, Reading> reads_;
  absl::btree_map<BlockKey, std::vector<Waiter>> loads_;
  absl::btree_map<AskId, PeerAsk> asks_;  // Of others.
  Pool<LaggingRead> lagging_;
  uint64_t next_id_ = 1;
  uint32_t life_ = 0;
  Counter& hit_bytes_;
  Counter& miss_bytes_;
  Counter& lagging_bytes_;
  Counter& peer_bytes_;
  Gauge& cache_bytes_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_BROKER_FILE_READER_H_
