// How large a cluster fits: ten thousand partitions on a hundred brokers with a week of history, as
// large_cluster.textproto beside this file has them. Prints what the assembled cluster and each
// simulated second take, per replica, per partition, and by the clock.
#include <sys/resource.h>

#include <cstdint>
#include <memory>
#include <string>

#include "benchmark/benchmark.h"
#include "scenarios/language/assemble.h"
#include "scenarios/language/load.h"
#include "sim/simulation.h"
#include "tests/bench/heap_meter.h"

namespace freshet::bench {
namespace {

constexpr int64_t kPartitions = 10'000;
constexpr int64_t kReplicationFactor = 3;

int64_t PeakResidentBytes() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;
}

// The heap of an assembled pipeline.
int64_t AssembledBytes(const v1::Scenario& scenario, const std::string& root) {
  const int64_t before = HeapUsed().bytes;
  Simulation sim(scenario.seed());
  const auto pipeline = Assemble(scenario, root, sim);
  return pipeline.ok() ? HeapUsed().bytes - before : -1;
}

v1::Scenario WithoutClients(v1::Scenario scenario) {
  for (int i = scenario.component_size(); i-- > 0;) {
    if (!scenario.component(i).has_kafka()) scenario.mutable_component()->DeleteSubrange(i, 1);
  }
  return scenario;
}

v1::Scenario Empty(v1::Scenario scenario, int64_t partitions) {
  scenario.mutable_topic(0)->clear_history();
  scenario.mutable_topic(0)->set_partitions(partitions);
  return scenario;
}

// Argument: simulated seconds. Counters:
//   replica_bytes    heap of one more replica, its part of an empty log included
//   history_bytes    heap that a week of history adds for each partition: a range and its segments
//   clients          heap of two hundred clients and their connections to all brokers
//   partition_bytes  heap that the run adds for each partition: the ranges of its log
//   peak_rss         of the process, so run one argument at a time
//   speed            simulated seconds a second of processor time
void LargeCluster(benchmark::State& state) {
  LoadOptions options;
  options.root = FRESHET_BENCH_DIR;
  const auto loaded = Load(options.root + "/large_cluster.textproto", options);
  if (!loaded.ok() || !loaded->ok()) {
    state.SkipWithError("the scenario does not load");
    return;
  }
  const v1::Scenario& scenario = loaded->variants[0].scenario;
  const v1::Scenario brokers = WithoutClients(scenario);
  const int64_t with_history = AssembledBytes(brokers, options.root);
  const int64_t empty = AssembledBytes(Empty(brokers, kPartitions), options.root);
  const int64_t half_empty = AssembledBytes(Empty(brokers, kPartitions / 2), options.root);
  uint64_t events = 0;
  int64_t assembled = 0;
  int64_t grown = 0;
  for (auto _ : state) {
    const int64_t before = HeapUsed().bytes;
    Simulation sim(scenario.seed());
    sim.SetSeries(true);
    const auto pipeline = Assemble(scenario, options.root, sim);
    if (!pipeline.ok()) {
      state.SkipWithError(std::string(pipeline.status().message()).c_str());
      break;
    }
    assembled = HeapUsed().bytes - before;
    sim.RunUntil(Time() + Seconds(state.range(0)), UINT64_MAX);
    grown = HeapUsed().bytes - before - assembled;
    events += sim.EventsFired();
  }
  state.SetItemsProcessed(static_cast<int64_t>(events));
  const auto per = [](int64_t bytes, int64_t of) {
    return benchmark::Counter(static_cast<double>(bytes) / static_cast<double>(of));
  };
  state.counters["replica_bytes"] = per(empty - half_empty, kReplicationFactor * kPartitions / 2);
  state.counters["history_bytes"] = per(with_history - empty, kPartitions);
  state.counters["clients"] =
      benchmark::Counter(static_cast<double>(assembled - with_history),
                         benchmark::Counter::kDefaults, benchmark::Counter::kIs1024);
  state.counters["partition_bytes"] = per(grown, kPartitions);
  state.counters["peak_rss"] =
      benchmark::Counter(static_cast<double>(PeakResidentBytes()), benchmark::Counter::kDefaults,
                         benchmark::Counter::kIs1024);
  state.counters["speed"] = benchmark::Counter(
      static_cast<double>(state.range(0)) * static_cast<double>(state.iterations()),
      benchmark::Counter::kIsRate);
}
BENCHMARK(LargeCluster)
    ->ArgName("seconds")
    ->Arg(1)
    ->Arg(10)
    ->Arg(60)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace freshet::bench
