// Findings about transactions.
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

std::string Transacting(const std::string& inside, const std::string& beside = "") {
  return Small("topic: \"orders\"", "topic: \"orders\" transactions { " + inside + " } " + beside);
}

TEST(TransactionRulesTest, DefaultsAreRight) {
  EXPECT_THAT(ProblemsOf(Transacting("commit_interval: \"1s\"")), IsEmpty());
  EXPECT_THAT(ProblemsOf(Small("members: 3", "members: 3 isolation_level: READ_COMMITTED")),
              IsEmpty());
  EXPECT_THAT(ProblemsOf(Transacting("")),
              ElementsAre(HasSubstr("commit_interval")));  // Required.
}

TEST(TransactionRulesTest, AProducerMustBeAbleTo) {
  EXPECT_THAT(ProblemsOf(Transacting("commit_interval: \"1s\"", "acks: LEADER idempotence: false")),
              ElementsAre(HasSubstr("transactions need acks ALL; write acks: ALL"),
                          HasSubstr("transactions need idempotence; write idempotence: true")));
  EXPECT_THAT(
      ProblemsOf("resolution { batches_per_parcel: 4 }\n" + Transacting("commit_interval: \"1s\"")),
      ElementsAre(HasSubstr("a parcel of several batches cannot be cut")));
}

TEST(TransactionRulesTest, TimesAreInOrder) {
  EXPECT_THAT(ProblemsOf(Transacting("commit_interval: \"60s\"")),
              ElementsAre(HasSubstr("commit_interval 60s is not below transaction_timeout 60s")));
  EXPECT_THAT(
      ProblemsOf(Transacting("commit_interval: \"1s\" transaction_timeout: \"1h\"")),
      ElementsAre(HasSubstr("transaction_timeout 1h is above what brokers grant, 15min; lower it, "
                            "or state transaction_coordinator { max_timeout }")));
  EXPECT_THAT(ProblemsOf("transaction_coordinator { max_timeout: \"1h\" }\n" +
                         Transacting("commit_interval: \"1s\" transaction_timeout: \"1h\"")),
              IsEmpty());
}

TEST(TransactionRulesTest, TheStateTopicMustFit) {
  EXPECT_THAT(ProblemsOf("transaction_coordinator { state_topic_replication_factor: 4 }\n" +
                         Transacting("commit_interval: \"1s\"")),
              ElementsAre(HasSubstr("1:27: __transaction_state wants 4 replicas of 3 brokers")));
  EXPECT_THAT(ProblemsOf("transaction_coordinator { state_topic_replication_factor: 1 }\n" +
                         Transacting("commit_interval: \"1s\"")),
              ElementsAre(HasSubstr("state state_topic_min_insync_replicas: 1")));
}

TEST(TransactionRulesTest, TheirNameIsTaken) {
  std::string text = Transacting("commit_interval: \"1s\"");
  text.replace(text.find("\"audit\""), 7, "\"transactions\"");
  EXPECT_THAT(ProblemsOf(text), ElementsAre(HasSubstr("give the component another one")));
}

TEST(TransactionRulesTest, OnlyTransactionalClientsHaveAThread) {
  const std::string hang = "fault { at: \"1min\" down { target: \"shop/client-1/thread\" } }\n";
  EXPECT_THAT(ProblemsOf(Transacting("commit_interval: \"1s\"") + hang), IsEmpty());
  EXPECT_THAT(ProblemsOf(Transacting("commit_interval: \"1s\"") +
                         "fault { at: \"1min\" down { target: \"shop/client-2\" } }\n"),
              IsEmpty());
  EXPECT_THAT(ProblemsOf(SmallScenario() + hang),
              ElementsAre(HasSubstr("is no part of a client; write \"shop/client-1/nic\"")));
  EXPECT_THAT(ProblemsOf(Transacting("commit_interval: \"1s\"") +
                         "fault { at: \"1min\" down { target: \"shop/client-99/thread\" } }\n"),
              SizeIs(1));
}

}  // namespace
}  // namespace freshet
