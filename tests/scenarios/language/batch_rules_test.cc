// Findings about a batch lane beside the stream.
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/scenarios/language/scenario_text.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The topic "orders" has six partitions and goes to "store"; the run lasts ten minutes.
std::string Lane(const std::string& fields,
                 const std::string& times = "window: \"2min\" start_delay: \"10s\"") {
  return absl::StrCat(
      SmallScenario(),
      "component { name: \"store\" database { server { workers: 4 time_per_request: \"1ms\" } "
      "commit_latency { constant: \"2ms\" } } }\n"
      "component { name: \"spare\" database { server { workers: 4 time_per_request: \"1ms\" } "
      "commit_latency { constant: \"2ms\" } } }\n"
      "component { name: \"pipes\" connect { reads: \"orders\" writes_to: \"store\" workers: 1 } "
      "}\n"
      "component { name: \"pipes2\" connect { reads: \"dead\" writes_to: \"spare\" workers: 1 "
      "group: \"second\" } }\n"
      "topic { name: \"dead\" partitions: 1 replication_factor: 3 }\n"
      "component { name: \"shop2\" producers { clients: 1 topic: \"dead\" rate: \"1/s\" "
      "event_size: \"1KiB\" } }\n"
      "component { name: \"nightly\" batch_lane { reads: \"orders\" read_bandwidth: \"100MB/s\" "
      "cpu_per_record: \"1us\" publish_time: \"1s\" ",
      times, " ", fields, " } }\n");
}

TEST(BatchRulesTest, ItIsRight) {
  EXPECT_THAT(ProblemsOf(Lane("compares: \"store\" tasks: 6")), IsEmpty());
}

TEST(BatchRulesTest, ItIsHeldAgainstTheSinkOfItsTopic) {
  EXPECT_THAT(ProblemsOf(Lane("compares: \"log\" tasks: 1")),
              ElementsAre(HasSubstr("\"log\" is no sink; name a database")));
  EXPECT_THAT(ProblemsOf(Lane("compares: \"spare\" tasks: 1")),
              ElementsAre(HasSubstr("nobody writes \"orders\" to \"spare\"")));
  EXPECT_THAT(ProblemsOf(Lane("compares: \"stroe\" tasks: 1")),
              ElementsAre(HasSubstr("closest component: \"store\"")));
}

TEST(BatchRulesTest, WhatNeverRunsOrReadsIsTold) {
  EXPECT_THAT(ProblemsOf(Lane("compares: \"store\" tasks: 7")),
              ElementsAre(HasSubstr("tasks 7 is above the 6 partitions of \"orders\"")));
  EXPECT_THAT(
      ProblemsOf(Lane("compares: \"store\" tasks: 1", "window: \"10min\" start_delay: \"0s\"")),
      ElementsAre(HasSubstr("nothing is compared; shorten one of them")));
}

TEST(BatchRulesTest, ItsTasksAreHandles) {
  const auto fault = [](const std::string& target, const std::string& verb = "down") {
    return absl::StrCat(Lane("compares: \"store\" tasks: 2"), "fault { at: \"1min\" lasts: \"1s\" ",
                        verb, " { target: \"", target, "\" ",
                        verb == "throttle" ? "rate: \"1MB/s\" " : "", "} }\n");
  };
  EXPECT_THAT(ProblemsOf(fault("nightly/task-2")), IsEmpty());
  EXPECT_THAT(ProblemsOf(fault("nightly/task-1/nic", "throttle")), IsEmpty());
  for (const char* wrong : {"nightly/task-3", "nightly/task-0", "nightly", "nightly/task-1/disk"}) {
    EXPECT_THAT(ProblemsOf(fault(wrong)),
                ElementsAre(HasSubstr("is no task; write \"nightly/task-1\" to "
                                      "\"nightly/task-2\", and behind it \"/nic\" for its link")))
        << wrong;
  }
}

TEST(BatchRulesTest, OfTransactionsItReadsWhatIsCommitted) {
  const auto with = [](const std::string& isolation) {
    return absl::StrReplaceAll(
        Lane(absl::StrCat("compares: \"store\" tasks: 6 ", isolation)),
        {{"rate: \"1k/s\" event_size: \"1KiB\"",
          "rate: \"1k/s\" event_size: \"1KiB\" transactions { commit_interval: \"1s\" }"}});
  };
  EXPECT_THAT(ProblemsOf(with("isolation_level: READ_COMMITTED")), IsEmpty());
  EXPECT_THAT(
      ProblemsOf(with("")),
      ElementsAre(HasSubstr("transactions write to \"orders\", and a batch would count what "
                            "they aborted; state isolation_level: READ_COMMITTED")));
}

}  // namespace
}  // namespace freshet
