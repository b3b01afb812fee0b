// Findings about applications of Kafka Streams' kind, and the faults on them.
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

constexpr char kOut[] = "topic { name: \"out\" partitions: 6 replication_factor: 3 }\n";
constexpr char kRead[] = "step { name: \"read\" source { reads: \"orders\" } } ";
constexpr char kWindow[] =
    "step { name: \"count\" by_key: true window { size: \"10s\" keys: 100 row_size: \"100B\" "
    "state_per_key: \"100B\" } } ";
constexpr char kTo[] = "step { name: \"to\" to_topic { name: \"out\" } } ";

// The topic "orders" has six partitions; "app" has three instances.
std::string App(const std::string& more, const std::string& steps) {
  return absl::StrCat(SmallScenario(), absl::StrContains(steps, "to_topic") ? kOut : "",
                      "component { name: \"app\" streams_app { instances: 3 vcpus: 2 start_time: "
                      "\"5s\" ",
                      more, " ", steps, " } }\n");
}
std::string Whole(const std::string& more = "") {
  return App(more, absl::StrCat(kRead, kWindow, kTo));
}

TEST(StreamsRulesTest, ItIsRight) {
  EXPECT_THAT(ProblemsOf(Whole()), IsEmpty());
  EXPECT_THAT(ProblemsOf(Whole("threads: 2 standby_replicas: 2 processing_guarantee: "
                               "EXACTLY_ONCE_V2 commit_interval: \"200ms\"")),
              IsEmpty());
  EXPECT_THAT(ProblemsOf(App("", absl::StrCat(kRead, "step { name: \"off\" blackhole {} }"))),
              IsEmpty());
}

TEST(StreamsRulesTest, ItsStepsAreARow) {
  EXPECT_THAT(ProblemsOf(App("", absl::StrCat(kRead, kWindow))),
              ElementsAre(HasSubstr("nothing takes what operator \"count\" passes on; end with")));
  EXPECT_THAT(ProblemsOf(App("", absl::StrCat(kRead, kTo, "step { name: \"off\" blackhole {} }"))),
              Contains(HasSubstr("operator \"to\" passes nothing on; move it to the end")));
  EXPECT_THAT(ProblemsOf(App("", absl::StrCat(kWindow, kTo))),
              Contains(HasSubstr("the first step of a streams_app reads")));
  EXPECT_THAT(
      ProblemsOf(App("", absl::StrCat(kRead, "step { name: \"m\" parallelism: 2 map {} } ", kTo))),
      ElementsAre(HasSubstr("a streams_app has a task for each partition; state instances and "
                            "threads, and remove parallelism")));
  EXPECT_THAT(
      ProblemsOf(App("", absl::StrCat(kRead, "step { name: \"m\" input: \"read\" map {} } ", kTo))),
      ElementsAre(HasSubstr("stand one after the other; remove input")));
  EXPECT_THAT(ProblemsOf(App("", absl::StrCat(kRead, "step { name: \"read\" map {} } ", kTo))),
              ElementsAre(HasSubstr("operator \"read\" is there twice; rename one")));
  EXPECT_THAT(ProblemsOf(App(
                  "", absl::StrCat(kRead, "step { name: \"m\" hot_share: \"50%\" map {} } ", kTo))),
              ElementsAre(HasSubstr("hot_share is of keys; set by_key: true, or remove it")));
}

TEST(StreamsRulesTest, WhatIsTooLateIsDropped) {
  EXPECT_THAT(ProblemsOf(App(
                  "", absl::StrCat(kRead, "step { name: \"m\" late_records: true map {} } ", kTo))),
              ElementsAre(HasSubstr("Kafka Streams has no side output")));
}

TEST(StreamsRulesTest, ASinkWithTransactionsIsNotItsOwn) {
  const std::string archive =
      "component { name: \"lake\" lakehouse_sink { table: \"table\" cpu_per_mib: \"20ms\" "
      "parquet_ratio: \"0.4\" } }\n"
      "component { name: \"table\" lakehouse_table { catalog_latency { constant: \"80ms\" } } }\n";
  EXPECT_THAT(
      ProblemsOf(absl::StrCat(
          App("", absl::StrCat(kRead, "step { name: \"to\" sink { name: \"lake\" } }")), archive)),
      ElementsAre(HasSubstr("a streams_app cannot take part in the transactions of "
                            "\"lake\"; write to_topic, and let connect write from there")));
}

TEST(StreamsRulesTest, TimesFitTogether) {
  EXPECT_THAT(ProblemsOf(Whole("heartbeat_interval: \"10s\" session_timeout: \"10s\"")),
              ElementsAre(HasSubstr("heartbeat_interval 10s is not below session_timeout 10s")));
  EXPECT_THAT(
      ProblemsOf(Whole("processing_guarantee: EXACTLY_ONCE_V2 commit_interval: \"10s\"")),
      ElementsAre(HasSubstr("commit_interval 10s is not below transaction_timeout 10s: every "
                            "transaction would be aborted; lower it")));
}

TEST(StreamsRulesTest, ReplicasNeedInstancesAndState) {
  EXPECT_THAT(ProblemsOf(Whole("standby_replicas: 3")),
              ElementsAre(HasSubstr("3 standby replicas beside the task need as many other "
                                    "instances, and there are 3 in all")));
  EXPECT_THAT(ProblemsOf(App("standby_replicas: 1", absl::StrCat(kRead, kTo))),
              ElementsAre(HasSubstr("standby replicas keep state, and the application has none")));
}

TEST(StreamsRulesTest, ItsTopicsFitTheBrokers) {
  EXPECT_THAT(ProblemsOf(Whole("internal_replication_factor: 4")),
              ElementsAre(HasSubstr("internal_replication_factor 4 is above the 3 brokers of "
                                    "\"log\"; lower it")));
}

TEST(StreamsRulesTest, MoreThreadsThanTasksIdle) {
  EXPECT_THAT(ProblemsOf(Whole("threads: 3")),
              ElementsAre(HasSubstr("9 threads share the 6 partitions of topic \"orders\": some "
                                    "have nothing to do; is that meant?")));
}

TEST(StreamsRulesTest, ItsOwnTopicsAreItsOwn) {
  EXPECT_THAT(
      ProblemsOf(absl::StrCat(
          Whole(),
          "topic { name: \"app-count-changelog\" partitions: 1 replication_factor: 3 }\n")),
      Contains(HasSubstr("topic \"app-count-changelog\" is one that the application makes for "
                         "itself; rename the step or the topic")));
}

TEST(StreamsRulesTest, FaultsAreOnInstances) {
  EXPECT_THAT(
      ProblemsOf(absl::StrCat(
          Whole(), "fault { at: \"10s\" lasts: \"10s\" down { target: \"app/instance-3\" } }\n")),
      IsEmpty());
  EXPECT_THAT(
      ProblemsOf(absl::StrCat(
          Whole(), "fault { at: \"10s\" lasts: \"10s\" down { target: \"app/instance-4\" } }\n")),
      ElementsAre(HasSubstr("fault target \"app/instance-4\" is no instance; write "
                            "\"app/instance-1\" to \"app/instance-3\"")));
}

}  // namespace
}  // namespace freshet
