// Opens a run record, whole or cut short, trusting nothing in it.
//
// Every length is held against the file, every block against its checksums, every message and
// column against its rules; what fails ends the reading there. A record that a crash, a full disk
// or a flipped bit spoiled opens with complete() false, problem() saying where, and all before it.
//
// Tables are read when it is opened; items chunk by chunk when they are asked for.
#ifndef FRESHET_RESULTS_RECORD_READER_H_
#define FRESHET_RESULTS_RECORD_READER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "results/record.pb.h"
#include "results/record_writer.h"
#include "sim/recorder.h"

namespace freshet {

// The items of one lane, in the order they were recorded: entry i of every column is one item.
struct ItemChunk {
  LaneId lane = 0;
  std::vector<int64_t> start_ns;
  std::vector<int64_t> duration_ns;
  std::vector<int64_t> value;
  std::vector<uint64_t> event;
  std::vector<RecordId> id;
  std::vector<RecordId> ancestor;
  std::vector<uint16_t> name;  // Index into RunRecord::names().
  std::vector<Severity> severity;
  std::vector<RecordedItem::Kind> kind;
  size_t size() const { return start_ns.size(); }
};

class RunRecord {
 public:
  // One entry per chunk, in file order; a lane's chunks are in order of time of recording.
  struct ChunkPlace {
    LaneId lane;
    uint32_t items;
    uint64_t payload_offset;
    uint64_t payload_bytes;
    uint64_t checksum;
    uint32_t long_durations;
  };

  RunRecord(RunRecord&& other) noexcept;
  RunRecord& operator=(RunRecord&&) = delete;
  ~RunRecord();

  const RunRecordHeader& header() const { return header_; }
  const std::vector<LaneRow>& lanes() const { return lanes_; }
  const std::vector<std::string>& names() const { return names_; }
  const std::vector<ChunkPlace>& chunks() const { return chunks_; }
  // Filled as far as the record goes; all of it when complete().
  const RunResults& results() const { return results_; }

  // Whether the run ended and every block up to the trailer is there and sound. Payloads of chunks
  // are checked by ReadChunk().
  bool complete() const { return complete_; }
  // Why not, naming the file and the byte; empty when complete.
  const std::string& problem() const { return problem_; }
  const std::string& path() const { return path_; }

  // REQUIRES: index < chunks().size().
  absl::StatusOr<ItemChunk> ReadChunk(size_t index) const;
  // Reads every chunk; the first error.
  absl::Status VerifyItems() const;

 private:
  friend absl::StatusOr<RunRecord> ReadRunRecord(const std::string& path);
  RunRecord(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}

  absl::Status ReadFileHeader();
  // Reads one block; sets `*at` behind it, `*ended` at the trailer.
  absl::Status ReadBlock(uint64_t* at, bool* ended);
  absl::Status ReadTrailer(uint64_t at);
  absl::Status TakeMessage(uint32_t type, const std::string& raw);
  absl::Status ReadAt(uint64_t offset, void* to, size_t bytes) const;
  absl::Status Damage(uint64_t at, const std::string& what) const;

  std::string path_;
  int descriptor_;
  uint64_t file_bytes_ = 0;
  RunRecordHeader header_;
  std::vector<LaneRow> lanes_;
  std::vector<std::string> names_;
  std::vector<ChunkPlace> chunks_;
  RunResults results_;
  Footer footer_;
  std::vector<FooterBlock> seen_;
  uint64_t item_count_ = 0;
  uint64_t promised_items_ = 0;
  uint32_t types_seen_ = 0;
  bool complete_ = false;
  std::string problem_;
};

// An error only when there is nothing to show: no such file, not a record, a newer format, or
// damage before the end of the header block.
absl::StatusOr<RunRecord> ReadRunRecord(const std::string& path);

}  // namespace freshet

#endif  // FRESHET_RESULTS_RECORD_READER_H_
