// Write-ahead logs, each kind alone: when an append is durable, what is turned away, what a
// survivor reads.
#include <algorithm>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/log/s3_wal.h"
#include "models/log/volume_wal.h"
#include "sim/sampler.h"
#include "tests/models/metrics.h"
#include "tests/models/storage/quiet_store.h"

namespace freshet {
namespace {

using testing::ElementsAre;
using Answer = WriteAheadLog::Answer;

Network::Config OneZone() {
  Network::Config config;
  config.zones = {"a"};
  config.rtt_within_zone = Sampler::Constant(0);
  config.rtt_across_zones = Sampler::Constant(0);
  return config;
}

// Puts of 16 ms whatever their size, leases at once.
ObjectStore::Config FastStore() {
  ObjectStore::Config config = QuietStore();
  config.get_latency = Sampler::Constant(0);
  config.small_put_latency = config.large_put_latency = Sampler::Constant(16e6);
  config.stream_rate = Sampler::Constant(1e15);
  return config;
}

ObjectClient::Config Patient() {
  ObjectClient::Config config = ObjectClient::Defaults(8);
  config.retry.jitter = config.throttled_retry.jitter = Backoff::Jitter::kNone;
  return config;
}

// AutoMQ's (AMQSRC).
S3Wal::Config Defaults() {
  return {Milliseconds(250), Milliseconds(10), MiB(8), 50, GiB(1), S3Wal::kNever, MiB(100)};
}

class S3WalTest : public testing::Test {
 protected:
  explicit S3WalTest(const S3Wal::Config& config = Defaults())
      : wal(sim, "broker-1/wal", &client, prefix, config) {
    wal.OnDurable([this] { durable.push_back({wal.durable(), Now()}); });
    wal.OnFenced([this] { fenced_at.push_back(Now()); });
  }

  void AppendAt(Duration at, Bytes size) {
    sim.At<"test.append">(Time() + at, wal.component_id(),
                          [this, size] { EXPECT_EQ(wal.Append(size), Answer::kTaken); });
  }
  int64_t ValueOf(const MetricDef& def) { return freshet::ValueOf(sim, wal, def); }
  // To 10 us: a body takes a nanosecond or so even here.
  Duration Now() const { return Microseconds(10) * (sim.Now().SinceStart() / Microseconds(10)); }

  struct Durable {
    int64_t position;
    Duration at;
    friend bool operator==(const Durable&, const Durable&) = default;
  };

