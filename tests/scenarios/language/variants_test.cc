#include "scenarios/language/variants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "scenarios/language/defaults.h"
#include "tests/scenarios/language/scenario_text.h"

namespace freshet {

using v1::Producers;
using v1::Scenario;
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

LoadResult Loaded(const std::string& text, const std::vector<std::string>& sets = {}) {
  LoadOptions options;
  options.sets = sets;
  return LoadText(text, "test.textproto", options);
}

TEST(VariantsTest, AScenarioWithoutVariantsIsOneWithoutAName) {
  const LoadResult result = Loaded(SmallScenario());
  ASSERT_THAT(result.variants, SizeIs(1));
  EXPECT_EQ(result.variants[0].name, "");
}

TEST(VariantsTest, OverlaysMeetTheirElementByName) {
  const LoadResult result =
      Loaded(SmallScenario() +
             "variant { name: \"base\" }\n"
             "variant { name: \"big\" topic { name: \"orders\" partitions: 12 }\n"
             "  component { name: \"log\" kafka { brokers: 5 volume { bandwidth: \"1GiB/s\" } } }\n"
             "  component { name: \"extra\" consumers { reads: \"orders\" members: 1 } }\n"
             "  network { rtt_within_zone { constant: \"1ms\" } }\n"
             "  resolution { batches_per_parcel: 4 } }\n");
  EXPECT_THAT(Lines(result), IsEmpty());
  ASSERT_THAT(result.variants, SizeIs(2));
  const Scenario& base = result.variants[0].scenario;
  const Scenario& big = result.variants[1].scenario;
  EXPECT_EQ(base.topic(0).partitions(), 6u);
  EXPECT_EQ(big.topic(0).partitions(), 12u);
  EXPECT_EQ(big.topic(0).replication_factor(), 3u);  // Kept from the base.
  EXPECT_EQ(big.component(2).kafka().brokers(), 5u);
  EXPECT_EQ(big.component(2).kafka().volume().bandwidth(), "1GiB/s");
  EXPECT_EQ(big.component(2).kafka().volume().read_latency().constant(), "80us");
  EXPECT_EQ(big.component_size(), 4);
  EXPECT_EQ(big.network().rtt_within_zone().constant(), "1ms");
  EXPECT_EQ(base.resolution().batches_per_parcel(), 1u);
  EXPECT_EQ(big.resolution().batches_per_parcel(), 4u);
  EXPECT_TRUE(base.network().rtt_within_zone().has_lognormal());  // The default's shape.
  EXPECT_EQ(big.variant_size(), 0);
}

TEST(VariantsTest, AListReplacesAListAndAnotherShapeReplacesAShape) {
  const LoadResult result =
      Loaded(Small("members: 3", "members: 3 zones: 'a' zones: 'b'") + "zones: 'a' zones: 'b'\n" +
             "variant { name: 'v' component { name: 'audit' consumers { zones: 'b' } }\n"
             "  component { name: 'log' kafka { volume { read_latency { normal { mean: '1ms' sd: "
             "'1us' } } } } } }");
  EXPECT_THAT(Lines(result), IsEmpty());
  const Scenario& v = result.variants[0].scenario;
  EXPECT_THAT(v.component(1).consumers().zones(), ElementsAre("b"));
  EXPECT_TRUE(v.component(2).kafka().volume().read_latency().has_normal());
}

TEST(VariantsTest, AnotherKindReplacesTheComponent) {
  const LoadResult result = Loaded(SmallScenario() +
                                   "variant { name: 'v' component { name: 'audit' producers { "
                                   "clients: 1 topic: 'orders' rate: '1/s' event_size: '1B' } } }");
  EXPECT_THAT(Lines(result), IsEmpty());
  EXPECT_TRUE(result.variants[0].scenario.component(1).has_producers());
}

TEST(VariantsTest, TheBaseMayBeIncompleteWhenEveryVariantCompletesIt) {
  const std::string log =
      SmallScenario().substr(SmallScenario().find("component {\n  name: \"log\""));
  const std::string base = SmallScenario().substr(0, SmallScenario().find(log));
  EXPECT_THAT(ProblemsOf(base + "variant { name: 'v' " + log + "}"), IsEmpty());
  EXPECT_THAT(
      ProblemsOf(base + "variant { name: 'v' " + log + "} variant { name: 'w' }"),
      ElementsAre(AllOf(HasSubstr("no component holds the log"), HasSubstr("(variant \"w\")"))));
}

TEST(VariantsTest, AProblemOfOneVariantNamesItAndStandsWhereItWasWritten) {
  EXPECT_THAT(ProblemsOf(SmallScenario() + "variant { name: 'ok' }\nvariant { name: 'few'\n "
                                           "component { name: 'log' kafka { brokers: 2 } } }"),
              ElementsAre("3:38: topic \"orders\" wants 3 replicas of 2 brokers; lower "
                          "replication_factor or add brokers (variant \"few\")"));
  EXPECT_THAT(ProblemsOf(SmallScenario() + "variant { name: 'ok' }\nvariant { name: 'many'\n topic "
                                           "{ name: 'orders' replication_factor: 4 } }"),
              ElementsAre(StartsWith("15:25: topic \"orders\" wants 4 replicas")));
}

TEST(SetValueTest, ValuesAreSetByPath) {
  const LoadResult result = Loaded(
      SmallScenario() + "variant { name: 'v' component { name: 'log' kafka { brokers: 9 } } }",
      {"component[log].kafka.brokers=6", "topic[orders].partitions=12", "seed=7", "zones=a,b,c",
       "component[shop].producers.arrivals={constant{}}", "component[shop].producers.acks=LEADER",
       "component[audit].consumers.auto_commit=false",
       "component[log].kafka.volume.read_latency.exponential.mean=90us"});
  EXPECT_THAT(Lines(result), IsEmpty());
  for (const Scenario& scenario : {result.scenario, result.variants[0].scenario}) {
    EXPECT_EQ(scenario.component(2).kafka().brokers(), 6u);
    EXPECT_EQ(scenario.topic(0).partitions(), 12u);
    EXPECT_EQ(scenario.seed(), 7u);
    EXPECT_THAT(scenario.zones(), ElementsAre("a", "b", "c"));
    EXPECT_TRUE(scenario.component(0).producers().arrivals().has_constant());
    EXPECT_EQ(scenario.component(0).producers().acks(), Producers::LEADER);
    EXPECT_FALSE(scenario.component(1).consumers().auto_commit());
    EXPECT_EQ(scenario.component(2).kafka().volume().read_latency().exponential().mean(), "90us");
  }
}

TEST(SetValueTest, MistakesAreProblemsAtTheOverride) {
  const auto problem = [](const std::string& set) {
    const LoadResult result = Loaded(SmallScenario(), {set});
    return result.problems.size() == 1 ? Lines(result)[0]
                                       : absl::StrCat(result.problems.size(), " problems");
  };
  EXPECT_EQ(problem("seed"), "--set 1: \"seed\" has no \"=\"; write path=value");
  EXPECT_EQ(problem("sed=7"), "--set 1: Scenario has no field \"sed\"; did you mean \"seed\"?");
  EXPECT_EQ(
      problem("topic[order].partitions=3"),
      "--set 1: \"topic[order].partitions\" matches nothing in the scenario; closest: \"orders\"");
  EXPECT_EQ(problem("component[shop].kafka.brokers=3"),
            "--set 1: \"component[shop].kafka.brokers\" matches nothing in the scenario; \"shop\" "
            "is of another kind");
  EXPECT_THAT(problem("component[log].kafka.brokrs=3"), HasSubstr("did you mean \"brokers\"?"));
  EXPECT_THAT(problem("component[nobody].kafka.brokrs=3"), HasSubstr("did you mean \"brokers\"?"));
  EXPECT_THAT(problem("topic[orders].partitions=many"),
              HasSubstr("\"many\" is not a whole number"));
  EXPECT_THAT(problem("topic[orders].partitions=0"),
              HasSubstr("--set 1: topic[orders].partitions: 0 is too small"));
  EXPECT_THAT(problem("run_for=10"), HasSubstr("--set 1: run_for: \"10\" has no unit"));
  EXPECT_THAT(problem("recording=LOUD"), HasSubstr("choose OFF, STATE, SPANS, REQUESTS"));
  EXPECT_THAT(problem("topic.partitions=3"), HasSubstr("is a list; name the element: topic[name]"));
  EXPECT_THAT(problem("topic[orders]={}"), HasSubstr("cannot be set as a whole"));
  EXPECT_THAT(problem("seed[x]=3"), HasSubstr("is not a list"));
  EXPECT_THAT(problem("seed.x=3"), HasSubstr("has no fields of its own"));
  EXPECT_THAT(problem("network=3"), HasSubstr("is a block"));
  EXPECT_THAT(problem("topic[orders=3"), HasSubstr("without \"]\""));
  EXPECT_THAT(problem(".=3"), HasSubstr("empty part"));
  EXPECT_THAT(problem("include=x"), HasSubstr("cannot be set"));
}

TEST(SetValueTest, AnOverrideThatBreaksARuleIsBlamedForIt) {
  const LoadResult result =
      Loaded(SmallScenario(), {"seed=1", "topic[orders].replication_factor=4"});
  EXPECT_THAT(Lines(result), ElementsAre(StartsWith("--set 2: topic \"orders\" wants 4 replicas")));
}

TEST(DefaultsTest, DefaultsFollowTheKafkaVersion) {
  const auto producers = [](const std::string& version) {
    return LoadText(SmallScenario() + "kafka_version: \"" + version + "\"", "x")
        .variants[0]
        .scenario.component(0)
        .producers();
  };
  EXPECT_EQ(producers("4.0").linger(), "5ms");
  EXPECT_EQ(producers("3.9").linger(), "0ms");
  EXPECT_EQ(producers("3.9").acks(), Producers::ALL);
  EXPECT_TRUE(producers("3.9").idempotence());
  EXPECT_EQ(producers("2.8").linger(), "0ms");
  EXPECT_EQ(producers("2.8").acks(), Producers::LEADER);
  EXPECT_FALSE(producers("2.8").idempotence());
}

TEST(DefaultsTest, DefaultsFillWhatIsAbsentAndNothingElse) {
  const Scenario scenario =
      LoadText(Small("rate:", "linger: \"20ms\" retries: 0 rate:"), "x").variants[0].scenario;
  const Producers& producers = scenario.component(0).producers();
  EXPECT_EQ(producers.linger(), "20ms");
  EXPECT_EQ(producers.retries(), 0u);
  EXPECT_EQ(producers.batch_size(), "16KiB");
  EXPECT_TRUE(producers.arrivals().has_poisson());
  EXPECT_TRUE(producers.keys().has_none());
  EXPECT_EQ(producers.partitioner(), Producers::STICKY);
  EXPECT_EQ(scenario.component(1).consumers().group(), "audit");
  EXPECT_EQ(scenario.component(2).kafka().num_io_threads(), 8u);
  EXPECT_THAT(scenario.zones(), ElementsAre("a"));
  EXPECT_EQ(scenario.network().rtt_across_zones().normal().mean(), "1ms");
  Scenario again = scenario;
  ApplyDefaults(&again);
  EXPECT_EQ(again.SerializeAsString(), scenario.SerializeAsString());
}

TEST(DefaultsTest, ADeliveryTimeoutThatWasNotAskedForGivesWay) {
  const Scenario scenario =
      LoadText(Small("rate:", "request_timeout: \"5min\" rate:"), "x").variants[0].scenario;
  EXPECT_EQ(scenario.component(0).producers().delivery_timeout(), "300005ms");
}

TEST(CanonicalTest, EqualScenariosHaveOneAddress) {
  const auto address = [](const std::string& text) {
    return ContentAddress(LoadText(text, "x").variants[0].scenario);
  };
  const std::string here = address(SmallScenario());
  EXPECT_THAT(here, SizeIs(32));
  EXPECT_EQ(address(Small("10min", "600s")), here);
  EXPECT_EQ(address("# a comment\n" + Small("rate:", "linger: \"5ms\" rate:")), here);
  EXPECT_NE(address(Small("10min", "601s")), here);
}

TEST(CanonicalTest, TheCanonicalTextLoadsAsItself) {
  const Scenario scenario = LoadText(SmallScenario(), "x").variants[0].scenario;
  const std::string text = CanonicalText(scenario);
  const LoadResult again = LoadText(text, "y");
  EXPECT_THAT(Lines(again), IsEmpty());
  EXPECT_EQ(CanonicalText(again.variants[0].scenario), text);
}

}  // namespace
}  // namespace freshet
