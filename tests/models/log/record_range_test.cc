#include "models/log/record_range.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <vector>

namespace freshet {
namespace {

RecordRange Whole(int64_t records, Offset base = 0) {
  RecordRange range;
  range.base = range.from = base;
  range.to = base + records;
  range.whole = range.high = records;
  return range;
}

TEST(RecordRangeTest, AWholeBatchHasExactlyItsShare) {
  RecordRange range = Whole(10, 100);
  EXPECT_EQ(range.record_count(), 10);
  EXPECT_EQ(range.CountIn(103, 107), 4);
  range.low = 5;
  range.high = 8;
  EXPECT_EQ(range.record_count(), 3);
}

TEST(RecordRangeTest, EachRecordHasOnePlace) {
  // Ten records in steps of 7: places 0 7 4 1 8 5 2 9 6 3.
  const std::vector<int64_t> places = {0, 7, 4, 1, 8, 5, 2, 9, 6, 3};
  RecordRange range = Whole(10);
  for (Offset at = 0; at < 10; ++at) {
    for (int64_t place = 0; place < 10; ++place) {
      range.low = place;
      range.high = place + 1;
      EXPECT_EQ(range.CountIn(at, at + 1), places[static_cast<size_t>(at)] == place ? 1 : 0);
    }
  }
}

TEST(RecordRangeTest, AHugeRangeIsCutEvenly) {
  const int64_t many = int64_t{1} << 40;
  RecordRange range = Whole(many);
  range.low = many / 4;
  range.high = many / 2;
  EXPECT_NEAR(static_cast<double>(range.CountIn(many / 8, many / 8 + 1'000'000)), 250'000, 20);
}

RC_GTEST_PROP(RecordRangeTest, PartsAndSharesAddUp, ()) {
  RecordRange range = Whole(*rc::gen::inRange<int64_t>(1, 3'000), 50);
  const auto within = [&](int64_t low, int64_t high) {
    return *rc::gen::inRange<int64_t>(low, high + 1);
  };
  const Offset from = within(range.base, range.base + range.whole);
  const Offset to = within(from, range.base + range.whole);
  const Offset middle = within(from, to);
  range.low = within(0, range.whole);
  range.high = within(range.low, range.whole);
  const int64_t all = range.CountIn(from, to);
  RC_ASSERT(all >= 0 && all <= to - from && all <= range.high - range.low);
  RC_ASSERT(range.CountIn(from, middle) + range.CountIn(middle, to) == all);
  RecordRange first = range;
  RecordRange second = range;
  first.high = second.low = within(range.low, range.high);
  RC_ASSERT(first.CountIn(from, to) + second.CountIn(from, to) == all);
  // Evenly: within a few records of the proportion.
  const double even = static_cast<double>(to - from) * static_cast<double>(range.high - range.low) /
                      static_cast<double>(range.whole);
  RC_ASSERT(static_cast<double>(all) > even - 12 && static_cast<double>(all) < even + 12);
}

}  // namespace
}  // namespace freshet
