#include "results/compare.h"

#include "gmock/gmock.h"
#include "nlohmann/json.hpp"
#include "results/csv.h"
#include "results/verdict.h"
#include "tests/results/sample_run.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// The sample with so many records a tick, judged by its p99, under that name.
RunSummary Variant(const std::string& name, int64_t records, const std::string& at_most,
                   Duration bound) {
  SampleRun run(nullptr, records);
  run.Run();
  RunResults results = run.Results();
  ResolvedObjective objective;
  objective.text.set_metric("producer.latency");
  objective.text.set_of("shop");
  objective.text.set_percentile("99");
  objective.text.set_at_most(at_most);
  objective.bound = bound.nanos();
  results.verdict = *Judge({objective}, results);
  RunRecordHeader header = SampleHeader();
  header.set_variant(name);
  return Summarise(header, results);
}

std::vector<RunSummary> TwoRuns() {
  return {Variant("wide", 100, "2s", Seconds(2)),
          Variant("narrow", 200, "500ms", Milliseconds(500))};
}

const ComparisonRow* Find(const Comparison& comparison, const std::string& machine_name) {
  for (const ComparisonRow& row : comparison.rows) {
    if (row.machine_name == machine_name) return &row;
  }
  return nullptr;
}

TEST(CompareTest, ARunIsAColumnAndAnObjectiveARow) {
  const Comparison comparison = Compare(TwoRuns());
  EXPECT_EQ(comparison.scenario, "sample");
  EXPECT_THAT(comparison.runs, ElementsAre("wide", "narrow"));
  const ComparisonRow* verdicts = Find(comparison, "objectives_missed");
  ASSERT_NE(verdicts, nullptr);
  EXPECT_EQ(verdicts->cells[0].text, "met all 1");
  EXPECT_EQ(verdicts->cells[1].text, "MISSED 1 of 1");
  EXPECT_EQ(verdicts->cells[1].number, "1");
  // Another bound is another objective, and who was not asked has a dash.
  const ComparisonRow* wide = Find(comparison, "producer.latency p99, at most 2s");
  ASSERT_NE(wide, nullptr);
  EXPECT_EQ(wide->owner, "shop");
  EXPECT_EQ(wide->cells[1].text, "-");
  EXPECT_EQ(wide->cells[1].number, "");
  const ComparisonRow* narrow = Find(comparison, "producer.latency p99, at most 500ms");
  ASSERT_NE(narrow, nullptr);
  EXPECT_THAT(narrow->cells[1].text, HasSubstr("MISSED "));
}

TEST(CompareTest, FiguresAreThoseOfEachRun) {
  const std::vector<RunSummary> runs = TwoRuns();
  const Comparison comparison = Compare(runs);
  const ComparisonRow* mean = Find(comparison, "producer.latency_ms_mean");
  ASSERT_NE(mean, nullptr);
  for (size_t i = 0; i < runs.size(); ++i) {
    for (const SummaryMetric& metric : runs[i].metric()) {
      if (metric.name() != "producer.latency") continue;
      const SummaryValue* value = FindValue(*FindWindow(metric, "after_warm_up"), "mean");
      EXPECT_DOUBLE_EQ(std::stod(mean->cells[i].number), value->value() / 1e6);
    }
  }
  const ComparisonRow* digests = Find(comparison, "result_digest");
  ASSERT_NE(digests, nullptr);
  EXPECT_EQ(digests->cells[0].text.size(), 16u);
  EXPECT_NE(digests->cells[0].text, digests->cells[1].text);
  // Of what no run has, there is no row; nor of failures that nobody had.
  EXPECT_EQ(Find(comparison, "consumer.end_to_end_latency_ms_mean"), nullptr);
}

TEST(CompareTest, RunsOfSeveralScenariosAreNamedInFull) {
  std::vector<RunSummary> runs = TwoRuns();
  runs[1].set_scenario("other");
  const Comparison comparison = Compare(runs);
  EXPECT_EQ(comparison.scenario, "");
  EXPECT_THAT(comparison.runs, ElementsAre("sample.wide", "other.narrow"));
}

TEST(CompareTest, FormatsHoldTheSameCells) {
  const Comparison comparison = Compare(TwoRuns());
  const auto as = [&](const char* format) {
    std::string text;
    EXPECT_TRUE(WriteComparison(format, comparison, {}, &text).ok());
    return text;
  };
  EXPECT_THAT(as("text"), HasSubstr("sample, 2 runs side by side\n"));
  EXPECT_THAT(as("md"), HasSubstr("| of | figure | wide | narrow |\n|---|---|---:|---:|\n"));
  EXPECT_THAT(as("csv"), HasSubstr("section,of,figure,wide,narrow\r\n"));
  const nlohmann::json json = nlohmann::json::parse(as("json"));
  EXPECT_EQ(json["runs"][1], "narrow");
  EXPECT_EQ(json["rows"].size(), comparison.rows.size());
  EXPECT_EQ(json["rows"][0]["cells"][1]["text"], "MISSED 1 of 1");
  std::string text;
  const absl::Status unknown = WriteComparison("xml", comparison, {}, &text);
  EXPECT_EQ(unknown.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(unknown.message()), HasSubstr("text, md, csv, json"));
  EXPECT_EQ(text, "");
}

TEST(CompareTest, ColourOnlyWhenAsked) {
  std::string text;
  ASSERT_TRUE(WriteComparison("text", Compare(TwoRuns()), {}, &text).ok());
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace freshet
