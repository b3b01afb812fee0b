// Workers, tasks and what their troubles do to a sink: exact, by hand.
#include "models/connect/connect_cluster.h"

#include "gtest/gtest.h"
#include "tests/models/connect/connect_pipeline.h"

namespace freshet {
namespace {

TEST(ConnectClusterTest, EachRecordIsThereOnceWithoutTrouble) {
  ConnectPipeline pipeline(Connected(3, 3, Seconds(60)));
  pipeline.Run(Seconds(120));
  EXPECT_EQ(pipeline.Connect(ConnectCluster::kWorkers), 3);
  EXPECT_EQ(pipeline.Connect(ConnectCluster::kRunning), 3);
  EXPECT_EQ(pipeline.Connect(ConnectCluster::kStarts), 3);
  for (int worker = 0; worker < 3; ++worker) {
    EXPECT_EQ(pipeline.connect->TasksOf(worker), (std::vector<int>{worker}));
  }
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 6'000);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated), 0);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLost), 0);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLag), 0);
}

// Nothing takes time but timers. The group of workers waits 3 s, and 3 s more because others come
// meanwhile: shares are there at 6 s, and heartbeats every 3 s from then on. Worker 2 beats last at
// 30 s; its session is over at 40 s. The others are told by their heartbeats at 42 s, and all
// are there again: from then on the delay runs, to 342 s. The leader is worker 1, told at 42 s,
// too.
TEST(ConnectClusterTest, ALostWorkersTasksAreUnassignedForTheDelay) {
  ConnectPipeline pipeline(Connected(3, 3, Seconds(400)));
  pipeline.Down(pipeline.Worker(2), Milliseconds(31'500), Duration::Zero());
  pipeline.Run(Seconds(342) - Nanoseconds(1));
  EXPECT_EQ(pipeline.Connect(ConnectCluster::kUnassigned), 1);
  EXPECT_EQ(pipeline.Connect(ConnectCluster::kRunning), 2);
  pipeline.Run(Seconds(342));
  EXPECT_EQ(pipeline.Connect(ConnectCluster::kUnassigned), 0);
  EXPECT_EQ(pipeline.Connect(ConnectCluster::kRunning), 3);
  EXPECT_EQ(pipeline.connect->TasksOf(0), (std::vector<int>{0, 1}));
  const Histogram time =
      HistogramOf(pipeline.sim, *pipeline.connect, ConnectCluster::kUnassignedTime);
  EXPECT_EQ(time.count(), 1);
  EXPECT_EQ(time.max(), Milliseconds(342'000 - 31'500).nanos());
  pipeline.Run(Seconds(500));
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 40'000);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLost), 0);
}

TEST(ConnectClusterTest, AWorkerThatComesBackInTheDelayGetsItsTasksAtItsEnd) {
  ConnectPipeline pipeline(Connected(3, 3, Seconds(400)));
  pipeline.Down(pipeline.Worker(2), Milliseconds(31'500), Seconds(30));
  pipeline.Run(Seconds(342) - Nanoseconds(1));
  EXPECT_EQ(pipeline.Connect(ConnectCluster::kWorkers), 3);
  EXPECT_EQ(pipeline.Connect(ConnectCluster::kUnassigned), 1);
  pipeline.Run(Seconds(343));
  EXPECT_EQ(pipeline.connect->TasksOf(1), (std::vector<int>{1}));
  EXPECT_EQ(pipeline.Connect(ConnectCluster::kRunning), 3);
}

TEST(ConnectClusterTest, TheLossOfTheLeaderCostsNoDelay) {
  ConnectPipeline pipeline(Connected(3, 3, Seconds(100)));
  pipeline.Down(pipeline.Worker(1), Milliseconds(31'500), Duration::Zero());
  pipeline.Run(Seconds(42));
  EXPECT_EQ(pipeline.Connect(ConnectCluster::kUnassigned), 0);
  EXPECT_EQ(pipeline.Connect(ConnectCluster::kRunning), 3);
}

TEST(ConnectClusterTest, AWorkerThatIsAddedIsGivenInTwoRounds) {
  ConnectSettings s = Connected(3, 4, Seconds(200));
  s.connect.absent_workers = 1;
  ConnectPipeline pipeline(s);
  int added = 0;
  pipeline.sim.At<"test.add">(Time() + Seconds(60), 0, [&] {
    pipeline.connect->AddWorkers(1, Seconds(10), [&added] { ++added; });
  });
  pipeline.Run(Seconds(65));
  EXPECT_EQ(pipeline.connect->TasksOf(0), (std::vector<int>{0, 2}));
  pipeline.Run(Seconds(100));
  EXPECT_EQ(added, 1);
  EXPECT_EQ(pipeline.connect->TasksOf(0), (std::vector<int>{0, 2}));
  EXPECT_EQ(pipeline.connect->TasksOf(1), (std::vector<int>{1}));
  EXPECT_EQ(pipeline.connect->TasksOf(2), (std::vector<int>{3}));
  pipeline.Run(Seconds(300));
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 20'000);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated), 0);
}

// One task. Its consumer starts at 6 s, has its partition at 9 s and commits every 60 s from then
// on. It dies at 100 s, and what it wrote since 69 s is written again: 31 s of 100 records.
int64_t DoubledByADeath(SinkPromise promise, Duration flush) {
  ConnectSettings s = Connected(2, 1, Seconds(110), promise);
  s.connect.consumers.auto_commit_interval = flush;
  ConnectPipeline pipeline(s);
  pipeline.Down(pipeline.Worker(1), Milliseconds(99'995), Duration::Zero());
  pipeline.Run(Seconds(500));
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 11'000);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLost), 0);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLag), 0);
  if (promise == SinkPromise::kIdempotent) {
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated), 0);
    return pipeline.SinkValue(MeteredSink::kReplaced);
  }
  EXPECT_EQ(pipeline.ledger().duplicated_by(EffectCause::kRestart),
            pipeline.SinkValue(MeteredSink::kDuplicated));
  return pipeline.SinkValue(MeteredSink::kDuplicated);
}

TEST(ConnectClusterTest, ADeathRepeatsWhatWasWrittenSinceTheLastFlush) {
  EXPECT_EQ(DoubledByADeath(SinkPromise::kPlain, Seconds(60)), 3'100);
  EXPECT_EQ(DoubledByADeath(SinkPromise::kIdempotent, Seconds(60)), 3'100);
  EXPECT_EQ(DoubledByADeath(SinkPromise::kPlain, Seconds(10)), 100);
}

}  // namespace
}  // namespace freshet
