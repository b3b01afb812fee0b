// A broker of the shared-storage kind: a process (broker.h) whose log is on its way to object
// storage. Appends go to the write-ahead log; what is durable there is in the log cache, uploaded
// from it and read from it; older data comes from objects through the block cache.
//
// An append is turned away while the log cache is full of what is not uploaded, or the write-ahead
// log over capacity: then it waits in line and tries again every 100 ms, which is what holds
// producers back. When four fifths of the cache are not uploaded, or an append is turned away, all
// is uploaded at once, as fast as it goes.
//
// A block of the log cache is uploaded when it is full, or upload_interval after its first record.
//
// Left out: CPU work of uploads and compaction. docs/models/s3stream.md has the sources.
#ifndef FRESHET_MODELS_BROKER_S3STREAM_BROKER_H_
#define FRESHET_MODELS_BROKER_S3STREAM_BROKER_H_

#include <cstdint>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "models/broker/broker.h"
#include "models/broker/stream_compactor.h"
#include "models/broker/stream_reader.h"
#include "models/broker/stream_uploader.h"
#include "models/log/log_cache.h"
#include "models/log/log_service.h"
#include "models/log/s3_wal.h"
#include "models/log/volume_wal.h"

namespace freshet {

class S3StreamBroker : public Broker {
 public:
  struct Config : Broker::Config {
    NetworkLimiter::Config inbound;
    NetworkLimiter::Config outbound;
    ObjectClient::Config object_client;
    Bytes part_size;  // Of uploads in parts.
    std::variant<S3Wal::Config, VolumeWal::Config> wal;
    Bytes log_cache;
    Bytes upload_threshold;  // A block of the log cache; at most a third of it.
    Duration upload_interval;
    StreamUploader::Config uploader;
    StreamReader::Config reader;
    StreamCompactor::Config compactor;
  };

  // What the broker tells its cluster.
  class Owner {
   public:
    virtual ~Owner() = default;
    // Durable in the write-ahead log of `broker` up to `offset`.
    virtual void OnDurable(BrokerId broker, PartitionId partition, Offset offset) = 0;
    virtual void OnUploaded(BrokerId broker) = 0;
    virtual void OnFenced(BrokerId broker) = 0;
    virtual void OnGarbage(const std::vector<ObjectId>& objects) = 0;
    virtual std::vector<PartitionId> LedBy(BrokerId broker) const = 0;
  };

  static constexpr MetricDef kLogCache = {"broker.log_cache_bytes", MetricKind::kGauge,
                                          MetricUnit::kBytes, "Bytes in the log cache."};
  static constexpr MetricDef kNotUploaded = {"broker.not_uploaded_bytes", MetricKind::kGauge,
                                             MetricUnit::kBytes,
                                             "Durable bytes that are in no committed object."};
  static constexpr MetricDef kBackingOff = {
      "broker.backing_off_bytes", MetricKind::kGauge, MetricUnit::kBytes,
      "Bytes of appends that wait until there is room for them: back-pressure to producers."};
  static constexpr MetricDef kColdBytes = {"broker.cold_read_bytes", MetricKind::kCounter,
                                           MetricUnit::kBytes,
                                           "Bytes of fetches that the log cache held no more."};

  // REQUIRES: all pointers outlive it; `id` is its index in the cluster.
  S3StreamBroker(Simulation& sim, absl::string_view name, Network* network, ObjectStore* store,
                 StreamObjects* objects, BrokerId id, Owner* owner, const Config& config);

  // Background work begins, with the process.
  void Start();
  void Crash() override;
  // What its last life left at the store that nobody knows of.
  std::vector<ObjectId> TakeUnknownObjects() { return std::exchange(unknown_, {}); }

  // Of its own log, which it has appended to a partition. In the order of the appends.
  void Append(PartitionId partition, Offset from, Offset to, Bytes bytes);
  // Uploads all that is durable, as fast as it goes, together with others who ask now.
  void ForceUpload();
  // Its write-ahead log is empty: it may be used again.
  void BeginAnew(ObjectClient* by);

  // Returns true when a response of `size` may be served at once; otherwise `serve` fires when it
  // may. `cold` is what the log cache lacks.
  bool PrepareResponse(const std::vector<StreamReader::Wanted>& cold, Bytes size, Callback serve);

  // The same for a response with the tail of partitions that others lead: what it lacks of it is
  // read from objects of their write-ahead logs first.
  struct Snapshot {
    ObjectId object;
    Bytes bytes;
  };
  bool PrepareSnapshot(const std::vector<Snapshot>& tail,
                       const std::vector<StreamReader::Wanted>& cold, Bytes size, Callback serve);

  WriteAheadLog& wal() { return *wal_; }
  const WriteAheadLog& wal() const { return *wal_; }
  LogCache& log_cache() { return cache_; }
  const LogCache& log_cache() const { return cache_; }
  ObjectClient& object_client() { return client_; }
  NetworkLimiter& inbound() { return inbound_; }
  NetworkLimiter& outbound() { return outbound_; }
  StreamUploader& uploader() { return uploader_; }
  StreamReader& reader() { return reader_; }
  // Where it puts what it compacts.
  PrefixId compacted() const { return compactor_.prefix(); }

 private:
  struct Appended {
    PartitionId partition;
    Offset from;
    Offset to;
    Bytes bytes;
    int64_t position;  // Its end in the write-ahead log.
  };

  bool TryAppend(Appended appended);
  void RetryLater();
  void Retry();
  void WalAdvanced();
  void IntoCache(const Appended& appended);
  void UploadOpenBlock(StreamUploader::Pace pace);
  void Uploaded(LogCache::BlockNumber block);
  void ResponseRead(uint32_t response);
  void ShowLevels();

  const Config config_;
  const BrokerId id_;
  Owner* const owner_;
  ObjectClient client_;
  ObjectWriter writer_;
  NetworkLimiter inbound_;
  NetworkLimiter outbound_;
  std::unique_ptr<WriteAheadLog> wal_;
  LogCache cache_;
  StreamUploader uploader_;
  StreamReader reader_;
  StreamCompactor compactor_;
  Ring<Appended> in_wal_;
  Ring<Appended> backing_off_;
  int64_t backing_off_bytes_ = 0;
  EventId retry_;
  EventId interval_over_;
  EventId force_;
  LogCache::BlockNumber forced_ = 0;  // The last that a forced upload took.
  struct Response {
    Bytes size;
    Callback serve;
  };
  Pool<Response> responses_;
  struct TailRead {
    std::vector<Snapshot> reads;
    size_t left;
    std::vector<StreamReader::Wanted> cold;
    Bytes size;
    Callback serve;
  };
  void ReadTail(uint32_t index, uint32_t read);
  Pool<TailRead> tail_reads_;
  std::vector<ObjectId> unknown_;
  Gauge& log_cache_gauge_;
  Gauge& not_uploaded_;
  Gauge& backing_off_gauge_;
  Counter& cold_bytes_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_BROKER_S3STREAM_BROKER_H_
