// Rows of instance and volume types: what a component takes from them, and what is told when they
// do not fit.
#include "scenarios/language/catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "scenarios/language/defaults.h"
#include "tests/scenarios/language/scenario_text.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Lines matter: tests name them. The component is on line 9.
std::string WithRows(const std::string& kafka) {
  return absl::StrCat(
      R"(name: "rows"
run_for: "10min"
instance_type { name: "small" vcpus: 2 memory: "16GiB" network_baseline: "100MB/s" network_burst: "1GB/s" volume_path_baseline: "80MB/s" volume_path_burst: "1GB/s" volume_path_credits: "2TB" source: "us" }
instance_type { name: "local" vcpus: 8 memory: "64GiB" network_baseline: "1GB/s" volume_path_burst: "600MB/s" source: "us" }
volume_type { name: "ssd" kind: GP3 bandwidth: "125MB/s" iops: 3000 write_latency { constant: "2ms" } read_latency { constant: "1ms" } source: "us" }
volume_type { name: "nvme" kind: NVME bandwidth: "300MB/s" write_latency { constant: "125us" } read_latency { constant: "125us" } source: "us" }
topic { name: "orders" partitions: 6 replication_factor: 3 }
component { name: "shop" producers { clients: 2 topic: "orders" rate: "1k/s" event_size: "1KiB" } }
component { name: "log" kafka { brokers: 3 )",
      kafka, " } }\n");
}

v1::Kafka KafkaOf(const std::string& text) {
  const LoadResult result = LoadText(text, "test.textproto");
  EXPECT_THAT(Lines(result), IsEmpty());
  return result.variants.at(0).scenario.component(1).kafka();
}

TEST(CatalogueTest, AComponentTakesFromItsRowsWhatItDoesNotState) {
  const v1::Kafka kafka = KafkaOf(WithRows("instance: 'small' volume { type: 'ssd' }"));
  EXPECT_EQ(kafka.vcpus(), 2);
  EXPECT_EQ(kafka.memory(), "16GiB");
  EXPECT_EQ(kafka.network_bandwidth(), "100MB/s");
  EXPECT_EQ(kafka.network_burst(), "");  // Its bucket is not known.
  EXPECT_EQ(kafka.volume_path_baseline(), "80MB/s");
  EXPECT_EQ(kafka.volume_path_credits(), "2TB");
  EXPECT_EQ(kafka.volume().kind(), v1::Volume::GP3);
  EXPECT_EQ(kafka.volume().iops(), 3000);
  EXPECT_EQ(kafka.volume().write_latency().constant(), "2ms");
  EXPECT_EQ(kafka.volume().io_size(), "256KiB");  // The schema's default: the row has none.
}

TEST(CatalogueTest, WhatTheComponentStatesWins) {
  const v1::Kafka kafka =
      KafkaOf(WithRows("instance: 'small' vcpus: 3 network_bandwidth: '90MB/s' "
                       "volume { type: 'ssd' bandwidth: '250MB/s' write_latency { uniform { min: "
                       "'1ms' max: '2ms' } } }"));
  EXPECT_EQ(kafka.vcpus(), 3);
  EXPECT_EQ(kafka.network_bandwidth(), "90MB/s");
  EXPECT_EQ(kafka.volume_path_burst(), "1GB/s");
  EXPECT_EQ(kafka.volume().bandwidth(), "250MB/s");
  EXPECT_TRUE(kafka.volume().write_latency().has_uniform());
  EXPECT_EQ(kafka.volume().read_latency().constant(), "1ms");
}

TEST(CatalogueTest, AVariantMayNameAnotherRow) {
  const LoadResult result = LoadText(
      WithRows("instance: 'small' volume { type: 'ssd' }") +
          "variant { name: 'as_is' }\n"
          "variant { name: 'big' component { name: 'log' kafka { instance: 'local' volume { type: "
          "'nvme' } } } }\n",
      "test.textproto");
  EXPECT_THAT(Lines(result), IsEmpty());
  EXPECT_EQ(result.variants.at(0).scenario.component(1).kafka().vcpus(), 2);
  EXPECT_EQ(result.variants.at(1).scenario.component(1).kafka().vcpus(), 8);
  EXPECT_EQ(result.variants.at(1).scenario.component(1).kafka().volume().bandwidth(), "300MB/s");
}

TEST(CatalogueTest, TheCanonicalTextNeedsNoCatalogue) {
  const LoadResult result =
      LoadText(WithRows("instance: 'small' volume { type: 'ssd' }"), "test.textproto");
  const std::string text = CanonicalText(result.variants.at(0).scenario);
  EXPECT_THAT(text, Not(HasSubstr("instance_type")));
  const LoadResult again = LoadText(text, "again");
  EXPECT_THAT(Lines(again), IsEmpty());
  EXPECT_EQ(CanonicalText(again.variants.at(0).scenario), text);
}

// The same rows with shared storage, whose write-ahead log is on a volume.
std::string WithLogOnVolume(const std::string& volume) {
  std::string text = WithRows("");
  text = text.substr(0, text.find("component { name: \"log\""));
  return absl::StrCat(text,
                      "component { name: 'log' s3stream { brokers: 3 vcpus: 4 direct_memory: "
                      "'8GiB' network_bandwidth: '100MB/s' wal { kind: VOLUME capacity: '2GiB' "
                      "attach_time: '10s' volume { ",
                      volume, " } } } }\ncomponent { name: 's3' object_store { } }\n");
}

TEST(CatalogueTest, AVolumeOfAWriteAheadLogTakesFromItsRowToo) {
  const LoadResult result = LoadText(WithLogOnVolume("type: 'ssd' iops: 500"), "test.textproto");
  EXPECT_THAT(Lines(result), IsEmpty());
  const v1::Volume& volume = result.variants.at(0).scenario.component(1).s3stream().wal().volume();
  EXPECT_EQ(volume.kind(), v1::Volume::GP3);
  EXPECT_EQ(volume.bandwidth(), "125MB/s");
  EXPECT_EQ(volume.iops(), 500);
  EXPECT_EQ(volume.write_latency().constant(), "2ms");
  EXPECT_THAT(ProblemsOf(WithLogOnVolume("type: 'floppy'")),
              ElementsAre(HasSubstr("volume type \"floppy\" is no volume_type of the catalogue")));
  EXPECT_THAT(ProblemsOf(WithLogOnVolume("type: 'ssd' iops_credits: 9")),
              ElementsAre(HasSubstr("iops_credits 9 without a burst is never spent")));
  EXPECT_THAT(ProblemsOf(WithLogOnVolume("type: 'ssd' count: 2")),
              ElementsAre(HasSubstr("lies on one volume, not on 2; remove count")));
}

TEST(CatalogueTest, AnUnknownNameIsToldOnceWithTheClosest) {
  EXPECT_THAT(ProblemsOf(WithRows("instance: 'smal' volume { type: 'ssd' }")),
              ElementsAre("9:44: instance \"smal\" is no instance_type of the catalogue; closest: "
                          "\"small\""));
  EXPECT_THAT(ProblemsOf(WithRows("instance: 'small' volume { type: 'floppy' }")),
              ElementsAre("9:71: volume type \"floppy\" is no volume_type of the catalogue; there "
                          "is \"ssd\" and \"nvme\""));
}

TEST(CatalogueTest, WithoutACatalogueTheNamesAreLabels) {
  EXPECT_THAT(ProblemsOf(Small("vcpus: 4", "instance: 'x9.huge' vcpus: 4")), IsEmpty());
  EXPECT_THAT(ProblemsOf(Small("kind: NVME", "type: 'any' kind: NVME")), IsEmpty());
  EXPECT_THAT(
      ProblemsOf(Small("vcpus: 4", "instance: 'x9.huge'")),
      ElementsAre(
          HasSubstr("8:3: component[log].kafka has no vcpus"),
          "9:16: instance \"x9.huge\" is a mere label: the scenario has no catalogue; "
          "include \"library:catalogue/aws.textproto\", or state what is missing beside it"));
  EXPECT_THAT(ProblemsOf(Small("kind: NVME", "type: 'any'")),
              ElementsAre(HasSubstr("has no kind"), HasSubstr("10:14: volume type \"any\" is a")));
}

TEST(CatalogueTest, ANetworkVolumeNeedsABaselineOfItsPath) {
  const std::string told =
      "9:44: the catalogue does not know what the path of \"local\" to network volumes sustains; "
      "state volume_path_baseline beside it";
  EXPECT_THAT(ProblemsOf(WithRows("instance: 'local' volume { type: 'ssd' }")), ElementsAre(told));
  EXPECT_THAT(ProblemsOf(WithRows("instance: 'local' volume { type: 'nvme' }")), IsEmpty());
  EXPECT_THAT(ProblemsOf(WithRows(
                  "instance: 'local' volume_path_baseline: '200MB/s' volume { type: 'ssd' }")),
              IsEmpty());
}

TEST(CatalogueTest, ARowNeedsItsSourceAndANameOfItsOwn) {
  const std::string rows = WithRows("instance: 'small' volume { type: 'ssd' }");
  EXPECT_THAT(ProblemsOf(rows + "volume_type { name: 'gp9' kind: GP3 }\n"),
              ElementsAre(HasSubstr("10:1: volume_type[gp9] has no source; state it")));
  EXPECT_THAT(ProblemsOf(rows + "volume_type { name: 'ssd' kind: GP3 source: 'us' }\n"),
              ElementsAre(HasSubstr("10:1: volume_type \"ssd\" was already defined at line 5")));
}

TEST(BurstsTest, ABurstIsNotBelowItsBaseline) {
  EXPECT_THAT(ProblemsOf(WithRows("instance: 'small' network_burst: '99MB/s' network_credits: "
                                  "'1GB' volume { type: 'ssd' }")),
              ElementsAre("9:62: network_burst 99MB/s is below network_bandwidth 100MB/s; a burst "
                          "is at least what always holds"));
  // The row's burst against the author's baseline: the author's field is the one to look at.
  EXPECT_THAT(
      ProblemsOf(WithRows("instance: 'small' volume_path_baseline: '2GB/s' "
                          "volume { type: 'ssd' }")),
      ElementsAre(HasSubstr("9:62: volume_path_burst 1GB/s is below volume_path_baseline")));
  EXPECT_THAT(ProblemsOf(WithRows(
                  "instance: 'small' volume { type: 'ssd' iops_burst: 10 iops_credits: 5 }")),
              ElementsAre(HasSubstr("iops_burst 10 is below iops 3000")));
  // In a row nobody uses, too.
  EXPECT_THAT(ProblemsOf(WithRows("instance: 'small' volume { type: 'ssd' }") +
                         "volume_type { name: 'st1' kind: ST1 bandwidth: '80MB/s' bandwidth_burst: "
                         "'8MB/s' source: 'us' }\n"),
              ElementsAre(HasSubstr("10:57: bandwidth_burst 8MB/s is below bandwidth 80MB/s")));
}

TEST(BurstsTest, ARowThatIsSetFromOutsideIsJudgedToo) {
  LoadOptions options;
  options.sets = {"instance_type[small].volume_path_burst=1MB/s"};
  EXPECT_THAT(ProblemsOf(WithRows("instance: 'small' volume { type: 'ssd' }"), options),
              ElementsAre(HasSubstr("--set 1: volume_path_burst 1MB/s is below "
                                    "volume_path_baseline 80MB/s")));
}

TEST(BurstsTest, CreditsWithoutABurstAndABurstWithoutCreditsAreMistakes) {
  EXPECT_THAT(ProblemsOf(Small("vcpus: 4", "vcpus: 4 network_credits: '1GB'")),
              ElementsAre(HasSubstr("network_credits 1GB without a burst is never spent; state "
                                    "network_burst or leave it out")));
  EXPECT_THAT(ProblemsOf(Small("vcpus: 4", "vcpus: 4 network_burst: '1GB/s'")),
              ElementsAre(HasSubstr("network_burst 1GB/s would never hold without network_credits; "
                                    "state it")));
  EXPECT_THAT(ProblemsOf(Small("kind: NVME", "kind: GP3 iops_burst: 3000 iops_credits: 9")),
              ElementsAre(HasSubstr("iops_burst 3000 would never hold without iops; state it")));
  // A row may know the burst alone.
  EXPECT_THAT(ProblemsOf(WithRows("instance: 'small' network_credits: '1GB' "
                                  "volume { type: 'ssd' }")),
              IsEmpty());
}

TEST(BurstsTest, CreditsAtTheStartFitTheBucket) {
  EXPECT_THAT(ProblemsOf(WithRows("instance: 'small' volume_path_credits_at_start: '3TB' "
                                  "volume { type: 'ssd' }")),
              ElementsAre(HasSubstr("volume_path_credits_at_start 3TB is more than "
                                    "volume_path_credits 2TB, the whole bucket; lower it")));
  EXPECT_THAT(ProblemsOf(WithRows("instance: 'small' network_credits_at_start: '1GB' "
                                  "volume { type: 'ssd' }")),
              ElementsAre(HasSubstr("network_credits_at_start 1GB has no bucket; state "
                                    "network_credits")));
}

TEST(BurstsTest, APathThatNoVolumeUsesIsAWarning) {
  EXPECT_THAT(ProblemsOf(Small("vcpus: 4", "vcpus: 4 volume_path_baseline: '1GB/s'")),
              ElementsAre(HasSubstr("warning: volume_path_baseline changes nothing: volumes of "
                                    "kind NVME do not use the path; is that meant?")));
}

TEST(BurstsTest, MoreThanThePathSustainsIsAnOverload) {
  EXPECT_THAT(ProblemsOf(WithRows("instance: 'small' volume { type: 'ssd' iops: 500 } "
                                  "volume_path_baseline: '1MB/s'")),
              ElementsAre(HasSubstr("warning: overload: \"log\" is asked for 102% of its volume "
                                    "path")));
}

std::string AwsRows() {
  std::ifstream file(FRESHET_LIBRARY "/catalogue/aws.textproto");
  std::stringstream rows;
  rows << file.rdbuf();
  return rows.str();
}

// The small scenario on AWS's rows.
std::string OnAws(const std::string& kafka) {
  return AwsRows() + Small("brokers: 3 vcpus: 4 memory: \"32GiB\" network_bandwidth: \"200MiB/s\"",
                           "brokers: 3 " + kafka);
}

TEST(AwsCatalogueTest, EveryRowThatIsShippedCanBeUsed) {
  const std::string text = OnAws("instance: \"r6i.large\"");
  const LoadResult result = LoadText(text, "test.textproto");
  EXPECT_THAT(Lines(result), IsEmpty());
  ASSERT_GT(result.scenario.instance_type_size(), 30);
  for (const v1::InstanceType& row : result.scenario.instance_type()) {
    LoadOptions options;
    options.sets = {"component[log].kafka.instance=" + row.name()};
    if (row.volume_path_baseline().empty()) {
      options.sets.push_back("component[log].kafka.volume_path_baseline=200MB/s");
    }
    options.sets.push_back("component[log].kafka.volume.kind=GP3");
    options.sets.push_back("component[log].kafka.heap=1GiB");
    EXPECT_THAT(ProblemsOf(text, options), IsEmpty()) << row.name();
  }
}

// Import copies the fragment as it stands, so it is complete in itself. The row must not drift
// away.
TEST(AwsCatalogueTest, TheFragmentOfC1HasTheFiguresOfTheRow) {
  const std::string brokers = FRESHET_LIBRARY "/published/fragments/i3en.2xlarge.brokers.textproto";
  const absl::StatusOr<LoadResult> fragment = Load(brokers);
  ASSERT_TRUE(fragment.ok());
  const v1::Kafka& stated = fragment->scenario.component(0).kafka();
  std::string text = OnAws("instance: \"i3en.2xlarge\"");
  text = text.substr(0, text.rfind("volume {")) +
         "volume { type: \"i3en.2xlarge.nvme\" count: 2 }\n  }\n}\n";
  const LoadResult result = LoadText(text, "test.textproto");
  EXPECT_THAT(Lines(result), IsEmpty());
  v1::Kafka taken = result.variants.at(0).scenario.component(2).kafka();
  EXPECT_EQ(taken.vcpus(), stated.vcpus());
  EXPECT_EQ(taken.memory(), stated.memory());
  EXPECT_EQ(taken.network_bandwidth(), stated.network_bandwidth());
  taken.mutable_volume()->clear_type();
  EXPECT_EQ(taken.volume().DebugString(), stated.volume().DebugString());
}

}  // namespace
}  // namespace freshet
