// Findings about Kafka Connect, the faults and the operations on it.
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

constexpr char kStore[] =
    "component { name: \"store\" database { server { workers: 4 time_per_request: \"1ms\" } "
    "commit_latency { constant: \"2ms\" } } }\n";
constexpr char kLake[] =
    "component { name: \"store\" lakehouse_sink { table: \"lake\" cpu_per_mib: \"20ms\" "
    "parquet_ratio: \"0.4\" } }\n"
    "component { name: \"lake\" lakehouse_table { catalog_latency { constant: \"80ms\" } } }\n";

// The topic "orders" has six partitions; "pipes" has three workers.
std::string Pipes(const std::string& more, const std::string& store = kStore) {
  return absl::StrCat(SmallScenario(),
                      "component { name: \"pipes\" connect { reads: \"orders\" writes_to: "
                      "\"store\" workers: 3 ",
                      more, " } }\n", store);
}

TEST(ConnectRulesTest, ItIsRight) {
  EXPECT_THAT(ProblemsOf(Pipes("")), IsEmpty());
  EXPECT_THAT(ProblemsOf(Pipes("tasks_max: 6 commit_interval: \"1min\" fencing: false", kLake)),
              IsEmpty());
  EXPECT_THAT(
      ProblemsOf(absl::StrCat(Pipes("errors_tolerance: ALL dead_letter_topic: \"dead\""),
                              "topic { name: \"dead\" partitions: 1 replication_factor: 3 }\n")),
      IsEmpty());
  // Defaults written out are no findings.
  EXPECT_THAT(ProblemsOf(Pipes("commit_interval: \"300s\" fencing: true")), IsEmpty());
}

TEST(ConnectRulesTest, ItWritesToASink) {
  EXPECT_THAT(ProblemsOf(Pipes("fencing: false")),
              ElementsAre(HasSubstr("fencing is for sinks with transactions, and \"store\" has "
                                    "none; remove it")));
  EXPECT_THAT(
      ProblemsOf(absl::StrCat(SmallScenario(),
                              "component { name: \"pipes\" connect { reads: \"orders\" writes_to: "
                              "\"log\" workers: 3 } }\n")),
      ElementsAre(HasSubstr("\"log\" is no sink; name a database")));
}

TEST(ConnectRulesTest, HeartbeatsAreShorterThanSessions) {
  EXPECT_THAT(ProblemsOf(Pipes("heartbeat_interval: \"10s\"")),
              ElementsAre(HasSubstr("heartbeat_interval 10s is not below session_timeout 10s")));
  EXPECT_THAT(ProblemsOf(Pipes("consumer_session_timeout: \"6s\" "
                               "consumer_heartbeat_interval: \"7s\"")),
              ElementsAre(HasSubstr("consumer_heartbeat_interval 7s is not below "
                                    "consumer_session_timeout 6s")));
}

TEST(ConnectRulesTest, TasksHaveSomethingToDo) {
  EXPECT_THAT(ProblemsOf(Pipes("tasks_max: 7")),
              ElementsAre(HasSubstr("tasks_max 7 is above the 6 partitions of \"orders\"")));
  EXPECT_THAT(ProblemsOf(Pipes("cpu_per_record: \"1s\"")),
              ElementsAre(HasSubstr("a put() of 500 records takes longer")));
}

TEST(ConnectRulesTest, DeadLettersNeedTolerance) {
  EXPECT_THAT(ProblemsOf(Pipes("dead_letter_topic: \"orders\" errors_tolerance: ALL")),
              ElementsAre(HasSubstr("the data runs in a loop: orders -> pipes -> orders")));
  EXPECT_THAT(
      ProblemsOf(absl::StrCat(Pipes("dead_letter_topic: \"dead\""),
                              "topic { name: \"dead\" partitions: 1 replication_factor: 3 }\n")),
      ElementsAre(HasSubstr("state errors_tolerance: ALL")));
}

TEST(ConnectRulesTest, GroupsAreItsOwn) {
  EXPECT_THAT(ProblemsOf(absl::StrCat(
                  Pipes(""),
                  "component { name: \"others\" consumers { reads: \"orders\" members: 1 "
                  "assignment: SUBSCRIBE group: \"connect-pipes\" } }\n")),
              ElementsAre(HasSubstr("are in the same group \"connect-pipes\"")));
}

TEST(ConnectRulesTest, FaultsAreOnWorkers) {
  const auto down = [](const std::string& target) {
    return absl::StrCat(Pipes(""), "fault { at: \"10s\" down { target: \"", target, "\" } }\n");
  };
  for (const char* part : {"", "/tasks", "/group"}) {
    EXPECT_THAT(ProblemsOf(down(absl::StrCat("pipes/worker-3", part))), IsEmpty());
  }
  EXPECT_THAT(ProblemsOf(down("pipes/worker-4")),
              ElementsAre(HasSubstr("fault target \"pipes/worker-4\" is no worker; write "
                                    "\"pipes/worker-1\" to \"pipes/worker-3\"")));
  EXPECT_THAT(ProblemsOf(down("pipes")), ElementsAre(HasSubstr("is no worker")));
  EXPECT_THAT(
      ProblemsOf(absl::StrCat(
          down("pipes/worker-4"),
          "operation { at: \"5s\" add_workers { connect: \"pipes\" start_time: \"1s\" } }\n")),
      IsEmpty());
}

TEST(ConnectRulesTest, OperationsAreOnWorkers) {
  const auto operation = [](const std::string& what) {
    return absl::StrCat(Pipes(""), "operation { at: \"5s\" ", what, " }\n");
  };
  EXPECT_THAT(ProblemsOf(operation("restart_tasks { connect: \"pipes\" }")), IsEmpty());
  EXPECT_THAT(ProblemsOf(operation("restart_tasks { connect: \"log\" }")),
              ElementsAre(HasSubstr("\"log\" has no workers; name a component of kind connect")));
  EXPECT_THAT(ProblemsOf(operation("renew_credentials { connect: \"pipes\" }")),
              ElementsAre(HasSubstr("credentials of \"pipes\" never expire")));
  EXPECT_THAT(ProblemsOf(operation("remove_workers { connect: \"pipes\" count: 4 }")),
              ElementsAre(HasSubstr("\"pipes\" has 3 workers then; remove fewer")));
}

}  // namespace
}  // namespace freshet
