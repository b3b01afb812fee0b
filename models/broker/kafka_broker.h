// A broker of shared-nothing Kafka: a process (broker.h) with volumes of its own, the page cache in
// front of them and, where the volumes are not local, the path to them.
//
// What the cache holds are ranges of partitions' logs, by position, least recently used out first:
// appends and reads alike come in, so a reader of old data drives out what others are about to
// read.
#ifndef FRESHET_MODELS_BROKER_KAFKA_BROKER_H_
#define FRESHET_MODELS_BROKER_KAFKA_BROKER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "models/broker/broker.h"
#include "models/storage/page_cache.h"
#include "models/storage/volume.h"
#include "sim/bandwidth.h"
#include "sim/range_cache.h"

namespace freshet {

class KafkaBroker : public Broker {
 public:
  struct Config : Broker::Config {
    // What all volumes share on their way over the instance's path to network storage; 0: they are
    // local, or it never limits.
    BytesPerSecond volume_path_bandwidth;
    BandwidthBurst volume_path_burst = {};
    int volumes = 1;                   // log.dirs: a partition lives on one of them.
    Volume::Config volume;             // Each.
    std::optional<Bytes> volume_size;  // Room on each; absent: never full.
    PageCache::Config page_cache;      // Of the whole broker; volumes share it evenly.
  };

  static constexpr MetricDef kCacheMisses = {"broker.page_cache_miss_bytes", MetricKind::kCounter,
                                             MetricUnit::kBytes,
                                             "Bytes read for fetches that only the disk had."};

  static constexpr MetricDef kLogBytes = {"broker.log_bytes", MetricKind::kGauge,
                                          MetricUnit::kBytes,
                                          "Bytes that the segments of all its replicas take on the "
                                          "broker's volumes, with their indexes; "
                                          "deleted files count until they are unlinked."};

  static constexpr MetricDef kLogDirFailures = {
      "broker.log_dir_failures", MetricKind::kCounter, MetricUnit::kCount,
      "Times that the broker stopped because a volume of its log directory had no room left."};

  static constexpr MetricDef kRecovered = {
      "broker.recovered_bytes", MetricKind::kCounter, MetricUnit::kBytes,
      "Bytes of segments that were checked at starts after an unclean stop."};

  static constexpr MetricDef kThreadsReadingDisk = {
      "broker.network_threads_reading_disk", MetricKind::kGauge, MetricUnit::kCount,
      "Network threads that wait for a disk, and with them the connections that they serve."};

  // Kafka's indexes: 8 bytes of offset index and 12 of time index for each
  // log.index.interval.bytes of 4096.
  static constexpr int64_t kIndexEntryBytes = 20;
  static constexpr int64_t kIndexInterval = 4096;

  KafkaBroker(Simulation& sim, absl::string_view name, Network* network, const Config& config);

  // Where a partition's log lives here.
  Volume& VolumeOf(uint32_t partition) { return *volumes_[partition % volumes_.size()]; }
  PageCache& PageCacheOf(uint32_t partition) {
    return *page_caches_[partition % page_caches_.size()];
  }
  const std::vector<std::unique_ptr<Volume>>& volumes() const { return volumes_; }
  // Null where there is none.
  Bandwidth* volume_path() { return volume_path_.get(); }

  // The segments of `partition` here grow by `change`, or shrink.
  void NoteStored(uint32_t partition, Bytes change);
  // Bytes of segments on one of the volumes, without indexes.
  Bytes SegmentBytesOn(size_t volume) const { return segment_bytes_[volume]; }
  Bytes SegmentBytes() const { return stored_; }
  // Whether segments and indexes of the volume that `partition` lives on exceed its size.
  bool IsFull(uint32_t partition) const;
  // Its volumes are replaced by empty ones; what was on them is in no memory either.
  void ReplaceDisk();
  // Raised by ReplaceDisk().
  uint32_t disk_generation() const { return disk_generation_; }
  Counter& log_dir_failures() { return log_dir_failures_; }
  Counter& recovered() { return recovered_; }
  Gauge& threads_reading_disk() { return threads_reading_disk_; }

  // Positions [from, to) of a partition's log come into memory: appended, or read from the disk.
  void TakeIntoCache(uint32_t partition, int64_t from, int64_t to) {
    cached_.Insert(partition, from, to);
  }
  // How many bytes of [from, to) only the disk has. What is in memory counts as used now.
  Bytes MissingOf(uint32_t partition, int64_t from, int64_t to) {
    return Bytes(to - from) - cached_.Lookup(partition, from, to);
  }
  // The files that held [from, to) are gone or cut.
  void ForgetCached(uint32_t partition, int64_t from, int64_t to) {
    cached_.Erase(partition, from, to);
  }
  void Audit() { cached_.AuditInTurn(sim().AtLastAudit()); }

  Counter& cache_misses() { return cache_misses_; }

 private:
  // A range ages as a whole; 4 MiB, what the flusher writes at once, bounds their number.
  static constexpr Bytes kGrain = MiB(4);

  RangeCache cached_;
  std::vector<Bytes> segment_bytes_;  // By volume.
  Bytes stored_;                      // On all of them.
  std::optional<Bytes> volume_size_;
  uint32_t disk_generation_ = 0;
  Gauge& log_bytes_;
  Counter& log_dir_failures_;
  Counter& recovered_;
  Gauge& threads_reading_disk_;
  Counter& cache_misses_;
  std::unique_ptr<Bandwidth> volume_path_;
  std::vector<std::unique_ptr<Volume>> volumes_;
  std::vector<std::unique_ptr<PageCache>> page_caches_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_BROKER_KAFKA_BROKER_H_
