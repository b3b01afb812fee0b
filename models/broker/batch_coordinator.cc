#include "models/broker/batch_coordinator.h"

#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

constexpr int64_t kAnyNumber = 1'000'000;

Station::Config Workers(int64_t count) {
  Station::Config config;
  config.workers = count;
  config.metrics = false;
  return config;
}

}  // namespace

BatchCoordinator::BatchCoordinator(Simulation& sim, absl::string_view name, const Config& config)
    : Component(sim, name),
      config_(config),
      commit_stream_(NewStream("commit")),
      find_stream_(NewStream("find")),
      latency_(sim, absl::StrCat(name, "/latency"), Workers(kAnyNumber)),
      writer_(sim, absl::StrCat(name, "/writer"), Workers(1)),
      commits_(AddCounter(kCommits)),
      commit_latency_(AddDistribution(kCommitLatency)),
      finds_(AddCounter(kFinds)),
      waiting_(AddGauge(kWaiting)) {
  SIM_REQUIRE(!config.most_commits || *config.most_commits > Rate());
}

void BatchCoordinator::Commit(uint64_t tag, Completion<uint64_t> done) {
  commits_.Add(1);
  ShowLevel(1);
  const uint32_t index = asked_.Add({tag, Now(), done});
  latency_.Serve(config_.commit_latency.DrawDuration(commit_stream_), [this, index] {
    if (config_.most_commits) {
      Write(index);
    } else {
      Committed(index);
    }
  });
}

void BatchCoordinator::Write(uint32_t index) {
  writer_.Serve(config_.most_commits->Interval(), [this, index] { Committed(index); });
}

void BatchCoordinator::Committed(uint32_t index) {
  Asked asked = asked_.Take(index);
  commit_latency_.Record(Now() - asked.at);
  ShowLevel(-1);
  asked.done(asked.tag);
}

void BatchCoordinator::Find(uint64_t tag, Completion<uint64_t> done) {
  finds_.Add(1);
  ShowLevel(1);
  const uint32_t index = asked_.Add({tag, Now(), done});
  latency_.Serve(config_.find_latency.DrawDuration(find_stream_), [this, index] {
    Asked asked = asked_.Take(index);
    ShowLevel(-1);
    asked.done(asked.tag);
  });
}

void BatchCoordinator::SetDown(bool down) {
  latency_.SetDown(down);
  writer_.SetDown(down);
}

void BatchCoordinator::SetSpeed(Ratio speed) {
  latency_.SetSpeed(speed);
  writer_.SetSpeed(speed);
}

void BatchCoordinator::ShowLevel(int64_t change) {
  present_ += change;
  waiting_.Set(present_);
}

}  // namespace freshet
