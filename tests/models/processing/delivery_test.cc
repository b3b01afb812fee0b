// What a sink has after crashes at random instants: by guarantee, by the sink's promise and by what
// the job does to records on the way. The counts are those of the sink's own ledger.
#include <string>

#include "gtest/gtest.h"
#include "models/sink/database_sink.h"
#include "sim/random.h"
#include "tests/models/processing/job_pipeline.h"

namespace freshet {
namespace {

constexpr int64_t kRecords = 4'000;

enum class Steps : uint8_t { kFilter, kWindow };

struct Case {
  DeliveryGuarantee guarantee;
  SinkPromise promise;
  Steps steps = Steps::kFilter;
  bool unaligned = false;
};

// A database of eight workers, 0.2 ms a record.
DatabaseSink::Config Database(SinkPromise promise) {
  DatabaseSink::Config config;
  config.network_bandwidth = BytesPerSecond(int64_t{1} << 45);
  config.workers = 8;
  config.time_per_record = Microseconds(200);
  config.request_timeout = Seconds(30);
  config.promise = promise;
  config.commit_latency = Sampler::Constant(1'000'000);
  return config;
}

class DeliveryPipeline : public JobPipelineBase {
 public:
  DeliveryPipeline(const MiniSettings& settings, SinkPromise promise)
      : JobPipelineBase(settings), store(sim, "store", &network, Database(promise)) {}
  ~DeliveryPipeline() { job.reset(); }
  // Every write of a record that the store has carried out.
  int64_t Done() const {
    const EffectLedger& ledger = store.ledger();
    return ledger.visible() + ledger.duplicated() + ledger.replaced();
  }