  Simulation sim{92};
  Network network{sim, "network", OneZone()};
  HostId host = network.AddHost("broker-1", 0, BytesPerSecond(int64_t{1} << 45));
  HostId other = network.AddHost("broker-2", 0, BytesPerSecond(int64_t{1} << 45));
  ObjectStore store{sim, "s3", FastStore()};
  PrefixId prefix = store.AddPrefix("wal");
  ObjectClient client{sim, "client", &store, &network, host, Patient()};
  ObjectClient survivor{sim, "survivor", &store, &network, other, Patient()};
  S3Wal wal;
  std::vector<Durable> durable;
  std::vector<Duration> fenced_at;
};

TEST_F(S3WalTest, AnAppendThatComesAloneWaitsTenMilliseconds) {
  AppendAt(Seconds(1), KiB(1));
  AppendAt(Seconds(2), KiB(2));
  sim.Run();
  EXPECT_THAT(durable, ElementsAre(Durable{KiB(1).count(), Milliseconds(1026)},
                                   Durable{KiB(3).count(), Milliseconds(2026)}));
  EXPECT_EQ(store.object_count(), 3u);  // And the lease.
}

TEST_F(S3WalTest, ABulkOpensNoSoonerThanItsIntervalAfterTheDeadlineBefore) {
  AppendAt(Milliseconds(1000), KiB(1));  // Closes at 1010.
  AppendAt(Milliseconds(1020), KiB(1));  // 1010 + 250.
  AppendAt(Milliseconds(1259), KiB(1));  // The same bulk.
  AppendAt(Milliseconds(1505), KiB(1));  // 1260 + 250 is less than 10 ms away: at 1515.
  sim.Run();
  EXPECT_THAT(durable,
              ElementsAre(Durable{1024, Milliseconds(1026)}, Durable{3 * 1024, Milliseconds(1276)},
                          Durable{4 * 1024, Milliseconds(1531)}));
}

// cal.I1: 16 ms for the put on top of an even wait up to 250 ms.
TEST_F(S3WalTest, ASteadyStreamWaitsEvenlyUpToTheInterval) {
  constexpr int kAppends = 10'000;
  const auto at = [](int i) { return Seconds(10) + Microseconds(9'973) * i; };
  for (int i = 0; i < kAppends; ++i) AppendAt(at(i), KiB(1));
  sim.Run();
  std::vector<Duration> waits;
  size_t next = 0;
  for (int i = 0; i < kAppends; ++i) {
    const int64_t end = KiB(1).count() * (i + 1);
    while (durable[next].position < end) ++next;
    waits.push_back(durable[next].at - at(i));
  }
  std::stable_sort(waits.begin(), waits.end());
  Duration sum;
  for (const Duration wait : waits) sum += wait;
  EXPECT_NEAR((sum / kAppends).ToSeconds(), 0.141, 0.001);
  EXPECT_NEAR(waits[kAppends / 2].ToSeconds(), 0.141, 0.001);
  EXPECT_NEAR(waits[kAppends * 99 / 100].ToSeconds(), 0.264, 0.001);
  EXPECT_LE(waits.back(), Milliseconds(266));
  EXPECT_GE(waits.front(), Milliseconds(16));
}

// cal.I9: four puts a second, and a fraction for the bulk that waited for 10 ms only.
TEST_F(S3WalTest, AStreamCostsAPutAnInterval) {
  for (int i = 0; i < 6'000; ++i) AppendAt(Seconds(10) + Milliseconds(10) * i, KiB(1));
  sim.Run();
  EXPECT_EQ(ValueOf(WriteAheadLog::kWrites), 60 * 4 + 1);
}

TEST_F(S3WalTest, ABulkClosesAtOnceWhenItIsLargeEnough) {
  AppendAt(Seconds(1), MiB(8));
  AppendAt(Milliseconds(1001), Bytes(1));
  AppendAt(Milliseconds(1002), Bytes(1));  // Opens at a wait of 250 ms: 1010 + 250 is further.
  sim.Run();
  EXPECT_THAT(durable, ElementsAre(Durable{MiB(8).count() + 1, Milliseconds(1017)},
                                   Durable{MiB(8).count() + 2, Milliseconds(1002 + 250 + 16)}));
}

class SlowFirstPutTest : public S3WalTest {
 protected:
  SlowFirstPutTest() {
    // What was asked while the store was slow ends after what was asked later.
    store.SetLatencyFactor(Ratio::Whole(100));
    sim.At<"test.fast">(Time() + Milliseconds(1100), store.component_id(),
                        [this] { store.SetLatencyFactor(Ratio::One()); });
  }
};

TEST_F(SlowFirstPutTest, AppendsBecomeDurableInTheirOrder) {
  AppendAt(Milliseconds(1000), KiB(1));
  AppendAt(Milliseconds(1020), KiB(1));  // Put at 1260, there at 1276.
  sim.Run();
  EXPECT_THAT(durable, ElementsAre(Durable{2048, Milliseconds(1010 + 1600)}));
}

class NarrowS3WalTest : public S3WalTest {
 protected:
  static S3Wal::Config Narrow() {
    S3Wal::Config config = Defaults();
    config.bulk_bytes = KiB(1);
    config.most_in_flight = 2;
    config.most_unflushed = KiB(7);
    return config;
  }
  NarrowS3WalTest() : S3WalTest(Narrow()) {}
};

TEST_F(NarrowS3WalTest, NoMoreThanSoManyPutsAreInFlight) {
  for (int i = 0; i < 4; ++i) AppendAt(Seconds(1), KiB(2));
  sim.Run();
  EXPECT_THAT(durable,
              ElementsAre(Durable{2048, Milliseconds(1016)}, Durable{4096, Milliseconds(1016)},
                          Durable{6144, Milliseconds(1032)}, Durable{8192, Milliseconds(1032)}));
}

TEST_F(NarrowS3WalTest, AppendsAreTurnedAwayWhileTooMuchIsUnflushed) {
  std::vector<Answer> answers;
  sim.At<"test.append">(Time() + Seconds(1), wal.component_id(), [&] {
    for (int i = 0; i < 5; ++i) answers.push_back(wal.Append(KiB(2)));
  });
  sim.At<"test.append">(Time() + Milliseconds(1016), wal.component_id(), [&] {});
  sim.At<"test.append">(Time() + Milliseconds(1017), wal.component_id(),
                        [&] { answers.push_back(wal.Append(KiB(2))); });
  sim.Run();
  EXPECT_THAT(answers, ElementsAre(Answer::kTaken, Answer::kTaken, Answer::kTaken, Answer::kTaken,
                                   Answer::kOverCapacity, Answer::kTaken));
  EXPECT_EQ(ValueOf(WriteAheadLog::kOverCapacity), 1);
  EXPECT_EQ(ValueOf(WriteAheadLog::kBytes), 10 * 1024);
}

TEST_F(S3WalTest, ALeaseThatIsLostFencesAtTheNextConfirmation) {
  AppendAt(Seconds(1), KiB(1));
  AppendAt(Seconds(2), KiB(1));
  sim.At<"test.lose">(Time() + Milliseconds(1500), wal.component_id(), [this] { wal.LoseLease(); });
  sim.Run();
  EXPECT_THAT(durable, ElementsAre(Durable{1024, Milliseconds(1026)}));
  EXPECT_THAT(fenced_at, ElementsAre(Milliseconds(2026)));
  EXPECT_EQ(wal.Append(KiB(1)), Answer::kFenced);
}

class ImpatientS3WalTest : public S3WalTest {
 protected:
  static S3Wal::Config Impatient() {
    S3Wal::Config config = Defaults();
    config.give_up_after = Duration::Zero();
    return config;
  }
  ImpatientS3WalTest() : S3WalTest(Impatient()) {}
};

TEST_F(ImpatientS3WalTest, APutThatFailsFences) {
  store.SetFailureShare(Ratio::One());
  AppendAt(Seconds(1), KiB(1));
  sim.Run();
  EXPECT_TRUE(wal.fenced());
  EXPECT_TRUE(durable.empty());
}

TEST_F(S3WalTest, AnOutageDelaysAndLosesNothing) {
  store.SetDown(true);
  sim.At<"test.up">(Time() + Minutes(5), store.component_id(), [this] { store.SetDown(false); });
  for (int i = 0; i < 100; ++i) AppendAt(Seconds(1) + Seconds(3) * i, KiB(1));
  sim.Run();
  EXPECT_EQ(wal.durable(), 100 * 1024);
  EXPECT_FALSE(wal.fenced());
}

TEST_F(S3WalTest, WhatIsTrimmedLeavesTheStore) {
  for (int i = 0; i < 4; ++i) AppendAt(Seconds(1 + i), KiB(1));
  sim.RunUntil(Time() + Seconds(10));
  ASSERT_EQ(store.object_count(), 5u);
  wal.Trim(2048 + 512);  // Half of the third is still wanted.
  sim.Run();
  EXPECT_EQ(store.object_count(), 3u);
  EXPECT_EQ(wal.Held(), Bytes(1536));
}

TEST_F(S3WalTest, ASurvivorReadsWhatWasDurableAndTheLogBeginsAnew) {
  for (int i = 0; i < 4; ++i) AppendAt(Seconds(1 + i), KiB(1));
  AppendAt(Milliseconds(5000), KiB(1));  // Not closed when the node dies.
  sim.RunUntil(Time() + Milliseconds(5005));
  client.DropAll();
  wal.Crash();
  EXPECT_EQ(wal.end(), 4096);
  Duration read_at;
  wal.TakeOver(&survivor, true,
               [&] { wal.ReadBack(&survivor, 0, wal.durable(), [&] { read_at = Now(); }); });
  sim.Run();
  EXPECT_EQ(read_at, Milliseconds(5005 + 16));  // The lease is put, reads take no time here.
  EXPECT_EQ(freshet::ValueOf(sim, store,
                             ObjectStore::kBytesOut[static_cast<size_t>(ObjectCause::kRecovery)]),
            4096);
  wal.BeginAnew(&survivor, 10'000);
  sim.Run();
  EXPECT_EQ(store.object_count(), 1u);  // The lease.
  EXPECT_EQ(wal.Append(KiB(1)), Answer::kTaken);
  sim.Run();
  EXPECT_EQ(wal.durable(), 10'000 + 1024);
}

// --- On a volume ---

VolumeWal::Config OneMillisecondWrites() {
  VolumeWal::Config config;
  config.volume = {BytesPerSecond(int64_t{1} << 45), Sampler::Constant(1e6), Sampler::Constant(1e6),
                   Sampler::Constant(1e6)};
  config.capacity = KiB(16);
  config.most_unflushed = KiB(8);
  config.most_in_flight = 2;
  config.write_interval = Microseconds(400);
  config.attach_time = Seconds(20);
  return config;
}

class VolumeWalTest : public testing::Test {
 protected:
  VolumeWalTest() {
    wal.OnDurable([this] { durable.push_back(wal.durable()); });
    wal.OnFenced([] {});
  }
  void AppendAt(Duration at, Bytes size) {
    sim.At<"test.append">(Time() + at, wal.component_id(),
                          [this, size] { EXPECT_EQ(wal.Append(size), Answer::kTaken); });
  }

  Simulation sim{92};
  VolumeWal wal{sim, "broker-1/wal", OneMillisecondWrites()};
  std::vector<int64_t> durable;
};

TEST_F(VolumeWalTest, AppendsGatherWhileNoWriteIsAllowed) {
  AppendAt(Milliseconds(10), Bytes(100));      // At once.
  AppendAt(Microseconds(10'100), Bytes(100));  // These two at 10.4 ms.
  AppendAt(Microseconds(10'200), Bytes(100));
  AppendAt(Microseconds(10'500), Bytes(100));  // Both writes are under way until 11 ms.
  AppendAt(Microseconds(10'900), Bytes(100));
  sim.Run();
  EXPECT_THAT(durable, ElementsAre(100, 300, 500));
  EXPECT_EQ(sim.Now().SinceStart(), Milliseconds(12));
  EXPECT_EQ(ValueOf(sim, wal, WriteAheadLog::kWrites), 3);
}

TEST_F(VolumeWalTest, ASlowWriteHoldsBackTheOneBehindIt) {
  wal.volume().SetLatencyFactor(Ratio::Whole(10));
  AppendAt(Milliseconds(10), Bytes(100));
  sim.RunUntil(Time() + Milliseconds(11));
  wal.volume().SetLatencyFactor(Ratio::One());
  EXPECT_EQ(wal.Append(Bytes(100)), Answer::kTaken);  // Written at 12 ms.
  sim.RunUntil(Time() + Milliseconds(19));
  EXPECT_TRUE(durable.empty());
  sim.RunUntil(Time() + Milliseconds(20));
  EXPECT_THAT(durable, ElementsAre(200));
}

TEST_F(VolumeWalTest, AFullLogTurnsAwayUntilItIsTrimmed) {
  EXPECT_EQ(wal.Append(KiB(8)), Answer::kTaken);
  EXPECT_EQ(wal.Append(Bytes(1)), Answer::kOverCapacity);  // Too much is unflushed.
  sim.Run();
  EXPECT_EQ(wal.Append(KiB(8)), Answer::kTaken);
  sim.Run();
  EXPECT_EQ(wal.Append(Bytes(1)), Answer::kOverCapacity);  // Full.
  wal.Trim(1);
  EXPECT_EQ(wal.Append(Bytes(1)), Answer::kTaken);
}

TEST_F(VolumeWalTest, AnotherMachineMustAttachItFirst) {
  AppendAt(Milliseconds(10), KiB(4));
  sim.RunUntil(Time() + Seconds(1));
  EXPECT_EQ(wal.Append(KiB(1)), Answer::kTaken);
  wal.Crash();
  EXPECT_EQ(wal.end(), KiB(4).count());
  Time here, elsewhere;
  wal.TakeOver(nullptr, false, [&] { here = sim.Now(); });
  sim.Run();
  const Time asked = sim.Now();
  wal.TakeOver(nullptr, true,
               [&] { wal.ReadBack(nullptr, 0, wal.durable(), [&] { elsewhere = sim.Now(); }); });
  sim.Run();
  EXPECT_EQ(here, Time() + Seconds(1));
  EXPECT_EQ(elsewhere - asked, Seconds(20) + Milliseconds(1));
}

}  // namespace
}  // namespace freshet
