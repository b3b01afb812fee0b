// A broker of shared-nothing Kafka: a process (broker.h) with volumes of its own, the page cache in
// front of them and, where the volumes are not local, the path to them.
#ifndef FRESHET_MODELS_BROKER_KAFKA_BROKER_H_
#define FRESHET_MODELS_BROKER_KAFKA_BROKER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/strings/string_view.h"
#include "models/broker/broker.h"
#include "models/storage/page_cache.h"
#include "models/storage/volume.h"
#include "sim/bandwidth.h"

namespace freshet {

class KafkaBroker : public Broker {
 public:
  struct Config : Broker::Config {
    // What all volumes share on their way over the instance's path to network storage; 0: they are
    // local, or it never limits.
    BytesPerSecond volume_path_bandwidth;
    BandwidthBurst volume_path_burst = {};
    int volumes = 1;               // log.dirs: a partition lives on one of them.
    Volume::Config volume;         // Each.
    PageCache::Config page_cache;  // Of the whole broker; volumes share it evenly.
  };

  static constexpr MetricDef kCacheMisses = {"broker.page_cache_miss_bytes", MetricKind::kCounter,
                                             MetricUnit::kBytes,
                                             "Bytes read for fetches that only the disk had."};

  KafkaBroker(Simulation& sim, absl::string_view name, Network* network, const Config& config);

  // Where a partition's log lives here.
  Volume& VolumeOf(uint32_t partition) { return *volumes_[partition % volumes_.size()]; }
  PageCache& PageCacheOf(uint32_t partition) {
    return *page_caches_[partition % page_caches_.size()];
  }
  const std::vector<std::unique_ptr<Volume>>& volumes() const { return volumes_; }
  // Null where there is none.
  Bandwidth* volume_path() { return volume_path_.get(); }

  // Whether what was appended at `cache_mark` has not been pushed out by later appends.
  bool StillCached(int64_t cache_mark) const {
    return appended_bytes() - cache_mark <= cached_bytes_;
  }
  Counter& cache_misses() { return cache_misses_; }

 private:
  const int64_t cached_bytes_;
  Counter& cache_misses_;
  std::unique_ptr<Bandwidth> volume_path_;
  std::vector<std::unique_ptr<Volume>> volumes_;
  std::vector<std::unique_ptr<PageCache>> page_caches_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_BROKER_KAFKA_BROKER_H_
