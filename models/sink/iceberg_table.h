// An Iceberg table as those feel it who write it and who wait for its rows: data files in a
// warehouse, manifests, snapshots, and a catalog that swaps one state of the table for the next.
//
// A writer puts data files into the warehouse; nobody sees them. A committer appends them: it loads
// the table, writes a manifest of the new files and a list of all manifests (staged), loads the
// table again, writes a metadata file and asks the catalog to swap it for the one it knew. If
// somebody else was quicker the swap is refused, and the committer tries again from the newer state
// after a back-off. A swap that is done is a snapshot: all its rows are visible at once. It is
// carried out once it was asked for, also when who asked for it has died meanwhile.
//
// Manifests are merged when a hundred small ones have gathered. With a commit snapshots that are
// too old are expired: what only they refer to is deleted, and to know it the committer reads the
// lists of all snapshots, one after the other.
//
// A rewrite swaps new files in for old ones with the same rows: nothing becomes visible. Manifests
// that list old files are read and written anew without them. It is no conflict with appends, which
// it retries over as they do; but if an old file is not in the table any more it fails for good.
// The old files lie in the warehouse until the last snapshot that refers to them is expired.
//
// An overwrite (ReplacePartitions) puts its files in place of all that their partitions of the
// table hold at the swap, whoever put it there and when: an attempt again drops what has come
// meanwhile, too. Told to validate, it fails for good instead, when files of these partitions were
// added or removed since the state that its rows come from.
//
// Procedures of maintenance swap metadata only: an expiry of snapshots, and other manifests with
// the same entries. What no metadata refers to any more and nobody has deleted is a stray: it is
// billed until somebody lists the bucket for it (orphan_file_remover.h).
//
// Each append says which offsets of which source its files hold, so the table knows what is visible
// of each source, what it has twice and what it has passed over.
//
// Held to by audits: inv.I19, visible records are those of committed snapshots: what the offsets of
// all sources passed, without what was skipped, and again what came twice; an append's files hold
// the records that its offsets say, and it leaves no gap behind what is visible.
//
// Faults: the catalog down (requests fail after their latency) and slow.
//
// Left out: deletes and upserts, readers of data. docs/models/table.md says the rest and has the
// sources.
#ifndef FRESHET_MODELS_SINK_ICEBERG_TABLE_H_
#define FRESHET_MODELS_SINK_ICEBERG_TABLE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "models/log/record_range.h"
#include "models/log/source_effects.h"
#include "models/network/network.h"
#include "models/storage/object_client.h"
#include "sim/backoff.h"
#include "sim/component.h"
#include "sim/ring.h"
#include "sim/sampler.h"

