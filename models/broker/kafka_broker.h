// One Kafka broker as hardware and threads: processor cores, request handler threads, a network
// card, volumes with the page cache in front of them and, where the volumes are not local, the path
// to them. What it does with them is in kafka_cluster.h.
//
// A request holds one of num.io.threads handler threads from the moment it is taken until it is
// appended, a disk flush included; its work is done on the cores, first come first served. The cost
// of work is requests x cpu_per_request + bytes x cpu_per_byte (calibration 7.3).
//
// Left out: network threads apart from the cores they use, garbage collection pauses.
// docs/models/kafka.md has the sources.
#ifndef FRESHET_MODELS_BROKER_KAFKA_BROKER_H_
#define FRESHET_MODELS_BROKER_KAFKA_BROKER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/strings/string_view.h"
#include "models/network/network.h"
#include "models/storage/page_cache.h"
#include "models/storage/volume.h"
#include "sim/bandwidth.h"
#include "sim/component.h"
#include "sim/permits.h"
#include "sim/station.h"
#include "sim/units.h"

namespace freshet {

class KafkaBroker : public Component {
 public:
  struct Config {
    ZoneId zone = 0;
    int64_t vcpus = 1;
    BytesPerSecond network_bandwidth;  // What the card sustains.
    BandwidthBurst network_burst = {};
    // What all volumes share on their way over the instance's path to network storage; 0: they are
    // local, or it never limits.
    BytesPerSecond volume_path_bandwidth;
    BandwidthBurst volume_path_burst = {};
    int64_t io_threads = 8;
    Duration cpu_per_request;
    Duration cpu_per_mib;
    int volumes = 1;               // log.dirs: a partition lives on one of them.
    Volume::Config volume;         // Each.
    PageCache::Config page_cache;  // Of the whole broker; volumes share it evenly.
  };

  static constexpr MetricDef kProduceRequests = {"broker.produce_requests", MetricKind::kCounter,
                                                 MetricUnit::kCount, "Produce requests taken."};
  static constexpr MetricDef kFetchRequests = {
      "broker.fetch_requests", MetricKind::kCounter, MetricUnit::kCount,
      "Fetch requests taken, of consumers and of replicas."};
  static constexpr MetricDef kBytesIn = {"broker.bytes_in", MetricKind::kCounter,
                                         MetricUnit::kBytes, "Bytes appended as leader."};
  static constexpr MetricDef kReplicatedIn = {"broker.replicated_bytes_in", MetricKind::kCounter,
                                              MetricUnit::kBytes, "Bytes appended as follower."};
  static constexpr MetricDef kBytesOut = {"broker.bytes_out", MetricKind::kCounter,
                                          MetricUnit::kBytes,
                                          "Bytes sent to consumers and to replicas."};
  static constexpr MetricDef kCacheMisses = {"broker.page_cache_miss_bytes", MetricKind::kCounter,
                                             MetricUnit::kBytes,
                                             "Bytes read for fetches that only the disk had."};

  KafkaBroker(Simulation& sim, absl::string_view name, Network* network, const Config& config);

  HostId host() const { return host_; }
  bool up() const { return up_; }
  // Raised by a crash: work of an earlier life is void.
  uint32_t generation() const { return generation_; }

  Duration CpuTime(int64_t requests, Bytes bytes) const;
  Station& cpu() { return cpu_; }
  Permits& io_threads() { return io_threads_; }
  // Where a partition's log lives here.
  Volume& VolumeOf(uint32_t partition) { return *volumes_[partition % volumes_.size()]; }
  PageCache& PageCacheOf(uint32_t partition) {
    return *page_caches_[partition % page_caches_.size()];
  }
  const std::vector<std::unique_ptr<Volume>>& volumes() const { return volumes_; }
  // Null where there is none.
  Bandwidth* volume_path() { return volume_path_.get(); }

  // Everything ever appended here; says what the page cache still holds (LogRange::cache_mark).
  int64_t appended_bytes() const { return appended_bytes_; }
  void NoteAppended(Bytes bytes) { appended_bytes_ += bytes.count(); }
  // Whether what was appended at `cache_mark` has not been pushed out by later appends.
  bool StillCached(int64_t cache_mark) const {
    return appended_bytes_ - cache_mark <= config_.page_cache.memory.count();
  }

  // The process dies; its host answers no more. Dirty pages survive, the machine does not go.
  void Crash();
  void Restart();

  Counter& produce_requests() { return produce_requests_; }
  Counter& fetch_requests() { return fetch_requests_; }
  Counter& bytes_in() { return bytes_in_; }
  Counter& replicated_bytes_in() { return replicated_bytes_in_; }
  Counter& bytes_out() { return bytes_out_; }
  Counter& cache_misses() { return cache_misses_; }
  LaneId lane() const { return lane_; }

 private:
  const Config config_;
  Network* network_;
  HostId host_;
  bool up_ = true;
  uint32_t generation_ = 0;
  Station cpu_;
  Permits io_threads_;
  std::unique_ptr<Bandwidth> volume_path_;
  std::vector<std::unique_ptr<Volume>> volumes_;
  std::vector<std::unique_ptr<PageCache>> page_caches_;
  int64_t appended_bytes_ = 0;
  Counter& produce_requests_;
  Counter& fetch_requests_;
  Counter& bytes_in_;
  Counter& replicated_bytes_in_;
  Counter& bytes_out_;
  Counter& cache_misses_;
  LaneId lane_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_BROKER_KAFKA_BROKER_H_
