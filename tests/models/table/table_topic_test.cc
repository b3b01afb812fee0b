#include "models/broker/table_topic.h"

#include <gtest/gtest.h>

#include "tests/models/table/table_pipeline.h"

namespace freshet {
namespace {

int64_t Millis(int64_t nanos) { return nanos / 1'000'000; }

// One broker, one partition, and a thousand records of 1 KiB in an object from the start.
TableSettings OldRecordsOnly() {
  TableSettings s = PlausibleTable();
  s.brokers = 1;
  s.topic.partitions = 1;
  s.topic.history = Seconds(100);
  s.topic.history_rate = Rate::PerSecond(10);
  s.topic.history_record_bytes = kStoredSize;
  s.producers.rate = Until(Milliseconds(1), 0);
  s.table_topic.backfill = true;
  return s;
}

// The first commit, step by step. A message alone waits 10 ms for its batch, 100 for the put and 20
// for the lease; one that follows within 250 ms of the batch before waits until they are over.
//   10 000  the coordinator begins, and writes that down: durable at 10 130
//   10 130  the request; its batch closes at 10 260, durable at 10 380
//   10 380  a GET of 20 ms, 10 on the wire; then 20 ms of work, a file of 500 KiB, 100 and 5
//   10 5xx  the answer, which is durable within 400 ms
//   11 380  the coordinator looks, and has all: load 50, manifest 100, list 100
//   11 630  a checkpoint: 130
//   11 760  load 50, metadata file 100, swap 50
TEST(TableTopicTest, ACommitStepByStep) {
  TablePipeline p(OldRecordsOnly());
  p.Run(Milliseconds(11'955));
  EXPECT_EQ(p.Table(IcebergTable::kRecords), 0);
  p.Run(Milliseconds(11'965));
  EXPECT_EQ(p.Table(IcebergTable::kRecords), 1000);
  EXPECT_EQ(p.Table(IcebergTable::kBytes), 1000 * 1024 / 2);
  EXPECT_EQ(p.Table(IcebergTable::kFiles), 1);
  EXPECT_EQ(p.Table(IcebergTable::kSnapshots), 1);
  // The newest was created when the run began, the oldest 100 s before.
  EXPECT_EQ(Millis(p.Freshness().min()), 11'960);
  EXPECT_EQ(Millis(p.Freshness().max()), 111'960);
  EXPECT_EQ(p.Freshness().count(), 1000);
}

// A commit without records is a checkpoint and no snapshot.
TEST(TableTopicTest, NothingNewIsNoSnapshot) {
  TablePipeline p(OldRecordsOnly());
  p.Run(Minutes(5));
  EXPECT_EQ(p.Table(IcebergTable::kSnapshots), 1);
  EXPECT_EQ(p.Topic(TableTopic::kRequests), 5);  // At 10 s, and a minute after each end.
}

// What it has had from before the run is in the table, unless it is to be filled.
TEST(TableTopicTest, WithoutBackfillTheTableBeginsAtTheEnd) {
  TableSettings s = OldRecordsOnly();
  s.table_topic.backfill = false;
  TablePipeline p(s);
  p.Run(Minutes(2));
  EXPECT_EQ(p.Table(IcebergTable::kRecords), 0);
  EXPECT_EQ(p.Table(IcebergTable::kLag), 0);
}

TEST(TableTopicTest, EachRecordIsInOneSnapshot) {
  TableSettings s = PlausibleTable();
  s.producers.rate = Until(Minutes(3), 1000);
  TablePipeline p(s);
  p.Run(Minutes(6));
  EXPECT_EQ(p.RecordsInLog(), 180'000);
  EXPECT_EQ(p.Table(IcebergTable::kRecords), 180'000);
  EXPECT_EQ(p.Freshness().count(), 180'000);
  EXPECT_EQ(p.Table(IcebergTable::kDuplicates), 0);
  EXPECT_EQ(p.Table(IcebergTable::kLag), 0);
  EXPECT_EQ(p.Table(IcebergTable::kOrphans), 0);
  EXPECT_EQ(p.Topic(TableTopic::kTimeouts), 0);
  // A file for each broker and commit, as 1000 records a second never make a micro batch full.
  EXPECT_EQ(p.Table(IcebergTable::kFiles), 3 * p.Table(IcebergTable::kSnapshots));
  // Half of what is stored, but for rounding at each file.
  EXPECT_NEAR(p.Table(IcebergTable::kBytes), p.BytesInLog().count() / 2,
              p.Table(IcebergTable::kFiles));
  // Nobody waits longer than an interval, two looks of the coordinator, and what a commit takes.
  EXPECT_LT(p.Freshness().max(), Seconds(66).nanos());
}

// Partitions of the table cost files: each worker writes one for each.
TEST(TableTopicTest, EachOpenPartitionOfTheTableHasAFile) {
  TableSettings s = PlausibleTable();
  s.producers.rate = Until(Minutes(3), 1000);
  s.table_topic.worker.open_partitions = 16;
  TablePipeline p(s);
  p.Run(Minutes(6));
  EXPECT_EQ(p.Table(IcebergTable::kFiles), 16 * 3 * p.Table(IcebergTable::kSnapshots));
  EXPECT_EQ(p.Table(IcebergTable::kRecords), 180'000);
}

// 256 MiB of old records on one broker of eight cores: four threads with 32 MiB each, twice; the
// second commit follows at once.
TEST(TableTopicTest, WhatIsMoreThanABatchForEachThreadFollowsAtOnce) {
  TableSettings s = OldRecordsOnly();
  s.topic.partitions = 8;
  s.topic.history = Seconds(256);
  s.topic.history_rate = Rate::PerSecond(1024);
  TablePipeline p(s);
  p.Run(Seconds(16));
  EXPECT_EQ(p.Table(IcebergTable::kRecords), 128 * 1024);
  EXPECT_EQ(p.Table(IcebergTable::kFiles), 4);
  p.Run(Seconds(30));
  EXPECT_EQ(p.Table(IcebergTable::kRecords), 256 * 1024);
  EXPECT_EQ(p.Table(IcebergTable::kFiles), 8);
}

// 100 MB/s: workers do not wait for the request, and no file is larger than a batch makes it.
TEST(TableTopicTest, ABusyTopicIsWrittenAhead) {
  TableSettings s = PlausibleTable();
  s.producers.rate = Until(Minutes(2), 100'000);
  s.producers.batch_size = s.producers.max_request_size = MiB(1);
  s.producers.linger = Milliseconds(100);
  TablePipeline p(s);
  p.Run(Minutes(4));
  EXPECT_EQ(p.Table(IcebergTable::kRecords), p.RecordsInLog());
  EXPECT_EQ(p.Table(IcebergTable::kDuplicates), 0);
  const Histogram files = HistogramOf(p.sim, p.table, IcebergTable::kCommitFiles);
  EXPECT_GT(files.max(), 100);  // 6 GB a minute in files of 32 MiB as stored.
}

// --- Failures ---

// The second commit is asked for between 72 and 73 s, and visible before 75.
//
// Whenever the coordinator's broker dies, each record comes into one snapshot.
TEST(TableTopicTest, ACoordinatorThatDiesInACommitLosesNothingAndDoublesNothing) {
  for (int64_t at = 72'000; at < 75'500; at += 125) {
    TableSettings s = PlausibleTable();
    s.producers.rate = Until(Minutes(2), 500);
    TablePipeline p(s);
    p.Down(p.Broker(p.Coordinator()), Milliseconds(at), Minutes(1));
    p.Run(Minutes(6));
    SCOPED_TRACE(at);
    EXPECT_EQ(p.Table(IcebergTable::kRecords), p.RecordsInLog());
    EXPECT_EQ(p.Table(IcebergTable::kDuplicates), 0);
    EXPECT_EQ(p.Table(IcebergTable::kLag), 0);
    EXPECT_EQ(p.Topic(TableTopic::kTakeovers), 2);
  }
}

TEST(TableTopicTest, NorDoesAWorker) {
  for (int64_t at = 72'000; at < 75'500; at += 125) {
    TableSettings s = PlausibleTable();
    s.producers.rate = Until(Minutes(2), 500);
    TablePipeline p(s);
    const BrokerId other = (p.Coordinator() + 1) % 3;
    p.Down(p.Broker(other), Milliseconds(at), Minutes(1));
    p.Run(Minutes(6));
    SCOPED_TRACE(at);
    EXPECT_EQ(p.Table(IcebergTable::kRecords), p.RecordsInLog());
    EXPECT_EQ(p.Table(IcebergTable::kDuplicates), 0);
    EXPECT_EQ(p.Topic(TableTopic::kTakeovers), 1);
  }
}

// 7 MB/s for each broker: a file is written ahead every five seconds. Those of the dead are never
// committed, stay in the warehouse, and are not what the table has; the survivors write the same
// records again.
TEST(TableTopicTest, WhatADeadWorkerHadWrittenAheadIsOrphaned) {
  TableSettings s = PlausibleTable();
  s.producers.rate = Until(Minutes(2), 20'000);
  s.producers.batch_size = s.producers.max_request_size = MiB(1);
  s.producers.linger = Milliseconds(100);
  TablePipeline p(s);
  const BrokerId other = (p.Coordinator() + 1) % 3;
  p.Down(p.Broker(other), Seconds(60), Minutes(1));
  p.Run(Minutes(6));
  EXPECT_EQ(p.Table(IcebergTable::kRecords), p.RecordsInLog());
  EXPECT_EQ(p.Table(IcebergTable::kDuplicates), 0);
  EXPECT_GT(p.Table(IcebergTable::kOrphans), 5);
  EXPECT_EQ(p.Table(IcebergTable::kBytes) + p.Table(IcebergTable::kOrphanBytes) +
                ValueOf(p.sim, p.warehouse,
                        ObjectStore::kBytesIn[static_cast<size_t>(ObjectCause::kMetadata)]),
            p.warehouse.stored().count());
}

// The partitions of a dead worker do not answer: the commit goes without them after 30 s, and the
// next follows at once.
TEST(TableTopicTest, ACommitDoesNotWaitForTheDeadForEver) {
  TableSettings s = PlausibleTable();
  s.producers.rate = Until(Minutes(2), 500);
  TablePipeline p(s);
  const BrokerId other = (p.Coordinator() + 1) % 3;
  p.Down(p.Broker(other), Seconds(70), Minutes(1));
  p.Run(Minutes(6));
  EXPECT_GE(p.Topic(TableTopic::kTimeouts), 1);
  EXPECT_LT(p.Freshness().max(), Seconds(120).nanos());
}

// Two minutes without a catalog: a commit that fails is begun anew 40 s later, and the table is as
// fresh as before within a commit once the catalog is back.
TEST(TableTopicTest, WithoutACatalogTheTableGrowsStaleAndCatchesUp) {
  TableSettings s = PlausibleTable();
  s.producers.rate = Until(Minutes(6), 500);
  TablePipeline p(s);
  p.Down(&p.catalog, Seconds(90), Minutes(2));
  p.Run(Minutes(3));
  EXPECT_GT(p.Table(IcebergTable::kStaleness), Seconds(100).nanos());
  p.Run(Minutes(8));
  EXPECT_GT(p.Table(IcebergTable::kFailedCommits), 1);
  EXPECT_EQ(p.Table(IcebergTable::kRecords), p.RecordsInLog());
  EXPECT_EQ(p.Table(IcebergTable::kDuplicates), 0);
  EXPECT_LT(p.Freshness().max(), Seconds(240).nanos());
}

TEST(TableTopicTest, APartitionThatMovesGoesOnFromItsCommittedOffset) {
  TableSettings s = PlausibleTable();
  s.producers.rate = Until(Minutes(3), 500);
  TablePipeline p(s);
  p.Start();
  for (const int seconds : {20, 71, 72, 73}) {
    p.Run(Seconds(seconds));
    for (PartitionId partition = 0; partition < 2; ++partition) {
      const BrokerId now = p.log.CurrentMetadata(0)->leader[partition];
      p.log.MovePartition(partition, (now + 1) % 3);
    }
  }
  p.Run(Minutes(7));
  EXPECT_EQ(p.Table(IcebergTable::kRecords), p.RecordsInLog());
  EXPECT_EQ(p.Table(IcebergTable::kDuplicates), 0);
  EXPECT_GT(p.Topic(TableTopic::kTakeovers), 1);
}

// Somebody else has committed between the swap and the look: the coordinator that takes over cannot
// know its predecessor's snapshot, and appends the same files again.
TEST(TableTopicTest, AnotherWriterHidesASnapshotFromTheNextCoordinator) {
  int64_t duplicates = 0;
  for (int64_t at = 74'000; at < 76'000; at += 50) {
    TableSettings s = PlausibleTable();
    s.producers.rate = Until(Minutes(2), 500);
    s.table.other_commits = Seconds(2);
    TablePipeline p(s);
    p.Down(p.Broker(p.Coordinator()), Milliseconds(at), Minutes(1));
    p.Run(Minutes(6));
    SCOPED_TRACE(at);
    const int64_t twice = p.Table(IcebergTable::kDuplicates);
    EXPECT_EQ(p.Table(IcebergTable::kRecords), p.RecordsInLog() + twice);
    duplicates += twice;
  }
  EXPECT_GT(duplicates, 0);
}

// Retention of 30 s overtakes a table that commits every ten minutes.
TEST(TableTopicTest, WhatRetentionHasDeletedIsSkippedAndCounted) {
  TableSettings s = PlausibleTable();
  s.producers.rate = Until(Minutes(18), 500);
  s.topic.retention.time = Seconds(30);
  s.topic.segments.roll_after = Seconds(10);
  s.cluster.retention_check_interval = Seconds(30);
  s.table_topic.commit_interval = Minutes(10);
  TablePipeline p(s);
  p.Run(Minutes(25));
  const int64_t skipped = p.Table(IcebergTable::kSkipped);
  EXPECT_GT(skipped, 0);
  EXPECT_EQ(p.Table(IcebergTable::kRecords) + skipped, p.RecordsInLog());
}

}  // namespace
}  // namespace freshet
