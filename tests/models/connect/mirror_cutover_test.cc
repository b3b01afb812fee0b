// Clients that move to the copy and back: what is read twice, skipped, lost and left behind.
#include "models/connect/mirror_cutover.h"

#include "gtest/gtest.h"
#include "tests/models/connect/mirror_pipeline.h"

namespace freshet {
namespace {

MirrorSettings Moving(Duration across = Duration::Zero()) {
  MirrorSettings s = Mirrored(1, Seconds(600), across);
  s.mirror.refresh_interval = Seconds(30);
  return s;
}

// 100 records a second until the producers are closed at 200 s. The last sync before offset 20000
// is that of 101 * 198 = 19998.
TEST(MirrorCutoverTest, ADrainedCutoverLosesNothingAndRepeatsTheDistanceOfTheTranslation) {
  MirrorPipeline pipeline(Moving());
  pipeline.CutoverAt(Milliseconds(200'005), true, Seconds(10));
  pipeline.Run(Seconds(700));
  EXPECT_EQ(pipeline.RecordsInLog(), 20'000);
  EXPECT_EQ(pipeline.OfCutover(MirrorCutover::kLost), 0);
  EXPECT_EQ(pipeline.OfCutover(MirrorCutover::kSkipped), 0);
  EXPECT_EQ(pipeline.OfCutover(MirrorCutover::kRedelivered), 20'000 - 19'999);
  const int64_t moved = ValueOf(pipeline.sim, *pipeline.moved, Producers::kAcked);
  EXPECT_EQ(moved, 40'000);  // Those that came while nobody wrote, too.
  EXPECT_EQ(ValueOf(pipeline.sim, *pipeline.moved, Producers::kRefused), 0);
  EXPECT_EQ(pipeline.InCopy(), 60'000);
  EXPECT_EQ(ValueOf(pipeline.sim, *pipeline.image, Consumers::kRecords), 40'001);
  EXPECT_EQ(ValueOf(pipeline.sim, *pipeline.image, Consumers::kLag), 0);
}

TEST(MirrorCutoverTest, WhoMovesAtOnceLosesWhatIsNotMirrored) {
  MirrorPipeline pipeline(Moving(Seconds(2)));
  pipeline.CutoverAt(Milliseconds(200'005), false, Seconds(10));
  pipeline.Run(Seconds(700));
  EXPECT_EQ(pipeline.RecordsInLog(), 20'000);
  const int64_t lost = pipeline.OfCutover(MirrorCutover::kLost);
  EXPECT_EQ(lost, pipeline.RecordsInLog() - pipeline.OfMirror(MeteredSink::kVisible));
  EXPECT_GE(lost, 100);  // A second of half a round trip at the least.
  EXPECT_EQ(pipeline.OfCutover(MirrorCutover::kSkipped), 0);
  // The last checkpoint was at 180 s, of a commit before: 15 s and more are read again.
  const int64_t again = pipeline.OfCutover(MirrorCutover::kRedelivered);
  EXPECT_GE(again, 1'400);
  const int64_t moved = ValueOf(pipeline.sim, *pipeline.moved, Producers::kAcked);
  EXPECT_EQ(ValueOf(pipeline.sim, *pipeline.image, Consumers::kRecords), again + moved);
}

TEST(MirrorCutoverTest, RecordsThatCameLongerThanMaxBlockAgoAreRefused) {
  MirrorPipeline pipeline(Moving());
  pipeline.CutoverAt(Milliseconds(200'005), false, Seconds(90));
  pipeline.Run(Seconds(700));
  // 90 s less max.block of 60 s.
  EXPECT_EQ(ValueOf(pipeline.sim, *pipeline.moved, Producers::kRefused), 3'000);
  EXPECT_EQ(ValueOf(pipeline.sim, *pipeline.moved, Producers::kAcked), 37'000);
}

TEST(MirrorCutoverTest, ARollbackLeavesBehindWhatWasWrittenMeanwhile) {
  MirrorPipeline pipeline(Moving());
  pipeline.CutoverAt(Milliseconds(200'005), true, Seconds(10));
  pipeline.RollbackAt(Milliseconds(400'005), Seconds(10));
  pipeline.Run(Seconds(700));
  const int64_t there = ValueOf(pipeline.sim, *pipeline.moved, Producers::kAcked);
  EXPECT_EQ(there, 20'000);
  EXPECT_EQ(pipeline.OfCutover(MirrorCutover::kLeftBehind), there);
  // The group had committed all at the source when it left.
  EXPECT_EQ(pipeline.OfCutover(MirrorCutover::kReadAgain), 0);
  EXPECT_EQ(pipeline.RecordsInLog(), 40'000);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 40'000);
  // The mirror goes on, behind what is not of the source.
  EXPECT_EQ(pipeline.InCopy(), 60'000);
  EXPECT_EQ(pipeline.OfMirror(MeteredSink::kVisible), 40'000);
  EXPECT_EQ(pipeline.OfMirror(MeteredSink::kDuplicated), 0);
}

// A group that no look has found has no checkpoint: it begins where auto.offset.reset leads.
TEST(MirrorCutoverTest, AGroupThatIsNotKnownBeginsAnew) {
  MirrorSettings s = Moving();
  s.mirror.refresh_interval = Hours(1);
  MirrorPipeline pipeline(s);
  pipeline.CutoverAt(Milliseconds(200'005), true, Seconds(10));
  pipeline.Run(Seconds(700));
  EXPECT_EQ(pipeline.OfCutover(MirrorCutover::kRedelivered), 20'000);
}

TEST(MirrorCutoverTest, ADeadSourceMovesWithTheLastCheckpoint) {
  MirrorSettings s = Moving(Milliseconds(80));
  MirrorPipeline pipeline(s);
  for (BrokerId broker = 0; broker < 3; ++broker) {
    pipeline.Down(pipeline.Broker(broker), Milliseconds(200'005), Duration::Zero());
  }
  pipeline.CutoverAt(Seconds(230), false, Seconds(10));
  pipeline.Run(Seconds(700));
  const int64_t lost = pipeline.OfCutover(MirrorCutover::kLost);
  EXPECT_GT(lost, 0);
  EXPECT_EQ(pipeline.OfMirror(MeteredSink::kVisible) + lost,
            pipeline.log.LogOf(0).high_watermark());
  EXPECT_EQ(ValueOf(pipeline.sim, *pipeline.image, Consumers::kLag), 0);
}

}  // namespace
}  // namespace freshet
