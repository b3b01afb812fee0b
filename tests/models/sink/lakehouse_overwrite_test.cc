// A sink that overwrites partitions of its table: what each commit has to write anew, what is lost
// where it does not, and that what is written again is there once.
#include "gtest/gtest.h"
#include "models/sink/data_file_rewriter.h"
#include "models/workload/event_times.h"
#include "tests/models/sink/lake_pipeline.h"

namespace freshet {
namespace {

// Partitions of two seconds of event time. Record n, from 1 on, is sent at n x 10 ms, so partition
// k has records 200 k to 200 k + 199, the first one 199, and the last record is alone in
// partition 5. Four epochs have 300, 300, 366 and 34 records:
//
//   epoch   records      of partition 0    1    2    3    4    5
//   1         1..300                199  101
//   2       301..600                      99  200    1
//   3       601..966                                199  167
//   4      967..1000                                      33    1
//
// So 101 rows of partition 1, one of 3 and 167 of 4 were there when their partition came again:
// 269.
LakeSettings Overwriting(bool merges) {
  LakeSettings s = Lake();
  s.table.knows_files = s.table.is_overwritten = true;
  s.sink.overwrite = LakehouseSink::Config::Overwrite();
  s.sink.overwrite->width = Seconds(2);
  s.sink.overwrite->merges = merges;
  s.sink.overwrite->most_stretches = 1'000;
  return s;
}

int64_t RowsOf(const IcebergTable& table) {
  int64_t rows = 0;
  table.VisitFiles([&rows](const TableFile& file) { rows += file.records; });
  return rows;
}

TEST(LakehouseOverwriteTest, MergedPartitionsKeepAllRowsAndAreWrittenTwice) {
  LakePipeline pipeline(Overwriting(true));
  pipeline.Run(Seconds(60));
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 1'000);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLost), 0);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated), 0);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kReplaced), 0);
  EXPECT_EQ(pipeline.SinkValue(LakehouseSink::kRowsRewritten), 269);
  EXPECT_EQ(pipeline.SinkValue(LakehouseSink::kRowsOverwritten), 0);
  EXPECT_EQ(pipeline.SinkValue(LakehouseSink::kPartitionsOverwritten), 2 + 3 + 2 + 2);
  EXPECT_EQ(pipeline.Table(IcebergTable::kFiles), 6);
  EXPECT_EQ(pipeline.Table(IcebergTable::kFilesOverwritten), 3);
  EXPECT_EQ(RowsOf(*pipeline.table), 1'000);
  EXPECT_EQ(pipeline.Table(IcebergTable::kRecords), 1'000);
  // 543 bytes a record; a file for each of nine as they came, and for three that were merged.
  EXPECT_EQ(pipeline.Table(IcebergTable::kBytes), 543'000);
  EXPECT_EQ(pipeline.SinkValue(LakehouseSink::kFiles), 9 + 3);
  // What was staged for them is deleted.
  EXPECT_EQ(pipeline.Table(IcebergTable::kOrphans), 0);
}

// The pitfall of dynamic overwrite: new rows alone take the place of what was there.
TEST(LakehouseOverwriteTest, NewRowsAloneLoseWhatThePartitionHad) {
  LakePipeline pipeline(Overwriting(false));
  pipeline.Run(Seconds(60));
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 1'000);  // Once each, at some time.
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLost), 269);
  EXPECT_EQ(pipeline.sink->ledger().lost_by(EffectCause::kOverwritten), 269);
  EXPECT_EQ(pipeline.SinkValue(LakehouseSink::kRowsOverwritten), 269);
  EXPECT_EQ(pipeline.SinkValue(LakehouseSink::kRowsRewritten), 0);
  EXPECT_EQ(pipeline.Table(IcebergTable::kFiles), 6);
  EXPECT_EQ(RowsOf(*pipeline.table), 731);
  EXPECT_EQ(pipeline.SinkValue(LakehouseSink::kFiles), 9);
}

// A tenth of the records are three seconds late, for a partition or two before. Merged, they have
// it written anew; else they drop what it had.
TEST(LakehouseOverwriteTest, LateRecordsCostTheirPartition) {
  for (const bool merges : {true, false}) {
    LakeSettings s = Overwriting(merges);
    s.producers.event_times = std::make_shared<const EventTimes>(
        std::vector<EventTimes::Class>{{9, Sampler::Constant(0)}, {1, Sampler::Constant(3e9)}});
    LakePipeline pipeline(s);
    pipeline.Run(Seconds(60));
    const int64_t lost = pipeline.SinkValue(MeteredSink::kLost);
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 1'000);
    EXPECT_EQ(RowsOf(*pipeline.table), 1'000 - lost);
    EXPECT_EQ(pipeline.SinkValue(LakehouseSink::kRowsOverwritten), lost);
    if (merges) {
      EXPECT_EQ(lost, 0);
      // Of each epoch but the first some are late for partitions of the one before.
      EXPECT_GT(pipeline.SinkValue(LakehouseSink::kRowsRewritten), 400);
    } else {
      EXPECT_GT(lost, 400);
    }
  }
}

// It remembers the partitions of the latest commit and no others. What a later commit takes the
// place of is counted all the same, as not tracked.
TEST(LakehouseOverwriteTest, WhatIsForgottenIsNotTrackedAndNeverGuessed) {
  for (const bool merges : {true, false}) {
    LakeSettings s = Overwriting(merges);
    s.sink.overwrite->most_stretches = 0;
    // The third epoch, of seconds 6 to 9, has late ones for partition 0, which the first one had
    // and the second had not.
    s.producers.event_times = std::make_shared<const EventTimes>(
        std::vector<EventTimes::Class>{{9, Sampler::Constant(0)}, {1, Sampler::Constant(7e9)}});
    LakePipeline pipeline(s);
    pipeline.Run(Seconds(60));
    const int64_t lost = pipeline.SinkValue(MeteredSink::kLost);
    const int64_t unknown = pipeline.SinkValue(LakehouseSink::kRowsNotTracked);
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 1'000);
    EXPECT_EQ(pipeline.Table(IcebergTable::kRecords), 1'000);
    // Of the rows that are not in the table any more it knows some, and how many others there are.
    EXPECT_EQ(RowsOf(*pipeline.table), 1'000 - lost - unknown);
    EXPECT_EQ(pipeline.SinkValue(LakehouseSink::kRowsOverwritten), lost);
    if (merges) {
      EXPECT_EQ(lost + unknown, 0);
    } else {
      EXPECT_GT(unknown, 0);
    }
  }
}

// Whenever the writer dies, which is the committer, too: fenced or not, nothing is twice, since
// what is written again takes its own place. What a merge had uploaded for a commit that never came
// is an orphan.
class OverwriteCrashTest : public testing::TestWithParam<bool> {};

TEST_P(OverwriteCrashTest, AnInstantOfACrash) {
  int64_t taken_over = 0;
  int64_t orphans = 0;
  for (int i = 0; i < 200; ++i) {
    LakeSettings s = Overwriting(true);
    s.sink.fenced = GetParam();
    LakePipeline pipeline(s);
    pipeline.Down(pipeline.Member(1), Milliseconds(14'900 + i * 55), Seconds(3));
    pipeline.Run(Seconds(120));
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 1'000) << i;
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLost), 0) << i;
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated), 0) << i;
    EXPECT_EQ(RowsOf(*pipeline.table), 1'000) << i;
    EXPECT_EQ(pipeline.Table(IcebergTable::kRecords), 1'000) << i;
    taken_over += pipeline.SinkValue(LakehouseSink::kTakenOver);
    orphans += pipeline.Table(IcebergTable::kOrphans);
  }
  EXPECT_GT(taken_over, 10);
  EXPECT_GT(orphans, 0);
}

INSTANTIATE_TEST_SUITE_P(Fenced, OverwriteCrashTest, testing::Bool());

// The same with new rows alone: what is lost is what was overwritten, and no more.
TEST(LakehouseOverwriteTest, CrashesLoseNothingThatAnOverwriteHasNot) {
  for (const bool fenced : {true, false}) {
    for (int i = 0; i < 100; ++i) {
      LakeSettings s = Overwriting(false);
      s.sink.fenced = fenced;
      LakePipeline pipeline(s);
      pipeline.Down(pipeline.Member(1), Milliseconds(14'900 + i * 110), Seconds(3));
      pipeline.Run(Seconds(120));
      const int64_t lost = pipeline.SinkValue(MeteredSink::kLost);
      EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 1'000) << i;
      EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated), 0) << i;
      EXPECT_EQ(pipeline.sink->ledger().lost_by(EffectCause::kOverwritten), lost) << i;
      EXPECT_EQ(RowsOf(*pipeline.table), 1'000 - lost) << i;
    }
  }
}

// A job that packs two files of a partition as soon as there are two: it swaps files away while
// they are read and replaced. Without checks one of the two wins each time; checked, a commit that
// has lost a file is made anew. All rows are there once either way.
TEST(LakehouseOverwriteTest, ARewriteBesideItLosesNoRow) {
  using Isolation = TableAppend::Isolation;
  int64_t failed = 0;
  int64_t rewrites = 0;
  for (const Isolation isolation :
       {Isolation::kNone, Isolation::kSnapshot, Isolation::kSerializable}) {
    for (int i = 0; i < 20; ++i) {
      LakeSettings s = Overwriting(true);
      s.sink.overwrite->isolation = isolation;
      // Two partitions, of several files each.
      s.sink.overwrite->width = Seconds(5);
      s.sink.target_file = Bytes(20'000);
      s.table.snapshot_age = Seconds(1);
      LakePipeline pipeline(s);
      DataFileRewriter::Config packing;
      packing.every = Milliseconds(510 + i * 37);
      packing.target_file = Bytes(200'000);
      packing.min_input_files = 2;
      packing.max_group = MiB(100);
      packing.groups_at_once = 5;
      packing.cpu_per_mib = Seconds(20);  // Some seconds for a partition.
      packing.part_size = MiB(32);
      packing.object_client = ObjectClient::Defaults(1);
      DataFileRewriter job(pipeline.sim, "job", pipeline.table.get(), &pipeline.network,
                           pipeline.network.AddHost("job", 0, BytesPerSecond(int64_t{1} << 45)),
                           packing);
      pipeline.Run(Seconds(120));
      EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 1'000) << i;
      EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLost), 0) << i;
      EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated), 0) << i;
      EXPECT_EQ(RowsOf(*pipeline.table), 1'000) << i;
      rewrites += pipeline.Table(IcebergTable::kRewrites);
      failed += pipeline.Table(IcebergTable::kFailedCommits);
    }
  }
  EXPECT_GT(rewrites, 60);
  EXPECT_GT(failed, 0);
}

// The zombie of lakehouse_sink_test.cc, without a fence: both swaps go through. There appends have
// 300 records twice; here the second one takes the place of the first.
TEST(LakehouseOverwriteTest, TheZombieCommitterReplacesWhatItsSuccessorReplaces) {
  for (const bool merges : {true, false}) {
    LakeSettings s = Overwriting(merges);
    s.sink.fenced = false;
    LakePipeline pipeline(s);
    pipeline.sim.At<"test.slow">(Time() + Milliseconds(17'950), 0, [&pipeline] {
      pipeline.table->SetLatencyFactor(Ratio::Whole(34));
    });
    pipeline.sim.At<"test.quick">(Time() + Milliseconds(18'050), 0,
                                  [&pipeline] { pipeline.table->SetLatencyFactor(Ratio::One()); });
    pipeline.Down(pipeline.Member(1), Milliseconds(18'500), Seconds(300));
    pipeline.Run(Seconds(150));
    EXPECT_EQ(pipeline.SinkValue(LakehouseSink::kTakenOver), 1);
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 1'000);
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated), 0);
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kReplaced), 300);
  }
}

}  // namespace
}  // namespace freshet
