#include "sim/stamps.h"

#include <set>
#include <string>

#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace freshet {
namespace {

constexpr ComponentId kProducer = 1;
constexpr ComponentId kBroker = 2;
constexpr ComponentId kDisk = 3;
constexpr uint32_t kFault = 9;

Time At(int64_t millis) { return Time() + Milliseconds(millis); }

StampTrail<> LingerAndAppend() {
  StampTrail<> trail(At(100));
  trail.AddWait(At(120), Milestone::kSent, WaitFor::kTimer, kProducer);
  trail.AddWait(At(125), Milestone::kAppended, WaitFor::kQueue, kBroker);
  trail.AddService(At(126), Milestone::kAppended, kBroker);
  trail.AddWait(At(176), Milestone::kDurable, WaitFor::kFault, kDisk, kFault);
  return trail;
}

TEST(StampTrailTest, SegmentsSumToTheWhole) {
  const StampTrail<> trail = LingerAndAppend();
  Duration sum;
  for (const Segment& segment : trail) sum += segment.length;
  EXPECT_EQ(trail.size(), 4);
  EXPECT_EQ(sum, Milliseconds(76));
  EXPECT_EQ(trail.Length(), Milliseconds(76));
  EXPECT_EQ(trail.End(), At(176));
}

TEST(StampTrailTest, KnowsWhenAMilestoneWasReached) {
  const StampTrail<> trail = LingerAndAppend();
  EXPECT_EQ(trail.TimeOf(Milestone::kCreated), At(100));
  EXPECT_EQ(trail.TimeOf(Milestone::kAppended), At(126));
  EXPECT_EQ(trail.TimeOf(Milestone::kDurable), At(176));
  EXPECT_EQ(trail.TimeOf(Milestone::kVisible), Time::Max());
}

TEST(StampTrailTest, TimeDoesNotGoBack) {
  StampTrail<> trail(At(10));
  trail.AddService(At(20), Milestone::kSent, kProducer);
  try {
    trail.AddService(At(19), Milestone::kAppended, kBroker);
    FAIL() << "went back";
  } catch (const InvariantBroken& broken) {
    EXPECT_EQ(broken.invariant(), "inv.I1");
  }
}

TEST(StampTrailTest, AWaitSaysWhatForAndAServiceDoesNot) {
  StampTrail<> trail;
  EXPECT_THROW(trail.AddWait(At(1), Milestone::kSent, WaitFor::kNone, kProducer), InvariantBroken);
  EXPECT_THROW(trail.AddSegment(At(1), Milestone::kSent, false, WaitFor::kQueue, kProducer, 0),
               InvariantBroken);
}

TEST(StampTrailTest, LikeSegmentsInARowAreOne) {
  StampTrail<> trail;
  trail.AddWait(At(1), Milestone::kFetched, WaitFor::kPoll, kBroker);
  trail.AddWait(At(3), Milestone::kFetched, WaitFor::kPoll, kBroker);
  trail.AddService(At(3), Milestone::kFetched, kBroker);  // Took no time, reached nothing new.
  EXPECT_EQ(trail.size(), 1);
  EXPECT_EQ(trail[0].length, Milliseconds(3));
  trail.AddService(At(3), Milestone::kProcessed, kBroker);  // Reached a milestone at once.
  EXPECT_EQ(trail.size(), 2);
  EXPECT_EQ(trail.TimeOf(Milestone::kProcessed), At(3));
}

TEST(StampTrailTest, AFullTrailLosesNoTime) {
  StampTrail<4> trail;
  int64_t now = 0;
  for (int attempt = 0; attempt < 10; ++attempt) {
    trail.AddService(At(++now), Milestone::kSent, kProducer);
    trail.AddWait(At(now += 2), Milestone::kSent, WaitFor::kRetry, kBroker);
  }
  EXPECT_EQ(trail.size(), 4);
  EXPECT_FALSE(trail.Lossy());  // Retries go on where earlier ones are.
  Duration waited;
  for (const Segment& segment : trail) waited += segment.wait ? segment.length : Duration::Zero();
  EXPECT_EQ(waited, Milliseconds(20));
  // Others find room where two are of one kind, and keep their names.
  trail.AddService(At(now + 5), Milestone::kAppended, kBroker);
  trail.AddService(At(now + 6), Milestone::kDurable, kBroker);
  EXPECT_FALSE(trail.Lossy());
  EXPECT_EQ(trail.size(), 4);
  EXPECT_EQ(trail[0].length, Milliseconds(10));
  EXPECT_EQ(trail[1].length, Milliseconds(20));
  EXPECT_EQ(trail[2].length, Milliseconds(5));
  EXPECT_EQ(trail.TimeOf(Milestone::kSent), At(now));
  trail.AddService(At(now + 7), Milestone::kFetched, kBroker);
  EXPECT_TRUE(trail.Lossy());
  Duration sum;
  for (const Segment& segment : trail) sum += segment.length;
  EXPECT_EQ(sum, trail.Length());
}

TEST(StampTrailTest, ALongerOneGoesOnWhereAShorterEnds) {
  const StampTrail<> way = LingerAndAppend();
  StampTrail<20> on(way);
  EXPECT_EQ(on.Start(), way.Start());
  EXPECT_EQ(on.Length(), way.Length());
  on.AddService(way.End() + Milliseconds(1), Milestone::kVisible, kBroker);
  EXPECT_EQ(on.size(), way.size() + 1);
  EXPECT_EQ(on.Length(), way.Length() + Milliseconds(1));
}

StampTrail<> TrailOf(Duration length) {
  StampTrail<> trail(At(0));
  trail.AddService(At(0) + length, Milestone::kSent, kBroker);
  return trail;
}

// While they are few, all are in the sample: ranks are exact, by record.
TEST(WaterfallTest, HasSingleRecordsBesideTheMean) {
  Waterfall waterfall;
  EXPECT_EQ(waterfall.At(1, 2).records, 0);
  EXPECT_TRUE(waterfall.Longest().segments.empty());
  for (int i = 1; i <= 100; ++i) waterfall.Add(TrailOf(Milliseconds(i)), 1);
  EXPECT_EQ(waterfall.sampled(), 100);
  EXPECT_EQ(waterfall.At(50, 100).length, Milliseconds(50));
  EXPECT_EQ(waterfall.At(99, 100).length, Milliseconds(99));
  EXPECT_EQ(waterfall.At(1, 1).length, Milliseconds(100));
  EXPECT_EQ(waterfall.Longest().length, Milliseconds(100));
  // 99 more with the shortest make 199: the hundredth is of these.
  waterfall.Add(TrailOf(Milliseconds(1)), 99);
  EXPECT_EQ(waterfall.At(50, 100).length, Milliseconds(1));
  EXPECT_EQ(waterfall.At(50, 100).segments.size(), 1u);
}

TEST(WaterfallTest, TheSampleOfManyIsBoundedAndTheLongestIsOfAll) {
  Waterfall waterfall;
  constexpr int kAll = 200'000;
  for (int i = 0; i < kAll; ++i) waterfall.Add(TrailOf(Nanoseconds(i * 7919LL % kAll)), 1);
  EXPECT_LT(waterfall.sampled(), 1024);
  EXPECT_GE(waterfall.sampled(), 300);
  EXPECT_EQ(waterfall.Longest().length, Nanoseconds(kAll - 1));
  // Even lengths: three standard errors of a sample of 500 are 7 %.
  EXPECT_NEAR(static_cast<double>(waterfall.At(1, 2).length.nanos()), kAll / 2, 0.07 * kAll);
  EXPECT_NEAR(static_cast<double>(waterfall.At(99, 100).length.nanos()), 0.99 * kAll, 0.015 * kAll);
  Waterfall few;
  for (int i = 0; i < 10; ++i) few.Add(TrailOf(Seconds(1)), 1);
  few.Merge(waterfall);
  EXPECT_EQ(few.Longest().length, Seconds(1));
  EXPECT_LT(few.sampled(), 1024);
}

TEST(WaterfallTest, AddsUpRecordsByKindOfSegment) {
  Waterfall waterfall;
  waterfall.Add(LingerAndAppend(), 10);
  StampTrail<> quick(At(200));
  quick.AddWait(At(240), Milestone::kSent, WaitFor::kTimer, kProducer);
  waterfall.Add(quick, 5);

  const auto rows = waterfall.Rows();
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[0].until, Milestone::kSent);
  EXPECT_TRUE(rows[0].total == Milliseconds(20 * 10 + 40 * 5).nanos());
  EXPECT_EQ(rows[0].records, 15);
  EXPECT_EQ(rows[0].max, Milliseconds(40).nanos());
  EXPECT_FALSE(rows[1].wait);  // Services first.
  EXPECT_EQ(rows[2].why, WaitFor::kQueue);
  EXPECT_EQ(rows[3].blocker, kFault);
  EXPECT_TRUE(waterfall.EndToEnd() == Milliseconds(76 * 10 + 40 * 5).nanos());
  EXPECT_EQ(waterfall.records(), 15);
  waterfall.Audit();
}