namespace freshet {

// A data file in the warehouse.
struct TableFile {
  ObjectId object = 0;
  Bytes bytes;
  int64_t records = 0;
  int64_t partition = 0;  // Of the table.
  bool wrong = false;     // Rows of it are (metered_sink.h).
};

// What a commit adds. REQUIRES: the files hold all records of the spans, but `skipped` of them.
struct TableAppend {
  uint64_t id = 0;  // The committer's own; its snapshot keeps it. Not 0.
  std::vector<TableFile> files;
  // Of sources that the table knows (BeginAt). None: a sink keeps account (lakehouse_sink.h).
  std::vector<RecordSpan> ranges;
  int64_t skipped = 0;
  // Ids ascend, and one that the table has already is not added again: the committer looks at the
  // table's history as it swaps.
  bool fenced = false;
  // Of a rewrite: files of the table whose rows these hold. No sources, not fenced.
  std::vector<ObjectId> replaces;
  // Of an overwrite, which takes the place of whole partitions. No sources.
  bool overwrites = false;
  // What it fails for: nothing; files removed from its partitions, by a rewrite too; or those
  // added, as well. Since the version of the table that its rows come from.
  enum class Isolation : uint8_t { kNone, kSnapshot, kSerializable };
  Isolation isolation = Isolation::kNone;
  uint64_t validates_from = 0;
  int64_t carried = 0;  // Rows of its files that the table had before.
};

enum class TableOutcome : uint8_t {
  kStaged,   // Its metadata is written; nobody sees it.
  kVisible,  // It is a snapshot, or had been one.
  kFailed,   // It is not, and nothing is under way.
};

// A part of the metadata: an object, and how many data files it lists.
struct TableMetadataPart {
  ObjectId object = 0;
  Bytes bytes;
  int64_t files = 0;
};

// What an expiry has left to be deleted, and what tells it who reads that.
struct ExpiredSnapshots {
  TableOutcome outcome = TableOutcome::kFailed;
  int64_t snapshots = 0;
  // Of all snapshots, those that went among them, oldest first; and what of these says which data
  // files were removed.
  std::vector<TableMetadataPart> lists;
  std::vector<TableMetadataPart> manifests;
  // To be deleted.
  std::vector<ObjectId> metadata;
  std::vector<ObjectId> data;
};

class IcebergTable : public Component {
 public:
  // No defaults here: assembly fills every field from the schema, where each has its source.
  struct Config {
    Sampler catalog_latency;   // Of a load and of a swap.
    Bytes small_file;          // Data files below that are counted as small.
    bool knows_files = false;  // Each of them: what rewrites and overwrites need.
    bool is_overwritten = false;
    bool knows_strays = false;  // Somebody lists the bucket for them.
    bool is_planned = false;    // Somebody plans scans of it.
    Backoff::Config commit_retry;
    Duration commit_retry_total;  // From the first attempt; beyond it none is made.
    Bytes manifest_target;
    int64_t manifests_to_merge;
    // With each commit, snapshots that are older are expired, but for the last `snapshots_kept`.
    std::optional<Duration> snapshot_age;
    int64_t snapshots_kept;
    int64_t metadata_kept;  // Versions that the metadata file remembers,
    bool delete_metadata;   // and whether older ones are deleted.
    // Somebody else commits so often on average: maintenance, another job.
    std::optional<Duration> other_commits;
    // Files that nobody committed are deleted after that.
    std::optional<Duration> orphan_age;
    ObjectClient::Config maintenance;  // Who deletes them.
    // Sizes of metadata: a manifest and a list with nothing in them, a data file in a manifest, a
    // manifest in a list; a metadata file, and what each snapshot and version adds to it.
    Bytes manifest_header;
    Bytes manifest_entry;
    Bytes list_header;
    Bytes list_entry;
    Bytes metadata_header;
    Bytes snapshot_entry;
    Bytes version_entry;
  };

  static constexpr MetricDef kFreshness = {
      "table.freshness", MetricKind::kDistribution, MetricUnit::kDuration,
      "From the intended send of a record to the snapshot that has it."};
  static constexpr MetricDef kRecords = {"table.records", MetricKind::kCounter, MetricUnit::kCount,
                                         "Records that snapshots have made visible."};
  static constexpr MetricDef kDuplicates = {"table.duplicate_records", MetricKind::kCounter,
                                            MetricUnit::kCount,
                                            "Records that a snapshot had made visible before."};
  static constexpr MetricDef kSkipped = {
      "table.records_skipped_by_retention", MetricKind::kCounter, MetricUnit::kCount,
      "Records that the log had deleted before they were written to the table."};
  static constexpr MetricDef kSnapshots = {"table.snapshots", MetricKind::kCounter,
                                           MetricUnit::kCount, "Commits that became a snapshot."};
  static constexpr MetricDef kConflicts = {
      "table.commit_conflicts", MetricKind::kCounter, MetricUnit::kCount,
      "Swaps that the catalog refused, because another had been quicker."};
  static constexpr MetricDef kFailedCommits = {
      "table.commits_failed", MetricKind::kCounter, MetricUnit::kCount,
      "Commits given up: conflicts without end, or no answer of store or catalog."};
  static constexpr MetricDef kCommitTime = {"table.commit_time", MetricKind::kDistribution,
                                            MetricUnit::kDuration,
                                            "From the first load of the table to the snapshot."};
  static constexpr MetricDef kCommitFiles = {"table.commit_files", MetricKind::kDistribution,
                                             MetricUnit::kCount, "Data files of a snapshot."};
  static constexpr MetricDef kCommitBytes = {"table.commit_bytes", MetricKind::kDistribution,
                                             MetricUnit::kBytes,
                                             "Bytes of the data files of a snapshot."};
  static constexpr MetricDef kFiles = {"table.files", MetricKind::kGauge, MetricUnit::kCount,
                                       "Data files of the table."};
  static constexpr MetricDef kSmallFiles = {"table.small_files", MetricKind::kGauge,
                                            MetricUnit::kCount,
                                            "Data files of the table that are small."};
  static constexpr MetricDef kBytes = {"table.bytes", MetricKind::kGauge, MetricUnit::kBytes,
                                       "Bytes of the data files of the table."};
  static constexpr MetricDef kManifests = {"table.manifests", MetricKind::kGauge,
                                           MetricUnit::kCount,
                                           "Manifests of the current snapshot: what a reader "
                                           "opens before any data."};
  static constexpr MetricDef kLiveSnapshots = {"table.snapshots_kept", MetricKind::kGauge,
                                               MetricUnit::kCount,
                                               "Snapshots that are not expired."};
  static constexpr MetricDef kOrphans = {
      "table.orphan_files", MetricKind::kGauge, MetricUnit::kCount,
      "Data files in the warehouse that no snapshot has, and that their writer has let go."};
  static constexpr MetricDef kOrphanBytes = {"table.orphan_bytes", MetricKind::kGauge,
                                             MetricUnit::kBytes, "Bytes of these."};
  static constexpr MetricDef kLag = {"table.lag", MetricKind::kGauge, MetricUnit::kCount,
                                     "Records below the high watermark and not yet visible."};
  static constexpr MetricDef kStaleness = {"freshness.staleness", MetricKind::kGauge,
                                           MetricUnit::kDuration,
                                           "Now minus the oldest event time that is appended and "
                                           "not yet processed, every second; 0 when "
                                           "there is none."};
  static constexpr MetricDef kMetadataRequests = {
      "table.metadata_requests", MetricKind::kCounter, MetricUnit::kCount,
      "Reads and writes of manifests, lists and metadata files by committers."};

