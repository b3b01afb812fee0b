#include "results/money.h"

#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace freshet {
namespace {

TEST(MoneyTest, OneRoundingToTheNearestHalvesUp) {
  EXPECT_EQ(MulDivNearest(7, 3, 2), 11);  // 10.5
  EXPECT_EQ(MulDivNearest(7, 3, 5), 4);   // 4.2
  EXPECT_EQ(MulDivNearest(8, 6, 5), 10);  // 9.6
  EXPECT_EQ(MulDivNearest(0, 6, 5), 0);
  EXPECT_EQ(MulDivNearest(6, 0, 5), 0);
}

TEST(MoneyTest, TheProductMayExceed128Bits) {
  // 777 600 GiB for thirty days in byte-nanoseconds, times a price: 2^101 x 2^27.
  const Wide month = Wide{720} * 3'600'000'000'000;
  const Wide held = (Wide{777'600} << 30) * month;
  EXPECT_EQ(MulDivNearest(held, 90'000'000, (Wide{1} << 30) * month), Wide{777'600} * 90'000'000);
  EXPECT_EQ(MulDivNearest(Wide{1} << 120, Wide{1} << 120, Wide{1} << 125), Wide{1} << 115);
}

TEST(MoneyTest, AQuotientThatFitsNothingIsNothing) {
  EXPECT_EQ(MulDivNearest(Wide{1} << 120, Wide{1} << 120, 1), std::nullopt);
  EXPECT_EQ(MulDivNearest(Wide{1} << 126, 1, 1), std::nullopt);
}

RC_GTEST_PROP(MoneyTest, MulDivNearestIsThatOfPlainIntegers, ()) {
  const int64_t a = *rc::gen::inRange<int64_t>(0, int64_t{1} << 40);
  const int64_t b = *rc::gen::inRange<int64_t>(0, int64_t{1} << 40);
  const int64_t c = *rc::gen::inRange<int64_t>(1, int64_t{1} << 40);
  RC_ASSERT(MulDivNearest(a, b, c) == (Wide{a} * b * 2 + c) / (Wide{2} * c));
}

TEST(MoneyTest, AmountsAreDecimalText) {
  EXPECT_EQ(BillionthsText(0), "0");
  EXPECT_EQ(BillionthsText(23'000'000), "0.023");
  EXPECT_EQ(BillionthsText(138'240 * kNanodollars), "138240");
  EXPECT_EQ(BillionthsText(138'240 * kNanodollars, 2), "138240.00");
  EXPECT_EQ(BillionthsText(1), "0.000000001");
  EXPECT_EQ(DollarText(2'859'264'000'000, 2), "2859.26");
  EXPECT_EQ(DollarText(5'000'000, 2), "0.01");  // Half a cent.
  EXPECT_EQ(DollarText(4'999'999, 2), "0.00");
  EXPECT_EQ(DollarText(1'500, 6), "0.000002");
  EXPECT_EQ(BillionthsText(-500'000'000), "-0.5");
  EXPECT_EQ(DollarText(-5'000'000, 2), "-0.01");
}

}  // namespace
}  // namespace freshet
