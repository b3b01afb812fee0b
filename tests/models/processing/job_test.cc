// Throughput, back-pressure, lag and its drain: what the bottleneck allows, exactly.
#include <string>

#include "gtest/gtest.h"
#include "models/processing/lookup.h"
#include "tests/models/processing/job_pipeline.h"

namespace freshet {
namespace {

using Activity = Subtask::Activity;

// source -> sink in one vertex each, the second by key.
JobConfig ReadAndWrite(JobPipeline& pipeline, int readers, int writers, Duration cpu) {
  JobConfig job = PlausibleJob();
  job.vertices = {SourceVertex(readers), SinkVertex(writers, &pipeline.sink)};
  job.vertices[1].chain[0].cpu_per_record = cpu;
  job.edges = {EdgeOf(0, 1, Partitioning::kHash)};
  return job;
}

TEST(StreamJobTest, EveryRecordArrivesOnce) {
  JobPipeline pipeline(InstantLog(6, Until(Seconds(10), 1000)), SinkPromise::kPlain);
  pipeline.AddJob(ReadAndWrite(pipeline, 3, 2, Duration::Zero()));
  pipeline.Run(Seconds(20));
  EXPECT_EQ(pipeline.sink.visible(), 10'000);
  EXPECT_EQ(pipeline.sink.doubled(), 0);
  EXPECT_EQ(pipeline.sink.bytes(), pipeline.BytesInLog());
  EXPECT_EQ(pipeline.job->waterfall().records(), 10'000);
}

TEST(StreamJobTest, AFilterPassesItsShare) {
  JobPipeline pipeline(InstantLog(6, Until(Seconds(100), 1000)), SinkPromise::kPlain);
  JobConfig job = ReadAndWrite(pipeline, 2, 2, Duration::Zero());
  job.vertices[0].chain.push_back(Op(OperatorKind::kMap, "orders_only"));
  job.vertices[0].chain[1].selectivity = Ratio::Percent(25);
  pipeline.AddJob(job);
  pipeline.Run(Seconds(110));
  const int64_t filtered = ValueOf(pipeline.sim, pipeline.job->vertex(0), Vertex::kFiltered);
  EXPECT_EQ(pipeline.sink.visible() + filtered, 100'000);
  EXPECT_NEAR(static_cast<double>(pipeline.sink.visible()), 25'000, 150);
}

TEST(StreamJobTest, TheBottleneckSetsTheThroughputAndHoldsUpItsSource) {
  // 4000/s come; the one writer takes 1000/s.
  JobPipeline pipeline(InstantLog(4, Steady(4000)), SinkPromise::kPlain);
  JobConfig job = ReadAndWrite(pipeline, 2, 1, Milliseconds(1));
  job.checkpoints.reset();
  job.guarantee = DeliveryGuarantee::kAtMostOnce;
  pipeline.AddJob(job);
  pipeline.Run(Seconds(60));
  // From the first record, at most a batch of 16 away.
  EXPECT_NEAR(static_cast<double>(pipeline.sink.visible()), 60'000, 32);
  EXPECT_EQ(pipeline.job->bottleneck(), 1);
  const Subtask& source = pipeline.job->subtask(0, 0);
  EXPECT_GT(source.TimeIn(Activity::kBackPressured), Seconds(55));
  EXPECT_GT(pipeline.job->subtask(1, 0).TimeIn(Activity::kBusy), Milliseconds(59'900));
  for (const auto& each : pipeline.job->subtasks()) {
    Duration all;
    for (int i = 0; i < 4; ++i) all += each->TimeIn(static_cast<Activity>(i));
    EXPECT_EQ(all, Seconds(60));
  }
}

TEST(StreamJobTest, WhatIsUnderWayIsBoundedByTheBuffers) {
  JobPipeline pipeline(InstantLog(1, Steady(4000)), SinkPromise::kPlain);
  JobConfig job = ReadAndWrite(pipeline, 1, 1, Milliseconds(1));
  job.checkpoints.reset();
  job.guarantee = DeliveryGuarantee::kAtMostOnce;
  pipeline.AddJob(job);
  pipeline.Run(Seconds(60));
  // A pool and a gate of ten buffers of 32 records each; less than two more overdraw each of them.
  const int64_t under_way =
      pipeline.job->subtask(0, 0).emitted() - pipeline.job->subtask(1, 0).taken(0);
  EXPECT_GE(under_way, 2 * 10 * 32 - 2 * 64);
  EXPECT_LE(under_way, 2 * 10 * 32 + 3 * 64);
}

TEST(StreamJobTest, ASlowStoreIsFeltAsBackPressureOfTheSink) {
  JobPipeline pipeline(InstantLog(1, Steady(4000)), SinkPromise::kPlain, Milliseconds(16));
  JobConfig job = ReadAndWrite(pipeline, 1, 1, Duration::Zero());
  job.vertices[1].chain[0].most_writes = 1;
  job.checkpoints.reset();
  job.guarantee = DeliveryGuarantee::kAtMostOnce;
  pipeline.AddJob(job);
  pipeline.Run(Seconds(60));
  EXPECT_EQ(pipeline.job->bottleneck(), 1);
  EXPECT_GT(pipeline.job->subtask(1, 0).TimeIn(Activity::kBackPressured), Seconds(59));
}

TEST(StreamJobTest, AHotKeyMakesItsSubtaskTheLimit) {
  // Half of the records have keys of the first of four: it takes 1000/s, so all take 2000/s.
  JobPipeline pipeline(InstantLog(4, Steady(4000)), SinkPromise::kPlain);
  JobConfig job = ReadAndWrite(pipeline, 1, 4, Milliseconds(1));
  job.edges[0].weights = {3, 1, 1, 1};
  job.checkpoints.reset();
  job.guarantee = DeliveryGuarantee::kAtMostOnce;
  pipeline.AddJob(job);
  pipeline.Run(Seconds(60));
  EXPECT_NEAR(static_cast<double>(pipeline.sink.visible()), 120'000, 1'300);
  EXPECT_LT(pipeline.job->subtask(1, 3).TimeIn(Activity::kBusy), Seconds(22));
}

// ora.T01 to T04: a fluid of 1000/s before a server of 1500/s. A batch more or less is 16 ms.
struct Drain {
  int64_t peak = 0;
  Duration drained;  // From `from` on.
};
Drain WatchLag(JobPipeline& pipeline, Duration from, Duration end) {
  Drain drain;
  for (Duration at = from; at <= end; at += Seconds(1)) {
    pipeline.Run(at);
    const int64_t lag = pipeline.Job(StreamJob::kLag);
    drain.peak = std::max(drain.peak, lag);
    if (lag <= 2000 && drain.drained == Duration::Zero() && at > from) drain.drained = at - from;
  }
  return drain;
}
JobConfig OneServer(JobPipeline& pipeline, Duration cpu) {
  JobConfig job = PlausibleJob();
  VertexConfig all = SourceVertex(1, cpu);
  all.chain.push_back(SinkVertex(1, &pipeline.sink).chain[0]);
  job.vertices = {all};
  job.checkpoints.reset();
  job.guarantee = DeliveryGuarantee::kAtMostOnce;
  return job;
}

TEST(StreamJobTest, OracleT01ABacklogDrainsAtTheSpareRate) {
  JobPipeline pipeline(InstantLog(1, Steady(1000)), SinkPromise::kPlain);
  pipeline.AddJob(OneServer(pipeline, Nanoseconds(666'667)));
  pipeline.Down(pipeline.managers[0].get(), Seconds(100), Seconds(600));
  // Polls wait at the source beside the log: lag counts them.
  const Drain drain = WatchLag(pipeline, Seconds(700), Seconds(2000));
  EXPECT_NEAR(static_cast<double>(drain.peak), 600'000, 1'600);
  EXPECT_NEAR(drain.drained.ToSeconds(), 1200, 6);  // 2000 left are 4 s less.
}

TEST(StreamJobTest, OracleT02APartialLossOfCapacity) {
  JobPipeline pipeline(InstantLog(1, Steady(1000)), SinkPromise::kPlain);
  pipeline.AddJob(OneServer(pipeline, Nanoseconds(666'667)));
  // 800/s for 300 s.
  pipeline.Fault(FaultVerb::kSlow, pipeline.managers[0].get(), Seconds(100), Seconds(300),
                 BytesPerSecond(1), Ratio::FromBillionths(1'875'000'000));
  const Drain drain = WatchLag(pipeline, Seconds(400), Seconds(600));
  EXPECT_NEAR(static_cast<double>(drain.peak), 60'000, 200);
  EXPECT_NEAR(drain.drained.ToSeconds(), 120, 5);
}

// 240 s of history instead of 24 h: the time is in proportion.
void ExpectCatchUp(Duration cpu, double seconds) {
  JobPipeline pipeline(InstantLog(1, Steady(1000)), SinkPromise::kPlain);
  JobConfig job = OneServer(pipeline, cpu);
  job.vertices[0].source->start_at = Seconds(240);
  pipeline.AddJob(job);
  const Drain drain = WatchLag(pipeline, Seconds(240), Seconds(1300));
  EXPECT_NEAR(drain.drained.ToSeconds(), seconds, 0.02 * seconds);
}
TEST(StreamJobTest, OracleT03AReplayReachesTheHead) { ExpectCatchUp(Microseconds(250), 80); }
TEST(StreamJobTest, OracleT04AReplayWithLittleHeadroom) { ExpectCatchUp(Microseconds(800), 960); }

// Four subtasks, a service of two workers and 5 ms.
int64_t EnrichedIn(Duration time, Ratio cache_hits, int64_t at_a_time) {
  JobPipeline pipeline(InstantLog(4, Steady(1000)), SinkPromise::kPlain);
  LookupService::Config config;
  config.workers = 2;
  config.service_time = Sampler::Constant(5e6);
  LookupService service(pipeline.sim, "customers", config);
  JobConfig job = ReadAndWrite(pipeline, 4, 4, Duration::Zero());
  OperatorConfig enrich = Op(OperatorKind::kLookup, "enrich");
  enrich.lookup = {&service, cache_hits, at_a_time};
  job.vertices[1].chain.insert(job.vertices[1].chain.begin(), enrich);
  job.checkpoints.reset();
  job.guarantee = DeliveryGuarantee::kAtMostOnce;
  pipeline.AddJob(job);
  pipeline.Run(time);
  return pipeline.sink.visible();
}

TEST(StreamJobTest, TheNaiveLookupCollapsesAndACacheHelps) {
  // 400/s is all that the service can do, however it is asked.
  EXPECT_NEAR(static_cast<double>(EnrichedIn(Seconds(60), Ratio(), 1)), 24'000, 150);
  EXPECT_NEAR(static_cast<double>(EnrichedIn(Seconds(60), Ratio(), 100)), 24'000, 150);
  // With one of four records to be asked for it keeps up: 250/s.
  EXPECT_NEAR(static_cast<double>(EnrichedIn(Seconds(60), Ratio::Percent(75), 1)), 60'000, 300);
}

TEST(StreamJobTest, ALookupAtATimeIsBoundByItsLatency) {
  // A service without limit, 10 ms away: a subtask that asks one by one does 100/s, four 400/s.
  const auto enriched = [](int64_t at_a_time) {
    JobPipeline pipeline(InstantLog(4, Steady(1000)), SinkPromise::kPlain);
    LookupService::Config config;
    config.workers = 1'000;
    config.service_time = Sampler::Constant(0);
    config.round_trip = Milliseconds(10);
    LookupService service(pipeline.sim, "customers", config);
    JobConfig job = ReadAndWrite(pipeline, 4, 4, Duration::Zero());
    OperatorConfig enrich = Op(OperatorKind::kLookup, "enrich");
    enrich.lookup = {&service, Ratio(), at_a_time};
    job.vertices[1].chain.insert(job.vertices[1].chain.begin(), enrich);
    job.checkpoints.reset();
    job.guarantee = DeliveryGuarantee::kAtMostOnce;
    pipeline.AddJob(job);
    pipeline.Run(Seconds(60));
    return pipeline.sink.visible();
  };
  EXPECT_NEAR(static_cast<double>(enriched(1)), 24'000, 150);
  EXPECT_NEAR(static_cast<double>(enriched(16)), 60'000, 150);
}

// A reader of records and one of changes, both 100/s; three subtasks keep the table of 500 rows.
JobConfig Enriched(JobPipeline& pipeline) {
  JobConfig job = PlausibleJob();
  VertexConfig changes = SourceVertex(1);
  changes.name = "changes";
  VertexConfig enrich;
  enrich.name = "enrich";
  enrich.parallelism = 3;
  enrich.chain = {Op(OperatorKind::kBroadcast, "enrich"), SinkVertex(1, &pipeline.sink).chain[0]};
  enrich.chain[0].broadcast = {500, Bytes(1000), Milliseconds(1)};
  job.vertices = {SourceVertex(1), changes, enrich};
  job.edges = {EdgeOf(0, 2, Partitioning::kRebalance), EdgeOf(1, 2, Partitioning::kBroadcast)};
  return job;
}

TEST(StreamJobTest, EachSubtaskKeepsABroadcastTableWhole) {
  JobPipeline pipeline(InstantLog(1, Until(Seconds(10), 100)), SinkPromise::kPlain);
  pipeline.AddJob(Enriched(pipeline));
  pipeline.Run(Milliseconds(2'005));
  int64_t changed = 0;
  for (int i = 0; i < 3; ++i) {
    EXPECT_NEAR(static_cast<double>(pipeline.job->subtask(2, i).StateSize().count()), 200'000,
                4'000);
    changed += pipeline.job->subtask(2, i).operator_at(0).counts().filtered;
  }
  EXPECT_NEAR(static_cast<double>(changed), 600, 12);
  pipeline.Run(Seconds(20));
  // Rows that are there are replaced, and a thousand records have passed once.
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(pipeline.job->subtask(2, i).StateSize(), Bytes(500'000));
    EXPECT_EQ(pipeline.job->subtask(2, i).operator_at(0).counts().filtered, 1000);
    EXPECT_TRUE(pipeline.job->subtask(2, i).operator_at(0).counts().Conserved());
    // Of 1 ms each.
    EXPECT_EQ(pipeline.job->subtask(2, i).TimeIn(Subtask::Activity::kBusy), Seconds(1));
  }
  EXPECT_EQ(pipeline.sink.visible(), 1000);
  EXPECT_EQ(ValueOf(pipeline.sim, pipeline.job->vertex(2), Vertex::kFiltered), 1000);
}

TEST(StreamJobTest, ABroadcastTableIsRestored) {
  JobPipeline pipeline(InstantLog(1, Until(Seconds(30), 100)), SinkPromise::kIdempotent);
  JobConfig job = Enriched(pipeline);
  job.vertices[2].chain[0].broadcast.keys = 1'000'000;
  pipeline.AddJob(job);
  pipeline.Run(Seconds(15));
  pipeline.job->FailNow();
  pipeline.Run(Seconds(60));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(pipeline.job->subtask(2, i).StateSize(), Bytes(3'000'000));
  }
  EXPECT_EQ(pipeline.sink.visible(), 3000);
}

TEST(StreamJobTest, TaskManagersThatAreApartTalkOverTheNetwork) {
  MiniSettings settings = InstantLog(2, Until(Seconds(10), 1000));
  settings.network.rtt_within_zone = Sampler::Constant(2'000'000);
  JobPipeline pipeline(settings, SinkPromise::kPlain);
  JobConfig job = ReadAndWrite(pipeline, 2, 2, Duration::Zero());
  job.task_managers.push_back(job.task_managers[0]);
  job.slots = 1;
  pipeline.AddJob(job);
  pipeline.Run(Seconds(20));
  EXPECT_EQ(pipeline.sink.visible(), 10'000);
  // Half of the records change hosts and spend half of a round trip on it.
  for (const Waterfall::Row& row : pipeline.job->waterfall().Rows()) {
    if (row.resource != pipeline.network.component_id() || row.until != Milestone::kProcessed) {
      continue;
    }
    EXPECT_NEAR(static_cast<double>(row.total) / 1e9, 5 * 1.0, 0.1);
  }
}

TEST(StreamJobTest, AFlusherSendsWhatDoesNotFillABuffer) {
  MiniSettings settings = InstantLog(1, Until(Seconds(10), 10));
  JobPipeline pipeline(settings, SinkPromise::kPlain);
  JobConfig job = ReadAndWrite(pipeline, 1, 1, Duration::Zero());
  job.channels.flush_interval = Milliseconds(100);
  pipeline.AddJob(job);
  pipeline.Run(Seconds(20));
  EXPECT_EQ(pipeline.sink.visible(), 100);
  Duration waited;
  for (const Waterfall::Row& row : pipeline.job->waterfall().Rows()) {
    if (row.why == WaitFor::kTimer && row.until == Milestone::kProcessed) {
      EXPECT_LE(row.max, Milliseconds(100).nanos());
      waited += Nanoseconds(static_cast<int64_t>(row.total));
    }
  }
  EXPECT_GT(waited, Duration::Zero());
}

}  // namespace
}  // namespace freshet
