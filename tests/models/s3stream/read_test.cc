// The way out: log cache, block cache, objects, and the limiter.
#include "gtest/gtest.h"
#include "tests/models/s3stream/s3stream_pipeline.h"

namespace freshet {
namespace {

S3Settings OneBroker() {
  S3Settings s = PlausibleS3();
  s.brokers = 1;
  s.topic.partitions = 1;
  return s;
}

TEST(S3StreamReadTest, ATailReaderNeverTouchesAnObject) {
  S3Settings s = PlausibleS3();
  s.producers.rate = Until(Minutes(5), 1'000);
  s.consumers = Reading(2);
  S3Pipeline pipeline(s);
  pipeline.Run(Minutes(6));
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 300'000);
  EXPECT_EQ(pipeline.Consumer(Consumers::kLag), 0);
  EXPECT_EQ(pipeline.BytesOut(ObjectCause::kCatchUpRead), 0);
  EXPECT_EQ(pipeline.OfBrokers(S3StreamBroker::kColdBytes), 0);
}

// Ten minutes of history, a log cache of two: who comes late reads from objects, mostly ahead, and
// each byte once.
TEST(S3StreamReadTest, ALateReaderGetsEverythingFromObjectsAndThenTheTail) {
  S3Settings s = OneBroker();
  s.broker.log_cache = MiB(120);
  s.producers.rate = Until(Minutes(10), 1'000);  // 586 MiB.
  S3Pipeline pipeline(s);
  pipeline.Run(Minutes(12));
  Consumers::Config config = Reading();
  Consumers late(pipeline.sim, "late", &pipeline.network, &pipeline.log, config);
  late.Start();
  const Time started = pipeline.sim.Now();
  Duration took;
  while (ValueOf(pipeline.sim, late, Consumers::kRecords) < 600'000 && took < Minutes(5)) {
    pipeline.sim.RunUntil(pipeline.sim.Now() + Milliseconds(100));
    took = pipeline.sim.Now() - started;
  }
  EXPECT_EQ(ValueOf(pipeline.sim, late, Consumers::kRecords), 600'000);
  const int64_t read =
      pipeline.BytesOut(ObjectCause::kCatchUpRead) + pipeline.BytesOut(ObjectCause::kReadAhead);
  const int64_t uploaded_only =
      pipeline.BytesInLog().count() - pipeline.log.broker(0).log_cache().size().count();
  EXPECT_GE(read, uploaded_only);
  EXPECT_LT(read, pipeline.BytesInLog().count() + MiB(2).count());
  EXPECT_GT(pipeline.BytesOut(ObjectCause::kReadAhead),
            4 * pipeline.BytesOut(ObjectCause::kCatchUpRead));
  // 586 MiB at a GET of 4 MiB in 60 ms one by one would take 9 s.
  EXPECT_LT(took, Seconds(9));
}

TEST(S3StreamReadTest, WithoutReadAheadEveryReadWaitsForTheStore) {
  S3Settings s = OneBroker();
  s.broker.log_cache = MiB(120);
  s.broker.reader.most_read_ahead = s.broker.reader.read_ahead_step = Bytes(1);
  s.producers.rate = Until(Minutes(5), 1'000);
  S3Pipeline pipeline(s);
  pipeline.Run(Minutes(7));
  Consumers late(pipeline.sim, "late", &pipeline.network, &pipeline.log, Reading());
  late.Start();
  pipeline.sim.RunUntil(pipeline.sim.Now() + Seconds(2));
  // A fetch of 1 MiB waits for 20 ms and its two or three blocks of 5 ms.
  const double mib =
      static_cast<double>(ValueOf(pipeline.sim, late, Consumers::kBytesRead)) / (1 << 20);
  EXPECT_GT(mib, 40);
  EXPECT_LT(mib, 100);
}

// Catch-up has the lowest class but one: it takes what the others leave, and does not slow the
// tail.
TEST(S3StreamReadTest, CatchUpReadersTakeWhatTheTailLeaves) {
  S3Settings s = OneBroker();
  s.broker.log_cache = MiB(120);
  s.broker.outbound = {MiBPerSecond(10), Milliseconds(10), MiB(50)};
  s.producers.rate = Steady(1'000);  // 1 MiB/s up and 1 MiB/s out.
  s.consumers = Reading();
  S3Pipeline pipeline(s);
  pipeline.Run(Minutes(10));
  Consumers late(pipeline.sim, "late", &pipeline.network, &pipeline.log, Reading());
  late.Start();
  pipeline.Run(Minutes(10) + Seconds(10));  // The bucket had 50 MiB.
  const int64_t before = ValueOf(pipeline.sim, late, Consumers::kBytesRead);
  pipeline.Run(Minutes(10) + Seconds(40));
  const double rate =
      static_cast<double>(ValueOf(pipeline.sim, late, Consumers::kBytesRead) - before) / 30 /
      (1 << 20);
  // 10 less the write-ahead log, the upload and the tail, of 0.98 MiB/s each.
  EXPECT_NEAR(rate, 10 - 0.98 * 3, 1.0);
  EXPECT_LT(pipeline.Consumer(Consumers::kLag), 1'500);
}

}  // namespace
}  // namespace freshet
