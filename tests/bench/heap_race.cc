// The engine that one writes first (function_heap.h).
#include <random>

#include "tests/bench/function_heap.h"
#include "tests/bench/race.h"

namespace freshet::bench {
namespace {

class Exponential {
 public:
  int64_t operator()(int64_t mean) {
    return static_cast<int64_t>(law_(random_) * static_cast<double>(mean));
  }

 private:
  std::mt19937_64 random_{92};
  std::exponential_distribution<double> law_;
};

}  // namespace
}  // namespace freshet::bench

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
        return RunPlainTandem(engine, Exponential(), lap);
      });
}
