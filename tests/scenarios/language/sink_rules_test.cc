// Findings about sinks, about those that write to them and those that look at them.
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/scenarios/language/scenario_text.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kCheckpoints[] = "checkpoints { interval: \"10s\" rate: \"100MB/s\" }";
constexpr char kServer[] = "server { workers: 4 time_per_request: \"1ms\" }";

// Consumers "audit" that write to "store", which is that.
std::string Into(const std::string& store, const std::string& consumers = "") {
  return absl::StrCat(
      Small("members: 3",
            absl::StrCat("members: 3 assignment: SUBSCRIBE writes_to: \"store\" ", consumers)),
      "component { name: \"store\" ", store, " }\n");
}
std::string Database(const std::string& more) {
  return absl::StrCat("database { ", kServer, " commit_latency { constant: \"2ms\" } ", more, " }");
}
std::string Lake(const std::string& more = "") {
  return absl::StrCat(Into("lakehouse_sink { table: \"lake\" cpu_per_mib: \"20ms\" "
                           "parquet_ratio: \"0.4\" }",
                           more),
                      "component { name: \"lake\" lakehouse_table { catalog_latency { constant: "
                      "\"80ms\" } } }\n");
}
std::string Olap(const std::string& more) {
  return Into(absl::StrCat("olap_store { ", kServer,
                           " column_ratio: \"0.2\" merge_rate: \"50MB/s\" ", more, " }"));
}
std::string Board(const std::string& more, const std::string& from = "store") {
  return absl::StrCat(Into(Database("")), "component { name: \"board\" dashboard { from: \"", from,
                      "\" refresh_interval: \"10s\" query_time { constant: \"1s\" } target: "
                      "\"1min\" ",
                      more, " } }\n");
}

// The lake, with more in its sink and in its table.
std::string Overwriting(const std::string& sink, const std::string& consumers = "",
                        const std::string& table = "") {
  return absl::StrCat(
      Into(absl::StrCat("lakehouse_sink { table: \"lake\" cpu_per_mib: \"20ms\" "
                        "parquet_ratio: \"0.4\" ",
                        sink, " }"),
           consumers),
      "component { name: \"lake\" lakehouse_table { catalog_latency { constant: \"80ms\" } ", table,
      " } }\n");
}
constexpr char kMerged[] = "overwrite_partitions { partition_width: \"1h\" rows: MERGED }";

TEST(SinkRulesTest, WhoOverwritesPartitions) {
  EXPECT_THAT(ProblemsOf(Overwriting(kMerged)), IsEmpty());
  EXPECT_THAT(ProblemsOf(Overwriting("overwrite_partitions { rows: MERGED }")),
              ElementsAre(HasSubstr("partition_width")));
  EXPECT_THAT(ProblemsOf(Overwriting(absl::StrCat(kMerged, " open_partitions: 4"))),
              ElementsAre(HasSubstr("open_partitions are those of partition_width when partitions "
                                    "are overwritten; remove one of the two")));
  const std::string new_only = "overwrite_partitions { partition_width: \"1h\" rows: NEW_ONLY }";
  EXPECT_THAT(ProblemsOf(Overwriting(new_only, "sink_commit_interval: \"1h\"")), IsEmpty());
  EXPECT_THAT(ProblemsOf(Overwriting(new_only, "sink_commit_interval: \"5min\"")),
              ElementsAre(HasSubstr("rows: NEW_ONLY with commits every 5min drops what partitions "
                                    "of 1h had from earlier commits; is that meant?")));
}

