#include "models/storage/object_client.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"
#include "tests/models/metrics.h"
#include "tests/models/storage/quiet_store.h"
#include "tests/oracle/oracle_data.h"
#include "tests/oracle/replicate.h"

namespace freshet {

class ObjectClientTestPeer {
 public:
  static void ForgetACall(ObjectClient& client) { --client.asked_; }
};

namespace {

using testing::ElementsAre;
using testing::Optional;

Network::Config OneZone() {
  Network::Config config;
  config.zones = {"a"};
  config.rtt_within_zone = Sampler::Constant(0);
  config.rtt_across_zones = Sampler::Constant(0);
  return config;
}

// Waits 100, 200 and 400 ms between four attempts, 500, 1000 and 2000 ms after a 503.
ObjectClient::Config Steady() {
  ObjectClient::Config config = ObjectClient::Defaults(1);
  config.retry.jitter = Backoff::Jitter::kNone;
  config.throttled_retry.first = Milliseconds(500);
  config.throttled_retry.jitter = Backoff::Jitter::kNone;
  return config;
}

struct Outcome {
  ObjectResult result = ObjectResult::kOk;
  Time at = Time::FromNanos(-1);  // Never.
};

// One host with a card of 1000 MiB/s, and a store as quiet_store.h has it.
class ObjectClientTest : public testing::Test {
 protected:
  explicit ObjectClientTest(const ObjectClient::Config& config = Steady(),
                            const ObjectStore::Config& quiet = QuietStore())
      : store(sim, "s3", quiet), client(sim, "client", &store, &network, host, config) {}

  ObjectClient::Done Into(Outcome* outcome) {
    return [this, outcome](ObjectResult result) { *outcome = {result, sim.Now()}; };
  }
  void Put(Bytes size, Outcome* outcome) {
    client.Put(store.NewObject(data), size, ObjectCause::kWal, Into(outcome));
  }
  void Get(Outcome* outcome) {
    client.Get(object, Bytes(0), Bytes(0), ObjectCause::kCatchUpRead, Into(outcome));
  }
  int64_t ValueOf(const MetricDef& def) { return freshet::ValueOf(sim, client, def); }

