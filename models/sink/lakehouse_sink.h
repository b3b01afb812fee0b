// A lakehouse table as a sink: writers that put Parquet files into its warehouse, and a committer
// that appends them, an epoch at a time.
//
// A writer encodes records and keeps them in open files, one for each open partition of the table;
// at the target size they are uploaded. Prepare() uploads what is open, and ends when all is in the
// warehouse. Commit() appends the files of each prepared epoch, in order, as a snapshot that keeps
// the epoch's number: that is when they become visible. The committer is the first writer that
// lives, or whoever was elected. Whoever commits after another died looks for the epoch in the
// table's history first, so that what was swapped in is not appended again. The dead one's swap may
// still be on its way: fenced, the later of the two is recognised; without the fence both are
// appended, and all records of the epoch are there twice.
//
// Files of writers that die before Prepare() has ended are orphans in the warehouse.
//
// Told to overwrite, it writes a file for each partition of the table, by the rows' event times,
// and a commit takes the place of all partitions that its epoch has rows for (INSERT OVERWRITE,
// dynamic mode). What was there is gone unless it is written again: merged, the committer reads
// each of these partitions back, takes out what the epoch repeats, and writes it anew; else the new
// rows stand alone, and those that the partition had are lost. Either way an epoch that is appended
// twice is there once.
#ifndef FRESHET_MODELS_SINK_LAKEHOUSE_SINK_H_
#define FRESHET_MODELS_SINK_LAKEHOUSE_SINK_H_

#include <memory>
#include <optional>
#include <vector>

#include "absl/container/btree_map.h"
#include "models/network/network.h"
#include "models/sink/iceberg_table.h"
#include "models/sink/metered_sink.h"
#include "models/sink/partition_rows.h"
#include "models/storage/object_writer.h"
#include "sim/station.h"

namespace freshet {

class LakehouseSink : public MeteredSink {
 public:
  // No defaults here: assembly fills every field from the schema, where each has its source.
  struct Config {
    Duration cpu_per_mib;  // Of a writer's thread, for records as they come.
    Ratio parquet_ratio;   // Their size in a file.
    Bytes target_file;
    int64_t open_partitions;  // Of the table: a file each.
    Bytes part_size;          // Of an upload.
    ObjectClient::Config object_client;
    bool fenced = true;
    struct Overwrite {
      Duration width;  // Of the table's partitions, in event time: hours(ts) is an hour.
      bool merges;     // Else the new rows alone take a partition's place.
      TableAppend::Isolation isolation;
      // Of offsets, over all partitions: beyond it the oldest partitions are forgotten.
      size_t most_stretches;
    };
    std::optional<Overwrite> overwrite;  // Absent: it appends.
  };

  static constexpr MetricDef kFiles = {"lakehouse_sink.files", MetricKind::kCounter,
                                       MetricUnit::kCount, "Data files that writers uploaded."};
  static constexpr MetricDef kFileBytes = {"lakehouse_sink.file_bytes", MetricKind::kDistribution,
                                           MetricUnit::kBytes, "Bytes of a data file."};
  static constexpr MetricDef kFlushTime = {
      "lakehouse_sink.flush_time", MetricKind::kDistribution, MetricUnit::kDuration,
      "From a writer's being asked to prepare until all its files are in the warehouse."};
  static constexpr MetricDef kTakenOver = {
      "lakehouse_sink.commits_taken_over", MetricKind::kCounter, MetricUnit::kCount,
      "Commits whose committer died before it knew how they ended."};

  // With Config::overwrite only.
  static constexpr MetricDef kPartitionsOverwritten = {
      "lakehouse_sink.partitions_overwritten", MetricKind::kCounter, MetricUnit::kCount,
      "Partitions of the table that commits took the place of, new ones among them."};
  static constexpr MetricDef kRowsRewritten = {
      "lakehouse_sink.rows_rewritten", MetricKind::kCounter, MetricUnit::kCount,
      "Rows that a partition had and that were written anew with it: the price of an overwrite."};
  static constexpr MetricDef kRowsOverwritten = {
      "lakehouse_sink.rows_overwritten", MetricKind::kCounter, MetricUnit::kCount,
      "Rows that a partition had and that its overwrite did not have."};
  static constexpr MetricDef kRowsNotTracked = {
      "lakehouse_sink.rows_not_tracked", MetricKind::kCounter, MetricUnit::kCount,
      "The same, of partitions so scattered over their sources that it had forgotten which rows "
      "they are: the ledger has them as visible."};

  // REQUIRES: `table` and `network` outlive it; nobody else appends to the table. To overwrite: the
  // table is told so, writers take records that nobody has filtered or split, and nobody commits
  // beside the committer.
  LakehouseSink(Simulation& sim, absl::string_view name, IcebergTable* table, Network* network,
                const Config& config);

  SinkPromise promise() const override { return SinkPromise::kTransactional; }
  WriterId AddWriter(absl::string_view writer_name, HostId host) override;
  void Write(WriterId writer, const RecordRange& records, Completion<bool> done) override {
    WriteAll(writer, {records}, done);
  }
  void WriteAll(WriterId writer, const std::vector<RecordRange>& records,
                Completion<bool> done) override;
  void Prepare(WriterId writer, Epoch epoch, Completion<bool> done) override;
  void Commit(Epoch epoch, Completion<bool> done) override;
  void SetCommitter(WriterId writer) override { elected_ = writer; }
  // Appends the same files: fenced, that is recognised; else the epoch is there twice.
  void CommitBeside(WriterId zombie, Epoch epoch) override;
  void Reset(WriterId writer) override;
  void Rollback(Epoch epoch) override;

  IcebergTable& table() { return *table_; }

