#include "models/network/network.h"

#include <vector>

#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"
#include "tests/models/metrics.h"

namespace freshet {
namespace {

constexpr Bytes kMegabyte(1'000'000);         // 10 ms on each card.
constexpr BytesPerSecond kCard(100'000'000);  // 100 MB/s.

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
  Send(network.Connect(a1, a2), kMegabyte, &first);
  sim.Run();
  EXPECT_EQ(Since(first), Microseconds(10'000 + 500 + 10'000));
}

// 10 MB/s that always hold, 40 MB/s while 60 MB of credits last, in each direction.
TEST_F(NetworkTest, ACardBurstsInEachDirectionOnCreditsOfItsOwn) {
  const BandwidthBurst burst = {BytesPerSecond(40'000'000), Bytes(60'000'000), Bytes(60'000'000)};
  const HostId small = network.AddHost("small", 0, BytesPerSecond(10'000'000), burst);
  Send(network.Connect(small, a1), Bytes(100'000'000), &first);
  Send(network.Connect(a2, small), Bytes(80'000'000), &second);
  sim.Run();
  EXPECT_EQ(Since(first), Seconds(4) + Microseconds(500) + Seconds(1));  // Out, and in at a1.
  EXPECT_EQ(Since(second),
            Milliseconds(800) + Microseconds(500) + Seconds(2));  // Out of a2, and in.
}

TEST_F(NetworkTest, AnotherZoneIsFartherAway) {
  Send(network.Connect(a1, b1), kMegabyte, &first);
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
  Send(stream, kMegabyte, &first);
  Send(stream, kMegabyte, &second);
  sim.Run();
  EXPECT_EQ(Since(first), Microseconds(20'500));
  EXPECT_EQ(Since(second), Microseconds(30'500));  // It leaves while the first one comes in.
}

TEST_F(NetworkTest, ASmallMessageDoesNotOvertakeALargeOneOfItsStream) {
  Connection* stream = network.Connect(a1, a2);
  Send(stream, kMegabyte, &first);
  Send(stream, Bytes(100), &second);
  Send(network.Connect(a1, a2), Bytes(100), &third);
  sim.Run();
  EXPECT_EQ(Since(first), Microseconds(20'500));
  EXPECT_EQ(Since(second), Microseconds(20'500));
  EXPECT_EQ(Since(third), Microseconds(500));  // Another stream does not wait.
}

TEST_F(NetworkTest, TwoStreamsShareTheSendersCard) {
  Send(network.Connect(a1, a2), kMegabyte, &first);
  Send(network.Connect(a1, b1), Bytes(500'000), &second);
  sim.Run();
  EXPECT_EQ(Since(second), Microseconds(10'000 + 2'000 + 5'000));  // Out at 50 MB/s.
  EXPECT_EQ(Since(first), Microseconds(15'000 + 500 + 10'000));    // Its other half at 100 MB/s.
}

TEST_F(NetworkTest, TwoStreamsShareTheReceiversCard) {
  const HostId a3 = network.AddHost("a3", 0, kCard);
  Send(network.Connect(a1, a3), kMegabyte, &first);
  Send(network.Connect(a2, a3), kMegabyte, &second);
  sim.Run();
  EXPECT_EQ(Since(first), Microseconds(10'000 + 500 + 20'000));
  EXPECT_EQ(Since(second), Microseconds(10'000 + 500 + 20'000));
}

TEST_F(NetworkTest, TheTwoDirectionsOfACardDoNotShare) {
  Send(network.Connect(a1, a2), kMegabyte, &first);
  Send(network.Connect(a2, a1), kMegabyte, &second);
  sim.Run();
  EXPECT_EQ(Since(first), Microseconds(20'500));
  EXPECT_EQ(Since(second), Microseconds(20'500));
}

TEST_F(NetworkTest, AThrottledCardSlowsWhatIsUnderWay) {
  Send(network.Connect(a1, a2), kMegabyte, &first);
  sim.RunUntil(Time() + Milliseconds(5));
  network.Outgoing(a1).SetCapacity(BytesPerSecond(10'000'000));
  sim.Run();
  EXPECT_EQ(Since(first), Microseconds(5'000 + 50'000 + 500 + 10'000));
}

TEST_F(NetworkTest, AResetDropsTheStreamAndFreesTheCard) {
  Connection* broken = network.Connect(a1, a2);
  Send(broken, kMegabyte, &first);
  Send(network.Connect(a1, a2), kMegabyte, &second);
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
  Send(to, kMegabyte, &first);
  Send(from, kMegabyte, &second);
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
