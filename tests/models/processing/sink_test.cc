// Jobs and their sinks: epochs that are slow, writes that fail, records that never come.
#include "gtest/gtest.h"
#include "models/fault/sink_targets.h"
#include "models/sink/database_sink.h"
#include "tests/models/processing/job_pipeline.h"

namespace freshet {
namespace {

DatabaseSink::Config Database(SinkPromise promise, Duration commit) {
  DatabaseSink::Config config;
  config.network_bandwidth = BytesPerSecond(int64_t{1} << 45);
  config.workers = 8;
  config.request_timeout = Seconds(2);
  config.promise = promise;
  config.commit_latency = Sampler::Constant(commit.nanos());
  return config;
}

class SinkPipeline : public JobPipelineBase {
 public:
  // 100/s for 10 s, one batch each, into one partition; a checkpoint a second.
  explicit SinkPipeline(const DatabaseSink::Config& config, int64_t retries = 0,
                        Duration timeout = Minutes(10))
      : JobPipelineBase(Settings()), store(sim, "store", &network, config) {
    JobConfig made = PlausibleJob();
    made.checkpoints->interval = Seconds(1);
    made.checkpoints->timeout = timeout;
    made.checkpoints->tolerable_failures = 100;
    made.vertices = {SourceVertex(1), SinkVertex(1, &store)};
    made.vertices[1].chain[0].most_retries = retries;
    made.vertices[1].chain[0].retry_delay = Seconds(1);
    made.edges = {EdgeOf(0, 1, Partitioning::kForward)};
    AddJob(made);
  }
  ~SinkPipeline() { job.reset(); }

  DatabaseSink store;

 private:
  static MiniSettings Settings() {
    MiniSettings settings = InstantLog(1, Until(Seconds(10), 100));
    settings.producers.linger = Duration::Zero();
    return settings;
  }
};

// What a checkpoint covers is visible when its commit is: the last one before 3.5 s began at 3 s.
TEST(JobSinkTest, AnEpochIsVisibleWhenItsCheckpointIsCommitted) {
  SinkPipeline pipeline(Database(SinkPromise::kTransactional, Duration::Zero()));
  pipeline.Run(Milliseconds(2'900));
  const int64_t before = pipeline.store.ledger().visible();
  pipeline.Run(Milliseconds(3'500));
  EXPECT_EQ(pipeline.store.ledger().visible() - before, 100);
  EXPECT_EQ(pipeline.store.ledger().visible(), 299);  // The next one was on its way.
  // The oldest record that is not there was sent at 3 s.
  EXPECT_NEAR(static_cast<double>(pipeline.store.Staleness().nanos()), 0.5e9, 0.011e9);
  pipeline.Run(Seconds(12));
  EXPECT_EQ(pipeline.store.ledger().visible(), 1000);
  EXPECT_EQ(pipeline.store.Staleness(), Duration::Zero());
}

// A prepare takes 0.8 s, a checkpoint may take 0.5 s: each one fails, and what it had prepared goes
// with the next. Nothing is written meanwhile, and nothing is ever committed.
TEST(JobSinkTest, APrepareThatIsTooSlowKeepsTheRecords) {
  SinkPipeline pipeline(Database(SinkPromise::kTransactional, Milliseconds(800)), 0,
                        Milliseconds(500));
  pipeline.Run(Seconds(5));
  EXPECT_EQ(pipeline.job->checkpoints()->completed(), 0);
  EXPECT_EQ(pipeline.Job(StreamJob::kRestarts), 0);
  EXPECT_EQ(pipeline.store.ledger().visible(), 0);
  EXPECT_EQ(pipeline.store.ledger().lost(), 0);
}

// The commit of an epoch takes longer than the next checkpoint: they go one after the other, and
// the last one covers those between.
TEST(JobSinkTest, CommitsGoOneAfterTheOther) {
  SinkPipeline pipeline(Database(SinkPromise::kTransactional, Milliseconds(950)));
  pipeline.Run(Seconds(20));
  EXPECT_EQ(pipeline.Job(StreamJob::kRestarts), 0);
  EXPECT_EQ(pipeline.store.ledger().visible(), 1000);
  EXPECT_EQ(pipeline.store.ledger().duplicated(), 0);
}

// The store is down for 3 s. A write on its way is given up after 2 s, tried again at once, and
// again 1 s after that has failed: the store is there then.
TEST(JobSinkTest, AWriteIsTriedAgainBeforeTheJobFails) {
  SinkPipeline pipeline(Database(SinkPromise::kPlain, Duration::Zero()), 3);
  pipeline.Run(Seconds(5));
  pipeline.store.SetDown(true);
  pipeline.Run(Seconds(8));
  pipeline.store.SetDown(false);
  pipeline.Run(Seconds(30));
  EXPECT_EQ(pipeline.Job(StreamJob::kRestarts), 0);
  EXPECT_GT(ValueOf(pipeline.sim, pipeline.job->vertex(1), Vertex::kRetries), 0);
  EXPECT_EQ(pipeline.store.ledger().visible(), 1000);
  EXPECT_EQ(pipeline.store.ledger().lost(), 0);
}

TEST(JobSinkTest, AJobThatMayNotTryAgainGoesBackToItsCheckpoint) {
  SinkPipeline pipeline(Database(SinkPromise::kPlain, Duration::Zero()));
  pipeline.Run(Milliseconds(5'500));
  pipeline.store.SetDown(true);
  pipeline.Run(Milliseconds(6'000));
  pipeline.store.SetDown(false);
  pipeline.Run(Seconds(30));
  EXPECT_GT(pipeline.Job(StreamJob::kRestarts), 0);
  const EffectLedger& ledger = pipeline.store.ledger();
  EXPECT_EQ(ledger.visible(), 1000);
  EXPECT_GT(ledger.duplicated(), 0);
  EXPECT_LE(ledger.duplicated(), pipeline.job->replayed());
}

}  // namespace
}  // namespace freshet
