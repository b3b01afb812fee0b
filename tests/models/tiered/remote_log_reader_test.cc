#include "models/broker/remote_log_reader.h"

#include <optional>

#include "gtest/gtest.h"
#include "tests/models/metrics.h"
#include "tests/models/storage/quiet_store.h"

namespace freshet {
namespace {

// A segment of 16 MiB at position 0 in chunks of 4 MiB: a chunk takes 20 ms and 40 ms. Its offset
// index of 4097 entries has 32 776 bytes, the other 49 164: the three small requests of a miss take
// 60 ms and 0.8 ms.
class RemoteLogReaderTest : public testing::Test {
 protected:
  static Network::Config OneZone() {
    Network::Config config;
    config.zones = {"a"};
    return config;
  }
  static RemoteLogReader::Config Plain() {
    RemoteLogReader::Config config;
    config.threads = 1;
    config.most_pending = 2;
    config.index_cache = MiB(1);
    config.chunk = MiB(4);
    config.chunk_cache = MiB(64);
    config.prefetch = Bytes(0);
    return config;
  }
  void Make(const RemoteLogReader::Config& config) {
    reader.emplace(sim, "reader", &client, &disk, config);
    segment.range = {0, 1'000, 0, MiB(16)};
    const PrefixId prefix = store.AddPrefix("data");
    segment.log = store.NewObject(prefix);
    segment.indexes = store.NewObject(prefix);
    segment.manifest = store.NewObject(prefix);
    store.SetObject(segment.log, MiB(16));
    store.SetObject(segment.indexes,
                    RemoteLogReader::IndexBytes(MiB(16)) + RemoteLogReader::kAuxiliaryBytes);
    store.SetObject(segment.manifest, RemoteLogReader::kManifestBytes);
  }
  RemoteLogReader::ReadId Read(int64_t from_mib, int64_t to_mib) {
    return reader->Read(segment, MiB(from_mib).count(), MiB(to_mib).count(), [this](bool well) {
      good += well;
      ++ended;
      ended_at = sim.Now();
    });
  }
  // Milliseconds that a read takes, alone.
  int64_t Takes(int64_t from_mib, int64_t to_mib) {
    const Time began = sim.Now();
    Read(from_mib, to_mib);
    sim.Run();
    return (ended_at - began) / Milliseconds(1);
  }
  int64_t Of(const MetricDef& def) { return ValueOf(sim, *reader, def); }
  int64_t Gets() { return ValueOf(sim, store, ObjectStore::kGetRequests); }

  Simulation sim{92};
  Network network{sim, "network", OneZone()};
  HostId host = network.AddHost("broker-1", 0, MiBPerSecond(1000));
  ObjectStore store{sim, "s3", QuietStore()};
  ObjectClient client{sim, "client", &store, &network, host, ObjectClient::Defaults(8)};
  Volume volume{
      sim,
      "disk",
      {MiBPerSecond(300), Sampler::Constant(0), Sampler::Constant(0), Sampler::Constant(0)}};
  PageCache disk{sim,
                 "page-cache",
                 &volume,
                 {GiB(1), Ratio::Percent(10), Ratio::Percent(20), Seconds(5), Seconds(30)}};
  std::optional<RemoteLogReader> reader;
  RemoteSegment segment;
  int good = 0;
  int ended = 0;
  Time ended_at;
};

TEST_F(RemoteLogReaderTest, TheFirstReadFetchesIndexesAndItsChunk) {
  Make(Plain());
  EXPECT_EQ(Takes(0, 1), 60 + 60);
  EXPECT_EQ(Gets(), 3 + 1);
  EXPECT_EQ(Takes(1, 2), 0);  // Within the chunk.
  EXPECT_EQ(Gets(), 4);
  EXPECT_EQ(Takes(3, 5), 60);  // Into the next one.
  EXPECT_EQ(Gets(), 5);
  EXPECT_EQ(Takes(8, 16), 60 + 60);  // Two, one after the other.
  EXPECT_EQ(good, 4);
  EXPECT_EQ(Of(RemoteLogReader::kIndexMisses), 1);
  EXPECT_EQ(Of(RemoteLogReader::kChunkMisses), 4);
  EXPECT_EQ(Of(RemoteLogReader::kChunkHits), 2);
  EXPECT_EQ(Of(RemoteLogReader::kFetchedBytes), MiB(1 + 1 + 2 + 8).count());
}

TEST_F(RemoteLogReaderTest, PrefetchBringsWhatComesNext) {
  RemoteLogReader::Config config = Plain();
  config.prefetch = MiB(8);
  Make(config);
  EXPECT_EQ(Takes(0, 1), 60 + 60);
  EXPECT_EQ(Gets(), 3 + 3);   // Two chunks behind the first.
  EXPECT_EQ(Takes(4, 5), 0);  // And the fourth is asked for; there is no fifth.
  EXPECT_EQ(Gets(), 3 + 4);
  EXPECT_EQ(Takes(8, 16), 0);
  EXPECT_EQ(Gets(), 3 + 4);
  EXPECT_EQ(ValueOf(sim, store, ObjectStore::kBytesOut[static_cast<int>(ObjectCause::kReadAhead)]),
            MiB(12).count());
}

TEST_F(RemoteLogReaderTest, ChunksPassTheDisk) {
  Make(Plain());
  Takes(0, 8);
  EXPECT_EQ(ValueOf(sim, volume, Volume::kWrittenBytes), MiB(8).count());
}

TEST_F(RemoteLogReaderTest, WithoutACacheEachReadFetchesItsChunk) {
  RemoteLogReader::Config config = Plain();
  config.chunk_cache = Bytes(0);
  Make(config);
  Takes(0, 1);
  EXPECT_EQ(Takes(1, 2), 60);
  EXPECT_EQ(Gets(), 3 + 2);
  EXPECT_EQ(ValueOf(sim, volume, Volume::kWrittenBytes), 0);
}

TEST_F(RemoteLogReaderTest, ReadsWaitForAThreadAndAFullQueueRefuses) {
  Make(Plain());
  EXPECT_NE(Read(0, 1), RemoteLogReader::kRefused);
  EXPECT_NE(Read(4, 5), RemoteLogReader::kRefused);
  EXPECT_NE(Read(8, 9), RemoteLogReader::kRefused);
  EXPECT_EQ(Read(12, 13), RemoteLogReader::kRefused);
  sim.RunUntil(Time() + Milliseconds(1));
  EXPECT_EQ(Of(RemoteLogReader::kQueue), 2);
  sim.Run();
  EXPECT_EQ(good, 3);
  EXPECT_EQ(ended_at.SinceStart() / Milliseconds(1), 60 + 60 + 60 + 60);
  EXPECT_EQ(Of(RemoteLogReader::kRejected), 1);
}

TEST_F(RemoteLogReaderTest, AnAbandonedReadThatHasNotBegunNeverDoes) {
  Make(Plain());
  Read(0, 1);
  const RemoteLogReader::ReadId second = Read(4, 5);
  sim.RunUntil(Time() + Milliseconds(1));
  reader->Abandon(second);
  sim.Run();
  EXPECT_EQ(ended, 1);
  EXPECT_EQ(Gets(), 3 + 1);
}

TEST_F(RemoteLogReaderTest, ReadsOfTheSameChunkShareItsRequest) {
  RemoteLogReader::Config config = Plain();
  config.threads = 2;
  Make(config);
  Read(0, 1);
  Read(1, 2);
  sim.Run();
  EXPECT_EQ(good, 2);
  EXPECT_EQ(Gets(), 3 + 1);
}

TEST_F(RemoteLogReaderTest, AMissingObjectFailsTheRead) {
  Make(Plain());
  segment.log = 0;
  Read(0, 1);
  sim.Run();
  EXPECT_EQ(ended, 1);
  EXPECT_EQ(good, 0);
  EXPECT_EQ(Of(RemoteLogReader::kFetchErrors), 1);
}

TEST_F(RemoteLogReaderTest, TheQuotaCountsBytesThatWereRead) {
  RemoteLogReader::Config config = Plain();
  config.quota = MiBPerSecond(1);
  Make(config);
  sim.RunUntil(Time() + Seconds(100));
  Takes(0, 16);
  // 16 s of the quota, of which ten were saved.
  EXPECT_EQ(reader->AllowedAt(), ended_at + Seconds(6));
}

}  // namespace
}  // namespace freshet
