#include "models/broker/kafka_broker.h"

#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

Bytes WithIndexes(Bytes segments) {
  return segments + Bytes(MulDivFloor(segments.count(), KafkaBroker::kIndexEntryBytes,
                                      KafkaBroker::kIndexInterval));
}

}  // namespace

KafkaBroker::KafkaBroker(Simulation& sim, absl::string_view name, Network* network,
                         const Config& config)
    : Broker(sim, name, network, config),
      cached_(config.page_cache.memory, kGrain),
      segment_bytes_(static_cast<size_t>(config.volumes)),
      volume_size_(config.volume_size),
      log_bytes_(AddGauge(kLogBytes)),
      log_dir_failures_(AddCounter(kLogDirFailures)),
      recovered_(AddCounter(kRecovered)),
      threads_reading_disk_(AddGauge(kThreadsReadingDisk)),
      cache_misses_(AddCounter(kCacheMisses)) {
  SIM_REQUIRE(config.volumes > 0);
  if (config.volume_path_bandwidth > BytesPerSecond(0)) {
    volume_path_ = std::make_unique<Bandwidth>(
        sim, absl::StrCat(name, "/volume-path"),
        BurstableBandwidth(config.volume_path_bandwidth, config.volume_path_burst));
  }
  PageCache::Config share = config.page_cache;
  share.memory = Bytes(config.page_cache.memory.count() / config.volumes);
  for (int i = 1; i <= config.volumes; ++i) {
    const std::string suffix = config.volumes == 1 ? "" : absl::StrCat("-", i);
    volumes_.push_back(std::make_unique<Volume>(sim, absl::StrCat(name, "/disk", suffix),
                                                config.volume, volume_path_.get()));
    page_caches_.push_back(std::make_unique<PageCache>(
        sim, absl::StrCat(name, "/page-cache", suffix), volumes_.back().get(), share));
  }
}

void KafkaBroker::NoteStored(uint32_t partition, Bytes change) {
  segment_bytes_[partition % segment_bytes_.size()] += change;
  stored_ += change;
  log_bytes_.Set(WithIndexes(SegmentBytes()).count());
}

void KafkaBroker::ReplaceDisk() {
  ++disk_generation_;
  for (Bytes& bytes : segment_bytes_) bytes = Bytes(0);
  stored_ = Bytes(0);
  log_bytes_.Set(0);
  cached_.Clear();
}

bool KafkaBroker::IsFull(uint32_t partition) const {
  return volume_size_ &&
         WithIndexes(segment_bytes_[partition % segment_bytes_.size()]) > *volume_size_;
}

}  // namespace freshet
