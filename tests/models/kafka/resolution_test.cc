// What must not change: counts with the resolution, draws with the company, anything with a rerun.
#include <array>
#include <memory>

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
  s.cluster.batches_per_parcel = batches_per_parcel;
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

// What a producer decides by itself does not depend on the resolution: batches and what is in them,
// the partitions that they go to, and the requests, which a batch that is due shares with others.
TEST(ResolutionTest, ParcelsHoldTheSameBatchesInAsManyRequests) {
  MiniSettings s = Instant();
  s.network.rtt_within_zone = Sampler::Constant(1'000);
  s.producers.client_zones = {0, 0, 0, 0};
  s.producers.arrivals = ArrivalLaw::kPoisson;
  s.producers.event_size = EventSizes::Lognormal(Bytes(800), 0.5);
  s.producers.linger = Milliseconds(5);
  // Some batches fill, some wait for their linger.
  s.producers.rate = Until(Seconds(20), 50'000);
  for (const auto kind : {KeyDistribution::Kind::kNone, KeyDistribution::Kind::kZipf}) {
    s.producers.keys = {kind, 1000, 1.0, Ratio()};
    const auto run_at = [&s](int32_t batches) {
      s.producers.batches_per_parcel = s.cluster.batches_per_parcel = batches;
      auto pipeline = std::make_unique<MiniPipeline>(s);
      pipeline->Run(Seconds(25));
      return pipeline;
    };
    const auto fine = run_at(1);
    EXPECT_GT(fine->Producer(Producers::kRequests), 10'000);
    for (const int32_t batches : {4, 16}) {
      const auto coarse = run_at(batches);
      for (const MetricDef& metric :
           {Producers::kTaken, Producers::kAcked, Producers::kBytesAcked, Producers::kRequests}) {
        EXPECT_EQ(coarse->Producer(metric), fine->Producer(metric)) << metric.name << batches;
      }
      EXPECT_EQ(coarse->ProducerHistogram(Producers::kBatchRecords),
                fine->ProducerHistogram(Producers::kBatchRecords));
      EXPECT_EQ(coarse->ProducerHistogram(Producers::kBatchWait),
                fine->ProducerHistogram(Producers::kBatchWait));
      for (PartitionId p = 0; p < fine->Partitions(); ++p) {
        EXPECT_EQ(coarse->log.LogOf(p).log_end_offset(), fine->log.LogOf(p).log_end_offset());
        EXPECT_EQ(coarse->log.LogOf(p).bytes(), fine->log.LogOf(p).bytes());
      }
    }
  }
}

// A feed so slow that a parcel never fills: nothing waits longer than a quarter of a second for
// each batch that a parcel could hold, and what there is at the end comes.
TEST(ResolutionTest, AParcelDoesNotWaitForEver) {
  MiniSettings s = Instant();
  s.producers.client_zones = {0};
  s.producers.arrivals = ArrivalLaw::kConstant;
  s.producers.linger = Duration::Zero();
  s.producers.rate = Until(Seconds(10), 2);  // At 0.5, 1 ... 10 s, each record a batch.
  s.topic.partitions = 1;
  s.producers.batches_per_parcel = s.cluster.batches_per_parcel = 4;
  MiniPipeline pipeline(s);
  pipeline.Run(Milliseconds(1400));
  EXPECT_EQ(pipeline.RecordsInLog(), 0);  // The first waits for a second: four quarters.
  pipeline.Run(Milliseconds(1600));
  EXPECT_EQ(pipeline.RecordsInLog(), 3);  // Of 0.5, 1 and 1.5 s.
  pipeline.Run(Seconds(12));
  EXPECT_EQ(pipeline.RecordsInLog(), 20);
  EXPECT_EQ(pipeline.Producer(Producers::kAcked), 20);
  EXPECT_EQ(pipeline.Producer(Producers::kRequests), 20);
  // What it waited for the others does not count: it is the resolution's, not the client's.
  EXPECT_LT(pipeline.ProducerHistogram(Producers::kLatency).max(), Milliseconds(1).nanos());
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
