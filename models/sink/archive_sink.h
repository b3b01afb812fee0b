// Objects in a bucket as a sink: an archive, the cold path of a lake, as Flink's file sink writes
// it.
//
// A writer fills one object; at its size or age the object is closed, and its parts go up. They are
// safe then and nobody sees them: Prepare() closes what is open and ends when all parts are in the
// store, Commit() completes the uploads, one request an object, and only that makes objects
// visible. To complete an upload again that is complete changes nothing. What is rolled back is
// aborted; the parts of a writer that died stay, and are billed.
#ifndef FRESHET_MODELS_SINK_ARCHIVE_SINK_H_
#define FRESHET_MODELS_SINK_ARCHIVE_SINK_H_

#include <memory>
#include <optional>
#include <vector>

#include "absl/container/btree_map.h"
#include "models/network/network.h"
#include "models/sink/metered_sink.h"
#include "models/storage/object_client.h"
#include "sim/ring.h"

namespace freshet {

class ArchiveSink : public MeteredSink {
 public:
  struct Config {
    Bytes roll_size;
    std::optional<Duration> roll_age;  // From an object's first record.
    Ratio size_ratio;                  // Of an object to its records as they come.
    Bytes part_size;
    ObjectClient::Config object_client;
  };

  static constexpr MetricDef kObjects = {"archive.objects", MetricKind::kCounter,
                                         MetricUnit::kCount, "Objects that became visible."};
  static constexpr MetricDef kObjectBytes = {"archive.object_bytes", MetricKind::kDistribution,
                                             MetricUnit::kBytes, "Bytes of an object."};
  static constexpr MetricDef kPending = {"archive.pending_objects", MetricKind::kGauge,
                                         MetricUnit::kCount,
                                         "Objects that are prepared and not completed."};

  // REQUIRES: `bucket` and `network` outlive it.
  ArchiveSink(Simulation& sim, absl::string_view name, ObjectStore* bucket, Network* network,
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
  void Reset(WriterId writer) override;
  void Rollback(Epoch epoch) override;

 private:
  struct Object {
    ObjectId id = 0;
    Bytes bytes;
    std::vector<RecordRange> records;
    int64_t requests_left = 0;
    bool uploading = false;
    bool failed = false;
    bool of_epoch = false;  // That is being prepared.
  };
  struct Writer {
    HostId host;
    std::unique_ptr<ObjectClient> client;
    uint32_t life = 0;
    Object open;
    uint32_t opened = 0;
    Ring<Completion<bool>> taken;              // Writes that are to be answered.
    absl::btree_map<ObjectId, Object> closed;  // Since the last Prepare().
    bool preparing = false;
    Epoch epoch = 0;
    Completion<bool> prepared;
  };

  Writer& At(WriterId writer) { return *writers_[static_cast<size_t>(writer)]; }
  void Close(WriterId number);
  void Upload(WriterId number, Object& object);
  void PartOver(WriterId number, ObjectId id, ObjectResult result);
  void SendParts(WriterId number, ObjectId id);
  void MaybePrepared(WriterId number);
  void CompleteNext();
  void EndCommit(bool ok);

  const Config config_;
  ObjectStore* const bucket_;
  Network* const network_;
  const PrefixId prefix_;
  std::vector<std::unique_ptr<Writer>> writers_;
  absl::btree_map<Epoch, std::vector<Object>> prepared_;
  bool committing_ = false;
  Epoch commit_to_ = 0;
  Completion<bool> committed_;
  WriterId committer_ = -1;
  uint32_t attempt_ = 0;
  Counter& objects_;
  Distribution& object_bytes_;
  Gauge& pending_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_SINK_ARCHIVE_SINK_H_