  // With Config::knows_files only: a histogram of the data files by size.
  static constexpr int kSizeClasses = 5;
  static constexpr MetricDef kFilesOfSize[kSizeClasses] = {
      {"table.files_below_1_mib", MetricKind::kGauge, MetricUnit::kCount,
       "Data files of the table below 1 MiB."},
      {"table.files_below_16_mib", MetricKind::kGauge, MetricUnit::kCount,
       "From 1 MiB to below 16 MiB."},
      {"table.files_below_128_mib", MetricKind::kGauge, MetricUnit::kCount,
       "From 16 MiB to below 128 MiB."},
      {"table.files_below_512_mib", MetricKind::kGauge, MetricUnit::kCount,
       "From 128 MiB to below 512 MiB."},
      {"table.files_from_512_mib", MetricKind::kGauge, MetricUnit::kCount, "From 512 MiB on."}};
  static constexpr MetricDef kRewrites = {"table.rewrites", MetricKind::kCounter,
                                          MetricUnit::kCount,
                                          "Commits that swapped rewritten data files in."};
  static constexpr MetricDef kFilesRewritten = {"table.files_rewritten", MetricKind::kCounter,
                                                MetricUnit::kCount,
                                                "Data files that rewrites swapped out."};
  static constexpr MetricDef kBytesRewritten = {"table.bytes_rewritten", MetricKind::kCounter,
                                                MetricUnit::kBytes, "Bytes of these."};
  static constexpr MetricDef kBacklogFiles = {
      "table.backlog_files", MetricKind::kGauge, MetricUnit::kCount,
      "Candidates for a rewrite that the last planning of one found and did not rewrite."};
  static constexpr MetricDef kBacklogBytes = {"table.backlog_bytes", MetricKind::kGauge,
                                              MetricUnit::kBytes, "Bytes of these."};
  static constexpr MetricDef kOverwrites = {"table.overwrites", MetricKind::kCounter,
                                            MetricUnit::kCount,
                                            "Commits that took the place of whole partitions."};
  static constexpr MetricDef kFilesOverwritten = {
      "table.files_overwritten", MetricKind::kCounter, MetricUnit::kCount,
      "Data files that overwrites of their partitions dropped."};
  // With Config::is_planned only.
  static constexpr MetricDef kPlanningTime = {
      "table.planning_time", MetricKind::kDistribution, MetricUnit::kDuration,
      "From loading the table until all manifests are read: before a scan reads any data."};
  static constexpr MetricDef kRetiredBytes = {"table.retired_bytes", MetricKind::kGauge,
                                              MetricUnit::kBytes,
                                              "Bytes of data files that were rewritten or "
                                              "overwritten and that older snapshots still have."};

  // REQUIRES: `warehouse` and `network` outlive it.
  IcebergTable(Simulation& sim, absl::string_view name, ObjectStore* warehouse, Network* network,
               const Config& config);

  // --- Who writes it ---

