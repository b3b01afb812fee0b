// What an event costs: hold model, PHOLD, timers, and the same on engines that one writes by hand.
#include <cstdint>

#include "benchmark/benchmark.h"
#include "tests/bench/freshet_engine.h"
#include "tests/bench/function_heap.h"
#include "tests/bench/heap_meter.h"
#include "tests/bench/indexed_heap.h"
#include "tests/bench/workload.h"

namespace freshet::bench {
namespace {

constexpr int64_t kEventsPerIteration = 10'000;

// Runs `engine` until the times are spread and the pools have grown, then takes the time of the
// rest, an item being an event.
template <class Engine>
void Measure(benchmark::State& state, Engine& engine) {
  engine.Run(4 * state.range(0) + kEventsPerIteration);
  int64_t allocations = 0;
  for (auto _ : state) {
    const int64_t before = HeapUsed().allocations;
    engine.Run(kEventsPerIteration);
    allocations += HeapUsed().allocations - before;
  }
  const int64_t events = static_cast<int64_t>(state.iterations()) * kEventsPerIteration;
  state.SetItemsProcessed(events);
  state.counters["allocations/event"] =
      static_cast<double>(allocations) / static_cast<double>(events);
}

template <class Engine, template <class> class Program>
void Run(benchmark::State& state) {
  Engine engine;
  Program<Engine> program(engine, static_cast<uint32_t>(state.range(0)));
  Measure(state, engine);
}

void Sizes(benchmark::internal::Benchmark* benchmark) {
  for (const int64_t pending : {1'000, 10'000, 100'000, 1'000'000}) benchmark->Arg(pending);
}

BENCHMARK(Run<FreshetEngine, Hold>)->Name("Hold")->Apply(Sizes);
BENCHMARK(Run<FreshetEngine, Phold>)->Name("Phold")->Apply(Sizes);
BENCHMARK(Run<FunctionHeap, Phold>)->Name("Phold/function_heap")->Apply(Sizes);
BENCHMARK(Run<FreshetEngine, Timeouts>)->Name("Timeouts")->Arg(1'000)->Arg(100'000);
BENCHMARK(Run<IndexedHeap, Timeouts>)->Name("Timeouts/indexed_heap")->Arg(1'000)->Arg(100'000);

}  // namespace
}  // namespace freshet::bench
