// What an answer says under quotas, by hand.
#include "models/broker/client_quotas.h"

#include <optional>
#include <string>

#include "gtest/gtest.h"
#include "sim/component.h"
#include "tests/models/metrics.h"

namespace freshet {
namespace {

class ClientQuotasTest : public testing::Test {
 protected:
  void Make() {
    quotas_.emplace(sim_, config_);
    client_ = quotas_->AddClient("shop", shop_.component_id(), QuotaType::kProduce);
  }
  void AdvanceTo(Duration at) { sim_.RunUntil(Time() + at); }
  Duration Produce(int64_t bytes, Duration handler = Duration::Zero(), BrokerId broker = 0) {
    return quotas_->AnswerProduce(client_, broker, Bytes(bytes), handler);
  }
  Duration Fetch(int64_t bytes) {
    return quotas_->AnswerFetch(client_, 0, Bytes(bytes), Duration::Zero());
  }

  Simulation sim_{1};
  Component shop_{sim_, "shop"};
  ClientQuotas::Config config_;
  std::optional<ClientQuotas> quotas_;
  ClientId client_ = kNoClient;
};

// T = 1000 B/s. 12000 B in ten seconds are O = 1200 B/s: (1200 - 1000) / 1000 x 10 s.
TEST_F(ClientQuotasTest, TheThrottleBringsTheRateToTheQuota) {
  config_.by_default[QuotaType::kProduce] = 1'000;
  Make();
  EXPECT_EQ(Produce(6'000), Duration::Zero());
  EXPECT_EQ(Produce(6'000), Seconds(2));
  // Half a second later the same 12000 B are over 10.5 s: 10500 B were allowed.
  AdvanceTo(Milliseconds(500));
  EXPECT_EQ(Produce(0), Milliseconds(1'500));
  // At 2 s the sample is over, and the divisor again ten seconds: two that were, eight that
  // are missing. So the client that has waited as it was told is told to wait once more: Kafka's
  // rule for its first eleven seconds.
  AdvanceTo(Seconds(2));
  EXPECT_EQ(Produce(0), Seconds(2));
  // At 10 s none is missing any more.
  AdvanceTo(Seconds(10));
  EXPECT_EQ(Produce(0), Seconds(2));
  AdvanceTo(Milliseconds(10'800));
  EXPECT_EQ(Produce(0), Milliseconds(1'200));
  // At 11.5 s the first sample is forgotten.
  AdvanceTo(Milliseconds(11'500));
  EXPECT_EQ(Produce(0), Duration::Zero());
  const Histogram told = HistogramOf(sim_, shop_, ClientQuotas::kProduceThrottle);
  EXPECT_EQ(told.count(), 7);
  EXPECT_EQ(told.max(), Seconds(2).nanos());
}

// 50 % of a thread: in ten seconds 5 s of it. 7 s would be a wait of 4 s, and a window is the most.
TEST_F(ClientQuotasTest, ThreadTimeThrottlesForAWindowAtTheMost) {
  config_.by_default[QuotaType::kRequest] = 500'000'000;
  Make();
  EXPECT_EQ(Produce(1, Milliseconds(5'000)), Duration::Zero());
  EXPECT_EQ(Produce(1, Milliseconds(250)), Milliseconds(500));
  EXPECT_EQ(Produce(1, Milliseconds(1'750)), Seconds(1));
  EXPECT_EQ(HistogramOf(sim_, shop_, ClientQuotas::kRequestThrottle).count(), 3);
}

TEST_F(ClientQuotasTest, TheLongerThrottleRules) {
  config_.by_default[QuotaType::kProduce] = 1'000;
  config_.by_default[QuotaType::kRequest] = 500'000'000;
  Make();
  EXPECT_EQ(Produce(10'300, Milliseconds(5'250)), Milliseconds(500));
  EXPECT_EQ(Produce(500, Duration::Zero()), Milliseconds(800));
}

// A fetch that is over the quota is empty, so its bytes do not count; the next one that fits goes.
TEST_F(ClientQuotasTest, AThrottledFetchCountsNoBytes) {
  config_.by_default[QuotaType::kFetch] = 1'000;
  Make();
  EXPECT_EQ(quotas_->MostInFetch(client_), Bytes(10'000));
  EXPECT_EQ(Fetch(9'000), Duration::Zero());
  EXPECT_EQ(Fetch(4'000), Seconds(3));
  EXPECT_EQ(Fetch(1'000), Duration::Zero());
  EXPECT_EQ(Fetch(1), Milliseconds(1));
}

TEST_F(ClientQuotasTest, EachBrokerMeasuresForItself) {
  config_.by_default[QuotaType::kProduce] = 1'000;
  Make();
  EXPECT_EQ(Produce(10'000, Duration::Zero(), 0), Duration::Zero());
  EXPECT_EQ(Produce(10'000, Duration::Zero(), 1), Duration::Zero());
  EXPECT_EQ(Produce(1'000, Duration::Zero(), 1), Seconds(1));
  quotas_->Forget(1);  // Its process has died.
  EXPECT_EQ(Produce(1'000, Duration::Zero(), 1), Duration::Zero());
  EXPECT_EQ(Produce(1'000, Duration::Zero(), 0), Seconds(1));
}

// Each type for itself: a client with a producer_byte_rate of its own has the default's other.
TEST_F(ClientQuotasTest, OnesOwnQuotaComesBeforeTheDefault) {
  config_.by_default[QuotaType::kProduce] = 1'000;
  config_.by_default[QuotaType::kRequest] = 500'000'000;
  config_.of_client.emplace_back("shop", ClientQuotas::Limits());
  config_.of_client.back().second[QuotaType::kProduce] = 4'000;
  Make();
  EXPECT_EQ(Produce(40'000), Duration::Zero());
  EXPECT_EQ(Produce(4'000), Seconds(1));
  EXPECT_EQ(Produce(0, Milliseconds(5'250)), Seconds(1));
}

// What was recorded before a quota counts against it, as where another client had one.
TEST_F(ClientQuotasTest, AQuotaCanBeAlteredAndRemoved) {
  config_.altered_later = {QuotaType::kProduce};
  Make();
  EXPECT_EQ(Produce(12'000), Duration::Zero());
  quotas_->Alter("shop", QuotaType::kProduce, 1'000);
  EXPECT_EQ(Produce(0), Seconds(2));
  quotas_->Alter("", QuotaType::kProduce, 500);
  EXPECT_EQ(Produce(0), Seconds(2));  // Its own is the other one.
  quotas_->Alter("shop", QuotaType::kProduce, std::nullopt);
  EXPECT_EQ(Produce(0), Seconds(14));
  quotas_->Alter("", QuotaType::kProduce, std::nullopt);
  EXPECT_EQ(Produce(0), Duration::Zero());
}

TEST_F(ClientQuotasTest, WithoutAQuotaOfItsTypeNothingIsMeasured) {
  config_.by_default[QuotaType::kFetch] = 1'000;
  Make();
  EXPECT_EQ(Produce(1'000'000, Minutes(1)), Duration::Zero());
}

}  // namespace
}  // namespace freshet
