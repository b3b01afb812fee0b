#include "models/processing/lookup.h"

#include "absl/strings/str_cat.h"
#include "models/processing/record_split.h"

namespace freshet {
namespace {

Station::Config WorkersOf(int64_t workers) {
  Station::Config config;
  config.workers = workers;
  return config;
}

}  // namespace

LookupService::LookupService(Simulation& sim, absl::string_view name, const Config& config)
    : Component(sim, name),
      config_(config),
      workers_(sim, absl::StrCat(name, "/workers"), WorkersOf(config.workers)),
      stream_(NewStream("service_time")),
      service_time_(config.service_time),
      asked_(AddCounter(kQuestions)),
      latency_(AddDistribution(kLatency)) {}

void LookupService::Ask(Callback answered) {
  asked_.Add(1);
  const uint32_t question = questions_.Add({Now(), answered});
  After<"lookup.asked">(config_.round_trip / 2, [this, question] {
    workers_.Serve(Nanoseconds(service_time_.Draw(stream_)), [this, question] {
      After<"lookup.answered">(config_.round_trip - config_.round_trip / 2, [this, question] {
        Question done = questions_.Take(question);
        latency_.Record(Now() - done.asked_at);
        done.answered();
      });
    });
  });
}

void LookupOperator::Process(const RecordRange& records) {
  constexpr int64_t kAll = 1'000'000'000;
  const RecordRange hits =
      TakeShare(records, 0, config_.lookup.cache_hits.billionths(), kAll, purpose_);
  context_->Ask(config_.lookup.service, records.record_count() - hits.record_count(),
                config_.lookup.at_a_time);
  Emit(records);
}

}  // namespace freshet
