// A disk that is full.
#include "gtest/gtest.h"
#include "tests/models/mini_pipeline.h"

namespace freshet {
namespace {

// Every broker has all six partitions: about 1.03 MB a second. The first one has room for 10 MB.
MiniSettings SmallDisk() {
  MiniSettings s = Plausible();
  s.producers.rate = Until(Seconds(60), 1'000);
  s.first_broker_volume = Bytes(10'000'000);
  return s;
}

int64_t Failures(const MiniPipeline& pipeline, KafkaBroker& broker) {
  return ValueOf(pipeline.sim, broker, KafkaBroker::kLogDirFailures);
}

TEST(DiskFullTest, ABrokerWhoseVolumeIsFullHalts) {
  MiniPipeline pipeline(SmallDisk());
  pipeline.Run(Seconds(9));
  EXPECT_TRUE(pipeline.log.IsUp(0));
  pipeline.Run(Seconds(11));
  EXPECT_FALSE(pipeline.log.IsUp(0));
  EXPECT_EQ(Failures(pipeline, pipeline.log.broker(0)), 1);
  // Full, and by no more than the append that did not fit.
  const int64_t held = ValueOf(pipeline.sim, pipeline.log.broker(0), KafkaBroker::kLogBytes);
  EXPECT_GT(held, 10'000'000);
  EXPECT_LT(held, 10'000'000 + 6 * 20 * 1'100);
}

TEST(DiskFullTest, LeadersMoveWhenItsSessionEndsAndNothingIsLost) {
  MiniPipeline pipeline(SmallDisk());
  ASSERT_EQ(pipeline.LedBy(0), 2);
  pipeline.Run(Seconds(15));
  EXPECT_EQ(pipeline.LedBy(0), 2);  // Halted without a word.
  pipeline.Run(Seconds(20));
  EXPECT_EQ(pipeline.LedBy(0), 0);
  EXPECT_EQ(pipeline.Log(KafkaCluster::kUnderReplicated), 6);
  pipeline.Run(Minutes(3));
  EXPECT_EQ(pipeline.Producer(Producers::kAcked), 60'000);
  EXPECT_EQ(pipeline.Log(KafkaCluster::kLostAcked), 0);
  EXPECT_EQ(pipeline.RecordsInLog(), 60'000);
  EXPECT_EQ(Failures(pipeline, pipeline.log.broker(1)), 0);
}

TEST(DiskFullTest, ItFailsAgainWhenItComesBackWithoutRoom) {
  MiniPipeline pipeline(SmallDisk());
  pipeline.Fault(FaultVerb::kDown, pipeline.broker_handles[0].get(), Seconds(30), Seconds(10));
  pipeline.Run(Seconds(45));
  EXPECT_FALSE(pipeline.log.IsUp(0));
  EXPECT_EQ(Failures(pipeline, pipeline.log.broker(0)), 2);
}

TEST(DiskFullTest, RetentionInTimeKeepsItUp) {
  MiniSettings s = SmallDisk();
  s.topic.segments.bytes = Bytes(100'000);
  s.topic.retention.bytes = Bytes(500'000);
  s.cluster.retention_check_interval = Seconds(1);
  s.cluster.file_delete_delay = Seconds(1);
  s.producers.rate = Until(Seconds(120), 100);  // 100 KB a second: 3 MB at the first check.
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(120));
  EXPECT_TRUE(pipeline.log.IsUp(0));
}

}  // namespace
}  // namespace freshet
