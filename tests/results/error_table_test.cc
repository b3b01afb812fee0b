#include "results/error_table.h"

#include "gmock/gmock.h"
#include "results/output_file.h"
#include "tests/results/sample_run.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kHeading[] =
    "id,quantity_kind,metric,owner,variant,statistic,unit,published,pass,note\n";

// A run whose producer.latency has these values in milliseconds.
RunSummary RunOf(const std::string& variant, double mean, double p50, double p99) {
  RunSummary summary;
  summary.set_variant(variant);
  SummaryMetric* metric = summary.add_metric();
  metric->set_name("producer.latency");
  metric->set_owner("shop");
  metric->set_kind(MetricRow::DISTRIBUTION);
  metric->set_measure(MetricRow::NANOSECONDS);
  SummaryWindow* window = metric->add_window();
  window->set_window("after_warm_up");
  const auto add = [&](const char* statistic, double millis) {
    SummaryValue* value = window->add_value();
    value->set_statistic(statistic);
    value->set_value(millis * 1e6);
    value->set_exactness(SummaryValue::APPROXIMATE);
  };
  add("mean", mean);
  add("p50", p50);
  add("p99", p99);
  add("max", 1000);
  window->add_value()->set_statistic("p99_9");
  window->mutable_value(window->value_size() - 1)->set_exactness(SummaryValue::NOT_CONVERGED);
  return summary;
}

ErrorTable TableOf(const std::string& lines, const std::vector<RunSummary>& runs) {
  absl::StatusOr<std::vector<PublishedRow>> rows = ParsePublished("t.csv", kHeading + lines);
  EXPECT_TRUE(rows.ok()) << rows.status();
  return BuildErrorTable(*rows, runs);
}

ErrorRow::Score ScoreOf(const std::string& line, const RunSummary& run) {
  return TableOf(line + "\n", {run}).rows[0].score;
}

TEST(ErrorTableTest, AMeanPassesWithin30PercentAndIsGoodWithin15) {
  const auto score = [](double simulated) {
    return ScoreOf("m,mean,producer.latency,,,mean,ms,10,,", RunOf("", simulated, 0, 0));
  };
  EXPECT_EQ(score(10), ErrorRow::Score::kGood);
  EXPECT_EQ(score(11.5), ErrorRow::Score::kGood);
  EXPECT_EQ(score(8.4), ErrorRow::Score::kPass);
  EXPECT_EQ(score(13), ErrorRow::Score::kPass);
  EXPECT_EQ(score(13.1), ErrorRow::Score::kMiss);
  EXPECT_EQ(score(6.9), ErrorRow::Score::kMiss);
}

TEST(ErrorTableTest, AP99PassesWithinAFactorOfTwo) {
  const auto score = [](double simulated) {
    return ScoreOf("t,p99,producer.latency,,,p99,ms,10,,", RunOf("", 0, 0, simulated));
  };
  EXPECT_EQ(score(14), ErrorRow::Score::kGood);
  EXPECT_EQ(score(20), ErrorRow::Score::kPass);
  EXPECT_EQ(score(20.1), ErrorRow::Score::kMiss);
  EXPECT_EQ(score(5), ErrorRow::Score::kPass);
  EXPECT_EQ(score(4.9), ErrorRow::Score::kMiss);
}

TEST(ErrorTableTest, ABandHasNoErrorInside) {
  const auto row = [](double simulated) {
    return TableOf("m,mean,producer.latency,,,mean,ms,19..20,,\n", {RunOf("", simulated, 0, 0)})
        .rows[0];
  };
  EXPECT_EQ(row(19.5).error, 0);
  EXPECT_NEAR(row(22).error, 0.1, 1e-12);  // Counted from 20.
}

TEST(ErrorTableTest, ARatioComparesTwoVariantsAndMustKeepTheOrder) {
  const std::string line = "r,ratio,producer.latency,,slow/fast,p50,,1.2,,\n";
  const auto row = [&](double slow, double fast) {
    return TableOf(line, {RunOf("slow", 0, slow, 0), RunOf("fast", 0, fast, 0)}).rows[0];
  };
  EXPECT_EQ(row(24, 20).score, ErrorRow::Score::kGood);
  EXPECT_EQ(row(34, 20).score, ErrorRow::Score::kPass);
  EXPECT_EQ(row(38, 20).score, ErrorRow::Score::kMiss);
  // 0.95 is within a factor of 1.5 of 1.2, but the slow one came out faster.
  EXPECT_EQ(row(19, 20).score, ErrorRow::Score::kMiss);
  EXPECT_EQ(row(19, 20).why, "wrong order");
}

TEST(ErrorTableTest, TheWorstScoredRowComesFirst) {
  const ErrorTable table = TableOf(
      "tail,tail,producer.latency,,,max,ms,1,,\n"
      "near,mean,producer.latency,,,mean,ms,10,,\n"  // +10 % of 30 %
      "far,p99,producer.latency,,,p99,ms,10,,\n"     // x2.5
      "middle,p50,producer.latency,,,p50,ms,10,,\n"  // +20 % of 30 %
      "absent,mean,consumer.latency,,,mean,ms,10,,\n",
      {RunOf("", 11, 12, 25)});
  std::vector<std::string> order;
  for (const ErrorRow& row : table.rows) order.push_back(row.published.id);
  EXPECT_THAT(order, ElementsAre("absent", "far", "middle", "near", "tail"));
  EXPECT_FALSE(table.Passed());
  std::string text;
  WriteErrorTableText(table, {}, &text);
  EXPECT_THAT(text, HasSubstr("4 scored: 1 good, 1 pass, 1 MISS, 1 without a value; 1 not scored"));
  EXPECT_LT(text.find("far"), text.find("middle"));
  EXPECT_THAT(text, HasSubstr("x2.50"));
  EXPECT_THAT(text, HasSubstr("+20.0 %"));
}

