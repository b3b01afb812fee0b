#include "models/workload/poisson_arrivals.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>
#include <memory>
#include <vector>

#include "models/workload/rate_function.h"
#include "sim/random.h"
#include "sim/time.h"
#include "sim/units.h"
#include "tests/models/workload/statistics.h"

namespace freshet {
namespace {

constexpr uint64_t kSeed = 92;
constexpr int64_t kAll = std::numeric_limits<int64_t>::max();

std::shared_ptr<const RateFunction> ConstantRate(int64_t per_second) {
  return std::make_shared<RateFunction>(RateFunction::Constant(Rate::PerSecond(per_second)));
}

RandomStream Stream(absl::string_view purpose) { return RandomStream(kSeed, "client", purpose); }

double Nanos(Duration span) { return static_cast<double>(span.nanos()); }

// Asks in a way that depends on `queries` alone: nothing, a few ranks in any order, far ranks.
void PeekAtRandom(ArrivalProcess& arrivals, RandomStream& queries) {
  for (uint64_t left = queries.NextBelow(4); left > 0; --left) {
    const uint64_t kind = queries.NextBelow(8);
    const uint64_t reach = kind == 0 ? 5000 : kind < 4 ? 40 : 4;
    arrivals.PeekNth(1 + static_cast<int64_t>(queries.NextBelow(reach)));
  }
}

TEST(PoissonArrivalsTest, GapsAreExponentialOneByOne) {
  PoissonArrivals arrivals(ConstantRate(1000), 1, Stream("arrivals"));
  std::vector<double> gaps;
  Time before;
  for (int i = 0; i < 100'000; ++i) {
    const Time next = arrivals.PeekNth(1);
    EXPECT_EQ(arrivals.TakeUntil(next, 1).count, 1);
    gaps.push_back(Nanos(next - before) / 1e6);
    before = next;
  }
  EXPECT_LT(KolmogorovDistance(gaps, ExponentialCdf), kKolmogorovBound);
}

TEST(PoissonArrivalsTest, GapsAreExponentialWhateverWasAskedBefore) {
  PoissonArrivals arrivals(ConstantRate(1000), 1, Stream("arrivals"));
  RandomStream queries = Stream("queries");
  std::vector<double> gaps;
  double product = 0;
  Time before;
  for (int i = 0; i < 100'000; ++i) {
    PeekAtRandom(arrivals, queries);
    const ArrivalSpan span = arrivals.TakeUntil(Time::Max(), 1);
    ASSERT_EQ(span.first, span.last);
    gaps.push_back(Nanos(span.last - before) / 1e6);
    before = span.last;
    if (i > 0) product += (gaps[gaps.size() - 2] - 1) * (gaps.back() - 1);
  }
  EXPECT_LT(KolmogorovDistance(gaps, ExponentialCdf), kKolmogorovBound);
  EXPECT_LT(std::abs(product), kSigmas * std::sqrt(100'000.0));  // Neighbours are uncorrelated.
}

TEST(PoissonArrivalsTest, CountsArePoissonWhateverWasAskedBefore) {
  PoissonArrivals arrivals(ConstantRate(1000), 1, Stream("arrivals"));
  RandomStream queries = Stream("queries");
  std::vector<int64_t> counts;
  double product = 0;
  for (int64_t window = 1; window <= 100'000; ++window) {
    const Time start = Time() + Milliseconds(7) * (window - 1);
    int64_t count = 0;
    // In parts, some of them cut by a limit; then the rest.
    for (uint64_t left = queries.NextBelow(4); left > 0; --left) {
      PeekAtRandom(arrivals, queries);
      const Duration part = Nanoseconds(static_cast<int64_t>(queries.NextBelow(7'000'000)));
      const auto limit = static_cast<int64_t>(queries.NextBelow(6));
      count += arrivals.TakeUntil(start + part, limit).count;
    }
    count += arrivals.TakeUntil(start + Milliseconds(7), kAll).count;
    if (window > 1) product += static_cast<double>((counts.back() - 7) * (count - 7)) / 7;
    counts.push_back(count);
  }
  EXPECT_LT(PoissonExcess(counts, 7), kSigmas);
  EXPECT_LT(std::abs(product), kSigmas * std::sqrt(100'000.0));
}

TEST(PoissonArrivalsTest, LargeWindowsAndTheirOrderStatistics) {
  // More than two cells. The 5000th arrival is Erlang, all arrivals in 20 ms are Poisson.
  Mean count, last, peeked;
  for (uint64_t i = 0; i < 2'000; ++i) {
    PoissonArrivals arrivals(ConstantRate(1'000'000), 1, Stream("arrivals").Substream(i));
    const Time nth = arrivals.PeekNth(5'000);
    peeked.Add(Nanos(nth - Time()) / 1e3);
    const ArrivalSpan span = arrivals.TakeUntil(Time() + Milliseconds(10), 5'000);
    EXPECT_EQ(span.count, 5'000);
    EXPECT_EQ(span.last, nth);
    const int64_t rest = arrivals.TakeUntil(Time() + Milliseconds(20), kAll).count;
    count.Add(static_cast<double>(5'000 + rest));
  }
  EXPECT_NEAR(peeked.value(), 5'000, kSigmas * peeked.error());
  EXPECT_NEAR(peeked.variance() / 5'000, 1, kSigmas * std::sqrt(2.0 / 2'000));
  EXPECT_NEAR(count.value(), 20'000, kSigmas * count.error());
  EXPECT_NEAR(count.variance() / 20'000, 1, kSigmas * std::sqrt(2.0 / 2'000));
}

TEST(PoissonArrivalsTest, FirstOfALaterWindowForgetsThePast) {
  // After a window that was taken without a look, the next arrival is exponential again.
  PoissonArrivals arrivals(ConstantRate(2'000), 1, Stream("arrivals"));
  std::vector<double> waits;
  Time now;
  for (int i = 0; i < 50'000; ++i) {
    now += Microseconds(1'300);
    arrivals.TakeUntil(now, kAll);
    const Time next = arrivals.PeekNth(1);
    waits.push_back(Nanos(next - now) / 5e5);
    now = next;  // Leaves it to the next window.
  }
  EXPECT_LT(KolmogorovDistance(waits, ExponentialCdf), kKolmogorovBound);
}

TEST(PoissonArrivalsTest, RatesThatMoveAreTheSameProcessInOperationalTime) {
  const auto rate = std::make_shared<RateFunction>(RateFunction::WithBursts(
      Rate::PerSecond(500), {Milliseconds(20), Milliseconds(3), Ratio::Whole(9), Milliseconds(5)}));
  PoissonArrivals arrivals(rate, 0.5, Stream("arrivals"));
  RandomStream queries = Stream("queries");
  std::vector<double> gaps;
  ArrivalMass before = 0;
  for (int i = 0; i < 50'000; ++i) {
    PeekAtRandom(arrivals, queries);
    const Time next = arrivals.PeekNth(1);
    arrivals.TakeUntil(next, 1);
    const ArrivalMass mass = rate->MassAt(next);
    gaps.push_back(0.5 * static_cast<double>(mass - before) / 1e15);
    before = mass;
  }
  EXPECT_LT(KolmogorovDistance(gaps, ExponentialCdf), kKolmogorovBound);
}

TEST(PoissonArrivalsTest, SharesOfOneFleetAddUpToIt) {
  const auto rate = ConstantRate(1'000);
  const std::vector<double> shares = {0.5, 0.3, 0.199, 0.001};
  std::vector<PoissonArrivals> parts;
  for (const double share : shares) {
    parts.emplace_back(rate, share, Stream("arrivals").Substream(parts.size()));
  }
  std::vector<int64_t> counts;
  std::vector<Mean> of_part(shares.size());
  for (int64_t window = 1; window <= 50'000; ++window) {
    int64_t count = 0;
    for (size_t i = 0; i < parts.size(); ++i) {
      const int64_t part = parts[i].TakeUntil(Time() + Milliseconds(10) * window, kAll).count;
      of_part[i].Add(static_cast<double>(part));
      count += part;
    }
    counts.push_back(count);
  }
  EXPECT_LT(PoissonExcess(counts, 10), kSigmas);
  for (size_t i = 0; i < shares.size(); ++i) {
    EXPECT_NEAR(of_part[i].value(), 10 * shares[i], kSigmas * of_part[i].error()) << i;
  }
}

TEST(PoissonArrivalsTest, DesignsThatAskDifferentlyAgreeCellByCell) {
  // At 4096/s a cell is a second.
  PoissonArrivals one(ConstantRate(4'096), 1, Stream("arrivals"));
  PoissonArrivals other(ConstantRate(4'096), 1, Stream("arrivals"));
  RandomStream queries = Stream("queries");
  for (int64_t second = 1; second <= 50; ++second) {
    const Time end = Time() + Seconds(second);
    int64_t count = 0;
    // The other one looks and takes at random for ten seconds; it can look into the twelfth.
    for (int i = 0; i < (second <= 10 ? 20 : 0); ++i) {
      PeekAtRandom(other, queries);
      count += other.TakeUntil(end, 11).count;
    }
    if (second > 12) {  // The very same path again.
      EXPECT_EQ(one.PeekNth(7), other.PeekNth(7));
    }
    count += other.TakeUntil(end, kAll).count;
    EXPECT_EQ(one.TakeUntil(end, kAll).count, count);
  }
}

TEST(PoissonArrivalsTest, NothingComesWithoutARateOrAShare) {
  PoissonArrivals silent(ConstantRate(0), 1, Stream("arrivals"));
  EXPECT_EQ(silent.PeekNth(1), Time::Max());
  EXPECT_EQ(silent.TakeUntil(Time() + Days(1), kAll).count, 0);

  PoissonArrivals left_out(ConstantRate(1'000), 0, Stream("arrivals"));
  EXPECT_EQ(left_out.PeekNth(1), Time::Max());
  EXPECT_EQ(left_out.TakeUntil(Time() + Days(1), kAll).count, 0);

  // 100 expected in the first second, nothing afterwards.
  PoissonArrivals ends(std::make_shared<RateFunction>(RateFunction::FromPieces(
                           {{Seconds(0), Rate::PerSecond(100)}, {Seconds(1), Rate()}})),
                       1, Stream("arrivals"));
  EXPECT_EQ(ends.PeekNth(100'000), Time::Max());
  const int64_t count = ends.TakeUntil(Time() + Days(1), kAll).count;
  EXPECT_NEAR(static_cast<double>(count), 100, 50);
  EXPECT_EQ(ends.PeekNth(1), Time::Max());
}

TEST(PoissonArrivalsTest, EveryInstantIsEquallyLikelyInARow) {
  // Rows of windows that nobody looked into: a record of theirs is uniform in the window.
  PoissonArrivals arrivals(ConstantRate(1'000), 1, Stream("arrivals"));
  std::vector<double> places;
  for (int64_t i = 0; i < 30'000; ++i) {
    const Time start = Time() + Milliseconds(3) * i;
    const ArrivalSpan span = arrivals.TakeUntil(start + Milliseconds(3), kAll);
    for (int64_t k = 0; k < span.count; ++k) {
      const double step = span.count == 1 ? 0 : Nanos(span.last - span.first) / (span.count - 1);
      places.push_back((Nanos(span.first - start) + step * static_cast<double>(k)) / 3e6);
    }
  }
  // Rows are more even than independent records, so the bound is a loose one.
  EXPECT_LT(KolmogorovDistance(places, UniformCdf), 1.0);
}

TEST(PoissonArrivalsTest, ARowKeepsTheEndsThatWerePromised) {
  // The first record was seen by whoever opened a batch; the others are spread behind it.
  PoissonArrivals opened(ConstantRate(1'000), 1, Stream("arrivals"));
  Mean behind;
  Time now;
  for (int i = 0; i < 30'000; ++i) {
    const Time first = opened.PeekNth(1);
    const ArrivalSpan span = opened.TakeUntil(first + Milliseconds(4), kAll);
    ASSERT_EQ(span.first, first);
    if (span.count > 1) {
      const double gap = Nanos(Milliseconds(4)) / static_cast<double>(span.count);
      behind.Add(Nanos(first + Milliseconds(4) - span.last) / gap);
    }
  }
  EXPECT_NEAR(behind.value(), 1, kSigmas * behind.error());

  // And a last one, when no other came after it.
  PoissonArrivals closed(ConstantRate(1'000), 1, Stream("arrivals"));
  Mean ahead;
  for (int i = 0; i < 30'000; ++i) {
    const Time third = closed.PeekNth(3);
    const ArrivalSpan span = closed.TakeUntil(third, kAll);
    ASSERT_EQ(span.last, third);
    ahead.Add(Nanos(span.first - now) / (Nanos(third - now) / 3));
    now = third;
  }
  EXPECT_NEAR(ahead.value(), 1, kSigmas * ahead.error());
}

RC_GTEST_PROP(PoissonArrivalsTest, AnswersAgreeWithOneSamplePath, ()) {
  const auto rate = ConstantRate(*rc::gen::element<int64_t>(50, 3'000, 1'000'000));
  PoissonArrivals arrivals(rate, *rc::gen::element(1.0, 0.25, 0.0004),
                           Stream("arrivals").Substream(*rc::gen::inRange<uint64_t>(0, 1'000)));
  Time now;
  for (int step = *rc::gen::inRange(1, 40); step > 0; --step) {
    const auto n = *rc::gen::inRange<int64_t>(1, *rc::gen::element<int64_t>(3, 60, 9'000));
    const Time nth = arrivals.PeekNth(n);
    RC_ASSERT(arrivals.PeekNth(n) == nth);
    RC_ASSERT(nth >= now);
    if (n > 1) RC_ASSERT(arrivals.PeekNth(n - 1) <= nth);
    RC_ASSERT(arrivals.PeekNth(n + 1) >= nth);
    switch (*rc::gen::inRange(0, 4)) {
      case 0: {  // All up to it and no more, one nanosecond apart.
        const ArrivalSpan before = arrivals.TakeUntil(nth - Nanoseconds(1), kAll);
        RC_ASSERT(before.count < n);
        RC_ASSERT(arrivals.PeekNth(n - before.count) == nth);
        const ArrivalSpan rest = arrivals.TakeUntil(nth, kAll);
        RC_ASSERT(before.count + rest.count >= n);
        RC_ASSERT(rest.last == nth);
        now = nth;
        break;
      }
      case 1: {  // A limit: exactly that many, and the last one is the one that was promised.
        const ArrivalSpan span = arrivals.TakeUntil(nth + Seconds(1), n);
        RC_ASSERT(span.count == n);
        RC_ASSERT(span.last == nth);
        RC_ASSERT(span.first >= now && span.first <= nth);
        now = nth;
        break;
      }
      case 2: {  // Any window.
        const Time until = now + Nanoseconds(*rc::gen::inRange<int64_t>(0, 5'000'000));
        const ArrivalSpan span = arrivals.TakeUntil(until, kAll);
        RC_ASSERT((span.count >= n) == (nth <= until));
        if (span.count > 0) {
          RC_ASSERT(now <= span.first && span.first <= span.last && span.last <= until);
        }
        if (span.count < n) RC_ASSERT(arrivals.PeekNth(n - span.count) == nth);
        now = std::max(now, until);
        break;
      }
      default:  // The past, and nothing at all.
        RC_ASSERT(arrivals.TakeUntil(Time(), kAll).count == 0);
        RC_ASSERT(arrivals.TakeUntil(nth, 0).count == 0);
        RC_ASSERT(arrivals.PeekNth(n) == nth);
    }
  }
}

}  // namespace
}  // namespace freshet
