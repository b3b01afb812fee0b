#include "models/workload/profile.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <numeric>
#include <vector>

namespace freshet {
namespace {

using Slice = BatchProfile::Slice;

RandomStream Stream() { return RandomStream(92, "client", "event_times"); }

int64_t KeySum(const BatchProfile& profile) {
  return std::accumulate(profile.key_group_records.begin(), profile.key_group_records.end(),
                         int64_t{0});
}

BatchProfile AnyProfile() {
  BatchProfile profile;
  for (int i = *rc::gen::inRange(0, 14); i > 0; --i) {
    profile.AddSlice(*rc::gen::inRange<int64_t>(-50, 50), *rc::gen::inRange<int64_t>(0, 1'000));
  }
  int64_t left = profile.records();
  for (size_t i = 0; i + 1 < BatchProfile::kKeyGroups; ++i) {
    const auto some = *rc::gen::inRange<int64_t>(0, left + 1);
    profile.key_group_records[i] = some;
    left -= some;
  }
  profile.key_group_records.back() = left;
  if (profile.slice_count > 0) {
    profile.event_time_max = Time() + Seconds(profile.slices[0].index) + Milliseconds(400);
  }
  return profile;
}

TEST(BatchProfileTest, SlicesAreKeptNewestFirst) {
  BatchProfile profile;
  profile.AddSlice(5, 10);
  profile.AddSlice(9, 1);
  profile.AddSlice(-3, 2);
  profile.AddSlice(5, 7);
  EXPECT_EQ(profile.slice_count, 3);
  EXPECT_EQ(profile.slices[0], (Slice{9, 1}));
  EXPECT_EQ(profile.slices[1], (Slice{5, 17}));
  EXPECT_EQ(profile.slices[2], (Slice{-3, 2}));
  EXPECT_EQ(profile.records(), 20);
}

TEST(BatchProfileTest, TheNearestSlicesBecomeOneWhenThereAreTooMany) {
  BatchProfile profile;
  for (const int64_t index : {100, 90, 80, 70, 60, 50, 40, 30}) profile.AddSlice(index, 1);
  profile.AddSlice(58, 5);  // Two from 60, which has fewer records.
  EXPECT_EQ(profile.slice_count, 8);
  EXPECT_EQ(profile.slices[4], (Slice{58, 6}));
  EXPECT_EQ(profile.slices[7], (Slice{30, 1}));
  EXPECT_EQ(profile.records(), 13);
}

TEST(BatchProfileTest, TakingOutIsInProportion) {
  BatchProfile profile;
  profile.AddSlice(2, 50);
  profile.AddSlice(1, 30);
  profile.AddSlice(0, 20);
  profile.key_group_records = {90, 10};
  profile.event_time_max = Time() + Milliseconds(2'500);
  const BatchProfile taken = profile.TakeOut(10, Seconds(1));
  EXPECT_EQ(taken.slices[0], (Slice{2, 5}));
  EXPECT_EQ(taken.slices[1], (Slice{1, 3}));
  EXPECT_EQ(taken.slices[2], (Slice{0, 2}));
  EXPECT_EQ(taken.key_group_records[0], 9);
  EXPECT_EQ(profile.records(), 90);
  EXPECT_EQ(profile.key_group_records[1], 9);
  EXPECT_EQ(taken.event_time_max, Time() + Milliseconds(2'500));
}

RC_GTEST_PROP(BatchProfileTest, SplittingAndMergingConserve, ()) {
  BatchProfile whole = AnyProfile();
  whole.Check();
  const BatchProfile before = whole;
  const auto count = *rc::gen::inRange<int64_t>(0, whole.records() + 1);
  BatchProfile taken = whole.TakeOut(count, Seconds(1));
  taken.Check();
  whole.Check();
  RC_ASSERT(taken.records() == count);
  RC_ASSERT(KeySum(taken) == count);
  RC_ASSERT(whole.records() == before.records() - count);
  RC_ASSERT(taken.event_time_max <= before.event_time_max || count == 0);
  // What belongs together comes together again, whichever part is added to the other.
  taken.Merge(whole);
  taken.Check();
  RC_ASSERT(taken == before);
}

RC_GTEST_PROP(BatchProfileTest, MergingAnyTwoConserves, ()) {
  BatchProfile one = AnyProfile();
  const BatchProfile other = AnyProfile();
  const int64_t records = one.records() + other.records();
  one.Merge(other);
  one.Check();
  RC_ASSERT(one.records() == records);
}

TEST(EventTimesTest, RecordsOnTimeLieInTheSlicesTheyArriveIn) {
  const EventTimes on_time({{1, Sampler::Constant(0)}}, Seconds(10));
  RandomStream stream = Stream();
  // A hundred records in [5 s, 25 s]: a quarter, a half, a quarter.
  const BatchProfile profile =
      on_time.Draw(100, Time() + Seconds(5), Time() + Seconds(25), {}, 3, stream);
  profile.Check();
  EXPECT_EQ(profile.slice_count, 3);
  EXPECT_EQ(profile.slices[0], (Slice{2, 25}));
  EXPECT_EQ(profile.slices[1], (Slice{1, 50}));
  EXPECT_EQ(profile.slices[2], (Slice{0, 25}));
  EXPECT_EQ(profile.event_time_max, Time() + Seconds(25));
  EXPECT_EQ(profile.key_group_records[0], 100);
  EXPECT_EQ(profile.schema_version, 3);
}

TEST(EventTimesTest, LateClassesComeFromThePast) {
  // A tenth two hours late, also from before the run began.
  const EventTimes mixed({{0.9, Sampler::Constant(0)}, {0.1, Sampler::Constant(7.2e12)}},
                         Minutes(1));
  RandomStream stream = Stream();
  int64_t late = 0;
  const std::vector<double> groups = {0.5, 0.25, 0.25};
  for (int i = 0; i < 1'000; ++i) {
    const Time at = Time() + Hours(1);
    const BatchProfile profile = mixed.Draw(50, at, at + Milliseconds(1), groups, 1, stream);
    profile.Check();
    EXPECT_EQ(profile.records(), 50);
    EXPECT_LE(profile.slice_count, 2);
    const Slice& oldest = profile.slices[static_cast<size_t>(profile.slice_count) - 1];
    if (oldest.index == -60) late += oldest.records;
  }
  EXPECT_NEAR(static_cast<double>(late), 5'000, 5 * 67);
}

RC_GTEST_PROP(EventTimesTest, EveryRecordHasASlice, ()) {
  const EventTimes mixed({{0.6, Sampler::Exponential(1e9)},
                          {0.3, Sampler::Exponential(60e9)},
                          {0.1, Sampler::Exponential(3'600e9)}},
                         Nanoseconds(*rc::gen::element<int64_t>(1'000'000, 1'000'000'000)));
  RandomStream stream(*rc::gen::arbitrary<uint64_t>(), "client", "event_times");
  const auto count = *rc::gen::inRange<int64_t>(0, 5'000);
  const Time first = Time() + Nanoseconds(*rc::gen::inRange<int64_t>(0, 1'000'000'000'000));
  const Time last = first + Nanoseconds(*rc::gen::inRange<int64_t>(0, 20'000'000'000));
  const BatchProfile profile = mixed.Draw(count, first, last, {}, 1, stream);
  profile.Check();
  RC_ASSERT(profile.records() == count);
  RC_ASSERT(profile.event_time_max <= last);
}

}  // namespace
}  // namespace freshet
