// One broker process as hardware and threads, whatever keeps its log: processor cores, request
// handler threads, a network card. What it does with them is in broker_cluster.h.
//
// A request holds one of num.io.threads handler threads from the moment it is taken until it is
// appended; its work is done on the cores, first come first served. The cost of work is requests x
// cpu_per_request + partitions of them x cpu_per_partition + bytes x cpu_per_byte (decision 0009).
//
// Left out: garbage collection pauses.
// docs/models/kafka.md has the sources.
#ifndef FRESHET_MODELS_BROKER_BROKER_H_
#define FRESHET_MODELS_BROKER_BROKER_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "models/broker/network_threads.h"
#include "models/network/network.h"
#include "sim/component.h"
#include "sim/permits.h"
#include "sim/station.h"
#include "sim/units.h"

namespace freshet {

class Broker : public Component {
 public:
  struct Config {
    ZoneId zone = 0;
    int64_t vcpus = 1;
    BytesPerSecond network_bandwidth;  // What the card sustains.
    BandwidthBurst network_burst = {};
    int64_t network_threads = 3;
    int64_t io_threads = 8;
    Duration cpu_per_request;
    Duration cpu_per_partition;
    Duration cpu_per_mib;
  };

  static constexpr MetricDef kProduceRequests = {"broker.produce_requests", MetricKind::kCounter,
                                                 MetricUnit::kCount, "Produce requests taken."};
  static constexpr MetricDef kFetchRequests = {
      "broker.fetch_requests", MetricKind::kCounter, MetricUnit::kCount,
      "Fetch requests taken, of consumers and of replicas."};
  static constexpr MetricDef kBytesIn = {"broker.bytes_in", MetricKind::kCounter,
                                         MetricUnit::kBytes, "Bytes appended as leader."};
  static constexpr MetricDef kReplicatedIn = {"broker.replicated_bytes_in", MetricKind::kCounter,
                                              MetricUnit::kBytes, "Bytes appended as follower."};
  static constexpr MetricDef kBytesOut = {"broker.bytes_out", MetricKind::kCounter,
                                          MetricUnit::kBytes,
                                          "Bytes sent to consumers and to replicas."};

  // Only where requests or partitions cost anything: then many small ones show here.
  static constexpr MetricDef kBusyHandlers = {
      "broker.busy_handlers", MetricKind::kGauge, MetricUnit::kCount,
      "Request handler threads that have a request: num.io.threads times what "
      "RequestHandlerAvgIdlePercent leaves."};

  Broker(Simulation& sim, absl::string_view name, Network* network, const Config& config);
  virtual ~Broker() = default;

  HostId host() const { return host_; }
  ZoneId zone() const { return config_.zone; }
  bool up() const { return up_; }
  // Raised by a crash: work of an earlier life is void.
  uint32_t generation() const { return generation_; }

  Duration CpuTime(int64_t requests, Bytes bytes, int64_t partitions = 0) const {
    return config_.cpu_per_request * requests + config_.cpu_per_partition * partitions +
           Nanoseconds(MulDivCeil(config_.cpu_per_mib.nanos(), bytes.count(), MiB(1).count()));
  }
  Station& cpu() { return cpu_; }
  NetworkThreads& network_threads() { return network_threads_; }
  // A request handler thread, as soon as one is free, and back.
  template <class Taken>
  void TakeHandler(const Taken& taken) {
    io_threads_.Acquire(taken);
  }
  void ReleaseHandler() {
    io_threads_.Release();
    ShowHandlers();
  }
  // REQUIRES: called when a handler has been taken.
  void ShowHandlers() {
    if (busy_handlers_ != nullptr) busy_handlers_->Set(io_threads_.held());
  }

  // The process dies; its host answers no more. The machine does not go.
  virtual void Crash();
  virtual void Restart();

  Counter& produce_requests() { return produce_requests_; }
  Counter& fetch_requests() { return fetch_requests_; }
  Counter& bytes_in() { return bytes_in_; }
  Counter& replicated_bytes_in() { return replicated_bytes_in_; }
  Counter& bytes_out() { return bytes_out_; }
  LaneId lane() const { return lane_; }

 private:
  const Config config_;
  Network* network_;
  HostId host_;
  bool up_ = true;
  uint32_t generation_ = 0;
  Station cpu_;
  Permits io_threads_;
  NetworkThreads network_threads_;
  Counter& produce_requests_;
  Counter& fetch_requests_;
  Counter& bytes_in_;
  Counter& replicated_bytes_in_;
  Counter& bytes_out_;
  Gauge* busy_handlers_ = nullptr;
  LaneId lane_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_BROKER_BROKER_H_