  // A key for a data file.
  ObjectId NewFile() { return warehouse_->NewObject(data_); }
  // The file is there; its writer holds it until it is committed,
  void FileWritten(const TableFile& file);
  // or lets it go: an orphan, unless a commit that has it goes through yet.
  void FileDropped(ObjectId object);
  // It is there, and neither committed nor deleted.
  bool IsHeld(ObjectId object) const { return uncommitted_.contains(object); }
  // The source begins at `offset`: what is before is not the table's concern.
  void BeginAt(uint32_t source, Offset offset);
  // What the source had up to `offset` is gone, and nobody can write it any more.
  void PassOver(uint32_t source, Offset offset);

  // --- Who commits ---

  using CommitKey = uint64_t;
  // `done` fires once with kStaged or kFailed, by requests of `client`, never re-entrantly.
  CommitKey Begin(TableAppend append, ObjectClient* client, Completion<TableOutcome> done);
  // `done` fires once with kVisible or kFailed. REQUIRES: staged.
  void Commit(CommitKey key, Completion<TableOutcome> done);
  // Whoever commits is gone, and so are the calls of its client: nothing fires. A swap that was
  // asked for is carried out.
  void Abandon(CommitKey key);
  // Nobody waits for it any more, but its process lives and carries it through. REQUIRES: Commit()
  // was called.
  void Detach(CommitKey key);
  // What the catalog says of the current snapshot: the id of its append, 0 when it is another's or
  // there is none; and the largest id in the table's history.
  struct Loaded {
    bool ok;
    uint64_t append;
    uint64_t largest;
  };
  void Load(Completion<Loaded> done);

  // --- Who maintains it (snapshot_expirer.h, manifest_rewriter.h, orphan_file_remover.h) ---

  using Part = TableMetadataPart;
  using Expired = ExpiredSnapshots;
  // Takes all snapshots that are older out of the table's metadata, but for the last ones; one
  // commit, none if there is nothing to expire. Files stay: they are strays until Deleted(). `done`
  // fires once, by requests of `client`, never re-entrantly.
  void ExpireSnapshots(Duration older_than, int64_t retain_last, ObjectClient* client,
                       Completion<const Expired&> done);
  // Swaps manifests in for others that list the same files; fails for good if one of the old ones
  // is not in the table any more. As above. REQUIRES: `made` are written and list as many files.
  void ReplaceManifests(std::vector<ObjectId> old, std::vector<Part> made, ObjectClient* client,
                        Completion<TableOutcome> done);
  ObjectId NewManifest() { return warehouse_->NewObject(metadata_); }
  Bytes ManifestBytes(int64_t files) const {
    return config_.manifest_header + config_.manifest_entry * files;
  }
  Bytes manifest_target() const { return config_.manifest_target; }
  // What lies in the warehouse, was written before `at`, and is of no snapshot and nobody's; data
  // files of a writer that still holds them are not. In the order of their keys.
  struct Stray {
    ObjectId object;
    bool is_data;
  };
  std::vector<Stray> StraysBefore(Time at) const;
  // It is gone from the warehouse.
  void Deleted(ObjectId object);
  // What its metadata consists of: the current file, the lists of all snapshots, all manifests.
  std::vector<Part> AllMetadata() const;
  // A key of its folders, for those who list them.
  ObjectId SomeKey() { return warehouse_->NewObject(data_); }
  // Whether the snapshot of this list is not expired.
  bool HasSnapshot(ObjectId list) const;
  uint64_t version() const { return version_; }

  // `visible` fires at the moment of each snapshot, whoever still waits for it.
  void OnVisible(Completion<const TableAppend&> visible) { on_visible_ = visible; }

  // --- What it is ---

  // Visible up to there.
  Offset VisibleTo(uint32_t source) const {
    const SourceEffects& effects = sources_.at(source);
    return effects.FirstMissing(effects.start());
  }
  Distribution& freshness() { return freshness_; }
  // Its sources have that much which is not visible, the oldest of it created so long ago.
  void ShowLag(int64_t records, Duration staleness) {
    lag_.Set(records);
    staleness_.Set(staleness.nanos());
  }
  ObjectStore& warehouse() { return *warehouse_; }
  // What a scan of the current snapshot reads before any data, in that order; manifests side by
  // side. No list where there is no snapshot.
  struct Metadata {
    using Part = IcebergTable::Part;
    Part file;
    Part list;
    std::vector<Part> manifests;
  };
  Metadata CurrentMetadata() const;
  // In the order of their keys: that of their coming.
  template <class Visit>
  void VisitFiles(Visit visit) const {
    for (const auto& [object, known] : known_files_) visit(known.file);
  }
  // Who plans scans says how long it took. REQUIRES: is_planned.
  void Planned(Duration time) { planning_time_->Record(time); }
  // Who rewrites says what is left to do. REQUIRES: knows_files.
  void ShowBacklog(int64_t files, Bytes bytes) {
    backlog_files_->Set(files);
    backlog_bytes_->Set(bytes.count());
  }

