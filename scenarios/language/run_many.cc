#include "scenarios/language/run_many.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <mutex>
#include <thread>

#include "sim/check.h"

namespace freshet {

std::vector<FinishedRun> RunMany(absl::Span<const RunJob> jobs, int workers,
                                 const std::function<void(size_t)>& on_finished) {
  SIM_REQUIRE(workers > 0);
  std::vector<FinishedRun> runs(jobs.size());
  std::atomic<size_t> next = 0;
  std::mutex telling;
  size_t finished = 0;
  const auto work = [&] {
    for (size_t i = next++; i < jobs.size(); i = next++) {
      try {
        runs[i].outcome = RunScenario(*jobs[i].scenario, jobs[i].options);
      } catch (...) {
        runs[i].broken = std::current_exception();
      }
      const std::lock_guard<std::mutex> lock(telling);
      ++finished;
      if (on_finished) on_finished(finished);
    }
  };
  const size_t threads = std::min(static_cast<size_t>(workers), jobs.size());
  std::vector<std::jthread> others;
  for (size_t i = 1; i < threads; ++i) others.emplace_back(work);
  work();
  others.clear();  // Joins them.
  return runs;
}

}  // namespace freshet
