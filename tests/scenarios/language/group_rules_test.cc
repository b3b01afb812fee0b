// Findings about consumers that subscribe, and about operations on their members.
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/scenarios/language/scenario_text.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string Group(const std::string& more) {
  return Small("members: 3", "members: 3 assignment: SUBSCRIBE " + more);
}
std::string Doing(const std::string& operation) {
  return Group("") + "operation { at: \"1min\" " + operation + " }\n";
}

TEST(GroupRulesTest, AGroupOfDefaultsIsRight) {
  EXPECT_THAT(ProblemsOf(Group("")), IsEmpty());
  EXPECT_THAT(ProblemsOf(Group("assignor: COOPERATIVE_STICKY static_members: true")), IsEmpty());
  EXPECT_THAT(ProblemsOf(Group("group_protocol: CONSUMER")), IsEmpty());
  EXPECT_THAT(ProblemsOf(Group("group_protocol: CONSUMER assignor: RANGE")), IsEmpty());
}

TEST(GroupRulesTest, WhatIsOfGroupsNeedsOne) {
  EXPECT_THAT(ProblemsOf(Small("members: 3", "members: 3 session_timeout: \"30s\"")),
              ElementsAre(HasSubstr("5:66: session_timeout is for members that subscribe; state "
                                    "assignment: SUBSCRIBE, or remove it")));
  EXPECT_THAT(ProblemsOf(Small("members: 3", "members: 3 start_from: NO_RESET")),
              ElementsAre(HasSubstr("start_from NO_RESET is for members that subscribe")));
}

TEST(GroupRulesTest, ProtocolsHaveTheirVersionsAssignorsAndTimeouts) {
  EXPECT_THAT(ProblemsOf("kafka_version: \"3.9\"\n" + Group("group_protocol: CONSUMER")),
              ElementsAre(HasSubstr("CONSUMER is not for production in Kafka 3.9; write CLASSIC, "
                                    "or kafka_version: \"4.0\"")));
  EXPECT_THAT(ProblemsOf(Group("group_protocol: CONSUMER assignor: STICKY")),
              ElementsAre(HasSubstr("the brokers have the assignors UNIFORM and RANGE")));
  EXPECT_THAT(ProblemsOf(Group("assignor: UNIFORM")),
              ElementsAre(HasSubstr("UNIFORM is an assignor of the brokers; state "
                                    "group_protocol: CONSUMER")));
  EXPECT_THAT(ProblemsOf(Group("group_protocol: CONSUMER session_timeout: \"30s\"")),
              ElementsAre(HasSubstr("session_timeout is the brokers' with group_protocol CONSUMER; "
                                    "remove it, and state group_coordinator { "
                                    "consumer_session_timeout }")));
}

TEST(GroupRulesTest, TimesAreInOrder) {
  EXPECT_THAT(ProblemsOf(Group("heartbeat_interval: \"45s\"")),
              ElementsAre(HasSubstr("heartbeat_interval 45s is not below session_timeout 45s; a "
                                    "third of it is usual")));
  EXPECT_THAT(ProblemsOf(Group("session_timeout: \"5s\"")), SizeIs(1));
  EXPECT_THAT(ProblemsOf(Group("session_timeout: \"2h\"")), SizeIs(1));
  EXPECT_THAT(
      ProblemsOf(Group("cpu_per_record: \"2ms\" max_poll_interval: \"1s\" max_poll_records: 500")),
      ElementsAre(HasSubstr("a poll of 500 records takes longer than max_poll_interval 1s: members "
                            "leave the group while they work; is that meant?")));
  EXPECT_THAT(ProblemsOf(Group("") + "group_coordinator { consumer_session_timeout: \"5s\" }\n"),
              ElementsAre(HasSubstr("consumer_heartbeat_interval 5s is not below")));
}