  // Fault verbs down and slow, of the catalog.
  void SetDown(bool down) { down_ = down; }
  void SetLatencyFactor(Ratio factor) { latency_factor_ = factor; }
  // Requests to the catalog so far: what a fault could have touched.
  int64_t catalog_requests() const { return catalog_requests_; }

 private:
  friend class IcebergTableTestPeer;  // Breaks what the audits must notice.

  struct Step {
    enum class Kind : uint8_t { kCatalog, kRead, kWrite } kind;
    ObjectId object;
    Bytes bytes;
  };
  enum class Stage : uint8_t { kBegun, kStaging, kStaged, kLoading, kRestaging, kWriting, kSwap };
  using Manifest = Part;
  // kChange: data files come, and some go. The others change metadata alone.
  enum class Kind : uint8_t { kChange, kExpiry, kManifests };
  struct Merge {
    std::vector<ObjectId> of;
    Manifest into;
  };
  // A manifest, and the same without files that are rewritten; none is left without any.
  struct Filtered {
    ObjectId from;
    Bytes bytes;
    Manifest to;
  };
  struct Pending {
    TableAppend append;
    ObjectClient* client;
    Completion<TableOutcome> done;
    Stage stage = Stage::kBegun;
    Ring<Step> steps;
    uint64_t base = 0;  // The version of the table that it goes by.
    Manifest manifest;
    std::vector<Merge> merges;
    std::vector<Filtered> filtered;
    ObjectId list = 0;
    Bytes list_bytes;
    ObjectId metadata = 0;
    std::vector<ObjectId> written;
    int64_t retries = 0;
    Time began_at;
    bool abandoned = false;
    Kind kind = Kind::kChange;
    // Of kExpiry.
    Duration older_than;
    int64_t retain_last = 1;
    Expired expired;
    Completion<const Expired&> on_expired;
    // Of kManifests.
    std::vector<ObjectId> old_manifests;
    std::vector<Part> made;
  };
  struct Snapshot {
    uint64_t version;
    Time at;
    ObjectId list;
    Bytes list_bytes;
  };
  struct Retired {
    ObjectId manifest;
    uint64_t last_version;  // The last snapshot that refers to it.
    Bytes bytes;
    bool lost_files;  // Some of those that it lists have gone with it.
  };
  struct KnownFile {
    TableFile file;
    ObjectId manifest = 0;  // That lists it, in the current snapshot.
  };
  struct RetiredFile {
    ObjectId object;
    Bytes bytes;
    uint64_t last_version;
  };
  struct Uncommitted {
    Bytes bytes;
    bool dropped = false;
    Time written;
  };
  // When files of a partition of the table came last, and went last.
  struct PartitionChanges {
    uint64_t added = 0;
    uint64_t removed = 0;
  };

  // How a commit gets on (iceberg_commit.cc).
  void Next(CommitKey key);
  void StepOver(CommitKey key, bool ok);
  void AskCatalog(CommitKey key);
  void StepsOver(CommitKey key);
  void PlanStaging(Pending& commit);
  void PlanMerges(Pending& commit);
  void PlanExpiry(Pending& commit);
  void PlanFiltering(Pending& commit);
  // The manifests that a commit begins with: those of the table, filtered.
  std::vector<Manifest> ManifestsFor(const Pending& commit) const;
  bool HasAll(const std::vector<ObjectId>& files) const;
  // Why it can never be swapped in.
  bool IsHopeless(const Pending& commit) const;
  // The files that it takes out of the table, as it is now.
  std::vector<ObjectId> RemovedBy(const TableAppend& append) const;
  void ApplyExpiry(Pending& commit);
  void PlanList(Pending& commit);
  void Swap(CommitKey key);
  void RetryOrFail(CommitKey key);
  void Fail(CommitKey key);
  void Finish(CommitKey key, TableOutcome outcome);

