// Objects are rewritten, garbage goes, and the index says the same as before.
#include "gtest/gtest.h"
#include "tests/models/s3stream/s3stream_pipeline.h"

namespace freshet {

class StreamObjectsTestPeer {
 public:
  static void TearAGap(StreamObjects& objects) { ++objects.streams_[0].extents[1].from; }
};

namespace {

S3Settings Trickle() {
  S3Settings s = PlausibleS3();
  s.brokers = 1;
  s.topic.partitions = 6;
  s.producers.rate = Until(Minutes(40), 100);
  return s;
}

int64_t WalAndLease(const S3Pipeline& pipeline) {
  return pipeline.log.broker(0).wal().Held().count() + 21;
}

TEST(S3StreamCompactionTest, StreamSetObjectsBecomeOneEveryFiveMinutes) {
  S3Settings s = Trickle();  // 5.9 MiB a minute: less than 8 MiB for each in five.
  S3Pipeline pipeline(s);
  pipeline.Run(Seconds(299));
  EXPECT_EQ(pipeline.Log(S3StreamCluster::kStreamSetObjects), 4);  // At 60 s and so on.
  pipeline.Run(Seconds(560));                                      // Read over four minutes.
  EXPECT_EQ(pipeline.Log(S3StreamCluster::kStreamSetObjects), 1 + 5);
  EXPECT_EQ(pipeline.log.objects().ExtentsOf(0).size(), 1u + 5u);
}

TEST(S3StreamCompactionTest, WhatIsStoredIsTheLogOnceTheGarbageIsGone) {
  S3Settings s = Trickle();
  S3Pipeline pipeline(s);
  pipeline.Run(Hours(2));
  EXPECT_EQ(pipeline.Store(ObjectStore::kStoredBytes),
            pipeline.BytesInLog().count() + WalAndLease(pipeline));
  EXPECT_GT(pipeline.BytesIn(ObjectCause::kCompaction), 0);
  EXPECT_EQ(pipeline.BytesIn(ObjectCause::kCompaction),
            pipeline.BytesOut(ObjectCause::kCompaction));
  // 240 MiB in 40 minutes: each partition has 40 MiB, in a stream object or two.
  EXPECT_LE(pipeline.Log(S3StreamCluster::kStreamSetObjects), 1);
  for (PartitionId p = 0; p < 6; ++p) {
    EXPECT_EQ(pipeline.log.objects().EndOf(p), pipeline.log.LogOf(p).log_end_offset());
  }
}

TEST(S3StreamCompactionTest, WhoReadsMeanwhileGetsEverything) {
  S3Settings s = Trickle();
  s.broker.log_cache = MiB(12);
  S3Pipeline pipeline(s);
  pipeline.Run(Minutes(35));
  Consumers late(pipeline.sim, "late", &pipeline.network, &pipeline.log, Reading());
  late.Start();
  pipeline.Run(Minutes(60));
  EXPECT_EQ(ValueOf(pipeline.sim, late, Consumers::kRecords), pipeline.RecordsInLog());
  EXPECT_GT(pipeline.OfBroker(0, S3StreamBroker::kColdBytes), 0);
}

// Canary: the audit rings.
TEST(S3StreamCompactionTest, AGapInTheIndexIsNoticed) {
  StreamObjects objects(1);
  objects.AddObject(7, KiB(1), false, 0);
  objects.AddObject(8, KiB(1), false, 0);
  objects.Commit({0, 0, 10, KiB(1), 7, Bytes(0), 0});
  objects.Commit({0, 10, 20, KiB(1), 8, Bytes(0), 0});
  objects.Audit();
  EXPECT_THROW(objects.Commit({0, 21, 22, KiB(1), 8, Bytes(0), 0}), InvariantBroken);
  StreamObjectsTestPeer::TearAGap(objects);
  EXPECT_THROW(objects.Audit(), InvariantBroken);
}

TEST(S3StreamCompactionTest, MergedExtentsKeepTheirPlaceAndTellWhatIsUnused) {
  StreamObjects objects(1);
  for (ObjectId object = 1; object <= 3; ++object) {
    objects.AddObject(object, KiB(1), false, 0);
    objects.Commit({0, static_cast<Offset>(object - 1) * 10, static_cast<Offset>(object) * 10,
                    KiB(1), object, Bytes(0), 0});
  }
  objects.AddObject(9, KiB(2), false, 0);
  std::vector<ObjectId> unused;
  objects.Replace({0, 10, 30, KiB(2), 9, Bytes(0), 0}, &unused);
  EXPECT_EQ(unused, (std::vector<ObjectId>{2, 3}));
  EXPECT_EQ(objects.At(0, 25).object, 9u);
  EXPECT_EQ(objects.AtPosition(0, KiB(1).count()).from, 10);
  EXPECT_EQ(objects.EndOf(0), 30);
  objects.Audit();
}

}  // namespace
}  // namespace freshet
