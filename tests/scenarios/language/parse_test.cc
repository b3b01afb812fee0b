// Form: every mistake of the text, with its place. The rows are those of the table of hostile input
// (docs: "Bad input") that concern text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "scenarios/language/suggest.h"
#include "tests/scenarios/language/scenario_text.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

TEST(ParseTest, TheSmallScenarioIsRight) { EXPECT_THAT(ProblemsOf(SmallScenario()), IsEmpty()); }

TEST(ParseTest, EmptyTextIsRefused) {
  EXPECT_THAT(ProblemsOf(""), ElementsAre(StartsWith("1:1: the file is empty")));
  EXPECT_THAT(ProblemsOf(" \n\t\n"), ElementsAre(StartsWith("1:1: the file is empty")));
}

TEST(ParseTest, AByteOrderMarkIsNamed) {
  EXPECT_THAT(ProblemsOf("\xef\xbb\xbf" + SmallScenario()),
              ElementsAre(HasSubstr("byte-order mark; save it as UTF-8 without one")));
  EXPECT_THAT(ProblemsOf(std::string("\xff\xfen\0", 4)), ElementsAre(HasSubstr("byte-order mark")));
}

TEST(ParseTest, ANulByteIsNamedWithItsPlace) {
  EXPECT_THAT(ProblemsOf(std::string("name: \"a\"\n  \0", 13)),
              ElementsAre(StartsWith("2:3: a NUL byte")));
}

TEST(ParseTest, YamlIsRecognised) {
  for (const char* text : {"---\nname: x\n", "name: small\nrun_for: 10min\n", "- name: x\n",
                           "# a comment\nname: small\n"}) {
    EXPECT_THAT(ProblemsOf(text), ElementsAre(HasSubstr("this looks like YAML"))) << text;
  }
}

TEST(ParseTest, BinaryJunkIsRefused) {
  EXPECT_FALSE(LoadText("\x01\x02\x7f\x80\xff{{{\"", "junk").ok());
  EXPECT_FALSE(LoadText("\xff\xff\xff\xff", "junk").ok());
}

TEST(ParseTest, AStrayBraceDoesNotHideWhatFollows) {
  EXPECT_THAT(
      ProblemsOf("}\n" + Small("1k/s", "1000")),
      ElementsAre(StartsWith("1:1: this \"}\" closes nothing"),
                  StartsWith("5:65: component[shop].producers.rate: \"1000\" has no unit")));
}

TEST(ParseTest, AMissingBraceIsToldWhereItsBlockBegins) {
  const auto problems = ProblemsOf("name: \"a\"\nrun_for: \"1h\"\ntopic { name: \"x\"\n");
  EXPECT_THAT(problems, ElementsAre("3:1: this block is never closed; add \"}\"",
                                    StartsWith("3:1: topic[x] has no partitions"),
                                    StartsWith("3:1: topic[x] has no replication_factor")));
}

TEST(ParseTest, AnUnterminatedStringEndsWithItsLine) {
  EXPECT_THAT(ProblemsOf(Small("\"small\"", "\"small")),
              ElementsAre(AllOf(StartsWith("1:1: name: "), HasSubstr("cross line"))));
}

TEST(ParseTest, UnknownFieldsAreAnsweredWithTheNearest) {
  EXPECT_THAT(ProblemsOf(Small("run_for", "rnu_for")),
              ElementsAre(StartsWith("1:1: the scenario has no run_for"),
                          "2:1: Scenario has no field \"rnu_for\"; did you mean \"run_for\"?"));
  EXPECT_THAT(ProblemsOf(Small("event_size: \"1KiB\"", "event_size: \"1KiB\" lingr: \"1ms\"")),
              ElementsAre("4:97: Producers has no field \"lingr\"; did you mean \"linger\"?"));
  EXPECT_THAT(ProblemsOf(SmallScenario() + "zzz { a: 1 b { c: [1, 2] } }"),
              ElementsAre(HasSubstr("its fields are \"name\"")));
}

TEST(ParseTest, AValueThatIsGivenTwiceIsRefused) {
  EXPECT_THAT(ProblemsOf(SmallScenario() + "name: \"again\"\n"),
              ElementsAre("13:1: name is given twice in one block; keep one"));
  EXPECT_THAT(ProblemsOf(Small("members: 3", "members: 3 members: 4")), SizeIs(1));
}

TEST(ParseTest, TwoMembersOfAOneofAreRefused) {
  EXPECT_THAT(ProblemsOf(Small("members: 3 }", "members: 3 } kafka { }")),
              ElementsAre(HasSubstr("exclude each other; keep one")));
}

TEST(ParseTest, WrongTypesSayWhatIsWanted) {
  EXPECT_THAT(ProblemsOf(Small("partitions: 6", "partitions: \"6\"")),
              ElementsAre("3:24: topic.partitions: \"6\" is not a whole number from 1 to 1000000; "
                          "write one without quotes"));
  EXPECT_THAT(ProblemsOf(Small("partitions: 6", "partitions: 3.0")),
              ElementsAre(HasSubstr("\"3.0\" is not a whole number")));
  EXPECT_THAT(ProblemsOf(Small("partitions: 6", "partitions: -6")),
              ElementsAre(HasSubstr("\"-6\" is not a whole number")));
  EXPECT_THAT(ProblemsOf(Small("partitions: 6", "partitions: 4294967296")),
              ElementsAre(HasSubstr("is not a whole number")));
  EXPECT_THAT(ProblemsOf(Small("partitions: 6", "partitions: nan")),
              ElementsAre(HasSubstr("is not a whole number")));
  EXPECT_THAT(ProblemsOf(Small("\"10min\"", "600")),
              ElementsAre(HasSubstr("write a duration in quotes, such as \"5ms\"")));
  EXPECT_THAT(ProblemsOf(Small("topic: \"orders\"", "topic: \"orders\" idempotence: yes")),
              ElementsAre(HasSubstr("\"yes\" is neither true nor false")));
  EXPECT_THAT(ProblemsOf(Small("volume {", "volume: \"x\" volume {")),
              ElementsAre(HasSubstr("write volume { ... }")));
}

