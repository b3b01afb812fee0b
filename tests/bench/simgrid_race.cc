// SimGrid's timers: what its actors and activities stand on, and its fastest way to a callback.
#include <cstdint>

#include "simgrid/kernel/Timer.hpp"  // tidy: allowed, because it is the peer
#include "simgrid/s4u.hpp"           // tidy: allowed, because it is the peer
#include "tests/bench/race.h"

namespace freshet::bench {
namespace {

// Its time is a double of seconds; it may stop when nothing is left to do, so a stop is to set no
// more timers and let the rest pass.
class SimGridEngine {
 public:
  explicit SimGridEngine(simgrid::s4u::Engine& engine) : engine_(engine) {}
  template <class Closure>
  void After(int64_t nanos, Closure closure) {
    if (stopped_) return;
    simgrid::kernel::timer::Timer::set(engine_.get_clock() + static_cast<double>(nanos) * 1e-9,
                                       [this, closure]() mutable {
                                         if (!stopped_) closure();
                                       });
  }
  int64_t Now() const { return static_cast<int64_t>(engine_.get_clock() * 1e9); }
  void Stop() { stopped_ = true; }
  void Run() { engine_.run(); }

 private:
  simgrid::s4u::Engine& engine_;
  bool stopped_ = false;
};

}  // namespace
}  // namespace freshet::bench

int main(int argc, char** argv) {
  using namespace freshet::bench;
  simgrid::s4u::Engine simgrid(&argc, argv);
  auto* zone = simgrid::s4u::create_full_zone("all");
  zone->create_host("host", 1e9);
  zone->seal();
  SimGridEngine engine(simgrid);
  return Race(
      argc, argv,
      [&](uint32_t processes, const Lap& lap) { return RunPhold(engine, processes, lap); },
      [&](bool, const Lap& lap) { return RunPlainTandem(engine, StandardExponential(), lap); });
}
