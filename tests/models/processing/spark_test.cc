// Queries of Spark's kind: the floor of a micro-batch, triggers, waves of tasks, windows that close
// between batches.
#include "gtest/gtest.h"
#include "tests/models/processing/spark_pipeline.h"

namespace freshet {
namespace {

// A record waits for half an interval on average, then for the offset log (10 ms), planning
// (200 ms) and its task (50 ms).
TEST(SparkTest, TheFloorIsHalfTheIntervalAndTheRun) {
  SparkPipeline p(AtOnce(4, Until(Seconds(50), 1000)), PassingOn(1, 4));
  p.Run(Seconds(70));
  EXPECT_EQ(p.store->visible(), 50'000);
  EXPECT_EQ(p.store->doubled(), 0);
  // At 10 s, 20 s ... 50 s, and that of the last record alone.
  EXPECT_EQ(p.Query(SparkQuery::kBatches), 6);
  const Duration floor = Seconds(5) + Milliseconds(260);
  EXPECT_GE(p.MeanWait(), floor - Milliseconds(1));
  EXPECT_LE(p.MeanWait(), floor + Milliseconds(1));
  // And the commit log: 10 ms.
  EXPECT_EQ(p.Longest(SparkQuery::kBatchDuration), 270);
  EXPECT_EQ(p.Shortest(SparkQuery::kBatchDuration), 270);
  EXPECT_EQ(p.Query(SparkQuery::kBehindLatest), 0);
}

// As soon as possible an interval is a batch: half of 270 ms, and the 260 ms.
TEST(SparkTest, AsSoonAsPossibleTheFloorIsOneAndAHalfBatches) {
  SparkConfig config = PassingOn(1, 4);
  config.trigger_interval = Duration::Zero();
  SparkPipeline p(AtOnce(4, Until(Seconds(27), 1000)), config);
  p.Run(Seconds(40));
  EXPECT_EQ(p.store->visible(), 27'000);
  const Duration floor = Milliseconds(135 + 260);
  EXPECT_GE(p.MeanWait(), floor - Milliseconds(3));
  EXPECT_LE(p.MeanWait(), floor + Milliseconds(3));
  EXPECT_EQ(p.Query(SparkQuery::kFallingBehind), 0);
}

// A batch takes 2.37 s, the interval is 1 s: it is followed at once. From 1 s on batches end at
// 3.37 s, 5.74 s and 8.11 s; at whole seconds they would end at 3.37 s, 6.37 s and 9.37 s.
TEST(SparkTest, ATriggerThatOverrunsIsFollowedAtOnce) {
  SparkConfig config = PassingOn(1, 4);
  config.trigger_interval = Seconds(1);
  config.planning_time = Milliseconds(2300);
  SparkPipeline p(AtOnce(4, Steady(1000)), config);
  p.Run(Milliseconds(8'100));
  EXPECT_EQ(p.Query(SparkQuery::kBatches), 2);
  p.Run(Milliseconds(8'120));
  EXPECT_EQ(p.Query(SparkQuery::kBatches), 3);
  EXPECT_EQ(p.Query(SparkQuery::kFallingBehind), 3);
}

// Eight partitions on two cores, 50 ms a task: four waves.
TEST(SparkTest, TasksComeInWaves) {
  for (const int64_t cores : {2, 4, 8}) {
    SparkPipeline p(AtOnce(8, Until(Seconds(9), 1000)), PassingOn(1, cores));
    p.Run(Seconds(15));
    ASSERT_EQ(p.store->visible(), 9'000);
    EXPECT_EQ(p.Query(SparkQuery::kTasks), 8);
    EXPECT_EQ(p.Longest(SparkQuery::kAddBatch), 50 * 8 / cores) << cores;
  }
}

// 9000 records wait at the first trigger: 1000 of them are as many batches' worth as it says.
TEST(SparkTest, ABatchIsLimited) {
  SparkConfig config = PassingOn(1, 4);
  config.max_offsets_per_trigger = 1000;
  SparkPipeline p(AtOnce(1, Until(Seconds(9), 1000)), config);
  p.Run(Seconds(25));
  EXPECT_EQ(p.Query(SparkQuery::kBatches), 2);
  EXPECT_EQ(p.store->visible(), 2'000);
  EXPECT_EQ(p.Times(SparkQuery::kBatchRows).max(), 1'000);
  EXPECT_EQ(p.Query(SparkQuery::kBehindLatest), 7'000);
}

// Batches at 5 s, 10 s ... of which each has the watermark of the one before: 2 s behind its latest
// record. [0, 10) ends below 12.999 s, which is known after the batch of 15 s: the batch of 20 s
// closes it. The batch of 30 s closes [10, 20) by 22.999 s. The record of 30 s is the batch of 35
// s, and moves the watermark to 28 s: that is a batch without records at 40 s, and [20, 30) stays
// open for ever.
TEST(SparkTest, AWindowClosesInTheBatchBehindItsWatermark) {
  SparkPipeline p(AtOnce(4, Until(Seconds(30), 1000)), Counting(2, 2));
  p.Run(Milliseconds(20'200));
  EXPECT_EQ(p.store->visible(), 0);
  p.Run(Seconds(21));
  EXPECT_EQ(p.store->visible(), 9'999);
  p.Run(Milliseconds(30'200));
  EXPECT_EQ(p.store->visible(), 9'999);
  p.Run(Seconds(60));
  EXPECT_EQ(p.store->visible(), 19'999);
  EXPECT_EQ(p.store->doubled(), 0);
  EXPECT_EQ(p.Query(SparkQuery::kBatches), 8);
  EXPECT_EQ(p.Query(SparkQuery::kNoDataBatches), 1);
  EXPECT_EQ(p.Query(SparkQuery::kLate), 0);
  // Two windows in each of four partitions, which have 12 of the 50 keys each: rows of 100 B.
  EXPECT_EQ(p.Query(SparkQuery::kFired), 8);
  EXPECT_EQ(p.store->bytes(), Bytes(2 * 4 * 12 * 100));
}

// The same, and the driver dies behind the batch of 35 s: a query that has just started runs no
// batch without records. With no_data_batches off none comes at all.
TEST(SparkTest, ABatchWithoutRecordsFollowsABatchAlone) {
  for (const bool dies : {true, false}) {
    SparkConfig config = Counting(2, 2);
    config.no_data_batches = dies;
    SparkPipeline p(AtOnce(4, Until(Seconds(30), 1000)), config);
    if (dies) p.Down(p.driver.get(), Seconds(36), Seconds(1));
    p.Run(Seconds(60));
    EXPECT_EQ(p.store->visible(), 19'999);
    EXPECT_EQ(p.Query(SparkQuery::kBatches), 7);
    EXPECT_EQ(p.Query(SparkQuery::kNoDataBatches), 0);
  }
}

// Each batch has a task for each shuffle partition, whatever there is, and each writes a delta.
TEST(SparkTest, ShufflePartitionsCostTheirTasks) {
  SparkConfig config = Counting(1, 4);
  config.shuffle_partitions = 200;
  SparkPipeline p(AtOnce(4, Until(Seconds(9), 1000)), config);
  p.Run(Seconds(9));
  // The first batch, at 5 s: 50 ms, then 50 waves of 50 ms and a delta of 10 ms.
  EXPECT_EQ(p.Longest(SparkQuery::kAddBatch), 50 + 50 * 60);
  EXPECT_EQ(p.Query(SparkQuery::kTasks), 4 + 200);
}

// At 60 s it has 11 deltas of each store, which are put together then; the batch of 60 s is under
// way.
TEST(SparkTest, MaintenanceMakesSnapshots) {
  SparkPipeline p(AtOnce(4, Until(Seconds(64), 1000)), Counting(1, 4));
  p.Run(Milliseconds(59'990));
  const int64_t deltas = p.Query(SparkQuery::kStateWritten);
  const size_t files = p.checkpoints.object_count();
  EXPECT_EQ(files, 11u * (2 + 4));  // Both logs, four deltas.
  p.Run(Milliseconds(60'100));
  EXPECT_EQ(p.checkpoints.object_count(), files + 1 + 4);  // The offset log, and four snapshots.
  EXPECT_GT(p.Query(SparkQuery::kStateWritten), deltas);
}

}  // namespace
}  // namespace freshet
