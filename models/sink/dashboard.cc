#include "models/sink/dashboard.h"

namespace freshet {
namespace {

constexpr Duration kSampleInterval = Seconds(1);

}  // namespace

Dashboard::Dashboard(Simulation& sim, absl::string_view name, const MeteredSink* sink,
                     const Config& config)
    : Component(sim, name),
      config_(config),
      sink_(sink),
      query_stream_(NewStream("query")),
      staleness_(AddGauge(kStaleness)),
      fresh_(AddCounter(kFresh)),
      labelled_(AddCounter(kLabelled)),
      silent_(AddCounter(kSilent)),
      false_alarm_(AddCounter(kFalseAlarm)),
      refreshes_(AddCounter(kRefreshes)),
      failed_(AddCounter(kFailed)) {
  Refresh();
  After<"dashboard.sample">(
      kSampleInterval, [this] { Sample(); }, Priority::kControl);
}

void Dashboard::Refresh() {
  if (down_ || !sink_->Readable()) {
    failed_.Add(1);
  } else {
    struct Query {
      Dashboard* self;
      Time data_time;
      Time asked_at;
    };
    const Query query = {this, Now() - sink_->Staleness(), Now()};
    After<"dashboard.answered">(config_.query_time.DrawDuration(query_stream_),
                                [query] { query.self->Answered(query.data_time, query.asked_at); });
  }
  After<"dashboard.refresh">(config_.refresh_interval, [this] { Refresh(); });
}

void Dashboard::Answered(Time data_time, Time asked_at) {
  if (asked_at < refreshed_at_) return;  // A later query was quicker.
  refreshes_.Add(1);
  data_time_ = data_time;
  refreshed_at_ = asked_at;
}

void Dashboard::Sample() {
  const Duration age = Now() - data_time_;
  staleness_.Set(age.nanos());
  const Duration told = config_.label == Label::kDataTime      ? age
                        : config_.label == Label::kRefreshTime ? Now() - refreshed_at_
                                                               : Duration::Zero();
  const bool labelled = config_.label != Label::kNone && told > config_.label_after;
  const bool stale = age > config_.target;
  (!stale ? fresh_ : labelled ? labelled_ : silent_).Add(kSampleInterval.nanos());
  if (!stale && labelled) false_alarm_.Add(kSampleInterval.nanos());
  After<"dashboard.sample">(
      kSampleInterval, [this] { Sample(); }, Priority::kControl);
}

}  // namespace freshet
