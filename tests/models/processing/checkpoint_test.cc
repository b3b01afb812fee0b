// Checkpoints: when, how long, what they cut; and what a failure costs.
#include "gtest/gtest.h"
#include "models/storage/object_store.h"
#include "tests/models/processing/job_pipeline.h"
#include "tests/models/storage/quiet_store.h"

namespace freshet {
namespace {

JobConfig OneServer(JobPipeline& pipeline, Duration cpu) {
  JobConfig job = PlausibleJob();
  VertexConfig all = SourceVertex(1, cpu);
  all.chain.push_back(SinkVertex(1, &pipeline.sink).chain[0]);
  job.vertices = {all};
  return job;
}

JobConfig TwoStages(JobPipeline& pipeline, Duration cpu) {
  JobConfig job = PlausibleJob();
  job.vertices = {SourceVertex(2), SinkVertex(2, &pipeline.sink)};
  job.vertices[1].chain[0].cpu_per_record = cpu;
  job.edges = {EdgeOf(0, 1, Partitioning::kHash)};
  return job;
}

int64_t Checkpoints(const JobPipeline& pipeline, const MetricDef& def) {
  return ValueOf(pipeline.sim, *pipeline.job->checkpoints(), def);
}

TEST(CheckpointTest, ATransactionIsVisibleWhenItsCheckpointIsComplete) {
  JobPipeline pipeline(InstantLog(1, Steady(1000)), SinkPromise::kTransactional);
  pipeline.sink.prepare_time = Seconds(2);
  pipeline.AddJob(OneServer(pipeline, Duration::Zero()));
  pipeline.Run(Milliseconds(11'999));
  EXPECT_EQ(pipeline.sink.visible(), 0);
  pipeline.Run(Milliseconds(12'001));
  EXPECT_NEAR(static_cast<double>(pipeline.sink.visible()), 10'000, 16);
  pipeline.Run(Seconds(63));
  EXPECT_EQ(Checkpoints(pipeline, CheckpointCoordinator::kCompleted), 6);
  EXPECT_EQ(pipeline.sink.commits, 6);
}

// The part of ora.C01 that is a job's: records wait for their commit evenly on (0, interval).
TEST(CheckpointTest, OracleC01TheWaitForTheNextCommitIsEven) {
  JobPipeline pipeline(InstantLog(1, Until(Seconds(100), 1000)), SinkPromise::kTransactional);
  pipeline.AddJob(OneServer(pipeline, Duration::Zero()));
  pipeline.Run(Seconds(111));
  EXPECT_EQ(pipeline.sink.visible(), 100'000);
  // The accumulator's 8 ms come on top, and what of them falls over the edge waits for the next.
  const double mean = static_cast<double>(pipeline.sink.waited()) / 1e9 / 100'000;
  EXPECT_NEAR(mean, 5.0, 0.03);
}

TEST(CheckpointTest, OneThatTakesTooLongFailsAndTooManyFailTheJob) {
  JobPipeline pipeline(InstantLog(1, Steady(1000)), SinkPromise::kTransactional);
  pipeline.sink.prepare_time = Seconds(7);
  JobConfig job = OneServer(pipeline, Duration::Zero());
  job.checkpoints->timeout = Seconds(5);
  job.checkpoints->tolerable_failures = 2;
  pipeline.AddJob(job);
  pipeline.Run(Seconds(34));
  EXPECT_EQ(Checkpoints(pipeline, CheckpointCoordinator::kFailed), 2);
  EXPECT_EQ(pipeline.Job(StreamJob::kRestarts), 0);
  pipeline.Run(Seconds(36));
  EXPECT_EQ(Checkpoints(pipeline, CheckpointCoordinator::kFailed), 3);
  EXPECT_EQ(pipeline.Job(StreamJob::kRestarts), 1);
  EXPECT_EQ(pipeline.sink.visible(), 0);
}

TEST(CheckpointTest, MinPauseCountsFromTheEnd) {
  JobPipeline pipeline(InstantLog(1, Steady(1000)), SinkPromise::kTransactional);
  pipeline.sink.prepare_time = Seconds(7);
  JobConfig job = OneServer(pipeline, Duration::Zero());
  job.checkpoints->min_pause = Seconds(5);
  pipeline.AddJob(job);
  pipeline.Run(Seconds(60));  // Ends at 17, 29, 41, 53.
  EXPECT_EQ(Checkpoints(pipeline, CheckpointCoordinator::kCompleted), 4);
}

// ora.T09: 1000/s before 2000/s, a checkpoint every 60 s that takes 10 s, a restart of 30 s.
TEST(CheckpointTest, OracleT09ReplayAndCatchUpFollowTheAgeOfTheCheckpoint) {
  double replayed_sum = 0;
  double catch_up_sum = 0;
  const int kPhases = 6;
  for (int phase = 0; phase < kPhases; ++phase) {
    JobPipeline pipeline(InstantLog(1, Steady(1000)), SinkPromise::kTransactional);
    pipeline.sink.prepare_time = Seconds(10);
    JobConfig job = OneServer(pipeline, Microseconds(500));
    job.checkpoints->interval = Seconds(60);
    job.restart.backoff.first = Seconds(30);
    pipeline.AddJob(job);
    // The checkpoint of 120 s is complete at 130 s, that of 180 s would be at 190 s.
    const Duration failed = Seconds(135 + 10 * phase);
    pipeline.Run(failed);
    pipeline.job->FailNow();
    pipeline.Run(failed + Seconds(31));
    const double age = (failed - Seconds(120)).ToSeconds();
    EXPECT_NEAR(static_cast<double>(pipeline.job->replayed()), 1000 * age, 600);
    replayed_sum += static_cast<double>(pipeline.job->replayed());
    Duration at = failed + Seconds(30);
    while (pipeline.Job(StreamJob::kLag) > 1000) pipeline.Run(at += Seconds(1));
    const double catch_up = (at - failed - Seconds(30)).ToSeconds();
    EXPECT_NEAR(catch_up, age + 30, 4);
    catch_up_sum += catch_up;
  }
  EXPECT_NEAR(replayed_sum / kPhases, 40'000, 600);
  EXPECT_NEAR(catch_up_sum / kPhases, 70, 4);
}

TEST(CheckpointTest, UnderBackPressureAnUnalignedBarrierOvertakes) {
  Duration taken[2];
  for (const bool unaligned : {false, true}) {
    JobPipeline pipeline(InstantLog(2, Steady(4000)), SinkPromise::kTransactional);
    JobConfig job = TwoStages(pipeline, Milliseconds(1));
    job.edges[0].weights = {9, 1};  // One is overloaded.
    job.checkpoints->unaligned = unaligned;
    pipeline.AddJob(job);
    pipeline.Run(Seconds(100));
    EXPECT_GE(Checkpoints(pipeline, CheckpointCoordinator::kCompleted), 8);
    const Histogram duration =
        HistogramOf(pipeline.sim, *pipeline.job->checkpoints(), CheckpointCoordinator::kDuration);
    taken[unaligned] = Nanoseconds(duration.max());
  }
  // Two channels' buffers of 32 KiB, at 1 MB/s.
  EXPECT_GT(taken[0], Milliseconds(500));
  EXPECT_LT(taken[1], Milliseconds(50));
}

TEST(CheckpointTest, StateGoesToTheStoreAndComesBack) {
  JobPipeline pipeline(InstantLog(1, Steady(1000)), SinkPromise::kTransactional);
  ObjectStore store(pipeline.sim, "s3", QuietStore());
  JobConfig job = OneServer(pipeline, Duration::Zero());
  OperatorConfig dedup = Op(OperatorKind::kDeduplicate, "dedup");
  dedup.deduplicate = {Ratio::Percent(10), Minutes(10), Bytes(1024)};
  job.vertices[0].chain.insert(job.vertices[0].chain.begin() + 1, dedup);
  job.state.store = &store;
  job.state.client = ObjectClient::Defaults(4);
  job.state.part_size = MiB(8);
  pipeline.AddJob(job);
  pipeline.Run(Seconds(35));
  const Checkpoint& latest = *pipeline.job->checkpoints()->latest();
  EXPECT_EQ(latest.id, 3);
  // 900 keys a second for 30 s; older checkpoints' files are deleted.
  EXPECT_NEAR(static_cast<double>(latest.states[0]->size.count()), 27'000 * 1024, 300 * 1024);
  EXPECT_EQ(ValueOf(pipeline.sim, store, ObjectStore::kStoredBytes),
            latest.states[0]->size.count());
  pipeline.job->FailNow();
  pipeline.Run(Seconds(60));
  EXPECT_EQ(pipeline.job->status(), StreamJob::Status::kRunning);
  // 27 MB as one stream of 100 MiB/s, after 20 ms.
  const Histogram restore = HistogramOf(pipeline.sim, *pipeline.job, StreamJob::kRestore);
  EXPECT_NEAR(Nanoseconds(restore.max()).ToSeconds(), 0.020 + 27'000.0 * 1024 / (100 << 20), 0.02);
}

TEST(CheckpointTest, IncrementalOnesUploadWhatIsNew) {
  JobPipeline pipeline(InstantLog(1, Steady(1000)), SinkPromise::kTransactional);
  JobConfig job = OneServer(pipeline, Duration::Zero());
  OperatorConfig dedup = Op(OperatorKind::kDeduplicate, "dedup");
  dedup.deduplicate = {Ratio(), Minutes(10), Bytes(1000)};
  job.vertices[0].chain.insert(job.vertices[0].chain.begin() + 1, dedup);
  job.checkpoints->incremental = true;
  pipeline.AddJob(job);
  pipeline.Run(Seconds(65));
  const Checkpoint& latest = *pipeline.job->checkpoints()->latest();
  EXPECT_NEAR(static_cast<double>(latest.states[0]->size.count()), 10'000'000, 50'000);
  EXPECT_NEAR(static_cast<double>(latest.states[0]->state_size.count()), 60'000'000, 100'000);
  Bytes all;
  for (const CheckpointFile& file : latest.files[0]) all += file.size;
  EXPECT_EQ(all, latest.states[0]->state_size);
}

TEST(FailoverTest, ADeadTaskManagerIsFoundByItsSilenceAndReplacedByASpare) {
  JobPipeline pipeline(InstantLog(2, Steady(1000)), SinkPromise::kTransactional);
  JobConfig job = TwoStages(pipeline, Duration::Zero());
  job.task_managers.resize(3, job.task_managers[0]);
  job.slots = 1;
  job.heartbeat_interval = Seconds(10);
  job.heartbeat_timeout = Seconds(50);
  job.heartbeat_failures = 2;
  job.restart.deploy_time = Seconds(5);
  pipeline.AddJob(job);
  // Asked at 30 (fine), 40, 50 s: given up then. A second of delay, five to deploy.
  pipeline.Run(Seconds(33));
  pipeline.managers[1]->SetDown(true);
  pipeline.Run(Seconds(100));
  EXPECT_EQ(pipeline.job->status(), StreamJob::Status::kRunning);
  const Histogram detection = HistogramOf(pipeline.sim, *pipeline.job, StreamJob::kDetection);
  const Histogram downtime = HistogramOf(pipeline.sim, *pipeline.job, StreamJob::kDowntime);
  EXPECT_EQ(detection.max(), Seconds(17).nanos());
  EXPECT_EQ(downtime.max(), Seconds(23).nanos());
  EXPECT_EQ(pipeline.sink.doubled(), 0);
}

TEST(FailoverTest, WithoutASpareItWaitsForTheTaskManager) {
  JobPipeline pipeline(InstantLog(2, Steady(1000)), SinkPromise::kTransactional);
  pipeline.AddJob(TwoStages(pipeline, Duration::Zero()));
  pipeline.Down(pipeline.managers[0].get(), Milliseconds(33'500), Seconds(60));
  pipeline.Run(Seconds(93));
  EXPECT_EQ(pipeline.job->status(), StreamJob::Status::kWaitingForSlots);
  pipeline.Run(Seconds(94));
  EXPECT_EQ(pipeline.job->status(), StreamJob::Status::kRunning);
}

TEST(FailoverTest, AttemptsRunOutAndBackOffGrows) {
  JobPipeline pipeline(InstantLog(1, Steady(1000)), SinkPromise::kTransactional);
  JobConfig job = OneServer(pipeline, Duration::Zero());
  job.restart.attempts = 2;
  pipeline.AddJob(job);
  for (int i = 1; i <= 3; ++i) {
    pipeline.Run(Seconds(20 * i));
    pipeline.job->FailNow();
  }
  EXPECT_EQ(pipeline.job->status(), StreamJob::Status::kFailed);

  JobPipeline other(InstantLog(1, Steady(1000)), SinkPromise::kTransactional);
  JobConfig patient = OneServer(other, Duration::Zero());
  patient.restart.strategy = RestartStrategy::kExponentialDelay;
  patient.restart.backoff.first = Seconds(1);
  patient.restart.backoff.factor = Ratio::Whole(2);
  patient.restart.backoff.cap = Seconds(60);
  patient.restart.reset_after = Minutes(60);
  other.AddJob(patient);
  for (int i = 1; i <= 3; ++i) {
    other.Run(Seconds(20 * i));
    other.job->FailNow();
  }
  other.Run(Milliseconds(63'999));
  EXPECT_EQ(other.job->status(), StreamJob::Status::kRestarting);
  other.Run(Milliseconds(64'001));  // 1, 2, 4 s.
  EXPECT_EQ(other.job->status(), StreamJob::Status::kRunning);
}

}  // namespace
}  // namespace freshet
