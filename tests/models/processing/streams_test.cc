// Applications of Kafka Streams' kind: tasks and threads, commits, crashes, state and replicas.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/models/processing/streams_pipeline.h"

namespace freshet {
namespace {

using ::testing::SizeIs;

MiniSettings Feed(int64_t seconds) { return BehindStreams(Seconds(seconds)); }

StreamsConfig PassOn(const MiniSettings& settings, int instances) {
  return Streams({PassingOn(settings, "read", "t", kOut)}, instances);
}

StreamsConfig Distinct(const MiniSettings& settings, int instances) {
  SubTopologyConfig part = PassingOn(settings, "count", "t", kOut);
  KeepState(&part);
  return Streams({part}, instances);
}

TEST(StreamsTest, EveryRecordComesToItsTopicOnce) {
  const MiniSettings settings = Feed(10);
  StreamsPipeline p(settings, PassOn(settings, 2));
  p.Run(Seconds(60));
  ASSERT_EQ(p.RecordsInLog(), 6000);
  EXPECT_EQ(p.App(StreamsApp::kProcessed), 6000);
  EXPECT_EQ(p.ledger().visible(), 6000);
  EXPECT_EQ(p.ledger().duplicated(), 0);
  EXPECT_EQ(p.RecordsIn(kOut), 6000);
  EXPECT_EQ(p.App(StreamsApp::kLag), 0);
  EXPECT_THAT(p.TasksOf(1), SizeIs(3));
  EXPECT_THAT(p.TasksOf(2), SizeIs(3));
  EXPECT_EQ(p.App(StreamsApp::kRunning), 6);
}

TEST(StreamsTest, AThreadCommitsOnItsTimerWhatItHasProcessed) {
  const MiniSettings settings = Feed(65);
  StreamsPipeline p(settings, PassOn(settings, 1));
  p.Run(Seconds(200));
  // At 30 s, 60 s, 90 s or so; then there is nothing to commit.
  EXPECT_EQ(p.App(StreamsApp::kCommits), 3);
  for (int task = 0; task < 6; ++task) {
    EXPECT_EQ(p.app->consumers(0).coordinator()->CommittedOf(task),
              p.log.LogOf(static_cast<PartitionId>(task)).log_end_offset());
  }
}

TEST(StreamsTest, ARepartitionTopicCarriesRecordsToTheirKeys) {
  const MiniSettings settings = Feed(10);
  SubTopologyConfig first = PassingOn(settings, "read", "t", kRepartition);
  SubTopologyConfig second = PassingOn(settings, "count", kRepartition, kOut);
  KeepState(&second);
  // 40% of the records have keys of the first partition.
  first.weights = {40, 12, 12, 12, 12, 12};
  StreamsPipeline p(settings, Streams({first, second}, 2));
  p.Run(Seconds(60));
  EXPECT_EQ(p.RecordsIn(kRepartition), 6000);
  EXPECT_EQ(p.RecordsIn(kOut), 6000);
  EXPECT_EQ(p.ledger(0).visible(), 6000);
  EXPECT_EQ(p.ledger(1).visible(), 6000);
  EXPECT_NEAR(
      static_cast<double>(p.log.LogOf(p.log.PartitionsOf(kRepartition).first).log_end_offset()),
      2400.0, 60.0);
  // Each record is a new key: as many are in the changelog.
  EXPECT_EQ(p.RecordsIn(kChangelog), 6000);
}

TEST(StreamsTest, ADeadInstanceIsMissedWhenItsSessionsAreOver) {
  const MiniSettings settings = Feed(100);
  StreamsPipeline p(settings, PassOn(settings, 2));
  p.Down(p.Instance(1), Seconds(70), Minutes(60));
  p.Run(Seconds(200));
  EXPECT_THAT(p.TasksOf(2), SizeIs(6));
  // 45 s after its last heartbeat, at most 3 s old; the other one hears of it within 3 s.
  const Histogram downtime = p.Downtime();
  EXPECT_EQ(downtime.count(), 3);
  EXPECT_GE(downtime.min(), Seconds(42).nanos());
  EXPECT_LE(downtime.max(), Seconds(49).nanos());
  EXPECT_EQ(p.RecordsInLog(), 60'000);
  EXPECT_EQ(p.ledger().visible(), 60'000);
  // What it had processed since its commit, the last 100 ms of it perhaps not sent, is there twice.
  const int64_t replayed = p.App(StreamsApp::kReplayed);
  EXPECT_GT(replayed, 0);
  EXPECT_LE(replayed, 300 * 31);
  EXPECT_GT(p.ledger().duplicated(), 0);
  EXPECT_LE(p.ledger().duplicated(), replayed);
  EXPECT_GE(p.ledger().duplicated(), replayed - 300);
  EXPECT_EQ(p.RecordsIn(kOut), 60'000 + p.ledger().duplicated());
}

TEST(StreamsTest, ExactlyOnceDoublesNothingWheneverItDies) {
  for (int64_t tenths = 400; tenths < 410; tenths += 3) {
    const MiniSettings settings = Feed(60);
    StreamsPipeline p(settings, PassOn(settings, 2), true);
    p.Down(p.Instance(1), Milliseconds(100 * tenths + 37 * (tenths % 7)), Minutes(60));
    p.Run(Seconds(150));
    EXPECT_EQ(p.ledger().visible(), 36'000) << tenths;
    EXPECT_EQ(p.ledger().duplicated(), 0) << tenths;
    EXPECT_EQ(p.RecordsIn(kOut), 36'000) << tenths;
  }
}

TEST(StreamsTest, AnInstanceThatComesIsGivenItsShareWithoutADouble) {
  const MiniSettings settings = Feed(60);
  StreamsPipeline p(settings, PassOn(settings, 2));
  p.Down(p.Instance(2), Duration::Zero(), Seconds(30));
  p.Run(Seconds(120));
  EXPECT_THAT(p.TasksOf(1), SizeIs(3));
  EXPECT_THAT(p.TasksOf(2), SizeIs(3));
  // What is given up is committed first.
  EXPECT_EQ(p.ledger().visible(), 36'000);
  EXPECT_EQ(p.ledger().duplicated(), 0);
}

TEST(StreamsTest, WithoutAReplicaATaskRestoresItsWholeState) {
  const MiniSettings settings = Feed(70);
  StreamsPipeline p(settings, Distinct(settings, 2));
  p.Down(p.Instance(1), Seconds(65), Minutes(60));
  p.Run(Seconds(200));
  EXPECT_THAT(p.TasksOf(2), SizeIs(6));
  // Three of six tasks, and of them what was committed at 60 s or so: 300 keys a second.
  EXPECT_GT(p.Restored(), 300 * 55);
  EXPECT_LE(p.Restored(), 300 * 66);
  EXPECT_EQ(p.ledger().visible(), 42'000);
}

TEST(StreamsTest, WithAStandbyItRestoresOnlyTheRest) {
  const MiniSettings settings = Feed(70);
  StreamsConfig config = Distinct(settings, 2);
  config.standbys = 1;
  StreamsPipeline p(settings, config);
  p.Down(p.Instance(1), Seconds(65), Minutes(60));
  p.Run(Seconds(200));
  EXPECT_THAT(p.TasksOf(2), SizeIs(6));
  // It has followed the changelog to its end while the session ran out.
  EXPECT_EQ(p.Restored(), 0);
  EXPECT_GT(ValueOf(p.sim, *p.app->copies(0), StateCopies::kFollowedBytes), 300 * 55 * 100);
  EXPECT_EQ(p.ledger().visible(), 42'000);
}

TEST(StreamsTest, AnInstanceWithoutTheStateWarmsUpBeforeItIsGivenTasks) {
  const MiniSettings settings = Feed(400);
  StreamsConfig config = Distinct(settings, 2);
  config.acceptable_lag = 100;
  config.probing_interval = Minutes(2);
  config.persistent = false;
  StreamsPipeline p(settings, config);
  p.Down(p.Instance(2), Duration::Zero(), Seconds(60));
  p.Run(Seconds(100));
  EXPECT_THAT(p.TasksOf(1), SizeIs(6));
  EXPECT_EQ(ValueOf(p.sim, *p.app->copies(0), StateCopies::kFollowing), 2);  // Warm-ups.
  p.Run(Seconds(400));
  // Two at the first probing rebalance, the third at the next.
  EXPECT_THAT(p.TasksOf(1), SizeIs(3));
  EXPECT_THAT(p.TasksOf(2), SizeIs(3));
  EXPECT_EQ(p.ledger().duplicated(), 0);
}

TEST(StreamsTest, ACacheKeepsChangesOfAKeyFromTheChangelog) {
  int64_t changes[2];
  for (const bool cached : {false, true}) {
    const MiniSettings settings = Feed(60);
    SubTopologyConfig part = PassingOn(settings, "count", "t", kOut);
    OperatorConfig window;
    window.name = "window";
    window.kind = OperatorKind::kWindow;
    window.window.size = window.window.slide = Seconds(10);
    window.window.keys = 60;
    window.window.bytes_per_row = window.window.state_per_row = Bytes(100);
    part.chain.push_back(window);
    part.changelog = kChangelog;
    part.changelog_record = Bytes(100);
    StreamsConfig config = Streams({part}, 1);
    if (!cached) config.cache = Bytes(0);
    StreamsPipeline p(settings, config);
    p.Run(Seconds(100));
    changes[cached] = p.RecordsIn(kChangelog);
  }
  // Each record changes a key; or, with the cache, ten keys a task in each of at most four windows
  // for each of three commits.
  EXPECT_EQ(changes[0], 36'000);
  EXPECT_GT(changes[1], 0);
  EXPECT_LE(changes[1], 6 * 10 * 4 * 3);
}

}  // namespace
}  // namespace freshet