  Simulation sim{92};
  Network network{sim, "network", OneZone()};
  HostId host = network.AddHost("broker-1", 0, MiBPerSecond(1000));
  ObjectStore store;
  PrefixId data = store.AddPrefix("data");
  ObjectId object = store.NewObject(data);
  ObjectClient client;
  Outcome first, second, third;
};

TEST_F(ObjectClientTest, ACallTakesWhatItsRequestTakes) {
  Put(MiB(8), &first);
  sim.Run();
  EXPECT_EQ(first.result, ObjectResult::kOk);
  EXPECT_EQ(first.at.SinceStart(), Milliseconds(80 + 100));
  EXPECT_EQ(HistogramOf(sim, client, ObjectClient::kPutLatency).max(), 180'000'000);
  EXPECT_EQ(ValueOf(ObjectClient::kGetLatency), 0);
}

TEST_F(ObjectClientTest, BodiesCompeteWithAllElseOnTheCard) {
  network.Outgoing(host).SetCapacity(MiBPerSecond(100));
  network.Connect(host, network.AddHost("peer", 0, MiBPerSecond(1000)))
      ->Send(MiB(10), TrafficCause::kReplicate, [] {});
  Put(MiB(10), &first);
  sim.Run();
  EXPECT_EQ(first.at.SinceStart(), Milliseconds(200 + 100));  // At 50 MiB/s.
}

TEST_F(ObjectClientTest, WhatIsNotThereIsNotAskedForAgain) {
  Get(&first);
  sim.Run();
  EXPECT_EQ(first.result, ObjectResult::kNotFound);
  EXPECT_EQ(first.at.SinceStart(), Milliseconds(20));
  EXPECT_EQ(ValueOf(ObjectClient::kRetries), 0);
}

TEST_F(ObjectClientTest, AnUploadInPartsIsOneObject) {
  client.CreateUpload(object, ObjectCause::kUpload, Into(&first));
  sim.Run();
  client.UploadPart(object, 0, MiB(16), ObjectCause::kUpload, Into(&first));
  client.UploadPart(object, 1, MiB(5), ObjectCause::kUpload, Into(&second));
  sim.Run();
  client.CompleteUpload(object, ObjectCause::kUpload, Into(&third));
  sim.Run();
  EXPECT_THAT(store.SizeOf(object), Optional(MiB(21)));
  client.Delete(object, ObjectCause::kUpload, Into(&third));
  client.AbortUpload(object, ObjectCause::kUpload, Into(&second));
  sim.Run();
  EXPECT_EQ(third.result, ObjectResult::kOk);
  EXPECT_EQ(second.result, ObjectResult::kNotFound);  // It was complete.
  EXPECT_EQ(store.stored(), Bytes(0));
}

// --- Turns ---

class TwoAtATimeTest : public ObjectClientTest {
 protected:
  TwoAtATimeTest() : ObjectClientTest(TwoAtATime()) {}
  static ObjectClient::Config TwoAtATime() {
    ObjectClient::Config config = Steady();
    config.most_in_flight = 2;
    return config;
  }
};

TEST_F(TwoAtATimeTest, CallsWaitTheirTurnFirstComeFirstServed) {
  std::vector<Outcome> outcomes(5);
  for (Outcome& outcome : outcomes) Put(Bytes(0), &outcome);
  EXPECT_EQ(client.in_flight(), 2);
  EXPECT_EQ(client.waiting(), 3);
  sim.Run();
  std::vector<int64_t> ends;
  for (const Outcome& outcome : outcomes) {
    ends.push_back(outcome.at.SinceStart() / Milliseconds(1));
  }
  EXPECT_THAT(ends, ElementsAre(100, 100, 200, 200, 300));
  EXPECT_EQ(HistogramOf(sim, client, ObjectClient::kPutLatency).max(), 300'000'000);
}

TEST_F(TwoAtATimeTest, TheTimeOfACallRunsFromItsTurn) {
  store.SetLatencyFactor(Ratio::Whole(90));  // 9 s, so the last one ends after 36 s.
  std::vector<Outcome> outcomes(8);
  for (Outcome& outcome : outcomes) Put(Bytes(0), &outcome);
  sim.Run();
  for (const Outcome& outcome : outcomes) EXPECT_EQ(outcome.result, ObjectResult::kOk);
  EXPECT_EQ(outcomes.back().at.SinceStart(), Seconds(36));
}

TEST(ObjectClientConfigTest, ConcurrencyFollowsTheCoresWithinBounds) {
  EXPECT_EQ(ObjectClient::Defaults(1).most_in_flight, 50);
  EXPECT_EQ(ObjectClient::Defaults(8).most_in_flight, 200);
  EXPECT_EQ(ObjectClient::Defaults(96).most_in_flight, 1000);
}

// --- Retries ---

TEST_F(ObjectClientTest, ACallFailsWhenItsLastRetryFails) {
  store.SetFailureShare(Ratio::One());
  Put(Bytes(0), &first);
  sim.Run();
  EXPECT_EQ(first.result, ObjectResult::kFailed);
  EXPECT_EQ(first.at.SinceStart(), Milliseconds(4 * 100 + 100 + 200 + 400));
  EXPECT_EQ(ValueOf(ObjectClient::kRetries), 3);
  EXPECT_EQ(ValueOf(ObjectClient::kUnsuccessful), 1);
  EXPECT_EQ(ValueOf(ObjectClient::kPutLatency), 0);
}

TEST_F(ObjectClientTest, ACallThatFailsOnceGoesWellAfterItsBackOff) {
  store.SetFailureShare(Ratio::One());
  Put(Bytes(0), &first);
  store.SetFailureShare(Ratio());
  sim.Run();
  EXPECT_EQ(first.result, ObjectResult::kOk);
  EXPECT_EQ(first.at.SinceStart(), Milliseconds(100 + 100 + 100));
}

class OneASecondTest : public ObjectClientTest {
 protected:
  OneASecondTest() : ObjectClientTest(Steady(), OneASecond()) {}
  static ObjectStore::Config OneASecond() {
    ObjectStore::Config config = QuietStore();
    config.writes_per_prefix = Rate::PerSecond(1);
    return config;
  }
};

TEST_F(OneASecondTest, BeyondTheLimitBackOffBringsItThrough) {
  Put(Bytes(0), &first);
  Put(Bytes(0), &second);
  sim.Run();
  EXPECT_EQ(first.at.SinceStart(), Milliseconds(100));
  // Refused at 20 ms, again at 520 + 20, and let in 1000 ms later.
  EXPECT_EQ(second.at.SinceStart(), Milliseconds(20 + 500 + 20 + 1000 + 100));
  EXPECT_EQ(ValueOf(ObjectClient::kThrottled), 2);
  EXPECT_EQ(ValueOf(ObjectClient::kRetries), 2);
}

class BurstOnAPrefixTest : public ObjectClientTest {
 protected:
  BurstOnAPrefixTest() : ObjectClientTest(ObjectClient::Defaults(40), AHundredASecond()) {}
  static ObjectStore::Config AHundredASecond() {
    ObjectStore::Config config = QuietStore();
    config.writes_per_prefix = Rate::PerSecond(100);
    return config;
  }
};

TEST_F(BurstOnAPrefixTest, ABurstOverTheLimitIsSpreadByJitter) {
  constexpr int64_t kCalls = 250;
  std::vector<Outcome> outcomes(kCalls);
  for (Outcome& outcome : outcomes) Put(Bytes(0), &outcome);
  sim.Run();
  int64_t ok = 0;
  for (const Outcome& outcome : outcomes) ok += outcome.result == ObjectResult::kOk;
  EXPECT_EQ(freshet::ValueOf(sim, store, ObjectStore::kPutRequests), ok);
  EXPECT_EQ(static_cast<int64_t>(store.object_count()), ok);
  // A hundred at once and a hundred a second after that; what three retries cannot wait for fails.
  EXPECT_GE(ok, 200);
  EXPECT_LE(ok, 100 + sim.Now().SinceStart() / Milliseconds(10));
  EXPECT_EQ(ok + ValueOf(ObjectClient::kUnsuccessful), kCalls);
  EXPECT_EQ(ValueOf(ObjectClient::kThrottled),
            freshet::ValueOf(sim, store, ObjectStore::kThrottled));
}

// --- Time limits and outages ---

TEST_F(ObjectClientTest, AttemptsAreGivenUpAndTheCallWithThem) {
  store.SetLatencyFactor(Ratio::Whole(150));  // 15 s, where an attempt has 10.
  Put(MiB(1), &first);
  sim.Run();
  EXPECT_EQ(first.result, ObjectResult::kTimedOut);
  EXPECT_EQ(first.at.SinceStart(), Seconds(30));  // In the third attempt.
  EXPECT_EQ(ValueOf(ObjectClient::kAttemptsTimedOut), 2);
  EXPECT_EQ(ValueOf(ObjectClient::kUnsuccessful), 1);
  EXPECT_EQ(store.object_count(), 0u);
}

TEST_F(ObjectClientTest, InAnOutageAttemptsEndWithTheirConnection) {
  store.SetDown(true);
  Put(Bytes(0), &first);
  sim.RunUntil(Time() + Seconds(5));
  store.SetDown(false);
  sim.Run();
  // Three attempts of 2 s with 100, 200 and 400 ms after them, the third begun before the end.
  EXPECT_EQ(first.result, ObjectResult::kOk);
  EXPECT_EQ(first.at.SinceStart(), Milliseconds(6'000 + 700 + 100));
}

TEST_F(ObjectClientTest, ALongOutageFailsTheCall) {
  store.SetDown(true);
  Put(Bytes(0), &first);
  sim.Run();
  EXPECT_EQ(first.result, ObjectResult::kFailed);
  EXPECT_EQ(first.at.SinceStart(), Milliseconds(8'000 + 700));
}

TEST_F(ObjectClientTest, WhoWaitsForAnAnswerWhenTheOutageBeginsWaitsForHisLimit) {
  Put(Bytes(0), &first);
  sim.RunUntil(Time() + Milliseconds(50));
  store.SetDown(true);
  sim.RunUntil(Time() + Seconds(1));
  store.SetDown(false);
  sim.Run();
  EXPECT_EQ(first.at.SinceStart(), Milliseconds(10'000 + 100 + 100));
}

// --- Hedges ---

class HedgingTest : public ObjectClientTest {
 protected:
  HedgingTest() : ObjectClientTest(Hedging()) { store.SetObject(object, MiB(1)); }
  static ObjectClient::Config Hedging() {
    ObjectClient::Config config = Steady();
    config.hedge_gets_after = Milliseconds(50);
    config.hedge_puts_after = Milliseconds(300);
    return config;
  }
  // Asks in a moment in which the store is slow: attempts begun later are not.
  void GetSlowly(Outcome* outcome) {
    store.SetLatencyFactor(Ratio::Whole(100));
    Get(outcome);
    store.SetLatencyFactor(Ratio::One());
  }
};

TEST_F(HedgingTest, ASlowReadIsOvertakenByItsHedge) {
  GetSlowly(&first);
  Get(&second);
  sim.Run();
  EXPECT_EQ(first.at.SinceStart(), Milliseconds(50 + 20));
  EXPECT_EQ(second.at.SinceStart(), Milliseconds(20));
  EXPECT_EQ(ValueOf(ObjectClient::kHedged), 1);
  EXPECT_EQ(freshet::ValueOf(sim, store, ObjectStore::kGetRequests), 3);  // Billed, won or lost.
  EXPECT_EQ(sim.Now().SinceStart(), Milliseconds(70));                    // The loser is cancelled.
}

TEST_F(HedgingTest, HedgesInFlightAreLimited) {
  store.SetLatencyFactor(Ratio::Whole(100));  // The hedges are as slow.
  std::vector<Outcome> outcomes(8);
  for (Outcome& outcome : outcomes) Get(&outcome);
  sim.RunUntil(Time() + Seconds(1));
  EXPECT_EQ(ValueOf(ObjectClient::kHedged), 5);
  sim.Run();
  for (const Outcome& outcome : outcomes) EXPECT_EQ(outcome.at.SinceStart(), Seconds(2));
  GetSlowly(&first);  // They gave their places back.
  sim.Run();
  EXPECT_EQ(ValueOf(ObjectClient::kHedged), 6);
}

TEST_F(HedgingTest, AHedgedPutIsStoredOnce) {
  store.SetLatencyFactor(Ratio::Whole(10));
  Put(MiB(10), &first);  // 100 ms and 1 s.
  store.SetLatencyFactor(Ratio::One());
  sim.Run();
  EXPECT_EQ(first.at.SinceStart(), Milliseconds(300 + 100 + 100));
  EXPECT_EQ(store.written(), MiB(1) + MiB(10));  // The object that was there, and this.
  EXPECT_EQ(freshet::ValueOf(sim, store, ObjectStore::kPutRequests), 2);
  EXPECT_EQ(
      freshet::ValueOf(sim, store, ObjectStore::kBytesIn[static_cast<int>(ObjectCause::kWal)]),
      MiB(20).count());
}

TEST_F(HedgingTest, ARetryTakesThePlaceOfAHedge) {
  store.SetFailureShare(Ratio::One());
  Get(&first);  // Fails at 20 ms, is tried again at 120.
  store.SetFailureShare(Ratio());
  store.SetLatencyFactor(Ratio::Whole(10));
  sim.Run();
  EXPECT_EQ(first.at.SinceStart(), Milliseconds(120 + 200));
  EXPECT_EQ(ValueOf(ObjectClient::kHedged), 0);
}

// ora.F10: requests of an exponential millisecond, hedged after 1.5 ms, one after the other.
TEST(ObjectClientOracle, F10HedgedRequest) {
  constexpr double kUnit = 1e6;
  constexpr int64_t kCalls = 20'000;
  const double threshold = oracle::Value("F10", "p99") * kUnit;
  const auto estimates = oracle::Replicate([&](uint64_t seed) {
    Simulation sim(seed);
    Network network(sim, "network", OneZone());
    const HostId host = network.AddHost("host", 0, MiBPerSecond(1000));
    ObjectStore::Config exponential = QuietStore();
    exponential.get_latency = Sampler::Exponential(kUnit);
    ObjectStore store(sim, "s3", exponential);
    ObjectClient::Config hedging = ObjectClient::Defaults(1);
    hedging.hedge_gets_after = Microseconds(1500);
    ObjectClient client(sim, "client", &store, &network, host, hedging);
    const ObjectId object = store.NewObject(store.AddPrefix("data"));
    store.SetObject(object, Bytes(0));
    double sum = 0;
    int64_t over = 0;
    for (int64_t i = 0; i < kCalls; ++i) {
      const Time asked = sim.Now();
      client.Get(object, Bytes(0), Bytes(0), ObjectCause::kOther, [](ObjectResult) {});
      sim.Run();
      const auto took = static_cast<double>((sim.Now() - asked).nanos());
      sum += took / kUnit;
      over += took > threshold;
    }
    return oracle::Answers{sum / static_cast<double>(kCalls),
                           static_cast<double>(over) / static_cast<double>(kCalls)};
  });
  oracle::ExpectOracle(estimates[0], "F10", "mean");
  oracle::ExpectNear(estimates[1], 0.01, "F10", "p99", oracle::kTail);
}

// --- The end of the process ---

TEST_F(HedgingTest, ACrashLeavesNothingBehind) {
  store.SetLatencyFactor(Ratio::Whole(100));
  Get(&first);  // Hedged by the time of the crash.
  Put(MiB(100), &second);
  store.SetFailureShare(Ratio::One());
  store.SetLatencyFactor(Ratio::One());
  Get(&third);  // In its back-off.
  for (int i = 0; i < 60; ++i) Get(&third);
  sim.RunUntil(Time() + Milliseconds(60));
  EXPECT_GT(client.waiting(), 0);
  EXPECT_GT(network.Outgoing(host).active(), 0);
  EXPECT_EQ(client.DropAll(), 63);
  EXPECT_EQ(network.Outgoing(host).active(), 0);
  EXPECT_EQ(sim.EventsPending(), 0u);
  EXPECT_EQ(client.in_flight() + client.waiting(), 0);
  sim.Run();
  EXPECT_EQ(first.at, Outcome().at);
  EXPECT_EQ(second.at, Outcome().at);
  EXPECT_EQ(third.at, Outcome().at);
  store.SetFailureShare(Ratio());
  Put(Bytes(0), &first);  // The next life of the process.
  sim.Run();
  EXPECT_EQ(first.at.SinceStart(), Milliseconds(60 + 100));
}

RC_GTEST_PROP(ObjectClientProperty, EveryCallEndsOnceAndTheStoreHoldsWhatWentWell, ()) {
  Simulation sim(92);
  Network network(sim, "network", OneZone());
  const HostId host = network.AddHost("host", 0, MiBPerSecond(200));
  ObjectStore::Config limited = QuietStore();
  limited.writes_per_prefix = Rate::PerSecond(20);
  ObjectStore store(sim, "s3", limited);
  const PrefixId data = store.AddPrefix("data");
  ObjectClient::Config config = ObjectClient::Defaults(1);
  config.most_in_flight = 3;
  config.hedge_puts_after = Milliseconds(150);
  ObjectClient client(sim, "client", &store, &network, host, config);
  struct Tally {
    int64_t ended = 0;
    Bytes stored;
  } tally;
  const auto sizes = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 20'000'000));
  for (const int size : sizes) {
    client.Put(store.NewObject(data), Bytes(size), ObjectCause::kWal,
               [&tally, size](ObjectResult result) {
                 ++tally.ended;
                 if (result == ObjectResult::kOk) tally.stored += Bytes(size);
               });
    store.SetDown(size % 11 == 0);
    store.SetFailureShare(Ratio::Percent(size % 50));
    sim.RunUntil(sim.Now() + Milliseconds(size % 300));
  }
  sim.Run();
  RC_ASSERT(tally.ended == static_cast<int64_t>(sizes.size()));
  RC_ASSERT(store.stored() == tally.stored);
  RC_ASSERT(client.in_flight() == 0 && client.waiting() == 0);
}

// A canary: a call that is not accounted for is noticed.
TEST_F(ObjectClientTest, ACallThatIsForgottenBreaksTheAudit) {
  Put(Bytes(0), &first);
  ObjectClientTestPeer::ForgetACall(client);
  EXPECT_THROW(sim.Run(), InvariantBroken);
}

}  // namespace
}  // namespace freshet
