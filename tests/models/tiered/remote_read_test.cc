// Consumers who read below the local log start.
#include "gtest/gtest.h"
#include "tests/models/tiered/tiered_pipeline.h"

namespace freshet {
namespace {

// Ten segments of 1600 records for each of two partitions, nine of them remote and no more local.
MiniSettings TwoOldPartitions() {
  MiniSettings s = Tiered(Milliseconds(1));
  s.brokers = s.topic.replication_factor = s.topic.min_in_sync_replicas = 1;
  s.topic.partitions = 2;
  s.topic.segments.bytes = Bytes(1'600 * 1'024);
  s.topic.history = Seconds(160);
  s.topic.history_rate = Rate::PerSecond(200);
  s.topic.history_record_bytes = kStoredSize;
  s.producers.rate = Until(Milliseconds(1), 100);
  s.consumers = Reading();
  return s;
}

TEST(RemoteReadTest, AFetchIsServedOneRemotePartition) {
  MiniPipeline pipeline(TwoOldPartitions());
  ASSERT_EQ(pipeline.log.LocalLogStart(0), 9 * 1'600);
  pipeline.Run(Seconds(10));
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 2 * 10 * 1'600);
  // A segment is 1.6 MB, a partition's part of an answer 1 MiB: two reads each, each in a fetch of
  // its own. The local segments take two fetches more, of both partitions, and one is left waiting.
  EXPECT_EQ(OfReaders(pipeline, RemoteLogReader::kFetches), 2 * 9 * 2);
  EXPECT_GE(pipeline.Consumer(Consumers::kFetches), 2 * 9 * 2 + 2);
  EXPECT_EQ(OfReaders(pipeline, RemoteLogReader::kFetchedBytes), 2 * 9 * 1'600 * 1'024);
  // A segment is within a chunk: fetched once, found once.
  EXPECT_EQ(OfReaders(pipeline, RemoteLogReader::kIndexMisses), 2 * 9);
  EXPECT_EQ(OfReaders(pipeline, RemoteLogReader::kChunkMisses), 2 * 9);
  EXPECT_EQ(OfReaders(pipeline, RemoteLogReader::kChunkHits), 2 * 9);
  // Manifest, two indexes and the chunk; what copying does are PUTs.
  EXPECT_EQ(ValueOf(pipeline.sim, *pipeline.store, ObjectStore::kGetRequests), 2 * 9 * 4);
  EXPECT_EQ(ValueOf(pipeline.sim, *pipeline.store,
                    ObjectStore::kBytesOut[static_cast<int>(ObjectCause::kCatchUpRead)]),
            2 * 9 * 1'600 * 1'024);
}

// A follower serves what only remote storage has, too: it reads the chunks itself (KIP-392,
// KIP-405).
TEST(RemoteReadTest, AFollowerInTheRackReadsFromRemoteStorageItself) {
  MiniSettings s = TwoOldPartitions();
  s.network.zones = {"a", "b"};
  s.brokers = s.topic.replication_factor = 2;
  s.topic.partitions = 1;
  s.cluster.rack_aware_selector = true;
  s.consumers->client_rack = true;
  s.consumers->metadata_max_age = Minutes(5);
  const BrokerId leader = MiniPipeline(s).log.CurrentMetadata(0)->leader[0];
  const BrokerId follower = 1 - leader;
  s.consumers->member_zones = {static_cast<ZoneId>(follower)};
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(10));
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 20 * 1'600);
  EXPECT_EQ(pipeline.Consumer(Consumers::kFromFollowers), 20 * 1'600 * kStoredSize.count());
  const auto reads = [&](BrokerId id) {
    return ValueOf(pipeline.sim, pipeline.log.remote_log(id).reader(), RemoteLogReader::kFetches);
  };
  EXPECT_EQ(reads(leader), 0);
  EXPECT_EQ(reads(follower), 19 * 2);
}

TEST(RemoteReadTest, PartitionsTakeTurns) {
  MiniPipeline pipeline(TwoOldPartitions());
  pipeline.Run(Milliseconds(1'100));
  // About ten reads of 96 ms, each followed by one that finds its chunk: neither is far ahead.
  const int64_t first = OfReaders(pipeline, RemoteLogReader::kIndexMisses);
  EXPECT_GE(first, 8);
  EXPECT_LE(first, 12);
  EXPECT_GE(pipeline.Consumer(Consumers::kRecords), 8 * 1'600);
}

// A consumer's own time limit does not count: the broker answers after remote.fetch.max.wait.ms
// without the data, and goes on with the read for the next fetch.
TEST(RemoteReadTest, ASlowReadIsAnsweredEmptyAndGoesOn) {
  MiniSettings s = TwoOldPartitions();
  s.topic.partitions = 1;
  s.topic.history_rate = Rate::PerSecond(100);
  s.store->get_latency = Sampler::Constant(400e6);  // 1.2 s for the indexes, 0.4 s for the chunk.
  MiniPipeline pipeline(s);
  pipeline.Run(Milliseconds(1'550));
  EXPECT_EQ(OfReaders(pipeline, RemoteLogReader::kExpired), 3);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 0);
  pipeline.Run(Milliseconds(1'700));
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 1'600);
  // Fetches that came meanwhile have waited for the same requests.
  EXPECT_EQ(OfReaders(pipeline, RemoteLogReader::kIndexMisses), 2);  // And of the next segment.
  pipeline.Run(Seconds(30));
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 10 * 1'600);
}

TEST(RemoteReadTest, TheFetchQuotaHoldsReadsBack) {
  MiniSettings s = TwoOldPartitions();
  // 18 segments in 45 s, less ten seconds that may be used in advance.
  s.cluster.remote_log->reader.quota = BytesPerSecond(2 * 9 * 1'600 * 1'024 / 45);
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(22));
  EXPECT_LT(pipeline.Consumer(Consumers::kRecords), 2 * 7 * 1'600);
  pipeline.Run(Seconds(60));
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 2 * 10 * 1'600);
}

TEST(RemoteReadTest, AnOutageHoldsTheReplayAndLosesNothing) {
  MiniSettings s = TwoOldPartitions();
  MiniPipeline pipeline(s);
  pipeline.Fault(FaultVerb::kDown, pipeline.store_handle.get(), Milliseconds(500), Seconds(60));
  pipeline.Run(Seconds(60));
  const int64_t before = pipeline.Consumer(Consumers::kRecords);
  EXPECT_LT(before, 10 * 1'600);
  pipeline.Run(Seconds(120));
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 2 * 10 * 1'600);
  EXPECT_EQ(pipeline.Consumer(Consumers::kSkipped), 0);
}

TEST(RemoteReadTest, ABrokerThatDiesForgetsItsReads) {
  MiniSettings s = TwoOldPartitions();
  MiniPipeline pipeline(s);
  pipeline.Fault(FaultVerb::kDown, pipeline.broker_handles[0].get(), Milliseconds(550),
                 Seconds(20));
  pipeline.Run(Seconds(60));
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 2 * 10 * 1'600);
}

}  // namespace
}  // namespace freshet
