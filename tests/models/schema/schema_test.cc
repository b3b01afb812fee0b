#include "models/schema/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace freshet {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Schema kFirst = {1, {{"id", "int"}, {"note", "string", true}}};
const Schema kWider = {2, {{"id", "long"}, {"note", "string", true}}};
const Schema kRequires = {3, {{"id", "long"}, {"note", "string", true}, {"country", "string"}}};
const Schema kOptional = {4, {{"id", "long"}, {"country", "string", true}}};

TEST(SchemaTest, AvroReadersNeedWhatHasNoDefault) {
  constexpr auto kAvro = SchemaFormat::kAvro;
  EXPECT_THAT(WhyUnreadable(kAvro, kFirst, kFirst), IsEmpty());
  EXPECT_THAT(WhyUnreadable(kAvro, kWider, kFirst), IsEmpty());  // int is promoted to long,
  EXPECT_THAT(WhyUnreadable(kAvro, kFirst, kWider),              // and long not to int.
              HasSubstr("field \"id\" is long in version 2 and int in version 1"));
  EXPECT_THAT(WhyUnreadable(kAvro, kRequires, kWider),
              HasSubstr("version 2 has no field \"country\""));
  EXPECT_THAT(WhyUnreadable(kAvro, kWider, kRequires), IsEmpty());
  EXPECT_THAT(WhyUnreadable(kAvro, kOptional, kFirst), IsEmpty());
}

TEST(SchemaTest, ProtobufReadersMissNothing) {
  constexpr auto kProtobuf = SchemaFormat::kProtobuf;
  const Schema empty = {1, {}};
  const Schema number = {2, {{"id", "int32"}}};
  const Schema flag = {3, {{"id", "bool"}}};
  const Schema text = {4, {{"id", "string"}}};
  EXPECT_THAT(WhyUnreadable(kProtobuf, number, empty), IsEmpty());
  EXPECT_THAT(WhyUnreadable(kProtobuf, flag, number), IsEmpty());
  EXPECT_THAT(WhyUnreadable(kProtobuf, text, number), HasSubstr("int32 in version 2"));
}

TEST(SchemaTest, JsonReadersMayRequire) {
  constexpr auto kJson = SchemaFormat::kJsonSchema;
  const Schema maybe = {1, {{"id", "integer", true}}};
  const Schema must = {2, {{"id", "number"}}};
  EXPECT_THAT(WhyUnreadable(kJson, must, maybe), HasSubstr("may be missing in version 1"));
  EXPECT_THAT(WhyUnreadable(kJson, maybe, must), HasSubstr("number in version 2"));
  EXPECT_THAT(WhyUnreadable(kJson, Schema{3, {{"id", "number", true}}}, maybe), IsEmpty());
}

TEST(SchemaTest, CompatibilityModes) {
  constexpr auto kAvro = SchemaFormat::kAvro;
  const auto may = [](Compatibility mode, const Schema& added,
                      const std::vector<const Schema*>& registered) {
    return WhyIncompatible(kAvro, mode, added, registered).empty();
  };
  // A wider type can read the old records, but not be read by old readers.
  EXPECT_TRUE(may(Compatibility::kBackward, kWider, {&kFirst}));
  EXPECT_FALSE(may(Compatibility::kForward, kWider, {&kFirst}));
  EXPECT_FALSE(may(Compatibility::kFull, kWider, {&kFirst}));
  // A new field without a default, the other way round.
  EXPECT_FALSE(may(Compatibility::kBackward, kRequires, {&kWider}));
  EXPECT_TRUE(may(Compatibility::kForward, kRequires, {&kWider}));
  EXPECT_FALSE(may(Compatibility::kFull, kRequires, {&kWider}));
  EXPECT_TRUE(may(Compatibility::kFull, kOptional, {&kWider}));
  EXPECT_TRUE(may(Compatibility::kNone, kRequires, {&kFirst}));
  EXPECT_TRUE(may(Compatibility::kFullTransitive, kRequires, {}));
  // Not transitive: only the last one counts.
  EXPECT_TRUE(may(Compatibility::kForward, kRequires, {&kFirst, &kWider}));
  EXPECT_FALSE(may(Compatibility::kForwardTransitive, kRequires, {&kFirst, &kWider}));
  const Schema again = {5, {{"id", "int"}}};
  EXPECT_FALSE(may(Compatibility::kBackward, again, {&kFirst, &kWider}));
  EXPECT_TRUE(may(Compatibility::kBackwardTransitive, kOptional, {&kFirst, &kWider}));
}

}  // namespace
}  // namespace freshet
