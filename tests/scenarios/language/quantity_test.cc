#include "scenarios/language/quantity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>
#include <string>

#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

std::string Complaint(Unit unit, const std::string& text) {
  const absl::StatusOr<Quantity> quantity = ParseQuantity(unit, text);
  return quantity.ok() ? absl::StrCat("accepted as ", ToText(*quantity))
                       : std::string(quantity.status().message());
}

TEST(QuantityTest, ReadsDurationsInEveryUnit) {
  EXPECT_EQ(DurationOf("7ns"), Nanoseconds(7));
  EXPECT_EQ(DurationOf("7us"), Microseconds(7));
  EXPECT_EQ(DurationOf("5ms"), Milliseconds(5));
  EXPECT_EQ(DurationOf("1.5s"), Milliseconds(1500));
  EXPECT_EQ(DurationOf("90min"), Minutes(90));
  EXPECT_EQ(DurationOf("0.25h"), Minutes(15));
  EXPECT_EQ(DurationOf("7d"), Days(7));
  EXPECT_EQ(DurationOf("2w"), Days(14));
  EXPECT_EQ(DurationOf("0s"), Duration::Zero());
}

TEST(QuantityTest, TellsPowersOf1000FromPowersOf1024) {
  EXPECT_EQ(BytesOf("10MB"), Bytes(10'000'000));
  EXPECT_EQ(BytesOf("10MiB"), MiB(10));
  EXPECT_EQ(BytesOf("16KiB"), KiB(16));
  EXPECT_EQ(BytesOf("16KB"), Bytes(16'000));
  EXPECT_EQ(BytesOf("2TiB"), GiB(2048));
  EXPECT_EQ(BytesOf("0.5KiB"), Bytes(512));
}

TEST(QuantityTest, ReadsBandwidthsInBytesAndBits) {
  EXPECT_EQ(BytesPerSecondOf("250MiB/s"), MiBPerSecond(250));
  EXPECT_EQ(BytesPerSecondOf("8.4Gbit/s"), BytesPerSecond(1'050'000'000));
  EXPECT_EQ(BytesPerSecondOf("781Mbit/s"), BytesPerSecond(97'625'000));
  EXPECT_EQ(BytesPerSecondOf("0B/s"), BytesPerSecond(0));
}

TEST(QuantityTest, ReadsRatesExactlyPerSecondAndRoundedPerHour) {
  EXPECT_EQ(RateOf("50k/s"), Rate::PerSecond(50'000));
  EXPECT_EQ(RateOf("1.5M/s"), Rate::PerSecond(1'500'000));
  EXPECT_EQ(RateOf("3/min"), Rate::FromMicroHertz(50'000));
  EXPECT_EQ(RateOf("0.1/h"), Rate::FromMicroHertz(28));  // 27.78 millionths of a hertz.
  EXPECT_EQ(RateOf("0.000001/s"), Rate::FromMicroHertz(1));
}

TEST(QuantityTest, ReadsRatiosAndPercents) {
  EXPECT_EQ(RatioOf("0.5"), Ratio::Percent(50));
  EXPECT_EQ(RatioOf("50%"), Ratio::Percent(50));
  EXPECT_EQ(RatioOf("0.05%"), Ratio::FromBillionths(500'000));
  EXPECT_EQ(RatioOf("20"), Ratio::Whole(20));
}

TEST(QuantityTest, ReadsTimestampsInUtc) {
  EXPECT_EQ(TimestampOf("1970-01-02T00:00:01Z").unix_nanos, 86'401'000'000'000);
  EXPECT_EQ(TimestampOf("2026-03-02T00:00:00Z").unix_nanos, 1'772'409'600'000'000'000);
  EXPECT_THAT(Complaint(UNIT_TIMESTAMP, "2026-02-30T00:00:00Z"), HasSubstr("does not exist"));
  EXPECT_THAT(Complaint(UNIT_TIMESTAMP, "2026-02-03T23:59:60Z"), HasSubstr("does not exist"));
  EXPECT_THAT(Complaint(UNIT_TIMESTAMP, "2026-02-03"), HasSubstr("is not a timestamp"));
  EXPECT_THAT(Complaint(UNIT_TIMESTAMP, "2026-02-03T00:00:00+01:00"), HasSubstr("in UTC"));
  EXPECT_THAT(Complaint(UNIT_TIMESTAMP, "2300-01-01T00:00:00Z"), HasSubstr("out of range"));
}

TEST(QuantityTest, ReadsMoneyToABillionthOfADollar) {
  const auto amount = [](const char* text) { return ParseQuantity(UNIT_MONEY, text)->amount; };
  EXPECT_EQ(amount("0.023 USD"), 23'000'000);
  EXPECT_EQ(amount("0.0000004 USD"), 400);
  EXPECT_EQ(amount("1000000 USD"), 1'000'000'000'000'000);
  EXPECT_EQ(ToText(*ParseQuantity(UNIT_MONEY, "0.023 USD")), "0.023 USD");
  const auto problem = [](Unit unit, const char* text) {
    return std::string(ParseQuantity(unit, text).status().message());
  };
  EXPECT_EQ(problem(UNIT_MONEY, "-1 USD"),
            "\"-1 USD\" is negative; an amount of money is zero or more");
  EXPECT_EQ(problem(UNIT_MONEY, "1USD"),
            "\"1USD\" is not an amount of money; did you mean \"1 USD\"?");
  EXPECT_EQ(problem(UNIT_MONEY, "0.0000000001 USD"),
            "\"0.0000000001 USD\" is finer than a billionth of a dollar; round it");
  EXPECT_EQ(problem(UNIT_MONEY, "1"),
            "\"1\" has no unit; write an amount of money such as \"0.023 USD\"");
  // No metric is money, so no bound of an objective is.
  EXPECT_NE(problem(UNIT_VALUE, "1 USD"), "");
}

TEST(QuantityTest, AnyUnitIsReadForItsOwn) {
  EXPECT_EQ(*ParseQuantity(UNIT_VALUE, "5min"), (Quantity{UNIT_DURATION, Minutes(5).nanos()}));
  EXPECT_EQ(*ParseQuantity(UNIT_VALUE, "5MiB/s"),
            (Quantity{UNIT_BYTES_PER_SECOND, MiB(5).count()}));
  EXPECT_EQ(*ParseQuantity(UNIT_VALUE, "0"), (Quantity{UNIT_COUNT, 0}));
  EXPECT_EQ(*ParseQuantity(UNIT_VALUE, "1.0"), (Quantity{UNIT_RATIO, 1'000'000'000}));
  EXPECT_EQ(*ParseQuantity(UNIT_VALUE, "99%"), (Quantity{UNIT_RATIO, 990'000'000}));
}

TEST(QuantityTest, DecimalsAreExactWhereDoublesAreNot) {
  EXPECT_EQ(DurationOf("9007199254740993ns"), Nanoseconds(9'007'199'254'740'993));  // 2^53 + 1.
  EXPECT_EQ(DurationOf("0.1s") + DurationOf("0.2s"), DurationOf("0.3s"));
  EXPECT_EQ(DurationOf("1.000000000000000000000000000000s"), Seconds(1));
}

TEST(QuantityTest, AMissingUnitIsNotGuessed) {
  EXPECT_EQ(Complaint(UNIT_DURATION, "5"), "\"5\" has no unit; write a duration such as \"5ms\"");
  EXPECT_EQ(Complaint(UNIT_BYTES, "1024"),
            "\"1024\" has no unit; write a size in bytes such as \"16KiB\"");
  EXPECT_EQ(Complaint(UNIT_RATE, "50"), "\"50\" has no unit; write a rate such as \"50k/s\"");
}

TEST(QuantityTest, AnUnknownUnitIsAnsweredWithTheNearest) {
  EXPECT_EQ(Complaint(UNIT_BYTES_PER_SECOND, "250Mib/s"),
            "\"250Mib/s\" is not a rate of bytes; did you mean \"250MiB/s\"?");
  EXPECT_EQ(Complaint(UNIT_BYTES, "16k"),
            "\"16k\" is not a size in bytes; did you mean \"16KiB\"?");
  EXPECT_EQ(Complaint(UNIT_BYTES, "16kB"),
            "\"16kB\" is not a size in bytes; did you mean \"16KB\"?");
  EXPECT_EQ(Complaint(UNIT_BYTES_PER_SECOND, "250M/s"),
            "\"250M/s\" is a rate, not a rate of bytes; "
            "write a rate of bytes such as \"250MiB/s\"");
  EXPECT_EQ(Complaint(UNIT_RATE, "50K/s"), "\"50K/s\" is not a rate; did you mean \"50k/s\"?");
  EXPECT_EQ(Complaint(UNIT_DURATION, "5 ms"), "\"5 ms\" is not a duration; did you mean \"5ms\"?");
  EXPECT_EQ(Complaint(UNIT_DURATION, "5mins"),
            "\"5mins\" is not a duration; did you mean \"5min\"?");
  EXPECT_EQ(Complaint(UNIT_DURATION, "5m"),
            "\"5m\" may be minutes or milliseconds; write \"5min\" or \"5ms\"");
  EXPECT_EQ(Complaint(UNIT_DURATION, "5KiB"),
            "\"5KiB\" is a size in bytes, not a duration; write a duration such as \"5ms\"");
  EXPECT_EQ(Complaint(UNIT_DURATION, "1h30min"),
            "\"1h30min\" is not one number and one unit; write a duration such as \"5ms\"");
  EXPECT_EQ(Complaint(UNIT_DURATION, "5fortnights"),
            "\"5fortnights\" has an unknown unit \"fortnights\"; write a duration such as \"5ms\"");
}

TEST(QuantityTest, WhatIsNoFiniteNumberIsRefused) {
  for (const char* text : {"nan", "inf", "-inf", "NaNms", "infs", "ms", ".5s", "5.", "5.ms", "+5s",
                           "0x10B", "1,5s", "1_000s", "s5", " 5s", "\xff"}) {
    EXPECT_FALSE(ParseDuration(text).ok()) << text;
    EXPECT_FALSE(ParseRatio(text).ok()) << text;
  }
  EXPECT_EQ(Complaint(UNIT_DURATION, ""), "the value is empty; write a duration such as \"5ms\"");
  EXPECT_EQ(Complaint(UNIT_DURATION, "-5ms"), "\"-5ms\" is negative; a duration is zero or more");
  EXPECT_THAT(Complaint(UNIT_DURATION, "1e400s"), HasSubstr("has an exponent"));
  EXPECT_THAT(Complaint(UNIT_RATIO, "1e-400"), HasSubstr("has an exponent"));
  EXPECT_THAT(Complaint(UNIT_DURATION, "-0s"), HasSubstr("is negative"));
  EXPECT_THAT(Complaint(UNIT_DURATION, "010ms"), HasSubstr("leading zero"));
}

TEST(QuantityTest, OverflowAndUnderflowAreRefused) {
  EXPECT_EQ(DurationOf("9223372036854775807ns").nanos(), kMost);
  EXPECT_THAT(Complaint(UNIT_DURATION, "9223372036854775808ns"), HasSubstr("is too large"));
  EXPECT_THAT(Complaint(UNIT_DURATION, "300000d"), HasSubstr("is too large"));
  EXPECT_THAT(Complaint(UNIT_BYTES, "99999999999999999999999999999999999999PiB"),
              HasSubstr("is too large"));
  EXPECT_THAT(Complaint(UNIT_BYTES, std::string(100, '9') + "B"), HasSubstr("too many digits"));
  EXPECT_THAT(Complaint(UNIT_DURATION, "0.5ns"), HasSubstr("finer than a nanosecond"));
  EXPECT_THAT(Complaint(UNIT_BYTES, "1.5B"), HasSubstr("finer than a byte"));
  EXPECT_THAT(Complaint(UNIT_BYTES_PER_SECOND, "1bit/s"), HasSubstr("finer than a byte"));
  EXPECT_THAT(Complaint(UNIT_RATIO, "0.0000000001"), HasSubstr("finer than a billionth"));
  EXPECT_THAT(Complaint(UNIT_RATE, "0.0001/d"), HasSubstr("finer than a millionth"));
  EXPECT_THAT(Complaint(UNIT_RATIO, "0." + std::string(400, '0') + "1"),
              HasSubstr("too many digits"));
  EXPECT_THAT(Complaint(UNIT_COUNT, "9223372036854775808"), HasSubstr("is too large"));
}

TEST(QuantityTest, TextIsTheShortestThatReadsBack) {
  EXPECT_EQ(ToText(Minutes(90)), "90min");
  EXPECT_EQ(ToText(Milliseconds(1500)), "1500ms");
  EXPECT_EQ(ToText(Days(7)), "7d");
  EXPECT_EQ(ToText(Duration::Zero()), "0s");
  EXPECT_EQ(ToText(KiB(16)), "16KiB");
  EXPECT_EQ(ToText(Bytes(10'000'000)), "10MB");
  EXPECT_EQ(ToText(Rate::PerSecond(50'000)), "50k/s");
  EXPECT_EQ(ToText(Rate::FromMicroHertz(50'000)), "0.05/s");
  EXPECT_EQ(ToText(Ratio::Percent(50)), "0.5");
  EXPECT_EQ(ToText(TimestampOf("2026-03-02T01:02:03Z")), "2026-03-02T01:02:03Z");
}

// Magnitudes spread evenly over the 63 bits, so that every unit takes part.
rc::Gen<int64_t> AnyAmount() {
  return rc::gen::map(
      rc::gen::pair(rc::gen::inRange<int64_t>(0, kMost), rc::gen::inRange(0, 63)),
      [](const std::pair<int64_t, int>& drawn) { return drawn.first >> drawn.second; });
}

RC_GTEST_PROP(QuantityPropertyTest, TextReadsBackAsTheSameAmount, ()) {
  const int64_t amount = *AnyAmount();
  const Unit unit = *rc::gen::element(UNIT_DURATION, UNIT_BYTES, UNIT_BYTES_PER_SECOND, UNIT_RATE,
                                      UNIT_RATIO, UNIT_COUNT);
  const Quantity quantity{unit, amount};
  const absl::StatusOr<Quantity> read = ParseQuantity(unit, ToText(quantity));
  RC_ASSERT(read.ok());
  RC_ASSERT(*read == quantity);
}

RC_GTEST_PROP(QuantityPropertyTest, AWholeNumberOfUnitsIsThatMany, ()) {
  const int64_t count = *rc::gen::inRange<int64_t>(0, 10'000'000);
  RC_ASSERT(DurationOf(absl::StrCat(count, "us")) == Microseconds(count));
  RC_ASSERT(BytesOf(absl::StrCat(count, "KiB")) == KiB(count));
  RC_ASSERT(RateOf(absl::StrCat(count, "k/s")) == Rate::PerSecond(count * 1000));
}

RC_GTEST_PROP(QuantityPropertyTest, NoTextBreaksTheParser, (const std::string& text)) {
  for (const Unit unit : {UNIT_DURATION, UNIT_BYTES, UNIT_BYTES_PER_SECOND, UNIT_RATE, UNIT_RATIO,
                          UNIT_TIMESTAMP, UNIT_VALUE, UNIT_COUNT}) {
    const absl::StatusOr<Quantity> read = ParseQuantity(unit, text);
    if (read.ok()) {
      RC_ASSERT(read->amount >= 0);
    } else {
      RC_ASSERT(!read.status().message().empty());
    }
  }
}

}  // namespace
}  // namespace freshet
