#include "models/sink/warehouse_sink.h"

#include <algorithm>
#include <utility>

namespace freshet {

WarehouseSink::WarehouseSink(Simulation& sim, absl::string_view name, Network* network,
                             const Config& config)
    : ServerSink(sim, name, network, config),
      config_(config),
      loads_(AddCounter(kLoads)),
      load_time_(AddDistribution(kLoadTime)),
      staged_gauge_(AddGauge(kStaged)) {
  SIM_REQUIRE(config.promise != SinkPromise::kTransactional);
  LoadLater(Now());
}

void WarehouseSink::Execute(RequestKey key, const Request& request) {
  ExplainOrphan(request);
  for (const RecordRange& range : request.records) {
    staged_bytes_ += range.bytes;
    staged_.push_back(range);
    staged_.back().trail.AddService(Now(), Milestone::kCommitted, component_id());
  }
  staged_gauge_.Set(staged_bytes_.count());
  Answer(key, true);
}

void WarehouseSink::LoadLater(Time since) {
  At<"warehouse.load">(std::max(Now(), since + config_.load_interval), [this] { Load(); });
}

void WarehouseSink::Load() {
  if (staged_.empty() || down()) {
    LoadLater(Now());
    return;
  }
  loading_ = std::move(staged_);
  staged_.clear();
  for (RecordRange& range : loading_) {
    range.trail.AddWait(Now(), Milestone::kVisible, WaitFor::kTimer, component_id());
  }
  const Duration length = config_.load_time + config_.load_rate.TimeFor(staged_bytes_);
  staged_bytes_ = Bytes(0);
  staged_gauge_.Set(0);
  After<"warehouse.loaded">(length, [this, since = Now()] { Loaded(since); });
}

void WarehouseSink::Loaded(Time since) {
  for (const RecordRange& range : loading_) {
    BecomeVisible(range,
                  config_.promise == SinkPromise::kIdempotent ? EffectLedger::Again::kReplaces
                                                              : EffectLedger::Again::kAdds,
                  WaitFor::kNone);
  }
  loading_.clear();
  loads_.Add(1);
  load_time_.Record(Now() - since);
  LoadLater(since);
}

}  // namespace freshet
