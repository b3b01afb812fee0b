// Event time: windows fire when the watermark passes, late records are counted, an idle partition
// holds all back unless it is told to be idle.
#include "gtest/gtest.h"
#include "tests/models/processing/job_pipeline.h"

namespace freshet {
namespace {

WatermarkConfig Bounded(Duration out_of_orderness) {
  WatermarkConfig config;
  config.out_of_orderness = out_of_orderness;
  config.interval = Milliseconds(200);
  return config;
}

JobConfig Windowed(JobPipeline& pipeline, int readers, int windows, Duration size) {
  JobConfig job = PlausibleJob();
  VertexConfig window;
  window.name = "counts";
  window.parallelism = windows;
  window.chain = {Op(OperatorKind::kWindow, "count"), SinkVertex(1, &pipeline.sink).chain[0]};
  WindowConfig& config = window.chain[0].window;
  config.size = config.slide = size;
  config.keys = 100;
  config.bytes_per_row = Bytes(50);
  config.state_per_row = Bytes(80);
  job.vertices = {SourceVertex(readers), window};
  job.edges = {EdgeOf(0, 1, Partitioning::kHash)};
  job.watermarks = Bounded(Seconds(1));
  return job;
}

TEST(WindowTest, AWindowFiresWhenTheWatermarkPassesItsEnd) {
  // One record each 10 ms: 1000 in 10 s, of 100 keys.
  JobPipeline pipeline(InstantLog(1, Steady(100)), SinkPromise::kPlain);
  pipeline.AddJob(Windowed(pipeline, 1, 1, Seconds(10)));
  pipeline.Run(Seconds(10));
  EXPECT_EQ(pipeline.sink.visible(), 0);
  EXPECT_EQ(pipeline.job->subtask(1, 0).StateSize(), Bytes(80 * 100));
  // The record of 11 s makes it fire, at the next beat of 200 ms.
  pipeline.Run(Milliseconds(10'999));
  EXPECT_EQ(pipeline.sink.visible(), 0);
  pipeline.Run(Milliseconds(11'210));
  EXPECT_NEAR(static_cast<double>(pipeline.sink.visible()), 1000, 1);
  EXPECT_EQ(pipeline.sink.bytes(), Bytes(100 * 50));
  EXPECT_EQ(ValueOf(pipeline.sim, pipeline.job->vertex(1), Vertex::kWindows), 1);
  EXPECT_EQ(ValueOf(pipeline.sim, pipeline.job->vertex(1), Vertex::kRows), 100);
  EXPECT_EQ(ValueOf(pipeline.sim, pipeline.job->vertex(1), Vertex::kLate), 0);
}

// Sessions of 8 s with ten records each, over after 4 s of silence. A record is anywhere in its
// session, so it waits for a rest of up to 8 s, the gap, a step of half a second and the watermark.
TEST(WindowTest, ARecordWaitsForTheRestOfItsSession) {
  JobPipeline pipeline(InstantLog(1, Steady(100)), SinkPromise::kPlain);
  JobConfig job = Windowed(pipeline, 1, 1, Milliseconds(500));
  job.vertices[1].chain[0].window.session = {Seconds(4), Seconds(8), 10};
  pipeline.AddJob(job);
  // The first rests are 0.5 s: the records of [0, 0.5) with them are over at 5 s, seen at 6.2 s.
  pipeline.Run(Milliseconds(5'900));
  EXPECT_EQ(pipeline.sink.visible(), 0);
  pipeline.Run(Milliseconds(6'300));
  EXPECT_GT(pipeline.sink.visible(), 0);
  EXPECT_LT(pipeline.sink.visible(), 30);
  pipeline.Run(Seconds(100));
  const Vertex& vertex = pipeline.job->vertex(1);
  EXPECT_EQ(ValueOf(pipeline.sim, vertex, Vertex::kRows), pipeline.sink.visible() / 10);
  EXPECT_EQ(ValueOf(pipeline.sim, vertex, Vertex::kLate), 0);
  // Half of the length, the gap, some of a step, the watermark and half of its beat: 9.4 s of 100/s
  // are in the state, a tenth of that are sessions.
  const RecordCounts& counts = pipeline.job->subtask(1, 0).operator_at(0).counts();
  EXPECT_TRUE(counts.Conserved());
  EXPECT_NEAR(static_cast<double>(counts.buffered), 950, 60);
  EXPECT_GT(pipeline.job->subtask(1, 0).StateSize(), Bytes(80 * counts.buffered / 10));
}

// Two readers of 100/s each, of which a quarter find a partner: 500 of 2000 records in 10 s, 250
// pairs. The others are filtered when the window fires, and all are kept until then.
TEST(WindowTest, AJoinPassesWhatFindsAPartner) {
  JobPipeline pipeline(InstantLog(1, Steady(100)), SinkPromise::kPlain);
  JobConfig job = Windowed(pipeline, 1, 2, Seconds(10));
  VertexConfig other = SourceVertex(1);
  other.name = "other";
  job.vertices.insert(job.vertices.begin() + 1, other);
  job.edges = {EdgeOf(0, 2, Partitioning::kHash), EdgeOf(1, 2, Partitioning::kHash)};
  WindowConfig& window = job.vertices[2].chain[0].window;
  window.all_records = true;
  window.join = {Ratio::Percent(25), Ratio::Percent(50)};
  pipeline.AddJob(job);
  pipeline.Run(Milliseconds(10'999));
  RecordCounts before;
  for (int i = 0; i < 2; ++i)
    before.buffered += pipeline.job->subtask(2, i).operator_at(0).counts().buffered;
  EXPECT_NEAR(static_cast<double>(before.buffered), 2200, 4);
  pipeline.Run(Milliseconds(11'210));
  RecordCounts after;
  for (int i = 0; i < 2; ++i) {
    const RecordCounts& counts = pipeline.job->subtask(2, i).operator_at(0).counts();
    EXPECT_TRUE(counts.Conserved());
    after.out += counts.out;
    after.filtered += counts.filtered;
  }
  EXPECT_NEAR(static_cast<double>(after.out), 500, 50);  // Single records are rounded.
  EXPECT_NEAR(static_cast<double>(after.out + after.filtered), 2000, 2);
  const int64_t rows = ValueOf(pipeline.sim, pipeline.job->vertex(2), Vertex::kRows);
  EXPECT_NEAR(static_cast<double>(rows), static_cast<double>(after.out) / 2, 1);
  EXPECT_EQ(pipeline.sink.bytes(), Bytes(50 * rows));
}

// Partitions that count as idle between two of their batches are late when the next one comes.
JobConfig OftenLate(JobPipeline& pipeline, Duration allowed) {
  JobConfig job = Windowed(pipeline, 1, 2, Seconds(1));
  job.watermarks = Bounded(Duration::Zero());
  job.watermarks->idleness = Milliseconds(100);
  job.vertices[1].chain[0].window.allowed_lateness = allowed;
  return job;
}
MiniSettings SlowBatches() {
  MiniSettings settings = InstantLog(6, Steady(100));
  // Of brokers with batches of their own: what one sends at a time, it sends together.
  settings.brokers = 3;
  settings.producers.linger = Milliseconds(900);
  settings.producers.keys.kind = KeyDistribution::Kind::kUniform;
  settings.producers.keys.count = 1000;
  return settings;
}

TEST(WindowTest, RecordsAreWindowedLateOrBuffered) {
  JobPipeline pipeline(SlowBatches(), SinkPromise::kPlain);
  MemorySink side(pipeline.sim, "too_late", SinkPromise::kPlain);
  JobConfig job = OftenLate(pipeline, Duration::Zero());
  job.vertices.push_back(SinkVertex(1, &side));
  job.edges.push_back(EdgeOf(1, 2, Partitioning::kRebalance));
  job.edges.back().late = true;
  pipeline.AddJob(job);
  pipeline.Run(Seconds(60));
  int64_t in = 0, out = 0, late = 0, buffered = 0;
  for (int i = 0; i < 2; ++i) {
    const RecordCounts& counts = pipeline.job->subtask(1, i).operator_at(0).counts();
    in += counts.in;
    out += counts.out;
    late += counts.late;
    buffered += counts.buffered;
  }
  EXPECT_GT(in, 5'000);
  EXPECT_EQ(in, out + late + buffered);
  EXPECT_EQ(pipeline.sink.visible(), out);
  // What is late goes a way of its own.
  EXPECT_GT(late, 0);
  EXPECT_EQ(side.visible(), late);
  const Vertex& vertex = pipeline.job->vertex(1);
  EXPECT_EQ(ValueOf(pipeline.sim, vertex, Vertex::kLate), late);
  // What was late was missing in the result of its window.
  EXPECT_EQ(ValueOf(pipeline.sim, vertex, Vertex::kInTime), out);
  EXPECT_NEAR(static_cast<double>(ValueOf(pipeline.sim, vertex, Vertex::kCompleteness)),
              1e9 * static_cast<double>(out) / static_cast<double>(out + late), 1e7);
  EXPECT_EQ(ValueOf(pipeline.sim, pipeline.job->vertex(1), Vertex::kUpdates), 0);
}

TEST(WindowTest, WithinTheAllowedLatenessARecordUpdatesItsWindow) {
  JobPipeline pipeline(SlowBatches(), SinkPromise::kPlain);
  pipeline.AddJob(OftenLate(pipeline, Seconds(10)));
  pipeline.Run(Seconds(60));
  EXPECT_EQ(ValueOf(pipeline.sim, pipeline.job->vertex(1), Vertex::kLate), 0);
  const Vertex& vertex = pipeline.job->vertex(1);
  const int64_t updates = ValueOf(pipeline.sim, vertex, Vertex::kUpdates);
  EXPECT_GT(updates, 0);
  EXPECT_EQ(pipeline.sink.doubled(), 0);
  // Late updates were not in a first result either.
  EXPECT_EQ(ValueOf(pipeline.sim, vertex, Vertex::kInTime) + updates, pipeline.sink.visible());
  EXPECT_LT(ValueOf(pipeline.sim, vertex, Vertex::kCompleteness), 1'000'000'000);
}

TEST(WindowTest, SlidingWindowsShowARecordOnceAndCountItsRowsInEach) {
  JobPipeline pipeline(InstantLog(1, Until(Seconds(60), 100)), SinkPromise::kPlain);
  JobConfig job = Windowed(pipeline, 1, 1, Seconds(10));
  job.vertices[1].chain[0].window.slide = Seconds(5);
  pipeline.AddJob(job);
  pipeline.Run(Seconds(50));
  EXPECT_EQ(pipeline.sink.doubled(), 0);
  // Ends at 5, 10, ... 45 s, the last at a watermark of 48.8 or so.
  EXPECT_EQ(ValueOf(pipeline.sim, pipeline.job->vertex(1), Vertex::kWindows), 9);
  EXPECT_EQ(ValueOf(pipeline.sim, pipeline.job->vertex(1), Vertex::kRows), 900);
  EXPECT_NEAR(static_cast<double>(pipeline.sink.visible()), 4500, 2);
}

TEST(WindowTest, AnIdlePartitionStopsTheWatermark) {
  // All keys fall on one partition of two: the other never has a record.
  MiniSettings settings = InstantLog(2, Steady(100));
  settings.producers.keys.kind = KeyDistribution::Kind::kUniform;
  settings.producers.keys.count = 1;
  for (const bool told : {false, true}) {
    JobPipeline pipeline(settings, SinkPromise::kPlain);
    JobConfig job = Windowed(pipeline, 1, 1, Seconds(10));
    if (told) job.watermarks->idleness = Seconds(5);
    pipeline.AddJob(job);
    pipeline.Run(Seconds(62));
    const RecordCounts& counts = pipeline.job->subtask(1, 0).operator_at(0).counts();
    EXPECT_EQ(counts.late, 0);
    EXPECT_EQ(pipeline.sink.visible(), told ? counts.in - counts.buffered : 0);
    // What is not out is of the last window, or all.
    EXPECT_EQ(counts.buffered < 300, told);
  }
}

TEST(WindowTest, AReaderWithoutPartitionsHoldsAllBackUnlessToldIdle) {
  for (const bool told : {false, true}) {
    JobPipeline pipeline(InstantLog(1, Steady(100)), SinkPromise::kPlain);
    JobConfig job = Windowed(pipeline, 2, 1, Seconds(10));
    if (told) job.watermarks->idleness = Seconds(5);
    pipeline.AddJob(job);
    pipeline.Run(Seconds(62));
    EXPECT_EQ(pipeline.sink.visible() > 0, told);
  }
}

}  // namespace
}  // namespace freshet
