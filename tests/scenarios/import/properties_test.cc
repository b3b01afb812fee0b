// Java properties, as java.util.Properties.load() documents them.
#include "scenarios/import/properties.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// "line:column key=value", counted from 0.
std::vector<std::string> Read(absl::string_view text) {
  std::vector<std::string> lines;
  for (const Property& property : ParseProperties(text)) {
    lines.push_back(absl::StrCat(property.line, ":", property.column, " ", property.key, "=",
                                 property.value, property.is_broken ? " broken" : ""));
  }
  return lines;
}

TEST(PropertiesTest, KeysAndValuesAreSplitAtTheFirstSeparator) {
  EXPECT_THAT(Read("acks=all\nlinger.ms = 1\nbatch.size:2\nretries  3\na=b=c\nempty=\nbare"),
              ElementsAre("0:0 acks=all", "1:0 linger.ms=1", "2:0 batch.size=2", "3:0 retries=3",
                          "4:0 a=b=c", "5:0 empty=", "6:0 bare="));
}

TEST(PropertiesTest, CommentsAndBlankLinesSayNothing) {
  EXPECT_THAT(Read("# a=1\n\n   ! b=2\n \t \n"), IsEmpty());
}

TEST(PropertiesTest, ALineIsContinuedByABackslash) {
  EXPECT_THAT(Read("a=1,\\\n    2\nb=3"), ElementsAre("0:0 a=1,2", "2:0 b=3"));
  EXPECT_THAT(Read("a=1\\\\\nb=2\\"), ElementsAre("0:0 a=1\\", "1:0 b=2"));
}

TEST(PropertiesTest, EscapesAreResolved) {
  EXPECT_THAT(Read("a\\=b\\ c=\\u00e9\\t\\q"), ElementsAre("0:0 a=b c=\u00e9\tq"));
  EXPECT_THAT(Read("a=\\u12"), ElementsAre("0:0 a= broken"));
}

TEST(PropertiesTest, WindowsLineEndsAndTrailingBlanksAreDropped) {
  EXPECT_THAT(Read("  acks=all  \r\nretries=1\r\n"), ElementsAre("0:2 acks=all", "1:0 retries=1"));
}

TEST(PropertiesTest, AKeyStatedTwiceIsThereTwice) {
  EXPECT_THAT(Read("a=1\na=2"), ElementsAre("0:0 a=1", "1:0 a=2"));
}

}  // namespace
}  // namespace freshet
