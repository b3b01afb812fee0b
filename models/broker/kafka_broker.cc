#include "models/broker/kafka_broker.h"

#include "absl/strings/str_cat.h"

namespace freshet {

KafkaBroker::KafkaBroker(Simulation& sim, absl::string_view name, Network* network,
                         const Config& config)
    : Broker(sim, name, network, config),
      cached_bytes_(config.page_cache.memory.count()),
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

}  // namespace freshet
