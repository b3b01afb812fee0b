#include "models/sink/lakehouse_sink.h"

#include "gtest/gtest.h"
#include "tests/models/sink/lake_pipeline.h"

namespace freshet {
namespace {

TEST(LakehouseSinkTest, WhatIsVisibleIsWhatWasCommitted) {
  LakePipeline pipeline(Lake());
  pipeline.Run(Seconds(16));  // One poll has been written, none committed.
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 0);
  pipeline.Run(Seconds(60));
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 1'000);
  EXPECT_EQ(pipeline.Table(IcebergTable::kRecords), 1'000);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated), 0);
  // Batches of one record, 1024 bytes and 61 of overhead, at half their size, rounded up.
  EXPECT_EQ(pipeline.Table(IcebergTable::kBytes), 543'000);
  EXPECT_EQ(pipeline.Table(IcebergTable::kFiles), pipeline.SinkValue(LakehouseSink::kFiles));
  EXPECT_EQ(pipeline.Table(IcebergTable::kSnapshots), pipeline.WriterValue(SinkWriter::kCommits));
  EXPECT_EQ(pipeline.sink->waterfall().records(), 1'000);
}

TEST(LakehouseSinkTest, EachOpenPartitionHasAFileOfItsOwn) {
  LakeSettings s = Lake();
  s.sink.open_partitions = 7;
  LakePipeline pipeline(s);
  pipeline.Run(Seconds(60));
  EXPECT_EQ(pipeline.Table(IcebergTable::kFiles), 7 * pipeline.Table(IcebergTable::kSnapshots));
  EXPECT_EQ(pipeline.Table(IcebergTable::kRecords), 1'000);
}

TEST(LakehouseSinkTest, FilesAreClosedAtTheirTargetSize) {
  LakeSettings s = Lake();
  s.sink.target_file = Bytes(54'300);  // A poll each.
  LakePipeline pipeline(s);
  pipeline.Run(Seconds(60));
  EXPECT_EQ(pipeline.Table(IcebergTable::kFiles), 10);
}

// Down at the catalog: prepared epochs wait, and nothing is lost or twice.
TEST(LakehouseSinkTest, ACatalogThatIsDownHoldsCommitsUp) {
  LakePipeline pipeline(Lake());
  pipeline.sim.At<"test.down">(Time() + Seconds(15), 0,
                               [&pipeline] { pipeline.table->SetDown(true); });
  pipeline.sim.At<"test.up">(Time() + Seconds(80), 0,
                             [&pipeline] { pipeline.table->SetDown(false); });
  pipeline.Run(Seconds(79));
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 0);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLag), 1'000);
  pipeline.Run(Seconds(200));
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 1'000);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated), 0);
}

// Crashes of the writer, which is the committer, too, at two hundred instants. Fenced, every record
// is there once; so it is without the fence but where the swap of the dead was on its way: then
// all of its epoch is there twice.
class LakeCrashTest : public testing::TestWithParam<bool> {};

TEST_P(LakeCrashTest, AnInstantOfACrash) {
  int64_t taken_over = 0;
  int64_t orphans = 0;
  for (int i = 0; i < 200; ++i) {
    LakeSettings s = Lake();
    s.sink.fenced = GetParam();
    s.sink.target_file = Bytes(54'300);  // Each poll is a file, long before its epoch ends.
    LakePipeline pipeline(s);
    pipeline.Down(pipeline.Member(1), Milliseconds(14'900 + i * 55), Seconds(3));
    pipeline.Run(Seconds(120));
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 1'000) << i;
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLost), 0) << i;
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated),
              pipeline.Table(IcebergTable::kRecords) - 1'000)
        << i;
    if (GetParam()) {
      EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated), 0) << i;
    }
    taken_over += pipeline.SinkValue(LakehouseSink::kTakenOver);
    orphans += pipeline.Table(IcebergTable::kOrphans);
  }
  EXPECT_GT(taken_over, 10);
  EXPECT_GT(orphans, 0);
}

INSTANTIATE_TEST_SUITE_P(Fenced, LakeCrashTest, testing::Bool());

// The epoch of 17.5 s has three polls: upload, load, manifest, list, load and metadata file are
// done at 18.0 s, and the swap is asked for, which takes 1.7 s. The committer dies. From 19.5 s on
// the next one finds nothing in the history and begins to append, and the swap arrives. With the
// fence that is noticed, without it both are there.
int64_t DoubledByAZombie(bool fenced) {
  LakeSettings s = Lake();
  s.sink.fenced = fenced;
  LakePipeline pipeline(s);
  pipeline.sim.At<"test.slow">(Time() + Milliseconds(17'950), 0,
                               [&pipeline] { pipeline.table->SetLatencyFactor(Ratio::Whole(34)); });
  pipeline.sim.At<"test.quick">(Time() + Milliseconds(18'050), 0,
                                [&pipeline] { pipeline.table->SetLatencyFactor(Ratio::One()); });
  pipeline.Down(pipeline.Member(1), Milliseconds(18'500), Seconds(300));
  pipeline.Run(Seconds(150));
  EXPECT_EQ(pipeline.SinkValue(LakehouseSink::kTakenOver), 1);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 1'000);
  EXPECT_EQ(pipeline.sink->ledger().duplicated_by(EffectCause::kZombie),
            pipeline.SinkValue(MeteredSink::kDuplicated));
  return pipeline.SinkValue(MeteredSink::kDuplicated);
}

TEST(LakehouseSinkTest, TheZombieCommitterDoublesAnEpochUnlessItIsFenced) {
  EXPECT_EQ(DoubledByAZombie(true), 0);
  EXPECT_EQ(DoubledByAZombie(false), 300);
}

// What is written while an epoch is prepared is of the next one; and to commit again what is
// committed changes nothing.
TEST(LakehouseSinkTest, AnEpochHasWhatWasWrittenBeforeItWasPrepared) {
  Simulation sim(1);
  Network::Config zones;
  zones.zones = {"a"};
  zones.rtt_within_zone = zones.rtt_across_zones = Sampler::Constant(0);
  Network network(sim, "network", zones);
  ObjectStore store(sim, "lake/warehouse", InstantBodies());
  IcebergTable table(sim, "lake", &store, &network, QuietTable());
  LakehouseSink sink(sim, "rows", &table, &network, Lake().sink);
  const Sink::WriterId writer =
      sink.AddWriter("w", network.AddHost("w", 0, BytesPerSecond(int64_t{1} << 45)));
  int done = 0;
  const auto ended = [&done](bool ok) { done += ok; };
  const auto write = [&](Offset from, Offset to) {
    RecordRange range;
    range.from = from;
    range.to = to;
    range.bytes = Bytes(1'000 * (to - from));
    sink.Write(writer, range, ended);
    sim.RunUntil(sim.Now() + Milliseconds(1));
  };
  write(0, 10);
  sink.Prepare(writer, 1, ended);
  write(10, 25);  // The upload of the first takes 100 ms.
  sim.Run();
  sink.Prepare(writer, 2, ended);
  sim.Run();
  EXPECT_EQ(done, 4);
  EXPECT_EQ(sink.ledger().visible(), 0);
  sink.Commit(1, ended);
  sim.Run();
  EXPECT_EQ(sink.ledger().visible(), 10);
  sink.Commit(1, ended);
  sim.Run();
  EXPECT_EQ(sink.ledger().visible(), 10);
  sink.Rollback(1);  // The second is never committed: its file is an orphan.
  sink.Commit(2, ended);
  sim.Run();
  EXPECT_EQ(done, 7);
  EXPECT_EQ(sink.ledger().visible(), 10);
  EXPECT_EQ(ValueOf(sim, table, IcebergTable::kOrphans), 1);
  EXPECT_EQ(ValueOf(sim, table, IcebergTable::kRecords), 10);
}

}  // namespace
}  // namespace freshet
