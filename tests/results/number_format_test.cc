#include "results/number_format.h"

#include "gtest/gtest.h"

namespace freshet {
namespace {

TEST(SignificantTextTest, KeepsThreeDigitsWithoutExponents) {
  EXPECT_EQ(SignificantText(0, 3), "0");
  EXPECT_EQ(SignificantText(4.354, 3), "4.35");
  EXPECT_EQ(SignificantText(43.54, 3), "43.5");
  EXPECT_EQ(SignificantText(9.996, 3), "10.0");
  EXPECT_EQ(SignificantText(999.6, 3), "1000");
  EXPECT_EQ(SignificantText(0.0012344, 3), "0.00123");
  EXPECT_EQ(SignificantText(-43.54, 3), "-43.5");
  EXPECT_EQ(SignificantText(123456, 3), "123456");
}

TEST(HumanValueTest, ChoosesTheUnit) {
  const auto time = [](double nanos) { return HumanValue(nanos, MetricRow::NANOSECONDS); };
  EXPECT_EQ(time(850), "850 ns");
  EXPECT_EQ(time(4.35e6), "4.35 ms");
  EXPECT_EQ(time(999.7e6), "1.00 s");
  EXPECT_EQ(time(120e9), "120 s");
  EXPECT_EQ(time(1800e9), "30.0 min");
  EXPECT_EQ(time(86400e9), "24.0 h");
  EXPECT_EQ(time(7 * 86400e9), "7.00 d");
  EXPECT_EQ(HumanValue(300 * 1048576.0, MetricRow::BYTES, true), "300 MiB/s");
  EXPECT_EQ(HumanValue(0, MetricRow::BYTES), "0 B");
  EXPECT_EQ(HumanValue(200'065, MetricRow::COUNT, true), "200 k/s");
  EXPECT_EQ(HumanValue(12.5, MetricRow::COUNT, true), "12.5/s");
  EXPECT_EQ(HumanValue(12'345, MetricRow::COUNT), "12345");
  EXPECT_EQ(HumanValue(1'234'567, MetricRow::COUNT), "1.23 M");
  EXPECT_EQ(HumanValue(125'000'000, MetricRow::BILLIONTHS), "12.5 %");
}

TEST(HumanMomentTest, ReadsLikeAClock) {
  EXPECT_EQ(HumanMoment(0), "0m");
  EXPECT_EQ(HumanMoment(3'733'500'000'000), "1h02m13.5s");
  EXPECT_EQ(HumanMoment(3'720'000'000'000), "1h02m");
  EXPECT_EQ(HumanMoment(5'250'000'000), "0m05.25s");
}

TEST(ShortestTextTest, ReadsBackTheSame) {
  EXPECT_EQ(ShortestText(0.1), "0.1");
  EXPECT_EQ(ShortestText(200065), "200065");
  EXPECT_EQ(std::stod(ShortestText(1.0 / 3)), 1.0 / 3);
}

}  // namespace
}  // namespace freshet
