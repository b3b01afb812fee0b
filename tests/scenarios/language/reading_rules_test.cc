// Findings about readers, those who repair them, feeds' contracts, and tables' upkeep.
#include <string>

#include "absl/strings/match.h"
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
constexpr char kRegistry[] =
    "component { name: \"registry\" schema_registry { request_latency { constant: \"5ms\" } "
    "subject { name: \"orders-value\" version { number: 1 field { name: \"id\" type: \"long\" } } "
    "version { number: 2 field { name: \"id\" type: \"string\" } } } } }\n";
constexpr char kDead[] = "topic { name: \"dead\" partitions: 1 replication_factor: 3 }\n";

// The topic "dead", if `text` names it.
std::string DeadOf(const std::string& text) {
  return absl::StrContains(text, "\"dead\"") ? kDead : "";
}

std::string Loader(const std::string& reading, const std::string& more = "") {
  return absl::StrCat(SmallScenario(), kStore, kRegistry, DeadOf(reading + more),
                      "component { name: \"loader\" consumers { reads: \"orders\" members: 2 "
                      "assignment: SUBSCRIBE writes_to: \"store\" reading { ",
                      reading, " } } }\n", more);
}
std::string Pipes(const std::string& more) {
  return absl::StrCat(SmallScenario(), kStore, kRegistry, DeadOf(more),
                      "component { name: \"pipes\" connect { reads: \"orders\" writes_to: "
                      "\"store\" workers: 2 ",
                      more, " } }\n");
}
std::string Repair(const std::string& what) {
  return absl::StrCat("operation { at: \"1s\" repair_reader { ", what, " } }\n");
}

TEST(ReadingRulesTest, ItIsRight) {
  EXPECT_THAT(ProblemsOf(Loader("")), IsEmpty());
  EXPECT_THAT(ProblemsOf(Loader("registry: \"registry\" version: 2 on_unreadable: CORRUPT "
                                "window: \"1min\" restart_wait: \"20s\"")),
              IsEmpty());
  EXPECT_THAT(ProblemsOf(Loader("on_unreadable: DEAD_LETTER dead_letter_topic: \"dead\"",
                                Repair("reader: \"loader\" redrive: true"))),
              IsEmpty());
  // The topic is for later.
  EXPECT_THAT(ProblemsOf(Loader("dead_letter_topic: \"dead\"",
                                Repair("reader: \"loader\" on_unreadable: DEAD_LETTER"))),
              IsEmpty());
  EXPECT_THAT(ProblemsOf(Pipes("errors_tolerance: ALL reading { registry: \"registry\" }")),
              IsEmpty());
  EXPECT_THAT(
      ProblemsOf(Pipes("reading { registry: \"registry\" on_unreadable: CORRUPT window: \"1h\" }")),
      IsEmpty());
}

TEST(ReadingRulesTest, DeadLettersHaveATopicOfTheirOwn) {
  EXPECT_THAT(ProblemsOf(Loader("on_unreadable: DEAD_LETTER")),
              ElementsAre(HasSubstr("DEAD_LETTER needs a topic; state dead_letter_topic")));
  EXPECT_THAT(ProblemsOf(Loader("dead_letter_topic: \"dead\"")),
              ElementsAre(HasSubstr("nothing goes to dead_letter_topic")));
  EXPECT_THAT(ProblemsOf(Loader("on_unreadable: DEAD_LETTER dead_letter_topic: \"orders\"")),
              ElementsAre(HasSubstr("dead letters would come back in \"orders\"")));
}

TEST(ReadingRulesTest, VersionsAreInARegistry) {
  EXPECT_THAT(ProblemsOf(Loader("version: 2")),
              ElementsAre(HasSubstr("version is in no registry; state registry, or remove it")));
  EXPECT_THAT(ProblemsOf(Loader("on_unreadable: CORRUPT")),
              ElementsAre(HasSubstr("CORRUPT without a registry")));
  EXPECT_THAT(ProblemsOf(Loader("registry: \"store\"")),
              ElementsAre(HasSubstr("\"store\" is no registry")));
  EXPECT_THAT(ProblemsOf(Loader("registry: \"registry\" subject: \"orders-key\"")),
              ElementsAre(HasSubstr("\"registry\" has no subject \"orders-key\"")));
  EXPECT_THAT(ProblemsOf(Loader("registry: \"registry\" version: 7")),
              ElementsAre(HasSubstr("subject \"orders-value\" has no version 7")));
}

