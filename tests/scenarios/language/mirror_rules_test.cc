// Findings about a second cluster, regions, mirrors and the clients that move.
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/scenarios/language/scenario_text.h"

namespace freshet {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kGroup[] =
    "component { name: \"billing\" consumers { reads: \"orders\" members: 1 assignment: SUBSCRIBE "
    "start_from: EARLIEST } }\n";
constexpr char kMirror[] =
    "component { name: \"copier\" mirror { reads: \"orders\" writes: \"copy\" workers: 2 "
    "zones: \"a\" replication_policy: IDENTITY } }\n";
constexpr char kMove[] =
    "operation { at: \"10s\" cutover { mirror: \"copier\" consumers: \"billing\" producers: "
    "\"shop\" restart_time: \"5s\" } }\n";

// The topic "orders" of "log" has six partitions; "far" has a copy of it.
std::string Two(const std::string& more, const std::string& mirror = kMirror) {
  const std::string log =
      SmallScenario().substr(SmallScenario().find("component {\n  name: \"log\""));
  return absl::StrCat(
      SmallScenario(), absl::StrReplaceAll(log, {{"\"log\"", "\"far\""}}),
      "topic { name: \"copy\" cluster: \"far\" partitions: 6 replication_factor: 3 }\n", kGroup,
      mirror, more);
}

std::string Mirror(const std::string& fields) {
  return absl::StrCat("component { name: \"copier\" mirror { workers: 2 zones: \"a\" ", fields,
                      " } }\n");
}

TEST(MirrorRulesTest, ItIsRight) {
  EXPECT_THAT(ProblemsOf(Two("")), IsEmpty());
  EXPECT_THAT(ProblemsOf(Two(kMove)), IsEmpty());
  EXPECT_THAT(ProblemsOf(Two(absl::StrCat(
                  kMove,
                  "operation { at: \"20s\" rollback { mirror: \"copier\" restart_time: \"5s\" } }\n"
                  "fault { at: \"1s\" lasts: \"1s\" down { target: \"copier/worker-2\" } }\n"
                  "objective { metric: \"cutover.lost_records\" of: \"copier.cutover\" at_most: "
                  "\"0\" }\n"
                  "objective { metric: \"consumer.lag\" of: \"billing-far\" at_most: \"9\" }\n"))),
              IsEmpty());
}

TEST(MirrorRulesTest, AClusterIsJoinedByAMirror) {
  EXPECT_THAT(
      ProblemsOf(Two("", "")),
      Contains(HasSubstr("the scenario has 2 clusters of brokers and no mirror joins them")));
  EXPECT_THAT(ProblemsOf(Two("topic { name: \"x\" cluster: \"shop\" partitions: 1 "
                             "replication_factor: 1 }\n")),
              Contains(HasSubstr("\"shop\" has no topics; name a component of kind kafka")));
  EXPECT_THAT(ProblemsOf(Two("topic { name: \"x\" cluster: \"far\" partitions: 1 "
                             "replication_factor: 9 }\n")),
              Contains(HasSubstr("wants 9 replicas of the 3 brokers of \"far\"")));
}

TEST(MirrorRulesTest, ACopyIsOfAnotherClusterAndHasAsManyPartitions) {
  EXPECT_THAT(ProblemsOf(Two("topic { name: \"near\" partitions: 6 replication_factor: 3 }\n",
                             Mirror("reads: \"orders\" writes: \"near\""))),
              Contains(HasSubstr("topics \"orders\" and \"near\" are both of cluster \"log\"")));
  EXPECT_THAT(ProblemsOf(Two("topic { name: \"few\" cluster: \"far\" partitions: 5 "
                             "replication_factor: 3 }\n",
                             Mirror("reads: \"orders\" writes: \"few\""))),
              Contains(HasSubstr("topic \"few\" has 5 partitions, and \"orders\" has 6")));
  EXPECT_THAT(ProblemsOf(Two("", Mirror("reads: \"orders\" writes: \"copy\" tasks_max: 7"))),
              ElementsAre(HasSubstr("tasks_max 7 is above the 6 partitions of \"orders\"")));
  EXPECT_THAT(ProblemsOf(Two("", absl::StrCat(kMirror,
                                              "component { name: \"other\" mirror { reads: "
                                              "\"orders\" writes: \"copy\" workers: 1 zones: "
                                              "\"a\" } }\n"))),
              ElementsAre(HasSubstr("another mirror writes \"copy\" already")));
}

TEST(MirrorRulesTest, WhoMovesCanBeMoved) {
  const auto moves = [](const std::string& fields) {
    return absl::StrCat(
        "operation { at: \"10s\" cutover { mirror: \"copier\" restart_time: "
        "\"5s\" ",
        fields, " } }\n");
  };
  EXPECT_THAT(ProblemsOf(Two(moves(""))), ElementsAre(HasSubstr("the cutover moves nobody")));
  EXPECT_THAT(ProblemsOf(Two(moves("consumers: \"shop\""))),
              ElementsAre(HasSubstr("\"shop\" does not read \"orders\"")));
  EXPECT_THAT(ProblemsOf(Two(moves("producers: \"billing\""))),
              ElementsAre(HasSubstr("\"billing\" does not write \"orders\"")));
  EXPECT_THAT(ProblemsOf(Two(moves("producers: \"shop\" producers_write: \"orders\""))),
              ElementsAre(HasSubstr("topic \"orders\" is not of cluster \"far\"")));
  EXPECT_THAT(
      ProblemsOf(Two(moves("producers: \"shop\""), Mirror("reads: \"orders\" writes: \"copy\""))),
      ElementsAre(HasSubstr("with replication_policy PREFIX the copy has another name")));
  EXPECT_THAT(ProblemsOf(absl::StrReplaceAll(Two(moves("consumers: \"billing\"")),
                                             {{"assignment: SUBSCRIBE", ""}})),
              ElementsAre(HasSubstr("keeps no offsets at the brokers that could be translated")));
  EXPECT_THAT(ProblemsOf(Two(absl::StrCat(kMove, kMove))),
              ElementsAre(HasSubstr("another operation is a cutover of \"copier\" already")));
  EXPECT_THAT(ProblemsOf(Two("operation { at: \"10s\" rollback { mirror: \"copier\" restart_time: "
                             "\"5s\" } }\n")),
              ElementsAre(HasSubstr("no cutover of \"copier\" comes before")));
  EXPECT_THAT(ProblemsOf(Two("operation { at: \"10s\" rollback { mirror: \"shop\" restart_time: "
                             "\"5s\" } }\n")),
              ElementsAre(HasSubstr("\"shop\" copies nothing; name a component of kind mirror")));
}

TEST(MirrorRulesTest, ALinkLiesBetweenRegions) {
  const auto cut = [](const std::string& network) {
    return Two(absl::StrCat(
        network, "fault { at: \"1s\" lasts: \"1s\" down { target: \"copier/link\" } }\n"));
  };
  EXPECT_THAT(ProblemsOf(cut("")), ElementsAre(HasSubstr("where the network has regions")));
  EXPECT_THAT(ProblemsOf(Two("network { rtt_across_regions { constant: \"50ms\" } }\n")),
              ElementsAre(HasSubstr("rtt_across_regions without regions")));
  EXPECT_THAT(ProblemsOf(Two("network { region { name: \"east\" zones: \"a\" } }\n")),
              Contains(HasSubstr("regions without a round trip between them")));
  EXPECT_THAT(ProblemsOf(Two("network { region { name: \"east\" zones: \"a\" } region { name: "
                             "\"west\" zones: \"a\" } rtt_across_regions { constant: \"50ms\" } "
                             "}\n")),
              Contains(HasSubstr("zone \"a\" is of region \"east\" already; keep it in one")));
  EXPECT_THAT(ProblemsOf(Two("fault { at: \"1s\" lasts: \"1s\" down { target: "
                             "\"copier/worker-3\" } }\n")),
              ElementsAre(HasSubstr("is no part of a mirror; write \"copier/worker-1\" to "
                                    "\"copier/worker-2\"")));
}

TEST(MirrorRulesTest, TheSecondClusterHasOnlyClients) {
  EXPECT_THAT(ProblemsOf(Two("operation { at: \"1s\" change_retention { topic: \"copy\" retention: "
                             "\"1h\" } }\n")),
              ElementsAre(HasSubstr("topic \"copy\" is of cluster \"far\", where only consumers")));
  EXPECT_THAT(ProblemsOf(Two("operation { at: \"1s\" replace_broker { target: \"far/broker-1\" "
                             "start_time: \"1s\" } }\n")),
              ElementsAre(HasSubstr("operations are for brokers of the first cluster, \"log\"")));
}

}  // namespace
}  // namespace freshet
