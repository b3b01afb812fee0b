#include "models/fault/targets.h"

#include "gtest/gtest.h"
#include "models/network/network.h"
#include "sim/simulation.h"

namespace freshet {
namespace {

constexpr Bytes kHundredMegabytes(100'000'000);

// A broker whose card, and the path to whose network volume, sustain 10 MB/s and burst to 40 MB/s
// for 60 MB of credits; 100 MB alone take 2 s of burst and 2 s of baseline. The volume itself
// bursts alike.
class TargetsTest : public testing::Test {
 protected:
  static Network::Config OneZone() {
    Network::Config config;
    config.zones = {"a"};
    config.rtt_within_zone = config.rtt_across_zones = Sampler::Constant(0);
    return config;
  }
  static KafkaBroker::Config Burstable() {
    const BandwidthBurst burst = {BytesPerSecond(40'000'000), Bytes(60'000'000), Bytes(60'000'000)};
    KafkaBroker::Config broker;
    broker.network_bandwidth = BytesPerSecond(10'000'000);
    broker.network_burst = burst;
    broker.volume_path_bandwidth = BytesPerSecond(10'000'000);
    broker.volume_path_burst = burst;
    broker.volume = {BytesPerSecond(10'000'000), Sampler::Constant(0), Sampler::Constant(0),
                     Sampler::Constant(0), burst};
    broker.page_cache = {GiB(1), Ratio::Percent(10), Ratio::Percent(20), Seconds(5), Seconds(30)};
    return broker;
  }
  static KafkaCluster::Config OneBroker() {
    KafkaCluster::Config config;
    config.brokers = {Burstable()};
    config.topics.emplace_back();
    config.controllers.zones = {0};
    config.replica_lag_time_max = Seconds(30);
    config.retention_check_interval = Seconds(300);
    return config;
  }
  // Throttles the target to `rate` for the first `lasts`.
  void ThrottleAtOnce(FaultTarget* on, int64_t rate, Duration lasts) {
    FaultPlan plan;
    plan.verb = FaultVerb::kThrottle;
    plan.on = on;
    plan.rate = BytesPerSecond(rate);
    plan.at = Time();
    plan.lasts = lasts;
    faults.Schedule(plan);
    sim.RunUntil(Time());
  }

  Simulation sim{92};
  FaultInjector faults{sim, "faults"};
  Network network{sim, "network", OneZone()};
  KafkaCluster log{sim, "log", &network, OneBroker()};
  KafkaBroker& broker = log.broker(0);
  NicTarget nic{&network, broker.host()};
  DiskTarget disk{&log, 0};
  Time done;
};

TEST_F(TargetsTest, AThrottledCardBelowItsBaselineKeepsItsCredits) {
  ThrottleAtOnce(&nic, 5'000'000, Seconds(4));
  network.Outgoing(broker.host()).Start(kHundredMegabytes, [this] { done = sim.Now(); });
  sim.RunUntil(Time() + Seconds(20));
  EXPECT_EQ(done.SinceStart(), Seconds(6));  // 20 MB in 4 s, then 80 MB in a whole burst.
}

TEST_F(TargetsTest, AThrottledCardAboveItsBaselineSpendsFewerCredits) {
  ThrottleAtOnce(&nic, 20'000'000, Seconds(3));
  network.Incoming(broker.host()).Start(kHundredMegabytes, [this] { done = sim.Now(); });
  sim.RunUntil(Time() + Seconds(20));
  EXPECT_EQ(done.SinceStart(), Seconds(4));  // 60 MB for 30 MB of credits, 40 MB for the others.
}

TEST_F(TargetsTest, AThrottledDiskBelowItsBaselineKeepsItsCredits) {
  ThrottleAtOnce(&disk, 5'000'000, Seconds(4));
  broker.VolumeOf(0).Write(kHundredMegabytes, [this] { done = sim.Now(); });
  sim.RunUntil(Time() + Seconds(20));
  EXPECT_EQ(done.SinceStart(), Seconds(6));
  EXPECT_EQ(broker.volume_path()->done(), kHundredMegabytes);
}

}  // namespace
}  // namespace freshet
