// An object store without chance, so that times can be told in the head.
#ifndef FRESHET_TESTS_MODELS_STORAGE_QUIET_STORE_H_
#define FRESHET_TESTS_MODELS_STORAGE_QUIET_STORE_H_

#include "models/storage/object_store.h"

namespace freshet {

// First byte after 20 ms, answer to a PUT 100 ms after its body, 100 MiB/s a stream, no stall, no
// limit that matters.
inline ObjectStore::Config QuietStore() {
  ObjectStore::Config config;
  config.get_latency = Sampler::Constant(20e6);
  config.small_put_latency = Sampler::Constant(100e6);
  config.large_put_latency = Sampler::Constant(100e6);
  config.small_put = KiB(512);
  config.large_put = MiB(4);
  config.stream_rate = Sampler::Constant(MiBPerSecond(100).count());
  config.stall_probability = Ratio();
  config.stall = Sampler::Constant(0);
  config.writes_per_prefix = Rate::PerSecond(1'000'000);
  config.reads_per_prefix = Rate::PerSecond(1'000'000);
  return config;
}

}  // namespace freshet

#endif  // FRESHET_TESTS_MODELS_STORAGE_QUIET_STORE_H_
