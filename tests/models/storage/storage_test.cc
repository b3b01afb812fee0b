#include "gtest/gtest.h"
#include "models/storage/page_cache.h"
#include "models/storage/volume.h"
#include "rapidcheck/gtest.h"
#include "tests/models/metrics.h"

namespace freshet {
namespace {

constexpr Bytes kMegabyte(1'000'000);

// 100 MB/s: a megabyte takes 10 ms. A read waits 2 ms before, a write 1 ms, a flush 5 ms.
Volume::Config Disk() {
  return {BytesPerSecond(100'000'000), Sampler::Constant(2e6), Sampler::Constant(1e6),
          Sampler::Constant(5e6)};
}

class VolumeTest : public testing::Test {
 protected:
  Simulation sim{92};
  Volume volume{sim, "disk", Disk()};
  Time first, second;
};

TEST_F(VolumeTest, ASmallCommandTakesItsLatency) {
  volume.Read(KiB(1), [this] { first = sim.Now(); });
  volume.Write(KiB(1), [this] { second = sim.Now(); });
  sim.Run();
  EXPECT_EQ(first.SinceStart(), Milliseconds(2));
  EXPECT_EQ(second.SinceStart(), Milliseconds(1));
}

TEST_F(VolumeTest, ALargeCommandTakesAsLongAsItsBytes) {
  volume.Read(kMegabyte, [this] { first = sim.Now(); });
  sim.Run();
  EXPECT_EQ(first.SinceStart(), Milliseconds(10));  // The latency of 2 ms lies within.
}

TEST_F(VolumeTest, ReadsAndWritesShareTheBandwidth) {
  volume.Read(kMegabyte, [this] { first = sim.Now(); });
  volume.Write(Bytes(500'000), [this] { second = sim.Now(); });
  sim.Run();
  EXPECT_EQ(second.SinceStart(), Milliseconds(10));
  EXPECT_EQ(first.SinceStart(), Milliseconds(15));
}

TEST_F(VolumeTest, AFlushWritesTheBytesAndIsTimed) {
  volume.Flush(Bytes(100'000), [this] { first = sim.Now(); });
  sim.Run();
  EXPECT_EQ(first.SinceStart(), Milliseconds(5));
  EXPECT_EQ(HistogramOf(sim, volume, Volume::kFlushLatency).max(), 5'000'000);
  EXPECT_EQ(ValueOf(sim, volume, Volume::kWrittenBytes), 100'000);
  EXPECT_EQ(ValueOf(sim, volume, Volume::kReadBytes), 0);
}

TEST_F(VolumeTest, ASlowDiskStretchesLatencyAndNotBandwidth) {
  volume.SetLatencyFactor(Ratio::Whole(3));
  volume.Write(KiB(1), [this] { first = sim.Now(); });
  volume.Write(kMegabyte, [this] { second = sim.Now(); });
  sim.Run();
  EXPECT_EQ(first.SinceStart(), Milliseconds(3));
  EXPECT_LT(second.SinceStart(), Microseconds(10'011));
}

TEST_F(VolumeTest, DropAllForgetsWhatIsUnderWay) {
  volume.Write(kMegabyte, [this] { first = sim.Now(); });
  sim.RunUntil(Time() + Milliseconds(5));
  volume.Write(kMegabyte, [this] { first = sim.Now(); });  // Still in its latency.
  volume.DropAll();
  sim.Run();
  EXPECT_EQ(first, Time());
  EXPECT_EQ(volume.commands(), 2);
}

// A bucket of 60 MB, 10 MB/s that always hold and 40 MB/s while the bucket lasts: 2 s of burst pass
// 80 MB, of which 20 MB are the baseline's.
BandwidthBurst TwoSecondsOfBurst() {
  return {BytesPerSecond(40'000'000), Bytes(60'000'000), Bytes(60'000'000)};
}
constexpr BytesPerSecond kBaseline(10'000'000);

TEST_F(VolumeTest, ABurstOfTheVolumeHoldsWhileItsCreditsLast) {
  Volume::Config disk = Disk();
  disk.bandwidth = kBaseline;
  disk.burst = TwoSecondsOfBurst();
  Volume burstable(sim, "st1", disk);
  burstable.Write(Bytes(80'000'000), [this] { first = sim.Now(); });
  sim.Run();
  EXPECT_EQ(first.SinceStart(), Seconds(2));
  burstable.Write(Bytes(20'000'000), [this] { second = sim.Now(); });
  sim.Run();
  EXPECT_EQ(second.SinceStart(), Seconds(4));
}

TEST_F(VolumeTest, VolumeAndPathAreInSeriesSoTheLesserOneRules) {
  Bandwidth path(sim, "path", BurstableBandwidth(BytesPerSecond(50'000'000), {}));
  Volume behind(sim, "gp3", Disk(), &path);  // 100 MB/s.
  behind.Write(kMegabyte, [this] { first = sim.Now(); });
  sim.Run();
  EXPECT_EQ(first.SinceStart(), Milliseconds(20));
  path.SetCapacity(BytesPerSecond(1'000'000'000));
  behind.Write(kMegabyte, [this] { second = sim.Now(); });
  sim.Run();
  EXPECT_EQ(second.SinceStart(), Milliseconds(30));
}

TEST_F(VolumeTest, NetworkVolumesOfAnInstanceShareItsPathAndLocalOnesDoNot) {
  Bandwidth path(sim, "path", BurstableBandwidth(BytesPerSecond(100'000'000), {}));
  Volume a(sim, "gp3-1", Disk(), &path), b(sim, "gp3-2", Disk(), &path);
  Time local;
  a.Write(kMegabyte, [this] { first = sim.Now(); });
  b.Write(kMegabyte, [this] { second = sim.Now(); });
  volume.Write(kMegabyte, [&] { local = sim.Now(); });
  sim.Run();
  EXPECT_EQ(first.SinceStart(), Milliseconds(20));
  EXPECT_EQ(second.SinceStart(), Milliseconds(20));
  EXPECT_EQ(local.SinceStart(), Milliseconds(10));
}

TEST_F(VolumeTest, TheCreditsOfThePathAreSpentByAllItsVolumes) {
  Bandwidth path(sim, "path", BurstableBandwidth(kBaseline, TwoSecondsOfBurst()));
  Volume a(sim, "gp3-1", Disk(), &path), b(sim, "gp3-2", Disk(), &path);
  a.Write(Bytes(40'000'000), [this] { first = sim.Now(); });
  b.Write(Bytes(60'000'000), [this] { second = sim.Now(); });
  sim.Run();
  EXPECT_EQ(first.SinceStart(), Seconds(2));   // 20 MB/s each.
  EXPECT_EQ(second.SinceStart(), Seconds(4));  // The other 20 MB at the baseline.
  EXPECT_EQ(ValueOf(sim, path, Bandwidth::kCredits), 0);
}

// 100 operations a second of 256 KiB each.
Volume::Config FewOperations() {
  Volume::Config disk = Disk();
  disk.bandwidth = BytesPerSecond(int64_t{1} << 40);
  disk.operations = {100, KiB(256)};
  return disk;
}

TEST_F(VolumeTest, ACommandIsAnOperationForEachIoSizeBegun) {
  Volume limited(sim, "gp3", FewOperations());
  limited.Write(MiB(1), [this] { first = sim.Now(); });
  sim.Run();
  EXPECT_EQ(first.SinceStart(), Milliseconds(40));
  EXPECT_EQ(ValueOf(sim, limited, Volume::kOperations), 4);
  limited.Read(KiB(256) + Bytes(1), [this] { second = sim.Now(); });
  sim.Run();
  EXPECT_EQ(second.SinceStart(), Milliseconds(60));
  EXPECT_EQ(ValueOf(sim, limited, Volume::kOperations), 6);
}

TEST_F(VolumeTest, SmallCommandsShareTheOperations) {
  Volume limited(sim, "gp3", FewOperations());
  limited.Flush(Bytes(0), [] {});  // Not a byte, and an operation.
  for (int i = 0; i < 3; ++i) limited.Write(KiB(1), [this] { first = sim.Now(); });
  sim.Run();
  EXPECT_EQ(first.SinceStart(), Milliseconds(40));
}

TEST_F(VolumeTest, OperationsBurstOnCreditsOfTheirOwn) {
  Volume::Config disk = FewOperations();
  disk.operations.burst_per_second = 400;
  disk.operations.burst_credits = 600;
  Volume limited(sim, "gp2", disk);
  limited.Read(KiB(256) * 1000, [this] { first = sim.Now(); });
  sim.Run();
  EXPECT_EQ(first.SinceStart(), Seconds(4));  // 800 in 2 s of burst, 200 in 2 s of baseline.
}

TEST_F(VolumeTest, DropAllForgetsWhatIsUnderWayOnThePath) {
  Bandwidth path(sim, "path", BurstableBandwidth(kBaseline, {}));
  Volume::Config disk = FewOperations();
  Volume behind(sim, "gp3", disk, &path);
  behind.Write(kMegabyte, [this] { first = sim.Now(); });
  sim.RunUntil(Time() + Milliseconds(5));
  behind.DropAll();
  sim.Run();
  EXPECT_EQ(first, Time());
  EXPECT_EQ(path.done(), kMegabyte);
}

// Memory of 100 MB: write-back begins above 10 MB, writers wait above 20 MB, and what is dirty for
// 30 s is written. The disk makes 100 MB/s and has no latency.
class PageCacheTest : public testing::Test {
 protected:
  static PageCache::Config Memory() {
    return {Bytes(100'000'000), Ratio::Percent(10), Ratio::Percent(20), Seconds(5), Seconds(30)};
  }
  static Volume::Config FastDisk() {
    Volume::Config disk = Disk();
    disk.write_latency = disk.flush_latency = Sampler::Constant(0);
    return disk;
  }
  bool Append(Bytes size) {
    return cache.Append(size, [this] { held_until = sim.Now(); });
  }
  int64_t Written() { return ValueOf(sim, volume, Volume::kWrittenBytes); }

  Simulation sim{92};
  Volume volume{sim, "disk", FastDisk()};
  PageCache cache{sim, "page-cache", &volume, Memory()};
  Time held_until;
};

TEST_F(PageCacheTest, AnAppendIsAMemoryCopy) {
  EXPECT_TRUE(Append(kMegabyte));
  EXPECT_EQ(cache.dirty(), kMegabyte);
  EXPECT_EQ(volume.commands(), 0);
}

TEST_F(PageCacheTest, WhatIsDirtyForThirtySecondsIsWritten) {
  Append(kMegabyte);
  sim.RunUntil(Time() + Seconds(20));
  Append(kMegabyte);
  sim.RunUntil(Time() + Milliseconds(30'010));
  EXPECT_EQ(Written(), 2'000'000);  // A piece of 4 MiB takes the younger bytes with it.
  sim.RunUntil(Time() + Milliseconds(30'020));
  EXPECT_EQ(cache.dirty(), Bytes(0));
}

TEST_F(PageCacheTest, NothingIsWrittenBeforeItExpires) {
  Append(kMegabyte);
  sim.RunUntil(Time() + Milliseconds(29'999));
  EXPECT_EQ(volume.commands(), 0);
}

TEST_F(PageCacheTest, AboveTheBackgroundLimitWriteBackBeginsAtOnce) {
  EXPECT_TRUE(Append(Bytes(11'000'000)));
  EXPECT_EQ(volume.commands(), 1);
  sim.RunUntil(Time() + Seconds(1));
  EXPECT_EQ(Written(), MiB(4).count());  // One piece brings it below the limit.
  EXPECT_EQ(cache.dirty(), Bytes(11'000'000) - MiB(4));
}

TEST_F(PageCacheTest, AboveTheDirtyLimitWritersWaitForTheDisk) {
  EXPECT_TRUE(Append(Bytes(20'000'000)));
  EXPECT_FALSE(Append(kMegabyte));
  sim.RunUntil(Time() + Milliseconds(41));
  EXPECT_EQ(held_until, Time());
  sim.RunUntil(Time() + Milliseconds(42));  // 4 MiB at 100 MB/s: 41.9 ms.
  EXPECT_EQ(held_until.SinceStart(), Nanoseconds(41'943'040));
  EXPECT_EQ(ValueOf(sim, cache, PageCache::kHeld), 1);
}

TEST_F(PageCacheTest, AWriterDoesNotOvertakeThoseThatWait) {
  Append(Bytes(20'000'000));
  EXPECT_FALSE(Append(Bytes(4'000'000)));
  sim.RunUntil(Time() + Milliseconds(1));
  EXPECT_FALSE(Append(Bytes(1)));
}

// Above the limit chunks take half of what the disk does, however many of them wait.
TEST_F(PageCacheTest, LogsAndChunksTakeTurnsAboveTheLimit) {
  Append(Bytes(20'000'000));
  std::string order;
  const auto held = [&](char who, PageCache::Writer writer) {
    EXPECT_FALSE(cache.Append(
        kMegabyte, [&order, who] { order += who; }, writer));
  };
  for (int i = 0; i < 6; ++i) held('c', PageCache::Writer::kChunkCache);
  for (int i = 0; i < 3; ++i) held('l', PageCache::Writer::kLog);
  sim.RunUntil(Time() + Seconds(1));
  EXPECT_EQ(order, "lclclcccc");
}

TEST_F(PageCacheTest, AnAppendLargerThanTheLimitEntersACleanCache) {
  EXPECT_TRUE(Append(Bytes(30'000'000)));
  EXPECT_FALSE(Append(Bytes(30'000'000)));
  sim.RunUntil(Time() + Seconds(1));
  EXPECT_EQ(held_until.SinceStart(), Milliseconds(300));  // When the first one is on the disk.
}

TEST_F(PageCacheTest, ADurableAppendIsDoneWhenTheDiskHasIt) {
  cache.AppendDurably(kMegabyte, [this] { held_until = sim.Now(); });
  sim.Run();
  EXPECT_EQ(held_until.SinceStart(), Milliseconds(10));
  EXPECT_EQ(cache.dirty(), Bytes(0));
}

TEST_F(PageCacheTest, AMachineThatDiesLosesWhatIsDirty) {
  Append(Bytes(19'000'000));
  Append(Bytes(2'000'000));
  EXPECT_EQ(cache.DropDirty(), Bytes(19'000'000));
  sim.Run();
  EXPECT_EQ(held_until, Time());
  EXPECT_TRUE(Append(kMegabyte));
  sim.Run();
  EXPECT_EQ(cache.dirty(), Bytes(0));
}

RC_GTEST_PROP(PageCacheProperty, AllThatIsAppendedIsWrittenOnceAndTheLimitHolds, ()) {
  Simulation sim(92);
  Volume::Config disk = {BytesPerSecond(100'000'000), Sampler::Constant(0), Sampler::Constant(0),
                         Sampler::Constant(0)};
  Volume volume(sim, "disk", disk);
  PageCache cache(
      sim, "page-cache", &volume,
      {Bytes(100'000'000), Ratio::Percent(10), Ratio::Percent(20), Seconds(5), Seconds(30)});
  const auto sizes = *rc::gen::container<std::vector<int>>(rc::gen::inRange(1, 9'000'000));
  int64_t total = 0;
  int64_t released = 0;
  for (const int size : sizes) {
    total += size;
    if (cache.Append(Bytes(size), [&released] { ++released; })) ++released;
    RC_ASSERT(cache.dirty() <= Bytes(20'000'000));
    sim.RunUntil(sim.Now() + Milliseconds(size % 100));
    RC_ASSERT(cache.dirty() <= Bytes(20'000'000));
  }
  sim.Run();
  RC_ASSERT(released == static_cast<int64_t>(sizes.size()));
  RC_ASSERT(cache.dirty() == Bytes(0));
  RC_ASSERT(ValueOf(sim, volume, Volume::kWrittenBytes) == total);
}

}  // namespace
}  // namespace freshet
