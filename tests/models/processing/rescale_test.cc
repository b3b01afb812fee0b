// Another parallelism: a savepoint, keys that change hands, and nothing lost, twice or read again.
#include "gtest/gtest.h"
#include "tests/models/processing/job_pipeline.h"

namespace freshet {
namespace {

// Whatever happens, the windows up to 50 s fire: the last one waits for a watermark beyond its end.
constexpr int64_t kFired = 5000;

// source -> (by key) window of 10 s with its sink, of which `now` of `most` subtasks run.
JobConfig Scaling(JobPipeline& pipeline, int now, int most) {
  JobConfig job = PlausibleJob();
  VertexConfig window;
  window.name = "counts";
  window.parallelism = now;
  window.most = most;
  window.chain = {Op(OperatorKind::kWindow, "count"), SinkVertex(1, &pipeline.sink).chain[0]};
  WindowConfig& config = window.chain[0].window;
  config.size = config.slide = Seconds(10);
  config.keys = 100;
  config.bytes_per_row = Bytes(50);
  config.state_per_row = Bytes(80);
  job.vertices = {SourceVertex(1), window};
  job.edges = {EdgeOf(0, 1, Partitioning::kHash)};
  job.watermarks.emplace();
  job.watermarks->out_of_orderness = Seconds(1);
  job.watermarks->interval = Milliseconds(200);
  job.watermarks->idleness = Seconds(5);
  job.restart.deploy_time = Seconds(3);
  return job;
}

struct Ended {
  int times = 0;
  bool ok = false;
  Completion<bool> Done() {
    return [this](bool result) {
      ++times;
      ok = result;
    };
  }
};

int64_t Buffered(const JobPipeline& pipeline, int subtask) {
  return pipeline.job->subtask(1, subtask).operator_at(0).counts().buffered;
}

TEST(RescaleTest, KeysChangeHandsAndNothingIsReadAgain) {
  // 100/s up to 60 s.
  JobPipeline pipeline(InstantLog(1, Until(Seconds(60), 100)), SinkPromise::kPlain);
  pipeline.AddJob(Scaling(pipeline, 2, 4));
  Ended ended;
  pipeline.Run(Milliseconds(25'001));
  EXPECT_EQ(Buffered(pipeline, 2), 0);
  pipeline.job->Rescale(4, ended.Done());
  // The savepoint takes no time; 3 s to deploy.
  pipeline.Run(Milliseconds(27'900));
  EXPECT_EQ(ended.times, 0);
  EXPECT_EQ(pipeline.job->status(), StreamJob::Status::kDeploying);
  pipeline.Run(Milliseconds(28'100));
  EXPECT_EQ(ended.times, 1);
  EXPECT_TRUE(ended.ok);
  EXPECT_EQ(pipeline.Job(StreamJob::kReplayed), 0);
  EXPECT_EQ(pipeline.Job(StreamJob::kRestarts), 0);
  EXPECT_EQ(pipeline.Job(StreamJob::kRescales), 1);
  // Nine seconds of the window [20, 30), those meanwhile included: a quarter each.
  pipeline.Run(Seconds(29));
  int64_t all = 0;
  for (int i = 0; i < 4; ++i) {
    EXPECT_NEAR(static_cast<double>(Buffered(pipeline, i)), 225, 60) << i;
    EXPECT_TRUE(pipeline.job->subtask(1, i).operator_at(0).counts().Conserved());
    all += Buffered(pipeline, i);
  }
  EXPECT_NEAR(static_cast<double>(all), 900, 6);
  pipeline.Run(Seconds(90));
  EXPECT_EQ(pipeline.sink.visible(), kFired);
  EXPECT_EQ(pipeline.sink.doubled(), 0);
}

TEST(RescaleTest, FewerSubtasksHaveAllKeysToo) {
  JobPipeline pipeline(InstantLog(1, Until(Seconds(60), 100)), SinkPromise::kPlain);
  pipeline.AddJob(Scaling(pipeline, 3, 3));
  Ended ended;
  pipeline.Run(Milliseconds(25'001));
  const int64_t before = Buffered(pipeline, 0) + Buffered(pipeline, 1) + Buffered(pipeline, 2);
  pipeline.job->Rescale(1, ended.Done());
  pipeline.Run(Milliseconds(28'100));
  EXPECT_TRUE(ended.ok);
  EXPECT_GE(Buffered(pipeline, 0), before);
  EXPECT_EQ(Buffered(pipeline, 1), 0);
  EXPECT_EQ(pipeline.job->subtask(1, 1).activity(), Subtask::Activity::kStopped);
  // And back to two.
  pipeline.Run(Milliseconds(40'001));
  pipeline.job->Rescale(2, ended.Done());
  pipeline.Run(Seconds(90));
  EXPECT_EQ(ended.times, 2);
  EXPECT_EQ(pipeline.sink.visible(), kFired);
  EXPECT_EQ(pipeline.sink.doubled(), 0);
}

TEST(RescaleTest, AFailureGoesBackToTheSavepointWithTheNewParallelism) {
  for (const SinkPromise promise : {SinkPromise::kTransactional, SinkPromise::kIdempotent}) {
    JobPipeline pipeline(InstantLog(1, Until(Seconds(60), 100)), promise);
    pipeline.AddJob(Scaling(pipeline, 1, 3));
    Ended ended;
    pipeline.Run(Milliseconds(24'501));
    pipeline.job->Rescale(3, ended.Done());
    pipeline.Run(Milliseconds(33'001));
    EXPECT_TRUE(ended.ok);
    pipeline.job->FailNow();
    pipeline.Run(Seconds(120));
    EXPECT_EQ(pipeline.Job(StreamJob::kRestarts), 1);
    EXPECT_EQ(pipeline.sink.distinct(), kFired);
    EXPECT_EQ(pipeline.sink.doubled(), 0);
  }
}

TEST(RescaleTest, OrderedWhileTheJobIsDownItComesAfter) {
  JobPipeline pipeline(InstantLog(1, Until(Seconds(60), 100)), SinkPromise::kIdempotent);
  pipeline.AddJob(Scaling(pipeline, 1, 3));
  Ended ended;
  pipeline.Run(Milliseconds(24'501));
  pipeline.job->FailNow();
  pipeline.job->Rescale(3, ended.Done());
  pipeline.Run(Seconds(120));
  EXPECT_EQ(ended.times, 1);
  EXPECT_TRUE(ended.ok);
  EXPECT_EQ(pipeline.sink.distinct(), kFired);
}

}  // namespace
}  // namespace freshet
