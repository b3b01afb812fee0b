// Where a job keeps its state: what RocksDB takes of a core, and what a heap does that is too
// small.
#include "gtest/gtest.h"
#include "tests/models/processing/job_pipeline.h"

namespace freshet {
namespace {

// Remembers each record for good, at 1000 B, and passes it on.
OperatorConfig Remember(Duration cpu = Duration::Zero()) {
  OperatorConfig dedup = Op(OperatorKind::kDeduplicate, "dedup", cpu);
  dedup.deduplicate = {Ratio(), Hours(24), Bytes(1000)};
  return dedup;
}

JobConfig OneTask(JobPipeline& pipeline) {
  JobConfig job = PlausibleJob();
  VertexConfig all = SourceVertex(1);
  all.chain.push_back(Remember());
  all.chain.push_back(SinkVertex(1, &pipeline.sink).chain[0]);
  job.vertices = {all};
  return job;
}

// source -> (by key) what remembers, with its sink.
JobConfig ByKey(JobPipeline& pipeline, int parallelism, Duration cpu = Duration::Zero()) {
  JobConfig job = PlausibleJob();
  VertexConfig keyed = SinkVertex(parallelism, &pipeline.sink);
  keyed.name = "keyed";
  keyed.chain.insert(keyed.chain.begin(), Remember(cpu));
  job.vertices = {SourceVertex(1), keyed};
  job.edges = {EdgeOf(0, 1, Partitioning::kHash)};
  return job;
}

// Aggregates of 80 B for 100 keys in each window of 10 s, which fires at 11.2 s.
JobConfig Windowed(JobPipeline& pipeline) {
  JobConfig job = ByKey(pipeline, 1);
  OperatorConfig& count = job.vertices[1].chain[0];
  count = Op(OperatorKind::kWindow, "count");
  count.window.size = count.window.slide = Seconds(10);
  count.window.keys = 100;
  count.window.state_per_row = Bytes(80);
  job.watermarks.emplace();
  job.watermarks->out_of_orderness = Seconds(1);
  job.watermarks->interval = Milliseconds(200);
  return job;
}

TEST(StateBackendTest, AnAccessTimeLowersTheCeilingOfTheOperatorWithState) {
  // 4000/s come. The keyed task takes 0.3 ms a record for one operator of its two, and with 0.2 ms
  // of access 0.5 ms: 2000/s instead of 3333/s. The source and the sink have no state, and pay
  // nothing.
  int64_t visible[2];
  for (const bool on_disk : {false, true}) {
    JobPipeline pipeline(InstantLog(4, Steady(4000)), SinkPromise::kPlain);
    JobConfig job = ByKey(pipeline, 1, Microseconds(300));
    job.checkpoints.reset();
    job.guarantee = DeliveryGuarantee::kAtMostOnce;
    if (on_disk) job.state_access_time = Microseconds(200);
    pipeline.AddJob(job);
    pipeline.Run(Seconds(30));
    visible[on_disk] = pipeline.sink.visible();
    EXPECT_EQ(pipeline.job->bottleneck(), 1);
    EXPECT_EQ(pipeline.job->subtask(0, 0).TimeIn(Subtask::Activity::kBusy), Duration::Zero());
  }
  EXPECT_NEAR(static_cast<double>(visible[0]), 100'000, 150);
  EXPECT_NEAR(static_cast<double>(visible[1]), 60'000, 100);
}

TEST(StateBackendTest, AWindowPaysForItsAccessToo) {
  // 100/s of 2 ms each: busy for a fifth of the time, windows' results cost nothing.
  JobPipeline pipeline(InstantLog(1, Steady(100)), SinkPromise::kPlain);
  JobConfig job = Windowed(pipeline);
  job.state_access_time = Milliseconds(2);
  pipeline.AddJob(job);
  pipeline.Run(Seconds(50));
  const Duration busy = pipeline.job->subtask(1, 0).TimeIn(Subtask::Activity::kBusy);
  EXPECT_NEAR(busy.ToSeconds(), 10, 0.02);
}

TEST(StateBackendTest, AHeapThatIsOutgrownKillsTheProcessAgainAndAgain) {
  // 1 MB a second: 10 MB are full with record 10'000, and the batch of 16 behind it, of 10.016 s,
  // is the end. Of the beats of 10, 11 and 12 s the third finds two without an answer; a second
  // later it restarts, loads the 8 MB of checkpoint 2 in 76 ms, reads on from 8 s, and dies at
  // record 10'001 again: at 13.08 s, and each 3 s from there on.
  JobPipeline pipeline(InstantLog(1, Steady(1000)), SinkPromise::kTransactional);
  JobConfig job = OneTask(pipeline);
  job.checkpoints->interval = Seconds(4);
  job.state_memory = Bytes(10'000'000);
  pipeline.AddJob(job);
  pipeline.Run(Milliseconds(9'980));
  EXPECT_EQ(pipeline.Job(StreamJob::kOutOfMemory), 0);
  pipeline.Run(Milliseconds(10'050));
  EXPECT_EQ(pipeline.Job(StreamJob::kOutOfMemory), 1);
  // The process is there again at once, its subtasks are not.
  EXPECT_TRUE(pipeline.job->task_manager(0).up());
  EXPECT_EQ(pipeline.job->subtask(0, 0).activity(), Subtask::Activity::kStopped);
  EXPECT_EQ(pipeline.job->task_manager(0).held_state(), Bytes(0));
  pipeline.Run(Milliseconds(13'050));
  EXPECT_EQ(pipeline.job->status(), StreamJob::Status::kRestoring);
  EXPECT_EQ(pipeline.job->task_manager(0).held_state(),
            pipeline.job->checkpoints()->latest()->states[0]->state_size);
  pipeline.Run(Milliseconds(23'900));
  EXPECT_EQ(pipeline.Job(StreamJob::kOutOfMemory), 5);  // 10.02, 13.08, 16.08, 19.08, 22.08.
  EXPECT_EQ(pipeline.Job(StreamJob::kRestarts), 4);     // 12, 15, 18, 21.
  const Histogram detection = HistogramOf(pipeline.sim, *pipeline.job, StreamJob::kDetection);
  EXPECT_NEAR(Nanoseconds(detection.max()).ToSeconds(), 1.98, 0.02);
  EXPECT_EQ(pipeline.job->checkpoints()->latest()->id, 2);
  EXPECT_NEAR(static_cast<double>(pipeline.sink.visible()), 8000, 32);
}

TEST(StateBackendTest, TheSameStateInRocksDbLives) {
  JobPipeline pipeline(InstantLog(1, Steady(1000)), SinkPromise::kTransactional);
  JobConfig job = OneTask(pipeline);
  job.checkpoints->interval = Seconds(4);
  job.checkpoints->incremental = true;
  job.state_access_time = Microseconds(100);  // Of the millisecond that there is.
  pipeline.AddJob(job);
  pipeline.Run(Milliseconds(24'900));
  EXPECT_EQ(pipeline.Job(StreamJob::kRestarts), 0);
  EXPECT_EQ(pipeline.job->checkpoints()->latest()->id, 6);
  EXPECT_NEAR(static_cast<double>(pipeline.sink.visible()), 24'000, 32);
  EXPECT_NEAR(static_cast<double>(pipeline.job->subtask(0, 0).StateSize().count()), 24'900'000,
              32'000);
}

TEST(StateBackendTest, WithoutCheckpointsItForgetsAndLives) {
  // What dies forgets all: from 13 s on, 10'000 more records have room, with those that came since
  // 10 s: up to 20 s, and 30 s.
  JobPipeline pipeline(InstantLog(1, Steady(1000)), SinkPromise::kPlain);
  JobConfig job = OneTask(pipeline);
  job.checkpoints.reset();
  job.guarantee = DeliveryGuarantee::kAtMostOnce;
  job.state_memory = Bytes(10'000'000);
  pipeline.AddJob(job);
  for (int death = 1; death <= 3; ++death) {
    pipeline.Run(Milliseconds(10'000 * death - 100));
    EXPECT_EQ(pipeline.Job(StreamJob::kOutOfMemory), death - 1);
    EXPECT_EQ(pipeline.job->status(), StreamJob::Status::kRunning);
    pipeline.Run(Milliseconds(10'000 * death + 500));
    EXPECT_EQ(pipeline.Job(StreamJob::kOutOfMemory), death);
  }
}

TEST(StateBackendTest, WindowsThatFireInTimeFreeTheHeap) {
  // The window of 0 to 10 s has all 100 keys, 8000 B. By 11 s, 0.2 s before it fires, the next one
  // has them too: 16'000 B are enough for good, a byte less is not.
  for (const int64_t memory : {16'000, 15'999}) {
    JobPipeline pipeline(InstantLog(1, Steady(100)), SinkPromise::kPlain);
    JobConfig job = Windowed(pipeline);
    job.state_memory = Bytes(memory);
    pipeline.AddJob(job);
    pipeline.Run(Milliseconds(10'900));
    EXPECT_EQ(pipeline.Job(StreamJob::kOutOfMemory), 0);
    pipeline.Run(Milliseconds(11'100));
    EXPECT_EQ(pipeline.Job(StreamJob::kOutOfMemory), memory == 16'000 ? 0 : 1);
    if (memory < 16'000) continue;
    pipeline.Run(Seconds(62));
    EXPECT_EQ(pipeline.Job(StreamJob::kOutOfMemory), 0);
    EXPECT_EQ(ValueOf(pipeline.sim, pipeline.job->vertex(1), Vertex::kWindows), 6);
  }
}

TEST(StateBackendTest, TheSubtasksOfATaskManagerShareItsHeap) {
  // Half a megabyte a second each. In two slots of one they fill 10 MB in 10 s; in two, in 20 s.
  for (const int hosts : {1, 2}) {
    JobPipeline pipeline(InstantLog(1, Steady(1000)), SinkPromise::kPlain);
    JobConfig job = ByKey(pipeline, 2);
    job.task_managers.resize(static_cast<size_t>(hosts), job.task_managers[0]);
    job.slots = 2 / hosts;
    job.checkpoints->interval = Hours(1);
    job.state_memory = Bytes(10'000'000);
    pipeline.AddJob(job);
    pipeline.Run(Milliseconds(10'000 * hosts - 300));
    EXPECT_EQ(pipeline.Job(StreamJob::kOutOfMemory), 0);
    pipeline.Run(Milliseconds(10'000 * hosts + 300));
    EXPECT_GE(pipeline.Job(StreamJob::kOutOfMemory), 1);
    EXPECT_LE(pipeline.Job(StreamJob::kOutOfMemory), hosts);
  }
}

TEST(StateBackendTest, StateThatIsTooLargeToLoadNeverRuns) {
  // At 8 s two task managers have 4 MB each, of 6. One is to hold all: it dies when the 8 MB are
  // loaded, at 8.12 s, after 38 ms up and 76 ms down; is missed at 10 s, and dies each 3 s,
  // at 11.08 and 14.08 s.
  for (const bool limited : {true, false}) {
    JobPipeline pipeline(InstantLog(1, Steady(1000)), SinkPromise::kPlain);
    JobConfig job = ByKey(pipeline, 2);
    job.task_managers.resize(2, job.task_managers[0]);
    job.slots = 1;
    job.vertices[1].most = 2;
    if (limited) job.state_memory = Bytes(6'000'000);
    pipeline.AddJob(job);
    pipeline.Run(Milliseconds(8'001));
    bool done = false;
    pipeline.job->Rescale(1, [&done](bool ok) { done = ok; });
    pipeline.Run(Milliseconds(15'900));
    EXPECT_EQ(done, !limited);
    EXPECT_EQ(pipeline.job->status() == StreamJob::Status::kRunning, !limited);
    if (limited) {
      EXPECT_EQ(pipeline.Job(StreamJob::kOutOfMemory), 3);
    }
  }
}

}  // namespace
}  // namespace freshet
