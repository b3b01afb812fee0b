// Iceberg's procedure rewrite_data_files, run on a schedule: it packs a table's files into groups,
// writes each group's rows anew into files of the target size, and swaps them in with one commit.
//
// It plans as a scan does: the catalog, the metadata file, the manifest list, all manifests. Files
// that are far from the target size are candidates; those of one partition of the table are packed,
// in the order of their coming, into groups up to a largest size. A group is worth it if it has
// enough files, or enough bytes for more than a file of the target size. A group's thread reads its
// files, works on them, and uploads the new ones; so many groups go side by side.
//
// A commit that is refused because an old file has gone, or because others were quicker too often,
// fails, and its files are deleted; those of a run that cannot delete them are orphans. With
// appends it does not conflict but in the swap, which both try again.
//
// Left out: partial progress, sorting and z-ordering, deletes.
#ifndef FRESHET_MODELS_SINK_DATA_FILE_REWRITER_H_
#define FRESHET_MODELS_SINK_DATA_FILE_REWRITER_H_

#include <memory>
#include <vector>

#include "absl/strings/string_view.h"
#include "models/sink/table_procedure.h"
#include "models/storage/object_writer.h"
#include "sim/station.h"

namespace freshet {

class DataFileRewriter : public TableProcedure<"rewriter.begin"> {
 public:
  // No defaults here: assembly fills every field from the schema, where each has its source.
  struct Config {
    Duration every;  // From one beginning to the next; one that is late is followed at once.
    Bytes target_file;
    int64_t min_input_files;
    Bytes max_group;
    int64_t groups_at_once;
    Duration cpu_per_mib;  // Of a group's thread, for the bytes that it reads.
    Bytes part_size;       // Of an upload.
    ObjectClient::Config object_client;
  };

  static constexpr MetricDef kRuns = {"rewriter.runs", MetricKind::kCounter, MetricUnit::kCount,
                                      "Runs that ended, those with nothing to do among them."};
  static constexpr MetricDef kFailedRuns = {
      "rewriter.failed_runs", MetricKind::kCounter, MetricUnit::kCount,
      "Runs whose work was thrown away: the store, the catalog or a conflict."};
  static constexpr MetricDef kTime = {"rewriter.run_time", MetricKind::kDistribution,
                                      MetricUnit::kDuration,
                                      "From a run's beginning to its commit."};
  // REQUIRES: `table` and `network` outlive it; the table knows its files.
  DataFileRewriter(Simulation& sim, absl::string_view name, IcebergTable* table, Network* network,
                   HostId host, const Config& config);

  // Files of one partition of a table that are rewritten together, and how many come of them.
  struct Group {
    std::vector<TableFile> files;
    Bytes bytes;
    int64_t rows = 0;
    int64_t outputs = 0;
  };
  // What a run would do with these files, which are in the order of their coming.
  static std::vector<Group> Pack(const std::vector<TableFile>& files, const Config& config);
  static bool IsCandidate(const TableFile& file, const Config& config);

 private:
  struct Work {
    Group group;
    std::vector<TableFile> written;
    int64_t left = 0;  // Reads, then uploads, that are not over.
  };

  void Begin() override;
  void ThrowAway() override;
  void ReadMetadata();
  void MetadataRead(bool ok);
  void Plan();
  void StartMore();
  void FileRead(size_t group, bool ok);
  void Worked(size_t group);
  void FileWritten(size_t group, bool ok);
  void Commit();
  void Done(bool ok);

  const Config config_;
  ObjectWriter uploads_;
  Station threads_;
  IcebergTable::Metadata plan_;
  uint32_t run_ = 0;
  int64_t reading_ = 0;
  std::vector<Work> work_;
  size_t next_ = 0;
  int64_t busy_ = 0;
  int64_t candidates_ = 0;  // As planned.
  Bytes candidate_bytes_;
  uint64_t next_id_ = 1;
  IcebergTable::CommitKey key_ = 0;  // 0: it has not come to that.
};

}  // namespace freshet

#endif  // FRESHET_MODELS_SINK_DATA_FILE_REWRITER_H_
