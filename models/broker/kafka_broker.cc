#include "models/broker/kafka_broker.h"

#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

Station::Config Cores(int64_t vcpus) {
  Station::Config config;
  config.workers = vcpus;
  return config;
}

}  // namespace

KafkaBroker::KafkaBroker(Simulation& sim, absl::string_view name, Network* network,
                         const Config& config)
    : Component(sim, name),
      config_(config),
      network_(network),
      host_(network->AddHost(name, config.zone, config.network_bandwidth, config.network_burst)),
      cpu_(sim, absl::StrCat(name, "/cpu"), Cores(config.vcpus)),
      io_threads_(config.io_threads),
      produce_requests_(AddCounter(kProduceRequests)),
      fetch_requests_(AddCounter(kFetchRequests)),
      bytes_in_(AddCounter(kBytesIn)),
      replicated_bytes_in_(AddCounter(kReplicatedIn)),
      bytes_out_(AddCounter(kBytesOut)),
      cache_misses_(AddCounter(kCacheMisses)),
      lane_(sim.recorder().AddLane(name)) {
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

Duration KafkaBroker::CpuTime(int64_t requests, Bytes bytes) const {
  constexpr int64_t kMib = int64_t{1} << 20;
  return config_.cpu_per_request * requests +
         Nanoseconds(MulDivCeil(config_.cpu_per_mib.nanos(), bytes.count(), kMib));
}

void KafkaBroker::Crash() {
  SIM_REQUIRE(up_);
  up_ = false;
  ++generation_;
  network_->SetDown(host_, true);
}

void KafkaBroker::Restart() {
  SIM_REQUIRE(!up_);
  up_ = true;
  network_->SetDown(host_, false);
}

}  // namespace freshet
