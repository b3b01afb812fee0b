// Groups before brokers that keep the log, and with it the offsets, in object storage.
#include "gtest/gtest.h"
#include "tests/models/group/group_pipeline.h"
#include "tests/models/leaderless/leaderless_pipeline.h"
#include "tests/models/s3stream/s3stream_pipeline.h"

namespace freshet {
namespace {

template <class Pipeline>
int OwnedByAll(const Pipeline& pipeline) {
  int owned = 0;
  for (int m = 0; m < pipeline.consumers->member_count(); ++m) {
    owned += static_cast<int>(pipeline.consumers->OwnedBy(m).size());
  }
  return owned;
}

TEST(GroupOfDesignsTest, SharedStorageMovesTheCoordinatorWithItsPartition) {
  S3Settings s = PlausibleS3();
  s.producers.rate = Until(Seconds(90), 600);
  Subscribe(&s, 3);
  S3Pipeline pipeline(s);
  pipeline.Run(Seconds(30));
  const BrokerId before = pipeline.consumers->coordinator()->broker();
  ASSERT_NE(before, kNoBroker);
  EXPECT_EQ(pipeline.Consumer(GroupMetrics::kRebalances), 1);
  pipeline.Down(pipeline.Broker(before), Seconds(40), Duration::Zero());
  pipeline.Run(Seconds(200));
  EXPECT_NE(pipeline.consumers->coordinator()->broker(), kNoBroker);
  EXPECT_NE(pipeline.consumers->coordinator()->broker(), before);
  EXPECT_EQ(OwnedByAll(pipeline), 6);
  EXPECT_EQ(pipeline.Consumer(GroupMetrics::kRebalances), 1);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), pipeline.RecordsInLog());
  EXPECT_EQ(pipeline.Consumer(Consumers::kRedelivered), 0);
  EXPECT_GT(pipeline.Consumer(Consumers::kCommits), 30);
}

TEST(GroupOfDesignsTest, LeaderlessBrokersShareOutTheGroups) {
  LeaderlessSettings s = PlausibleLeaderless();
  s.producers.rate = Until(Seconds(90), 600);
  Subscribe(&s, 3, Assignor::kUniform);
  LeaderlessPipeline pipeline(s);
  pipeline.Run(Seconds(30));
  const BrokerId before = pipeline.consumers->coordinator()->broker();
  ASSERT_NE(before, kNoBroker);
  pipeline.Down(pipeline.Broker(before), Seconds(40), Duration::Zero());
  pipeline.Run(Seconds(200));
  EXPECT_NE(pipeline.consumers->coordinator()->broker(), before);
  EXPECT_EQ(OwnedByAll(pipeline), pipeline.log.PartitionsOf("t").count);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), pipeline.RecordsInLog());
  EXPECT_EQ(pipeline.Consumer(Consumers::kRedelivered), 0);
  EXPECT_GT(pipeline.Consumer(Consumers::kCommits), 30);
}

}  // namespace
}  // namespace freshet