  // What a snapshot changes (iceberg_table.cc).
  void Apply(Pending& commit);
  void ApplyManifests(const Pending& commit);
  void CountRows(const TableAppend& append);
  void CountFiles(const TableAppend& append);
  void CountRewrite(const TableAppend& rewrite);
  void CountOverwrite(const TableAppend& overwrite);
  void TakeOut(ObjectId object);
  void NoteChange(const TableFile& file, bool is_added);
  void CountFile(const TableFile& file, int64_t more);
  void NoteManifests(const Pending& commit);
  void NoteRegrouping(const Pending& commit);
  void DiscardUnused(const Pending& commit, ObjectClient* client);
  size_t ExpiredCount(Duration age, int64_t kept, size_t more) const;
  // By the table's own properties; 0 if nobody expires with commits.
  size_t ExpiredByCommits(size_t more) const;
  void Expire(ObjectClient* client);
  void KeepMetadata(ObjectId metadata, ObjectClient* client);
  void DeleteOrphan(ObjectId object);
  void Discard(ObjectId object, ObjectClient* client);
  void LeaveBehind(ObjectId object, bool is_data);
  Duration CatalogLatency();
  Bytes MetadataBytes() const;
  void SomebodyElseLater();
  void ShowFiles();
  void Audit() const;

  const Config config_;
  ObjectStore* const warehouse_;
  const PrefixId data_;
  const PrefixId metadata_;
  const Backoff commit_retry_;
  std::unique_ptr<ObjectClient> maintenance_;  // Where orphans are deleted.
  RandomStream catalog_stream_;
  RandomStream retry_stream_;
  RandomStream other_stream_;
  Sampler other_commits_;
  bool down_ = false;
  Ratio latency_factor_ = Ratio::One();
  int64_t catalog_requests_ = 0;

  uint64_t version_ = 0;
  uint64_t last_append_ = 0;         // Of the current snapshot,
  uint64_t largest_append_ = 0;      // and of all.
  std::vector<Manifest> manifests_;  // Of the current snapshot, oldest first.
  Ring<Snapshot> snapshots_;
  Ring<Retired> retired_;
  Ring<ObjectId> metadata_files_;  // As far as the current one remembers them.
  absl::btree_map<ObjectId, KnownFile> known_files_;
  Ring<RetiredFile> retired_files_;
  Bytes retired_bytes_;
  absl::btree_map<uint32_t, SourceEffects> sources_;
  int64_t sink_rows_ = 0;  // Of appends without sources.
  absl::btree_map<ObjectId, Uncommitted> uncommitted_;
  // Since when; but for data files that were never committed. With Config::knows_strays only.
  struct LeftBehind {
    bool is_data;
    Time at;
  };
  absl::btree_map<ObjectId, LeftBehind> strays_;
  absl::btree_map<int64_t, PartitionChanges> changes_;  // By partition of the table.
  absl::btree_map<CommitKey, Pending> pending_;
  CommitKey next_key_ = 1;
  const LaneId lane_;
  Completion<const TableAppend&> on_visible_;

  int64_t files_ = 0;
  int64_t small_files_ = 0;
  Bytes bytes_;
  int64_t orphans_ = 0;
  Bytes orphan_bytes_;
  Distribution& freshness_;
  Counter& records_;
  Counter& duplicates_;
  Counter& skipped_;
  Counter& snapshots_made_;
  Counter& conflicts_;
  Counter& failed_;
  Distribution& commit_time_;
  Distribution& commit_files_;
  Distribution& commit_bytes_;
  Gauge& files_gauge_;
  Gauge& small_gauge_;
  Gauge& bytes_gauge_;
  Gauge& manifests_gauge_;
  Gauge& snapshots_gauge_;
  Gauge& orphans_gauge_;
  Gauge& orphan_bytes_gauge_;
  Gauge& lag_;
  Gauge& staleness_;
  Counter& metadata_requests_;
  // With Config::knows_files only.
  std::array<Gauge*, kSizeClasses> of_size_ = {};
  Counter* rewrites_ = nullptr;
  Counter* files_rewritten_ = nullptr;
  Counter* bytes_rewritten_ = nullptr;
  Gauge* backlog_files_ = nullptr;
  Gauge* backlog_bytes_ = nullptr;
  Distribution* planning_time_ = nullptr;
  Gauge* retired_gauge_ = nullptr;
  Counter* overwrites_ = nullptr;
  Counter* files_overwritten_ = nullptr;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_SINK_ICEBERG_TABLE_H_
