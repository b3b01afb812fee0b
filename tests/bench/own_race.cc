// Ours, as users have it: race.h says what the arguments are.
#include "tests/bench/freshet_engine.h"
#include "tests/bench/race.h"

int main(int argc, char** argv) {
  using namespace freshet::bench;
  return Race(
      argc, argv,
      [](uint32_t processes, const Lap& lap) {
        FreshetEngine engine;
        return RunPhold(engine, processes, lap);
      },
      [](bool metrics, const Lap& lap) {
        FreshetEngine engine;
        StationTandem tandem(engine.sim(), lap, metrics);
        engine.Run();
        return ReportTandem(tandem.lap(), tandem.MeanSojourn());
      });
}
