// Leaderless brokers over object storage, as WarpStream and KIP-1150 (Inkless) have them: any
// broker takes any partition, and none keeps anything. Requests are broker_cluster.h's, what one
// broker does is leaderless_broker.h's, and the coordinator batch_coordinator.h's.
//
// Append: a broker gathers requests in a file and writes it; the coordinator commits the file, and
// then its batches have offsets, in the order of commits, and their producers an answer, whatever
// their acks (but for 0, which gets none). Sequences of idempotent producers are looked at there.
// What is committed can be read by everybody.
//
// A client is told of brokers in its own zone, or of others when there is none: for each partition
// one of them, the same for all of the zone, or one for all partitions. A broker that dies is on
// the list until its session ends; clients whose connections broke go to the others then. When it
// is back, clients return as they look at the metadata again.
//
// Files are merged, trimmed by retention and deleted after a delay. A history lies in merged files.
//
// Held to by audits: inv.I13, for every partition the extents of committed files are contiguous
// from its log start to its log end, and every file of the index has enough copies.
//
// docs/models/leaderless.md lists what is approximated and left out, and has the sources.
#ifndef FRESHET_MODELS_BROKER_LEADERLESS_CLUSTER_H_
#define FRESHET_MODELS_BROKER_LEADERLESS_CLUSTER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "models/broker/broker_cluster.h"
#include "models/broker/leaderless_broker.h"

namespace freshet {

class LeaderlessCluster : public BrokerCluster, private LeaderlessBroker::Owner {
 public:
  // Which broker of its zone a client is told of.
  enum class Assignment : uint8_t {
    kPerPartition,  // By a hash of the partition: the same for all clients of the zone.
    kPerClient,     // By the client: the same for all partitions.
  };
  struct Config : BrokerCluster::Config {
    std::vector<LeaderlessBroker::Config> brokers;
    BatchCoordinator::Config coordinator;
    Assignment assignment = Assignment::kPerPartition;
    int64_t requests_per_connection = 1;  // That a broker takes before it has answered the first.
    bool shared_cache = false;            // By the brokers of a zone.
    // Files of a level below merge_levels that follow one another are merged when they are so many,
    // or so large together.
    std::optional<int64_t> merge_files;
    std::optional<Bytes> merge_bytes;
    uint32_t merge_levels = 1;
    Duration cleaner_interval;
    Duration deleted_file_retention;  // Until garbage may be deleted.
    Duration orphan_age;              // The same for files that were never committed.
    Duration metadata_max_age;        // metadata.max.age.ms of the clients.
    Bytes history_file;               // Size of the files that a history lies in.
  };

  static constexpr MetricDef kFiles = {"log.files", MetricKind::kGauge, MetricUnit::kCount,
                                       "Files that hold committed batches."};
  static constexpr MetricDef kExtents = {
      "log.file_extents", MetricKind::kGauge, MetricUnit::kCount,
      "Ranges of partitions in files, which the coordinator keeps."};
  static constexpr MetricDef kGarbage = {"log.garbage_files", MetricKind::kGauge,
                                         MetricUnit::kCount,
                                         "Files that nothing refers to and that are not deleted."};

  // REQUIRES: `network` and the stores outlive it; 1 bucket for new files, or one for each zone.
  LeaderlessCluster(Simulation& sim, absl::string_view name, Network* network,
                    const std::vector<Bucket>& ingest, const Bucket& compacted,
                    const Config& config);

  LeaderlessBroker& broker(BrokerId id) { return *brokers_[static_cast<size_t>(id)]; }
  const LeaderlessBroker& broker(BrokerId id) const { return *brokers_[static_cast<size_t>(id)]; }
  BatchCoordinator& coordinator() { return coordinator_; }
  const StreamObjects& index() const { return index_; }
  const FileSet& files() const { return files_; }

  // Of those that its zone's clients are sent to.
  int64_t PartitionsOn(BrokerId broker) const override;
  void ShutDown(BrokerId id, Callback stopped) override;
  std::shared_ptr<const Metadata> CurrentMetadata(HostId client) const override;
  void OnMetadataRefresh(Callback refresh) override { refreshes_.push_back(refresh); }
  // Nobody leads: the brokers share out the groups by the number of the offsets' partition, and the
  // next one has those of a broker that is down.
  BrokerId GroupCoordinatorOf(PartitionId partition) const override;

