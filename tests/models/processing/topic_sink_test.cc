// A job that writes to a topic: what its readers see when, and how often, whatever happens to it.
#include "models/sink/topic_sink.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "models/group/transaction_coordinator.h"
#include "tests/models/processing/commit_sink.h"
#include "tests/models/processing/job_pipeline.h"
#include "tests/oracle/oracle_data.h"

namespace freshet {
namespace {

constexpr char kState[] = "__transaction_state";

// Records of "t" come as InstantLog() says; "out" has two partitions.
MiniSettings TwoTopics(std::shared_ptr<const RateFunction> rate) {
  MiniSettings s = InstantLog(1, std::move(rate));
  s.producers.linger = Duration::Zero();
  TopicConfig out = s.topic;
  out.name = "out";
  out.partitions = 2;
  TopicConfig state = s.topic;
  state.name = kState;
  state.partitions = 50;
  s.more_topics = {out, state};
  return s;
}

class TopicPipeline : public JobPipelineBase {
 public:
  TopicPipeline(const MiniSettings& settings, bool transactional,
                std::optional<Bytes> record_size = std::nullopt, Duration timeout = Minutes(15))
      : JobPipelineBase(settings),
        coordinator(sim, "transactions", &network, &log, Coordinating(log)) {
    TopicSink::Config config;
    config.partitions = log.PartitionsOf("out");
    config.coordinator = transactional ? &coordinator : nullptr;
    config.transactional_id_prefix = "job";
    config.transaction_timeout = timeout;
    config.linger = Milliseconds(5);
    config.batch_size = KiB(16);
    config.retry_backoff = Milliseconds(100);
    config.delivery_timeout = Minutes(2);
    config.record_size = record_size;
    sink = std::make_unique<TopicSink>(sim, "sink", &network, &log, config);
    for (const Isolation isolation : {Isolation::kReadCommitted, Isolation::kReadUncommitted}) {
      Consumers::Config reads = ReadingAll();
      reads.topic = "out";
      reads.member_zones = {0};
      reads.isolation = isolation;
      readers.push_back(std::make_unique<Consumers>(
          sim, isolation == Isolation::kReadCommitted ? "committed" : "glance", &network, &log,
          reads));
    }
  }
  ~TopicPipeline() { job.reset(); }
  static TransactionCoordinator::Config Coordinating(const LogService& log) {
    TransactionCoordinator::Config config;
    config.state_first = log.PartitionsOf(kState).first;
    config.state_partitions = log.PartitionsOf(kState).count;
    config.retry_backoff = Milliseconds(100);
    return config;
  }
  void StartJob() {
    JobConfig made = PlausibleJob();
    made.checkpoints->interval = Seconds(1);
    made.vertices = {SourceVertex(1), SinkVertex(2, sink.get())};
    made.vertices[1].chain[0].most_writes = 10'000;
    made.edges = {EdgeOf(0, 1, Partitioning::kRebalance)};
    AddJob(made);
    StartReaders();
  }
  void StartReaders() {
    for (const auto& each : readers) each->Start();
  }
  int64_t Committed() const { return ValueOf(sim, *readers[0], Consumers::kRecords); }
  int64_t Seen() const { return ValueOf(sim, *readers[1], Consumers::kRecords); }