TEST(WaterfallTest, RecordsThatCameLaterWaitedLess) {
  // Three records at 100, 105 and 110 ms; the batch left at 120: 20 + 15 + 10 ms.
  StampTrail<> trail(At(100));
  trail.AddWait(At(120), Milestone::kSent, WaitFor::kTimer, kProducer);
  trail.AddService(At(121), Milestone::kAppended, kBroker);
  Waterfall waterfall;
  waterfall.Add(trail, 3, Milliseconds(0 + 5 + 10).nanos());
  EXPECT_TRUE(waterfall.Rows()[0].total == Milliseconds(45).nanos());
  EXPECT_TRUE(waterfall.EndToEnd() == Milliseconds(48).nanos());
  waterfall.Audit();
  EXPECT_THROW(waterfall.Add(trail, 1, Milliseconds(21).nanos()), InvariantBroken);
  EXPECT_THROW(waterfall.Add(StampTrail<>(At(1)), 1, 1), InvariantBroken);
}

TEST(WaterfallTest, NamesAreDistinctAndWhole) {
  std::set<std::string> names;
  for (int i = 0; i < kMilestoneCount; ++i) {
    names.insert(std::string(NameOf(static_cast<Milestone>(i))));
  }
  for (int i = 0; i < kWaitForCount; ++i) {
    names.insert(std::string(NameOf(static_cast<WaitFor>(i))));
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(kMilestoneCount + kWaitForCount));
  EXPECT_EQ(names.count(""), 0u);
}

