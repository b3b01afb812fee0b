// What a whole pipeline costs: a published set-up of the library for two simulated minutes,
// through the door of `freshet run`, with the recorder and the audits each on and off. An item is
// an event.
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
void Pipeline(benchmark::State& state) {
  LoadOptions options;
  options.root = FRESHET_BENCH_LIBRARY;
  options.sets = {"run_for=120s", "warm_up=20s",
                  std::string("recording=") + (state.range(1) != 0 ? "STATE" : "OFF")};
  const auto loaded = Load(options.root + "/published/c1_confluent_2020.textproto", options);
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
BENCHMARK(Pipeline)
    ->ArgNames({"fsync", "record", "audits"})
    ->ArgsProduct({{0}, {0, 1}, {0, 1}})
    ->Args({1, 1, 1})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace freshet::bench
