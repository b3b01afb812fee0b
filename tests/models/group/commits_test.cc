// What is committed when, and so what a crash repeats or loses: exact counts.
//
// A thousand records of one partition, each a batch of its own, are there before the group begins;
// member 1 reads them, a hundred a poll and a second a poll, member 2 has nothing to do until then.
// It starts at 11 s and has its share at 14 s and a few round trips: its polls begin at 14, 15, 16
// s and a few milliseconds.
#include "gtest/gtest.h"
#include "tests/models/group/group_pipeline.h"

namespace freshet {
namespace {

MiniSettings Thousand(ApplicationCommits commits) {
  MiniSettings s = Subscribed(2);
  s.topic.partitions = 1;
  s.producers.rate = Until(Seconds(10), 100);
  s.producers.linger = Duration::Zero();
  s.consumers->start_at = Seconds(11);
  s.consumers->max_poll_records = 100;
  s.consumers->cpu_per_record = Milliseconds(10);
  s.consumers->auto_commit = commits == ApplicationCommits::kNone;
  s.consumers->group->application_commits = commits;
  // Two members come in one instant: without this they would wait twice.
  s.consumers->group->initial_rebalance_delay = Milliseconds(1500);
  return s;
}

TEST(GroupCommitsTest, AutomaticCommitsRepeatWhatWasReadSinceTheLast) {
  // Its timer runs from the end of the join: it is over at 19 s, just before or in the fifth poll,
  // and the sixth commits 500. At 22.5 s it has processed eight.
  GroupPipeline pipeline(Thousand(ApplicationCommits::kNone));
  pipeline.Down(pipeline.Member(1), Milliseconds(22'500), Duration::Zero());
  pipeline.Run(Seconds(20));
  ASSERT_EQ(pipeline.Owned(1).size(), 1u);
  pipeline.Run(Seconds(120));
  EXPECT_EQ(pipeline.Consumer(Consumers::kRedelivered), 300);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 1'300);
  EXPECT_EQ(pipeline.Consumer(Consumers::kPassedOver), 0);
  EXPECT_EQ(pipeline.consumers->waterfall().records(), 1'000);  // Freshness counts the first time.
}

TEST(GroupCommitsTest, CommittedBeforeProcessingACrashLosesThePoll) {
  GroupPipeline pipeline(Thousand(ApplicationCommits::kBeforeProcessing));
  pipeline.Down(pipeline.Member(1), Milliseconds(16'500), Duration::Zero());
  pipeline.Run(Seconds(120));
  EXPECT_EQ(pipeline.Consumer(Consumers::kPassedOver), 100);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 900);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRedelivered), 0);
}

TEST(GroupCommitsTest, CommittedAfterProcessingACrashLosesNothing) {
  GroupPipeline pipeline(Thousand(ApplicationCommits::kAfterProcessing));
  pipeline.Down(pipeline.Member(1), Milliseconds(16'500), Duration::Zero());
  pipeline.Run(Seconds(120));
  EXPECT_EQ(pipeline.Consumer(Consumers::kPassedOver), 0);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 1'000);  // What was half done does not count.
  EXPECT_EQ(pipeline.Consumer(Consumers::kRedelivered), 0);
}

// It hangs in its third poll until the group has gone on without it: a zombie, whose commit is
// refused, and whose poll was processed twice.
TEST(GroupCommitsTest, TheCommitOfAZombieIsRefused) {
  MiniSettings s = Thousand(ApplicationCommits::kAfterProcessing);
  s.consumers->group->max_poll_interval = Seconds(30);
  GroupPipeline pipeline(s);
  pipeline.Down(pipeline.Thread(1), Milliseconds(16'500), Seconds(60));
  pipeline.Run(Seconds(70));
  EXPECT_EQ(pipeline.RebalancesBy(RebalanceCause::kPollOver), 1);
  EXPECT_EQ(pipeline.Consumer(Consumers::kZombies), 1);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 1'000);
  EXPECT_EQ(pipeline.Consumer(GroupMetrics::kFenced), 0);
  pipeline.Run(Seconds(120));
  EXPECT_EQ(pipeline.Consumer(GroupMetrics::kFenced), 1);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRedelivered), 100);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 1'100);
  EXPECT_EQ(pipeline.OwnedByAll(), 1);
}

TEST(GroupCommitsTest, WhatAZombieStillProcessesWasNotLost) {
  MiniSettings s = Thousand(ApplicationCommits::kBeforeProcessing);
  s.consumers->group->max_poll_interval = Seconds(30);
  GroupPipeline pipeline(s);
  pipeline.Down(pipeline.Thread(1), Milliseconds(16'500), Seconds(60));
  pipeline.Run(Seconds(70));
  EXPECT_EQ(pipeline.Consumer(Consumers::kPassedOver), 100);
  pipeline.Run(Seconds(120));
  EXPECT_EQ(pipeline.Consumer(Consumers::kPassedOver), 0);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 1'000);
}

// The livelock that operators know: each poll takes twelve seconds of the ten that it may, every
// commit is refused, and the group begins at the beginning each time.
TEST(GroupCommitsTest, APollThatIsAlwaysTooLongGetsNowhere) {
  MiniSettings s = Thousand(ApplicationCommits::kAfterProcessing);
  s.consumers->cpu_per_record = Milliseconds(120);
  s.consumers->group->max_poll_interval = Seconds(10);
  GroupPipeline pipeline(s);
  pipeline.Run(Seconds(200));
  EXPECT_EQ(pipeline.Consumer(Consumers::kCommits), 0);
  // Most leave while the others already wait for them.
  EXPECT_GE(pipeline.RebalancesBy(RebalanceCause::kPollOver), 1);
  EXPECT_GE(pipeline.Rebalances(), 10);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords),
            100 + pipeline.Consumer(Consumers::kRedelivered));
}

TEST(GroupCommitsTest, LatestWithoutACommitPassesOverWhatIsThere) {
  MiniSettings s = Thousand(ApplicationCommits::kNone);
  s.consumers->start_from = StartFrom::kLatest;
  GroupPipeline pipeline(s);
  pipeline.Run(Seconds(60));
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 0);
}

TEST(GroupCommitsTest, WithoutAResetAMemberWithoutAnOffsetStops) {
  MiniSettings s = Thousand(ApplicationCommits::kNone);
  s.consumers->start_from = StartFrom::kNone;
  GroupPipeline pipeline(s);
  pipeline.Run(Seconds(60));
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 0);
  EXPECT_EQ(pipeline.OwnedByAll(), 0);
  EXPECT_EQ(pipeline.Consumer(GroupMetrics::kMembers), 0);  // The other one met the same.
}

TEST(GroupCommitsTest, AnOperatorsOffsetIsWhereTheGroupBegins) {
  MiniSettings s = Thousand(ApplicationCommits::kNone);
  s.consumers->start_from = StartFrom::kNone;
  s.consumers->start_from_age = Seconds(6);  // Created from 5 to 10 s, one every 10 ms.
  GroupPipeline pipeline(s);
  pipeline.Run(Seconds(60));
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 501);
}

// One member is away for ten minutes, and retention goes past what it had committed.
MiniSettings Overtaken(StartFrom reset) {
  MiniSettings s = Subscribed(1);
  s.topic.partitions = 1;
  s.topic.segments = {KiB(16), Duration::Max()};
  s.topic.retention.bytes = KiB(64);
  s.cluster.retention_check_interval = Seconds(10);
  s.producers.rate = Until(Seconds(600), 100);
  s.consumers->start_from = reset;
  s.consumers->start_from_age = Duration::Zero();
  return s;
}

TEST(GroupCommitsTest, RetentionThatHasPassedTheCommitResetsTheOffset) {
  GroupPipeline pipeline(Overtaken(StartFrom::kEarliest));
  pipeline.Down(pipeline.Member(1), Seconds(20), Seconds(300));
  pipeline.Run(Seconds(700));
  EXPECT_GT(pipeline.Consumer(Consumers::kSkipped), 20'000);
  EXPECT_EQ(pipeline.Consumer(Consumers::kPassedOver), 0);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords) + pipeline.Consumer(Consumers::kSkipped) -
                pipeline.Consumer(Consumers::kRedelivered),
            pipeline.RecordsInLog());
  EXPECT_EQ(pipeline.Consumer(Consumers::kLag), 0);
}

TEST(GroupCommitsTest, WithoutAResetItStopsThere) {
  GroupPipeline pipeline(Overtaken(StartFrom::kNone));
  pipeline.Down(pipeline.Member(1), Seconds(20), Seconds(300));
  pipeline.Run(Seconds(700));
  EXPECT_EQ(pipeline.Consumer(Consumers::kSkipped), 0);
  EXPECT_EQ(pipeline.OwnedByAll(), 0);
  EXPECT_EQ(pipeline.Consumer(GroupMetrics::kMembers), 0);
}

}  // namespace
}  // namespace freshet
