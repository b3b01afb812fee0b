// Checkpoints against formulas: the wait for a commit (C02), and the price of blocking checkpoints
// between failures at their optimum interval (T10 to T12).
#include <cmath>
#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "sim/random.h"
#include "tests/models/processing/commit_sink.h"
#include "tests/models/processing/job_pipeline.h"
#include "tests/oracle/replicate.h"

namespace freshet {
namespace {

using oracle::Answers;
using oracle::ExpectNear;
using oracle::ExpectOracle;
using oracle::Replicate;

class CommitPipeline : public JobPipelineBase {
 public:
  explicit CommitPipeline(const MiniSettings& settings)
      : JobPipelineBase(settings),
        sink(sim, settings.producers.event_times == nullptr ? nullptr : &log.profiles()) {}
  ~CommitPipeline() { job.reset(); }
  JobConfig ReadAndCommit(Duration cpu) {
    JobConfig config = PlausibleJob();
    VertexConfig all = SourceVertex(1, cpu);
    all.chain.push_back(SinkVertex(1, &sink).chain[0]);
    config.vertices = {all};
    return config;
  }

  CommitSink sink;
};

// ora.C02: the device sends 2 s later, exponentially; the store takes 0.5 s to prepare; a commit is
// due each 60 s.
TEST(CommitOracle, C02AConstantAnExponentialAndTheWaitForTheCommit) {
  const auto runs = Replicate([](uint64_t seed) {
    MiniSettings s = InstantLog(1, Until(Minutes(12), 10));
    s.seed = seed;
    s.producers.arrivals = ArrivalLaw::kPoisson;
    s.producers.linger = Duration::Zero();
    s.producers.batch_size = Bytes(61) + kStoredSize;
    s.producers.event_times = std::make_shared<EventTimes>(
        std::vector<EventTimes::Class>{{1, Sampler::Exponential(2e9)}});
    CommitPipeline pipeline(s);
    pipeline.sink.prepare_time = Milliseconds(500);
    JobConfig job = pipeline.ReadAndCommit(Duration::Zero());
    job.checkpoints->interval = Seconds(60);
    pipeline.AddJob(job);
    pipeline.Run(Minutes(14));
    EXPECT_EQ(pipeline.sink.ages.count(), pipeline.RecordsInLog());
    const auto at = [&](int64_t part, int64_t of) {
      return static_cast<double>(pipeline.sink.ages.Quantile(part, of)) * 1e-9;
    };
    return Answers{pipeline.sink.ages.Mean() * 1e-9, at(50, 100), at(95, 100), at(99, 100),
                   at(999, 1000)};
  });
  int number = 0;
  for (const char* metric : {"mean s", "p50 s", "p95 s", "p99 s", "p999 s"}) {
    ExpectOracle(runs[static_cast<size_t>(number++)], "C02", metric);
  }
}

// --- Blocking checkpoints ---

struct Blocking {
  const char* id;
  double mtbf;     // Seconds,
  double cost;     // of a checkpoint,
  double restart;  // until it runs again.
};
const Blocking kT10 = {"T10", 86'400, 60, 300};
const Blocking kT11 = {"T11", 3'600, 10, 30};
const Blocking kT12 = {"T12", 3'600, 60, 120};

double Formula(const Blocking& row, double interval) {
  return row.mtbf * std::exp(row.restart / row.mtbf) *
         (std::exp((interval + row.cost) / row.mtbf) - 1) / interval;
}

// A job that always has something to do, one record after the other, `pieces` of them in an
// interval. While its store prepares it takes one more and then stands, so that a checkpoint costs
// it `cost`. Failures come whatever it does. Answers: wall time per useful second; mean time lost
// in a segment by a failure.
Answers RunBlocking(const Blocking& row, double interval, int pieces, double failures,
                    uint64_t seed) {
  const auto seconds = [](double s) { return Nanoseconds(std::llround(s * 1e9)); };
  const double span = failures * row.mtbf;
  const double piece = interval / pieces;
  const auto records = static_cast<int64_t>(span / piece) + pieces;
  MiniSettings s = InstantLog(1, Until(Seconds(1), records));
  s.seed = seed;
  s.producers.batch_size = MiB(1);
  s.producers.max_request_size = MiB(2);
  s.producers.buffer_memory = Bytes(records * 2048) + MiB(32);
  CommitPipeline pipeline(s);
  pipeline.sink.prepare_time = seconds(row.cost + piece);
  JobConfig job = pipeline.ReadAndCommit(seconds(piece));
  job.channels.buffer = kStoredSize;
  // The piece in hand is finished first: half of one.
  job.checkpoints->interval = seconds(interval - piece / 2);
  job.checkpoints->min_pause = seconds(interval - piece * 3 / 2);
  job.checkpoints->timeout = seconds(row.mtbf);
  job.restart.backoff.first = Duration::Zero();
  job.restart.deploy_time = seconds(row.restart);
  pipeline.AddJob(job);

  RandomStream stream(seed, "checkpoint_oracle", "failures");
  double lost = 0;
  int count = 0;
  Time runs_since;
  for (double at = 0;;) {
    at += -row.mtbf * std::log(1 - stream.NextUniform());
    if (at > span) break;
    pipeline.Run(seconds(at));
    const Time now = Time() + seconds(at);
    if (pipeline.job->status() == StreamJob::Status::kRunning) {
      lost += (now - std::max(runs_since, pipeline.sink.committed_at)).ToSeconds();
      ++count;
    }
    pipeline.job->FailNow();
    runs_since = now + seconds(row.restart);
  }
  pipeline.Run(seconds(span));
  const double useful = static_cast<double>(pipeline.sink.committed) * piece;
  return {pipeline.sink.committed_at.SinceStart().ToSeconds() / useful, lost / count};
}

void MeetsTheOptimum(const Blocking& row, int pieces, double failures) {
  const double best = oracle::Value(row.id, "exact optimal interval s");
  const char* const metric = "expected wall time per useful second at the optimum";
  EXPECT_NEAR(Formula(row, best), oracle::Value(row.id, metric), 1e-9);
  const auto runs =
      Replicate([&](uint64_t seed) { return RunBlocking(row, best, pieces, failures, seed); });
  ExpectOracle(runs[0], row.id, metric);
}

TEST(BlockingCheckpointOracle, T11WallTimeAtTheOptimum) { MeetsTheOptimum(kT11, 40, 40); }
TEST(BlockingCheckpointOracle, T12WallTimeAtTheOptimum) { MeetsTheOptimum(kT12, 40, 120); }
TEST(BlockingCheckpointOracle, T10WallTimeAtTheOptimum) { MeetsTheOptimum(kT10, 40, 20); }

// More often costs more checkpoints, less often more work lost. In many pieces: a record is worked
// on while the store prepares, so a run of few large ones loses more to a failure than the
// formula's fluid.
TEST(LongBlockingCheckpointOracle, T12EitherSideOfTheOptimumCostsMore) {
  const double best = oracle::Value("T12", "exact optimal interval s");
  for (const double interval : {best / 4, best * 4}) {
    const auto runs =
        Replicate([&](uint64_t seed) { return RunBlocking(kT12, interval, 160, 300, seed); });
    ExpectNear(runs[0], Formula(kT12, interval), "T12", "wall time beside the optimum", 0.02);
    EXPECT_GT(runs[0].mean, Formula(kT12, best));
  }
}

// What a failure takes with it: a mean that wants many of them.
void LosesWithAFailure(const Blocking& row, double failures) {
  const double best = oracle::Value(row.id, "exact optimal interval s");
  const auto runs =
      Replicate([&](uint64_t seed) { return RunBlocking(row, best, 40, failures, seed); });
  ExpectOracle(runs[1], row.id, "mean lost work per failure inside a segment (s)");
}

TEST(LongBlockingCheckpointOracle, T10LostWorkOfAFailure) { LosesWithAFailure(kT10, 1'400); }
TEST(LongBlockingCheckpointOracle, T11LostWorkOfAFailure) { LosesWithAFailure(kT11, 1'200); }
TEST(LongBlockingCheckpointOracle, T12LostWorkOfAFailure) { LosesWithAFailure(kT12, 2'000); }

}  // namespace
}  // namespace freshet
