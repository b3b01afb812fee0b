#include "scenarios/language/assemble_parts.h"

#include "scenarios/language/assemble_laws.h"

namespace freshet {

BandwidthBurst BurstOf(const std::string& rate, const std::string& credits,
                       const std::string& at_start) {
  if (rate.empty() || credits.empty()) return {};
  return {BytesPerSecondOf(rate), BytesOf(credits), BytesOf(at_start.empty() ? credits : at_start)};
}

Volume::Config VolumeConfigOf(const v1::Volume& volume) {
  return {BytesPerSecondOf(volume.bandwidth()),
          SamplerOf(volume.read_latency()),
          SamplerOf(volume.write_latency()),
          SamplerOf(volume.flush_latency()),
          BurstOf(volume.bandwidth_burst(), volume.bandwidth_credits(), ""),
          {static_cast<int64_t>(volume.iops()), BytesOf(volume.io_size()),
           static_cast<int64_t>(volume.iops_burst()), static_cast<int64_t>(volume.iops_credits())}};
}

ObjectStore::Config StoreConfigOf(const v1::ObjectStorage& text) {
  ObjectStore::Config config = text.preset() == v1::ObjectStorage::OPTIMISTIC_2019
                                   ? ObjectStore::Optimistic2019()
                                   : ObjectStore::Realistic();
  if (text.has_get_latency()) config.get_latency = SamplerOf(text.get_latency());
  if (text.has_small_put_latency()) config.small_put_latency = SamplerOf(text.small_put_latency());
  if (text.has_large_put_latency()) config.large_put_latency = SamplerOf(text.large_put_latency());
  config.small_put = BytesOf(text.small_put());
  config.large_put = BytesOf(text.large_put());
  if (text.has_stream_rate()) config.stream_rate = SamplerOf(text.stream_rate());
  if (!text.stall_probability().empty()) {
    config.stall_probability = RatioOf(text.stall_probability());
  }
  if (text.has_stall()) config.stall = SamplerOf(text.stall());
  if (text.preset() == v1::ObjectStorage::EXPRESS_ONE_ZONE) {
    config.express = true;
    if (!text.has_large_put_latency()) config.large_put_latency = config.small_put_latency;
  }
  config.writes_per_prefix = RateOf(text.writes_per_prefix());
  config.reads_per_prefix = RateOf(text.reads_per_prefix());
  return config;
}

}  // namespace freshet
