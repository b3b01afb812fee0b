// Promises about memory that a benchmark would only print: steady state takes nothing from the
// heap, and a pending event is no more than 100 bytes of it.
#include <cstdint>
#include <memory>

#include "gtest/gtest.h"
#include "tests/bench/freshet_engine.h"
#include "tests/bench/heap_meter.h"
#include "tests/bench/workload.h"

namespace freshet::bench {
namespace {

TEST(SteadyStateTest, APendingEventTakesAHundredBytesAtMost) {
  constexpr uint32_t kEvents = 1'000'000;
  const int64_t before = HeapUsed().bytes;
  FreshetEngine engine;
  const Hold<FreshetEngine> hold(engine, kEvents);
  EXPECT_LE(HeapUsed().bytes - before, 100 * int64_t{kEvents});
  engine.Run(kEvents);
  EXPECT_LE(HeapUsed().bytes - before, 100 * int64_t{kEvents});
}

// Beyond its bounded lists of digest checkpoints and of series a run takes nothing: over the second
// half of a million events ten stations and a thousand messages make fewer than ten requests.
TEST(SteadyStateTest, SteadyStateAllocatesNothing) {
  FreshetEngine engine;
  const Phold<FreshetEngine> phold(engine, 1'000);
  const StationTandem tandem(engine.sim(), Lap(1, INT64_MAX));
  engine.Run(500'000);
  const int64_t before = HeapUsed().allocations;
  engine.Run(500'000);
  EXPECT_LT(HeapUsed().allocations - before, 10);
}

}  // namespace
}  // namespace freshet::bench
