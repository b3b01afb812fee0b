// A broker of a leaderless cluster (an agent, in WarpStream's words): a process (broker.h) that
// keeps nothing. Produce requests of all clients and partitions gather in its open file, which is
// closed when it is large enough, or so long after its first request; it is written to object
// storage, several files side by side, and then committed at the coordinator, one after the other
// in the order in which they were closed. Then its requests have offsets and are answered.
//
// A file that cannot be written has its requests refused. When the process dies, what was not
// handed in for commit dies with it; what was written of it is garbage.
//
// Left out: a limit on memory, processor time of writing and merging. docs/models/leaderless.md has
// the sources.
#ifndef FRESHET_MODELS_BROKER_LEADERLESS_BROKER_H_
#define FRESHET_MODELS_BROKER_LEADERLESS_BROKER_H_

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "models/broker/broker.h"
#include "models/broker/file_merger.h"
#include "models/broker/file_reader.h"

namespace freshet {

// Held requests, in the order in which they came.
struct ProduceFile {
  std::vector<RequestIndex> requests;
  Bytes bytes;
  Time opened_at;
  Time closed_at;
};

class LeaderlessBroker : public Broker {
 public:
  struct Config : Broker::Config {
    Duration batch_interval;
    Bytes batch_bytes;
    int64_t upload_threads;
    FileClient::Config files;
    FileReader::Config reader;
    FileMerger::Config merger;
    bool keeps_written = false;  // A file that it wrote is in its cache.
  };

  // What the broker tells its cluster.
  class Owner : public FileReader::Peers, public FileMerger::Owner {
   public:
    // To be committed; FileOver() follows, if the broker lives.
    virtual void CommitFile(BrokerId by, FileId id, ProduceFile file) = 0;
    virtual void RefuseFile(FileId id, const ProduceFile& file) = 0;
    // The broker has died before it could hand it in. `id` is 0 if nothing was written.
    virtual void DropFile(FileId id, const ProduceFile& file) = 0;
  };

  static constexpr MetricDef kUncommitted = {
      "broker.uncommitted_bytes", MetricKind::kGauge, MetricUnit::kBytes,
      "Bytes of produce requests that are in memory and have no offsets yet."};
  static constexpr MetricDef kFiles = {"broker.files_written", MetricKind::kCounter,
                                       MetricUnit::kCount,
                                       "Files of produce requests that were written."};
  static constexpr MetricDef kFileBytes = {"broker.file_bytes", MetricKind::kDistribution,
                                           MetricUnit::kBytes,
                                           "Size of a file of produce requests."};
  static constexpr MetricDef kWriteTime = {
      "broker.file_write_time", MetricKind::kDistribution, MetricUnit::kDuration,
      "From closing a file of produce requests until enough copies are there."};
  static constexpr MetricDef kFailed = {
      "broker.files_failed", MetricKind::kCounter, MetricUnit::kCount,
      "Files of produce requests that could not be written: their requests were refused."};

  // REQUIRES: all pointers outlive it; `id` is its index in the cluster.
  LeaderlessBroker(Simulation& sim, absl::string_view name, Network* network,
                   BatchCoordinator* coordinator, const StreamObjects* index, FileSet* files,
                   BrokerId id, Owner* owner, const Config& config);

  // Background work begins, with the process.
  void Start() { merger_.Start(); }
  void Crash() override;

  // Takes a held request of `bytes`.
  void Take(RequestIndex request, Bytes bytes);
  // The file that was handed in is committed.
  void FileOver(FileId id);

  FileClient& files() { return client_; }
  FileReader& reader() { return reader_; }
  FileMerger& merger() { return merger_; }

 private:
  enum class State : uint8_t { kWaiting, kWriting, kWritten, kFailed, kHandedIn };
  struct Closed {
    ProduceFile file;
    State state = State::kWaiting;
    FileId id = 0;
  };
  using Number = uint64_t;  // Of closed files, in order.

  void Close();
  void Write(Number number);
  void Written(Number number, ObjectResult result);
  void HandInNext();
  void ShowLevel(Bytes change, bool add);

  const Config config_;
  const BrokerId id_;
  Owner* const owner_;
  FileClient client_;
  FileReader reader_;
  FileMerger merger_;
  ProduceFile open_;
  EventId due_;
  std::optional<Permits> threads_;
  absl::btree_map<Number, Closed> closed_;
  Number next_number_ = 1;
  int64_t uncommitted_bytes_ = 0;
  Gauge& uncommitted_;
  Counter& files_written_;
  Distribution& file_bytes_;
  Distribution& write_time_;
  Counter& failed_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_BROKER_LEADERLESS_BROKER_H_
