// Queries of Spark's kind whose processes die: what is run again, and what the sink has of it.
#include "gtest/gtest.h"
#include "models/sink/database_sink.h"
#include "tests/models/processing/spark_pipeline.h"

namespace freshet {
namespace {

// Batches of 10 000 records at 10 s (less one), 20 s, 30 s, and the rest at 40 s. The batch of 20 s
// is in the offset log at 20.010 s, planned at 20.210 s, written at 20.260 s and in the commit log
// at 20.270 s.
MiniSettings Feed() { return AtOnce(4, Until(Seconds(35), 1000)); }

TEST(SparkFailureTest, ADriverRunsTheLastBatchAgainWithTheSameOffsets) {
  SparkPipeline p(Feed(), PassingOn(1, 4), SinkPromise::kIdempotent);
  p.Down(p.driver.get(), Milliseconds(20'240), Seconds(5));
  p.Run(Milliseconds(20'235));
  ASSERT_EQ(p.query->last_logged(), 1);
  ASSERT_EQ(p.query->last_committed(), 0);
  const std::vector<Offset> to = p.query->logged_to();
  int64_t logged = 0;
  for (const Offset each : to) logged += each;
  EXPECT_EQ(logged, 19'999);
  // Back at 25.240 s, started at 30.240 s; both logs are read in 5 ms, and no log is written.
  p.Run(Milliseconds(30'440));
  EXPECT_EQ(p.query->logged_to(), to);
  EXPECT_EQ(p.store->visible(), 9'999);
  p.Run(Milliseconds(30'510));
  EXPECT_EQ(p.store->visible(), 19'999);
  EXPECT_EQ(p.query->last_committed(), 1);
  EXPECT_EQ(p.query->committed(), to);
  EXPECT_EQ(p.Longest(SparkQuery::kDowntime), 10'005);
  EXPECT_EQ(p.Query(SparkQuery::kRerunBatches), 1);
  p.Run(Seconds(60));
  EXPECT_EQ(p.store->visible(), 35'000);
  EXPECT_EQ(p.store->doubled(), 0);
  EXPECT_EQ(p.store->distinct(), 35'000);
}

// It dies between the sink and the commit log: the batch is there, and is written again.
TEST(SparkFailureTest, WhatTheSinkHasOfABatchIsTwiceInAPlainOneAlone) {
  for (const SinkPromise promise :
       {SinkPromise::kPlain, SinkPromise::kIdempotent, SinkPromise::kTransactional}) {
    SparkPipeline p(Feed(), PassingOn(1, 4), promise);
    p.Down(p.driver.get(), Milliseconds(20'265), Seconds(5));
    p.Run(Seconds(60));
    EXPECT_EQ(p.store->distinct(), 35'000);
    EXPECT_EQ(p.store->doubled(), promise == SinkPromise::kPlain ? 10'000 : 0);
    EXPECT_EQ(p.Query(SparkQuery::kRerunBatches), 1);
    EXPECT_EQ(p.Query(SparkQuery::kInputRows), 45'000);
  }
}

// Between batches nothing is run again.
TEST(SparkFailureTest, ABatchOfTheCommitLogIsOver) {
  SparkPipeline p(Feed(), PassingOn(1, 4));
  p.Down(p.driver.get(), Milliseconds(20'275), Seconds(5));
  p.Run(Seconds(60));
  EXPECT_EQ(p.store->visible(), 35'000);
  EXPECT_EQ(p.Query(SparkQuery::kRerunBatches), 0);
  EXPECT_EQ(p.Query(SparkQuery::kInputRows), 35'000);
}

// Two executors of two cores: one dies with its two tasks, 30 ms after they began. The other one
// runs its own until 20.260 s, and then those: 50 ms more.
TEST(SparkFailureTest, TasksOfALostExecutorRunElsewhere) {
  SparkPipeline p(Feed(), PassingOn(2, 2));
  p.Down(p.Executor(1), Milliseconds(20'240), Seconds(60));
  p.Run(Milliseconds(20'300));
  // Partitions 1 and 3 are the other's.
  const std::vector<Offset>& from = p.query->logged_from();
  const std::vector<Offset>& to = p.query->logged_to();
  EXPECT_EQ(p.store->visible(), 9'999 + (to[1] - from[1]) + (to[3] - from[3]));
  p.Run(Milliseconds(20'325));
  EXPECT_EQ(p.store->visible(), 19'999);
  EXPECT_EQ(p.Query(SparkQuery::kFailedTasks), 2);
  EXPECT_EQ(p.query->last_committed(), 1);
  p.Run(Seconds(50));
  EXPECT_EQ(p.store->visible(), 35'000);
  EXPECT_EQ(p.store->doubled(), 0);
  EXPECT_EQ(p.Query(SparkQuery::kFailures), 0);
}

// The executor dies again and again under the same tasks; the fourth time is the query's. The
// application starts anew, and what it had is run once more.
TEST(SparkFailureTest, ATaskThatFailsTooOftenFailsTheQuery) {
  SparkConfig config = PassingOn(1, 4);
  config.executor_start_time = Milliseconds(10);
  SparkPipeline p(Feed(), config);
  // The task of a batch begins at 20.210 s; each next one 20 ms after a death that lasts 10 ms.
  for (int64_t i = 0; i < 4; ++i) {
    p.Down(p.Executor(1), Milliseconds(20'240 + 50 * i), Milliseconds(10));
  }
  p.Run(Milliseconds(20'389));
  EXPECT_EQ(p.Query(SparkQuery::kFailures), 0);
  p.Run(Milliseconds(20'391));
  EXPECT_EQ(p.Query(SparkQuery::kFailures), 1);
  EXPECT_EQ(p.Query(SparkQuery::kFailedTasks), 16);
  p.Run(Seconds(60));
  EXPECT_EQ(p.Query(SparkQuery::kRerunBatches), 1);
  EXPECT_EQ(p.store->visible(), 35'000);
  EXPECT_EQ(p.store->doubled(), 0);
}

// What a dead executor had of the shuffle is made again before any task goes on; its stores are
// read from the checkpoint location. All windows come, once each: five, of 10 000 records less the
// first.
TEST(SparkFailureTest, TheShuffleOfALostExecutorIsMadeAgain) {
  SparkConfig config = Counting(2, 2);
  SparkPipeline p(AtOnce(4, Until(Seconds(60), 1000)), config, SinkPromise::kTransactional);
  // The batch of 20 s: its first stage is over at 20.260 s.
  p.Down(p.Executor(1), Milliseconds(20'280), Seconds(5));
  p.Run(Seconds(20) + Milliseconds(320));
  EXPECT_EQ(p.Query(SparkQuery::kRecomputed), 2);
  EXPECT_EQ(p.store->visible(), 0);
  p.Run(Seconds(100));
  EXPECT_GT(p.Query(SparkQuery::kStateRead), 0);
  EXPECT_EQ(p.store->visible(), 49'999);
  EXPECT_EQ(p.store->doubled(), 0);
  EXPECT_EQ(p.Query(SparkQuery::kLate), 0);
}

DatabaseSink::Config Database(SinkPromise promise) {
  DatabaseSink::Config config;
  config.network_bandwidth = BytesPerSecond(int64_t{1} << 45);
  config.workers = 8;
  config.time_per_record = Microseconds(20);
  config.request_timeout = Seconds(30);
  config.promise = promise;
  config.commit_latency = Sampler::Constant(1'000'000);
  return config;
}

// Segments of 64 records that live for 3 s, looked at each half second from 30 s on. The query
// begins at 36.3 s, with what has come since 33 s; its first task looks for it at 36.560 s, and
// that of the first half second is gone.
MiniSettings Forgetful() {
  MiniSettings s = AtOnce(1, Until(Seconds(55), 1000));
  s.topic.segments = {KiB(64), Duration::Max()};
  s.topic.retention = Retention{Seconds(3)};
  s.cluster.retention_check_interval = Milliseconds(500);
  return s;
}
SparkConfig BeginningLate(bool fail_on_data_loss) {
  SparkConfig config = PassingOn(1, 1);
  config.source.start_at = Milliseconds(36'300);
  config.source.start_from = StartFrom::kEarliest;
  config.fail_on_data_loss = fail_on_data_loss;
  return config;
}

// It fails, starts 5 s later, reads the offset log (5 ms), plans and fails again after 5.255 s.
TEST(SparkFailureTest, DataThatIsLostFailsTheQueryAgainAndAgain) {
  SparkPipeline p(Forgetful(), BeginningLate(true));
  p.Run(Milliseconds(36'550));
  EXPECT_EQ(p.Query(SparkQuery::kFailures), 0);
  p.Run(Milliseconds(36'570));
  EXPECT_EQ(p.Query(SparkQuery::kFailures), 1);
  p.Run(Milliseconds(41'825));
  EXPECT_EQ(p.Query(SparkQuery::kFailures), 2);
  p.Run(Seconds(60));
  EXPECT_EQ(p.Query(SparkQuery::kFailures), 5);
  EXPECT_EQ(p.Query(SparkQuery::kBatches), 0);
  EXPECT_EQ(p.query->last_logged(), 0);
}

// The batches of 36.3 s, 40 s and 50 s find what has come since 33.5 s, 37 s and 47 s, and a
// segment more; that of 60 s finds nothing, since nothing has come since 55 s.
TEST(SparkFailureTest, OrItIsLostAndTheQueryGoesOn) {
  SparkPipelineOf<DatabaseSink> p(Forgetful(), BeginningLate(false), [](MiniPipeline* on) {
    return std::make_unique<DatabaseSink>(on->sim, "db", &on->network,
                                          Database(SinkPromise::kPlain));
  });
  p.Run(Milliseconds(36'310));
  const int64_t begun = p.query->committed()[0];
  p.Run(Seconds(70));
  const EffectLedger& ledger = p.store->ledger();
  EXPECT_EQ(p.Query(SparkQuery::kFailures), 0);
  EXPECT_EQ(p.Query(SparkQuery::kBatches), 4);
  EXPECT_GE(ledger.visible(), 2'800 + 3'000 + 3'000);
  EXPECT_LE(ledger.visible(), 2'800 + 3'000 + 3'000 + 3 * 64 + 3 * 270);
  EXPECT_EQ(ledger.visible() + ledger.settled(EffectLedger::How::kDeleted), 55'000 - begun);
  EXPECT_EQ(ledger.lost_by(EffectCause::kRetention), 55'000 - begun - ledger.visible());
  EXPECT_EQ(p.Query(SparkQuery::kBehindLatest), 0);
}

// Drivers and executors die at 40 instants all over a batch, with and without a shuffle: the ledger
// has each record once, and knows each double of a plain store.
TEST(SparkFailureTest, TheLedgerIsExactWheneverTheyDie) {
  int64_t doubles = 0;
  for (const SinkPromise promise :
       {SinkPromise::kPlain, SinkPromise::kIdempotent, SinkPromise::kTransactional}) {
    for (int i = 0; i < 40; ++i) {
      const bool shuffles = i % 2 == 1;
      SparkConfig config = shuffles ? Counting(2, 2) : PassingOn(2, 2);
      config.trigger_interval = Seconds(5);
      SparkPipelineOf<DatabaseSink> p(
          AtOnce(4, Until(Seconds(40), 200)), config, [promise](MiniPipeline* on) {
            return std::make_unique<DatabaseSink>(on->sim, "db", &on->network, Database(promise));
          });
      FaultTarget* const target =
          i % 4 < 2 ? static_cast<FaultTarget*>(p.driver.get()) : p.Executor(1 + i % 3 % 2);
      p.Down(target, Seconds(20) + Milliseconds(1 + 11 * i), Seconds(2));
      p.Run(Seconds(70));
      const EffectLedger& ledger = p.store->ledger();
      ASSERT_EQ(p.RecordsInLog(), 8'000);
      // From 5 ms on, each 5 ms. Windows up to 30 s are closed: [30, 40) waits for a watermark that
      // does not come.
      EXPECT_EQ(ledger.visible(), shuffles ? 5'999 : 8'000) << i;
      EXPECT_EQ(ledger.lost(), 0) << i;
      EXPECT_EQ(ledger.not_tracked(), 0) << i;
      // Those that were on their way to the store when their task died are a zombie's.
      EXPECT_EQ(
          ledger.duplicated_by(EffectCause::kRestart) + ledger.duplicated_by(EffectCause::kZombie),
          ledger.duplicated())
          << i;
      const int64_t again = ledger.duplicated() + ledger.replaced();
      EXPECT_EQ(promise == SinkPromise::kPlain ? ledger.replaced() : ledger.duplicated(), 0) << i;
      EXPECT_TRUE(promise != SinkPromise::kTransactional || again == 0) << i;
      doubles += ledger.duplicated();
    }
  }
  EXPECT_GT(doubles, 0);
}

}  // namespace
}  // namespace freshet