// A connector and a streaming job append, whatever they are told.
TEST(SinkRulesTest, WhoCannotOverwritePartitions) {
  const std::string store = absl::StrCat(
      "component { name: \"store\" lakehouse_sink { table: \"lake\" cpu_per_mib: \"20ms\" "
      "parquet_ratio: \"0.4\" ",
      kMerged,
      " } }\ncomponent { name: \"lake\" lakehouse_table { catalog_latency { constant: \"80ms\" } } "
      "}\n");
  EXPECT_THAT(ProblemsOf(absl::StrCat(SmallScenario(), store,
                                      "component { name: \"pipes\" connect { reads: \"orders\" "
                                      "writes_to: \"store\" workers: 3 } }\n")),
              ElementsAre(HasSubstr("the connector \"pipes\" appends and cannot overwrite; let "
                                    "consumers write to \"store\", or remove "
                                    "overwrite_partitions")));
  EXPECT_THAT(
      ProblemsOf(absl::StrCat(
          SmallScenario(), store,
          "component { name: \"job\" stream_job { task_managers: 2 vcpus: 2 deploy_time: "
          "\"5s\" ",
          kCheckpoints,
          " step { name: \"read\" source { reads: \"orders\" } } step { name: \"out\" sink { "
          "name: \"store\" } } } }\n")),
      ElementsAre(HasSubstr("a streaming job such as \"job\" cannot overwrite, a batch "
                            "can; let consumers write to \"store\"")));
}

TEST(SinkRulesTest, WhoKeepsATable) {
  // Defaults written out are no findings.
  EXPECT_THAT(ProblemsOf(Overwriting("", "",
                                     "expire_snapshots { every: \"1h\" } expire_snapshots_after: "
                                     "\"60min\" min_snapshots_to_keep: 1")),
              IsEmpty());
  EXPECT_THAT(
      ProblemsOf(Overwriting("", "",
                             "expire_snapshots { every: \"1h\" } rewrite_manifests { every: "
                             "\"1h\" } remove_orphan_files { every: \"1d\" }")),
      IsEmpty());
  EXPECT_THAT(
      ProblemsOf(
          Overwriting("", "", "expire_snapshots { every: \"1h\" } expire_snapshots_after: \"2h\"")),
      ElementsAre(HasSubstr("expire_snapshots_after is for commits that expire snapshots")));
  EXPECT_THAT(
      ProblemsOf(Overwriting("", "",
                             "remove_orphan_files { every: \"1d\" } remove_orphans_after: \"4d\"")),
      ElementsAre(HasSubstr("remove_orphans_after and remove_orphan_files both delete orphans")));
  EXPECT_THAT(
      ProblemsOf(Overwriting("", "", "remove_orphan_files { every: \"1d\" older_than: \"1h\" }")),
      ElementsAre(HasSubstr("older_than 1h is below 24h, which the procedure refuses")));
}

TEST(SinkRulesTest, EachKindOfSinkIsRight) {
  EXPECT_THAT(ProblemsOf(Into(Database(""))), IsEmpty());
  EXPECT_THAT(ProblemsOf(Into(Database("mode: TRANSACTION"))), IsEmpty());
  EXPECT_THAT(ProblemsOf(Into(absl::StrCat("serving_store { ", kServer, " }"))), IsEmpty());
  EXPECT_THAT(ProblemsOf(Lake()), IsEmpty());
  EXPECT_THAT(ProblemsOf(Olap("")), IsEmpty());
  EXPECT_THAT(ProblemsOf(Into(absl::StrCat("search_index { ", kServer, " }"))), IsEmpty());
  EXPECT_THAT(ProblemsOf(Into(absl::StrCat("warehouse { ", kServer,
                                           " load_time: \"20s\" load_rate: \"100MB/s\" }"))),
              IsEmpty());
  EXPECT_THAT(ProblemsOf(Into("object_archive { size_ratio: \"0.5\" }")), IsEmpty());
  EXPECT_THAT(ProblemsOf(Board("label: DATA_TIME label_after: \"30s\"")), IsEmpty());
}

TEST(SinkRulesTest, WhatHasNoDefaultIsAskedFor) {
  EXPECT_THAT(ProblemsOf(Into("database { commit_latency { constant: \"2ms\" } }")),
              ElementsAre(HasSubstr("server")));
  EXPECT_THAT(ProblemsOf(Into("serving_store { server { workers: 0 time_per_request: \"1ms\" } }")),
              ElementsAre(HasSubstr("workers")));
}

