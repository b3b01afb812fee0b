#include "scenarios/language/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "scenarios/language/reference.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

TEST(ExplainTest, AFieldTellsItsFacts) {
  EXPECT_EQ(
      *Explain("producers.linger"),
      "component.producers.linger\n"
      "  How long a batch waits for more records, from its first. A full batch leaves at once.\n"
      "  unit      a duration\n"
      "  default   5ms (before Kafka 4.0: 0ms)\n"
      "  range     0ms to 1h\n"
      "  key       linger.ms\n"
      "  source    KSRC, KIP1030\n");
}

TEST(ExplainTest, PathsAndTheirEndsAreFound) {
  EXPECT_EQ(*Explain("component.producers.linger"), *Explain("producers.linger"));
  EXPECT_THAT(*Explain("linger"), HasSubstr(*Explain("producers.linger")));
  EXPECT_THAT(*Explain("fetch_max_bytes"), HasSubstr("component.consumers.fetch_max_bytes\n"));
  EXPECT_THAT(*Explain("fetch_max_bytes"), HasSubstr("component.kafka.fetch_max_bytes\n"));
  EXPECT_THAT(*Explain("pareto.alpha"), HasSubstr("Tail exponent"));
  EXPECT_THAT(*Explain("kafka"), HasSubstr("fields    brokers, zones"));
  EXPECT_THAT(*Explain("acks"), HasSubstr("one of ALL, LEADER, NONE"));
  EXPECT_THAT(*Explain("acks"), HasSubstr("ALL (before Kafka 3.0: LEADER)"));
  EXPECT_THAT(*Explain("producers.topic"), HasSubstr("a name of a topic"));
}

TEST(ExplainTest, AnUnknownFieldIsAnsweredWithTheNearest) {
  const absl::Status status = Explain("producers.lingr").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(std::string(status.message()),
            "no field \"producers.lingr\"; did you mean \"component.producers.linger\"?");
  EXPECT_THAT(std::string(Explain("").status().message()), HasSubstr("docs/reference/scenario.md"));
}

TEST(ReferenceTest, TheCommittedPageIsTheGeneratedOne) {
  std::ifstream file(FRESHET_REFERENCE_PAGE);
  std::stringstream page;
  page << file.rdbuf();
  EXPECT_EQ(page.str(), ReferencePage())
      << "run freshet_reference_tool > docs/reference/scenario.md";
}

}  // namespace
}  // namespace freshet
