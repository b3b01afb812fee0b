// Findings about jobs that write to a topic: what a guarantee needs is told before the run.
#include <string>

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

constexpr char kSums[] = "topic { name: \"sums\" partitions: 2 replication_factor: 3 }\n";

std::string Job(const std::string& sink, const std::string& job = "",
                const std::string& more = kSums) {
  return absl::StrCat(SmallScenario(), more,
                      "component { name: \"totals\" stream_job {\n"
                      "task_managers: 2 vcpus: 2 deploy_time: \"5s\" checkpoints { interval: "
                      "\"10s\" rate: \"100MB/s\" }\n",
                      job,
                      "step { name: \"read\" source { reads: \"orders\" } }\n"
                      "step { name: \"out\" topic { ",
                      sink, " } } } }\n");
}
constexpr char kOnce[] =
    "name: \"sums\" delivery_guarantee: EXACTLY_ONCE transaction_timeout: \"15min\"";

TEST(JobTopicRulesTest, BothGuaranteesAreRight) {
  EXPECT_THAT(ProblemsOf(Job("name: \"sums\" delivery_guarantee: AT_LEAST_ONCE")), IsEmpty());
  EXPECT_THAT(ProblemsOf(Job(kOnce)), IsEmpty());
}

TEST(JobTopicRulesTest, TheTopicIsThereAndTheGuaranteeIsStated) {
  EXPECT_THAT(ProblemsOf(Job("name: \"sum\" delivery_guarantee: AT_LEAST_ONCE")),
              Contains(HasSubstr("\"sum\" is no topic; closest topic: \"sums\"")));
  EXPECT_THAT(ProblemsOf(Job("name: \"sums\"")), Contains(HasSubstr("delivery_guarantee")));
  // What a job writes it does not read.
  EXPECT_THAT(ProblemsOf(Job("name: \"orders\" delivery_guarantee: AT_LEAST_ONCE")),
              Contains(HasSubstr("the data runs in a loop: ")));
}

TEST(JobTopicRulesTest, ATransactionOutlivesACheckpointAndIsGranted) {
  EXPECT_THAT(ProblemsOf(Job("name: \"sums\" delivery_guarantee: EXACTLY_ONCE")),
              ElementsAre(HasSubstr("transaction_timeout 1h is above what brokers grant, 15min; "
                                    "lower it, or state transaction_coordinator { max_timeout }")));
  EXPECT_THAT(ProblemsOf(Job("name: \"sums\" delivery_guarantee: EXACTLY_ONCE "
                             "transaction_timeout: \"10s\"")),
              ElementsAre(HasSubstr("checkpoints come each 10s, and a transaction is aborted after "
                                    "transaction_timeout 10s: none is ever committed; raise it")));
}

TEST(JobTopicRulesTest, ExactlyOnceIsOfAJobThatIs) {
  EXPECT_THAT(
      ProblemsOf(Job(kOnce, "delivery: AT_LEAST_ONCE\n")),
      ElementsAre(HasSubstr("operator \"out\" commits with the checkpoints of a job that is "
                            "not EXACTLY_ONCE; write delivery_guarantee: AT_LEAST_ONCE")));
  EXPECT_THAT(ProblemsOf(Job(kOnce, "",
                             absl::StrCat(kSums,
                                          "resolution { "
                                          "batches_per_parcel: 4 }\n"))),
              Contains(HasSubstr("a parcel of several batches cannot be cut at the end of a "
                                 "transaction; write batches_per_parcel: 1, or "
                                 "delivery_guarantee: AT_LEAST_ONCE")));
}

TEST(JobTopicRulesTest, TheStateOfTransactionsHasItsBrokers) {
  EXPECT_THAT(ProblemsOf(Job(kOnce, "",
                             absl::StrCat(kSums,
                                          "transaction_coordinator { "
                                          "state_topic_replication_factor: 5 }\n"))),
              ElementsAre(HasSubstr("__transaction_state wants 5 replicas of 3 brokers")));
}

}  // namespace
}  // namespace freshet
