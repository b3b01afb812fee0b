// The engine that one writes first (function_heap.h).
#include "tests/bench/function_heap.h"
#include "tests/bench/race.h"

int main(int argc, char** argv) {
  using namespace freshet::bench;
  return Race(
      argc, argv,
      [](uint32_t processes, const Lap& lap) {
        FunctionHeap engine;
        return RunPhold(engine, processes, lap);
      },
      [](bool, const Lap& lap) {
        FunctionHeap engine;
        return RunPlainTandem(engine, StandardExponential(), lap);
      });
}
