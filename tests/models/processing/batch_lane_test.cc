// What a batch lane finds in its windows, and when.
#include "models/processing/batch_lane.h"

#include <memory>

#include "gtest/gtest.h"
#include "models/fault/batch_target.h"
#include "tests/models/sink/sink_pipeline.h"
#include "tests/models/transaction/transaction_pipeline.h"

namespace freshet {
namespace {

// A hundred records a second of one partition, at 10 ms, 20 ms and so on until 100 s, each a batch
// of its own, into a database that answers at once; a window of ten seconds, one task with a core
// of 1 ms a record. The group that writes has begun by 6 s. The record at the end of a window is
// the next one's, but where the log has coalesced it, and the bound lies in proportion.
struct BatchSettings : SinkSettings {
  BatchLane::Config lane;
};

BatchLane::Config EveryTenSeconds(int tasks) {
  BatchLane::Config lane;
  lane.window = Seconds(10);
  lane.start_delay = Seconds(1);
  lane.publish_time = Seconds(2);
  lane.consumers = Reading(tasks);
  lane.consumers.network_bandwidth = BytesPerSecond(int64_t{1} << 45);
  lane.consumers.max_poll_records = 500;
  lane.consumers.cpu_per_record = Milliseconds(1);
  return lane;
}

BatchSettings Daily(ApplicationCommits commits = ApplicationCommits::kAfterProcessing) {
  BatchSettings s;
  static_cast<SinkSettings&>(s) = ThousandInto(SinkPromise::kPlain, commits, Work::kOfTheMember);
  s.network.rtt_within_zone = Sampler::Constant(0);
  s.producers.rate = Until(Seconds(100), 100);
  s.consumers->start_at = Duration::Zero();
  s.consumers->cpu_per_record = Duration::Zero();
  s.lane = EveryTenSeconds(1);
  return s;
}

class BatchPipeline : public SinkPipeline {
 public:
  explicit BatchPipeline(const BatchSettings& settings)
      : SinkPipeline(settings), lane(sim, "nightly", &network, &log, sink.get(), settings.lane) {
    for (int task = 0; task < lane.task_count(); ++task) {
      tasks.push_back(std::make_unique<BatchTaskTarget>(&lane, task));
    }
    lane.Start();
  }
  int64_t Lane(const MetricDef& def) const { return ValueOf(sim, lane, def); }
  Histogram LaneHistogram(const MetricDef& def) const { return HistogramOf(sim, lane, def); }
  BatchLane lane;
  std::vector<std::unique_ptr<BatchTaskTarget>> tasks;
};

// The first window closes at 10 s: 1000 records take 1 s from 11 s on, those behind them that come
// with the same poll up to 0.25 s, and 2 s later the result is published.
TEST(BatchLaneTest, AWindowIsRebuiltBehindItsEnd) {
  BatchPipeline pipeline(Daily());
  pipeline.Run(Milliseconds(13'990));
  EXPECT_EQ(pipeline.Lane(BatchLane::kRuns), 0);
  pipeline.Run(Milliseconds(14'300));
  EXPECT_EQ(pipeline.Lane(BatchLane::kRuns), 1);
  EXPECT_EQ(pipeline.Lane(BatchLane::kRecords), 1'000);
  EXPECT_EQ(pipeline.Lane(BatchLane::kBytesCounted), 1'000 * (1024 + 61));
  pipeline.Run(Seconds(120));
  EXPECT_EQ(pipeline.Lane(BatchLane::kRuns), 11);  // The eleventh has the last record.
  EXPECT_EQ(pipeline.Lane(BatchLane::kRecords), 10'000);
  EXPECT_EQ(pipeline.Lane(BatchLane::kBytesCounted), 10'000 * (1024 + 61));
  EXPECT_EQ(pipeline.Lane(BatchLane::kDeleted), 0);
  // The group has caught up by the first comparison.
  EXPECT_EQ(pipeline.Lane(BatchLane::kMissing), 0);
  EXPECT_EQ(pipeline.Lane(BatchLane::kDoubled), 0);
  EXPECT_EQ(pipeline.Lane(BatchLane::kDrift), 0);
  // It is published 3 s and 1 ms behind its end, the others 4 s.
  const Histogram after = pipeline.LaneHistogram(BatchLane::kReconciled);
  EXPECT_EQ(after.count(), 11);
  EXPECT_EQ(after.min() / 1'000'000, 3'001);
  EXPECT_LT(after.max(), Milliseconds(4'300).nanos());
  // A record is published 4 s behind the window's end, the last one 3 s, and was sent up to 10 s
  // before it.
  const Histogram fresh = pipeline.LaneHistogram(BatchLane::kFreshness);
  EXPECT_EQ(fresh.count(), 10'000);
  EXPECT_GE(fresh.min(), Seconds(3).nanos());
  EXPECT_LT(fresh.max(), Milliseconds(14'300).nanos());
}

// Those who write the stream's records die at 40 s, for good: windows that are published from then
// on miss all that is behind.
TEST(BatchLaneTest, WhatTheStreamHasNotIsMissing) {
  BatchPipeline pipeline(Daily());
  pipeline.Down(pipeline.Member(1), Seconds(40), Duration::Zero());
  pipeline.Down(pipeline.Member(2), Seconds(40), Duration::Zero());
  pipeline.Run(Seconds(110));  // The tenth window has been published.
  const int64_t records = pipeline.Lane(BatchLane::kRecords);
  EXPECT_EQ(records, 9'999);  // The last is of the next window.
  EXPECT_EQ(pipeline.Lane(BatchLane::kMissing),
            records - pipeline.SinkValue(MeteredSink::kVisible));
  EXPECT_NEAR(static_cast<double>(pipeline.Lane(BatchLane::kMissing)), 6'000, 2);
  EXPECT_NEAR(static_cast<double>(pipeline.Lane(BatchLane::kDrift)), 1'000, 1);
}

// Offsets are committed each 5 s. Both members die at 32 s and are back a second later; the session
// of the dead ones is over at 77 s, and what was written since the last commit is written again.
TEST(BatchLaneTest, WhatTheStreamHasTwiceIsDoubled) {
  BatchSettings s = Daily(ApplicationCommits::kNone);
  BatchPipeline pipeline(s);
  pipeline.Down(pipeline.Member(1), Seconds(32), Seconds(1));
  pipeline.Down(pipeline.Member(2), Seconds(32), Seconds(1));
  pipeline.Run(Seconds(130));
  const int64_t doubled = pipeline.SinkValue(MeteredSink::kDuplicated);
  EXPECT_GT(doubled, 0);
  EXPECT_LE(doubled, 510);
  // The window [30, 40) was published at 44 s, when nobody had written anything again.
  EXPECT_EQ(pipeline.Lane(BatchLane::kDoubled), 0);
  EXPECT_GT(pipeline.Lane(BatchLane::kMissing), 3'000);

  // A minute and a half later both are as they will be.
  s.lane.start_delay = Seconds(91);
  BatchPipeline later(s);
  later.Down(later.Member(1), Seconds(32), Seconds(1));
  later.Down(later.Member(2), Seconds(32), Seconds(1));
  later.Run(Seconds(220));
  EXPECT_EQ(later.Lane(BatchLane::kRecords), 10'000);
  EXPECT_EQ(later.SinkValue(MeteredSink::kDuplicated), doubled);
  EXPECT_EQ(later.Lane(BatchLane::kDoubled), doubled);
  EXPECT_EQ(later.Lane(BatchLane::kMissing), 0);
}

// --- A host that dies ---

// Its first poll of 500 ends at 11.5 s, it dies at 11.7 s and is back at 14.7 s: the window is read
// from its beginning and published 3 s and some later.
TEST(BatchLaneTest, AHostThatDiesReadsItsPartAgain) {
  BatchPipeline pipeline(Daily());
  pipeline.Down(pipeline.tasks[0].get(), Milliseconds(11'700), Seconds(3));
  pipeline.Run(Milliseconds(17'690));
  EXPECT_EQ(pipeline.Lane(BatchLane::kRuns), 0);
  EXPECT_EQ(pipeline.Lane(BatchLane::kRepeated), 500);
  EXPECT_EQ(pipeline.Lane(BatchLane::kLostAttempts), 1);
  pipeline.Run(Milliseconds(18'500));
  EXPECT_EQ(pipeline.Lane(BatchLane::kRuns), 1);
  EXPECT_EQ(pipeline.Lane(BatchLane::kRecords), 1'000);
  EXPECT_EQ(pipeline.Lane(BatchLane::kBytesCounted), 1'000 * (1024 + 61));
  pipeline.Run(Seconds(120));
  EXPECT_EQ(pipeline.Lane(BatchLane::kRecords), 10'000);
  EXPECT_EQ(pipeline.Lane(BatchLane::kDrift), 0);
  EXPECT_EQ(pipeline.lane.WorkOf(0), 10'000 + 500 + 1);
}

TEST(BatchLaneTest, AndNotBeforeItsDelay) {
  BatchSettings s = Daily();
  s.lane.retry_delay = Seconds(4);
  BatchPipeline pipeline(s);
  pipeline.Down(pipeline.tasks[0].get(), Milliseconds(11'700), Seconds(3));
  pipeline.Run(Milliseconds(21'690));
  EXPECT_EQ(pipeline.Lane(BatchLane::kRuns), 0);
  pipeline.Run(Milliseconds(22'800));
  EXPECT_EQ(pipeline.Lane(BatchLane::kRuns), 1);
}

// Down when its window closes: it begins when the host is back, at 16 s, and has lost nothing.
TEST(BatchLaneTest, AHostThatIsDownBeginsLater) {
  BatchPipeline pipeline(Daily());
  pipeline.Down(pipeline.tasks[0].get(), Seconds(9), Seconds(7));
  pipeline.Run(Milliseconds(18'990));
  EXPECT_EQ(pipeline.Lane(BatchLane::kRuns), 0);
  EXPECT_EQ(pipeline.lane.WorkOf(0), 1'000 + 1);
  pipeline.Run(Milliseconds(19'800));
  EXPECT_EQ(pipeline.Lane(BatchLane::kRuns), 1);
  EXPECT_EQ(pipeline.Lane(BatchLane::kRepeated), 0);
  EXPECT_EQ(pipeline.Lane(BatchLane::kLostAttempts), 0);
}

// At half its speed the core takes 2 s for the window; over a card of 100 kB/s its 1 085 000 bytes
// take 10.85 s. Either way nothing is lost.
TEST(BatchLaneTest, ASlowCoreOrCardCostsTime) {
  BatchPipeline slow(Daily());
  slow.Fault(FaultVerb::kSlow, slow.tasks[0].get(), Seconds(5), Seconds(60), BytesPerSecond(1),
             Ratio::FromBillionths(2'000'000'000));
  slow.Run(Milliseconds(14'990));
  EXPECT_EQ(slow.Lane(BatchLane::kRuns), 0);
  slow.Run(Milliseconds(15'600));
  EXPECT_EQ(slow.Lane(BatchLane::kRuns), 1);

  BatchPipeline narrow(Daily());
  NicTarget card(&narrow.network, narrow.lane.HostOf(0));
  narrow.Fault(FaultVerb::kThrottle, &card, Seconds(5), Seconds(60), BytesPerSecond(100'000));
  narrow.Run(Milliseconds(23'840));
  EXPECT_EQ(narrow.Lane(BatchLane::kRuns), 0);
  narrow.Run(Seconds(40));
  EXPECT_GE(narrow.Lane(BatchLane::kRuns), 1);
  EXPECT_EQ(narrow.Lane(BatchLane::kMissing), 0);
}

// Whenever it dies, for however long: each record is in one result.
TEST(BatchLaneTest, WheneverItDiesEachRecordCountsOnce) {
  int64_t repeated = 0;
  for (int i = 0; i < 40; ++i) {
    BatchSettings s = Daily();
    s.topic.partitions = 3;
    s.lane = EveryTenSeconds(2);
    BatchPipeline pipeline(s);
    pipeline.Down(pipeline.tasks[0].get(), Milliseconds(10'900 + 41 * i),
                  Milliseconds(1 + 97 * (i % 9)));
    pipeline.Down(pipeline.tasks[1].get(), Milliseconds(21'000 + 23 * i),
                  Milliseconds(1 + 1'500 * (i % 5)));
    pipeline.Run(Seconds(130));
    EXPECT_EQ(pipeline.Lane(BatchLane::kRecords), 10'000) << i;
    EXPECT_EQ(pipeline.Lane(BatchLane::kMissing), 0) << i;
    EXPECT_EQ(pipeline.Lane(BatchLane::kDeleted), 0) << i;
    repeated += pipeline.Lane(BatchLane::kRepeated);
  }
  EXPECT_GT(repeated, 0);
}

// Of two tasks and no work for one: an idle host that dies touches nothing.
TEST(BatchLaneTest, AnIdleHostIsNotMissed) {
  BatchSettings s = Daily();
  s.lane = EveryTenSeconds(2);  // Of one partition.
  BatchPipeline pipeline(s);
  pipeline.Down(pipeline.tasks[1].get(), Seconds(5), Seconds(60));
  pipeline.Run(Seconds(120));
  EXPECT_EQ(pipeline.Lane(BatchLane::kRecords), 10'000);
  EXPECT_EQ(pipeline.lane.WorkOf(1), 0);
}

// --- Retention ---

// Segments of a second, kept for three: at 31 s, when the job of the first window of 30 s begins,
// what is older is gone, and the batch says how much. What it has and what was deleted is all.
TEST(BatchLaneTest, WhatRetentionHasDeletedIsToldAndNotCounted) {
  BatchSettings s = Daily();
  s.topic.segments.roll_after = Seconds(1);
  s.topic.retention.time = Seconds(3);
  s.cluster.retention_check_interval = Seconds(1);
  s.lane.window = Seconds(30);
  BatchPipeline pipeline(s);
  pipeline.Run(Seconds(160));
  const int64_t deleted = pipeline.Lane(BatchLane::kDeleted);
  EXPECT_EQ(pipeline.Lane(BatchLane::kRecords) + deleted, 10'000);
  EXPECT_GT(deleted, 7'000);
  EXPECT_GT(pipeline.Lane(BatchLane::kRecords), 0);
}

// --- Transactions ---

// Two clients, a transaction a second, a quarter of them aborted, until 60 s; nobody writes them to
// the store, so that all that a batch has is missing there.
class TransactionLanes : public TransactionPipeline {
 public:
  explicit TransactionLanes(const MiniSettings& settings)
      : TransactionPipeline(settings), db(sim, "db", &network, QuietDatabase(SinkPromise::kPlain)) {
    Producers::Config config = settings.producers;
    config.client_zones = {0, 0};
    config.rate = Until(Seconds(60), 200);
    Producers::Transactions transactions;
    transactions.coordinator = &coordinator;
    transactions.timeout = Seconds(60);
    transactions.commit_interval = Seconds(1);
    transactions.abort_share = Ratio::Percent(25);
    config.transactions = transactions;
    fleet = std::make_unique<Producers>(sim, "fleet", &network, &log, config);
    BatchLane::Config lane = EveryTenSeconds(2);
    uncommitted = std::make_unique<BatchLane>(sim, "glance", &network, &log, &db, lane);
    lane.consumers.isolation = Isolation::kReadCommitted;
    committed = std::make_unique<BatchLane>(sim, "nightly", &network, &log, &db, lane);
    Start();
    fleet->Start();
    uncommitted->Start();
    committed->Start();
  }
  DatabaseSink db;
  std::unique_ptr<Producers> fleet;
  std::unique_ptr<BatchLane> uncommitted;
  std::unique_ptr<BatchLane> committed;
};

TEST(BatchLaneTest, WhatWasAbortedIsInNoBatchThatReadsWhatIsCommitted) {
  TransactionLanes pipeline(Transacting());
  pipeline.Run(Seconds(100));
  const int64_t acked = ValueOf(pipeline.sim, *pipeline.fleet, Producers::kAcked);
  const int64_t aborted = ValueOf(pipeline.sim, *pipeline.fleet, Producers::kAbortedRecords);
  EXPECT_GT(aborted, 1'000);
  EXPECT_EQ(ValueOf(pipeline.sim, *pipeline.committed, BatchLane::kRecords), acked - aborted);
  EXPECT_EQ(ValueOf(pipeline.sim, *pipeline.committed, BatchLane::kMissing), acked - aborted);
  EXPECT_EQ(ValueOf(pipeline.sim, *pipeline.uncommitted, BatchLane::kRecords), acked);
  // Markers are nobody's.
  EXPECT_EQ(ValueOf(pipeline.sim, *pipeline.uncommitted, BatchLane::kMissing), acked);
  EXPECT_EQ(ValueOf(pipeline.sim, *pipeline.committed, BatchLane::kDeleted), 0);
}

}  // namespace
}  // namespace freshet
