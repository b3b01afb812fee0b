// The rate behind a quota, against Kafka's rules by hand.
#include "models/broker/sampled_rate.h"

#include "gtest/gtest.h"

namespace freshet {
namespace {

Time At(int64_t millis) { return Time() + Milliseconds(millis); }

class SampledRateTest : public testing::Test {
 protected:
  void Record(int64_t millis, int64_t value) { rate_.Record(config_, value, At(millis)); }
  void Expect(int64_t millis, int64_t total, Duration over) {
    const SampledRate::Measure measure = rate_.At(config_, At(millis));
    EXPECT_EQ(measure.total, total) << millis;
    EXPECT_EQ(measure.over, over) << millis;
  }
  Duration Throttle(int64_t millis, int64_t per_second) {
    return rate_.At(config_, At(millis)).ThrottleFor(per_second);
  }

  SampledRate::Config config_;
  SampledRate rate_;
};

// 15000 at once are 1500/s over the ten windows that count at the least: (1500 - 1000) / 1000 x
// 10 s.
TEST_F(SampledRateTest, WindowsThatAreMissingCountAsEmpty) {
  Record(0, 15'000);
  Expect(0, 15'000, Seconds(10));
  EXPECT_EQ(Throttle(0, 1'000), Seconds(5));
  EXPECT_EQ(Throttle(0, 1'500), Duration::Zero());  // Its bound itself is no violation.
  EXPECT_EQ(Throttle(0, 1'499), Milliseconds(7));   // 10.00667 s of it, in whole milliseconds.
}

// A sample ends a second after its first record, and the next one begins with the next record, not
// at a round second.
TEST_F(SampledRateTest, SamplesBeginWithRecords) {
  Record(300, 100);
  Record(1'299, 100);  // 999 ms: still the first one.
  Record(2'500, 100);  // The second one.
  Record(3'499, 100);
  Record(3'500, 100);                               // The third one.
  Expect(3'500, 500, Milliseconds(3'200 + 7'000));  // Three whole windows of ten.
  // After 11 s without a record a sample is forgotten: the first one at 12.299 s.
  Expect(12'298, 500, Milliseconds(11'998));
  Expect(12'299, 300, Milliseconds(9'799 + 1'000));
  Expect(14'499, 100, Milliseconds(10'999));
  // One that was forgotten counts as begun when it was: at 12.299 s.
  Expect(14'500, 0, Milliseconds(2'201 + 8'000));
}

// Ten whole samples, the current one, and the one that overlaps the beginning.
TEST_F(SampledRateTest, ASteadyClientIsMeasuredOverElevenSeconds) {
  for (int64_t millis = 0; millis <= 59'800; millis += 100) Record(millis, 7);
  // The sample of 48.0 to 48.9 s was last touched 10.999 s ago.
  Expect(59'899, 11 * 70 + 9 * 7, Milliseconds(11'899));
  Record(59'900, 7);
  Expect(59'900, 11 * 70, Milliseconds(10'900));
}

TEST_F(SampledRateTest, ANegativeValueTakesBack) {
  Record(0, 500);
  Record(10, 900);
  Record(10, -900);
  Expect(20, 500, Milliseconds(10'020));
}

TEST_F(SampledRateTest, OneSampleAlone) {
  config_.samples = 1;
  Record(0, 10);
  Expect(0, 10, Seconds(1));
  Expect(500, 10, Milliseconds(500));
  Expect(1'000, 0, Seconds(1));
}

TEST_F(SampledRateTest, HugeAmountsStayInRange) {
  Record(0, INT64_MAX / 2);
  EXPECT_GT(Throttle(0, 1), Minutes(60 * 24 * 365));
}

}  // namespace
}  // namespace freshet
