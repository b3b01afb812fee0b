#include "models/network/network.h"

#include <vector>

#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"
#include "tests/models/metrics.h"

namespace freshet {
namespace {

constexpr Bytes kMessage(100'000);           // One piece; 10 ms on each card.
constexpr BytesPerSecond kCard(10'000'000);  // 10 MB/s.

// Hosts a1 and a2 in zone "a", b1 in zone "b". A round trip takes 1 ms within a zone, 4 ms across.
class NetworkTest : public testing::Test {
 protected:
  static Network::Config TwoZones() {
    Network::Config config;
    config.zones = {"a", "b"};
    config.rtt_within_zone = Sampler::Constant(1e6);
    config.rtt_across_zones = Sampler::Constant(4e6);
    return config;
  }
  // Sends at the present and says, after the run, when it came; -1 ns if it never did.
  void Send(Connection* connection, Bytes size, Time* came,
            TrafficCause cause = TrafficCause::kProduce) {
    *came = Time::FromNanos(-1);
    connection->Send(size, cause, [this, came] { *came = sim.Now(); });
  }
  static Duration Since(Time came) { return came.SinceStart(); }

  Simulation sim{92};
  Network network{sim, "network", TwoZones()};
  HostId a1 = network.AddHost("a1", 0, kCard);
  HostId a2 = network.AddHost("a2", 0, kCard);
  HostId b1 = network.AddHost("b1", 1, kCard);
  Time first, second, third;
};

TEST_F(NetworkTest, AMessagePassesBothCardsAndHalfARoundTrip) {
  Send(network.Connect(a1, a2), kMessage, &first);
  sim.Run();
  EXPECT_EQ(Since(first), Microseconds(10'000 + 500 + 10'000));
}

// Four pieces of 13.1072 ms on a card: the last leaves after four of them and comes in as a fifth.
TEST_F(NetworkTest, ALongMessageComesInWhileItStillLeaves) {
  Send(network.Connect(a1, a2), KiB(512), &first);
  sim.Run();
  EXPECT_EQ(Since(first), Nanoseconds(5 * 13'107'200 + 500'000));
}

// 10 MB/s that always hold, 40 MB/s while 60 MB of credits last, in each direction; the others'
// cards take a microsecond for a kB. What counts at those is the first piece, 131 072 B, or the
// last, which is 123 136 B of 100 MB.
TEST_F(NetworkTest, ACardBurstsInEachDirectionOnCreditsOfItsOwn) {
  const BandwidthBurst burst = {BytesPerSecond(40'000'000), Bytes(60'000'000), Bytes(60'000'000)};
  const HostId small = network.AddHost("small", 0, BytesPerSecond(10'000'000), burst);
  const HostId fast = network.AddHost("fast", 0, BytesPerSecond(1'000'000'000));
  Send(network.Connect(small, fast), Bytes(100'000'000), &first);
  Send(network.Connect(fast, small), Bytes(80'000'000), &second);
  sim.Run();
  EXPECT_EQ(Since(first), Seconds(4) + Microseconds(500) + Nanoseconds(123'136));
  EXPECT_EQ(Since(second), Nanoseconds(131'072) + Microseconds(500) + Seconds(2));
}

TEST_F(NetworkTest, AnotherZoneIsFartherAway) {
  Send(network.Connect(a1, b1), kMessage, &first);
  sim.Run();
  EXPECT_EQ(Since(first), Microseconds(10'000 + 2'000 + 10'000));
}

TEST_F(NetworkTest, ASmallMessageTakesHalfARoundTripOnly) {
  Send(network.Connect(a1, a2), KiB(1), &first);
  sim.Run();
  EXPECT_EQ(Since(first), Microseconds(500));
}

TEST_F(NetworkTest, MessagesOfAStreamFollowOneAnother) {
  Connection* stream = network.Connect(a1, a2);
  Send(stream, kMessage, &first);
  Send(stream, kMessage, &second);
  sim.Run();
  EXPECT_EQ(Since(first), Microseconds(20'500));
  EXPECT_EQ(Since(second), Microseconds(30'500));  // It leaves while the first one comes in.
}

TEST_F(NetworkTest, ASmallMessageDoesNotOvertakeALargeOneOfItsStream) {
  Connection* stream = network.Connect(a1, a2);
  Send(stream, kMessage, &first);
  Send(stream, Bytes(100), &second);
  Send(network.Connect(a1, a2), Bytes(100), &third);
  sim.Run();
  EXPECT_EQ(Since(first), Microseconds(20'500));
  EXPECT_EQ(Since(second), Microseconds(20'500));
  EXPECT_EQ(Since(third), Microseconds(500));  // Another stream does not wait.
}

TEST_F(NetworkTest, TwoStreamsShareTheSendersCard) {
  Send(network.Connect(a1, a2), kMessage, &first);
  Send(network.Connect(a1, b1), Bytes(50'000), &second);
  sim.Run();
  EXPECT_EQ(Since(second), Microseconds(10'000 + 2'000 + 5'000));  // Out at 5 MB/s.
  EXPECT_EQ(Since(first), Microseconds(15'000 + 500 + 10'000));    // Its other half at 10 MB/s.
}

TEST_F(NetworkTest, TwoStreamsShareTheReceiversCard) {
  const HostId a3 = network.AddHost("a3", 0, kCard);
  Send(network.Connect(a1, a3), kMessage, &first);
  Send(network.Connect(a2, a3), kMessage, &second);
  sim.Run();
  EXPECT_EQ(Since(first), Microseconds(10'000 + 500 + 20'000));
  EXPECT_EQ(Since(second), Microseconds(10'000 + 500 + 20'000));
}

TEST_F(NetworkTest, TheTwoDirectionsOfACardDoNotShare) {
  Send(network.Connect(a1, a2), kMessage, &first);
  Send(network.Connect(a2, a1), kMessage, &second);
  sim.Run();
  EXPECT_EQ(Since(first), Microseconds(20'500));
  EXPECT_EQ(Since(second), Microseconds(20'500));
}

TEST_F(NetworkTest, AThrottledCardSlowsWhatIsUnderWay) {
  Send(network.Connect(a1, a2), kMessage, &first);
  sim.RunUntil(Time() + Milliseconds(5));
  network.Outgoing(a1).SetCapacity(BytesPerSecond(1'000'000));
  sim.Run();
  EXPECT_EQ(Since(first), Microseconds(5'000 + 50'000 + 500 + 10'000));
}

TEST_F(NetworkTest, AResetDropsTheStreamAndFreesTheCard) {
  Connection* broken = network.Connect(a1, a2);
  Send(broken, kMessage, &first);
  Send(network.Connect(a1, a2), kMessage, &second);
  sim.RunUntil(Time() + Milliseconds(10));
  broken->Reset();
  EXPECT_TRUE(broken->idle());
  sim.Run();
  EXPECT_EQ(first, Time::FromNanos(-1));
  EXPECT_EQ(Since(second), Microseconds(15'000 + 500 + 10'000));
  Send(broken, KiB(1), &third);
  sim.Run();
  EXPECT_EQ(third - second, Microseconds(500));  // It can be used again.
}

TEST_F(NetworkTest, NothingReachesOrLeavesAHostThatIsDown) {
  Connection* to = network.Connect(a1, a2);
  Connection* from = network.Connect(a2, b1);
  Send(to, kMessage, &first);
  Send(from, kMessage, &second);
  sim.RunUntil(Time() + Milliseconds(1));
  network.SetDown(a2, true);
  Send(network.Connect(a1, a2), KiB(1), &third);
  sim.Run();
  EXPECT_EQ(first, Time::FromNanos(-1));
  EXPECT_EQ(second, Time::FromNanos(-1));
  EXPECT_EQ(third, Time::FromNanos(-1));
  network.SetDown(a2, false);
  const Time up_at = sim.Now();
  Send(to, KiB(1), &first);
  sim.Run();
  EXPECT_EQ(first - up_at, Microseconds(500));
}

TEST_F(NetworkTest, BytesAreMeteredByCauseAndAcrossZones) {
  Send(network.Connect(a1, a2), Bytes(1000), &first, TrafficCause::kProduce);
  Send(network.Connect(a1, b1), Bytes(200), &second, TrafficCause::kReplicate);
  Send(network.Connect(b1, a1), Bytes(30), &third, TrafficCause::kFetch);
  sim.Run();
  EXPECT_EQ(ValueOf(sim, network, Network::kBytes[0]), 1000);
  EXPECT_EQ(ValueOf(sim, network, Network::kBytes[1]), 200);
  EXPECT_EQ(ValueOf(sim, network, Network::kBytes[2]), 30);
  EXPECT_EQ(ValueOf(sim, network, Network::kBytes[3]), 0);
  EXPECT_EQ(ValueOf(sim, network, Network::kCrossZoneBytes), 230);
}

TEST_F(NetworkTest, BytesAreMeteredByZonePairAndPhase) {
  Send(network.Connect(a1, a2), Bytes(1000), &first, TrafficCause::kProduce);
  Send(network.Connect(a1, b1), Bytes(200), &second, TrafficCause::kProduce);
  Send(network.Connect(b1, a2), Bytes(30), &third, TrafficCause::kFetch);
  sim.Run();
  sim.EnterPhase(Phase::kDuringFaults);
  Send(network.Connect(a2, b1), Bytes(4), &first, TrafficCause::kProduce);
  sim.Run();
  const auto between = [this](ZoneId from, ZoneId to, TrafficCause cause, Phase phase) {
    return network.BytesBetween(from, to, cause, phase);
  };
  EXPECT_EQ(between(0, 0, TrafficCause::kProduce, Phase::kBeforeFaults), 1000);
  EXPECT_EQ(between(0, 1, TrafficCause::kProduce, Phase::kBeforeFaults), 200);
  EXPECT_EQ(between(1, 0, TrafficCause::kFetch, Phase::kBeforeFaults), 30);
  EXPECT_EQ(between(1, 0, TrafficCause::kProduce, Phase::kBeforeFaults), 0);
  EXPECT_EQ(between(0, 1, TrafficCause::kProduce, Phase::kDuringFaults), 4);
}

RC_GTEST_PROP(NetworkProperty, ZonePairsSumToTheCounters, ()) {
  Simulation sim(92);
  Network::Config config;
  config.zones = {"a", "b", "c"};
  config.rtt_within_zone = config.rtt_across_zones = Sampler::Constant(1e6);
  config.has_mirror = true;  // All causes.
  Network network(sim, "network", config);
  std::vector<HostId> hosts;
  for (const char* name : {"a1", "b1", "c1", "a2"}) {
    hosts.push_back(network.AddHost(name, static_cast<ZoneId>(hosts.size() % 3), kCard));
  }
  const int messages = *rc::gen::inRange(0, 40);
  for (int i = 0; i < messages; ++i) {
    const HostId from = hosts[*rc::gen::inRange<size_t>(0, hosts.size())];
    const HostId to = hosts[*rc::gen::inRange<size_t>(0, hosts.size())];
    const auto cause = static_cast<TrafficCause>(*rc::gen::inRange(0, kTrafficCauseCount));
    network.Connect(from, to)->Send(Bytes(*rc::gen::inRange(1, 5000)), cause, [] {});
  }
  int64_t across = 0;
  for (int cause = 0; cause < kTrafficCauseCount; ++cause) {
    int64_t all = 0;
    for (ZoneId from = 0; from < 3; ++from) {
      for (ZoneId to = 0; to < 3; ++to) {
        const int64_t bytes =
            network.BytesBetween(from, to, static_cast<TrafficCause>(cause), Phase::kBeforeFaults);
        all += bytes;
        if (from != to) across += bytes;
      }
    }
    RC_ASSERT(all == ValueOf(sim, network, Network::kBytes[cause]));
  }
  RC_ASSERT(across == ValueOf(sim, network, Network::kCrossZoneBytes));
}

RC_GTEST_PROP(NetworkProperty, AStreamDeliversAllInOrderWhateverTheRoundTrips, ()) {
  Simulation sim(*rc::gen::arbitrary<uint64_t>());
  Network::Config config;
  config.zones = {"a"};
  config.rtt_within_zone = Sampler::Lognormal(1e6, 2);
  Network network(sim, "network", config);
  const HostId from = network.AddHost("from", 0, kCard);
  Connection* stream = network.Connect(from, network.AddHost("to", 0, kCard));
  const auto sizes = *rc::gen::container<std::vector<int>>(rc::gen::inRange(1, 5000));
  std::vector<size_t> came;
  for (size_t i = 0; i < sizes.size(); ++i) {
    stream->Send(Bytes(sizes[i]), TrafficCause::kProduce, [&came, i] { came.push_back(i); });
    if (sizes[i] % 2 == 0) sim.RunUntil(sim.Now() + Microseconds(sizes[i]));
  }
  sim.Run();
  RC_ASSERT(came.size() == sizes.size());
  for (size_t i = 0; i < came.size(); ++i) RC_ASSERT(came[i] == i);
  RC_ASSERT(stream->idle());
}

}  // namespace
}  // namespace freshet
