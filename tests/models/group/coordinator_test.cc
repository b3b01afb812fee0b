// Where the coordinator is, what its loss does, and how long loading takes.
#include "gtest/gtest.h"
#include "tests/models/group/group_pipeline.h"

namespace freshet {
namespace {

// Worked out with Java's String.hashCode(): "audit" is 93166555, "orders" -1008770331, and "a" 97.
TEST(GroupCoordinatorTest, TheHashOfTheGroupChoosesThePartition) {
  EXPECT_EQ(GroupCoordinator::PartitionOf("a", 50), 97 % 50);
  EXPECT_EQ(GroupCoordinator::PartitionOf("audit", 50), 93166555 % 50);
  EXPECT_EQ(GroupCoordinator::PartitionOf("orders", 50), 1008770331 % 50);
  EXPECT_EQ(GroupCoordinator::PartitionOf("", 50), 0);
}

TEST(GroupCoordinatorTest, ADeadCoordinatorComesBackElsewhereAndNobodyRebalances) {
  GroupPipeline pipeline(Subscribed(3));
  pipeline.Run(Seconds(20));
  const BrokerId before = pipeline.Coordinator();
  ASSERT_NE(before, kNoBroker);
  pipeline.Down(pipeline.Broker(before), Seconds(21), Duration::Zero());
  pipeline.Run(Seconds(22));
  EXPECT_EQ(pipeline.Coordinator(), kNoBroker);
  EXPECT_EQ(pipeline.Consumer(GroupMetrics::kUnavailable), 1);
  // The broker's session is over after nine seconds at the most, and the election takes a second.
  pipeline.Run(Seconds(32));
  EXPECT_NE(pipeline.Coordinator(), kNoBroker);
  EXPECT_NE(pipeline.Coordinator(), before);
  EXPECT_EQ(pipeline.Consumer(GroupMetrics::kUnavailable), 0);
  pipeline.Run(Seconds(120));
  EXPECT_EQ(pipeline.Rebalances(), 1);
  EXPECT_EQ(pipeline.OwnedByAll(), 6);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRedelivered), 0);
}

TEST(GroupCoordinatorTest, LoadingTakesTheBytesOverTheRate) {
  MiniSettings s = Subscribed(3);
  s.consumers->group->load_rate = BytesPerSecond(1 << 20);
  s.consumers->group->other_bytes = MiB(600);  // Ten minutes.
  GroupPipeline pipeline(s);
  pipeline.Run(Seconds(20));
  pipeline.Down(pipeline.Broker(pipeline.Coordinator()), Seconds(21), Duration::Zero());
  pipeline.Run(Seconds(610));
  EXPECT_EQ(pipeline.Consumer(GroupMetrics::kUnavailable), 1);
  pipeline.Run(Seconds(640));
  EXPECT_EQ(pipeline.Consumer(GroupMetrics::kUnavailable), 0);
  // Members go on with what they have meanwhile, and nobody's session is over.
  pipeline.Run(Seconds(700));
  EXPECT_EQ(pipeline.Rebalances(), 1);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRedelivered), 0);
}

TEST(GroupCoordinatorTest, WhoDiesWithTheCoordinatorIsMissedASessionAfterLoading) {
  GroupPipeline pipeline(Subscribed(3));
  pipeline.Run(Seconds(20));
  pipeline.Down(pipeline.Broker(pipeline.Coordinator()), Seconds(21), Duration::Zero());
  pipeline.Down(pipeline.Member(2), Seconds(21), Duration::Zero());
  pipeline.Run(Seconds(21 + 45 + 6));  // A session after the crash it would have been noticed.
  EXPECT_EQ(pipeline.Rebalances(), 1);
  pipeline.Run(Seconds(21 + 45 + 15));
  EXPECT_EQ(pipeline.RebalancesBy(RebalanceCause::kSessionOver), 1);
}

TEST(GroupCoordinatorTest, AJoinIsTakenUpAgainAfterAFailover) {
  GroupPipeline pipeline(Subscribed(3));
  pipeline.Run(Seconds(1));  // They wait for the first generation.
  pipeline.Down(pipeline.Broker(pipeline.Coordinator()), Seconds(2), Duration::Zero());
  pipeline.Run(Seconds(40));
  EXPECT_EQ(pipeline.OwnedByAll(), 6);
}

TEST(GroupCoordinatorTest, CommitsAreRecordsOfTheOffsetsTopic) {
  MiniSettings s = Subscribed(3);
  GroupPipeline pipeline(s);
  pipeline.Run(Seconds(60));
  const LogService::TopicPartitions offsets = pipeline.log.PartitionsOf(kOffsetsTopic);
  const PartitionLog& log = pipeline.log.LogOf(
      offsets.first + static_cast<PartitionId>(GroupCoordinator::PartitionOf("audit", 50)));
  const int64_t commits = pipeline.Consumer(Consumers::kCommits);
  EXPECT_GE(commits, 3 * 10);
  EXPECT_EQ(log.high_watermark(), 2 * commits);  // Two partitions each.
  // A batch header of 61, and two records of 42 bytes with "audit" and "t".
  EXPECT_EQ(log.bytes(), Bytes(61 + 2 * (42 + 6)) * commits);
}

}  // namespace
}  // namespace freshet
