// Findings about queries of Spark's kind, and the faults on them.
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/scenarios/language/scenario_text.h"

namespace freshet {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kRead[] = "step { name: \"read\" source { reads: \"orders\" } } ";
constexpr char kWindow[] =
    "step { name: \"count\" by_key: true window { size: \"10s\" keys: 100 row_size: \"100B\" "
    "state_per_key: \"100B\" } } ";
constexpr char kOff[] = "step { name: \"off\" blackhole {} } ";
constexpr char kStore[] = "component { name: \"store\" object_store { preset: REALISTIC } }\n";

// The topic "orders" has six partitions; "query" has two executors of one core.
std::string Query(const std::string& more, const std::string& steps,
                  const std::string& location = "store") {
  return absl::StrCat(SmallScenario(), kStore,
                      "component { name: \"query\" spark_query { executors: 2 planning_time: "
                      "\"100ms\" task_overhead: \"20ms\" start_time: \"20s\" executor_start_time: "
                      "\"10s\" checkpoint_location: \"",
                      location, "\" ", more, " ", steps, " } }\n");
}
std::string Counting(const std::string& more = "watermark_delay: \"2s\"") {
  return Query(more, absl::StrCat(kRead, kWindow, kOff));
}

TEST(SparkRulesTest, ItIsRight) {
  EXPECT_THAT(ProblemsOf(Query("", absl::StrCat(kRead, kOff))), IsEmpty());
  EXPECT_THAT(ProblemsOf(Counting()), IsEmpty());
  EXPECT_THAT(ProblemsOf(Counting("watermark_delay: \"2s\" executor_cores: 4 trigger_interval: "
                                  "\"10s\" max_offsets_per_trigger: 10000")),
              IsEmpty());
}

TEST(SparkRulesTest, ItsStepsAreARow) {
  EXPECT_THAT(ProblemsOf(Query("", kRead)),
              ElementsAre(HasSubstr("nothing takes what operator \"read\" passes on; end with")));
  EXPECT_THAT(ProblemsOf(Query("", absl::StrCat(kRead, kOff, "step { name: \"m\" map {} } "))),
              Contains(HasSubstr("operator \"off\" passes nothing on; move it to the end")));
  EXPECT_THAT(ProblemsOf(Query("", absl::StrCat("step { name: \"m\" map {} } ", kOff))),
              Contains(HasSubstr("the first step of a spark_query reads")));
  EXPECT_THAT(
      ProblemsOf(
          Query("", absl::StrCat(kRead, "step { name: \"m\" parallelism: 2 map {} } ", kOff))),
      ElementsAre(HasSubstr("a spark_query has a task for each partition, and shuffle_partitions "
                            "behind the shuffle; remove parallelism")));
  EXPECT_THAT(ProblemsOf(Query("", absl::StrCat(kRead, "step { name: \"read\" map {} } ", kOff))),
              ElementsAre(HasSubstr("operator \"read\" is there twice; rename one")));
  EXPECT_THAT(ProblemsOf(Query("", absl::StrCat(kRead, "step { name: \"m\" } ", kOff))),
              ElementsAre(HasSubstr("spark_query.step[m] does not say which kind")));
  EXPECT_THAT(ProblemsOf(Query(
                  "", absl::StrCat(kRead, "step { name: \"to\" to_topic { name: \"orders\" } }"))),
              Contains(HasSubstr("operator \"to\" is of a kind that a spark_query does not have")));
}

TEST(SparkRulesTest, WhatIsTooLateIsDropped) {
  EXPECT_THAT(
      ProblemsOf(
          Query("", absl::StrCat(kRead, "step { name: \"m\" late_records: true map {} } ", kOff))),
      ElementsAre(HasSubstr("Spark has no side output")));
}

TEST(SparkRulesTest, StateIsBehindTheOneShuffle) {
  EXPECT_THAT(ProblemsOf(Query("watermark_delay: \"2s\"",
                               absl::StrCat(kRead,
                                            "step { name: \"count\" window { size: \"10s\" keys: 1 "
                                            "row_size: \"1B\" state_per_key: \"1B\" } } ",
                                            kOff))),
              ElementsAre(HasSubstr("operator \"count\" has state, and that is behind the "
                                    "shuffle; set by_key: true")));
  EXPECT_THAT(ProblemsOf(Query(
                  "watermark_delay: \"2s\"",
                  absl::StrCat(kRead, kWindow, "step { name: \"m\" by_key: true map {} } ", kOff))),
              ElementsAre(HasSubstr("a spark_query has one shuffle; remove by_key")));
}

TEST(SparkRulesTest, AWindowNeedsAWatermark) {
  EXPECT_THAT(ProblemsOf(Counting("")),
              ElementsAre(HasSubstr("the window \"count\" closes by a watermark, and the query has "
                                    "none; state watermark_delay")));
  EXPECT_THAT(
      ProblemsOf(Query("watermark_delay: \"2s\"",
                       absl::StrCat(kRead,
                                    "step { name: \"count\" by_key: true window { size: \"10s\" "
                                    "slide: \"3s\" allowed_lateness: \"1s\" keys: 1 row_size: "
                                    "\"1B\" state_per_key: \"1B\" } } ",
                                    kOff))),
      ElementsAre(HasSubstr("size 10s is no multiple of slide 3s"),
                  HasSubstr("state watermark_delay instead of allowed_lateness")));
}

TEST(SparkRulesTest, ItsSourceReadsAll) {
  EXPECT_THAT(ProblemsOf(Query("", absl::StrCat("step { name: \"read\" source { reads: \"orders\" "
                                                "polls_ahead: 3 } } ",
                                                kOff))),
              ElementsAre(HasSubstr("takes one poll after the other; remove polls_ahead")));
}

TEST(SparkRulesTest, TheCheckpointLocationIsAnObjectStore) {
  EXPECT_THAT(ProblemsOf(Query("", absl::StrCat(kRead, kOff), "shop")),
              ElementsAre(HasSubstr("\"shop\" is no object store of a region; name a component")));
}

TEST(SparkRulesTest, MoreCoresThanTasksIdle) {
  EXPECT_THAT(ProblemsOf(Query("executor_cores: 4", absl::StrCat(kRead, kOff))),
              ElementsAre(HasSubstr("a batch has at most 6 tasks at a time for 8 cores: some have "
                                    "nothing to do; is that meant?")));
  EXPECT_THAT(ProblemsOf(Counting("watermark_delay: \"2s\" executor_cores: 4")), IsEmpty());
}

TEST(SparkRulesTest, FaultsAreOnTheDriverAndExecutors) {
  for (const char* target : {"query/driver", "query/executor-2", "query/executor-1/nic"}) {
    EXPECT_THAT(ProblemsOf(absl::StrCat(Counting(), "fault { at: \"10s\" lasts: \"10s\" ",
                                        absl::StrContains(target, "nic")
                                            ? "throttle { rate: \"1MB/s\" target: \""
                                            : "down { target: \"",
                                        target, "\" } }\n")),
                IsEmpty())
        << target;
  }
  EXPECT_THAT(
      ProblemsOf(
          absl::StrCat(Counting(),
                       "fault { at: \"10s\" lasts: \"10s\" down { target: \"query/executor-3\" } "
                       "}\n")),
      ElementsAre(HasSubstr("fault target \"query/executor-3\" is no executor; write "
                            "\"query/executor-1\" to \"query/executor-2\", and behind it \"/nic\" "
                            "for its link, or \"query/driver\"")));
}

}  // namespace
}  // namespace freshet
