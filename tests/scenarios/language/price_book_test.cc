// Price books: what is read from them, and every mistake with its place.
#include "scenarios/language/price_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

// Lines matter: tests name them.
std::string SmallBook() {
  return R"(name: "small"
region: "us-east-1"
as_of: "2026-07-20"
hours_in_month: 730
line { host { instance: "m7g.large" } price: "0.0816 USD" per: HOUR source: "KARP" }
line { volume { kind: "gp3" measure: THROUGHPUT included_throughput: "125MB/s" } price: "0.04 USD" per: MB_PER_SECOND_MONTH source: "x" }
line { traffic { cause: REPLICATE } price: "0 USD" per: GIB source: "x" as_of: "2025-01-31" }
line { metric { name: "object_store.put_requests" category: OBJECT_STORAGE_REQUESTS } price: "0.005 USD" per: THOUSAND source: "NFLX" }
)";
}

// The small book with one text replaced by another, as "line:column: text".
std::vector<std::string> Told(const std::string& from, const std::string& to) {
  const PriceBookResult result =
      LoadPriceBookText(absl::StrReplaceAll(SmallBook(), {{from, to}}), "book.textproto");
  std::vector<std::string> lines;
  for (const Problem& problem : result.problems) {
    EXPECT_EQ(problem.file, "book.textproto");
    lines.push_back(absl::StrCat(problem.line, ":", problem.column, ": ", problem.text));
  }
  return lines;
}

TEST(PriceBookTest, PricesBecomeIntegers) {
  const PriceBookResult result = LoadPriceBookText(SmallBook(), "book.textproto");
  ASSERT_THAT(result.problems, IsEmpty());
  ASSERT_THAT(result.book.prices, SizeIs(4));
  EXPECT_EQ(result.book.prices[0].nanodollars, 81'600'000);
  EXPECT_EQ(result.book.prices[1].nanodollars, 40'000'000);
  EXPECT_EQ(result.book.prices[1].included, 125'000'000);
  EXPECT_EQ(result.book.prices[2].nanodollars, 0);
  EXPECT_EQ(result.book.prices[3].nanodollars, 5'000'000);
  EXPECT_EQ(result.book.text.hours_in_month(), 730);
}

TEST(PriceBookTest, APriceIsNotNegativeAndHasItsCurrency) {
  EXPECT_THAT(Told("\"0.0816 USD\"", "\"-0.0816 USD\""),
              ElementsAre("5:39: line[0].price: \"-0.0816 USD\" is negative; an amount of money is "
                          "zero or more"));
  EXPECT_THAT(
      Told("0.0816 USD", "0.0816"),
      ElementsAre(HasSubstr("5:39: line[0].price: \"0.0816\" has no unit; write an amount of "
                            "money such as \"0.023 USD\"")));
  EXPECT_THAT(Told("0.0816 USD", "0.0816 EUR"), ElementsAre(HasSubstr("unknown unit \" EUR\"")));
  EXPECT_THAT(Told("0.0816 USD", "1000001 USD"), ElementsAre(HasSubstr("is too large")));
  EXPECT_THAT(Told("\"0.0816 USD\"", "0.0816"), ElementsAre(HasSubstr("in quotes")));
}

TEST(PriceBookTest, AnUnknownUnitIsAnsweredWithTheKnownOnes) {
  EXPECT_THAT(
      Told("per: HOUR", "per: HOURS"),
      ElementsAre(StartsWith("5:59: line.per has no value \"HOURS\"; did you mean HOUR? ")));
}

TEST(PriceBookTest, ANumberThatIsNoValueOfAnEnumIsRefused) {
  EXPECT_THAT(Told("per: THOUSAND", "per: 99"), ElementsAre(HasSubstr("99 is no value")));
  EXPECT_THAT(Told("cause: REPLICATE", "cause: 99"), ElementsAre(HasSubstr("99 is no value")));
  EXPECT_THAT(Told("category: OBJECT_STORAGE_REQUESTS", "category: 99"),
              ElementsAre(HasSubstr("99 is no value")));
}

TEST(PriceBookTest, AUnitMustBeAbleToDivideItsThing) {
  EXPECT_THAT(Told("per: HOUR", "per: GIB"),
              ElementsAre("5:59: per: GIB cannot be the unit of host m7g.large; write HOUR"));
  EXPECT_THAT(Told("per: MB_PER_SECOND_MONTH", "per: GIB_MONTH"),
              ElementsAre(HasSubstr("per: GIB_MONTH cannot be the unit of volume gp3 THROUGHPUT; "
                                    "write MB_PER_SECOND_MONTH or MIB_PER_SECOND_MONTH")));
}

