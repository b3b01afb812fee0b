// What the engine's parts cost: histogram, samplers, stations, bandwidth.
#include <cstdint>
#include <vector>

#include "benchmark/benchmark.h"
#include "sim/bandwidth.h"
#include "sim/histogram.h"
#include "sim/random.h"
#include "sim/sampler.h"
#include "tests/bench/freshet_engine.h"
#include "tests/bench/workload.h"

namespace freshet::bench {
namespace {

void HistogramRecord(benchmark::State& state) {
  const Sampler law = Sampler::Lognormal(2e6, 0.8);
  RandomStream stream(92, "bench", "values");
  std::vector<int64_t> values(4096);
  for (int64_t& value : values) value = law.Draw(stream);
  Histogram histogram;
  for (auto _ : state) {
    for (const int64_t value : values) histogram.Record(value);
  }
  benchmark::DoNotOptimize(histogram);
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * values.size()));
}
BENCHMARK(HistogramRecord);

// The records of a batch of `weight` that waited for up to a linger of a few milliseconds.
void HistogramRecordEvenly(benchmark::State& state) {
  Histogram histogram;
  int64_t low = 1'000'000;
  for (auto _ : state) {
    histogram.RecordEvenly(low, low + 2'000'000, state.range(0));
    low = 1'000'000 + (low * 7 + 13) % 4'000'000;
  }
  benchmark::DoNotOptimize(histogram);
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}
BENCHMARK(HistogramRecordEvenly)->Arg(4)->Arg(30)->Arg(120)->Arg(5'000);

void Draw(benchmark::State& state, const Sampler& law) {
  RandomStream stream(92, "bench", "draws");
  for (auto _ : state) benchmark::DoNotOptimize(law.Draw(stream));
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}
BENCHMARK_CAPTURE(Draw, uniform, Sampler::Uniform(0, 1e6));
BENCHMARK_CAPTURE(Draw, exponential, Sampler::Exponential(1e6));
BENCHMARK_CAPTURE(Draw, normal, Sampler::Normal(1e6, 1e5));
BENCHMARK_CAPTURE(Draw, lognormal, Sampler::Lognormal(1e6, 0.5));
BENCHMARK_CAPTURE(Draw, pareto, Sampler::Pareto(1e6, 1.5));
BENCHMARK_CAPTURE(Draw, gamma, Sampler::Gamma(1e6, 0.5));
BENCHMARK_CAPTURE(Draw, mixture,
                  Sampler::Mixture({Sampler::Exponential(1e6), Sampler::Constant(5e6)}, {9, 1}));

void Poisson(benchmark::State& state) {
  RandomStream stream(92, "bench", "draws");
  const auto mean = static_cast<double>(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(DrawPoisson(stream, mean));
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}
BENCHMARK(Poisson)->Arg(3)->Arg(300);

// An item is a customer: an arrival and ten services. The argument: stations with metrics.
void Tandem(benchmark::State& state) {
  constexpr uint64_t kEvents = 11'000;
  FreshetEngine engine;
  StationTandem tandem(engine.sim(), Lap(1, INT64_MAX), state.range(0) != 0);
  engine.Run(10 * kEvents);
  for (auto _ : state) engine.Run(kEvents);
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kEvents / 11));
}
BENCHMARK(Tandem)->Arg(0)->Arg(1);

// A card on which `flows` clients send again and again, each as soon as its last transfer ended.
class Flows : public Component {
 public:
  Flows(Simulation& sim, int64_t flows) : Component(sim, "flows"), card_(sim, "card", Card()) {
    for (int64_t i = 0; i < flows; ++i) Send();
  }

 private:
  static Bandwidth::Config Card() {
    Bandwidth::Config config;
    config.capacity = BytesPerSecond(1'250'000'000);
    return config;
  }
  void Send() {
    card_.Start(Bytes(100'000 + draws_.Below(100'000)), [this] { Send(); });
  }
  Bandwidth card_;
  Draws draws_;
};

void Transfers(benchmark::State& state) {
  constexpr uint64_t kEvents = 10'000;
  FreshetEngine engine;
  Flows flows(engine.sim(), state.range(0));
  engine.Run(kEvents);
  for (auto _ : state) engine.Run(kEvents);
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kEvents));
}
BENCHMARK(Transfers)->Arg(1)->Arg(4)->Arg(100);

}  // namespace
}  // namespace freshet::bench
