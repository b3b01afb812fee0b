// Several runs at once give what each gives alone; the thread sanitizer's leg rests on this test.
#include "scenarios/language/run_many.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/scenarios/library/library_run.h"

namespace freshet {
namespace {

// The four designs, half a minute each.
std::vector<v1::Scenario> Designs() {
  std::vector<v1::Scenario> designs;
  for (const char* variant : {"kafka", "tiered", "s3stream", "leaderless"}) {
    designs.push_back(Briefly(VariantOf("design_swap", variant), "25s", "5s"));
  }
  return designs;
}

std::vector<FinishedRun> RunAll(const std::vector<v1::Scenario>& designs, int workers) {
  std::vector<RunJob> jobs;
  for (const v1::Scenario& design : designs) jobs.push_back({&design, FromLibrary()});
  size_t told = 0;
  std::vector<FinishedRun> runs = RunMany(jobs, workers, [&told](size_t over) {
    EXPECT_EQ(over, told + 1);
    told = over;
  });
  EXPECT_EQ(told, jobs.size());
  return runs;
}

TEST(RunManyTest, ResultsDoNotDependOnTheNumberOfWorkers) {
  const std::vector<v1::Scenario> designs = Designs();
  const std::vector<FinishedRun> alone = RunAll(designs, 1);
  for (const int workers : {2, 4, 9}) {
    const std::vector<FinishedRun> together = RunAll(designs, workers);
    for (size_t i = 0; i < designs.size(); ++i) {
      ASSERT_TRUE(together[i].outcome.ok()) << together[i].outcome.status();
      EXPECT_EQ(together[i].broken, nullptr);
      EXPECT_EQ(together[i].outcome->summary.SerializeAsString(),
                alone[i].outcome->summary.SerializeAsString())
          << i << " of " << workers;
    }
  }
}

TEST(RunManyTest, ARunThatCannotBeginLeavesTheOthersAlone) {
  std::vector<v1::Scenario> designs = Designs();
  designs[1].set_price_book("prices/no_such_book.textproto");
  const std::vector<FinishedRun> runs = RunAll(designs, 3);
  for (size_t i = 0; i < designs.size(); ++i) EXPECT_EQ(runs[i].outcome.ok(), i != 1);
}

}  // namespace
}  // namespace freshet
