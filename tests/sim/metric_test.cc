#include "sim/metric.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "sim/check.h"
#include "sim/random.h"

namespace freshet {
namespace {

constexpr MetricDef kBytes = {"test.bytes", MetricKind::kCounter, MetricUnit::kBytes, "Bytes."};
constexpr MetricDef kDepth = {"test.depth", MetricKind::kGauge, MetricUnit::kCount, "Depth."};
constexpr MetricDef kWait = {"test.wait", MetricKind::kDistribution, MetricUnit::kDuration,
                             "Wait."};

Time At(int64_t millis) { return Time() + Milliseconds(millis); }

class MetricTest : public testing::Test {
 protected:
  MetricClock clock_;
  MetricRegistry registry_{&clock_};
  Counter& bytes_ = registry_.AddCounter(kBytes, 1);
  Gauge& depth_ = registry_.AddGauge(kDepth, 1);
  Distribution& wait_ = registry_.AddDistribution(kWait, 1);
};

TEST_F(MetricTest, ACounterIsKeptByPhase) {
  clock_.phase = Phase::kWarmUp;
  bytes_.Add(5);
  bytes_.Settle();
  clock_.phase = Phase::kDuringFaults;
  bytes_.Add(7);
  EXPECT_EQ(bytes_.Value(), 12);
  EXPECT_EQ(bytes_.InPhase(Phase::kWarmUp), 5);
  EXPECT_EQ(bytes_.InPhase(Phase::kBeforeFaults), 0);
  EXPECT_EQ(bytes_.InPhase(Phase::kDuringFaults), 7);
}

TEST_F(MetricTest, AGaugeIntegratesItsLevelExactly) {
  clock_.now = At(10);
  depth_.Set(3);  // 0 until 10 ms.
  clock_.now = At(30);
  depth_.Add(-1);  // 3 for 20 ms.
  clock_.now = At(1000);
  depth_.Settle();  // 2 for 970 ms.
  const Gauge::PhaseStats& stats = depth_.InPhase(Phase::kBeforeFaults);
  EXPECT_TRUE(stats.integral == (3 * 20 + 2 * 970) * int64_t{1'000'000});
  EXPECT_EQ(stats.nanos, Milliseconds(1000).nanos());
  EXPECT_EQ(stats.max, 3);
}

TEST_F(MetricTest, AGaugesLevelGoesOnIntoTheNextPhase) {
  depth_.Set(4);
  clock_.now = At(10);
  depth_.Settle();
  clock_.phase = Phase::kDuringFaults;
  clock_.now = At(15);
  depth_.Set(0);
  EXPECT_TRUE(depth_.InPhase(Phase::kDuringFaults).integral == 4 * 5 * int64_t{1'000'000});
  EXPECT_EQ(depth_.InPhase(Phase::kDuringFaults).max, 4);
  EXPECT_TRUE(depth_.InPhase(Phase::kBeforeFaults).integral == 4 * 10 * int64_t{1'000'000});
}

TEST_F(MetricTest, AGaugesSeriesSharesTheLevelAmongBuckets) {
  clock_.now = At(50);
  depth_.Set(2);
  clock_.now = At(350);  // Half of bucket 0, buckets 1 and 2, half of bucket 3.
  depth_.Set(0);
  const auto& buckets = depth_.series().buckets();
  ASSERT_EQ(buckets.size(), 4u);
  const int64_t full = 2 * Milliseconds(100).nanos();
  EXPECT_TRUE(buckets[0].sum == full / 2);
  EXPECT_TRUE(buckets[1].sum == full);
  EXPECT_TRUE(buckets[2].sum == full);
  EXPECT_TRUE(buckets[3].sum == full / 2);
  for (const SeriesBucket& bucket : buckets) EXPECT_EQ(bucket.max, 2);
}

// The integral of the series is the integral of the phases, whatever the resolution became.
TEST_F(MetricTest, AGaugesSeriesSumsToItsIntegral) {
  RandomStream stream(92, "metric", "gauge");
  for (int i = 0; i < 20'000; ++i) {
    clock_.now += Nanoseconds(static_cast<int64_t>(stream.NextBelow(1'000'000'000)));
    depth_.Set(static_cast<int64_t>(stream.NextBelow(50)));
  }
  __int128 sum = 0;
  int64_t max = 0;
  for (const SeriesBucket& bucket : depth_.series().buckets()) {
    sum += bucket.sum;
    max = std::max(max, bucket.max);
  }
  EXPECT_TRUE(sum == depth_.InPhase(Phase::kBeforeFaults).integral);
  EXPECT_EQ(max, 49);
  EXPECT_LE(depth_.series().buckets().size(), Series::kMostBuckets);
  EXPECT_EQ(depth_.InPhase(Phase::kBeforeFaults).nanos, clock_.now.nanos());
}

// Halving the resolution must give what the coarser resolution would have given from the start.
TEST_F(MetricTest, ASeriesHalvesWithoutLosingSumsOrMaxima) {
  RandomStream stream(92, "metric", "series");
  std::vector<std::pair<Time, int64_t>> added;
  for (int i = 0; i < 5000; ++i) {
    clock_.now += Nanoseconds(static_cast<int64_t>(stream.NextBelow(200'000'000)));
    const auto amount = static_cast<int64_t>(stream.NextBelow(1000));
    bytes_.Add(amount);
    added.emplace_back(clock_.now, amount);
  }
  const Series& series = bytes_.series();
  EXPECT_GT(series.width(), Series::kFirstWidth);
  EXPECT_LE(series.buckets().size(), Series::kMostBuckets);
  std::map<int64_t, SeriesBucket> expected;
  for (const auto& [at, amount] : added) {
    SeriesBucket& bucket = expected[at.nanos() / series.width().nanos()];
    ++bucket.count;
    bucket.sum += amount;
    bucket.max = std::max(bucket.max, amount);
  }
  for (size_t i = 0; i < series.buckets().size(); ++i) {
    EXPECT_TRUE(series.buckets()[i] == expected[static_cast<int64_t>(i)]) << i;
  }
}

TEST_F(MetricTest, ASeriesSurvivesAYearOfSilence) {
  bytes_.Add(5);
  clock_.now = Time() + Days(365);
  bytes_.Add(7);
  const auto& buckets = bytes_.series().buckets();
  EXPECT_LE(buckets.size(), Series::kMostBuckets);
  EXPECT_TRUE(buckets.front().sum == 5);
  EXPECT_TRUE(buckets.back().sum == 7);
}

TEST_F(MetricTest, ASeriesIsLeftOutWhenNobodyLooks) {
  clock_.series = false;
  bytes_.Add(1);
  depth_.Set(1);
  wait_.Record(1);
  clock_.now = At(1000);
  depth_.Set(2);
  EXPECT_TRUE(bytes_.series().buckets().empty());
  EXPECT_TRUE(depth_.series().buckets().empty());
  EXPECT_TRUE(wait_.series().buckets().empty());
  EXPECT_TRUE(depth_.InPhase(Phase::kBeforeFaults).integral == Milliseconds(1000).nanos());
}

TEST_F(MetricTest, ADistributionIsKeptByPhase) {
  clock_.phase = Phase::kWarmUp;
  wait_.Record(Milliseconds(900));
  clock_.phase = Phase::kBeforeFaults;
  wait_.Record(Milliseconds(1), 10);
  clock_.phase = Phase::kAfterFaults;
  wait_.RecordEvenly(100, 200, 3);
  EXPECT_EQ(wait_.Value(), 14);
  EXPECT_EQ(wait_.InPhase(Phase::kDuringFaults), nullptr);
  EXPECT_EQ(wait_.InPhase(Phase::kBeforeFaults)->count(), 10);
  EXPECT_TRUE(wait_.InPhase(Phase::kAfterFaults)->sum() == 450);
  const Histogram merged = wait_.AfterWarmUp();
  EXPECT_EQ(merged.count(), 13);
  EXPECT_EQ(merged.max(), Milliseconds(1).nanos());
  EXPECT_EQ(wait_.series().buckets()[0].count, 14);
  EXPECT_TRUE(wait_.series().buckets()[0].sum == Milliseconds(910).nanos() + 450);
}

// The same value again is only counted until somebody looks, or its phase or bucket is over.
TEST_F(MetricTest, ARepeatedValueStaysInItsPhaseAndBucket) {
  const int64_t wait = Milliseconds(2).nanos();
  clock_.phase = Phase::kWarmUp;
  for (int i = 0; i < 3; ++i) wait_.Record(wait);
  wait_.Settle();
  clock_.phase = Phase::kBeforeFaults;
  for (int i = 0; i < 2; ++i) wait_.Record(wait, 10);
  clock_.now = At(150);
  wait_.RecordEvenly(wait, wait, 100);
  wait_.Record(wait, 1000);
  wait_.Record(wait, 1000);
  EXPECT_EQ(wait_.Value(), 2123);
  EXPECT_EQ(wait_.InPhase(Phase::kWarmUp)->count(), 3);
  EXPECT_EQ(wait_.InPhase(Phase::kBeforeFaults)->count(), 2120);
  EXPECT_TRUE(wait_.InPhase(Phase::kBeforeFaults)->sum() == 2120 * __int128{wait});
  wait_.Record(wait, 5);
  const std::vector<SeriesBucket>& buckets = wait_.series().buckets();
  ASSERT_EQ(buckets.size(), 2u);
  EXPECT_EQ(buckets[0].count, 23);
  EXPECT_EQ(buckets[0].max, wait);
  EXPECT_EQ(buckets[1].count, 2105);
  EXPECT_EQ(buckets[1].max, wait);
  EXPECT_TRUE(buckets[1].sum == 2105 * __int128{wait});
  EXPECT_EQ(wait_.AfterWarmUp().count(), 2125);
  EXPECT_THROW(wait_.Record(wait, -1), InvariantBroken);
}

// --- The registry. ---

TEST_F(MetricTest, MetricsAreFoundByNameAndOwner) {
  Counter& other = registry_.AddCounter(kBytes, 200);
  EXPECT_EQ(registry_.Find("test.bytes", 1), &bytes_);
  EXPECT_EQ(registry_.Find("test.bytes", 200), &other);
  EXPECT_EQ(registry_.Find("test.bytes", 2), nullptr);
  EXPECT_EQ(registry_.Find("test.none", 1), nullptr);
  EXPECT_EQ(registry_.Find("test.bytes", 999), nullptr);
  EXPECT_THROW(registry_.AddCounter(kBytes, 1), InvariantBroken);  // There already.
  EXPECT_THROW(registry_.AddGauge(kBytes, 3), InvariantBroken);    // Not a gauge.
  EXPECT_EQ(registry_.All().size(), 4u);
}

TEST_F(MetricTest, AReaderNeverSeesWhatIsNewerThanItsAge) {
  registry_.Watch(bytes_, Milliseconds(10), Milliseconds(100));
  // The counter's value is the millisecond at which it was scraped.
  for (int64_t now = 0; now <= 500; now += 5) {
    clock_.now = At(now);
    bytes_.Add(now - bytes_.Value());
    registry_.ScrapeAt(clock_.now);
    for (int64_t age = 0; age <= 100; age += 7) {
      const int64_t seen = registry_.ReadAtAge(bytes_, Milliseconds(age), -1);
      if (now < age) {
        EXPECT_EQ(seen, -1);  // No scrape is so old.
      } else {
        EXPECT_EQ(seen, (now - age) / 10 * 10) << now << " " << age;
      }
    }
  }
}

TEST_F(MetricTest, AScrapeThatIsLateKeepsThePace) {
  registry_.Watch(bytes_, Milliseconds(10), Milliseconds(100));
  clock_.now = At(27);
  registry_.ScrapeAt(clock_.now);  // Due at 0, 10 and 20: once is enough.
  bytes_.Add(1);
  clock_.now = At(29);
  registry_.ScrapeAt(clock_.now);  // Not due before 30.
  EXPECT_EQ(registry_.ReadAtAge(bytes_, Duration::Zero(), -1), 0);
  clock_.now = At(30);
  registry_.ScrapeAt(clock_.now);
  EXPECT_EQ(registry_.ReadAtAge(bytes_, Duration::Zero(), -1), 1);
}

TEST_F(MetricTest, WatchedTwiceAMetricHasOneScraperForBoth) {
  registry_.Watch(bytes_, Milliseconds(20), Milliseconds(50));
  registry_.Watch(bytes_, Milliseconds(10), Milliseconds(20));
  EXPECT_EQ(registry_.ScrapePeriod(), Milliseconds(10));
  registry_.ScrapeAt(clock_.now);
  EXPECT_EQ(registry_.ReadAtAge(bytes_, Milliseconds(50), -1), -1);
  EXPECT_THROW(registry_.ReadAtAge(bytes_, Milliseconds(51), -1), InvariantBroken);
  EXPECT_THROW(registry_.ReadAtAge(depth_, Duration::Zero(), -1), InvariantBroken);
}

}  // namespace
}  // namespace freshet
