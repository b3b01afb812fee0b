// Writes a run record (record_format.h) while the run goes.
//
//   auto writer = RunRecordWriter::Create("drill.frun", header, Overwrite::kNo);
//   sim.recorder().Configure(RecordLevel::kState, writer->get());
//   ... run ...
//   absl::Status written = (*writer)->Finish(results);
//
// The same header and the same run give the same bytes: nothing of the host, the time or the path
// goes in (WriteHostSidecar() puts those beside the record). Compressed blocks are equal for one
// version of zstd.
//
// Memory is bounded: a lane is written when it holds 4096 items, the fullest one earlier when all
// lanes together hold kMostPendingItems. An error sticks; the run goes on, Finish() returns it.
#ifndef FRESHET_RESULTS_RECORD_WRITER_H_
#define FRESHET_RESULTS_RECORD_WRITER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message_lite.h"
#include "results/output_file.h"
#include "results/record.pb.h"
#include "results/record_format.h"
#include "sim/recorder.h"

namespace freshet {

// What stands in a record beside its items. Everything a report needs.
struct RunResults {
  MetricTable metrics;
  std::vector<SeriesTable> series;
  DigestRow digest;
  Verdict verdict;
  uint64_t events_fired = 0;
};

class RunRecordWriter final : public RecordSink {
 public:
  static constexpr uint32_t kSchemaVersion = 1;
  static constexpr size_t kMostPendingItems = size_t{1} << 20;

  // Writes the header at once: from here on a crash leaves a readable `path`.partial. Sets the
  // header's schema_version.
  static absl::StatusOr<std::unique_ptr<RunRecordWriter>> Create(const std::string& path,
                                                                 RunRecordHeader header,
                                                                 Overwrite overwrite);

  void OnLane(LaneId lane, LaneId parent, absl::string_view name) override;
  void OnItem(const RecordedItem& item) override;

  // The first error so far.
  const absl::Status& status() const { return status_; }

  // Writes what is pending, the results and the footer, and gives the file its name. Call once.
  absl::Status Finish(const RunResults& results);
  // For a run that was interrupted: writes what is pending and leaves `path`.partial, without an
  // end.
  absl::Status Interrupt();

 private:
  struct PendingLane {
    std::vector<int64_t> start;
    std::vector<uint64_t> event;
    std::vector<int64_t> value;
    std::vector<uint32_t> duration;
    std::vector<uint32_t> id;
    std::vector<uint32_t> ancestor;
    std::vector<uint16_t> name;
    std::vector<uint8_t> severity;
    std::vector<uint8_t> kind;
    std::vector<int64_t> long_duration;
    int64_t first = INT64_MAX;
    int64_t last = INT64_MIN;
  };

  explicit RunRecordWriter(OutputFile file) : file_(std::move(file)) {}
  absl::Status WriteFileHeader();
  uint16_t NameIndex(const char* name);
  void Keep(absl::Status status) {
    if (status_.ok()) status_ = std::move(status);
  }
  void WriteBlock(record_format::BlockHeader header, absl::string_view payload, int64_t first = 0,
                  int64_t last = 0);
  void WriteMessage(record_format::BlockType type, const google::protobuf::MessageLite& message);
  void WriteTables();
  void WriteChunk(LaneId lane, PendingLane& pending);
  void WriteFullestLane();
  void WritePending();

  OutputFile file_;
  absl::Status status_;
  Footer footer_;
  LaneTable new_lanes_;
  NameTable new_names_;
  absl::flat_hash_map<const char*, uint16_t> name_of_literal_;  // Looked up, never iterated.
  std::map<std::string, uint16_t, std::less<>> name_index_;     // Equal texts share an index.
  std::vector<PendingLane> lanes_;                              // By LaneId.
  size_t pending_items_ = 0;
  uint64_t items_written_ = 0;
};

// Facts of the machine, kept out of the record: `record_path`.host.json.
struct HostFacts {
  std::string compiler;
  std::string host;
  std::string system;
  double wall_seconds = 0;
  double events_per_second = 0;
};
// Compiler, host and system of this process.
HostFacts ThisHost();
absl::Status WriteHostSidecar(const std::string& record_path, const HostFacts& host_facts);

// The message as bytes that do not depend on the process.
std::string SerializeSteadily(const google::protobuf::MessageLite& message);

}  // namespace freshet

#endif  // FRESHET_RESULTS_RECORD_WRITER_H_
