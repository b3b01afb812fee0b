#include "results/verdict.h"

#include "gmock/gmock.h"
#include "tests/results/sample_run.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

ResolvedObjective AtMost(const std::string& metric, const std::string& text, int64_t bound) {
  ResolvedObjective objective;
  objective.text.set_metric(metric);
  objective.text.set_at_most(text);
  objective.bound = bound;
  return objective;
}

ResolvedObjective AtLeast(const std::string& metric, const std::string& text, int64_t bound) {
  ResolvedObjective objective;
  objective.text.set_metric(metric);
  objective.text.set_at_least(text);
  objective.bound = bound;
  return objective;
}

class VerdictTest : public ::testing::Test {
 protected:
  VerdictTest() : run_(nullptr, 100) {
    run_.Run();
    results_ = run_.Results();
  }
  ObjectiveVerdict JudgeOne(const ResolvedObjective& objective) {
    absl::StatusOr<Verdict> verdict = Judge({objective}, results_);
    EXPECT_TRUE(verdict.ok()) << verdict.status();
    exit_code_ = verdict->exit_code();
    return verdict->objective(0);
  }
  SampleRun run_;
  RunResults results_;
  int exit_code_ = -1;
};

TEST_F(VerdictTest, AMetBoundTellsTheRoomLeft) {
  const ObjectiveVerdict verdict = JudgeOne(AtMost("producer.records_acked", "600k", 600'000));
  EXPECT_EQ(verdict.outcome(), ObjectiveVerdict::MET);
  EXPECT_EQ(verdict.value(), 540'000);
  EXPECT_EQ(verdict.margin(), 60'000);
  EXPECT_DOUBLE_EQ(verdict.margin_percent(), 10);
  EXPECT_EQ(exit_code_, kExitMet);
}

TEST_F(VerdictTest, TheBoundItselfMeets) {
  EXPECT_EQ(JudgeOne(AtMost("producer.records_acked", "540k", 540'000)).outcome(),
            ObjectiveVerdict::MET);
  EXPECT_EQ(JudgeOne(AtLeast("producer.records_acked", "540k", 540'000)).outcome(),
            ObjectiveVerdict::MET);
  EXPECT_EQ(JudgeOne(AtMost("producer.records_acked", "539999", 539'999)).outcome(),
            ObjectiveVerdict::MISSED);
}

TEST_F(VerdictTest, AMissTellsByHowMuchAndInWhichMinute) {
  ResolvedObjective objective = AtMost("producer.queued", "6B", 6);
  objective.text.set_percentile("100");
  const ObjectiveVerdict verdict = JudgeOne(objective);
  EXPECT_EQ(verdict.outcome(), ObjectiveVerdict::MISSED);
  EXPECT_EQ(verdict.value(), 9);
  EXPECT_EQ(verdict.margin(), -3);
  EXPECT_DOUBLE_EQ(verdict.margin_percent(), -50);
  EXPECT_TRUE(verdict.has_worst());
  EXPECT_EQ(verdict.worst_minute(), 5);
  EXPECT_EQ(exit_code_, kExitMissed);
  EXPECT_EQ(Describe(verdict),
            "MISSED  producer.queued p100, at most 6B: 9.00 B; over by 3.00 B (50.0 %); worst "
            "9.00 B at 5m");
}

TEST_F(VerdictTest, OnlyTheWindowCounts) {
  ResolvedObjective objective = AtMost("producer.queued", "6B", 6);
  objective.text.set_percentile("100");
  objective.text.set_when(Objective::BEFORE_FAULTS);
  const ObjectiveVerdict verdict = JudgeOne(objective);
  EXPECT_EQ(verdict.outcome(), ObjectiveVerdict::MET);
  EXPECT_EQ(verdict.worst_value(), 3);
}

TEST_F(VerdictTest, RatesAreComparedWithoutRounding) {
  ResolvedObjective objective = AtLeast("producer.records_acked", "1000/s", 1000);
  objective.per_second = true;
  EXPECT_EQ(JudgeOne(objective).outcome(), ObjectiveVerdict::MET);
  // One record short in nine minutes still reads 1000/s, but is a miss.
  for (MetricRow& row : *results_.metrics.mutable_metric()) {
    if (row.name() != "producer.records_acked") continue;
    MetricPhase* last = row.mutable_phase(row.phase_size() - 1);
    last->set_total(last->total() - 1);
  }
  const ObjectiveVerdict verdict = JudgeOne(objective);
  EXPECT_EQ(verdict.outcome(), ObjectiveVerdict::MISSED);
  EXPECT_EQ(verdict.value(), 1000);
}

TEST_F(VerdictTest, PercentilesAndMeansOfDistributions) {
  ResolvedObjective objective = AtMost("producer.latency", "950ms", Milliseconds(950).nanos());
  EXPECT_EQ(JudgeOne(objective).outcome(), ObjectiveVerdict::MET);  // The mean is about 500 ms.
  objective.text.set_percentile("99");
  EXPECT_EQ(JudgeOne(objective).outcome(), ObjectiveVerdict::MISSED);
}

TEST_F(VerdictTest, TooFewSamplesAreNoVerdictUnlessNoneBreaksTheBound) {
  SampleRun small;
  small.Run();
  results_ = small.Results();
  ResolvedObjective objective = AtMost("producer.latency", "950ms", Milliseconds(950).nanos());
  objective.text.set_percentile("99.9");
  EXPECT_EQ(JudgeOne(objective).outcome(), ObjectiveVerdict::NOT_CONVERGED);
  EXPECT_EQ(exit_code_, kExitMissed);
  objective.bound = Seconds(1).nanos();
  EXPECT_EQ(JudgeOne(objective).outcome(), ObjectiveVerdict::MET);
  EXPECT_EQ(exit_code_, kExitMet);
}

TEST_F(VerdictTest, AnEmptyWindowIsNotMet) {
  SampleRun idle;
  results_ = idle.Results();
  const ObjectiveVerdict verdict = JudgeOne(AtMost("producer.latency", "1s", Seconds(1).nanos()));
  EXPECT_EQ(verdict.outcome(), ObjectiveVerdict::NOT_CONVERGED);
  EXPECT_THAT(Describe(verdict), HasSubstr("nothing was recorded"));
}

TEST_F(VerdictTest, ABoundOfZeroHasNoPercentage) {
  const ObjectiveVerdict verdict = JudgeOne(AtMost("producer.records_acked", "0", 0));
  EXPECT_EQ(verdict.margin(), -540'000);
  EXPECT_EQ(verdict.margin_percent(), 0);
}

TEST_F(VerdictTest, WhatCannotBeJudgedIsAnError) {
  EXPECT_EQ(Judge({AtMost("no.such", "1", 1)}, results_).status().code(),
            absl::StatusCode::kInvalidArgument);
  ResolvedObjective objective = AtMost("producer.records_acked", "1", 1);
  objective.text.set_percentile("99");
  EXPECT_THAT(std::string(Judge({objective}, results_).status().message()),
              HasSubstr("a counter has no percentiles"));
  objective.text.clear_percentile();
  objective.text.set_at_least("1");
  EXPECT_FALSE(Judge({objective}, results_).ok());
}

TEST_F(VerdictTest, TheOwnerMustBeClear) {
  MetricRow twin = results_.metrics.metric(0);
  twin.set_owner("shop2");
  *results_.metrics.add_metric() = twin;
  ResolvedObjective objective = AtMost("producer.records_acked", "600k", 600'000);
  EXPECT_THAT(std::string(Judge({objective}, results_).status().message()),
              HasSubstr("name one by `of`"));
  objective.text.set_of("shop2");
  EXPECT_EQ(JudgeOne(objective).owner(), "shop2");
}

}  // namespace
}  // namespace freshet