TEST(GroupRulesTest, OneCommitsAndThereIsAPlaceToBegin) {
  EXPECT_THAT(ProblemsOf(Group("application_commits: AFTER_PROCESSING")),
              ElementsAre(HasSubstr("two commit the same offsets; state auto_commit: false")));
  EXPECT_THAT(ProblemsOf(Group("application_commits: AFTER_PROCESSING auto_commit: false")),
              IsEmpty());
  EXPECT_THAT(ProblemsOf(Group("start_from: NO_RESET")),
              ElementsAre(HasSubstr("the group has no offset to begin at, and all members would "
                                    "stop")));
  EXPECT_THAT(ProblemsOf(Group("start_from: NO_RESET start_from_age: \"0s\"")), IsEmpty());
}

TEST(GroupRulesTest, TwoComponentsAreNotOneGroup) {
  const std::string second =
      "component { name: \"other\" consumers { reads: \"orders\" members: 1 group: \"audit\" "
      "assignment: SUBSCRIBE } }\n";
  EXPECT_THAT(ProblemsOf(Group("") + second),
              ElementsAre(HasSubstr("\"other\" and \"audit\" subscribe in the same group "
                                    "\"audit\"; give one of them another group")));
}

TEST(GroupRulesTest, TheOffsetsTopicFitsTheBrokers) {
  const std::string wide = "group_coordinator { offsets_topic_replication_factor: 5 }\n";
  EXPECT_THAT(ProblemsOf(Group("") + wide),
              ElementsAre(HasSubstr("__consumer_offsets wants 5 replicas of 3 brokers; state "
                                    "group_coordinator { offsets_topic_replication_factor: 3 }")));
  EXPECT_THAT(ProblemsOf(SmallScenario() + wide), IsEmpty());
  EXPECT_THAT(ProblemsOf(Group("") + "group_coordinator { offsets_other_bytes: \"1GiB\" }\n"),
              ElementsAre(HasSubstr("offsets_other_bytes without offsets_load_rate changes "
                                    "nothing")));
}

TEST(GroupRulesTest, OperationsAreOnMembersThatAreThere) {
  EXPECT_THAT(ProblemsOf(Doing("restart_consumers { consumers: \"audit\" restart_time: \"5s\" }")),
              IsEmpty());
  EXPECT_THAT(ProblemsOf(Doing("restart_consumers { consumers: \"shop\" restart_time: \"5s\" }")),
              ElementsAre(HasSubstr("\"shop\" has no members that come and go")));
  EXPECT_THAT(ProblemsOf(Doing("remove_consumers { consumers: \"audit\" count: 4 }")),
              ElementsAre(HasSubstr("\"audit\" has 3 members then; remove fewer")));
  EXPECT_THAT(ProblemsOf(Doing("remove_consumers { consumers: \"audit\" count: 4 }") +
                         "operation { at: \"30s\" add_consumers { consumers: \"audit\" "
                         "start_time: \"1s\" } }\n"),
              IsEmpty());
  EXPECT_THAT(ProblemsOf(SmallScenario() + "operation { at: \"1min\" add_consumers { consumers: "
                                           "\"audit\" start_time: \"1s\" } }\n"),
              ElementsAre(HasSubstr("name a component of kind consumers with assignment: "
                                    "SUBSCRIBE")));
}

TEST(GroupRulesTest, FaultsAreOnMembersThatAreThere) {
  const auto down = [](const std::string& target) {
    return "fault { at: \"1min\" lasts: \"5s\" down { target: \"" + target + "\" } }\n";
  };
  EXPECT_THAT(ProblemsOf(Group("") + down("audit/member-3")), IsEmpty());
  EXPECT_THAT(ProblemsOf(Group("") + down("audit/member-3/thread")), IsEmpty());
  EXPECT_THAT(ProblemsOf(Group("") + down("audit/member-4")),
              ElementsAre(HasSubstr("fault target \"audit/member-4\" is no member; write "
                                    "\"audit/member-1\" to \"audit/member-3\", and behind it "
                                    "\"/thread\" or \"/nic\" for a part")));
  EXPECT_THAT(ProblemsOf(Group("") + down("audit")), SizeIs(1));
  EXPECT_THAT(ProblemsOf(Group("") + down("audit/member-0")), SizeIs(1));
  EXPECT_THAT(ProblemsOf(SmallScenario() + down("audit/member-1")),
              ElementsAre(HasSubstr("members with assignment MANUAL have no life of their own")));
}

}  // namespace
}  // namespace freshet