TEST(SinkRulesTest, WritersWriteToASink) {
  EXPECT_THAT(
      ProblemsOf(Small("members: 3", "members: 3 assignment: SUBSCRIBE writes_to: \"log\"")),
      ElementsAre(HasSubstr("\"log\" is no sink; name a database")));
  EXPECT_THAT(ProblemsOf(absl::StrCat(Lake("") /* "audit" */,
                                      "component { name: \"more\" consumers { reads: \"orders\" "
                                      "members: 1 assignment: SUBSCRIBE writes_to: \"lake\" } "
                                      "}\n")),
              ElementsAre(HasSubstr("\"lake\" is a table; name a component { lakehouse_sink { "
                                    "table: \"lake\"")));
  EXPECT_THAT(ProblemsOf(absl::StrCat(Small("members: 3", "members: 3 writes_to: \"store\""),
                                      "component { name: \"store\" ", Database(""), " }\n")),
              ElementsAre(HasSubstr("state assignment: SUBSCRIBE")));
  EXPECT_THAT(ProblemsOf(Small("members: 3", "members: 3 sink_fencing: false")),
              ElementsAre(HasSubstr("sink_fencing is for members that write to a sink")));
}

TEST(SinkRulesTest, ATransactionalSinkWantsItsWritersToGiveUpAllAtOnce) {
  EXPECT_THAT(ProblemsOf(Lake("assignor: COOPERATIVE_STICKY")),
              ElementsAre(HasSubstr("members have to give up all partitions at once; state "
                                    "group_protocol: CLASSIC and assignor: RANGE")));
  EXPECT_THAT(ProblemsOf(Lake("auto_commit: false application_commits: BEFORE_PROCESSING")),
              ElementsAre(HasSubstr("offsets are committed after its commits")));
}

TEST(SinkRulesTest, ASinkIsWrittenByOne) {
  EXPECT_THAT(ProblemsOf(absl::StrCat(SmallScenario(), "component { name: \"store\" ", Database(""),
                                      " }\n")),
              ElementsAre(HasSubstr("nobody writes to the sink \"store\"")));
  const std::string other =
      "component { name: \"more\" consumers { reads: \"orders\" members: 1 assignment: SUBSCRIBE "
      "writes_to: \"store\" } }\n";
  EXPECT_THAT(ProblemsOf(Into(Database("")) + other), IsEmpty());
  EXPECT_THAT(ProblemsOf(Lake() + other),
              ElementsAre(HasSubstr("\"audit\" and \"more\" would commit epochs of their own")));
}

// A job that reads "orders", with these steps behind its source.
std::string Job(const std::string& steps, const std::string& more = kCheckpoints) {
  return absl::StrCat(
      "component { name: \"sessions\" stream_job { task_managers: 1 vcpus: 2 "
      "deploy_time: \"5s\" ",
      more, " step { name: \"read\" source { reads: \"orders\" } } ", steps, " } }\n");
}
std::string Store(const std::string& more = "") {
  return absl::StrCat("component { name: \"store\" ", Database(more), " }\n");
}
constexpr char kOut[] = "step { name: \"out\" sink { name: \"store\" } }";

TEST(SinkRulesTest, AJobWritesToASink) {
  EXPECT_THAT(ProblemsOf(SmallScenario() + Store() + Job(kOut)), IsEmpty());
  EXPECT_THAT(ProblemsOf(SmallScenario() + Store("mode: TRANSACTION") + Job(kOut)), IsEmpty());
  EXPECT_THAT(ProblemsOf(SmallScenario() + Job("step { name: \"out\" sink { name: \"log\" } }")),
              ElementsAre(HasSubstr("\"log\" is no sink; name a database")));
  EXPECT_THAT(ProblemsOf(SmallScenario() + Store() +
                         Job("step { name: \"out\" sink { name: \"stoer\" } }")),
              ElementsAre(HasSubstr("nobody writes to the sink \"store\"; name it in writes_to of "
                                    "consumers or connect, or in step { sink { name: ... } } of a "
                                    "stream job"),
                          HasSubstr("name \"stoer\" is no component; closest component: "
                                    "\"store\"")));
  EXPECT_THAT(ProblemsOf(SmallScenario() + Store() +
                         Job("step { name: \"out\" sink { name: \"store\" max_retries: -1 } }")),
              ElementsAre(HasSubstr("max_retries")));
}

TEST(SinkRulesTest, ATransactionalSinkOfAJobNeedsCheckpoints) {
  EXPECT_THAT(
      ProblemsOf(SmallScenario() + Store("mode: TRANSACTION") +
                 Job(kOut, "delivery: AT_MOST_ONCE")),
      ElementsAre(HasSubstr("the transactional sink \"store\" commits with checkpoints, and "
                            "the job has none; add checkpoints")));
}

