// ns-3, with the queue that FRESHET_NS3_QUEUE names (PriorityQueue, Map, Heap, Calendar, List).
#include <cstdlib>
#include <string>

#include "ns3/core-module.h"  // tidy: allowed, because it is the peer
#include "tests/bench/race.h"

namespace freshet::bench {
namespace {

class Ns3Engine {
 public:
  Ns3Engine() {
    const char* queue = std::getenv("FRESHET_NS3_QUEUE");
    ns3::ObjectFactory factory;
    factory.SetTypeId("ns3::" + std::string(queue == nullptr ? "PriorityQueue" : queue) +
                      "Scheduler");
    ns3::Simulator::SetScheduler(factory);
  }
  template <class Closure>
  void After(int64_t nanos, Closure closure) {
    ns3::Simulator::Schedule(ns3::NanoSeconds(nanos), closure);
  }
  int64_t Now() const { return ns3::Simulator::Now().GetNanoSeconds(); }
  void Stop() { ns3::Simulator::Stop(); }
  void Run() { ns3::Simulator::Run(); }
};

class Exponential {
 public:
  int64_t operator()(int64_t mean) {
    return static_cast<int64_t>(law_->GetValue(static_cast<double>(mean), 0));
  }

 private:
  ns3::Ptr<ns3::ExponentialRandomVariable> law_ =
      ns3::CreateObject<ns3::ExponentialRandomVariable>();
};

}  // namespace
}  // namespace freshet::bench

int main(int argc, char** argv) {
  using namespace freshet::bench;
  Ns3Engine engine;
  return Race(
      argc, argv,
      [&](uint32_t processes, const Lap& lap) { return RunPhold(engine, processes, lap); },
      [&](bool, const Lap& lap) { return RunPlainTandem(engine, Exponential(), lap); });
}
