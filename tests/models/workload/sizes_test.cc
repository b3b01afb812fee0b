#include "models/workload/sizes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/models/workload/statistics.h"

namespace freshet {
namespace {

RandomStream Stream() { return RandomStream(92, "client", "sizes"); }

TEST(EventSizesTest, ConstantSizesMultiply) {
  RandomStream stream = Stream();
  const auto sizes = EventSizes::Constant(KiB(1));
  EXPECT_EQ(sizes.DrawTotal(0, stream), Bytes(0));
  EXPECT_EQ(sizes.DrawTotal(50, stream), KiB(50));
  EXPECT_EQ(sizes.DrawTotal(1'000'000'000'000, stream), KiB(1'000'000'000'000));
}

TEST(EventSizesTest, NoRecordIsWithoutABody) {
  RandomStream stream = Stream();
  const auto sizes = EventSizes::FromLaw(Sampler::Exponential(0.5), 0.5);
  EXPECT_EQ(sizes.DrawTotal(0, stream), Bytes(0));
  for (const int64_t count : {1, 16, 17, 1'000}) {
    EXPECT_GE(sizes.DrawTotal(count, stream), Bytes(count));
  }
}

TEST(EventSizesTest, MeanAndVarianceOfTheSumAreTheLaws) {
  RandomStream stream = Stream();
  // Skewed, flat, and any law.
  const auto skewed = EventSizes::Lognormal(Bytes(1'000), 0.8);
  const auto flat = EventSizes::Uniform(Bytes(100), Bytes(1'900));
  const auto any = EventSizes::FromLaw(Sampler::Gamma(1'000, 0.25), 500);
  const double cv2[] = {std::expm1(0.64), 1'800.0 * 1'800 / 12 / 1e6, 0.25};
  const EventSizes* const all[] = {&skewed, &flat, &any};
  for (size_t i = 0; i < 3; ++i) {
    for (const int64_t count : {10, 50, 1'000}) {
      Mean total;
      for (int k = 0; k < 20'000; ++k) {
        total.Add(static_cast<double>(all[i]->DrawTotal(count, stream).count()));
      }
      const double records = static_cast<double>(count);
      const double mean = records * all[i]->Mean();
      EXPECT_NEAR(total.value(), mean, kSigmas * total.error()) << i << " " << count;
      // The variance of a variance grows with the fourth moment; 8 % covers the skewed law.
      EXPECT_NEAR(total.variance() / (records * cv2[i] * all[i]->Mean() * all[i]->Mean()), 1, 0.08)
          << i << " " << count;
    }
  }
}

// A quantile of the one-variate sum against the sum of
// draws.
double QuantileError(double median, double sigma, int64_t count, double p) {
  RandomStream stream = Stream();
  const auto sizes = EventSizes::Lognormal(Bytes(static_cast<int64_t>(median)), sigma);
  std::vector<double> summed, drawn;
  for (int i = 0; i < 20'000; ++i) {
    Bytes total;
    for (int64_t left = count; left > 0; --left) total += sizes.DrawTotal(1, stream);
    summed.push_back(static_cast<double>(total.count()));
    drawn.push_back(static_cast<double>(sizes.DrawTotal(count, stream).count()));
  }
  std::sort(summed.begin(), summed.end());
  std::sort(drawn.begin(), drawn.end());
  const auto at = static_cast<size_t>(p * 20'000);
  return drawn[at] / summed[at] - 1;
}

TEST(EventSizesTest, OneVariateIsNearTheSum) {
  for (const double p : {0.5, 0.99}) {
    for (const double sigma : {0.5, 1.0}) {
      for (const int64_t count : {20, 200}) {
        EXPECT_LT(std::abs(QuantileError(1'000, sigma, count, p)), 0.03)
            << p << " " << sigma << " " << count;
      }
    }
  }
}

TEST(EventSizesTest, VerySkewedSizesKeepTheirTail) {
  // Median 224 B, sigma 2.3: one record can outweigh the rest of its batch. The bounds are mostly
  // the error of a quantile that 20 000 draws give.
  for (const int64_t count : {17, 50, 200}) {
    EXPECT_LT(std::abs(QuantileError(224, 2.3, count, 0.1)), 0.03) << count;
    EXPECT_LT(std::abs(QuantileError(224, 2.3, count, 0.5)), 0.03) << count;
    EXPECT_LT(std::abs(QuantileError(224, 2.3, count, 0.99)), 0.25) << count;
  }
}

TEST(EventSizesTest, TheMeanDoesNotDependOnTheWayItIsDrawn) {
  RandomStream stream = Stream();
  const auto sizes = EventSizes::Lognormal(Bytes(2'000), 1.5);
  for (const int64_t count : {16, 17, 31, 32, 63, 64, 300, 1'000}) {
    Mean total;
    for (int i = 0; i < 20'000; ++i) {
      total.Add(static_cast<double>(sizes.DrawTotal(count, stream).count()));
    }
    EXPECT_NEAR(total.value(), static_cast<double>(count) * sizes.Mean(), kSigmas * total.error())
        << count;
  }
}

}  // namespace
}  // namespace freshet
