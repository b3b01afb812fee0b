// What a mirror copies, how often, and what workers and links that fail do to it.
#include "models/connect/mirror.h"

#include "gtest/gtest.h"
#include "tests/models/connect/mirror_pipeline.h"

namespace freshet {
namespace {

TEST(MirrorTest, EachRecordIsThereOnceWithoutTrouble) {
  MirrorSettings s = Mirrored(2, Seconds(60));
  s.topic.partitions = 6;
  s.producers.rate = Until(Seconds(60), 600);
  s.mirror.tasks = 3;
  MirrorPipeline pipeline(s);
  pipeline.Run(Seconds(120));
  EXPECT_EQ(pipeline.mirror->TasksOf(0), (std::vector<int>{0, 2}));
  EXPECT_EQ(pipeline.mirror->TasksOf(1), (std::vector<int>{1}));
  EXPECT_EQ(pipeline.OfMirror(MeteredSink::kVisible), 36'000);
  EXPECT_EQ(pipeline.OfMirror(MeteredSink::kDuplicated), 0);
  EXPECT_EQ(pipeline.OfMirror(MeteredSink::kLost), 0);
  EXPECT_EQ(pipeline.OfMirror(MeteredSink::kLag), 0);
  for (int p = 0; p < 6; ++p) {
    const PartitionLog& source = pipeline.log.LogOf(pipeline.mirror->SourceOf(p));
    const PartitionLog& copy = pipeline.far->LogOf(pipeline.mirror->CopyOf(p));
    EXPECT_EQ(copy.high_watermark(), source.high_watermark());
    EXPECT_EQ(copy.bytes(), source.bytes());
  }
  EXPECT_TRUE(pipeline.mirror->IsDrained());
}

// Batches cross the link once, for half a round trip; nothing else takes time.
TEST(MirrorTest, ARecordIsLateByHalfARoundTripAndTheBytesAreTheMirrors) {
  MirrorPipeline pipeline(Mirrored(1, Seconds(60), Milliseconds(80)));
  pipeline.Run(Seconds(120));
  const Histogram late = HistogramOf(pipeline.sim, *pipeline.mirror, MeteredSink::kFreshness);
  EXPECT_EQ(late.count(), 6'000);
  EXPECT_EQ(HistogramOf(pipeline.sim, *pipeline.mirror, Mirror::kRecordAge).count(), 6'000);
  EXPECT_GE(late.min(), Milliseconds(40).nanos());
  const int64_t bytes = ValueOf(pipeline.sim, pipeline.network,
                                Network::kBytes[static_cast<size_t>(TrafficCause::kMirror)]);
  EXPECT_GE(bytes, pipeline.BytesInLog().count());
  EXPECT_LE(bytes, ValueOf(pipeline.sim, pipeline.network, Network::kCrossRegionBytes));
  EXPECT_EQ(pipeline.OfMirror(MeteredSink::kLag), 0);
}

// It commits every 60 s, before it has what comes at that instant, and dies at 100.005 s: what came
// since 60 s is copied again, 4001 records, when the other worker has the task 70 s later.
TEST(MirrorTest, ADeathCopiesAgainWhatCameSinceTheLastFlush) {
  MirrorPipeline pipeline(Mirrored(2, Seconds(110)));
  pipeline.sim.At<"test.down">(Time() + Milliseconds(100'005), 0,
                               [&pipeline] { pipeline.mirror->SetWorkerDown(0, true); });
  pipeline.Run(Seconds(170));
  EXPECT_EQ(pipeline.OfMirror(Mirror::kUnassigned), 1);
  EXPECT_EQ(pipeline.OfMirror(Mirror::kRunning), 0);
  EXPECT_EQ(pipeline.InCopy(), 10'000);
  pipeline.Run(Seconds(200));
  EXPECT_EQ(pipeline.mirror->TasksOf(1), (std::vector<int>{0}));
  EXPECT_EQ(pipeline.OfMirror(MeteredSink::kVisible), 11'000);
  EXPECT_EQ(pipeline.OfMirror(MeteredSink::kDuplicated), 4'001);
  EXPECT_EQ(pipeline.mirror->ledger().duplicated_by(EffectCause::kRestart), 4'001);
  EXPECT_EQ(pipeline.InCopy(), 15'001);
  EXPECT_EQ(pipeline.OfMirror(MeteredSink::kLost), 0);
}

TEST(MirrorTest, AWorkerThatComesBackHasItsTaskAtTheEndOfTheDelay) {
  MirrorPipeline pipeline(Mirrored(1, Seconds(200)));
  pipeline.sim.At<"test.down">(Time() + Seconds(30), 0,
                               [&pipeline] { pipeline.mirror->SetWorkerDown(0, true); });
  pipeline.sim.At<"test.up">(Time() + Seconds(40), 0,
                             [&pipeline] { pipeline.mirror->SetWorkerDown(0, false); });
  pipeline.Run(Seconds(99));
  EXPECT_EQ(pipeline.OfMirror(Mirror::kRunning), 0);
  pipeline.Run(Seconds(101));
  EXPECT_EQ(pipeline.OfMirror(Mirror::kRunning), 1);
  pipeline.Run(Seconds(300));
  EXPECT_EQ(pipeline.OfMirror(MeteredSink::kVisible), 20'000);
  EXPECT_EQ(pipeline.OfMirror(MeteredSink::kLag), 0);
}

TEST(MirrorTest, ACutLinkHoldsTheMirrorUpAndLosesNothing) {
  MirrorPipeline pipeline(Mirrored(1, Seconds(100), Milliseconds(80)));
  pipeline.sim.At<"test.cut">(Time() + Seconds(30), 0,
                              [&pipeline] { pipeline.network.SetCut(0, 1, true); });
  pipeline.sim.At<"test.mended">(Time() + Seconds(70), 0,
                                 [&pipeline] { pipeline.network.SetCut(1, 0, false); });
  pipeline.Run(Seconds(69));
  EXPECT_GE(pipeline.OfMirror(MeteredSink::kLag), 3'800);
  EXPECT_GT(pipeline.network.held_messages(), 0);
  pipeline.Run(Seconds(150));
  EXPECT_EQ(pipeline.OfMirror(MeteredSink::kVisible), 10'000);
  EXPECT_EQ(pipeline.OfMirror(MeteredSink::kDuplicated), 0);
}

// Whatever becomes of the target's brokers: what is there twice is what was appended twice.
TEST(MirrorTest, ABrokerOfTheTargetThatDiesMakesDuplicatesByRetriesOnly) {
  MirrorSettings s = Mirrored(1, Seconds(60), Milliseconds(20));
  s.network.rtt_within_zone = Sampler::Constant(2'000'000);
  s.topic.partitions = 6;
  s.producers.rate = Until(Seconds(60), 300);
  MirrorPipeline pipeline(s);
  pipeline.Down(pipeline.far_handles[0].get(), Milliseconds(20'002), Seconds(10));
  pipeline.Down(pipeline.far_handles[1].get(), Milliseconds(40'002), Seconds(10));
  pipeline.Run(Seconds(120));
  const int64_t duplicated = pipeline.OfMirror(MeteredSink::kDuplicated);
  EXPECT_EQ(pipeline.OfMirror(MeteredSink::kVisible), pipeline.RecordsInLog());
  EXPECT_EQ(pipeline.InCopy(), pipeline.RecordsInLog() + duplicated);
  EXPECT_EQ(pipeline.mirror->ledger().duplicated_by(EffectCause::kRetry), duplicated);
  EXPECT_GT(pipeline.OfMirror(MirrorTopic::kRetries), 0);
}

// The group commits every 5 s; checkpoints come every 60 s, and are of what is committed by then.
TEST(MirrorTest, CheckpointsFollowTheGroupByTheDistanceOfTheSyncs) {
  MirrorPipeline pipeline(Mirrored(1, Seconds(300)));
  pipeline.Run(Seconds(59));
  EXPECT_EQ(pipeline.OfMirror(Mirror::kCheckpoints), 0);
  // Not known before the look at 600 s, which comes before the checkpoint.
  pipeline.Run(Seconds(599));
  EXPECT_EQ(pipeline.OfMirror(Mirror::kCheckpoints), 0);
  pipeline.Run(Seconds(601));
  EXPECT_EQ(pipeline.OfMirror(Mirror::kCheckpoints), 1);
  // 30000 records; the last sync is of 101 * 297 = 29997, and the next offset is known.
  EXPECT_EQ(pipeline.mirror->CheckpointOf(pipeline.consumers.get(), 0), 29'998);
  EXPECT_EQ(pipeline.OfMirror(Mirror::kDistance), 2);
}

}  // namespace
}  // namespace freshet