TEST(PriceBookTest, AThingHasOnePrice) {
  EXPECT_THAT(
      Told("line { traffic { cause: REPLICATE }", "line { host { instance: \"m7g.large\" }"),
      ElementsAre("7:1: host m7g.large was already priced at line 5; keep one of the two",
                  HasSubstr("per: GIB cannot be the unit of host m7g.large")));
}

TEST(PriceBookTest, WithoutADateASourceOrAUnitNoPriceIsBelieved) {
  EXPECT_THAT(Told("as_of: \"2026-07-20\"\n", ""),
              ElementsAre(StartsWith("1:1: the price book has no as_of; state it: ")));
  EXPECT_THAT(Told(" source: \"KARP\"", ""),
              ElementsAre(StartsWith("5:1: line[0] has no source; state it: ")));
  EXPECT_THAT(Told(" per: HOUR", ""),
              ElementsAre(StartsWith("5:1: line[0] has no per; state it: ")));
  EXPECT_THAT(Told("host { instance: \"m7g.large\" } ", ""),
              ElementsAre(StartsWith("5:1: line[0] does not say which item; give one of host, ")));
}

TEST(PriceBookTest, ADayMustExist) {
  EXPECT_THAT(Told("2025-01-31", "2025-02-30"),
              ElementsAre("7:73: as_of: \"2025-02-30\" is no day of the calendar; write it such as "
                          "\"2026-07-20\""));
  EXPECT_THAT(Told("2026-07-20", "July 2026"), ElementsAre(StartsWith("3:1: as_of: ")));
}

TEST(PriceBookTest, AMonthHasTheHoursOfAMonth) {
  EXPECT_THAT(Told("hours_in_month: 730", "hours_in_month: 24"),
              ElementsAre("4:1: hours_in_month: 24 is too small; write a number from 672 to 744"));
}

TEST(PriceBookTest, AKindOfVolumeIsOneThatAScenarioCanName) {
  EXPECT_THAT(Told("\"gp3\"", "\"gp4\""),
              ElementsAre(StartsWith(
                  "6:17: kind \"gp4\" is no kind of volume; did you mean \"gp3\"? there is ")));
  EXPECT_THAT(Told("THROUGHPUT included", "CAPACITY included"),
              ElementsAre(HasSubstr("included_throughput belongs to a line with measure: "
                                    "THROUGHPUT; move it there"),
                          HasSubstr("cannot be the unit of volume gp3 CAPACITY")));
}

TEST(PriceBookTest, AllMistakesAreToldAtOnce) {
  const PriceBookResult result = LoadPriceBookText(
      "name: \"Bad\"\nregon: \"x\"\nas_of: \"soon\"\nhours_in_month: 730\n"
      "line { host { instance: \"a\" } price: \"1 USD\" per: HOUR }\n"
      "line { host { instance: \"a\" } price: \"1\" per: HOUR source: \"x\" }\n",
      "bad.textproto");
  std::vector<std::string> places;
  for (const Problem& problem : result.problems) {
    places.push_back(absl::StrCat(problem.line, ":", problem.column, " ", problem.text));
  }
  EXPECT_THAT(places, ElementsAre(StartsWith("1:1 name: \"Bad\" is not a name"),
                                  StartsWith("1:1 the price book has no region"),
                                  StartsWith("2:1 PriceBook has no field \"regon\"; did you mean "),
                                  StartsWith("3:1 as_of: \"soon\" is no day"),
                                  StartsWith("5:1 line[0] has no source"),
                                  StartsWith("6:1 host a was already priced at line 5"),
                                  StartsWith("6:31 line[1].price: \"1\" has no unit")));
}

TEST(PriceBookTest, HostileTextIsRefusedAsAScenarioIs) {
  const auto first = [](const std::string& text) {
    const PriceBookResult result = LoadPriceBookText(text, "b");
    return result.problems.empty() ? "" : result.problems[0].text;
  };
  EXPECT_EQ(first(""),
            "the file is empty; a price book needs at least name, region, as_of, "
            "hours_in_month and a line");
  EXPECT_THAT(first(std::string("name\0", 5)), HasSubstr("write a price book as UTF-8 text"));
  EXPECT_THAT(first("---\nname: x\n"), HasSubstr("a price book is Protobuf text"));
  EXPECT_THAT(first(std::string(200, '{')), HasSubstr("nested 200 deep"));
  EXPECT_NE(first("\x01\x02\xff{{"), "");
}

TEST(PriceBookTest, EveryBookOfTheLibraryIsRight) {
  int books = 0;
  for (const auto& entry : std::filesystem::directory_iterator(FRESHET_PRICES)) {
    const absl::StatusOr<PriceBookResult> result = LoadPriceBook(entry.path().string());
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(Report(result->problems), "");
    ++books;
  }
  EXPECT_GE(books, 1);
}

}  // namespace
}  // namespace freshet
