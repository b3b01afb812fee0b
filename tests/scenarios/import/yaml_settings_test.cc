// What a YAML library lets pass and an importer must not; and places inside blocks of text.
#include "scenarios/import/yaml_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> Problems(absl::string_view text) {
  Findings findings;
  YamlSettings::Parse(text, findings.AddFile("f.yaml"), &findings);
  std::vector<std::string> lines;
  for (const Problem& problem : findings.problems()) lines.push_back(ToText(problem));
  return lines;
}

TEST(YamlSettingsTest, SettingsHaveTheirPlaces) {
  Findings findings;
  const YamlSettings yaml =
      YamlSettings::Parse("a: 1\n\nb:\n", findings.AddFile("f.yaml"), &findings);
  ASSERT_EQ(yaml.settings().size(), 2u);
  EXPECT_EQ(yaml.Find("a")->value, "1");
  EXPECT_EQ(yaml.Find("a")->value_place, (Place{0, 1, 4}));
  EXPECT_EQ(yaml.Find("b")->value, "");
  EXPECT_EQ(yaml.Find("b")->key_place, (Place{0, 3, 1}));
  EXPECT_EQ(yaml.Find("c"), nullptr);
  EXPECT_TRUE(findings.problems().empty());
}

TEST(YamlSettingsTest, LinesOfALiteralBlockAreFoundInTheFile) {
  Findings findings;
  const YamlSettings yaml = YamlSettings::Parse(
      "# head\nliteral: |\n\n    x=1\n    y=2\nfolded: >\n  z=1\nquoted: \"u=1\\nv=2\"\n",
      findings.AddFile("f.yaml"), &findings);
  EXPECT_EQ(yaml.PlaceInside(*yaml.Find("literal"), 1, 0), (Place{0, 4, 5}));
  EXPECT_EQ(yaml.PlaceInside(*yaml.Find("literal"), 2, 1), (Place{0, 5, 6}));
  EXPECT_EQ(yaml.PlaceInside(*yaml.Find("quoted"), 1, 0), (Place{0, 8, 9}));
}

TEST(YamlSettingsTest, AKeyStatedTwiceIsRefused) {
  EXPECT_THAT(Problems("a: 1\nb: 2\na: 3\n"),
              ElementsAre("f.yaml:3:1: \"a\" is stated twice, first in line 1; delete one"));
}

TEST(YamlSettingsTest, MergeKeysAreRefused) {
  EXPECT_THAT(Problems("a: &x 1\n<<: *x\n"),
              ElementsAre("f.yaml:2:1: merge keys (\"<<\") are not followed; write the keys out"));
}

TEST(YamlSettingsTest, WhatIsNotFlatIsRefused) {
  EXPECT_THAT(
      Problems("a: [1, 2]\nb:\n  c: 1\n"),
      ElementsAre("f.yaml:1:1: the value of \"a\" is a list or a mapping; write one value",
                  "f.yaml:2:1: the value of \"b\" is a list or a mapping; write one value"));
  EXPECT_THAT(Problems("- a\n"), ElementsAre(HasSubstr("f.yaml:1:1: this is not a mapping")));
  EXPECT_THAT(Problems("a: 1\n---\nb: 1\n"), ElementsAre(HasSubstr("a second document begins")));
}

TEST(YamlSettingsTest, WhatIsNotYamlIsTold) {
  EXPECT_THAT(Problems(""), ElementsAre(HasSubstr("the file says nothing")));
  EXPECT_THAT(Problems("a: [1\n"), ElementsAre(HasSubstr("this is not YAML")));
  EXPECT_THAT(Problems("a: *nowhere\n"), ElementsAre(HasSubstr("this is not YAML")));
  EXPECT_THAT(Problems(std::string(5000, '[')), ElementsAre(HasSubstr("this is not YAML")));
}

TEST(YamlSettingsTest, WhatIsNotPlainTextIsRefused) {
  EXPECT_THAT(Problems("a: x\xC3(\n"), ElementsAre(HasSubstr("is not UTF-8")));
  EXPECT_THAT(Problems("a: \"x\\e\"\n"), ElementsAre(HasSubstr("has control characters")));
}

}  // namespace
}  // namespace freshet