TEST(ReadingRulesTest, OfAConnectorItsToleranceDecides) {
  EXPECT_THAT(ProblemsOf(Pipes("reading { on_unreadable: QUARANTINE }")),
              ElementsAre(HasSubstr("of a connector errors_tolerance and dead_letter_topic say")));
  EXPECT_THAT(ProblemsOf(Pipes("errors_tolerance: ALL reading { registry: \"registry\" "
                               "on_unreadable: CORRUPT }")),
              ElementsAre(HasSubstr("CORRUPT with errors_tolerance ALL")));
  EXPECT_THAT(ProblemsOf(Pipes("reading { registry: \"registry\" restart_wait: \"5s\" }")),
              ElementsAre(HasSubstr("restart_wait is for consumers")));
}

TEST(ReadingRulesTest, ARepairChangesAReader) {
  EXPECT_THAT(ProblemsOf(Loader("", Repair("reader: \"loader\""))),
              ElementsAre(HasSubstr("the repair changes nothing")));
  EXPECT_THAT(ProblemsOf(Loader("", Repair("reader: \"store\" redrive: true"))),
              ElementsAre(HasSubstr("\"store\" has no reading")));
  EXPECT_THAT(ProblemsOf(Loader("", Repair("reader: \"loader\" version: 2"))),
              ElementsAre(HasSubstr("\"loader\" reads without a schema")));
  EXPECT_THAT(ProblemsOf(Loader("registry: \"registry\"", Repair("reader: \"loader\" version: 9"))),
              ElementsAre(HasSubstr("has no version 9")));
  EXPECT_THAT(ProblemsOf(Loader("", Repair("reader: \"loader\" on_unreadable: DEAD_LETTER"))),
              ElementsAre(HasSubstr("\"loader\" has no dead_letter_topic")));
}

TEST(ReadingRulesTest, AContractIsOfASink) {
  const auto contract = [](const std::string& text) {
    return Loader("", absl::StrCat("objective { ", text, " }\n"));
  };
  EXPECT_THAT(ProblemsOf(contract("of: \"store\" feed_contract { freshness: \"1min\" }")),
              IsEmpty());
  EXPECT_THAT(ProblemsOf(contract("feed_contract { freshness: \"1min\" }")),
              ElementsAre(HasSubstr("the contract is of no feed")));
  EXPECT_THAT(ProblemsOf(contract("of: \"loader\" feed_contract { freshness: \"1min\" }")),
              ElementsAre(HasSubstr("\"loader\" is no sink")));
  EXPECT_THAT(ProblemsOf(contract("of: \"store\" at_most: \"1\" feed_contract { lost: 1 }")),
              ElementsAre(HasSubstr("at_most beside feed_contract")));
  EXPECT_THAT(ProblemsOf(contract("at_most: \"1\"")),
              ElementsAre(HasSubstr("the objective has no metric")));
}

TEST(ReadingRulesTest, AGroupOfFilesHoldsOne) {
  EXPECT_THAT(
      ProblemsOf(absl::StrCat(
          SmallScenario(),
          "component { name: \"loader\" consumers { reads: \"orders\" members: 2 assignment: "
          "SUBSCRIBE writes_to: \"rows\" } }\n"
          "component { name: \"rows\" lakehouse_sink { table: \"lake\" cpu_per_mib: \"20ms\" "
          "parquet_ratio: \"0.4\" } }\n"
          "component { name: \"lake\" lakehouse_table { catalog_latency { constant: \"80ms\" } "
          "rewrite_data_files { every: \"1h\" cpu_per_mib: \"1ms\" max_file_group_size: \"1MiB\" } "
          "} }\n")),
      ElementsAre(HasSubstr("max_file_group_size 1MiB is below target_file_size 512MiB")));
}

}  // namespace
}  // namespace freshet
