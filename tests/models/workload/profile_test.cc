#include "models/workload/profile.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <numeric>
#include <vector>

namespace freshet {
namespace {

using Slice = BatchProfile::Slice;

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

TEST(BatchProfileTest, ARowLiesInTheSlicesOfItsRecords) {
  // Five records at 5, 10, 15, 20 and 25 s, in slices of ten seconds.
  const EvenRow row = {Time() + Seconds(5), Time() + Seconds(25), 5};
  const auto all = [](int64_t a, int64_t b) { return b - a; };
  BatchProfile profile;
  profile.AddRow(row, 0, 5, Duration::Zero(), Seconds(10), all);
  EXPECT_EQ(profile.slice_count, 3);
  EXPECT_EQ(profile.slices[0], (Slice{2, 2}));
  EXPECT_EQ(profile.slices[1], (Slice{1, 2}));
  EXPECT_EQ(profile.slices[2], (Slice{0, 1}));
  EXPECT_EQ(profile.event_time_min, Time() + Seconds(5));
  EXPECT_EQ(profile.event_time_max, Time() + Seconds(25));

  // The last two of them, half a minute late: before the run began.
  BatchProfile late;
  late.AddRow(row, 3, 5, Seconds(30), Seconds(10), all);
  EXPECT_EQ(late.slice_count, 1);
  EXPECT_EQ(late.slices[0], (Slice{-1, 2}));
  EXPECT_EQ(late.event_time_max, Time() - Seconds(5));
  late.clock_skew = Seconds(2);
  EXPECT_EQ(late.stamp_max(), Time() - Seconds(3));
}

RC_GTEST_PROP(BatchProfileTest, PartsOfARowAddUp, ()) {
  const int64_t count = *rc::gen::inRange<int64_t>(1, 200);
  const Time low = Time() + Nanoseconds(*rc::gen::inRange<int64_t>(0, 10'000));
  const EvenRow row = {low, low + Nanoseconds(*rc::gen::inRange<int64_t>(0, 7'000)), count};
  const Duration late = Nanoseconds(*rc::gen::inRange<int64_t>(0, 30'000));
  const auto all = [](int64_t a, int64_t b) { return b - a; };
  const int64_t middle = *rc::gen::inRange<int64_t>(0, count + 1);
  BatchProfile whole, first, second;
  whole.AddRow(row, 0, count, late, Nanoseconds(1'000), all);
  first.AddRow(row, 0, middle, late, Nanoseconds(1'000), all);
  second.AddRow(row, middle, count, late, Nanoseconds(1'000), all);
  for (BatchProfile* each : {&whole, &first, &second}) {
    each->key_group_records[0] = each->records();
    each->Check();
  }
  first.Merge(second);
  RC_ASSERT(first == whole);
  for (int64_t i = 0; i < count; ++i) {
    RC_ASSERT(row.CountBefore(row.At(i)) <= i && row.CountBefore(row.At(i) + Nanoseconds(1)) > i);
  }
}

}  // namespace
}  // namespace freshet
