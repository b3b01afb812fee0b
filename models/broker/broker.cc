#include "models/broker/broker.h"

#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

Station::Config Cores(int64_t vcpus) {
  Station::Config config;
  config.workers = vcpus;
  return config;
}

}  // namespace

Broker::Broker(Simulation& sim, absl::string_view name, Network* network, const Config& config)
    : Component(sim, name),
      config_(config),
      network_(network),
      host_(network->AddHost(name, config.zone, config.network_bandwidth, config.network_burst)),
      cpu_(sim, absl::StrCat(name, "/cpu"), Cores(config.vcpus)),
      io_threads_(config.io_threads),
      network_threads_(config.network_threads),
      produce_requests_(AddCounter(kProduceRequests)),
      fetch_requests_(AddCounter(kFetchRequests)),
      bytes_in_(AddCounter(kBytesIn)),
      replicated_bytes_in_(AddCounter(kReplicatedIn)),
      bytes_out_(AddCounter(kBytesOut)),
      lane_(sim.recorder().AddLane(name)) {
  if (config.cpu_per_request + config.cpu_per_partition > Duration::Zero()) {
    busy_handlers_ = &AddGauge(kBusyHandlers);
  }
}

void Broker::Crash() {
  SIM_REQUIRE(up_);
  up_ = false;
  ++generation_;
  network_->SetDown(host_, true);
  network_threads_.Abandon();
}

void Broker::Restart() {
  SIM_REQUIRE(!up_);
  up_ = true;
  network_->SetDown(host_, false);
}

}  // namespace freshet
