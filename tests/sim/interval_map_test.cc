#include "sim/interval_map.h"

#include <array>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace freshet {
namespace {

using Map = IntervalMap<int>;

std::string ToText(const Map& map) {
  std::string text;
  for (const Map::Interval interval : map) {
    text += "[" + std::to_string(interval.low) + "," + std::to_string(interval.high) + ")" +
            std::to_string(interval.value) + " ";
  }
  return text;
}

TEST(IntervalMapTest, ALaterValueCoversAnEarlierOne) {
  Map map;
  map.Assign(0, 10, 1);
  map.Assign(3, 5, 2);
  EXPECT_EQ(ToText(map), "[0,3)1 [3,5)2 [5,10)1 ");
  map.Assign(2, 20, 3);
  EXPECT_EQ(ToText(map), "[0,2)1 [2,20)3 ");
}

TEST(IntervalMapTest, EqualNeighboursAreOne) {
  Map map;
  map.Assign(0, 10, 1);
  map.Assign(20, 30, 1);
  map.Assign(10, 20, 1);
  EXPECT_EQ(ToText(map), "[0,30)1 ");
  map.Assign(10, 20, 2);
  map.Assign(10, 20, 1);
  EXPECT_EQ(map.size(), 1u);
}

TEST(IntervalMapTest, ErasingLeavesBothSides) {
  Map map;
  map.Assign(0, 10, 1);
  map.Erase(4, 6);
  EXPECT_EQ(ToText(map), "[0,4)1 [6,10)1 ");
  map.Erase(7, 7);
  EXPECT_EQ(map.size(), 2u);
  EXPECT_EQ(map.Find(4), nullptr);
  EXPECT_EQ(*map.Find(3), 1);
  EXPECT_EQ(*map.Find(6), 1);
  EXPECT_FALSE(map.Covers(0, 10));
  EXPECT_TRUE(map.Covers(6, 10));
}

TEST(IntervalMapTest, RefusesAnIntervalThatEndsBeforeItStarts) {
  Map map;
  EXPECT_THROW(map.Assign(2, 1, 0), InvariantBroken);
  EXPECT_THROW(map.Erase(2, 1), InvariantBroken);
}

TEST(IntervalMapTest, ReachesTheEndsOfInt64) {
  Map map;
  map.Assign(INT64_MIN, INT64_MAX, 1);
  map.Erase(-1, 1);
  EXPECT_EQ(*map.Find(INT64_MIN), 1);
  EXPECT_EQ(map.Find(0), nullptr);
  EXPECT_EQ((*map.LowerBound(0)).low, 1);
}

// Against an array with one value for each point.
RC_GTEST_PROP(IntervalMapProperty, SaysWhatAnArrayOfPointsSays, ()) {
  constexpr int kPoints = 40;
  constexpr int kNothing = -1;
  std::array<int, kPoints> points;
  points.fill(kNothing);
  Map map;
  const auto steps = *rc::gen::inRange(1, 60);
  for (int step = 0; step < steps; ++step) {
    const int a = *rc::gen::inRange(0, kPoints + 1);
    const int b = *rc::gen::inRange(0, kPoints + 1);
    const int low = std::min(a, b);
    const int high = std::max(a, b);
    const int value = *rc::gen::inRange(kNothing, 3);
    if (value == kNothing) {
      map.Erase(low, high);
    } else {
      map.Assign(low, high, value);
    }
    for (int i = low; i < high; ++i) points[i] = value;

    // Point by point, then the intervals as the array's runs.
    for (int i = 0; i < kPoints; ++i) {
      const int* found = map.Find(i);
      RC_ASSERT((found == nullptr ? kNothing : *found) == points[i]);
    }
    Map rebuilt;
    auto interval = map.begin();
    for (int i = 0; i < kPoints;) {
      int end = i + 1;
      while (end < kPoints && points[end] == points[i]) ++end;
      if (points[i] != kNothing) {
        RC_ASSERT(interval != map.end());
        RC_ASSERT((*interval).low == i);
        RC_ASSERT((*interval).high == end);
        RC_ASSERT((*interval).value == points[i]);
        rebuilt.Assign(i, end, points[i]);
        ++interval;
      }
      i = end;
    }
    RC_ASSERT(interval == map.end());
    RC_ASSERT(map == rebuilt);

    // Queries.
    bool covered = true;
    for (int i = low; i < high; ++i) covered = covered && points[i] != kNothing;
    RC_ASSERT(map.Covers(low, high) == covered);
    const auto bound = map.LowerBound(low);
    int expected = low;
    while (expected < kPoints && points[expected] == kNothing) ++expected;
    if (expected == kPoints) {
      RC_ASSERT(bound == map.end());
    } else {
      RC_ASSERT((*bound).low <= expected);
      RC_ASSERT((*bound).high > expected);
    }
  }
}

}  // namespace
}  // namespace freshet
