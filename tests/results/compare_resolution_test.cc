// Errors of a coarser resolution are told against the run that differs by it alone.
#include "results/compare_resolution.h"

#include "gmock/gmock.h"
#include "tests/results/sample_run.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A run of a scenario with that text, whose latencies are those of so many records a tick.
RunSummary RunOf(const std::string& text, int64_t records, const std::string& note) {
  SampleRun run(nullptr, records);
  run.Run();
  RunRecordHeader header = SampleHeader();
  header.set_scenario_text(text);
  RunSummary summary = Summarise(header, run.Results());
  summary.set_resolution_note(note);
  return summary;
}

std::vector<std::string> ErrorsOf(const std::vector<RunSummary>& runs) {
  std::vector<std::string> numbers;
  for (const ComparisonRow& row : Compare(runs).rows) {
    if (row.machine_name != "producer.latency_ms_max_error") continue;
    for (const ComparisonCell& cell : row.cells) numbers.push_back(cell.number);
  }
  return numbers;
}

constexpr char kFine[] = "name: \"a\"\nresolution {\n  batches_per_parcel: 1\n}\nseed: 3\n";
constexpr char kCoarse[] = "name: \"a\"\nresolution {\n  batches_per_parcel: 16\n}\nseed: 3\n";
constexpr char kOther[] = "name: \"a\"\nresolution {\n  batches_per_parcel: 16\n}\nseed: 4\n";

TEST(CompareResolutionTest, OnlyTheRunThatDiffersByItAloneIsAReference) {
  // The samples are the same, so the error is none; but it is known.
  EXPECT_THAT(ErrorsOf({RunOf(kFine, 100, ""), RunOf(kCoarse, 100, "16 batches a parcel")}),
              ElementsAre("", "0"));
  EXPECT_THAT(ErrorsOf({RunOf(kFine, 100, ""), RunOf(kOther, 100, "16 batches a parcel")}),
              ElementsAre());
  EXPECT_THAT(ErrorsOf({RunOf(kCoarse, 100, "16 batches a parcel")}), ElementsAre());
}

TEST(CompareResolutionTest, TheBlockMayStandFirstOrBeMissing) {
  EXPECT_EQ(RunOf("resolution {\n  batches_per_parcel: 4\n}\nseed: 3\n", 100, "")
                .address_but_resolution(),
            RunOf("resolution {\n}\nseed: 3\n", 100, "").address_but_resolution());
  EXPECT_NE(RunOf("seed: 3\n", 100, "").address_but_resolution(),
            RunOf("seed: 4\n", 100, "").address_but_resolution());
}

TEST(CompareResolutionTest, WhatARunKnowsOfItsResolutionIsANote) {
  const Comparison comparison =
      Compare({RunOf(kFine, 100, ""), RunOf(kCoarse, 100, "16 batches a parcel")});
  EXPECT_THAT(comparison.notes.front(), HasSubstr("calm, resolution: 16 batches a parcel"));
}

}  // namespace
}  // namespace freshet
