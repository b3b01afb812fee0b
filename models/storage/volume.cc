#include "models/storage/volume.h"

#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

Bandwidth::Config Shared(BytesPerSecond rate) {
  Bandwidth::Config config;
  config.capacity = rate;
  return config;
}

}  // namespace

Volume::Volume(Simulation& sim, absl::string_view name, const Config& config)
    : Component(sim, name),
      config_(config),
      bandwidth_(sim, absl::StrCat(name, "/bandwidth"), Shared(config.bandwidth)),
      latency_stream_(NewStream("latency")),
      read_bytes_(AddCounter(kReadBytes)),
      written_bytes_(AddCounter(kWrittenBytes)),
      flush_latency_(AddDistribution(kFlushLatency)) {}

void Volume::Read(Bytes size, Callback done) {
  read_bytes_.Add(size.count());
  Begin(size, config_.read_latency, false, done);
}

void Volume::Write(Bytes size, Callback done) {
  written_bytes_.Add(size.count());
  Begin(size, config_.write_latency, false, done);
}

void Volume::Flush(Bytes size, Callback done) {
  written_bytes_.Add(size.count());
  Begin(size, config_.flush_latency, true, done);
}

void Volume::Begin(Bytes size, Sampler& latency, bool flush, Callback done) {
  ++commands_;
  const Duration command_latency = latency_factor_ * latency.DrawDuration(latency_stream_);
  const uint32_t command = in_flight_.Add({size, done, Now(), flush, 2});
  After<"volume.latency_over">(command_latency, [this, command, generation = generation_] {
    if (generation == generation_) OneOver(command);
  });
  bandwidth_.Start(size, [this, command] { OneOver(command); });
}

void Volume::OneOver(uint32_t command) {
  if (--in_flight_[command].waiting_for > 0) return;
  Command finished = in_flight_.Take(command);
  if (finished.flush) flush_latency_.Record(Now() - finished.asked_at);
  finished.done();
}

void Volume::DropAll() {
  ++generation_;
  bandwidth_.CancelAll();
  in_flight_ = Pool<Command>();
}

}  // namespace freshet
