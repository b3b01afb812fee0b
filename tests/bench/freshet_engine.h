// Our engine as the programs of workload.h see it: through Simulation's public interface, recording
// at `state` into a sink that keeps nothing, digests and audits on. As a user has it.
#ifndef FRESHET_TESTS_BENCH_FRESHET_ENGINE_H_
#define FRESHET_TESTS_BENCH_FRESHET_ENGINE_H_

#include <cstdint>
#include <deque>
#include <string>

#include "sim/component.h"
#include "sim/sampler.h"
#include "sim/simulation.h"
#include "sim/station.h"
#include "tests/bench/workload.h"

namespace freshet::bench {

// Takes what is recorded and forgets it.
class NoSink : public RecordSink {
 public:
  void OnLane(LaneId, LaneId, absl::string_view) override {}
  void OnItem(const RecordedItem& item) override { last_ = item; }

 private:
  RecordedItem last_ = {};
};

class FreshetEngine {
 public:
  using TimerId = EventId;

  FreshetEngine() : sim_(92) {
    sim_.recorder().Configure(RecordLevel::kState, &sink_);
    sim_.SetSeries(true);
    owner_ = sim_.AddComponent("bench");
  }
  template <class Closure>
  void After(int64_t nanos, Closure closure) {
    sim_.At<"bench.step">(sim_.Now() + Nanoseconds(nanos), owner_, closure);
  }
  template <class Closure>
  TimerId SetTimer(int64_t nanos, Closure closure) {
    return sim_.At<"bench.timer">(sim_.Now() + Nanoseconds(nanos), owner_, closure);
  }
  void Cancel(EventId timer) { sim_.Cancel(timer); }
  void Stop() { sim_.StopAfterThisEvent(); }
  void Run() { sim_.Run(); }
  void Run(uint64_t events) { sim_.RunUntil(Time::Max(), events); }
  Simulation& sim() { return sim_; }

 private:
  NoSink sink_;
  Simulation sim_;
  ComponentId owner_;
};

// The tandem of workload.h as a user of ours writes it: stations, samplers, streams.
class StationTandem : public Component {
 public:
  StationTandem(Simulation& sim, Lap lap, bool metrics = true)
      : Component(sim, "tandem"),
        lap_(lap),
        arrivals_(NewStream("arrivals")),
        services_(NewStream("services")),
        gap_(Sampler::Exponential(kTandemGap)),
        service_(Sampler::Exponential(kTandemService)) {
    Station::Config config;
    config.workers = kTandemWorkers;
    config.metrics = metrics;
    for (int i = 0; i < kTandemStations; ++i) {
      stations_.emplace_back(sim, "station " + std::to_string(i), config);
    }
    Arrive();
  }
  const Lap& lap() const { return lap_; }
  double MeanSojourn() const { return total_ / static_cast<double>(left_count_); }

 private:
  void Arrive() {
    Enter(0, Now());
    After<"tandem.arrival">(gap_.DrawDuration(arrivals_), [this] { Arrive(); });
  }
  void Enter(int32_t station, Time entered) {
    stations_[static_cast<size_t>(station)].Serve(
        service_.DrawDuration(services_), [this, station, entered] { Leave(station, entered); });
  }
  void Leave(int32_t station, Time entered) {
    if (station + 1 < kTandemStations) {
      Enter(station + 1, entered);
      return;
    }
    total_ += static_cast<double>((Now() - entered).nanos());
    ++left_count_;
    if (lap_.Step()) sim().StopAfterThisEvent();
  }

  Lap lap_;
  RandomStream arrivals_;
  RandomStream services_;
  Sampler gap_;
  Sampler service_;
  std::deque<Station> stations_;
  double total_ = 0;
  int64_t left_count_ = 0;
};

}  // namespace freshet::bench

#endif  // FRESHET_TESTS_BENCH_FRESHET_ENGINE_H_
