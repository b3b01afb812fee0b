// A block volume: bandwidth and I/O operations that reads and writes share, a latency for each
// command, and the cost of making data durable.
//
// A command takes the longest of its latency, of its bytes' fair share of the bandwidth, of its
// operations' share of the limit on I/O operations, and, where the volume is reached over the
// instance's path to network storage, of its bytes' share of that path: measured latencies hold the
// transfer of an ordinary command already, and a limit is one on the sum of all, not the speed of
// one. So what passes is the least of the limits. Any number of commands run side by side. Flush()
// is what fsync of a file asks of the device: the bytes not yet written, and that they are durable.
//
// Bandwidth and operations may burst above their baseline while credits last (sim/bandwidth.h).
//
// Left out: queue depth, wear. docs/models/storage.md has the sources.
#ifndef FRESHET_MODELS_STORAGE_VOLUME_H_
#define FRESHET_MODELS_STORAGE_VOLUME_H_

#include <memory>

#include "absl/strings/string_view.h"
#include "sim/bandwidth.h"
#include "sim/component.h"
#include "sim/pool.h"
#include "sim/sampler.h"
#include "sim/units.h"

namespace freshet {

class Volume : public Component {
 public:
  static constexpr int64_t kMostOperations = 10'000'000;  // A second.

  // A limit on I/O operations, up to kMostOperations. A command is one for each `io_size` begun,
  // and one at least.
  struct Operations {
    int64_t per_second = 0;  // What always holds; 0: no limit.
    Bytes io_size;
    int64_t burst_per_second = 0;  // While credits last; without credits no burst.
    int64_t burst_credits = 0;     // Operations above the baseline; the bucket begins full.
  };
  struct Config {
    BytesPerSecond bandwidth;  // What always holds.
    Sampler read_latency;
    Sampler write_latency;
    Sampler flush_latency;
    BandwidthBurst burst = {};
    Operations operations = {};
  };

  static constexpr MetricDef kReadBytes = {"volume.read_bytes", MetricKind::kCounter,
                                           MetricUnit::kBytes, "Bytes read from the device."};
  static constexpr MetricDef kWrittenBytes = {"volume.written_bytes", MetricKind::kCounter,
                                              MetricUnit::kBytes, "Bytes written to the device."};
  static constexpr MetricDef kFlushLatency = {"volume.flush_latency", MetricKind::kDistribution,
                                              MetricUnit::kDuration,
                                              "From the call of Flush() to durable."};
  // Registered only where operations are limited.
  static constexpr MetricDef kOperations = {
      "volume.io_operations", MetricKind::kCounter, MetricUnit::kCount,
      "I/O operations asked of the device, as its provider counts them."};

  // `path` is what the instance's network volumes share on their way to it; null for a local one.
  // It outlives the volume.
  Volume(Simulation& sim, absl::string_view name, const Config& config, Bandwidth* path = nullptr);

  void Read(Bytes size, const Callback& done);
  // Goes on where a read has ended: read ahead, so that it has no latency of its own.
  void ReadOn(Bytes size, const Callback& done);
  void Write(Bytes size, const Callback& done);
  // Writes `size` bytes and then flushes the device. `done` fires when they are durable.
  void Flush(Bytes size, const Callback& done);

  // Fault verb slow: latencies times `factor`. REQUIRES: factor > 0.
  void SetLatencyFactor(Ratio factor) { latency_factor_ = factor; }
  // Fault verb throttle.
  Bandwidth& bandwidth() { return bandwidth_; }
  // A crash of the machine: what is under way is forgotten; bytes that are on the path already
  // still pass it.
  void DropAll();
  // Commands that a fault could have touched so far.
  int64_t commands() const { return commands_; }

 private:
  struct Command {
    Bytes size;
    Callback done;
    Time asked_at;
    bool flush;
    int waiting_for;  // Latency, bandwidth, operations, path: as many as there are.
  };

  void Begin(Bytes size, Duration latency, bool flush, const Callback& done);
  Duration Draw(Sampler& latency) {
    return latency_factor_ * latency.DrawDuration(latency_stream_);
  }
  void OneOver(uint32_t command);

  Config config_;
  Bandwidth bandwidth_;
  // Of operations instead of bytes: commands share the limit fairly, and it may have credits. A
  // token bucket would let a flush wait behind all operations of a large write that came before.
  // Null without a limit.
  std::unique_ptr<Bandwidth> operations_;
  Bandwidth* const path_;
  RandomStream latency_stream_;
  Ratio latency_factor_ = Ratio::One();
  Pool<Command> in_flight_;
  int64_t commands_ = 0;
  uint32_t generation_ = 0;
  Counter& read_bytes_;
  Counter& written_bytes_;
  Distribution& flush_latency_;
  Counter* operations_metric_ = nullptr;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_STORAGE_VOLUME_H_
