#include "results/csv.h"

#include "gmock/gmock.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;

TEST(CsvTest, GivesBackWhatNeedsQuotes) {
  const std::vector<std::string> cells = {"plain", "a,b", "say \"x\"", "two\r\nlines", "", " x "};
  std::string text;
  AppendCsvLine(cells, &text);
  absl::StatusOr<std::vector<CsvLine>> lines = ParseCsv(text);
  ASSERT_TRUE(lines.ok()) << lines.status();
  ASSERT_EQ(lines->size(), 1u);
  EXPECT_EQ(lines->front().cells, cells);
}

TEST(CsvTest, LeavesOutCommentsAndEmptyLinesAndCountsThem) {
  absl::StatusOr<std::vector<CsvLine>> lines =
      ParseCsv("\xef\xbb\xbf# comment, \"with a quote\n\na,b\r\n\r\n,\nlast");
  ASSERT_TRUE(lines.ok()) << lines.status();
  ASSERT_EQ(lines->size(), 3u);
  EXPECT_EQ((*lines)[0].number, 3);
  EXPECT_THAT((*lines)[0].cells, ElementsAre("a", "b"));
  EXPECT_EQ((*lines)[1].number, 5);
  EXPECT_THAT((*lines)[1].cells, ElementsAre("", ""));
  EXPECT_THAT((*lines)[2].cells, ElementsAre("last"));
}

TEST(CsvTest, TellsTheLineOfABadQuote) {
  EXPECT_EQ(ParseCsv("a\n\"b").status().message(), "2: a quoted cell is not closed");
  EXPECT_EQ(ParseCsv("a\n\"b\"c").status().message(), "2: text after a closing quote");
  EXPECT_EQ(ParseCsv("a\nb\"c").status().message(), "2: a quote inside a cell that is not quoted");
}

}  // namespace
}  // namespace freshet
