// A block volume: bandwidth that reads and writes share, a latency for each command, and the cost
// of making data durable.
//
// A command takes the longer of its latency and of its bytes' fair share of the bandwidth: measured
// latencies hold the transfer of an ordinary command already, and a volume's rate is a limit on the
// sum of all, not the speed of one. Any number of commands run side by side. Flush() is what fsync
// of a file asks of the device: the bytes not yet written, and that they are durable.
//
// Left out: IOPS and queue depth limits apart from bandwidth, and wear. docs/models/storage.md has
// the sources.
#ifndef FRESHET_MODELS_STORAGE_VOLUME_H_
#define FRESHET_MODELS_STORAGE_VOLUME_H_

#include "absl/strings/string_view.h"
#include "sim/bandwidth.h"
#include "sim/component.h"
#include "sim/pool.h"
#include "sim/sampler.h"
#include "sim/units.h"

namespace freshet {

class Volume : public Component {
 public:
  struct Config {
    BytesPerSecond bandwidth;
    Sampler read_latency;
    Sampler write_latency;
    Sampler flush_latency;
  };

  static constexpr MetricDef kReadBytes = {"volume.read_bytes", MetricKind::kCounter,
                                           MetricUnit::kBytes, "Bytes read from the device."};
  static constexpr MetricDef kWrittenBytes = {"volume.written_bytes", MetricKind::kCounter,
                                              MetricUnit::kBytes, "Bytes written to the device."};
  static constexpr MetricDef kFlushLatency = {"volume.flush_latency", MetricKind::kDistribution,
                                              MetricUnit::kDuration,
                                              "From the call of Flush() to durable."};

  Volume(Simulation& sim, absl::string_view name, const Config& config);

  void Read(Bytes size, Callback done);
  void Write(Bytes size, Callback done);
  // Writes `size` bytes and then flushes the device. `done` fires when they are durable.
  void Flush(Bytes size, Callback done);

  // Fault verb slow: latencies times `factor`. REQUIRES: factor > 0.
  void SetLatencyFactor(Ratio factor) { latency_factor_ = factor; }
  // Fault verb throttle.
  Bandwidth& bandwidth() { return bandwidth_; }
  // A crash of the machine: what is under way is forgotten.
  void DropAll();
  // Commands that a fault could have touched so far.
  int64_t commands() const { return commands_; }

 private:
  struct Command {
    Bytes size;
    Callback done;
    Time asked_at;
    bool flush;
    int waiting_for;  // Latency and bandwidth: two things at first.
  };

  void Begin(Bytes size, Sampler& latency, bool flush, Callback done);
  void OneOver(uint32_t command);

  Config config_;
  Bandwidth bandwidth_;
  RandomStream latency_stream_;
  Ratio latency_factor_ = Ratio::One();
  Pool<Command> in_flight_;
  int64_t commands_ = 0;
  uint32_t generation_ = 0;
  Counter& read_bytes_;
  Counter& written_bytes_;
  Distribution& flush_latency_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_STORAGE_VOLUME_H_