TEST(SinkRulesTest, AJobIsAloneAtItsSinkAndComesThereOnOneWay) {
  EXPECT_THAT(ProblemsOf(Into(Database("")) + Job(kOut)),
              ElementsAre(HasSubstr("\"audit\" and \"sessions\" write to \"store\", and a job goes "
                                    "back as if it were alone there")));
  EXPECT_THAT(
      ProblemsOf(SmallScenario() + Store() +
                 Job(absl::StrCat(kOut,
                                  " step { name: \"more\" input: \"read\" sink { name: "
                                  "\"store\" } }"))),
      ElementsAre(HasSubstr("two steps of \"sessions\" write to \"store\"; give each a sink of its "
                            "own")));
  EXPECT_THAT(
      ProblemsOf(SmallScenario() + Store() +
                 Job("step { name: \"a\" map {} } step { name: \"b\" input: \"read\" map {} } "
                     "step { name: \"out\" input: \"a\" input: \"b\" sink { name: \"store\" } }")),
      ElementsAre(HasSubstr("records of topic \"orders\" come to \"store\" by more than one way")));
}

TEST(SinkRulesTest, ATableHasOneWhoWritesIt) {
  EXPECT_THAT(
      ProblemsOf(Into("lakehouse_sink { table: \"log\" cpu_per_mib: \"20ms\" parquet_ratio: "
                      "\"0.4\" }")),
      ElementsAre(HasSubstr("\"log\" is no table; name a component { lakehouse_table")));
  EXPECT_THAT(
      ProblemsOf(absl::StrCat(
          Lake(),
          "component { name: \"again\" lakehouse_sink { table: \"lake\" cpu_per_mib: \"20ms\" "
          "parquet_ratio: \"0.4\" } }\ncomponent { name: \"more\" consumers { reads: \"orders\" "
          "members: 1 assignment: SUBSCRIBE writes_to: \"again\" } }\n")),
      ElementsAre(HasSubstr("\"store\" writes \"lake\" already")));
}

TEST(SinkRulesTest, PartsAndDelaysAreInOrder) {
  EXPECT_THAT(ProblemsOf(Olap("parts_to_delay_insert: 3000")),
              ElementsAre(HasSubstr("parts_to_delay_insert 3000 is not below "
                                    "parts_to_throw_insert 3000; lower it")));
  EXPECT_THAT(ProblemsOf(Olap("min_delay_to_insert: \"2s\"")),
              ElementsAre(HasSubstr("min_delay_to_insert 2s is above max_delay_to_insert 1s")));
  EXPECT_THAT(ProblemsOf(Into(
                  "object_archive { size_ratio: \"0.5\" bucket { preset: EXPRESS_ONE_ZONE } }")),
              ElementsAre(HasSubstr("an archive lies in a bucket of the region")));
}

TEST(SinkRulesTest, ADashboardLooksAtASinkAndItsLabelComesInTime) {
  EXPECT_THAT(ProblemsOf(Board("", "audit")),
              ElementsAre(HasSubstr("\"audit\" is no sink; name one that somebody writes to")));
  EXPECT_THAT(ProblemsOf(Board("label_after: \"30s\"")),
              ElementsAre(HasSubstr("label_after has no label; state label: DATA_TIME")));
  EXPECT_THAT(ProblemsOf(Board("label: DATA_TIME label_after: \"2min\"")),
              ElementsAre(HasSubstr("what is stale is silent until then")));
}

TEST(SinkRulesTest, FaultsFindTheirHandles) {
  const auto fault = [](const std::string& store, const std::string& target) {
    return absl::StrCat(Into(store), "fault { at: \"1min\" down { target: \"", target, "\" } }\n");
  };
  EXPECT_THAT(ProblemsOf(fault(Database(""), "store")), IsEmpty());
  EXPECT_THAT(ProblemsOf(fault("object_archive { size_ratio: \"0.5\" }", "store/bucket")),
              IsEmpty());
  EXPECT_THAT(ProblemsOf(fault(Database(""), "store/disk")), ElementsAre(HasSubstr("store/disk")));
}

}  // namespace
}  // namespace freshet
