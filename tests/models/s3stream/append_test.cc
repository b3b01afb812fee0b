// The way in: the write-ahead log as producers feel it, uploads, back-pressure.
#include "gtest/gtest.h"
#include "tests/models/s3stream/s3stream_pipeline.h"

namespace freshet {
namespace {

// One broker, one partition, nothing takes time but the clients and the store.
S3Settings Alone() {
  S3Settings s = PlausibleS3();
  s.brokers = 1;
  s.topic.partitions = 1;
  MakeInstant(&s);
  return s;
}

// Puts of 16 ms and leases at once: what cal.I1 reckons with.
void AnswerIn16Milliseconds(S3Settings* s) {
  s->store.get_latency = Sampler::Constant(0);
  s->store.small_put_latency = s->store.large_put_latency = Sampler::Constant(16e6);
  s->store.stream_rate = Sampler::Constant(1e15);
}

// cal.I1, the shape of pub.C3: mean 141, p50 141, p99 264 ms; observed were 141, 140 and 266.
TEST(S3StreamAppendTest, OneNodeAnswersAsTheBatchTimerAndAPutSay) {
  S3Settings s = Alone();
  AnswerIn16Milliseconds(&s);
  s.producers.rate = Steady(100);
  s.producers.arrivals = ArrivalLaw::kPoisson;
  s.producers.linger = Duration::Zero();
  S3Pipeline pipeline(s);
  pipeline.Run(Minutes(10));
  const Histogram latency = HistogramOf(pipeline.sim, pipeline.producers, Producers::kLatency);
  EXPECT_NEAR(latency.Mean(), 141e6, 1.5e6);
  EXPECT_NEAR(static_cast<double>(latency.Quantile(50, 100)), 141e6, 3e6);
  EXPECT_NEAR(static_cast<double>(latency.Quantile(99, 100)), 264e6, 3e6);
}

// cal.I9: a put every 250 ms, whatever the rate.
TEST(S3StreamAppendTest, AnActiveBrokerPutsFourTimesASecond) {
  S3Settings s = Alone();
  AnswerIn16Milliseconds(&s);
  s.producers.rate = Steady(100);
  S3Pipeline pipeline(s);
  pipeline.Run(Minutes(10));
  EXPECT_NEAR(static_cast<double>(
                  ValueOf(pipeline.sim, pipeline.log.broker(0).wal(), WriteAheadLog::kWrites)),
              600 * 4, 2);
}

// A channel that is muted until the answer would have one request for each put: at 250 ms, with
// 16 records a batch, 64 records a second.
TEST(S3StreamAppendTest, RequestsOfAConnectionWaitForTheSamePut) {
  S3Settings s = Alone();
  AnswerIn16Milliseconds(&s);
  s.producers.rate = Steady(1'000);
  s.producers.linger = Milliseconds(16);
  s.producers.max_request_size = kBatchSize;
  S3Pipeline pipeline(s);
  pipeline.Run(Seconds(60));
  EXPECT_NEAR(static_cast<double>(pipeline.Producer(Producers::kAcked)), 60'000, 300);
  EXPECT_EQ(pipeline.Producer(Producers::kRetries), 0);
}

TEST(S3StreamAppendTest, AcksOneDoesNotWaitForTheWriteAheadLog) {
  S3Settings s = Alone();
  s.producers.acks = Acks::kLeader;
  s.producers.linger = Duration::Zero();
  S3Pipeline pipeline(s);
  pipeline.Run(Seconds(60));
  // A body takes a nanosecond or so even here.
  EXPECT_LT(HistogramOf(pipeline.sim, pipeline.producers, Producers::kLatency).max(), 10);
}

TEST(S3StreamAppendTest, ATailIsUploadedAMinuteAfterItsFirstRecord) {
  S3Settings s = Alone();
  AnswerIn16Milliseconds(&s);
  s.producers.rate = Until(Seconds(1), 1'000);
  S3Pipeline pipeline(s);
  pipeline.Run(Milliseconds(60'266));
  EXPECT_EQ(pipeline.log.objects().EndOf(0), 0);
  const Bytes in_wal = pipeline.log.broker(0).wal().Held();
  EXPECT_EQ(in_wal, pipeline.BytesInLog());
  // The first record is durable after 266 ms; the controller is asked twice, for 10 ms each.
  pipeline.Run(Milliseconds(60'266 + 10 + 16 + 10 + 1));
  EXPECT_EQ(pipeline.log.objects().EndOf(0), 1'000);
  EXPECT_EQ(pipeline.log.broker(0).wal().Held(), Bytes(0));
  pipeline.Run(Seconds(61));
  // One object, and the lease: what is uploaded leaves the write-ahead log.
  EXPECT_EQ(pipeline.store.object_count(), 2u);
  EXPECT_EQ(pipeline.BytesIn(ObjectCause::kUpload), in_wal.count());
  EXPECT_EQ(pipeline.Log(S3StreamCluster::kStreamObjects), 1);
}

TEST(S3StreamAppendTest, AFullBlockIsUploadedAtOnce) {
  S3Settings s = Alone();
  s.broker.log_cache = MiB(30);                  // A block of 10 MiB.
  s.producers.rate = Until(Seconds(10), 3'000);  // Some 30 MiB.
  S3Pipeline pipeline(s);
  pipeline.Run(Seconds(15));
  ASSERT_FALSE(pipeline.log.objects().ExtentsOf(0).empty());
  EXPECT_LE(pipeline.log.objects().ExtentsOf(0)[0].bytes, MiB(10));
  EXPECT_GT(pipeline.log.objects().ExtentsOf(0)[0].bytes, MiB(10) - kBatchSize * 2);
}

TEST(S3StreamAppendTest, PartitionsThatAreLargeEnoughGetObjectsOfTheirOwn) {
  S3Settings s = Alone();
  s.topic.partitions = 4;
  s.producers.keys = {KeyDistribution::Kind::kHot, 1'000, 0, Ratio::Percent(90)};
  s.producers.rate = Until(Seconds(30), 1'000);  // 26 MiB to one, 1 MiB to the others.
  S3Pipeline pipeline(s);
  pipeline.Run(Seconds(90));  // From 60 s on, over 20 s.
  EXPECT_EQ(pipeline.Log(S3StreamCluster::kStreamObjects), 1);
  EXPECT_EQ(pipeline.Log(S3StreamCluster::kStreamSetObjects), 1);
  int with_their_own = 0;
  for (PartitionId p = 0; p < 4; ++p) {
    ASSERT_EQ(pipeline.log.objects().ExtentsOf(p).size(), 1u);
    const StreamExtent& extent = pipeline.log.objects().ExtentsOf(p)[0];
    EXPECT_EQ(extent.to, pipeline.log.LogOf(p).log_end_offset());
    const bool own = !pipeline.log.objects().objects().at(extent.object).stream_set;
    EXPECT_EQ(own, extent.bytes >= MiB(8));
    with_their_own += own;
  }
  EXPECT_EQ(with_their_own, 1);
}

// The store is out for 10 minutes: bulks gather up to what may be unflushed, then appends wait, and
// producers with them. When it is back, everything arrives, once.
TEST(S3StreamAppendTest, AnOutageOfTheStoreHoldsProducersBackAndLosesNothing) {
  S3Settings s = Alone();
  auto& wal = std::get<S3Wal::Config>(s.broker.wal);
  wal.most_unflushed = KiB(128);
  s.producers.rate = Until(Minutes(5), 1'000);
  s.producers.max_in_flight = 1'000;
  s.producers.idempotent = false;
  s.producers.request_timeout = s.producers.delivery_timeout = Minutes(30);
  s.producers.max_block = Minutes(30);
  S3Pipeline pipeline(s);
  pipeline.Down(&pipeline.store_handle, Seconds(30), Minutes(10));
  pipeline.Run(Minutes(9));
  EXPECT_GT(pipeline.OfBroker(0, S3StreamBroker::kBackingOff), 0);
  EXPECT_LE(pipeline.log.broker(0).wal().Unflushed(), KiB(128) + kBatchSize);
  pipeline.Run(Minutes(30));
  EXPECT_EQ(pipeline.OfBroker(0, S3StreamBroker::kBackingOff), 0);
  EXPECT_EQ(pipeline.Producer(Producers::kAcked), 300'000);
  EXPECT_EQ(pipeline.RecordsInLog(), 300'000);
}

// Uploads are slower than producers while the write-ahead log, on a volume, is not: the log cache
// fills, and the upload's rate becomes the producers'.
TEST(S3StreamAppendTest, AFullLogCacheSlowsProducersToThePaceOfUploads) {
  S3Settings s = Alone();
  s.broker.log_cache = MiB(48);
  s.broker.wal = VolumeWal::Config{
      {MiBPerSecond(1'000), Sampler::Constant(1e6), Sampler::Constant(1e6), Sampler::Constant(1e6)},
      GiB(2),
      MiB(512),
      8,
      Microseconds(333),
      Duration::Zero()};
  s.broker.network_bandwidth = MiBPerSecond(8);  // 8 MiB/s in, 8 MiB/s up.
  s.store.stream_rate = Sampler::Constant(MiBPerSecond(2).count());
  s.broker.object_client.attempt_timeout = s.broker.object_client.call_timeout = Hours(1);
  s.producers.rate = Steady(8'000);  // 8 MiB/s
  s.producers.client_zones = {0, 0, 0, 0};
  s.producers.linger = Milliseconds(100);
  s.producers.max_block = s.producers.delivery_timeout = s.producers.request_timeout = Hours(1);
  S3Pipeline pipeline(s);
  pipeline.Run(Minutes(2));
  const int64_t before = pipeline.Producer(Producers::kBytesAcked);
  pipeline.Run(Minutes(12));
  const double rate =
      static_cast<double>(pipeline.Producer(Producers::kBytesAcked) - before) / 600 / (1 << 20);
  EXPECT_LE(pipeline.log.broker(0).log_cache().size(), MiB(49));  // What was on its way.
  EXPECT_GT(pipeline.OfBroker(0, S3StreamBroker::kBackingOff), 0);
  // Blocks of 16 MiB at 2 MiB/s each, three of them in the cache at most.
  EXPECT_GT(rate, 2.0);
  EXPECT_LT(rate, 6.0);
}

// cal.I7 with RF 1: the volume's rate.
TEST(S3StreamAppendTest, AVolumeLimitsWhatIsWrittenToItsRate) {
  S3Settings s = Alone();
  s.broker.wal = VolumeWal::Config{{BytesPerSecond(10'000'000), Sampler::Constant(1e6),
                                    Sampler::Constant(1e6), Sampler::Constant(1e6)},
                                   GiB(2),
                                   MiB(512),
                                   8,
                                   Microseconds(333),
                                   Duration::Zero()};
  s.producers.rate = Steady(12'000);
  s.producers.client_zones = {0, 0, 0, 0};
  s.producers.max_block = s.producers.delivery_timeout = s.producers.request_timeout = Hours(1);
  S3Pipeline pipeline(s);
  pipeline.Run(Seconds(60));
  const int64_t before = pipeline.Producer(Producers::kBytesAcked);
  pipeline.Run(Seconds(120));
  EXPECT_NEAR(static_cast<double>(pipeline.Producer(Producers::kBytesAcked) - before) / 60, 10e6,
              0.2e6);
}

}  // namespace
}  // namespace freshet