  DatabaseSink store;
};

struct Outcome {
  int64_t lost = 0;
  int64_t again = 0;  // Beside themselves, or in place of themselves.
  int64_t replayed = 0;
};

JobConfig JobOf(const Case& test, Sink* store) {
  JobConfig job = PlausibleJob();
  VertexConfig work;
  work.name = "work";
  work.parallelism = 2;
  work.chain = {Op(OperatorKind::kMap, "enrich", Microseconds(1'500))};
  work.chain[0].selectivity = Ratio::Percent(85);
  if (test.steps == Steps::kWindow) {
    work.chain.push_back(Op(OperatorKind::kWindow, "count"));
    WindowConfig& window = work.chain[1].window;
    window.size = window.slide = Milliseconds(250);
    window.keys = 50;
    window.bytes_per_row = window.state_per_row = Bytes(100);
    job.watermarks.emplace();
    job.watermarks->out_of_orderness = Milliseconds(100);
    job.watermarks->interval = Milliseconds(50);
    job.watermarks->idleness = Seconds(1);
  }
  job.vertices = {SourceVertex(2), work, SinkVertex(2, store)};
  job.edges = {EdgeOf(0, 1, Partitioning::kHash), EdgeOf(1, 2, Partitioning::kHash)};
  job.guarantee = test.guarantee;
  job.checkpoints->interval = Milliseconds(400);
  job.checkpoints->unaligned = test.unaligned;
  if (test.guarantee == DeliveryGuarantee::kAtMostOnce) job.checkpoints.reset();
  job.restart.backoff.first = Milliseconds(100);
  return job;
}

// Records that sinks had written when the last checkpoint was taken.
int64_t WrittenAtCheckpoint(const StreamJob& job) {
  const Checkpoint* latest = job.checkpoints()->latest();
  int64_t written = 0;
  for (size_t i = 0; latest != nullptr && i < job.subtasks().size(); ++i) {
    if (job.subtasks()[i]->IsSink()) written += latest->states[i]->emitted;
  }
  return written;
}

// 1000/s for 4 s through two stages, one crash: of the job's code, or of its task manager.
Outcome CrashAt(Duration crash, bool of_process, const Case& test) {
  MiniSettings settings = InstantLog(4, Until(Seconds(4), 1000));
  settings.producers.linger = Milliseconds(3);  // Batches of one to four records.
  DeliveryPipeline pipeline(settings, test.promise);
  pipeline.AddJob(JobOf(test, &pipeline.store));
  pipeline.Run(crash);
  StreamJob& job = *pipeline.job;
  if (of_process) {
    job.SetTaskManagerDown(0, true);
  } else {
    job.FailNow();
  }
  // What is at the server by then is carried out.
  pipeline.Run(crash + Milliseconds(90));
  const EffectLedger& ledger = pipeline.store.ledger();
  if (of_process) job.SetTaskManagerDown(0, false);
  const int64_t done = pipeline.Done();
  const int64_t kept = job.checkpoints() == nullptr ? 0 : WrittenAtCheckpoint(job);
  pipeline.Run(Seconds(12));

  Outcome outcome;
  outcome.replayed = job.replayed();
  outcome.lost = ledger.lost();
  outcome.again = ledger.duplicated() + ledger.replaced();
  int64_t buffered = 0;
  for (int i = 0; test.steps == Steps::kWindow && i < 2; ++i) {
    buffered += job.subtask(1, i).operator_at(1).counts().buffered;
  }
  EXPECT_EQ(pipeline.Job(StreamJob::kRestarts), 1);
  EXPECT_EQ(pipeline.RecordsInLog(), kRecords);
  // Each record is in one place.
  const bool commits = test.promise != SinkPromise::kTransactional || job.checkpoints() != nullptr;
  const int64_t settled = ledger.visible() + ledger.settled(EffectLedger::How::kFiltered) +
                          ledger.settled(EffectLedger::How::kLateDropped);
  if (commits) {
    EXPECT_EQ(settled + ledger.lost() + buffered, kRecords);
    EXPECT_EQ(pipeline.store.Staleness() > Duration::Zero(), buffered > 0);
  }
  EXPECT_EQ(ledger.duplicated_by(EffectCause::kRestart), ledger.duplicated());
  EXPECT_EQ(ledger.lost_by(EffectCause::kCommitFirst), ledger.lost());
  EXPECT_EQ(ledger.not_tracked(), 0);
  // Exactly once in the state: a store without transactions gets again what it was given since.
  if (test.guarantee == DeliveryGuarantee::kExactlyOnce) {
    const int64_t expected = test.promise == SinkPromise::kTransactional ? 0 : done - kept;
    if (ledger.settled(EffectLedger::How::kLateDropped) == 0) {
      EXPECT_EQ(outcome.again, expected);
    } else {
      EXPECT_LE(outcome.again, expected);
    }
  }
  EXPECT_EQ(test.promise == SinkPromise::kIdempotent ? ledger.duplicated() : ledger.replaced(), 0);
  return outcome;
}

class DeliveryTest : public testing::TestWithParam<Case> {
 protected:
  void CrashOften(int instants) {
    const Case& test = GetParam();
    RandomStream stream(92, "delivery_test", "instants");
    int64_t lost = 0, again = 0, replayed = 0;
    for (int i = 0; i < instants; ++i) {
      const auto crash =
          Nanoseconds(static_cast<int64_t>(10'000'000 + stream.NextBelow(4'500'000'000)));
      SCOPED_TRACE(crash.nanos());
      const Outcome outcome = CrashAt(crash, i % 3 == 0, test);
      if (test.guarantee == DeliveryGuarantee::kAtMostOnce) {
        EXPECT_EQ(outcome.again, 0);
        EXPECT_EQ(outcome.replayed, 0);
      } else {
        EXPECT_EQ(outcome.lost, 0);
      }
      // Never more than what was read again, and what was in the windows' state.
      if (test.steps == Steps::kFilter) {
        EXPECT_LE(outcome.again, outcome.replayed);
      }
      lost += outcome.lost;
      again += outcome.again;
      replayed += outcome.replayed;
    }
    // The cases say something only if there is something to lose and to double.
    const bool transactional = test.promise == SinkPromise::kTransactional;
    if (test.guarantee == DeliveryGuarantee::kAtMostOnce) {
      EXPECT_GT(lost, 0);
    } else {
      EXPECT_GT(replayed, 0);
      if (!transactional) {
        EXPECT_GT(again, 0);
      }
    }
  }
};

TEST_P(DeliveryTest, CountsAreExactWheneverItCrashes) { CrashOften(20); }

// The same at 200 instants: ctest -L slow.
class LongDeliveryTest : public DeliveryTest {};
TEST_P(LongDeliveryTest, CountsAreExactWheneverItCrashes) { CrashOften(200); }

using G = DeliveryGuarantee;
using P = SinkPromise;
const Case kCases[] = {
    {G::kAtMostOnce, P::kPlain},
    {G::kAtMostOnce, P::kIdempotent},
    {G::kAtMostOnce, P::kTransactional},
    {G::kAtLeastOnce, P::kPlain},
    {G::kAtLeastOnce, P::kIdempotent},
    {G::kAtLeastOnce, P::kTransactional},
    {G::kExactlyOnce, P::kPlain},
    {G::kExactlyOnce, P::kIdempotent},
    {G::kExactlyOnce, P::kTransactional},
    {G::kExactlyOnce, P::kTransactional, Steps::kFilter, true},
    {G::kAtMostOnce, P::kPlain, Steps::kWindow},
    {G::kAtLeastOnce, P::kPlain, Steps::kWindow},
    {G::kExactlyOnce, P::kPlain, Steps::kWindow},
    {G::kExactlyOnce, P::kPlain, Steps::kWindow, true},
    {G::kExactlyOnce, P::kTransactional, Steps::kWindow},
    {G::kExactlyOnce, P::kTransactional, Steps::kWindow, true},
};
INSTANTIATE_TEST_SUITE_P(All, DeliveryTest, testing::ValuesIn(kCases));
INSTANTIATE_TEST_SUITE_P(All, LongDeliveryTest, testing::ValuesIn(kCases));

}  // namespace
}  // namespace freshet
