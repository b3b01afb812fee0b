// What a sink has after crashes at many instants: by guarantee and by the sink's promise.
#include <string>

#include "gtest/gtest.h"
#include "sim/random.h"
#include "tests/models/processing/job_pipeline.h"

namespace freshet {
namespace {

constexpr int64_t kRecords = 4'000;

struct Outcome {
  int64_t lost = 0;
  int64_t doubled = 0;
  int64_t replayed = 0;
};

// 1000/s for 4 s through two stages with a window, one crash at `crash`.
Outcome CrashAt(Duration crash, DeliveryGuarantee guarantee, SinkPromise promise, bool unaligned,
                bool windowed) {
  MiniSettings settings = InstantLog(4, Until(Seconds(4), 1000));
  settings.producers.linger = Milliseconds(3);  // Batches of one to four records.
  JobPipeline pipeline(settings, promise, Microseconds(300));
  JobConfig job = PlausibleJob();
  VertexConfig work;
  work.name = "work";
  work.parallelism = 2;
  work.chain = {Op(OperatorKind::kMap, "enrich", Microseconds(1'500))};
  if (windowed) {
    work.chain.push_back(Op(OperatorKind::kWindow, "count"));
    WindowConfig& window = work.chain[1].window;
    window.size = window.slide = Milliseconds(250);
    window.keys = 50;
    window.bytes_per_row = window.state_per_row = Bytes(100);
    job.watermarks = WatermarkConfig{Milliseconds(100), Milliseconds(50), Seconds(1)};
  }
  job.vertices = {SourceVertex(2), work, SinkVertex(2, &pipeline.sink)};
  job.edges = {EdgeOf(0, 1, Partitioning::kHash), EdgeOf(1, 2, Partitioning::kHash)};
  job.guarantee = guarantee;
  job.checkpoints->interval = Milliseconds(400);
  job.checkpoints->unaligned = unaligned;
  if (guarantee == DeliveryGuarantee::kAtMostOnce) job.checkpoints.reset();
  job.restart.backoff.first = Milliseconds(100);
  pipeline.AddJob(job);
  pipeline.Run(crash);
  pipeline.job->FailNow();
  pipeline.Run(Seconds(12));
  Outcome outcome;
  outcome.replayed = pipeline.job->replayed();
  outcome.doubled = pipeline.sink.doubled();
  int64_t late = 0, buffered = 0;
  for (int i = 0; windowed && i < 2; ++i) {
    late += pipeline.job->subtask(1, i).operator_at(1).counts().late;
    buffered += pipeline.job->subtask(1, i).operator_at(1).counts().buffered;
  }
  outcome.lost = kRecords - pipeline.sink.distinct() - late - buffered;
  EXPECT_EQ(pipeline.Job(StreamJob::kRestarts), 1);
  EXPECT_EQ(pipeline.RecordsInLog(), kRecords);
  return outcome;
}

struct Case {
  DeliveryGuarantee guarantee;
  SinkPromise promise;
  bool unaligned = false;
  bool windowed = false;
};

class DeliveryTest : public testing::TestWithParam<Case> {};

TEST_P(DeliveryTest, CountsAreExactWheneverItCrashes) {
  const Case& test = GetParam();
  RandomStream instants(92, "delivery_test", "instants");
  int64_t lost = 0, doubled = 0, replayed = 0;
  for (int i = 0; i < 50; ++i) {
    const auto crash =
        Nanoseconds(static_cast<int64_t>(10'000'000 + instants.NextBelow(4'500'000'000)));
    SCOPED_TRACE(crash.nanos());
    const Outcome outcome =
        CrashAt(crash, test.guarantee, test.promise, test.unaligned, test.windowed);
    switch (test.guarantee) {
      case DeliveryGuarantee::kAtMostOnce:
        EXPECT_EQ(outcome.doubled, 0);
        EXPECT_EQ(outcome.replayed, 0);
        break;
      case DeliveryGuarantee::kAtLeastOnce:
        if (!test.windowed) {
          EXPECT_EQ(outcome.lost, 0);
        }
        break;
      case DeliveryGuarantee::kExactlyOnce:
        EXPECT_EQ(outcome.lost, 0);
        if (test.promise != SinkPromise::kPlain) {
          EXPECT_EQ(outcome.doubled, 0);
        }
        break;
    }
    // Never more than what was read again.
    EXPECT_LE(outcome.doubled, outcome.replayed);
    lost += outcome.lost;
    doubled += outcome.doubled;
    replayed += outcome.replayed;
  }
  // The cases say something only if there is something to lose and to double.
  if (test.guarantee == DeliveryGuarantee::kAtMostOnce) {
    EXPECT_GT(lost, 0);
  } else {
    EXPECT_GT(replayed, 0);
    EXPECT_EQ(doubled > 0, test.promise == SinkPromise::kPlain ||
                               (test.guarantee == DeliveryGuarantee::kAtLeastOnce &&
                                test.promise == SinkPromise::kTransactional && doubled > 0));
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, DeliveryTest,
    testing::Values(Case{DeliveryGuarantee::kAtMostOnce, SinkPromise::kPlain},
                    Case{DeliveryGuarantee::kAtMostOnce, SinkPromise::kIdempotent},
                    Case{DeliveryGuarantee::kAtLeastOnce, SinkPromise::kPlain},
                    Case{DeliveryGuarantee::kAtLeastOnce, SinkPromise::kIdempotent},
                    Case{DeliveryGuarantee::kAtLeastOnce, SinkPromise::kTransactional},
                    Case{DeliveryGuarantee::kExactlyOnce, SinkPromise::kPlain},
                    Case{DeliveryGuarantee::kExactlyOnce, SinkPromise::kIdempotent},
                    Case{DeliveryGuarantee::kExactlyOnce, SinkPromise::kTransactional},
                    Case{DeliveryGuarantee::kExactlyOnce, SinkPromise::kTransactional, true},
                    Case{DeliveryGuarantee::kExactlyOnce, SinkPromise::kTransactional, false, true},
                    Case{DeliveryGuarantee::kExactlyOnce, SinkPromise::kTransactional, true,
                         true}));

}  // namespace
}  // namespace freshet
