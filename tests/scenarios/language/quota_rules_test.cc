// What the text says about quotas and cannot mean.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/scenarios/language/scenario_text.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::string> Quotas(const std::string& quotas) {
  return ProblemsOf(Small("brokers: 3", "brokers: 3 quotas { " + quotas + " }"));
}
std::vector<std::string> Altering(const std::string& alter) {
  return ProblemsOf(SmallScenario() + "operation { at: \"1min\" alter_quota { " + alter + " } }");
}

TEST(QuotaRulesTest, QuotasOfAllAndOfOne) {
  EXPECT_THAT(Quotas("producer_byte_rate: \"1MB/s\" request_percentage: \"50%\" "
                     "client { client: \"audit\" consumer_byte_rate: \"2MB/s\" }"),
              IsEmpty());
  EXPECT_THAT(Altering("client: \"shop\" producer_byte_rate: \"1MB/s\" "
                       "remove: REQUEST_PERCENTAGE"),
              IsEmpty());
  EXPECT_THAT(Altering("consumer_byte_rate: \"1MB/s\""), IsEmpty());
}

TEST(QuotaRulesTest, AQuotaLimitsSomething) {
  EXPECT_THAT(Quotas(""), ElementsAre("9:16: warning: quotas limits nobody; state "
                                      "producer_byte_rate, consumer_byte_rate, "
                                      "request_percentage or a client's own"));
  EXPECT_THAT(Quotas("client { client: \"shop\" }"),
              ElementsAre(HasSubstr("a quota of \"shop\" without a limit")));
  EXPECT_THAT(Altering("client: \"shop\""),
              ElementsAre(HasSubstr("alter_quota changes nothing; state a quota")));
  EXPECT_THAT(Altering("producer_byte_rate: \"1MB/s\" remove: PRODUCER_BYTE_RATE"),
              ElementsAre(HasSubstr("remove PRODUCER_BYTE_RATE: it is stated, too")));
  EXPECT_THAT(Altering("remove: PRODUCER_BYTE_RATE remove: PRODUCER_BYTE_RATE"),
              ElementsAre(HasSubstr("write each quota that ends once")));
}

TEST(QuotaRulesTest, ClientsAreThoseThatThereAre) {
  EXPECT_THAT(Quotas("client { client: \"shap\" producer_byte_rate: \"1MB/s\" }"),
              ElementsAre(HasSubstr("closest component: \"shop\"")));
  EXPECT_THAT(Quotas("client { client: \"log\" producer_byte_rate: \"1MB/s\" }"),
              ElementsAre(HasSubstr("\"log\" is no client; name a component of producers")));
  EXPECT_THAT(Quotas("client { client: \"shop\" producer_byte_rate: \"1MB/s\" } "
                     "client { client: \"shop\" producer_byte_rate: \"2MB/s\" }"),
              ElementsAre(HasSubstr("the quotas of \"shop\" are stated twice")));
  EXPECT_THAT(Altering("client: \"log\" producer_byte_rate: \"1MB/s\""),
              ElementsAre(HasSubstr("\"log\" is no client")));
  EXPECT_THAT(Quotas("client { client: \"shop\" consumer_byte_rate: \"1MB/s\" }"),
              ElementsAre(HasSubstr("warning: consumer_byte_rate has no effect on \"shop\", which "
                                    "reads nothing")));
  EXPECT_THAT(Quotas("client { client: \"audit\" producer_byte_rate: \"1MB/s\" }"),
              ElementsAre(HasSubstr("which writes nothing")));
}

// Eight handlers and three network threads.
TEST(QuotaRulesTest, ThreadsAreNoMoreThanThereAre) {
  EXPECT_THAT(Quotas("request_percentage: \"1099%\""), IsEmpty());
  EXPECT_THAT(Quotas("request_percentage: \"1100%\""),
              ElementsAre(HasSubstr("warning: request_percentage 1100% is all that the 11 threads "
                                    "of a broker have")));
  EXPECT_THAT(Altering("client: \"shop\" request_percentage: \"1200%\""),
              ElementsAre(HasSubstr("all that the 11 threads")));
  EXPECT_THAT(Quotas("client { client: \"shop\" request_percentage: \"1200%\" }"), SizeIs(1));
}

// 16384 bytes in 120 s are 136.5 bytes a second; a mebibyte in ten windows 104858.
TEST(QuotaRulesTest, AClientCanLiveWithItsQuota) {
  EXPECT_THAT(Quotas("producer_byte_rate: \"137B/s\""), IsEmpty());
  EXPECT_THAT(Quotas("producer_byte_rate: \"136B/s\""),
              ElementsAre(HasSubstr("warning: at producer_byte_rate 136B/s a batch of 16KiB of "
                                    "\"shop\" takes longer than its delivery_timeout 120s")));
  const auto reading = [](const std::string& rate) {
    return ProblemsOf(absl::StrReplaceAll(
        SmallScenario(),
        {{"members: 3", "members: 3 fetch_min_bytes: \"1MiB\""},
         {"brokers: 3", "brokers: 3 quotas { consumer_byte_rate: \"" + rate + "\" }"}}));
  };
  EXPECT_THAT(reading("104858B/s"), IsEmpty());
  EXPECT_THAT(reading("104857B/s"),
              ElementsAre(HasSubstr("warning: fetch_min_bytes 1MiB of \"audit\" is more than ten "
                                    "windows of consumer_byte_rate 104857B/s")));
}

TEST(QuotaRulesTest, OfWarpStreamTheyAreNotKnown) {
  const auto of = [](const std::string& kind) {
    return ProblemsOf(R"(name: "small"
run_for: "10min"
topic { name: "orders" partitions: 6 replication_factor: 1 }
component { name: "shop" producers { clients: 2 topic: "orders" rate: "1k/s" event_size: "1KiB" } }
component { name: "s3" object_store { } }
component { name: "log" leaderless { brokers: 3 vcpus: 4 network_bandwidth: "200MiB/s" kind: )" +
                      kind + R"( quotas { producer_byte_rate: "1MB/s" request_percentage: "11" } } }
)");
  };
  EXPECT_THAT(of("INKLESS"), ElementsAre(HasSubstr("all that the 11 threads")));
  EXPECT_THAT(of("WARPSTREAM"), ElementsAre(HasSubstr("no documentation of quotas"),
                                            HasSubstr("all that the 11 threads")));
}

TEST(QuotaRulesTest, HostileValues) {
  EXPECT_THAT(Quotas("producer_byte_rate: \"0B/s\""), SizeIs(1));
  EXPECT_THAT(Quotas("producer_byte_rate: \"2TiB/s\""), SizeIs(1));
  EXPECT_THAT(Quotas("producer_byte_rate: \"-1B/s\""), SizeIs(1));
  EXPECT_THAT(Quotas("request_percentage: \"0%\""), SizeIs(1));
  EXPECT_THAT(Quotas("producer_byte_rate: \"1MB/s\" window_num: 0"), SizeIs(1));
  EXPECT_THAT(Quotas("producer_byte_rate: \"1MB/s\" window_num: 1001"), SizeIs(1));
  EXPECT_THAT(Quotas("producer_byte_rate: \"1MB/s\" window_size: \"999ms\""), SizeIs(1));
  EXPECT_THAT(Quotas("producer_byte_rate: \"1MB/s\" client { producer_byte_rate: \"1MB/s\" }"),
              SizeIs(1));
  EXPECT_THAT(Altering("remove: QUOTA_UNSPECIFIED"), SizeIs(1));
  EXPECT_THAT(Altering("remove: 9"), SizeIs(1));
}

}  // namespace
}  // namespace freshet
