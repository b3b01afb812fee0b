// Who looks at a sink: a dashboard that queries it at its refresh interval, shows the answer until
// the next, and may or may not say how old it is.
//
// What is shown is as old as the data was when the query began, and grows older until the next
// answer. Beyond the target it is stale; with a label people know, without they act on it:
//
//   kNone         it says nothing
//   kRefreshTime  when it was refreshed last: told are failed queries, and not old data
//   kDataTime     how old its data is
//
// Faults: down, no query is answered. docs/models/sink.md says what is left out.
#ifndef FRESHET_MODELS_SINK_DASHBOARD_H_
#define FRESHET_MODELS_SINK_DASHBOARD_H_

#include "models/sink/metered_sink.h"
#include "sim/sampler.h"

namespace freshet {

class Dashboard : public Component {
 public:
  enum class Label : uint8_t { kNone, kRefreshTime, kDataTime };
  struct Config {
    Duration refresh_interval;
    Sampler query_time;
    Duration target;       // Older than that is stale,
    Duration label_after;  // and so old it gets its label.
    Label label = Label::kNone;
  };

  static constexpr MetricDef kStaleness = {"freshness.staleness", MetricKind::kGauge,
                                           MetricUnit::kDuration,
                                           "How old what is shown is, every second."};
  static constexpr MetricDef kFresh = {"dashboard.fresh_time", MetricKind::kCounter,
                                       MetricUnit::kDuration,
                                       "Time in which what is shown is within the target."};
  static constexpr MetricDef kLabelled = {"dashboard.stale_labelled_time", MetricKind::kCounter,
                                          MetricUnit::kDuration,
                                          "Time in which it is older, and says so."};
  static constexpr MetricDef kSilent = {"dashboard.silently_stale_time", MetricKind::kCounter,
                                        MetricUnit::kDuration,
                                        "Time in which it is older, and nobody can tell."};
  static constexpr MetricDef kFalseAlarm = {"dashboard.fresh_labelled_time", MetricKind::kCounter,
                                            MetricUnit::kDuration,
                                            "Of the fresh time, that in which it says stale."};
  static constexpr MetricDef kRefreshes = {"dashboard.refreshes", MetricKind::kCounter,
                                           MetricUnit::kCount, "Queries that were answered."};
  static constexpr MetricDef kFailed = {"dashboard.failed_refreshes", MetricKind::kCounter,
                                        MetricUnit::kCount, "Queries that were not."};

  // REQUIRES: `sink` outlives it.
  Dashboard(Simulation& sim, absl::string_view name, const MeteredSink* sink, const Config& config);

  // Fault verb down.
  void SetDown(bool down) { down_ = down; }
  int64_t WorkTouched() const { return refreshes_.Value() + failed_.Value(); }

 private:
  void Refresh();
  void Answered(Time data_time, Time asked_at);
  void Sample();

  const Config config_;
  const MeteredSink* const sink_;
  RandomStream query_stream_;
  bool down_ = false;
  Time data_time_;     // What is shown is complete up to then.
  Time refreshed_at_;  // When it was asked for.
  Gauge& staleness_;
  Counter& fresh_;
  Counter& labelled_;
  Counter& silent_;
  Counter& false_alarm_;
  Counter& refreshes_;
  Counter& failed_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_SINK_DASHBOARD_H_
