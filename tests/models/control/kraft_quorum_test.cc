#include "models/control/kraft_quorum.h"

#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "sim/simulation.h"
#include "tests/models/metrics.h"

namespace freshet {

class KraftQuorumTestPeer {
 public:
  static void LoseADecision(KraftQuorum& quorum) { quorum.queued_.clear(); }
};

namespace {

// A round trip takes 1 ms within a zone and 4 ms across.
class KraftQuorumTest : public testing::Test {
 protected:
  KraftQuorum& Make(const std::vector<ZoneId>& zones) {
    Network::Config network_config;
    network_config.zones = {"a", "b", "c"};
    network_config.rtt_within_zone = Sampler::Constant(1e6);
    network_config.rtt_across_zones = Sampler::Constant(4e6);
    network_ = std::make_unique<Network>(sim_, "network", network_config);
    KraftQuorum::Config config;
    config.host_stem = "quorum/controller-";
    config.zones = zones;
    config.network_bandwidth = BytesPerSecond(1'000'000'000);
    quorum_ = std::make_unique<KraftQuorum>(sim_, "quorum", network_.get(), config);
    return *quorum_;
  }
  // Submits at `at` and remembers when it was committed.
  void SubmitAt(Duration at) {
    sim_.At<"test.submit">(Time() + at, 0, [this] {
      quorum_->Submit([this] { committed_.push_back(sim_.Now().SinceStart()); });
    });
  }
  void RunFor(Duration span) { sim_.RunUntil(Time() + span); }

  Simulation sim_{92};
  std::unique_ptr<Network> network_;
  std::unique_ptr<KraftQuorum> quorum_;
  std::vector<Duration> committed_;
};

TEST_F(KraftQuorumTest, ADecisionWaitsForTheLingerAndARoundTrip) {
  Make({0, 0, 0});
  SubmitAt(Seconds(1));
  RunFor(Seconds(2));
  EXPECT_EQ(committed_, std::vector<Duration>({Seconds(1) + Milliseconds(25 + 1)}));
}

TEST_F(KraftQuorumTest, DecisionsThatLingerTogetherAreCommittedTogether) {
  Make({0, 0, 0});
  SubmitAt(Milliseconds(0));
  SubmitAt(Milliseconds(10));
  SubmitAt(Microseconds(25'001));  // After the append.
  RunFor(Seconds(1));
  EXPECT_EQ(committed_,
            std::vector<Duration>({Milliseconds(26), Milliseconds(26), Microseconds(51'001)}));
}

TEST_F(KraftQuorumTest, TheNearerMajorityDecides) {
  Make({0, 0, 0, 1, 1});  // Two more in the zone of the active one are a majority.
  SubmitAt(Duration::Zero());
  RunFor(Seconds(1));
  EXPECT_EQ(committed_, std::vector<Duration>({Milliseconds(26)}));
}

TEST_F(KraftQuorumTest, AcrossZonesItTakesTheLongerRoundTrip) {
  Make({0, 1, 2});
  SubmitAt(Duration::Zero());
  RunFor(Seconds(1));
  EXPECT_EQ(committed_, std::vector<Duration>({Milliseconds(29)}));
}

// The fetch of a follower was answered up to 500 ms before the crash, so the first of two asks for
// votes 1.5 to 2 s after it; then a round trip for the vote, the linger, a round trip.
TEST_F(KraftQuorumTest, ANewControllerIsElectedAfterTheFetchTimeout) {
  KraftQuorum& quorum = Make({0, 0, 0});
  sim_.At<"test.crash">(Time() + Seconds(1), 0, [&quorum] { quorum.Crash(0); });
  SubmitAt(Seconds(1));
  RunFor(Seconds(10));
  ASSERT_EQ(committed_.size(), 1u);
  const Duration after = committed_[0] - Seconds(1);
  EXPECT_GE(after, Milliseconds(1500 + 1 + 25 + 1));
  EXPECT_LE(after, Milliseconds(2000 + 1 + 25 + 1));
  EXPECT_NE(quorum.active(), 0);
  EXPECT_EQ(ValueOf(sim_, quorum, KraftQuorum::kElections), 1);
}

TEST_F(KraftQuorumTest, WhatWasOnItsWayIsDecidedAnewAndOnce) {
  KraftQuorum& quorum = Make({0, 0, 0});
  SubmitAt(Duration::Zero());
  // Between the append and the acknowledgement.
  sim_.At<"test.crash">(Time() + Microseconds(25'200), 0, [&quorum] { quorum.Crash(0); });
  RunFor(Seconds(10));
  ASSERT_EQ(committed_.size(), 1u);
  EXPECT_GT(committed_[0], Milliseconds(1500));
}

TEST_F(KraftQuorumTest, WithoutAMajorityNothingIsDecided) {
  KraftQuorum& quorum = Make({0, 0, 0});
  quorum.Crash(1);
  quorum.Crash(0);
  SubmitAt(Seconds(1));
  RunFor(Seconds(60));
  EXPECT_TRUE(committed_.empty());
  EXPECT_EQ(quorum.active(), KraftQuorum::kNobody);
  quorum.Restart(1);
  RunFor(Seconds(70));
  EXPECT_EQ(committed_.size(), 1u);
}

TEST_F(KraftQuorumTest, TwoThatStandAtOnceComeToAnEndAllTheSame) {
  // With round trips as long as the spread of their timeouts, votes are often split.
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Simulation sim(seed);
    Network::Config network_config;
    network_config.zones = {"a"};
    network_config.rtt_within_zone = Sampler::Constant(4e8);
    Network network(sim, "network", network_config);
    KraftQuorum::Config config;
    config.zones = {0, 0, 0};
    config.network_bandwidth = BytesPerSecond(1'000'000'000);
    KraftQuorum quorum(sim, "quorum", &network, config);
    quorum.Crash(0);
    sim.RunUntil(Time() + Seconds(60));
    ASSERT_NE(quorum.active(), KraftQuorum::kNobody) << seed;
    ASSERT_NE(quorum.active(), 0) << seed;
  }
}

TEST(KraftQuorumCanary, ALostDecision) {
  Simulation sim(92);
  Network::Config network_config;
  network_config.zones = {"a"};
  Network network(sim, "network", network_config);
  KraftQuorum::Config config;
  config.zones = {0};
  config.network_bandwidth = BytesPerSecond(1'000'000'000);
  KraftQuorum quorum(sim, "quorum", &network, config);
  quorum.Submit(Callback());
  KraftQuorumTestPeer::LoseADecision(quorum);
  try {
    sim.RunUntil(Time() + Milliseconds(1));
    FAIL() << "not noticed";
  } catch (const InvariantBroken& broken) {
    EXPECT_EQ(broken.invariant(), "inv.I3");
  }
}

}  // namespace
}  // namespace freshet