 private:
  friend class LeaderlessClusterTestPeer;  // Breaks what the audits must notice.

  struct PendingFile {
    BrokerId by;
    uint32_t generation;
    ProduceFile file;
  };
  struct PendingMerge {
    BrokerId by;
    uint32_t generation;
    FileMerge merge;
  };

  // The log's storage (leaderless_cluster.cc).
  ProduceError Admit(PartitionId, const ProduceRequest&) override { return ProduceError::kNone; }
  void BeforeAppend(PartitionId) override {}
  void AfterAppend(PartitionId) override {}
  bool Store(PartitionId, const Batch&, BrokerId, const Callback&) override { return true; }
  void AfterRequest(PartitionId, Bytes) override {}
  bool AwaitsCommit(Acks) const override { return true; }
  ProduceError ErrorOfCommitted(PartitionId) override { return ProduceError::kNone; }
  void Hold(RequestIndex index, BrokerId broker) override;
  void CommitFile(BrokerId by, FileId id, ProduceFile file) override;
  void RefuseFile(FileId id, const ProduceFile& file) override;
  void DropFile(FileId id, const ProduceFile& file) override;
  void ApplyFile(FileId id);
  Bytes Missing(const FetchedRange& part, BrokerId broker) override;
  bool Prepare(FetchSession* session, BrokerId broker, Bytes missed,
               const Callback& serve) override;
  void Audit();

  // Who serves whom (leaderless_control.cc).
  void OnCrash(BrokerId id) override;
  void OnRestart(BrokerId id) override;
  void OnSessionEnd(BrokerId id) override;
  void ListBrokers();
  BrokerId OwnerOf(BlockKey block, BrokerId asker) override;
  FileReader& ReaderOf(BrokerId id) override { return broker(id).reader(); }
  Connection* Between(BrokerId from, BrokerId to) override { return peers_.at({from, to}); }

  // What becomes of files (leaderless_files.cc).
  void FillHistory();
  bool NextMerge(FileMerge* merge) override;
  void PlaceRecords(FileMerge* merge) const;
  void CommitMerge(BrokerId by, FileMerge merge) override;
  void ApplyMerge(FileId target);
  void AbandonMerge(const FileMerge& merge) override;
  // What of a partition lies in the sources of a merge, as one extent; none if it is gone.
  std::optional<StreamExtent> InSources(const FileMerge& merge, PartitionId partition) const;
  void ApplyRetention() override;
  Offset RetainedFrom(PartitionId id) const;
  void NoteUnused(const std::vector<ObjectId>& files);
  void DeleteLater(FileId file, Duration after);
  void DeleteDue();
  void ShowFiles();

  const Config config_;
  Network* const network_;
  std::vector<uint32_t> zones_;  // By broker.
  FileSet files_;
  StreamObjects index_;
  BatchCoordinator coordinator_;
  std::vector<std::unique_ptr<LeaderlessBroker>> brokers_;
  absl::btree_map<std::pair<BrokerId, BrokerId>, Connection*> peers_;
  std::vector<bool> listed_;                       // By broker: clients are told of it.
  std::vector<std::vector<BrokerId>> candidates_;  // By zone.
  std::vector<std::shared_ptr<const Metadata>> metadata_of_zone_;
  std::vector<std::shared_ptr<const Metadata>> metadata_of_broker_;
  uint64_t metadata_version_ = 0;
  std::vector<Callback> refreshes_;
  RandomStream refresh_stream_;
  absl::btree_map<FileId, PendingFile> pending_files_;    // At the coordinator.
  absl::btree_map<FileId, PendingMerge> pending_merges_;  // By their target.
  absl::btree_map<Time, std::vector<FileId>> deletions_;
  int64_t garbage_ = 0;
  Gauge& files_gauge_;
  Gauge& extents_gauge_;
  Gauge& garbage_gauge_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_BROKER_LEADERLESS_CLUSTER_H_
