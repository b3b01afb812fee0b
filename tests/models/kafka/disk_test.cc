// A disk that is full, one that is checked after an unclean stop, one that is lost.
#include "gtest/gtest.h"
#include "tests/models/mini_pipeline.h"
#include "tests/oracle/oracle_data.h"

namespace freshet {
namespace {

// Every broker has all six partitions: about 1.03 MB a second. The first one has room for 10 MB.
MiniSettings SmallDisk() {
  MiniSettings s = Plausible();
  s.producers.rate = Until(Seconds(60), 1'000);
  s.first_broker_volume = Bytes(10'000'000);
  return s;
}

int64_t Failures(const MiniPipeline& pipeline, KafkaBroker& broker) {
  return ValueOf(pipeline.sim, broker, KafkaBroker::kLogDirFailures);
}

TEST(DiskFullTest, ABrokerWhoseVolumeIsFullHalts) {
  MiniPipeline pipeline(SmallDisk());
  pipeline.Run(Seconds(9));
  EXPECT_TRUE(pipeline.log.IsUp(0));
  pipeline.Run(Seconds(11));
  EXPECT_FALSE(pipeline.log.IsUp(0));
  EXPECT_EQ(Failures(pipeline, pipeline.log.broker(0)), 1);
  // Full, and by no more than the append that did not fit.
  const int64_t held = ValueOf(pipeline.sim, pipeline.log.broker(0), KafkaBroker::kLogBytes);
  EXPECT_GT(held, 10'000'000);
  EXPECT_LT(held, 10'000'000 + 6 * 20 * 1'100);
}

TEST(DiskFullTest, LeadersMoveWhenItsSessionEndsAndNothingIsLost) {
  MiniPipeline pipeline(SmallDisk());
  ASSERT_EQ(pipeline.LedBy(0), 2);
  pipeline.Run(Seconds(15));
  EXPECT_EQ(pipeline.LedBy(0), 2);  // Halted without a word.
  pipeline.Run(Seconds(20));
  EXPECT_EQ(pipeline.LedBy(0), 0);
  EXPECT_EQ(pipeline.Log(KafkaCluster::kUnderReplicated), 6);
  pipeline.Run(Minutes(3));
  EXPECT_EQ(pipeline.Producer(Producers::kAcked), 60'000);
  EXPECT_EQ(pipeline.Log(KafkaCluster::kLostAcked), 0);
  EXPECT_EQ(pipeline.RecordsInLog(), 60'000);
  EXPECT_EQ(Failures(pipeline, pipeline.log.broker(1)), 0);
}

TEST(DiskFullTest, ItFailsAgainWhenItComesBackWithoutRoom) {
  MiniPipeline pipeline(SmallDisk());
  pipeline.Fault(FaultVerb::kDown, pipeline.broker_handles[0].get(), Seconds(30), Seconds(10));
  pipeline.Run(Seconds(45));
  EXPECT_FALSE(pipeline.log.IsUp(0));
  EXPECT_EQ(Failures(pipeline, pipeline.log.broker(0)), 2);
}

TEST(DiskFullTest, RetentionInTimeKeepsItUp) {
  MiniSettings s = SmallDisk();
  s.topic.segments.bytes = Bytes(100'000);
  s.topic.retention.bytes = Bytes(500'000);
  s.cluster.retention_check_interval = Seconds(1);
  s.cluster.file_delete_delay = Seconds(1);
  s.producers.rate = Until(Seconds(120), 100);  // 100 KB a second: 3 MB at the first check.
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(120));
  EXPECT_TRUE(pipeline.log.IsUp(0));
}

// Four partitions on one broker with a history of 8 GiB each, in segments of 1 GiB, of which the
// last one is unflushed at the crash. The disk reads 256 MiB a second: 16 s for all four.
Duration StartTakes(int threads, std::optional<BytesPerSecond> rate) {
  MiniSettings s = Instant();
  s.brokers = 1;
  s.topic.partitions = 4;
  s.topic.replication_factor = s.topic.min_in_sync_replicas = 1;
  s.topic.segments.bytes = GiB(1);
  s.topic.history = Seconds(8 << 10);
  s.topic.history_rate = Rate::PerSecond(4 << 10);  // A MiB a second and partition.
  s.topic.history_record_bytes = KiB(1);
  s.producers.rate = Until(Nanoseconds(1), 1);
  s.broker.volume.bandwidth = MiBPerSecond(256);
  s.broker.volume.read_latency = Sampler::Constant(0);
  s.cluster.recovery_threads = threads;
  s.cluster.recovery_rate = rate;
  MiniPipeline pipeline(s);
  pipeline.Fault(FaultVerb::kDown, pipeline.broker_handles[0].get(), Seconds(10), Seconds(10));
  Duration at = Seconds(20);
  for (pipeline.Run(at); !pipeline.log.IsUp(0);) pipeline.Run(at = at + Milliseconds(100));
  EXPECT_EQ(ValueOf(pipeline.sim, pipeline.log.broker(0), KafkaBroker::kRecovered),
            int64_t{4} << 30);
  return at - Seconds(20);
}

TEST(LogRecoveryTest, TheLastSegmentsAreReadAtTheRateOfThreadsOrOfTheDisk) {
  EXPECT_EQ(StartTakes(1, {}), Seconds(16));                 // 4 GiB at 256 MiB/s.
  EXPECT_EQ(StartTakes(1, MiBPerSecond(64)), Seconds(64));   // One thread.
  EXPECT_EQ(StartTakes(2, MiBPerSecond(64)), Seconds(32));   // Two.
  EXPECT_EQ(StartTakes(4, MiBPerSecond(128)), Seconds(16));  // Four would do 512: the disk.
}

TEST(LogRecoveryTest, WhatIsInThePageCacheNeedsNoDisk) {
  MiniSettings s = Plausible();
  MiniPipeline pipeline(s);
  pipeline.Fault(FaultVerb::kDown, pipeline.broker_handles[0].get(), Seconds(10), Seconds(10));
  pipeline.Run(Seconds(20));
  EXPECT_TRUE(pipeline.log.IsUp(0));
}

TEST(LogRecoveryTest, ACrashDuringRecoveryStopsIt) {
  MiniSettings s = Plausible();
  s.cluster.recovery_rate = BytesPerSecond(100'000);  // About 1.7 MB a partition: 17 s each.
  MiniPipeline pipeline(s);
  pipeline.Fault(FaultVerb::kDown, pipeline.broker_handles[0].get(), Seconds(10), Seconds(10));
  pipeline.Fault(FaultVerb::kDown, pipeline.broker_handles[0].get(), Seconds(30), Minutes(10));
  pipeline.Run(Minutes(10));
  EXPECT_FALSE(pipeline.log.IsUp(0));
}

TEST(DiskLossTest, ReplicasBeginAnewAndNothingAcknowledgedIsLost) {
  MiniSettings s = Plausible();
  s.producers.rate = Until(Seconds(60), 1'000);
  MiniPipeline pipeline(s);
  pipeline.Fault(FaultVerb::kLose, pipeline.disk_handles[0].get(), Seconds(20), Seconds(20));
  pipeline.Run(Seconds(39));
  EXPECT_EQ(pipeline.log.broker(0).SegmentBytes(), Bytes(0));
  EXPECT_EQ(pipeline.LedBy(0), 0);
  EXPECT_EQ(pipeline.Log(KafkaCluster::kUnderReplicated), 6);
  pipeline.Run(Minutes(2));
  EXPECT_EQ(pipeline.Log(KafkaCluster::kUnderReplicated), 0);
  EXPECT_EQ(pipeline.Producer(Producers::kAcked), 60'000);
  EXPECT_EQ(pipeline.Log(KafkaCluster::kLostAcked), 0);
  EXPECT_EQ(pipeline.log.broker(0).SegmentBytes(), pipeline.log.broker(1).SegmentBytes());
  EXPECT_FALSE(pipeline.faults.Effects()[0].Vacuous());
}

TEST(DiskLossTest, AnEmptyDiskBackBeforeTheSessionEndsLeadsNothing) {
  MiniSettings s = Plausible();
  s.producers.rate = Until(Seconds(60), 1'000);
  MiniPipeline pipeline(s);
  pipeline.Fault(FaultVerb::kLose, pipeline.disk_handles[0].get(), Seconds(20), Seconds(2));
  pipeline.Run(Milliseconds(22'001));
  EXPECT_EQ(pipeline.LedBy(0), 0);
  pipeline.Run(Minutes(3));
  EXPECT_EQ(pipeline.Producer(Producers::kAcked), 60'000);
  EXPECT_EQ(pipeline.Log(KafkaCluster::kLostAcked), 0);
}

TEST(DiskLossTest, TheOnlyReplicaOfAPartitionIsNotElectedEmpty) {
  MiniSettings s = Plausible();
  s.topic.replication_factor = s.topic.min_in_sync_replicas = 1;
  MiniPipeline pipeline(s);
  pipeline.Fault(FaultVerb::kLose, pipeline.disk_handles[0].get(), Seconds(20), Seconds(20));
  pipeline.Run(Seconds(60));
  EXPECT_EQ(pipeline.Log(KafkaCluster::kOffline), 2);
}

// Two brokers, one partition of bytes that come at 20 556.25 B/s (16 445 bytes for 16 records).
struct Rebuild {
  double seconds;  // From the start with an empty disk to in sync; negative: not in five hours.
  int64_t rebuilding, falling_behind;  // Half an hour after the start.
  double projected;
};
Rebuild RebuildAt(int64_t throttle) {
  MiniSettings s = Plausible();
  s.brokers = 2;
  s.topic.partitions = 1;
  s.topic.replication_factor = 2;
  s.topic.min_in_sync_replicas = 1;
  s.topic.history = Seconds(1);
  s.topic.history_rate = Rate::PerSecond(1'073'742);
  s.topic.history_record_bytes = KiB(1);
  s.producers.rate = Steady(20);
  s.producers.linger = Seconds(10);
  s.cluster.replication_throttle = BytesPerSecond(throttle);
  MiniPipeline pipeline(s);
  const BrokerId follower = 1 - pipeline.log.CurrentMetadata(0)->leader[0];
  pipeline.Fault(FaultVerb::kLose, pipeline.disk_handles[static_cast<size_t>(follower)].get(),
                 Seconds(1), Seconds(19));
  Rebuild rebuild = {};
  Duration at = Seconds(20) + Minutes(30);
  pipeline.Run(at);
  rebuild.rebuilding = pipeline.Log(KafkaCluster::kRebuilding);
  rebuild.falling_behind = pipeline.Log(KafkaCluster::kFallingBehind);
  rebuild.projected = Nanoseconds(pipeline.Log(KafkaCluster::kRebuildProjected)).ToSeconds();
  while (pipeline.log.InSyncCount(0) < 2 && at < Hours(5)) pipeline.Run(at = at + Seconds(1));
  rebuild.seconds = at < Hours(5) ? (at - Seconds(20)).ToSeconds() : -1;
  return rebuild;
}

// ora.T05 at a thousandth: 2^40 / 1000 bytes at 80 000 B/s more than what comes.
TEST(DiskLossTest, ARebuildTakesItsBytesOverThrottleLessIngress) {
  const double oracle = oracle::Value("T05", "time to in-sync (s)");
  const Rebuild rebuild = RebuildAt(100'556);
  EXPECT_NEAR(rebuild.seconds, oracle, 0.001 * oracle);
  EXPECT_EQ(rebuild.rebuilding, 1);
  EXPECT_EQ(rebuild.falling_behind, 0);
  EXPECT_NEAR(rebuild.projected, oracle - 1'800, 0.5 * oracle);
}

TEST(DiskLossTest, AThrottleBelowTheIngressNeverFinishesAndSaysSo) {
  const Rebuild rebuild = RebuildAt(15'000);
  EXPECT_LT(rebuild.seconds, 0);
  EXPECT_EQ(rebuild.rebuilding, 1);
  EXPECT_EQ(rebuild.falling_behind, 1);
}

// Crashes and lost disks at any moment, one broker at a time, while retention runs, a reader lags
// and replicas rebuild: what was acknowledged by all is in the log or was deleted, and every
// replica ends with the whole of it.
TEST(DiskLossTest, NoOrderOfCrashesAndLossesLosesWhatAllHaveAcknowledged) {
  for (uint64_t seed = 1; seed <= 15; ++seed) {
    MiniSettings s = Plausible();
    s.seed = seed;
    s.topic.history = Minutes(10);
    s.topic.history_rate = Rate::PerSecond(2'000);
    s.topic.history_record_bytes = kStoredSize;
    s.topic.segments.bytes = Bytes(2'000'000);
    s.topic.retention.time = Minutes(2);
    s.cluster.retention_check_interval = Seconds(20);
    s.cluster.replication_throttle = BytesPerSecond(5'000'000);
    s.cluster.recovery_rate = BytesPerSecond(1'000'000);
    s.producers.arrivals = ArrivalLaw::kPoisson;
    s.producers.rate = Until(Minutes(6), 500);
    s.consumers = Reading();
    s.consumers->cpu_per_record = Milliseconds(1);
    MiniPipeline pipeline(s);
    RandomStream dice(seed, "test", "faults");
    for (int i = 0; i < 3; ++i) {
      const auto broker = static_cast<size_t>(dice.NextBelow(3));
      const auto at =
          Milliseconds(20'000 + 100'000 * i + static_cast<int64_t>(dice.NextBelow(9'999)));
      const auto lasts = Milliseconds(1'000 + static_cast<int64_t>(dice.NextBelow(20'000)));
      const bool lose = dice.NextBelow(2) == 0;
      FaultTarget* disk = pipeline.disk_handles[broker].get();
      FaultTarget* process = pipeline.broker_handles[broker].get();
      pipeline.Fault(lose ? FaultVerb::kLose : FaultVerb::kDown, lose ? disk : process, at, lasts);
    }
    pipeline.Run(Minutes(20));
    const int64_t history = 600 * 2'000;
    EXPECT_EQ(pipeline.Producer(Producers::kFailed), 0) << seed;
    EXPECT_EQ(pipeline.Producer(Producers::kAcked), pipeline.RecordsInLog() - history) << seed;
    EXPECT_EQ(pipeline.Log(KafkaCluster::kLostAcked), 0) << seed;
    EXPECT_EQ(pipeline.Log(KafkaCluster::kUnderReplicated), 0) << seed;
    EXPECT_EQ(pipeline.Log(KafkaCluster::kRebuilding), 0) << seed;
    EXPECT_EQ(pipeline.Consumer(Consumers::kLag), 0) << seed;
    for (BrokerId broker = 0; broker < 3; ++broker) {  // All is older than two minutes.
      EXPECT_EQ(pipeline.log.broker(broker).SegmentBytes(), Bytes(0)) << seed;
    }
  }
}

}  // namespace
}  // namespace freshet
