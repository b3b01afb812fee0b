// A warehouse that is loaded in micro-batches: writers put rows into a stage, which is safe, and
// each load interval what is staged is loaded, which takes its time and makes it visible at once.
//
// A load that takes longer than the interval is followed by the next at once. With offset tokens
// (Snowpipe Streaming) rows that come again are recognised; without, they are loaded again.
// Left out: what a load costs in credits, and queries that compete with it.
#ifndef FRESHET_MODELS_SINK_WAREHOUSE_SINK_H_
#define FRESHET_MODELS_SINK_WAREHOUSE_SINK_H_

#include <vector>

#include "models/sink/server_sink.h"

namespace freshet {

class WarehouseSink : public ServerSink {
 public:
  struct Config : ServerSink::Config {
    SinkPromise promise = SinkPromise::kPlain;
    Duration load_interval;
    Duration load_time;        // Of a load, whatever is in it,
    BytesPerSecond load_rate;  // and of its bytes.
  };

  static constexpr MetricDef kLoads = {"warehouse.loads", MetricKind::kCounter, MetricUnit::kCount,
                                       "Loads that were done."};
  static constexpr MetricDef kLoadTime = {"warehouse.load_time", MetricKind::kDistribution,
                                          MetricUnit::kDuration, "From a load's begin to its end."};
  static constexpr MetricDef kStaged = {"warehouse.staged_bytes", MetricKind::kGauge,
                                        MetricUnit::kBytes, "Bytes that wait for a load."};

  WarehouseSink(Simulation& sim, absl::string_view name, Network* network, const Config& config);

  SinkPromise promise() const override { return config_.promise; }

 protected:
  void Execute(RequestKey key, const Request& request) override;

 private:
  void LoadLater(Time since);
  void Load();
  void Loaded(Time since);

  const Config config_;
  std::vector<RecordRange> staged_;
  std::vector<RecordRange> loading_;
  Bytes staged_bytes_;
  Counter& loads_;
  Distribution& load_time_;
  Gauge& staged_gauge_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_SINK_WAREHOUSE_SINK_H_