TEST(ParseTest, NotANumberAndInfinityAreRefusedWhereverTheyStand) {
  for (const char* text : {"nan", "inf", "-inf", "1e400", "1e-400", "-0"}) {
    EXPECT_THAT(ProblemsOf(Small("\"10min\"", absl::StrCat("\"", text, "\""))), SizeIs(1)) << text;
    EXPECT_THAT(ProblemsOf(Small("\"10min\"", text)), SizeIs(1)) << text;
    EXPECT_THAT(
        ProblemsOf(Small(
            "event_size: \"1KiB\"",
            absl::StrCat("event_sizes { lognormal { median: \"224B\" sigma: \"", text, "\" } }"))),
        SizeIs(1))
        << text;
  }
}

TEST(ParseTest, ALeadingZeroIsWarnedAbout) {
  EXPECT_THAT(ProblemsOf(Small("partitions: 6", "partitions: 010")),
              ElementsAre(StartsWith("3:36: warning: a number with a leading zero")));
  EXPECT_THAT(ProblemsOf(Small("partitions: 6", "partitions: 0x10")), IsEmpty());
}

TEST(ParseTest, UnknownEnumNamesListTheChoices) {
  EXPECT_THAT(
      ProblemsOf(Small("NVME", "NVM")),
      ElementsAre("10:14: component.kafka.volume.kind has no value \"NVM\"; did you mean NVME? "
                  "choose NVME, GP3, IO2, ST1, GP2, OTHER"));
}

TEST(ParseTest, NumbersOfAnOpenEnumAreRefused) {
  EXPECT_THAT(ProblemsOf(Small("NVME", "77")),
              ElementsAre(HasSubstr("77 is no value of this field; choose NVME")));
}

TEST(ParseTest, NestingIsLimited) {
  std::string deep;
  for (int i = 0; i < 1'000'000; ++i) deep += "topic{";
  EXPECT_THAT(ProblemsOf(deep), ElementsAre(HasSubstr("nested 1000000 deep")));
  EXPECT_THAT(ProblemsOf(std::string(200'000, '[')), ElementsAre(HasSubstr("deep")));
  // Known fields, unknown fields and lists of blocks all count.
  std::string law = "constant: \"1ms\"";
  for (int i = 0; i < 200; ++i) {
    law = absl::StrCat("mixture { part { weight: \"1\" of { ", law, " } } }");
  }
  EXPECT_THAT(ProblemsOf(absl::StrCat("network { rtt_within_zone { ", law, " } }")),
              ElementsAre(HasSubstr("deep")));
}

TEST(ParseTest, CommentsOfOtherLanguagesAreRefused) {
  EXPECT_FALSE(LoadText("// hello\n" + SmallScenario(), "x").ok());
}

TEST(ParseTest, CarriageReturnsSeparatorsAndListsAreText) {
  EXPECT_THAT(ProblemsOf(absl::StrReplaceAll(SmallScenario(), {{"\n", "\r\n"}})), IsEmpty());
  EXPECT_THAT(ProblemsOf(Small("name: \"small\"", "name: \"sm\" \"all\"; zones: [\"a\", \"b\"],")),
              IsEmpty());
}

TEST(ParseTest, ManyMistakesOfFormAreToldInOnePass) {
  const auto problems = ProblemsOf(
      "name: 5\n"
      "run_for \"1h\"\n"
      "seed: \"x\"\n"
      "zones: a\n"
      "recording: LOUD\n"
      "topic { name: \"t\" partitions: 1.5 nonsense: 3 retention: 7 }\n"
      "starts_at:\n"
      "warm_up: \"1s\"\n");
  EXPECT_THAT(problems,
              ElementsAre(StartsWith("1:1: name: "), StartsWith("2:1: run_for has no colon"),
                          StartsWith("3:1: seed: \"x\" is not"), StartsWith("4:1: zones: "),
                          StartsWith("5:1: recording has no value \"LOUD\""),
                          StartsWith("6:19: topic.partitions"), StartsWith("6:35: Topic has no"),
                          StartsWith("6:47: topic.retention"), StartsWith("7:1: starts_at")));
}

TEST(ParseTest, ATextOfOnlyMistakesEnds) {
  std::string text;
  for (int i = 0; i < 5'000; ++i) text += "} { : \" ] >\n";
  const LoadResult result = LoadText(text, "x");
  EXPECT_FALSE(result.ok());
  EXPECT_LT(result.problems.size(), 1'000u);
}

TEST(SuggestTest, NearNamesAreFoundAndFarOnesAreNot) {
  EXPECT_EQ(Closest("dashbord", {"table", "dashboard"}), "dashboard");
  EXPECT_EQ(Closest("LINGER", {"linger"}), "linger");
  EXPECT_EQ(Closest("ordres", {"orders", "ores"}), "orders");
  EXPECT_EQ(Closest("kafka", {"shop", "table"}), "");
  EXPECT_EQ(Closest("", {"a"}), "");
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3);
  EXPECT_EQ(EditDistance("ab", "ba"), 1);
}

}  // namespace
}  // namespace freshet
