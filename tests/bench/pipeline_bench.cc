// What a whole pipeline costs, through the door of `freshet run`. An item is an event.
//
//   Pipeline    a published set-up of producers, brokers and consumers for twenty simulated
//   seconds,
//               with the recorder and the audits each on and off
//   FiveLayers  the library's pipeline from producers to a dashboard, for two minutes
//
// The engine alone is in engine_bench.cc.
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>

#include "benchmark/benchmark.h"
#include "scenarios/language/load.h"
#include "scenarios/language/run.h"

namespace freshet::bench {
namespace {

// Arguments: variant, recording at `state`, audits.
void RunLibrary(benchmark::State& state, const std::string& file, const std::string& run_for,
                const std::string& warm_up) {
  LoadOptions options;
  options.root = FRESHET_BENCH_LIBRARY;
  options.sets = {"run_for=" + run_for, "warm_up=" + warm_up,
                  std::string("recording=") + (state.range(1) != 0 ? "STATE" : "OFF")};
  const auto loaded = Load(options.root + file, options);
  if (!loaded.ok() || !loaded->ok()) {
    state.SkipWithError("the scenario does not load");
    return;
  }
  const ExpandedVariant& variant = loaded->variants[static_cast<size_t>(state.range(0))];
  RunOptions run;
  run.variant = variant.name;
  run.periodic_audits = state.range(2) != 0;
  run.overwrite = Overwrite::kYes;
  const auto record = std::filesystem::temp_directory_path() / "freshet_bench.frun";
  if (state.range(1) != 0) run.record_path = record.string();
  uint64_t events = 0;
  for (auto _ : state) {
    const auto outcome = RunScenario(variant.scenario, run);
    if (!outcome.ok()) {
      state.SkipWithError(std::string(outcome.status().message()).c_str());
      break;
    }
    events += outcome->events;
  }
  state.SetItemsProcessed(static_cast<int64_t>(events));
  std::error_code ignored;
  std::filesystem::remove(record, ignored);
}

void Pipeline(benchmark::State& state) {
  RunLibrary(state, "/published/c1_confluent_2020.textproto", "20s", "5s");
}
BENCHMARK(Pipeline)
    ->ArgNames({"fsync", "record", "audits"})
    ->ArgsProduct({{0}, {0, 1}, {0, 1}})
    ->Args({1, 1, 1})
    ->Unit(benchmark::kMillisecond);

void FiveLayers(benchmark::State& state) {
  RunLibrary(state, "/five_layers.textproto", "2min", "30s");
}
BENCHMARK(FiveLayers)
    ->ArgNames({"shared_storage", "record", "audits"})
    ->ArgsProduct({{0, 1}, {0}, {1}})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace freshet::bench
