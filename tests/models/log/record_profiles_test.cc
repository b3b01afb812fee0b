#include "models/log/record_profiles.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <memory>
#include <vector>

namespace freshet {
namespace {

using Slice = BatchProfile::Slice;

RandomStream Stream(uint64_t seed = 92) { return RandomStream(seed, "shop", "client-0/lateness"); }

std::shared_ptr<const EventTimes> Late(std::vector<EventTimes::Class> classes) {
  return std::make_shared<EventTimes>(std::move(classes));
}

// Ten records a second from 100 s on, of producer 0's batch number 3.
RecordRange TenASecond(int64_t records) {
  RecordRange range;
  range.from = range.base = 5'000;
  range.to = 5'000 + records;
  range.whole = range.high = records;
  range.row = {Time() + Seconds(100), Time() + Seconds(100) + Milliseconds(100) * (records - 1),
               records};
  range.producer = 0;
  range.batch_number = 3;
  return range;
}

TEST(RecordProfilesTest, WithoutALawAllAreOnTime) {
  const RecordProfiles profiles;
  RecordRange range = TenASecond(25);
  range.mark.schema_version = 4;
  const BatchProfile profile = profiles.ProfileOf(range, Seconds(1));
  profile.Check();
  EXPECT_EQ(profile.slice_count, 3);
  EXPECT_EQ(profile.slices[0], (Slice{102, 5}));
  EXPECT_EQ(profile.slices[2], (Slice{100, 10}));
  EXPECT_EQ(profile.event_time_max, Time() + Milliseconds(102'400));
  EXPECT_EQ(profile.schema_version, 4);
  EXPECT_FALSE(profiles.HasEventTimes(0));
}

TEST(RecordProfilesTest, LatenessAndSkewAreTheProducers) {
  RecordProfiles profiles;
  profiles.AddClient(0, 6, 0, {Late({{1, Sampler::Constant(60e9)}}), -Seconds(2), 1, Stream()});
  EXPECT_TRUE(profiles.HasEventTimes(5));
  EXPECT_FALSE(profiles.HasEventTimes(6));
  const BatchProfile profile = profiles.ProfileOf(TenASecond(10), Seconds(1));
  EXPECT_EQ(profile.slices[0], (Slice{40, 10}));
  EXPECT_EQ(profile.event_time_min, Time() + Seconds(40));
  EXPECT_EQ(profile.stamp_max(), Time() + Milliseconds(38'900));
}

TEST(RecordProfilesTest, TheSameBatchIsToldTheSameAgain) {
  RecordProfiles profiles;
  profiles.AddClient(0, 6, 0, {Late({{1, Sampler::Exponential(60e9)}}), {}, 1, Stream()});
  RecordRange range = TenASecond(10);
  const BatchProfile first = profiles.ProfileOf(range, Seconds(1));
  range.batch_number = 4;
  EXPECT_FALSE(profiles.ProfileOf(range, Seconds(1)) == first);
  range.batch_number = 3;
  EXPECT_TRUE(profiles.ProfileOf(range, Seconds(1)) == first);
}

TEST(RecordProfilesTest, AnOfflineRecordHasItsOwnTime) {
  RecordProfiles profiles;
  profiles.AddClient(0, 6, 0, {Late({{1, Sampler::Constant(60e9)}}), {}, 1, Stream()});
  RecordRange range = TenASecond(10);
  range.from += 4;
  range.to = range.from + 2;
  range.mark = {RecordKind::kOffline, 0, Time() + Seconds(7)};
  const BatchProfile profile = profiles.ProfileOf(range, Seconds(1));
  EXPECT_EQ(profile.slice_count, 1);
  EXPECT_EQ(profile.slices[0], (Slice{7, 2}));
  EXPECT_EQ(profiles.OldestEvent(StretchOf(range)), Time() + Seconds(7));
}

TEST(RecordProfilesTest, CoalescedRangesFollowTheLawByCells) {
  RecordProfiles profiles;
  const auto late = Late({{0.9, Sampler::Constant(0)}, {0.1, Sampler::Constant(600e9)}});
  profiles.AddClient(0, 1, 0, {late, {}, 1, Stream()});
  RecordRange range = TenASecond(1'000'000);
  range.from = range.base = 0;
  range.to = 1'000'000;
  range.producer = kNoProducer;
  int64_t late_records = 0;
  std::vector<EventRun> all;
  profiles.VisitRuns(StretchOf(range), [&](const EventRun& run) {
    if (run.lateness == Minutes(10)) late_records += run.to - run.from;
    all.push_back(run);
  });
  EXPECT_NEAR(static_cast<double>(late_records), 100'000, 5 * 300);
  // A reader that comes in the middle of a cell is told the same.
  range.from = 1'500;
  range.to = 3'000;
  size_t found = 0;
  profiles.VisitRuns(StretchOf(range), [&](const EventRun& run) {
    for (const EventRun& known : all) {
      found += known.from <= run.from && run.to <= known.to && known.lateness == run.lateness;
    }
    ++found;
  });
  EXPECT_EQ(found % 2, 0U);
  EXPECT_GE(found, 4U);
}

TEST(RecordProfilesTest, KeyGroupsFollowTheKeysOfThePartition) {
  RecordProfiles profiles;
  profiles.AddKeys(0, 4, {KeyDistribution::Kind::kUniform, 1});  // One key: one partition.
  RecordRange range = TenASecond(1'000);
  range.partition = static_cast<PartitionId>(PartitionOfKey(0, 4));
  const BatchProfile profile = profiles.ProfileOf(range, Seconds(100));
  profile.Check();
  EXPECT_EQ(profile.key_group_records[static_cast<size_t>(KeyGroupOf(0))], 1'000);
}

RC_GTEST_PROP(RecordProfilesTest, PartsAndSharesOfABatchAddUp, ()) {
  RecordProfiles profiles;
  profiles.AddClient(0, 6, 0,
                     {Late({{0.6, Sampler::Exponential(1e9)}, {0.4, Sampler::Exponential(3e9)}}),
                      {},
                      1,
                      Stream(*rc::gen::arbitrary<uint64_t>())});
  profiles.AddKeys(0, 6, {KeyDistribution::Kind::kZipf, 1'000, 1});
  RecordRange range = TenASecond(*rc::gen::inRange<int64_t>(1, 20));
  range.low = *rc::gen::inRange<int64_t>(0, range.whole + 1);
  range.high = *rc::gen::inRange<int64_t>(range.low, range.whole + 1);
  const BatchProfile whole = profiles.ProfileOf(range, Seconds(2));
  whole.Check();
  RC_ASSERT(whole.records() == range.record_count());
  RecordRange part = range;
  part.to = *rc::gen::inRange<Offset>(range.from, range.to + 1);
  BatchProfile sum = profiles.ProfileOf(part, Seconds(2));
  sum.Check();
  part.from = part.to;
  part.to = range.to;
  sum.Merge(profiles.ProfileOf(part, Seconds(2)));
  RC_ASSERT(sum.slices == whole.slices);
  RC_ASSERT(sum.key_group_records == whole.key_group_records);
}

}  // namespace
}  // namespace freshet
