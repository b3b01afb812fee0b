#include "models/sink/search_sink.h"

namespace freshet {

SearchSink::SearchSink(Simulation& sim, absl::string_view name, Network* network,
                       const Config& config)
    : ServerSink(sim, name, network, config),
      config_(config),
      refreshes_(AddCounter(kRefreshes)),
      hidden_gauge_(AddGauge(kHidden)) {
  SIM_REQUIRE(config.promise != SinkPromise::kTransactional);
  RefreshLater();
}

void SearchSink::Execute(RequestKey key, const Request& request) {
  ExplainOrphan(request);
  for (const RecordRange& range : request.records) {
    hidden_records_ += range.record_count();
    hidden_.push_back(range);
    hidden_.back().trail.AddService(Now(), Milestone::kCommitted, component_id());
  }
  hidden_gauge_.Set(hidden_records_);
  Answer(key, true);
}

void SearchSink::RefreshLater() {
  After<"search.refresh">(config_.refresh_interval, [this] {
    if (!hidden_.empty() && !down()) Refresh();
    RefreshLater();
  });
}

void SearchSink::Refresh() {
  for (const RecordRange& range : hidden_) {
    BecomeVisible(range,
                  config_.promise == SinkPromise::kIdempotent ? EffectLedger::Again::kReplaces
                                                              : EffectLedger::Again::kAdds,
                  WaitFor::kTimer);
  }
  hidden_.clear();
  hidden_records_ = 0;
  hidden_gauge_.Set(0);
  refreshes_.Add(1);
}

}  // namespace freshet
