#include "models/storage/volume.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

// Bandwidth counts whole units and forgives a sliver of one: in millionths of an operation a limit
// is exact to the nanosecond.
constexpr int64_t kMillionths = 1'000'000;

Bandwidth::Config OperationsShared(const Volume::Operations& limit) {
  const auto rate = [](int64_t per_second) { return BytesPerSecond(per_second * kMillionths); };
  const Bytes credits = Bytes(limit.burst_credits) * kMillionths;
  Bandwidth::Config config =
      BurstableBandwidth(rate(limit.per_second), {rate(limit.burst_per_second), credits, credits});
  config.metrics = false;  // They would call operations bytes.
  return config;
}

}  // namespace

Volume::Volume(Simulation& sim, absl::string_view name, const Config& config, Bandwidth* path)
    : Component(sim, name),
      config_(config),
      bandwidth_(sim, absl::StrCat(name, "/bandwidth"),
                 BurstableBandwidth(config.bandwidth, config.burst)),
      path_(path),
      latency_stream_(NewStream("latency")),
      read_bytes_(AddCounter(kReadBytes)),
      written_bytes_(AddCounter(kWrittenBytes)),
      flush_latency_(AddDistribution(kFlushLatency)) {
  const Operations& limit = config_.operations;
  if (limit.per_second == 0) return;
  SIM_REQUIRE(limit.per_second > 0 && limit.per_second <= kMostOperations &&
              limit.burst_per_second <= kMostOperations && limit.io_size > Bytes(0));
  operations_ = std::make_unique<Bandwidth>(sim, absl::StrCat(name, "/io-operations"),
                                            OperationsShared(limit));
  operations_metric_ = &AddCounter(kOperations);
}

void Volume::Read(Bytes size, const Callback& done) {
  read_bytes_.Add(size.count());
  Begin(size, Draw(config_.read_latency), false, done);
}

void Volume::ReadOn(Bytes size, const Callback& done) {
  read_bytes_.Add(size.count());
  Begin(size, Duration::Zero(), false, done);
}

void Volume::Write(Bytes size, const Callback& done) {
  written_bytes_.Add(size.count());
  Begin(size, Draw(config_.write_latency), false, done);
}

void Volume::Flush(Bytes size, const Callback& done) {
  written_bytes_.Add(size.count());
  Begin(size, Draw(config_.flush_latency), true, done);
}

void Volume::Begin(Bytes size, Duration latency, bool flush, const Callback& done) {
  ++commands_;
  const int waiting_for = 2 + (operations_ != nullptr ? 1 : 0) + (path_ != nullptr ? 1 : 0);
  const uint32_t command = in_flight_.Add({size, done, Now(), flush, waiting_for});
  After<"volume.latency_over">(latency, [this, command, generation = generation_] {
    if (generation == generation_) OneOver(command);
  });
  bandwidth_.Start(size, [this, command] { OneOver(command); });
  if (operations_ != nullptr) {
    const int64_t count =
        std::max<int64_t>(1, MulDivCeil(size.count(), 1, config_.operations.io_size.count()));
    operations_metric_->Add(count);
    operations_->Start(Bytes(count) * kMillionths, [this, command] { OneOver(command); });
  }
  if (path_ != nullptr) {
    path_->Start(size, [this, command, generation = generation_] {
      if (generation == generation_) OneOver(command);
    });
  }
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
  if (operations_ != nullptr) operations_->CancelAll();
  in_flight_ = Pool<Command>();
}

}  // namespace freshet
