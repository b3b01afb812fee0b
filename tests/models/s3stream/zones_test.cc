// Routing by zones: no client's bytes cross a zone, and what that takes instead.
#include "gtest/gtest.h"
#include "tests/models/s3stream/s3stream_pipeline.h"

namespace freshet {
namespace {

// Three zones with a broker and clients in each.
S3Settings Zoned(bool routes) {
  S3Settings s = PlausibleS3();
  s.network.zones = {"a", "b", "c"};
  s.topic.partitions = 9;
  s.producers.client_zones = {0, 1, 2};
  s.producers.rate = Until(Seconds(60), 3'000);
  s.consumers = Reading(3);
  s.consumers->member_zones = {0, 1, 2};
  if (routes) {
    s.cluster.router_channel = std::get<S3Wal::Config>(s.broker.wal);
    s.cluster.router_channel->most_in_flight = 64;
    s.cluster.router_channel->cause = ObjectCause::kRouter;
  }
  return s;
}

int64_t Between(const S3Pipeline& pipeline, TrafficCause cause) {
  int64_t bytes = 0;
  for (ZoneId from = 0; from < 3; ++from) {
    for (ZoneId to = 0; to < 3; ++to) {
      if (from == to) continue;
      for (int phase = 0; phase < kPhaseCount; ++phase) {
        bytes += pipeline.network.BytesBetween(from, to, cause, static_cast<Phase>(phase));
      }
    }
  }
  return bytes;
}

TEST(S3StreamZonesTest, WithoutItTwoThirdsCrossAZone) {
  S3Settings s = Zoned(false);
  S3Pipeline pipeline(s);
  pipeline.Run(Seconds(90));
  const int64_t written = pipeline.BytesInLog().count();
  EXPECT_NEAR(static_cast<double>(Between(pipeline, TrafficCause::kProduce)),
              static_cast<double>(written) * 2 / 3, static_cast<double>(written) * 0.05);
}

TEST(S3StreamZonesTest, WithItNoRecordCrossesAZoneAndAllAreReadOnce) {
  S3Settings s = Zoned(true);
  S3Pipeline pipeline(s);
  pipeline.Run(Seconds(90));
  EXPECT_EQ(pipeline.Producer(Producers::kAcked), 180'000);
  EXPECT_EQ(pipeline.RecordsInLog(), 180'000);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 180'000);
  EXPECT_EQ(Between(pipeline, TrafficCause::kProduce), 0);
  EXPECT_EQ(Between(pipeline, TrafficCause::kFetch), 0);
  EXPECT_GT(Between(pipeline, TrafficCause::kControl), 0);
  // Two thirds go into a channel, and come out of it at their leaders; the tail is read by brokers
  // that do not lead, once.
  const int64_t written = pipeline.BytesInLog().count();
  const int64_t routed = pipeline.BytesIn(ObjectCause::kRouter);
  EXPECT_NEAR(static_cast<double>(routed), static_cast<double>(written) * 2 / 3,
              static_cast<double>(written) * 0.05);
  EXPECT_GE(pipeline.BytesOut(ObjectCause::kRouter), routed);
  EXPECT_LE(pipeline.BytesOut(ObjectCause::kRouter), routed + written);
}

// The wait for a batch of the channel comes on top of that of the write-ahead log: for two thirds
// of the batches, and for all that travel in a request with one of them.
TEST(S3StreamZonesTest, ItCostsOneMoreWaitForABatch) {
  S3Settings plain = Zoned(false);
  S3Pipeline without(plain);
  without.Run(Seconds(90));
  S3Settings zoned = Zoned(true);
  S3Pipeline with(zoned);
  with.Run(Seconds(90));
  const auto mean = [](const S3Pipeline& pipeline) {
    const Histogram latency = pipeline.ProducerHistogram(Producers::kLatency);
    return latency.Mean() / 1e6;
  };
  // 125 ms, a put of 100 ms and a lease of 20, a round trip, a GET of 20.
  constexpr double kOneMore = 125 + 120 + 22;
  EXPECT_GT(mean(with) - mean(without), kOneMore * 2 / 3);
  EXPECT_LT(mean(with) - mean(without), kOneMore);
  EXPECT_GT(with.Store(ObjectStore::kPutRequests),
            without.Store(ObjectStore::kPutRequests) * 3 / 2);
}

TEST(S3StreamZonesTest, ChannelsAreEmptiedBehindTheirLeaders) {
  S3Settings s = Zoned(true);
  S3Pipeline pipeline(s);
  pipeline.Run(Minutes(10));
  // What was uploaded, a lease for each log and channel.
  EXPECT_EQ(pipeline.Store(ObjectStore::kStoredBytes), pipeline.BytesInLog().count() + 6 * 21);
}

// Whoever dies, what was acknowledged is there once.
TEST(S3StreamZonesTest, CrashesLoseNothingThatWasAcknowledged) {
  for (const Acks acks : {Acks::kAll, Acks::kLeader}) {
    for (uint64_t seed = 1; seed <= 6; ++seed) {
      S3Settings s = Zoned(true);
      s.seed = seed;
      s.producers.acks = acks;
      s.producers.arrivals = ArrivalLaw::kPoisson;
      s.producers.rate = Until(Seconds(120), 3'000);
      S3Pipeline pipeline(s);
      for (int i = 0; i < 4; ++i) {
        const auto phase = Milliseconds(static_cast<int64_t>(seed * 37 % 1000));
        pipeline.Down(pipeline.Broker(static_cast<BrokerId>((seed + static_cast<uint64_t>(i)) % 3)),
                      Seconds(10 + 25 * i) + phase, Seconds(i % 2 == 0 ? 18 : 3));
      }
      pipeline.Run(Seconds(400));
      const int64_t lost = pipeline.Log(BrokerCluster::kLostAcked);
      EXPECT_EQ(pipeline.Consumer(Consumers::kLag), 0) << seed;
      EXPECT_EQ(pipeline.Producer(Producers::kFailed), 0) << seed;
      if (acks == Acks::kAll) {
        EXPECT_EQ(lost, 0) << seed;
        EXPECT_EQ(pipeline.RecordsInLog(), pipeline.Producer(Producers::kAcked)) << seed;
      } else {
        // A repetition that is not durable when it is told counts as lost, though its first copy
        // may not be.
        EXPECT_GE(pipeline.RecordsInLog(), pipeline.Producer(Producers::kAcked) - lost) << seed;
      }
    }
  }
}

TEST(S3StreamZonesTest, AZoneWithoutBrokersAsksTheLeaders) {
  S3Settings s = Zoned(true);
  s.network.zones = {"a", "b", "c", "d"};
  s.producers.client_zones = {3};
  s.consumers->member_zones = {3, 3, 3};
  S3Pipeline pipeline(s);
  pipeline.Run(Seconds(90));
  EXPECT_EQ(pipeline.Producer(Producers::kAcked), 180'000);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 180'000);
  EXPECT_EQ(pipeline.BytesIn(ObjectCause::kRouter), 0);
}

}  // namespace
}  // namespace freshet
