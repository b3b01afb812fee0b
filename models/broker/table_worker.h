// What a broker does for one table topic: it turns records of the partitions that it leads into
// data files of the table.
//
// A request of the coordinator says from which offsets on; the worker reads up to the high
// watermarks, from the log cache or what lies behind it, converts, writes files, and answers with
// them and with the next offsets. Records go in micro batches of at most 32 MiB, each read and
// converted by one thread, side by side on up to half of the cores; what is left over is more data,
// which the coordinator asks for at once. Once it knows where to begin, a worker that has got 32
// MiB goes ahead without being asked.
//
// What it has written it keeps until a request shows that it is committed: a request that begins
// where its files begin was not heard the last time, and is answered with the same files. Files
// that fit no request are dropped: orphans in the warehouse. So it is when a partition comes or
// goes, when a write fails, and when the broker dies.
//
// Uploads pass the lowest class of the network limiter, conversion shares the cores with requests.
// docs/models/table.md says what is approximated, and has the sources.
#ifndef FRESHET_MODELS_BROKER_TABLE_WORKER_H_
#define FRESHET_MODELS_BROKER_TABLE_WORKER_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "models/broker/s3stream_broker.h"
#include "models/sink/iceberg_table.h"
#include "models/storage/object_writer.h"
#include "sim/component.h"
#include "sim/ring.h"

namespace freshet {

// An offset of the topic's partition `index`, and in which epoch of its leader.
struct TableOffset {
  uint32_t index = 0;
  int32_t epoch = 0;
  Offset offset = 0;

  friend bool operator==(const TableOffset&, const TableOffset&) = default;
};

struct TableRequest {
  uint64_t commit = 0;
  std::vector<TableOffset> offsets;
};

struct TableAnswer {
  uint64_t commit = 0;
  bool moves = false;  // `next` says how far the files go; else what could not be done.
  bool more_data = false;
  std::vector<TableOffset> next;
  std::vector<TableFile> files;
  int64_t skipped = 0;  // Records that retention had deleted.
};

class TableWorker : public Component {
 public:
  struct Config {
    Duration cpu_per_mib;     // Of records as stored, until they are Parquet.
    Ratio parquet_ratio;      // Bytes of Parquet for a byte as stored.
    int64_t open_partitions;  // Of the table, that a micro batch has rows for.
    Bytes micro_batch;
    Bytes target_file;
    ObjectClient::Config object_client;
    Bytes part_size;
  };

  class Owner {
   public:
    virtual ~Owner() = default;
    virtual const PartitionLog& LogOfIndex(uint32_t index) const = 0;
    virtual int32_t EpochOfIndex(uint32_t index) const = 0;
    // Brings [from, to) into the memory of `broker`. Returns true when it is there; otherwise
    // `read` fires when it is, unless the broker dies.
    virtual bool ReadIndex(BrokerId broker, uint32_t index, Offset from, Offset to,
                           Callback read) = 0;
    virtual void Answer(BrokerId from, TableAnswer answer) = 0;
  };

  // REQUIRES: all pointers outlive it; `broker` is number `id` of its cluster.
  TableWorker(Simulation& sim, absl::string_view name, Network* network, S3StreamBroker* broker,
              BrokerId id, IcebergTable* table, Owner* owner, const Config& config);

  // The broker leads the partition, or does not any more.
  void Add(uint32_t index);
  void Remove(uint32_t index);
  void Request(const TableRequest& request);
  // So much more of its partitions is durable.
  void Appended(Bytes bytes) {
    dirty_ += bytes;
    if (dirty_ > config_.micro_batch && !ahead_) GoAheadSoon();
  }
  // The process dies.
  void Crash();

  ObjectClient& object_client() { return client_; }
  bool leads_any() const { return !partitions_.empty(); }

 private:
  enum class Status : uint8_t { kIdle, kAhead, kCommit };
  struct Range {
    uint32_t index;
    Offset from;
    Offset to;
  };
  // What one micro batch has made. Writers follow one another: each begins where the one before
  // ends, in every partition.
  struct Writer {
    std::vector<Range> ranges;  // Of all partitions asked for, by index.
    std::vector<TableFile> files;
    int64_t skipped = 0;
  };
  struct Part {
    uint32_t index;
    Offset at;
    Offset next;  // Up to where it is being read.
    Offset end;
    Bytes chunk;
  };
  struct Micro {
    Writer writer;
    std::vector<Part> parts;
    size_t parts_left = 0;
    Ring<uint32_t> read;  // Parts whose chunk waits for the thread.
    bool working = false;
    Bytes bytes;
    int64_t records = 0;
    std::vector<TableFile> files;  // To be written.
    size_t files_left = 0;
  };

  void GoAheadSoon();
  void Run();
  void GoAhead();
  void Commit();
  // The request's part that concerns this broker; nothing when there is none.
  std::optional<TableRequest> TakeRequest();
  void DropCommitted(const std::vector<TableOffset>& offsets);
  void DropWriters(size_t from, size_t to);
  void AnswerRequest(bool more_data);

  // A sync of [starts, high watermarks).
  void Sync(const std::vector<TableOffset>& starts);
  bool Trim(Micro* micro) const;
  void Read(uint32_t micro, uint32_t part);
  void ChunkRead(uint32_t micro, uint32_t part);
  void Work(uint32_t micro);
  void Worked(uint32_t micro, uint32_t part);
  void PartOver(uint32_t micro);
  void WriteFiles(uint32_t micro);
  void Put(uint32_t micro, uint32_t file);
  void FileOver(uint32_t micro, uint32_t file, ObjectResult result);
  void MicroOver();
  void SyncOver();

  const Config config_;
  S3StreamBroker* const broker_;
  const BrokerId id_;
  IcebergTable* const table_;
  Owner* const owner_;
  ObjectClient client_;
  ObjectWriter writer_;
  std::vector<uint32_t> partitions_;
  Status status_ = Status::kIdle;
  bool reset_ = false;     // What it has is of no use any more.
  bool starving_ = false;  // A request came too late, or twice: the next one comes first.
  bool ahead_ = false;     // It is to go ahead.
  Bytes dirty_;
  std::optional<TableRequest> request_;
  Time requested_at_;
  TableRequest answering_;
  std::vector<TableOffset> last_offsets_;
  std::vector<Writer> writers_;
  std::vector<Micro> micros_;
  size_t micros_left_ = 0;
  bool more_data_ = false;
  uint32_t life_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_BROKER_TABLE_WORKER_H_