TEST(ErrorTableTest, ARowMayBringItsOwnTolerance) {
  const RunSummary run = RunOf("", 14, 0, 0);
  EXPECT_EQ(ScoreOf("m,mean,producer.latency,,,mean,ms,10,50%,", run), ErrorRow::Score::kPass);
  EXPECT_EQ(ScoreOf("m,mean,producer.latency,,,mean,ms,10,x2,", run), ErrorRow::Score::kGood);
  EXPECT_EQ(ScoreOf("m,mean,producer.latency,,,mean,ms,10,10%,", run), ErrorRow::Score::kMiss);
}

TEST(ErrorTableTest, WhatHasNoNumberIsNotAPass) {
  const RunSummary run = RunOf("calm", 1, 1, 1);
  const auto why = [&](const std::string& line) {
    const ErrorTable table = TableOf(line, {run});
    EXPECT_EQ(table.rows[0].score, ErrorRow::Score::kNoValue) << line;
    EXPECT_FALSE(table.Passed());
    return table.rows[0].why;
  };
  EXPECT_EQ(why("a,p99,producer.latency,,calm,p99_9,ms,1,,\n"), "not converged");
  EXPECT_EQ(why("a,mean,producer.latency,,wild,mean,ms,1,,\n"), "no record of variant wild");
  EXPECT_EQ(why("a,mean,producer.latency,,calm,mean,MiB,1,,\n"),
            "the mean of producer.latency is not in MiB");
  EXPECT_EQ(why("a,mean,producer.latency,,calm,p7,ms,1,,\n"), "producer.latency has no p7");
}

TEST(PublishedTest, EveryProblemIsToldAtOnceWithItsLine) {
  const absl::Status status = ParsePublished("t.csv", std::string(kHeading) +
                                                          "a,mean,m,,,mean,ms,1,,\n"
                                                          "a,mean,m,,,mean,ms,1,,\n"
                                                          "b,median,m,,,p50,ms,1,,\n"
                                                          "c,mean,m,,,mean,fortnights,1,,\n"
                                                          "d,mean,m,,,mean,ms,fast,,\n"
                                                          "e,mean,m,,,mean,ms,1,30,\n"
                                                          "f,mean,m,,,mean,ms,0,,\n"
                                                          "g,mean,m\n")
                                  .status();
  const std::string message(status.message());
  EXPECT_THAT(message, HasSubstr("t.csv:3: id \"a\" is that of line 2"));
  EXPECT_THAT(message,
              HasSubstr("t.csv:4: quantity_kind \"median\" is unknown; one of throughput"));
  EXPECT_THAT(message, HasSubstr("t.csv:5: unit \"fortnights\""));
  EXPECT_THAT(message, HasSubstr("t.csv:6: published \"fast\""));
  EXPECT_THAT(message, HasSubstr("t.csv:7: pass \"30\""));
  EXPECT_THAT(message, HasSubstr("t.csv:8: a scored row"));
  EXPECT_THAT(message, HasSubstr("t.csv:9: has 3 columns"));
}

TEST(PublishedTest, EveryTableOfTheShelfReads) {
  int tables = 0;
  const std::filesystem::path shelf =
      std::filesystem::path(FRESHET_SOURCE_DIR) / "results" / "published";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(shelf)) {
    if (entry.path().extension() != ".csv") continue;
    ++tables;
    const absl::StatusOr<std::vector<PublishedRow>> rows =
        ParsePublished(entry.path().filename().string(), FileBytes(entry.path().string()));
    EXPECT_TRUE(rows.ok()) << rows.status();
  }
  EXPECT_GE(tables, 1);
}

TEST(PublishedTest, ConfluentsTableScoresTwentyRows) {
  const std::string path =
      std::string(FRESHET_SOURCE_DIR) + "/results/published/c1-confluent-2020/published.csv";
  const absl::StatusOr<std::vector<PublishedRow>> rows = ParsePublished("c1", FileBytes(path));
  ASSERT_TRUE(rows.ok()) << rows.status();
  const ErrorTable table = BuildErrorTable(*rows, {});
  EXPECT_EQ(table.no_value, 2 + 4 * 3 + 6);  // Rates; mean, p50 and p99 of each line; ratios.
  EXPECT_EQ(table.not_scored, 4 * 10);
}

TEST(ErrorTableTest, AllFormatsHaveEveryRow) {
  const ErrorTable table = TableOf(
      "a,mean,producer.latency,,,mean,ms,10,,\"a note, with a comma\"\n"
      "b,tail,producer.latency,,,max,ms,900,,\n",
      {RunOf("", 11, 12, 25)});
  std::string text, markdown, csv;
  WriteErrorTableText(table, {}, &text);
  WriteErrorTableMarkdown(table, &markdown);
  WriteErrorTableCsv(table, &csv);
  EXPECT_THAT(text, HasSubstr("a        10 ms    11.0 ms  +10.0 %         +-30 %        good\n"));
  EXPECT_THAT(markdown, HasSubstr("| b | 900 ms | 1000 ms | +11.1 % | - | not scored |\n"));
  EXPECT_THAT(csv, HasSubstr("a,mean,ms,10,10,11,"));
  EXPECT_THAT(csv, HasSubstr(",\"a note, with a comma\"\r\n"));
}

}  // namespace
}  // namespace freshet
