#include "models/processing/record_split.h"

#include "gtest/gtest.h"

namespace freshet {
namespace {

RecordRange BatchOf(Offset base, int64_t records) {
  RecordRange range;
  range.partition = 3;
  range.from = range.base = base;
  range.to = base + records;
  range.whole = range.high = records;
  range.bytes = Bytes(100 * records);
  range.created = {Time(), 1, Time(), Time() + Milliseconds(records - 1)};
  return range;
}

TEST(RecordSplitTest, SharesAddUpInRecordsAndBytes) {
  const std::vector<int64_t> bounds = BoundsOf({5, 1, 3, 2});
  for (const int64_t records : {1, 2, 7, 16, 1000}) {
    const RecordRange whole = BatchOf(4096, records);
    int64_t count = 0;
    Bytes bytes;
    for (size_t i = 0; i + 1 < bounds.size(); ++i) {
      const RecordRange part = TakeShare(whole, bounds[i], bounds[i + 1], bounds.back(), 7);
      count += part.record_count();
      bytes += part.bytes;
    }
    EXPECT_EQ(count, records);
    EXPECT_EQ(bytes, whole.bytes);
  }
}

TEST(RecordSplitTest, OverManyBatchesAShareHoldsEvenOfSingleRecords) {
  int64_t passed = 0;
  for (Offset base = 0; base < 100'000; ++base) {
    passed += TakeShare(BatchOf(base, 1), 0, 3, 10, 1).record_count();
  }
  EXPECT_NEAR(static_cast<double>(passed), 30'000, 600);  // Four standard deviations of a coin.
}

TEST(RecordSplitTest, APartIsDividedAsItsBatchIs) {
  const RecordRange whole = BatchOf(160, 16);
  const RecordRange share = TakeShare(whole, 1, 3, 4, 9);
  int64_t count = 0;
  for (Offset at = 160; at < 176; ++at) {
    count += TakeShare(TakeOffsets(whole, at, at + 1), 1, 3, 4, 9).record_count();
  }
  EXPECT_EQ(count, share.record_count());
}

TEST(RecordSplitTest, SlicesCutWhereTheEventTimeDoes) {
  // 1000 records, one a millisecond from 0 on, in slices of 300 ms.
  std::vector<std::pair<int64_t, int64_t>> slices;
  ForEachSlice(BatchOf(0, 1000), Milliseconds(300), [&](Time start, const RecordRange& part) {
    slices.emplace_back(start.nanos() / 1'000'000, part.record_count());
  });
  ASSERT_EQ(slices.size(), 4U);
  EXPECT_EQ(slices[0].first, 0);
  EXPECT_EQ(slices[3].first, 900);
  int64_t all = 0;
  for (const auto& [start, count] : slices) {
    EXPECT_NEAR(static_cast<double>(count), start == 900 ? 100 : 300, 1);
    all += count;
  }
  EXPECT_EQ(all, 1000);
}

TEST(RecordSplitTest, SlicesBelowZeroBeginAtMultiples) {
  EXPECT_EQ(SliceStart(Time::FromNanos(-1), Nanoseconds(10)), Time::FromNanos(-10));
  EXPECT_EQ(SliceStart(Time::FromNanos(-10), Nanoseconds(10)), Time::FromNanos(-10));
  EXPECT_EQ(SliceStart(Time::FromNanos(19), Nanoseconds(10)), Time::FromNanos(10));
}

}  // namespace
}  // namespace freshet
