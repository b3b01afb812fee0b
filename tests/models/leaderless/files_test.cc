// Files of a leaderless cluster: merges, retention, deletion, and quorums of zonal buckets.
#include "gtest/gtest.h"
#include "tests/models/leaderless/leaderless_pipeline.h"

namespace freshet {
namespace {

LeaderlessSettings Writing(Duration until) {
  LeaderlessSettings s = AloneLeaderless();
  s.topic.partitions = 3;
  s.cluster.requests_per_connection = 1'000'000;
  s.producers.rate = Until(until, 1'000);
  s.producers.linger = Milliseconds(16);
  s.producers.max_in_flight = 50;
  return s;
}

TEST(LeaderlessFilesTest, ThirtyTwoFilesBecomeOne) {
  LeaderlessSettings s = Writing(Seconds(20));
  s.cluster.merge_bytes = std::nullopt;
  s.cluster.merge_files = 32;
  LeaderlessPipeline pipeline(s);
  pipeline.Run(Seconds(59));
  const int64_t files = pipeline.Log(LeaderlessCluster::kFiles);
  EXPECT_EQ(files, pipeline.OfBroker(0, LeaderlessBroker::kFiles));
  ASSERT_GE(files, 64);
  pipeline.Run(Minutes(3));
  EXPECT_EQ(pipeline.Log(LeaderlessCluster::kFiles), files / 32 + files % 32);
  // In a merged file a partition lies in one piece.
  for (PartitionId p = 0; p < 3; ++p) {
    const auto& extents = pipeline.log.index().ExtentsOf(p);
    EXPECT_LE(extents.size(), static_cast<size_t>(files / 32 + files % 32));
    EXPECT_GT(extents[0].bytes, extents.back().bytes);
  }
  // What was merged goes at the next pass of the cleaner; then the store has the log's bytes.
  EXPECT_GT(pipeline.store.stored(), pipeline.BytesInLog());
  EXPECT_EQ(pipeline.Log(LeaderlessCluster::kGarbage), files / 32 * 32);
  pipeline.Run(Minutes(6));
  EXPECT_EQ(pipeline.store.stored(), pipeline.BytesInLog());
  EXPECT_EQ(pipeline.Log(LeaderlessCluster::kGarbage), 0);
}

TEST(LeaderlessFilesTest, MergedFilesAreMergedOnceMore) {
  LeaderlessSettings s = Writing(Seconds(20));
  s.cluster.merge_bytes = std::nullopt;
  s.cluster.merge_files = 4;
  s.cluster.merge_levels = 2;
  LeaderlessPipeline pipeline(s);
  pipeline.Run(Minutes(3));
  const int64_t files = pipeline.OfBroker(0, LeaderlessBroker::kFiles);
  EXPECT_EQ(pipeline.Log(LeaderlessCluster::kFiles), files / 16 + files % 16 / 4 + files % 4);
  // Each byte of the full groups was written twice.
  EXPECT_GT(ValueOf(pipeline.sim, pipeline.log.broker(0).merger(), FileMerger::kMergedBytes),
            3 * pipeline.BytesInLog().count() / 2);
}

TEST(LeaderlessFilesTest, FilesOfAHundredMebibytesTogetherAreMerged) {
  LeaderlessSettings s = Writing(Seconds(30));
  s.cluster.merge_bytes = MiB(10);
  LeaderlessPipeline pipeline(s);
  pipeline.Run(Minutes(3));
  // 29.3 MiB and headers: two full ones, and the rest as it was.
  int merged = 0;
  for (const auto& [order, id] : pipeline.log.files().by_order()) {
    const LeaderlessFile& file = pipeline.log.files().At(id);
    if (file.level == 0) continue;
    ++merged;
    EXPECT_GE(file.size, MiB(10));
    EXPECT_LT(file.size, MiB(10) + KiB(300));
  }
  EXPECT_EQ(merged, 2);
}

TEST(LeaderlessFilesTest, RetentionDeletesWhatIsTooOldAndTheirFiles) {
  LeaderlessSettings s = Writing(Minutes(30));
  s.topic.retention.time = Minutes(10);
  s.cluster.merge_bytes = MiB(20);
  s.groups = {Reading()};
  LeaderlessPipeline pipeline(s);
  pipeline.Run(Minutes(29));
  // The last pass was after 25.5 min; it left what came in the ten minutes before.
  const double kept = static_cast<double>(pipeline.RecordsInLog()) -
                      static_cast<double>(pipeline.Log(BrokerCluster::kDeleted));
  EXPECT_NEAR(kept, 13.5 * 60'000, 1'000);
  EXPECT_EQ(pipeline.Group(Consumers::kSkipped), 0);
  pipeline.Run(Minutes(61));
  EXPECT_EQ(pipeline.Log(BrokerCluster::kDeleted), 1'800'000);
  EXPECT_EQ(pipeline.Log(LeaderlessCluster::kFiles), 0);
  EXPECT_EQ(pipeline.store.stored(), Bytes(0));
  EXPECT_EQ(pipeline.store.object_count(), 0u);
}

TEST(LeaderlessFilesTest, RetentionByBytesKeepsAtLeastThat) {
  LeaderlessSettings s = Writing(Minutes(6));
  s.topic.retention.bytes = MiB(20);
  s.cluster.merge_bytes = std::nullopt;
  s.cluster.merge_files = 1'000'000;
  LeaderlessPipeline pipeline(s);
  pipeline.Run(Milliseconds(330'001));
  for (PartitionId p = 0; p < 3; ++p) {
    EXPECT_GE(pipeline.log.LogOf(p).bytes(), MiB(20));
    EXPECT_LT(pipeline.log.LogOf(p).bytes(), MiB(21));
  }
}

// PUTs of 5, 10 and 50 ms: two of three are a quorum, and then 10 ms count.
std::vector<ObjectStore::Config> ThreeZonal() {
  std::vector<ObjectStore::Config> zonal;
  for (const double milliseconds : {5.0, 10.0, 50.0}) {
    zonal.push_back(QuietStore());
    zonal.back().express = true;
    zonal.back().stream_rate = Sampler::Constant(1e15);
    zonal.back().small_put_latency = zonal.back().large_put_latency =
        Sampler::Constant(milliseconds * 1e6);
  }
  return zonal;
}

TEST(LeaderlessFilesTest, AQuorumIsAsFastAsItsSlowest) {
  LeaderlessSettings s = AloneLeaderless();
  s.network.zones = {"a", "b", "c"};
  s.zonal = ThreeZonal();
  s.broker.files.ingest_quorum = 2;
  s.producers.rate = Until(Seconds(10), 1);
  s.producers.linger = Duration::Zero();
  LeaderlessPipeline pipeline(s);
  pipeline.Run(Seconds(30));
  const Histogram latency = HistogramOf(pipeline.sim, pipeline.producers, Producers::kLatency);
  EXPECT_NEAR(static_cast<double>(latency.max()) / 1e6, 250 + 10 + 10, 0.001);
  // The third copy follows: all three have every file.
  const auto files = static_cast<size_t>(pipeline.OfBroker(0, LeaderlessBroker::kFiles));
  for (const auto& bucket : pipeline.zonal) EXPECT_EQ(bucket->object_count(), files);
  EXPECT_EQ(pipeline.store.object_count(), 0u);
}

TEST(LeaderlessFilesTest, AZoneOfBucketsMayFailAndTwoMayNot) {
  LeaderlessSettings s = AloneLeaderless();
  s.network.zones = {"a", "b", "c"};
  s.zonal = ThreeZonal();
  s.broker.files.ingest_quorum = 2;
  s.broker.reader.lagging_threads = 0;
  s.broker.keeps_written = false;
  s.producers.rate = Until(Seconds(60), 10);
  s.producers.linger = Duration::Zero();
  s.groups = {Reading()};
  LeaderlessPipeline pipeline(s);
  pipeline.Down(pipeline.zonal_handles[0].get(), Seconds(10), Seconds(40));
  pipeline.Down(pipeline.zonal_handles[1].get(), Seconds(20), Seconds(10));
  pipeline.Run(Seconds(19));
  // The slower two are a quorum: a request in 310 ms, and five in line.
  const int64_t acked = pipeline.Producer(Producers::kAcked);
  EXPECT_GT(acked, 190 - 20);
  pipeline.Run(Milliseconds(20'320));
  const int64_t stuck = pipeline.Producer(Producers::kAcked);
  pipeline.Run(Seconds(30));
  EXPECT_EQ(pipeline.Producer(Producers::kAcked), stuck);
  pipeline.Run(Minutes(3));
  EXPECT_EQ(pipeline.Producer(Producers::kAcked), 600);
  EXPECT_EQ(pipeline.Group(Consumers::kRecords), 600);
}

// New files are in the zonal buckets, merged ones in the other; when the first are deleted, that
// holds the log.
TEST(LeaderlessFilesTest, MergesMoveDataFromZonalBucketsToTheRegionalOne) {
  LeaderlessSettings s = Writing(Seconds(20));
  s.network.zones = {"a", "b", "c"};
  s.zonal = ThreeZonal();
  s.broker.files.ingest_quorum = 2;
  s.cluster.merge_bytes = std::nullopt;
  s.cluster.merge_files = 4;
  LeaderlessPipeline pipeline(s);
  pipeline.Run(Seconds(59));
  EXPECT_EQ(pipeline.store.stored(), Bytes(0));
  for (const auto& bucket : pipeline.zonal) {
    EXPECT_EQ(bucket->stored(), pipeline.BytesInLog());
    // Sold apart: each byte that goes in.
    EXPECT_EQ(ValueOf(pipeline.sim, *bucket, ObjectStore::kUploadedBytes),
              pipeline.BytesInLog().count());
  }
  pipeline.Run(Minutes(6));
  const auto rest = static_cast<size_t>(pipeline.OfBroker(0, LeaderlessBroker::kFiles) % 4);
  for (const auto& bucket : pipeline.zonal) EXPECT_EQ(bucket->object_count(), rest);
  EXPECT_EQ(pipeline.store.stored() + pipeline.zonal[0]->stored(), pipeline.BytesInLog());
  // And each that comes out, which merging reads from the bucket of its own zone.
  EXPECT_EQ(ValueOf(pipeline.sim, *pipeline.zonal[0], ObjectStore::kRetrievedBytes),
            pipeline.store.stored().count());
}

}  // namespace
}  // namespace freshet
