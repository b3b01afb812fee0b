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

}  // namespace freshet
