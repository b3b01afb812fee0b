// One engine's turn in a race: race WORK SIZE STEPS, work being phold or tandem. Prints nanoseconds
// a step (an event of phold, a customer of tandem) after a warm-up; a tandem also judges its
// answer.
//
// compare.sh runs several engines' programs in turn.
#ifndef FRESHET_TESTS_BENCH_RACE_H_
#define FRESHET_TESTS_BENCH_RACE_H_

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/bench/workload.h"

namespace freshet::bench {

// Prints the pace, and fails when the mean sojourn is off the closed form: then it was other work.
inline int ReportTandem(const Lap& lap, double mean_sojourn) {
  const double error = mean_sojourn / TandemSojourn() - 1;
  std::printf("%.2f\n", lap.NanosPerStep());
  if (std::fabs(error) < 0.05) return 0;
  std::fprintf(stderr, "the mean sojourn is off the closed form by %.1f %%\n", 100 * error);
  return 1;
}

// `run_phold(processes, lap)` and `run_tandem(metrics, lap)` run one engine and return an exit
// code.
template <class RunPhold, class RunTandem>
int Race(int argc, char** argv, RunPhold run_phold, RunTandem run_tandem) {
  if (argc == 4) {
    const int64_t size = std::atoll(argv[2]);
    const int64_t steps = std::atoll(argv[3]);
    if (std::strcmp(argv[1], "phold") == 0 && size > 0 && steps > 0) {
      return run_phold(static_cast<uint32_t>(size), Lap(2 * size, steps));
    }
    if (std::strcmp(argv[1], "tandem") == 0 && steps > 0) {
      return run_tandem(size != 0, Lap(steps / 10 + 1, steps));
    }
  }
  std::fprintf(stderr, "usage: %s phold PENDING EVENTS | tandem METRICS CUSTOMERS\n", argv[0]);
  return 2;
}

template <class Engine>
int RunPhold(Engine& engine, uint32_t processes, const Lap& lap) {
  Phold<Engine> phold(engine, processes, lap);
  engine.Run();
  std::printf("%.2f\n", phold.lap().NanosPerStep());
  return 0;
}

template <class Exponential, class Engine>
int RunPlainTandem(Engine& engine, Exponential draw, const Lap& lap) {
  PlainTandem<Engine, Exponential> tandem(engine, draw, lap);
  engine.Run();
  return ReportTandem(tandem.lap(), tandem.MeanSojourn());
}

}  // namespace freshet::bench

#endif  // FRESHET_TESTS_BENCH_RACE_H_
