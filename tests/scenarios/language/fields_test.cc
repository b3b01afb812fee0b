// Facts at work: ranges, names, text; and the schema itself, which must be annotated in full.
#include "scenarios/language/fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "scenarios/language/explain.h"
#include "scenarios/language/facts.h"
#include "scenarios/language/quantity.h"
#include "tests/scenarios/language/scenario_text.h"

namespace freshet {
namespace {

using google::protobuf::FieldDescriptor;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

TEST(FieldsTest, RangesNameTheFieldTheValueAndTheRange) {
  EXPECT_THAT(
      ProblemsOf(Small("partitions: 6", "partitions: 0")),
      ElementsAre("3:24: topic[orders].partitions: 0 is too small; write a number from 1 to "
                  "1000000"));
  EXPECT_THAT(ProblemsOf(Small("brokers: 3", "brokers: 1001")),
              ElementsAre(HasSubstr("1001 is too large; write a number from 1 to 1000")));
  EXPECT_THAT(ProblemsOf(Small("\"10min\"", "\"4000d\"")),
              Contains("2:1: run_for: \"4000d\" is too large; write a value from 1ms to 3653d"));
  EXPECT_THAT(ProblemsOf(Small("name: \"small\"", "name: \"small\" schema_version: 2")),
              ElementsAre(HasSubstr("schema_version: 2 is too large")));
}

TEST(FieldsTest, NamesAreOfOneForm) {
  EXPECT_TRUE(IsName("a"));
  EXPECT_TRUE(IsName("orders-eu_1.v2"));
  EXPECT_TRUE(IsName(std::string(63, 'a')));
  for (const char* name : {"", "Orders", "1a", "-a", "a b", "a/b", "\xc3\xa4", "a\n"}) {
    EXPECT_FALSE(IsName(name)) << name;
  }
  EXPECT_FALSE(IsName(std::string(64, 'a')));
  EXPECT_THAT(ProblemsOf(Small("\"small\"", "\"Small\"")),
              ElementsAre(StartsWith("1:1: name: \"Small\" is not a name; a name has 1 to 63")));
}

TEST(FieldsTest, BytesThatAreNoTextAreRefused) {
  for (const char* text : {"\\377\\376", "a\\000b", "a\\001b", "\\033[2J", "\\355\\240\\200",
                           "\\300\\200", "\\302\\205", "\xff"}) {
    EXPECT_THAT(ProblemsOf(absl::StrCat(SmallScenario(), "question: \"", text, "\"")),
                ElementsAre(HasSubstr("is not UTF-8 or has control characters")))
        << text;
    EXPECT_FALSE(LoadText(Small("\"small\"", absl::StrCat("\"", text, "\"")), "x").ok()) << text;
  }
  EXPECT_THAT(
      ProblemsOf(SmallScenario() + "question: \"wie lange?\\n\xe2\x82\xac \xf0\x9f\x98\x80\""),
      IsEmpty());
}

TEST(FieldsTest, AnEmptyTextIsNotAnAbsentOne) {
  EXPECT_THAT(ProblemsOf(Small("\"10min\"", "\"\"")),
              ElementsAre(StartsWith("2:1: run_for: the value is empty")));
}

TEST(FieldsTest, ADistributionTakesTheUnitOfItsHolder) {
  EXPECT_THAT(ProblemsOf(Small("constant: \"100us\"", "constant: \"100KiB\"")),
              ElementsAre(HasSubstr("write_latency.constant: \"100KiB\" is a size in bytes, not a "
                                    "duration")));
  EXPECT_THAT(ProblemsOf(Small("event_size: \"1KiB\"",
                               "event_sizes { normal { mean: \"1KiB\" sd: \"1ms\" } }")),
              ElementsAre(HasSubstr("\"1ms\" is a duration, not a size in bytes")));
  EXPECT_THAT(ProblemsOf(Small(
                  "event_size: \"1KiB\"",
                  "event_sizes { mixture { part { weight: \"0.9\" of { constant: \"1KiB\" } } "
                  "part { weight: \"0.1\" of { uniform { min: \"1ms\" max: \"2KiB\" } } } } }")),
              ElementsAre(HasSubstr("uniform.min: \"1ms\" is a duration")));
}

TEST(FieldsTest, APercentileIsAPlainNumber) {
  const auto with = [](const std::string& percentile) {
    return absl::StrCat(SmallScenario(),
                        "objective { metric: \"producer.latency\" of: \"shop\" "
                        "percentile: \"",
                        percentile, "\" at_most: \"5ms\" }");
  };
  EXPECT_THAT(ProblemsOf(with("99.9")), IsEmpty());
  EXPECT_THAT(ProblemsOf(with("99%")), ElementsAre(HasSubstr("is not a plain number")));
  EXPECT_THAT(ProblemsOf(with("100.1")), ElementsAre(HasSubstr("is too large")));
  EXPECT_THAT(ProblemsOf(with("p99")), ElementsAre(HasSubstr("is not a plain number")));
}

TEST(FieldsTest, RequiredFieldsAreMissedAtTheirBlock) {
  EXPECT_THAT(
      ProblemsOf(Small(" vcpus: 4", "")),
      ElementsAre("8:3: component[log].kafka has no vcpus; state it: Cores of each broker."));
  EXPECT_THAT(ProblemsOf(Small("{ constant: \"80us\" }", "{ }")),
              ElementsAre(HasSubstr("read_latency does not say which shape; give one of constant, "
                                    "uniform")));
  EXPECT_THAT(ProblemsOf(Small(" event_size: \"1KiB\"", "")),
              ElementsAre(HasSubstr("give one of event_size, event_sizes")));
}

// The schema's own promises: each of them is what a product of the facts relies on.
TEST(SchemaTest, EveryFieldHasHelpAndEveryDefaultASource) {
  for (const FieldEntry& entry : AllFields()) {
    const FieldFacts& facts = FactsOf(*entry.field);
    EXPECT_FALSE(facts.help().empty()) << entry.path;
    EXPECT_FALSE(!facts.default_value().empty() && facts.source().empty()) << entry.path;
    EXPECT_FALSE(!facts.default_value().empty() && facts.required()) << entry.path;
    EXPECT_FALSE(entry.field->is_map()) << entry.path;
  }
}

TEST(SchemaTest, EveryDefaultAndBoundIsLegal) {
  for (const FieldEntry& entry : AllFields()) {
    const FieldFacts& facts = FactsOf(*entry.field);
    if (entry.field->cpp_type() != FieldDescriptor::CPPTYPE_STRING) continue;
    for (const std::string& text : {facts.default_value(), facts.default_before_4_0(),
                                    facts.default_before_3_0(), facts.min(), facts.max()}) {
      if (text.empty()) continue;
      const absl::Status status = CheckText(facts, UNIT_UNSPECIFIED, text);
      EXPECT_TRUE(status.ok()) << entry.path << " " << status;
    }
  }
}

TEST(SchemaTest, NumbersStringsAndEnumsSayTheirUnit) {
  for (const FieldEntry& entry : AllFields()) {
    const Unit unit = FactsOf(*entry.field).unit();
    const auto type = entry.field->cpp_type();
    if (type == FieldDescriptor::CPPTYPE_UINT32 || type == FieldDescriptor::CPPTYPE_UINT64) {
      EXPECT_EQ(unit, UNIT_COUNT) << entry.path;
      // Zero and absent differ.
      EXPECT_TRUE(entry.field->is_repeated() || entry.field->has_presence()) << entry.path;
    }
    EXPECT_NE(type, FieldDescriptor::CPPTYPE_DOUBLE) << entry.path;
    EXPECT_NE(type, FieldDescriptor::CPPTYPE_FLOAT) << entry.path;
    if (type == FieldDescriptor::CPPTYPE_ENUM) {
      EXPECT_TRUE(entry.field->enum_type()->FindValueByNumber(0) != nullptr) << entry.path;
    }
  }
}

}  // namespace
}  // namespace freshet