  TransactionCoordinator coordinator;
  std::unique_ptr<TopicSink> sink;
  std::vector<std::unique_ptr<Consumers>> readers;
};

TEST(TopicSinkTest, ExactlyOnceIsReadCheckpointByCheckpoint) {
  TopicPipeline pipeline(TwoTopics(Until(Seconds(10), 100)), true);
  pipeline.StartJob();
  pipeline.Run(Milliseconds(3'900));
  // Those up to 3 s; the others are there, and not committed.
  EXPECT_NEAR(static_cast<double>(pipeline.Committed()), 300, 2);
  EXPECT_NEAR(static_cast<double>(pipeline.Seen()), 390, 2);
  EXPECT_EQ(pipeline.sink->ledger().visible(), pipeline.Committed());
  pipeline.Run(Seconds(12));
  EXPECT_EQ(pipeline.Committed(), 1000);
  EXPECT_EQ(pipeline.Seen(), 1000);
  EXPECT_EQ(pipeline.sink->ledger().visible(), 1000);
  EXPECT_EQ(ValueOf(pipeline.sim, *pipeline.sink, TopicSink::kSent), 1000);
  // Two writers, a transaction each second.
  EXPECT_NEAR(static_cast<double>(ValueOf(pipeline.sim, *pipeline.sink, TopicSink::kTransactions)),
              20, 2);
}

TEST(TopicSinkTest, ExactlyOnceStaysSoWheneverTheJobFails) {
  for (int i = 0; i < 12; ++i) {
    TopicPipeline pipeline(TwoTopics(Until(Seconds(6), 100)), true);
    pipeline.StartJob();
    // Before, within and after a commit.
    pipeline.Run(Milliseconds(2'400 + 100 * i));
    if (i % 3 == 0) {
      pipeline.job->SetTaskManagerDown(0, true);
      pipeline.Run(Milliseconds(3'600 + 100 * i));
      pipeline.job->SetTaskManagerDown(0, false);
    } else {
      pipeline.job->FailNow();
    }
    pipeline.Run(Seconds(120));
    SCOPED_TRACE(i);
    EXPECT_EQ(pipeline.Job(StreamJob::kRestarts), 1);
    EXPECT_EQ(pipeline.Committed(), 600);
    EXPECT_EQ(pipeline.sink->ledger().visible(), 600);
    EXPECT_EQ(pipeline.sink->ledger().duplicated(), 0);
    EXPECT_EQ(pipeline.sink->ledger().lost(), 0);
    // What was open when it failed has been aborted: whoever reads all has seen it.
    EXPECT_GE(pipeline.Seen(), 600);
    EXPECT_LE(pipeline.Seen(), 600 + pipeline.job->replayed());
  }
}

TEST(TopicSinkTest, AtLeastOnceHasTwiceWhatIsReplayed) {
  for (int i = 0; i < 6; ++i) {
    TopicPipeline pipeline(TwoTopics(Until(Seconds(6), 100)), false);
    pipeline.StartJob();
    pipeline.Run(Milliseconds(2'450 + 130 * i));
    pipeline.job->FailNow();
    pipeline.Run(Seconds(30));
    SCOPED_TRACE(i);
    const EffectLedger& ledger = pipeline.sink->ledger();
    EXPECT_EQ(ledger.visible(), 600);
    EXPECT_GT(ledger.duplicated(), 0);
    EXPECT_EQ(
        ledger.duplicated_by(EffectCause::kRestart) + ledger.duplicated_by(EffectCause::kZombie),
        ledger.duplicated());
    EXPECT_LE(ledger.duplicated(), pipeline.job->replayed());
    EXPECT_EQ(pipeline.Seen(), 600 + ledger.duplicated());
    EXPECT_EQ(pipeline.Committed(), pipeline.Seen());
    EXPECT_EQ(ledger.lost(), 0);
  }
}

// ora.C01: a job that commits to a topic each 10 s, and one that reads what is committed there and
// commits to a table each 60 s. Their phases are independent: here all twenty of them.
TEST(TopicSinkTest, OracleC01TwoCommitsInARow) {
  Histogram ages;
  constexpr int kPhases = 20;
  for (int phase = 0; phase < kPhases; ++phase) {
    TopicPipeline pipeline(TwoTopics(Until(Minutes(6), 40)), true);
    CommitSink table(pipeline.sim, nullptr);
    JobConfig first = PlausibleJob();
    first.checkpoints->interval = Seconds(10);
    first.vertices = {SourceVertex(1), SinkVertex(1, pipeline.sink.get())};
    first.vertices[1].chain[0].most_writes = 10'000;
    first.edges = {EdgeOf(0, 1, Partitioning::kForward)};
    pipeline.AddJob(first);
    JobConfig second = PlausibleJob();
    second.checkpoints->interval = Seconds(60);
    VertexConfig all = SourceVertex(1);
    all.source->topic = "out";
    all.source->isolation = Isolation::kReadCommitted;
    all.chain.push_back(SinkVertex(1, &table).chain[0]);
    second.vertices = {all};
    StreamJob behind(pipeline.sim, "behind", &pipeline.network, &pipeline.log, second);
    pipeline.Run(Seconds(10) * (2 * phase + 1) / (2 * kPhases));
    behind.Start();
    pipeline.Run(Minutes(8));
    EXPECT_EQ(table.committed, 14'400);
    ages.Merge(table.ages);
  }
  const auto expect = [&](double nanos, const char* metric) {
    const double oracle = oracle::Value("C01", metric);
    EXPECT_NEAR(nanos * 1e-9, oracle, 0.01 * oracle) << metric;
  };
  expect(ages.Mean(), "mean s");
  expect(static_cast<double>(ages.Quantile(50, 100)), "p50 s");
  expect(static_cast<double>(ages.Quantile(95, 100)), "p95 s");
  expect(static_cast<double>(ages.Quantile(99, 100)), "p99 s");
  expect(static_cast<double>(ages.Quantile(999, 1000)), "p999 s");
}

// Rows of 100 B that came of records of 1 KiB: so many records has the topic.
TEST(TopicSinkTest, BehindAWindowARowIsARecord) {
  TopicPipeline pipeline(TwoTopics(Until(Seconds(58), 100)), true, Bytes(100));
  JobConfig made = PlausibleJob();
  VertexConfig all = SourceVertex(1);
  all.chain.push_back(Op(OperatorKind::kWindow, "count"));
  WindowConfig& window = all.chain[1].window;
  window.size = window.slide = Seconds(5);
  window.keys = 40;
  window.bytes_per_row = window.state_per_row = Bytes(100);
  all.chain.push_back(SinkVertex(1, pipeline.sink.get()).chain[0]);
  all.chain[2].most_writes = 10'000;
  made.vertices = {all};
  made.watermarks.emplace();
  made.watermarks->out_of_orderness = Duration::Zero();
  made.watermarks->interval = Milliseconds(200);
  pipeline.AddJob(made);
  pipeline.StartReaders();
  pipeline.Run(Seconds(80));
  // The window of 55 s has not fired: eleven, of forty rows each.
  EXPECT_EQ(ValueOf(pipeline.sim, pipeline.job->vertex(0), Vertex::kRows), 11 * 40);
  EXPECT_EQ(pipeline.Committed(), 11 * 40);
  EXPECT_NEAR(static_cast<double>(pipeline.sink->ledger().visible()), 5'500, 1);
}

// A transaction of 5 s that is prepared and not committed for 30 s: its coordinator has aborted it.
TEST(TopicSinkTest, WhatIsPreparedForLongerThanItsTimeoutIsLost) {
  for (const Duration timeout : {Seconds(5), Seconds(60)}) {
    TopicPipeline pipeline(TwoTopics(Steady(0)), true, std::nullopt, timeout);
    const Sink::WriterId writer = pipeline.sink->AddWriter(
        "1", pipeline.network.AddHost("writer", 0, BytesPerSecond(int64_t{1} << 45)));
    pipeline.StartReaders();
    RecordRange records;
    records.partition = pipeline.log.PartitionsOf("t").first;
    records.to = records.whole = records.high = 10;
    records.bytes = KiB(10);
    int written = 0, prepared = 0, committed = 0;
    pipeline.sink->Write(writer, records, [&](bool ok) { written += ok; });
    pipeline.Run(Milliseconds(2'001));
    EXPECT_EQ(written, 1);
    pipeline.sink->Prepare(writer, 1, [&](bool ok) { prepared += ok; });
    pipeline.Run(Milliseconds(30'001));
    EXPECT_EQ(prepared, 1);
    pipeline.sink->Commit(1, [&](bool ok) { committed += ok; });
    pipeline.Run(Milliseconds(40'001));
    EXPECT_EQ(committed, 1);
    const bool in_time = timeout == Seconds(60);
    EXPECT_EQ(pipeline.Committed(), in_time ? 10 : 0);
    EXPECT_EQ(pipeline.sink->ledger().visible(), in_time ? 10 : 0);
    EXPECT_EQ(pipeline.sink->ledger().lost(), in_time ? 0 : 10);
    EXPECT_EQ(pipeline.sink->ledger().lost_by(EffectCause::kTimedOut), in_time ? 0 : 10);
    EXPECT_EQ(pipeline.sink->ledger().lost_by(EffectCause::kRetention), 0);
    EXPECT_EQ(ValueOf(pipeline.sim, *pipeline.sink, TopicSink::kTimedOut), in_time ? 0 : 1);
    // Another transaction goes well.
    records.from = records.base = 10;
    records.to = 20;
    pipeline.sink->Write(writer, records, [&](bool ok) { written += ok; });
    pipeline.Run(Milliseconds(42'001));
    pipeline.sink->Prepare(writer, 2, [&](bool ok) { prepared += ok; });
    pipeline.Run(Milliseconds(43'001));
    pipeline.sink->Commit(2, [&](bool ok) { committed += ok; });
    pipeline.Run(Seconds(50));
    EXPECT_EQ(committed, 2);
    EXPECT_EQ(pipeline.Committed(), in_time ? 20 : 10);
  }
}

}  // namespace
}  // namespace freshet
