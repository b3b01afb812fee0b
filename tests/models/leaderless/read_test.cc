// Reads of leaderless brokers: the cache of a zone, misses that share a GET, lagging readers.
#include "gtest/gtest.h"
#include "tests/models/leaderless/leaderless_pipeline.h"

namespace freshet {
namespace {

// Producers that write a file each 250 ms for ten seconds, into one partition.
LeaderlessSettings Writing() {
  LeaderlessSettings s = AloneLeaderless();
  s.cluster.requests_per_connection = 1'000'000;
  s.producers.rate = Until(Seconds(10), 1'000);
  s.producers.linger = Milliseconds(16);
  s.producers.max_in_flight = 50;
  return s;
}

TEST(LeaderlessReadTest, WhatTheBrokerHasWrittenComesFromItsCache) {
  LeaderlessSettings s = Writing();
  s.groups = {Reading()};
  LeaderlessPipeline pipeline(s);
  pipeline.Run(Seconds(20));
  EXPECT_EQ(pipeline.Group(Consumers::kRecords), 10'000);
  EXPECT_EQ(pipeline.Store(ObjectStore::kGetRequests), 0);
  EXPECT_EQ(pipeline.OfReaders(FileReader::kHitBytes), pipeline.BytesInLog().count());
}

TEST(LeaderlessReadTest, ManyReadersOfAZoneCostOneGetForEachBlock) {
  LeaderlessSettings s = Writing();
  s.brokers = 3;  // Of one zone: blocks have an owner among them.
  s.broker.keeps_written = false;
  s.cluster.shared_cache = true;
  s.cluster.assignment = LeaderlessCluster::Assignment::kPerClient;
  for (int group = 0; group < 5; ++group) s.groups.push_back(Reading());
  LeaderlessPipeline pipeline(s);
  pipeline.Run(Seconds(20));
  for (size_t group = 0; group < 5; ++group) {
    EXPECT_EQ(pipeline.Group(Consumers::kRecords, group), 10'000);
  }
  // A file is smaller than a block.
  int64_t files = 0;
  for (BrokerId id = 0; id < 3; ++id) files += pipeline.OfBroker(id, LeaderlessBroker::kFiles);
  EXPECT_EQ(pipeline.Store(ObjectStore::kGetRequests), files);
  EXPECT_EQ(pipeline.BytesOut(ObjectCause::kCatchUpRead), pipeline.BytesInLog().count());
  // The owners handed over what others asked them for.
  EXPECT_GT(pipeline.OfReaders(FileReader::kPeerBytes), 0);
  EXPECT_EQ(pipeline.OfReaders(FileReader::kHitBytes) + pipeline.OfReaders(FileReader::kMissBytes),
            5 * pipeline.BytesInLog().count());
}

TEST(LeaderlessReadTest, EachZoneReadsABlockOnce) {
  LeaderlessSettings s = Writing();
  s.network.zones = {"a", "b", "c"};
  s.brokers = 3;
  for (const ZoneId zone : {0u, 1u, 2u}) {
    s.groups.push_back(Reading());
    s.groups.back().member_zones = {zone};
  }
  LeaderlessPipeline pipeline(s);
  pipeline.Run(Seconds(20));
  // The producer is in zone a, whose broker has what it wrote; the other two read each file.
  EXPECT_EQ(pipeline.Store(ObjectStore::kGetRequests),
            2 * pipeline.OfBroker(0, LeaderlessBroker::kFiles));
  EXPECT_EQ(pipeline.AcrossZones(TrafficCause::kProduce), 0);
  EXPECT_EQ(pipeline.AcrossZones(TrafficCause::kFetch), 0);
  EXPECT_EQ(pipeline.AcrossZones(TrafficCause::kReplicate), 0);
}

// A miss: 5 ms for the look-up and 20 for the GET, after the 360 of the publisher.
TEST(LeaderlessReadTest, EndToEndIsPublishLookUpAndGet) {
  LeaderlessSettings s = AloneLeaderless();
  s.broker.keeps_written = false;
  s.producers.rate = Steady(1);
  s.producers.linger = Duration::Zero();
  s.groups = {Reading()};
  LeaderlessPipeline pipeline(s);
  pipeline.Run(Seconds(60));
  const Histogram latency = HistogramOf(pipeline.sim, *pipeline.groups[0], Consumers::kEndToEnd);
  EXPECT_NEAR(static_cast<double>(latency.max()) / 1e6, 385, 0.01);
}

TEST(LeaderlessReadTest, BlocksThatAreTooManyAreReadAgain) {
  LeaderlessSettings s = Writing();
  s.broker.keeps_written = false;
  s.broker.reader.most_blocks = 1;
  s.broker.reader.lagging_threads = 0;
  s.groups = {Reading(), Reading()};
  s.groups[1].start_at = Seconds(15);  // When the cache has the last file alone.
  LeaderlessPipeline pipeline(s);
  pipeline.Run(Seconds(30));
  const int64_t files = pipeline.OfBroker(0, LeaderlessBroker::kFiles);
  EXPECT_GE(pipeline.Store(ObjectStore::kGetRequests), 2 * files - 1);
  EXPECT_EQ(pipeline.Group(Consumers::kRecords, 1), 10'000);
}

TEST(LeaderlessReadTest, ABlockExpiresAMinuteAfterItCame) {
  LeaderlessSettings s = Writing();
  s.broker.reader.lagging_threads = 0;
  s.groups = {Reading()};
  s.groups[0].start_at = Seconds(75);
  s.cluster.merge_bytes = std::nullopt;
  s.cluster.merge_files = 1'000'000;
  LeaderlessPipeline pipeline(s);
  pipeline.Run(Seconds(90));
  EXPECT_EQ(pipeline.Group(Consumers::kRecords), 10'000);
  EXPECT_EQ(pipeline.Store(ObjectStore::kGetRequests),
            pipeline.OfBroker(0, LeaderlessBroker::kFiles));
}

// A history of an hour, read from its beginning: past the cache, and no faster than the limit of
// requests allows.
TEST(LeaderlessReadTest, LaggingReadersGoPastTheCacheAtTheirOwnRate) {
  LeaderlessSettings s = AloneLeaderless();
  s.producers.rate = Steady(1);
  s.topic.history = Hours(1);
  s.topic.history_rate = Rate::PerSecond(1'000);
  s.topic.history_record_bytes = Bytes(1'024);
  s.broker.reader.lagging_rate = Rate::PerSecond(2);
  s.groups = {Reading()};
  LeaderlessPipeline pipeline(s);
  EXPECT_EQ(pipeline.store.stored(), Bytes(int64_t{3'600'000} * 1'024));
  EXPECT_EQ(pipeline.store.object_count(), 36u);  // 3516 MiB by 100.
  pipeline.Run(Minutes(10));
  // A MiB a fetch, which is max.partition.fetch.bytes, two of them a second and two at once; a
  // range over the edge of a file costs two requests.
  const double mebibytes =
      static_cast<double>(pipeline.OfReaders(FileReader::kLaggingBytes)) / (1 << 20);
  EXPECT_GT(mebibytes, 2 * 600 - 20);
  EXPECT_LE(mebibytes, 2 * 600 + 2);
  EXPECT_EQ(pipeline.OfReaders(FileReader::kMissBytes), 0);
}

TEST(LeaderlessReadTest, AReplayOfTheHistoryReadsEveryByteOnce) {
  LeaderlessSettings s = AloneLeaderless();
  s.topic.partitions = 4;
  s.producers.rate = Until(Milliseconds(1), 1'000);
  s.topic.history = Minutes(10);
  s.topic.history_rate = Rate::PerSecond(1'000);
  s.topic.history_record_bytes = Bytes(1'024);
  s.broker.reader.lagging_rate = std::nullopt;
  s.groups = {Reading(2)};
  LeaderlessPipeline pipeline(s);
  pipeline.Run(Minutes(10));
  EXPECT_EQ(pipeline.Group(Consumers::kRecords), pipeline.RecordsInLog());
  // Six files of 100 s; the last is too young for the lagging path.
  EXPECT_EQ(pipeline.OfReaders(FileReader::kLaggingBytes), 500'000 * 1'024);
}

}  // namespace
}  // namespace freshet
