#include "sim/histogram.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"
#include "sim/check.h"
#include "sim/random.h"

namespace freshet {
namespace {

TEST(HistogramTest, AnEmptyOneIsAllZero) {
  const Histogram empty;
  EXPECT_EQ(empty.count(), 0);
  EXPECT_EQ(empty.min(), 0);
  EXPECT_EQ(empty.max(), 0);
  EXPECT_EQ(empty.Quantile(99, 100), 0);
  EXPECT_EQ(empty.Mean(), 0);
  EXPECT_TRUE(empty.FilledBuckets().empty());
}

TEST(HistogramTest, SmallValuesAreExact) {
  Histogram histogram;
  for (int64_t value = 1; value <= 100; ++value) histogram.Record(value);
  EXPECT_EQ(histogram.Quantile(1, 2), 50);
  EXPECT_EQ(histogram.Quantile(99, 100), 99);
  EXPECT_EQ(histogram.Quantile(0, 1), 1);
  EXPECT_EQ(histogram.Quantile(1, 1), 100);
  EXPECT_EQ(histogram.Mean(), 50.5);
  EXPECT_EQ(histogram.CountAbove(90), 10);
}

TEST(HistogramTest, BucketsTileTheInt64Line) {
  int64_t next = 0;
  int32_t bucket = 0;
  for (; next >= 0; ++bucket) {
    ASSERT_EQ(Histogram::LowestOf(bucket), next);
    const int64_t highest = Histogram::HighestOf(bucket);
    ASSERT_EQ(Histogram::BucketOf(next), bucket);
    ASSERT_EQ(Histogram::BucketOf(highest), bucket);
    // The midpoint is within the stated error of either end.
    const int64_t middle = next + (highest - next) / 2;
    ASSERT_LE(static_cast<double>(highest - middle),
              Histogram::kRelativeError * static_cast<double>(highest));
    ASSERT_LE(static_cast<double>(middle - next),
              Histogram::kRelativeError * static_cast<double>(next));
    if (highest == INT64_MAX) break;
    next = highest + 1;
  }
  EXPECT_EQ(Histogram::BucketOf(INT64_MAX), bucket);
}

TEST(HistogramTest, AWeightIsAsManyRecords) {
  Histogram once;
  once.Record(1'000'000, 500);
  once.Record(7, 0);  // Nobody had this value.
  Histogram many;
  for (int i = 0; i < 500; ++i) many.Record(1'000'000);
  EXPECT_EQ(once, many);
  EXPECT_EQ(once.min(), 1'000'000);
}

TEST(HistogramTest, SumsExceedInt64) {
  Histogram histogram;
  histogram.Record(INT64_MAX, 1'000'000);
  EXPECT_TRUE(histogram.sum() == __int128{INT64_MAX} * 1'000'000);
  EXPECT_EQ(histogram.Quantile(1, 2), INT64_MAX);
}

TEST(HistogramTest, RefusesNegativeValuesAndWeights) {
  Histogram histogram;
  EXPECT_THROW(histogram.Record(-1), InvariantBroken);
  EXPECT_THROW(histogram.Record(1, -1), InvariantBroken);
  EXPECT_THROW(histogram.RecordEvenly(2, 1, 1), InvariantBroken);
  EXPECT_THROW(histogram.RecordEvenly(-1, 1, 1), InvariantBroken);
  EXPECT_THROW(histogram.Quantile(2, 1), InvariantBroken);
}

TEST(HistogramTest, EqualityIsOfWhatWasRecorded) {
  Histogram up;
  up.Record(1);
  up.Record(1'000'000'000);
  Histogram down;
  down.Record(1'000'000'000);
  down.Record(1);
  EXPECT_EQ(up, down);
  down.Record(2);
  EXPECT_FALSE(up == down);
}

TEST(HistogramTest, EvenlySpreadValuesLieWhereTheirDefinitionSays) {
  Histogram histogram;
  histogram.RecordEvenly(10, 20, 6);  // 10 12 14 16 18 20.
  EXPECT_EQ(histogram.count(), 6);
  EXPECT_TRUE(histogram.sum() == 90);
  EXPECT_EQ(histogram.Quantile(1, 2), 14);
  Histogram single;
  single.RecordEvenly(10, 21, 1);
  EXPECT_EQ(single.max(), 15);
  EXPECT_EQ(single.min(), 15);
}

TEST(HistogramTest, EvenSumAllowsNegativeEndsAndTheWholeRange) {
  EXPECT_TRUE(Histogram::EvenSum(-10, 10, 5) == 0);
  EXPECT_TRUE(Histogram::EvenSum(INT64_MIN, INT64_MAX, 2) == -1);
  EXPECT_TRUE(Histogram::EvenSum(INT64_MAX, INT64_MAX, INT64_MAX) ==
              __int128{INT64_MAX} * INT64_MAX);
  EXPECT_TRUE(Histogram::EvenSum(3, 9, 0) == 0);
}

TEST(HistogramTest, HugeSpreadsKeepTheirCount) {
  Histogram histogram;
  histogram.RecordEvenly(0, INT64_MAX, int64_t{1} << 40);
  int64_t counted = 0;
  for (const Histogram::Filled& filled : histogram.FilledBuckets()) {
    ASSERT_GT(filled.count, 0);
    counted += filled.count;
  }
  EXPECT_EQ(counted, int64_t{1} << 40);
  EXPECT_EQ(histogram.CountAbove(INT64_MAX / 2), int64_t{1} << 39);
}

// --- Properties. ---

// Values of every size, not only huge ones.
rc::Gen<int64_t> AnyValue() {
  return rc::gen::map(rc::gen::pair(rc::gen::inRange(0, 63), rc::gen::arbitrary<uint64_t>()),
                      [](const std::pair<int, uint64_t>& drawn) {
                        return static_cast<int64_t>(drawn.second >> 1 >> drawn.first);
                      });
}

rc::Gen<Histogram> AnyHistogram() {
  return rc::gen::map(rc::gen::container<std::vector<int64_t>>(AnyValue()),
                      [](const std::vector<int64_t>& values) {
                        Histogram histogram;
                        for (const int64_t value : values) histogram.Record(value, 1 + value % 3);
                        return histogram;
                      });
}

Histogram Merged(Histogram a, const Histogram& b) {
  a.Merge(b);
  return a;
}

RC_GTEST_PROP(HistogramProperty, RecordingEvenlyIsRecordingEach, ()) {
  const int64_t a = *AnyValue();
  const int64_t b = *AnyValue();
  const int64_t weight = *rc::gen::inRange<int64_t>(0, 3000);
  const int64_t low = std::min(a, b);
  const int64_t high = std::max(a, b);
  Histogram evenly;
  evenly.RecordEvenly(low, high, weight);
  Histogram each;
  for (int64_t i = 0; i < weight; ++i) {
    const int64_t offset =
        weight == 1 ? (high - low) / 2
                    : static_cast<int64_t>(static_cast<__int128>(i) * (high - low) / (weight - 1));
    each.Record(low + offset);
  }
  RC_ASSERT(evenly.FilledBuckets() == each.FilledBuckets());
  RC_ASSERT(evenly == each);
  RC_ASSERT(Histogram::EvenSum(low, high, weight) == each.sum());
}

// Narrow ranges with many values to a bucket, which the property above seldom meets.
RC_GTEST_PROP(HistogramProperty, RecordingDenselyIsRecordingEach, ()) {
  const int64_t low = *rc::gen::inRange<int64_t>(0, 5000);
  const int64_t high = low + *rc::gen::inRange<int64_t>(0, 1500);
  const int64_t weight = *rc::gen::inRange<int64_t>(2, 20'000);
  Histogram evenly;
  evenly.RecordEvenly(low, high, weight);
  Histogram each;
  for (int64_t i = 0; i < weight; ++i) each.Record(low + i * (high - low) / (weight - 1));
  RC_ASSERT(evenly == each);
}

RC_GTEST_PROP(HistogramProperty, MergingIsRecordingBoth,
              (const std::vector<uint32_t>& first, const std::vector<uint32_t>& second)) {
  Histogram a, b, both;
  for (const uint32_t value : first) a.Record(value), both.Record(value);
  for (const uint32_t value : second) b.Record(value), both.Record(value);
  RC_ASSERT(Merged(a, b) == both);
}

RC_GTEST_PROP(HistogramProperty, MergingCommutesAndAssociates, ()) {
  const Histogram a = *AnyHistogram();
  const Histogram b = *AnyHistogram();
  const Histogram c = *AnyHistogram();
  RC_ASSERT(Merged(a, b) == Merged(b, a));
  RC_ASSERT(Merged(Merged(a, b), c) == Merged(a, Merged(b, c)));
  RC_ASSERT(Merged(a, Histogram()) == a);
  Histogram doubled = a;
  doubled.Merge(doubled);
  RC_ASSERT(doubled == Merged(a, a));
}

RC_GTEST_PROP(HistogramProperty, QuantilesAreWithinTheStatedError, ()) {
  auto values = *rc::gen::nonEmpty(rc::gen::container<std::vector<int64_t>>(AnyValue()));
  const int64_t numerator = *rc::gen::inRange<int64_t>(0, 1001);
  Histogram histogram;
  for (const int64_t value : values) histogram.Record(value);
  std::sort(values.begin(), values.end());
  const size_t rank =
      std::max<size_t>(1, (static_cast<size_t>(numerator) * values.size() + 999) / 1000);
  const int64_t exact = values[rank - 1];
  const int64_t reported = histogram.Quantile(numerator, 1000);
  RC_ASSERT(std::fabs(static_cast<double>(reported) - static_cast<double>(exact)) <=
            Histogram::kRelativeError * static_cast<double>(exact));
}

}  // namespace
}  // namespace freshet
