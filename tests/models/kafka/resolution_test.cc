// What must not change: counts with the resolution, draws with the company, anything with a rerun.
#include <array>

#include "gtest/gtest.h"
#include "tests/models/mini_pipeline.h"

namespace freshet {
namespace {

MiniSettings Busy() {
  MiniSettings s = Plausible();
  s.producers.client_zones = {0, 0, 0, 0};
  s.producers.rate = Until(Seconds(20), 40'000);
  s.consumers = Reading(2);
  return s;
}

struct Sums {
  int64_t records, bytes, in_log, read;
  double latency, end_to_end;
};

Sums RunAt(MiniSettings s, int32_t batches_per_parcel) {
  s.producers.batches_per_parcel = batches_per_parcel;
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(30));
  return {pipeline.Producer(Producers::kAcked),
          pipeline.Producer(Producers::kBytesAcked),
          pipeline.RecordsInLog(),
          pipeline.Consumer(Consumers::kRecords),
          pipeline.ProducerHistogram(Producers::kLatency).Mean(),
          HistogramOf(pipeline.sim, *pipeline.consumers, Consumers::kEndToEnd).Mean()};
}

TEST(ResolutionTest, ParcelsKeepRecordsAndBytesExactly) {
  const Sums fine = RunAt(Busy(), 1);
  EXPECT_EQ(fine.records, 800'000);
  for (const int32_t parcel : {4, 16}) {
    const Sums coarse = RunAt(Busy(), parcel);
    EXPECT_EQ(coarse.records, fine.records) << parcel;
    EXPECT_EQ(coarse.bytes, fine.bytes) << parcel;
    EXPECT_EQ(coarse.in_log, fine.in_log) << parcel;
    EXPECT_EQ(coarse.read, fine.read) << parcel;
    // A parcel's work is done in one piece: never more than so many times the latency.
    EXPECT_LT(coarse.latency, parcel * fine.latency) << parcel;
    EXPECT_GT(coarse.latency, fine.latency) << parcel;
  }
}

TEST(ResolutionTest, ParcelsKeepLatenciesWhereTimersAndDistanceMakeThem) {
  MiniSettings s = Instant();
  s.network.rtt_within_zone = Sampler::Constant(500'000);
  s.producers.client_zones = {0, 0, 0, 0};
  s.producers.rate = Until(Seconds(20), 8'000);  // Eleven records a batch, closed by the linger.
  s.consumers = Reading(2);
  const Sums fine = RunAt(s, 1);
  for (const int32_t parcel : {4, 16}) {
    const Sums coarse = RunAt(s, parcel);
    EXPECT_NEAR(coarse.latency, fine.latency, 0.05 * fine.latency) << parcel;
    EXPECT_NEAR(coarse.end_to_end, fine.end_to_end, 0.1 * fine.end_to_end) << parcel;
  }
}

Digests DigestsOf(const MiniSettings& settings, bool series = true) {
  MiniPipeline pipeline(settings);
  pipeline.sim.SetSeries(series);
  pipeline.Fault(FaultVerb::kDown, pipeline.broker_handles[1].get(), Seconds(5), Seconds(3));
  pipeline.Run(Seconds(15));
  return pipeline.sim.FinishDigests();
}

TEST(ResolutionTest, TwoRunsOfOneSeedAreEqual) {
  MiniSettings s = Busy();
  s.producers.arrivals = ArrivalLaw::kPoisson;
  s.network.rtt_within_zone = Sampler::Lognormal(200'000, 0.3);
  const Digests once = DigestsOf(s);
  EXPECT_EQ(once, DigestsOf(s));
  EXPECT_EQ(once, DigestsOf(s, false));  // Series are for people.
  s.seed = 93;
  EXPECT_NE(once.result, DigestsOf(s).result);
}

TEST(ResolutionTest, AnotherReaderChangesNobodysArrivals) {
  MiniSettings s = Busy();
  s.producers.arrivals = ArrivalLaw::kPoisson;
  MiniPipeline alone(s);
  alone.Run(Seconds(30));
  MiniPipeline shared(s);
  Consumers second(shared.sim, "second", &shared.network, &shared.log, Reading(3));
  second.Start();
  shared.Run(Seconds(30));
  EXPECT_GT(ValueOf(shared.sim, second, Consumers::kRecords), 700'000);
  EXPECT_EQ(alone.Producer(Producers::kTaken), shared.Producer(Producers::kTaken));
  EXPECT_EQ(alone.Producer(Producers::kRequests), shared.Producer(Producers::kRequests));
  EXPECT_EQ(alone.ProducerHistogram(Producers::kBatchRecords),
            shared.ProducerHistogram(Producers::kBatchRecords));
  EXPECT_EQ(alone.ProducerHistogram(Producers::kBatchWait),
            shared.ProducerHistogram(Producers::kBatchWait));
  for (PartitionId p = 0; p < alone.Partitions(); ++p) {
    EXPECT_EQ(alone.log.LogOf(p).log_end_offset(), shared.log.LogOf(p).log_end_offset());
  }
}

TEST(ResolutionTest, OtherBrokersSeeTheSameArrivals) {
  MiniSettings s = Busy();
  s.producers.arrivals = ArrivalLaw::kPoisson;
  MiniPipeline fast(s);
  fast.Run(Seconds(30));
  s.brokers = 5;
  s.broker.cpu_per_request = Microseconds(200);
  MiniPipeline slow(s);
  slow.Run(Seconds(30));
  EXPECT_EQ(fast.Producer(Producers::kTaken), slow.Producer(Producers::kTaken));
}

// The log never holds more than was given, nor less than was acknowledged, at any moment.
TEST(ResolutionTest, RecordsAreConservedAtEveryMoment) {
  MiniPipeline pipeline(Busy());
  for (int step = 1; step <= 200; ++step) {
    pipeline.Run(Milliseconds(step * 100));
    const int64_t in_log = pipeline.RecordsInLog();
    EXPECT_LE(pipeline.Producer(Producers::kAcked), in_log);
    EXPECT_LE(in_log, pipeline.Producer(Producers::kTaken));
    EXPECT_LE(pipeline.Consumer(Consumers::kRecords), in_log);
  }
}

}  // namespace
}  // namespace freshet
