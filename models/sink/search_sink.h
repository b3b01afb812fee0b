// A search index of Elasticsearch's kind: bulk requests are acknowledged when they are in the
// translog, and can be found at the next refresh. A full queue refuses a bulk (429), and its writer
// tries again.
//
// With an id of their own documents that come again replace themselves; without, each has a new id.
// Left out: replicas, merges of segments and what refreshes cost, mapping conflicts.
#ifndef FRESHET_MODELS_SINK_SEARCH_SINK_H_
#define FRESHET_MODELS_SINK_SEARCH_SINK_H_

#include <vector>

#include "models/sink/server_sink.h"

namespace freshet {

class SearchSink : public ServerSink {
 public:
  struct Config : ServerSink::Config {
    SinkPromise promise = SinkPromise::kIdempotent;
    Duration refresh_interval;
  };

  static constexpr MetricDef kRefreshes = {"search.refreshes", MetricKind::kCounter,
                                           MetricUnit::kCount,
                                           "Refreshes that made something visible."};
  static constexpr MetricDef kHidden = {"search.records_not_refreshed", MetricKind::kGauge,
                                        MetricUnit::kCount,
                                        "Records that are acknowledged and not to be found yet."};

  SearchSink(Simulation& sim, absl::string_view name, Network* network, const Config& config);

  SinkPromise promise() const override { return config_.promise; }

 protected:
  void Execute(RequestKey key, const Request& request) override;

 private:
  void RefreshLater();
  void Refresh();

  const Config config_;
  std::vector<RecordRange> hidden_;
  int64_t hidden_records_ = 0;
  Counter& refreshes_;
  Gauge& hidden_gauge_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_SINK_SEARCH_SINK_H_
