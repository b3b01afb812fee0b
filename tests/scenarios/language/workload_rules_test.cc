// What the text says about event times, formats and schemas and cannot mean.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/scenarios/language/scenario_text.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> Shop(const std::string& text) {
  return ProblemsOf(Small("event_size: \"1KiB\"", "event_size: \"1KiB\" " + text));
}

std::string Registry(const std::string& subjects) {
  return "component { name: \"registry\" schema_registry { request_latency { constant: \"5ms\" } " +
         subjects + " } }\n";
}
const char kOrders[] =
    "subject { name: \"orders-value\" version { number: 1 field { name: \"id\" type: \"long\" } } "
    "version { number: 2 field { name: \"id\" type: \"string\" } } }";

std::vector<std::string> WithSchema(const std::string& schema, const std::string& subjects,
                                    const std::string& more = "") {
  return ProblemsOf(Small("event_size: \"1KiB\"",
                          "event_size: \"1KiB\" schema { registry: \"registry\" " + schema + " }") +
                    Registry(subjects) + more);
}

TEST(WorkloadRulesTest, EventTimes) {
  EXPECT_THAT(Shop("event_time { lateness { share: \"9\" delay { constant: \"0s\" } } "
                   "lateness { share: \"1\" delay { exponential { mean: \"65s\" } } } "
                   "clock_skew { normal { mean: \"0s\" sd: \"1s\" } } clocks_ahead: \"10%\" "
                   "offline { event_at: \"1min\" sent_at: \"5min\" } } poison_share: \"0.1%\" "
                   "payload { format: AVRO stated_as: JSON }"),
              IsEmpty());
  EXPECT_THAT(Shop("event_time {}"), ElementsAre(HasSubstr("warning: event_time says nothing")));
  EXPECT_THAT(Shop("event_time { lateness { share: \"0\" delay { constant: \"1s\" } } }"),
              ElementsAre(HasSubstr("all classes of lateness have the share 0")));
  EXPECT_THAT(Shop("event_time { lateness { share: \"1\" } }"), ElementsAre(HasSubstr("delay")));
  EXPECT_THAT(Shop("event_time { lateness { share: \"-1\" delay { constant: \"1s\" } } }"),
              ElementsAre(HasSubstr("-1")));
  EXPECT_THAT(Shop("event_time { clocks_ahead: \"1\" offline { event_at: \"1s\" sent_at: \"2s\" } "
                   "}"),
              ElementsAre(HasSubstr("warning: clocks_ahead changes nothing without clock_skew")));
  std::string classes;
  for (int i = 0; i < 9; ++i) classes += "lateness { share: \"1\" delay { constant: \"1s\" } } ";
  EXPECT_THAT(Shop("event_time { " + classes + "}"),
              ElementsAre(HasSubstr("lateness has 9 classes; at most 8")));
}

TEST(WorkloadRulesTest, OfflineRecordsAreSentAfterTheirEvents) {
  EXPECT_THAT(Shop("event_time { offline { event_at: \"2min\" sent_at: \"1min\" } }"),
              ElementsAre(HasSubstr("sent_at 1min is before event_at 2min")));
  EXPECT_THAT(Shop("event_time { offline { event_at: \"2min\" sent_at: \"10min\" } }"),
              ElementsAre(HasSubstr("warning: sent_at 10min is not before run_for 10min")));
}

TEST(WorkloadRulesTest, PoisonIsAShareBelowAHalf) {
  EXPECT_THAT(Shop("poison_share: \"60%\""), ElementsAre(HasSubstr("60%")));
}

TEST(WorkloadRulesTest, SchemasAreInARegistry) {
  EXPECT_THAT(WithSchema("", kOrders), IsEmpty());
  EXPECT_THAT(WithSchema("version: 3", kOrders),
              ElementsAre(HasSubstr("subject \"orders-value\" has no version 3")));
  EXPECT_THAT(WithSchema("subject: \"orders-key\"", kOrders),
              ElementsAre(HasSubstr("\"registry\" has no subject \"orders-key\"")));
  EXPECT_THAT(Shop("schema { registry: \"audit\" }"),
              ElementsAre(HasSubstr("\"audit\" is no registry")));
  EXPECT_THAT(ProblemsOf(Small("event_size: \"1KiB\"",
                               "event_size: \"1KiB\" schema { registry: \"registry\" } payload { "
                               "format: JSON stated_as: JSON }") +
                         Registry(kOrders)),
              ElementsAre(HasSubstr("the records are JSON, and the subject \"orders-value\" is "
                                    "AVRO")));
}

TEST(WorkloadRulesTest, RegistriesSayEachThingOnce) {
  const std::string twice = std::string(kOrders) + " " + kOrders;
  EXPECT_THAT(WithSchema("", twice),
              ElementsAre(HasSubstr("subject \"orders-value\" is stated twice")));
  EXPECT_THAT(WithSchema("",
                         "subject { name: \"orders-value\" version { number: 1 field { name: "
                         "\"id\" type: \"long\" } field { name: \"id\" type: \"int\" } } "
                         "version { number: 1 field { name: \"id\" type: \"int\" } } }"),
              ElementsAre(HasSubstr("field \"id\" is in the version twice"),
                          HasSubstr("version 1 of \"orders-value\" is stated twice")));
  EXPECT_THAT(WithSchema("",
                         "subject { name: \"orders-value\" format: JSON version { number: 1 "
                         "field { name: \"id\" type: \"integer\" } } }"),
              ElementsAre(HasSubstr("JSON without a schema has no subject")));
}

TEST(WorkloadRulesTest, DeploymentsAreOfVersionsThatThereAre) {
  const auto deploying = [](const std::string& text) {
    return WithSchema("", kOrders,
                      "operation { at: \"1min\" deploy_producers { " + text + " } }\n");
  };
  EXPECT_THAT(deploying("producers: \"shop\" version: 2 on_refusal: ROLL_BACK"), IsEmpty());
  EXPECT_THAT(deploying("producers: \"shop\" version: 3 on_refusal: FAIL"),
              ElementsAre(HasSubstr("has no version 3")));
  EXPECT_THAT(deploying("producers: \"audit\" version: 2 on_refusal: FAIL"),
              ElementsAre(HasSubstr("\"audit\" is no component of producers")));
  EXPECT_THAT(ProblemsOf(SmallScenario() +
                         "operation { at: \"1min\" deploy_producers { producers: \"shop\" "
                         "version: 2 on_refusal: FAIL } }\n"),
              ElementsAre(HasSubstr("\"shop\" has no schema; give it one")));
}

}  // namespace
}  // namespace freshet