// A trail of up to 40 segments, of 8 capacity: some absorb.
rc::Gen<StampTrail<8>> AnyTrail() {
  return rc::gen::map(rc::gen::container<std::vector<uint64_t>>(rc::gen::arbitrary<uint64_t>()),
                      [](const std::vector<uint64_t>& words) {
                        StampTrail<8> trail(At(1000));
                        Time now = At(1000);
                        for (uint64_t word : words) {
                          now += Duration::FromNanos(static_cast<int64_t>(word & 0xffff));
                          const auto until = static_cast<Milestone>(word >> 16 & 7);
                          const auto why = static_cast<WaitFor>((word >> 20 & 15) % kWaitForCount);
                          trail.AddSegment(now, until, why != WaitFor::kNone, why,
                                           static_cast<ComponentId>(word >> 32 & 31),
                                           static_cast<uint32_t>(word >> 40 & 3));
                        }
                        return trail;
                      });
}

rc::Gen<Waterfall> AnyWaterfall() {
  return rc::gen::map(rc::gen::container<std::vector<StampTrail<8>>>(AnyTrail()),
                      [](const std::vector<StampTrail<8>>& trails) {
                        Waterfall waterfall;
                        int64_t records = 0;
                        for (const auto& trail : trails) waterfall.Add(trail, ++records % 5);
                        return waterfall;
                      });
}

RC_GTEST_PROP(WaterfallProperty, SegmentsSumExactly, ()) {
  const StampTrail<8> trail = *AnyTrail();
  Duration sum;
  for (const Segment& segment : trail) sum += segment.length;
  RC_ASSERT(sum == trail.Length());
}

RC_GTEST_PROP(WaterfallProperty, MergesInAnyOrder, ()) {
  const Waterfall a = *AnyWaterfall();
  const Waterfall b = *AnyWaterfall();
  const Waterfall c = *AnyWaterfall();
  Waterfall forward = a;
  forward.Merge(b);
  forward.Merge(c);
  Waterfall backward = c;
  backward.Merge(b);
  backward.Merge(a);
  forward.Audit();
  RC_ASSERT(forward == backward);
  RC_ASSERT(forward.records() == a.records() + b.records() + c.records());
}

}  // namespace
}  // namespace freshet