 protected:
  Distribution* FreshnessToo() override { return &table_->freshness(); }
  void Sampled(int64_t lag, Duration staleness) override { table_->ShowLag(lag, staleness); }

 private:
  struct File {
    TableFile file;
    bool uploading = false;
    bool uploaded = false;
    bool of_epoch = false;  // That is being prepared.
    PartitionRows rows;     // With Config::overwrite only, as the next.
  };
  struct OpenPartition {
    int64_t records = 0;
    Bytes bytes;
    bool wrong = false;  // Rows of these are.
    PartitionRows rows;
  };
  struct Writer {
    HostId host;
    std::unique_ptr<Station> thread;
    std::unique_ptr<ObjectClient> client;
    std::unique_ptr<ObjectWriter> uploads;
    uint32_t life = 0;
    // Since its last Prepare(): what it has taken, and what of it is in no file yet.
    std::vector<RecordRange> records;
    int64_t open_records = 0;
    Bytes open_bytes;
    bool open_wrong = false;  // Rows of these are.
    absl::btree_map<int64_t, OpenPartition> open;
    absl::btree_map<ObjectId, File> files;
    // Being prepared: what was written before it was asked for.
    Epoch epoch = 0;
    size_t records_of_epoch = 0;
    bool preparing = false;
    Time asked_at;
    Completion<bool> prepared;
    // Writes that its thread works on, in order.
    absl::btree_map<uint64_t, std::vector<RecordRange>> encoding;
    absl::btree_map<uint64_t, Completion<bool>> waiting;
    uint64_t next_write = 1;
  };
  using RowsOfTable = absl::btree_map<int64_t, PartitionRows>;  // By partition of the table.
  // All that writers have prepared of it.
  struct Prepared {
    std::vector<TableFile> files;
    std::vector<RecordRange> records;
    RowsOfTable rows;
  };
  static constexpr WriterId kNobody = -1;

  Writer& At(WriterId writer) { return *writers_[static_cast<size_t>(writer)]; }
  void Encoded(WriterId number, uint64_t write);
  void CloseFiles(WriterId number);
  void Upload(WriterId number, File& file);
  void Uploaded(WriterId number, ObjectId object, bool ok);
  void MaybePrepared(WriterId number);

  WriterId Committer() const;
  void CommitNext();
  void LookForIt();
  void Append();
  void StartAppend(TableAppend append);
  void AppendEnded(bool ok);
  void EndCommit(bool ok);

  // How it overwrites (lakehouse_overwrite.cc).
  void Open(Writer& writer, const RecordRange& range);
  void Close(WriterId number, int64_t partition);
  void CloseFull(WriterId number);
  void Overwrite();
  void Merge();
  void MergeRead(bool ok);
  void MergeWorked();
  void MergeWritten(ObjectId object, bool ok);
  void StartOverwrite(std::vector<TableFile> files);
  // What of the merge is in the warehouse is of no use to anybody; the dead leave it.
  void DropMerged(bool alive);
  void DropFile(ObjectId object, bool alive);
  void TakePlaces(const RowsOfTable& rows);
  void ShowOverwritten(const std::vector<RecordRange>& records);
  void ForgetSome(const RowsOfTable& but);
  void BecameVisible(const TableAppend& append);

  const Config config_;
  IcebergTable* const table_;
  Network* const network_;
  std::vector<std::unique_ptr<Writer>> writers_;
  absl::btree_map<Epoch, Prepared> prepared_;
  // Under way: up to which epoch, which one is at the table, and by whom.
  Epoch commit_to_ = 0;
  bool committing_ = false;
  bool in_doubt_ = false;  // The first prepared epoch may have been swapped in already.
  Completion<bool> committed_;
  WriterId committer_ = kNobody;
  WriterId elected_ = kNobody;
  IcebergTable::CommitKey key_ = 0;
  uint32_t attempt_ = 0;
  // Records of epochs that were appended, as long as an append of them may still be on its way.
  struct Appended {
    std::vector<RecordRange> records;
    bool visible = false;
    RowsOfTable rows;  // Of the partitions that the latest try of it takes the place of.
  };
  absl::btree_map<Epoch, Appended> appended_;
  // Appends of zombies, by their number.
  struct Beside {
    WriterId zombie;
    IcebergTable::CommitKey key;
  };
  absl::btree_map<uint32_t, Beside> beside_;
  uint32_t next_beside_ = 0;
  bool committed_beside_ = false;
  // Of an overwrite: what the table has in each partition, and how many rows of those that were
  // forgotten.
  RowsOfTable contents_;
  absl::btree_map<int64_t, int64_t> forgotten_;
  // Partitions that are read back and written anew for the epoch at the table.
  struct Merging {
    RowsOfTable rows;  // Of all partitions of the epoch, as they will be.
    std::vector<TableFile> old;
    std::vector<TableFile> staged;  // Of the epoch, which go into the merged ones.
    std::vector<TableFile> files;   // What is committed: those of new partitions, and merged ones.
    std::vector<ObjectId> merged;
    std::vector<ObjectId> uploaded;
    int64_t left = 0;  // Requests of a step that are not over.
    bool ok = true;
    int64_t carried = 0;
    uint64_t version = 0;  // Of the table, that it was read at.
  };
  Merging merging_;
  Counter& files_;
  Distribution& file_bytes_;
  Distribution& flush_time_;
  Counter& taken_over_;
  // With Config::overwrite only.
  Counter* partitions_overwritten_ = nullptr;
  Counter* rows_rewritten_ = nullptr;
  Counter* rows_overwritten_ = nullptr;
  Counter* rows_not_tracked_ = nullptr;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_SINK_LAKEHOUSE_SINK_H_
