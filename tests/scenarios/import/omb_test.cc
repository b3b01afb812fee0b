// Workloads and drivers of the OpenMessaging Benchmark, written here in the shape that its users
// have them. FRESHET_OMB_DIR may point at a checkout of the benchmark: then all of its are tried.
#include "scenarios/import/omb.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "scenarios/language/load.h"

namespace freshet {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kWorkload = R"(# A fixed rate.
name: 100-partitions-200K-rate

topics: 1
partitionsPerTopic: 100
messageSize: 1024
payloadFile: "payload/payload-1Kb.data"
subscriptionsPerTopic: 1
consumerPerSubscription: 4
producersPerTopic: 4
producerRate: 200000
consumerBacklogSizeGB: 0
testDurationMinutes: 10
)";

constexpr const char* kSyncDriver = R"(# fsync for every batch
name: Kafka
driverClass: io.openmessaging.benchmark.driver.kafka.KafkaBenchmarkDriver
replicationFactor: 3
reset: true

topicConfig: |
  min.insync.replicas=2
  flush.messages=1
  flush.ms=0
commonConfig: |
  bootstrap.servers=localhost:9092
  request.timeout.ms=120000
producerConfig: |
  acks=all
  linger.ms=1
  batch.size=131072
consumerConfig: |
  group.id=benchGroup
  auto.offset.reset=earliest
  enable.auto.commit=false
  max.partition.fetch.bytes=131072
)";

constexpr const char* kExactlyOnceDriver = R"(name: Kafka-exactly-once
driverClass: io.openmessaging.benchmark.driver.kafka.KafkaBenchmarkDriver
replicationFactor: 3
topicConfig: |
  min.insync.replicas=2
commonConfig: |
  bootstrap.servers=localhost:9092
producerConfig: |
  enable.idempotence=true
  max.in.flight.requests.per.connection=1
  retries=2147483647
  acks=all
  linger.ms=1
  batch.size=1048576
consumerConfig: |
  auto.offset.reset=earliest
  enable.auto.commit=false
  max.partition.fetch.bytes=10485760
)";

constexpr const char* kThroughputDriver = R"(name: Kafka
driverClass: io.openmessaging.benchmark.driver.kafka.KafkaBenchmarkDriver

# Kafka client-specific configuration
replicationFactor: 3

topicConfig: |
  min.insync.replicas=2

commonConfig: |
  bootstrap.servers=localhost:9092
  default.api.timeout.ms=1200000
  request.timeout.ms=1200000

producerConfig: |
  acks=all
  linger.ms=1
  batch.size=1048576

consumerConfig: |
  auto.offset.reset=earliest
  enable.auto.commit=false
  max.partition.fetch.bytes=10485760
)";

std::string With(const char* text, const char* from, const char* to) {
  EXPECT_THAT(text, HasSubstr(from));
  return absl::StrReplaceAll(text, {{from, to}});
}

std::string ReadText(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

class OmbTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(::testing::TempDir()) /
            absl::StrCat("freshet_omb_", getpid(), "_",
                         ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  void TearDown() override { fs::remove_all(root_); }

  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(root_ / name, std::ios::binary) << text;
    return (root_ / name).string();
  }

  ImportResult Import(const std::string& workload, const std::string& driver,
                      const std::string& brokers = FRESHET_BROKERS,
                      const ImportOmbOptions& options = {}) {
    const absl::StatusOr<ImportResult> result =
        ImportOmb(Write("workload.yaml", workload), Write("driver.yaml", driver), brokers, options);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.value_or(ImportResult());
  }

  // What is wrong with a workload (with a good driver), or with both.
  std::vector<std::string> Problems(const std::string& workload,
                                    const std::string& driver = kThroughputDriver) {
    return Told(Import(workload, driver).problems);
  }

  static std::vector<std::string> Told(const std::vector<Problem>& problems) {
    std::vector<std::string> lines;
    for (Problem problem : problems) {
      problem.file = fs::path(problem.file).filename();
      lines.push_back(ToText(problem));
    }
    return lines;
  }

  static std::vector<std::string> Notes(const ImportResult& result, ImportNote::Kind kind) {
    std::vector<std::string> lines;
    for (ImportNote note : result.notes) {
      note.file = fs::path(note.file).filename();
      if (note.kind == kind) lines.push_back(ToText(note));
    }
    return lines;
  }

  // The problems of the scenario itself.
  static std::vector<std::string> Loading(const ImportResult& result,
                                          const LoadOptions& options = {}) {
    return Told(LoadText(result.scenario_text, "out.textproto", options).problems);
  }

  // The scenario, defaults filled in.
  static v1::Scenario Loaded(const ImportResult& result) {
    return LoadText(result.scenario_text, "out.textproto").scenario;
  }

  fs::path root_;
};

TEST_F(OmbTest, AWorkloadAndADriverMakeAScenarioThatLoads) {
  for (const char* driver : {kSyncDriver, kExactlyOnceDriver, kThroughputDriver}) {
    const ImportResult result = Import(kWorkload, driver);
    EXPECT_THAT(Told(result.problems), IsEmpty());
    EXPECT_THAT(Loading(result), IsEmpty());
  }
}

TEST_F(OmbTest, TheFieldsSayWhatTheFilesSay) {
  const v1::Scenario scenario = Loaded(Import(kWorkload, kSyncDriver));
  EXPECT_EQ(scenario.name(), "omb-100-partitions-200k-rate");
  EXPECT_EQ(scenario.run_for(), "11min");
  EXPECT_EQ(scenario.warm_up(), "1min");
  ASSERT_EQ(scenario.topic_size(), 1);
  EXPECT_EQ(scenario.topic(0).partitions(), 100u);
  EXPECT_EQ(scenario.topic(0).replication_factor(), 3u);
  EXPECT_EQ(scenario.topic(0).min_insync_replicas(), 2u);
  EXPECT_EQ(scenario.topic(0).flush_messages(), 1u);
  ASSERT_EQ(scenario.component_size(), 3);
  const v1::Producers& producers = scenario.component(0).producers();
  EXPECT_EQ(producers.clients(), 4u);
  EXPECT_EQ(producers.rate(), "200k/s");
  EXPECT_TRUE(producers.arrivals().has_constant());
  EXPECT_EQ(producers.event_size(), "1KiB");
  EXPECT_EQ(producers.acks(), v1::Producers::ALL);
  EXPECT_EQ(producers.linger(), "1ms");
  EXPECT_EQ(producers.batch_size(), "128KiB");
  EXPECT_EQ(producers.request_timeout(), "2min");
  EXPECT_TRUE(producers.keys().has_none());
  const v1::Consumers& consumers = scenario.component(1).consumers();
  EXPECT_EQ(consumers.members(), 4u);
  EXPECT_EQ(consumers.start_from(), v1::Consumers::EARLIEST);
  EXPECT_FALSE(consumers.auto_commit());
  EXPECT_EQ(consumers.max_partition_fetch_bytes(), "128KiB");
  EXPECT_EQ(scenario.component(2).kafka().num_replica_fetchers(), 8u);
}

TEST_F(OmbTest, TheVersionDecidesAboutWhatTheDriverLeavesOut) {
  const std::string driver = With(kSyncDriver, "  acks=all\n", "");
  const v1::Scenario old = Loaded(Import(kWorkload, driver, FRESHET_BROKERS, {"2.8"}));
  EXPECT_EQ(old.component(0).producers().acks(), v1::Producers::LEADER);
  EXPECT_EQ(Loaded(Import(kWorkload, driver)).component(0).producers().acks(), v1::Producers::ALL);
  EXPECT_THAT(Told(Import(kWorkload, driver, FRESHET_BROKERS, {"1.0"}).problems),
              ElementsAre(HasSubstr("--kafka-version: \"1.0\" is unknown; write \"4.0\"")));
}

TEST_F(OmbTest, EverySettingIsAccountedFor) {
  const ImportResult result = Import(kWorkload, kSyncDriver);
  EXPECT_EQ(Coverage(result), "23 of 27 settings used");
  EXPECT_THAT(Notes(result, ImportNote::kNotModelled),
              ElementsAre(HasSubstr("workload.yaml:7:1: payloadFile: contents are not simulated"),
                          HasSubstr("driver.yaml:10:3: flush.ms: an interval of 0 ms"),
                          HasSubstr("driver.yaml:12:3: bootstrap.servers: a simulated client"),
                          HasSubstr("driver.yaml:19:3: group.id: the benchmark itself replaces")));
  for (const ImportNote& note : result.notes) {
    if (note.kind == ImportNote::kNotModelled) {
      EXPECT_THAT(result.scenario_text, HasSubstr(absl::StrCat(note.key, ":")));
    }
  }
}

TEST_F(OmbTest, UnknownKeysAreNamedWithTheirPlaceAndTheNearestKnownOne) {
  const ImportResult result =
      Import(absl::StrCat(kWorkload, "producersPerTopics: 4\nquark: 1\n"),
             With(kThroughputDriver, "linger.ms=1", "linger.mss=1\n  fetch.min.bytes=1"));
  EXPECT_THAT(Told(result.problems), IsEmpty());
  const std::vector<std::string> notes = Notes(result, ImportNote::kNotModelled);
  EXPECT_THAT(notes, Contains("workload.yaml:14:1: producersPerTopics: not a key of the benchmark; "
                              "did you mean \"producersPerTopic\"?"));
  EXPECT_THAT(notes, Contains("workload.yaml:15:1: quark: not a key of the benchmark"));
  EXPECT_THAT(notes, Contains("driver.yaml:17:3: linger.mss: unknown to Kafka and to Freshet; did "
                              "you mean \"linger.ms\"?"));
  EXPECT_THAT(notes, Contains("driver.yaml:18:3: fetch.min.bytes: a setting of consumers, without "
                              "effect in producerConfig"));
  EXPECT_THAT(notes,
              Contains("driver.yaml:12:3: default.api.timeout.ms: a setting of Kafka that has "
                       "no counterpart in a scenario"));
}

TEST_F(OmbTest, EveryMistakeIsToldAtOnce) {
  EXPECT_THAT(
      Problems(With(kWorkload, "producerRate: 200000", "producerRate: 20k\nmessageSize: 7"),
               kThroughputDriver),
      ElementsAre(
          "workload.yaml:12:1: \"messageSize\" is stated twice, first in line 6; delete one"));
  EXPECT_THAT(
      Problems(With(kWorkload, "producerRate: 200000", "producerRate: 20k\nkeyDistributor: NOKEY"),
               With(kThroughputDriver, "linger.ms=1", "linger.ms=one")),
      ElementsAre("driver.yaml:17:3: linger.ms=one: \"one\" is not a number of milliseconds; write "
                  "digits, such as 5",
                  "workload.yaml:11:15: producerRate: \"20k\" is not a whole number; write digits",
                  "workload.yaml:12:17: keyDistributor: \"NOKEY\" is unknown; write one of "
                  "\"NO_KEY\", \"KEY_ROUND_ROBIN\" and \"RANDOM_NANO\""));
  EXPECT_EQ(Import("topics: 1\n", kThroughputDriver).scenario_text, "");
}

TEST_F(OmbTest, WhatAWorkloadMustStateIsMissed) {
  EXPECT_THAT(Problems("topics: 0\nmessageSize: 1024\nproducersPerTopic: -1\n"),
              ElementsAre("workload.yaml:1:1: the file does not state partitionsPerTopic; add it",
                          "workload.yaml:1:1: the file does not state producerRate; add it",
                          "workload.yaml:1:1: the file does not state testDurationMinutes; add it",
                          HasSubstr("workload.yaml:1:9: topics: 0 is not between 1 and"),
                          HasSubstr("workload.yaml:3:20: producersPerTopic: -1 is not between")));
  EXPECT_THAT(Problems(kWorkload, With(kThroughputDriver, "KafkaBenchmarkDriver", "PulsarDriver")),
              ElementsAre(HasSubstr("is not the driver for Kafka")));
}

TEST_F(OmbTest, AMissingFileIsTheWorldsError) {
  const std::string workload = Write("workload.yaml", kWorkload);
  EXPECT_TRUE(absl::IsNotFound(ImportOmb(workload, (root_ / "none.yaml").string()).status()));
  EXPECT_THAT(Told(ImportOmb(workload, root_.string())->problems),
              ElementsAre(HasSubstr("this is a directory")));
}

TEST_F(OmbTest, AKeyStatedTwiceInABlockIsWarnedAbout) {
  const ImportResult result =
      Import(kWorkload, With(kThroughputDriver, "linger.ms=1", "linger.ms=1\n  linger.ms=7"));
  EXPECT_THAT(Told(result.problems),
              ElementsAre("driver.yaml:18:3: warning: linger.ms is stated twice, first in line 17; "
                          "the last one counts, as in Java, so delete the other"));
  EXPECT_EQ(Loaded(result).component(0).producers().linger(), "7ms");
}

TEST_F(OmbTest, AClientsOwnBlockOverridesTheCommonOne) {
  const ImportResult result = Import(
      kWorkload, With(kThroughputDriver, "linger.ms=1", "linger.ms=1\n  request.timeout.ms=5000"));
  EXPECT_EQ(Loaded(result).component(0).producers().request_timeout(), "5s");
  EXPECT_THAT(Notes(result, ImportNote::kNotModelled),
              Contains("driver.yaml:13:3: request.timeout.ms: line 18 states another value, which "
                       "counts"));
}

TEST_F(OmbTest, TheRateIsSpreadOverTheTopics) {
  std::string workload = With(kWorkload, "topics: 1\n", "topics: 3\n");
  workload = With(workload.c_str(), "subscriptionsPerTopic: 1", "subscriptionsPerTopic: 2");
  const ImportResult result = Import(workload, kThroughputDriver);
  EXPECT_THAT(Told(result.problems), IsEmpty());
  EXPECT_THAT(Loading(result), IsEmpty());
  const v1::Scenario scenario = Loaded(result);
  ASSERT_EQ(scenario.topic_size(), 3);
  ASSERT_EQ(scenario.component_size(), 3 * (1 + 2) + 1);
  EXPECT_EQ(scenario.topic(2).name(), "test-topic-0002");
  EXPECT_EQ(scenario.component(6).name(), "producers-0002");
  EXPECT_EQ(scenario.component(6).producers().rate(), "66666.666666/s");
  EXPECT_EQ(scenario.component(6).producers().linger(), "1ms");
  EXPECT_EQ(scenario.component(8).name(), "sub-001-0002");
  EXPECT_EQ(scenario.component(8).consumers().reads(), "test-topic-0002");
}

TEST_F(OmbTest, TooManyTopicsAreRefusedWhereTheyAreStated) {
  EXPECT_THAT(
      Problems(With(kWorkload, "topics: 1\n", "topics: 300\n")),
      ElementsAre("workload.yaml:4:9: topics: 300 topics make 601 components, and a scenario "
                  "has at most 500; state fewer topics with more partitions each"));
}

TEST_F(OmbTest, MembersWithoutAPartitionAreLeftOut) {
  const ImportResult result = Import(
      With(kWorkload, "partitionsPerTopic: 100", "partitionsPerTopic: 3"), kThroughputDriver);
  EXPECT_THAT(Loading(result), IsEmpty());
  EXPECT_EQ(Loaded(result).component(1).consumers().members(), 3u);
  EXPECT_THAT(Notes(result, ImportNote::kAssumed), Contains(HasSubstr("members: 3 of 4")));
}

TEST_F(OmbTest, AWorkloadWithoutReadersHasNoGroup) {
  const ImportResult result = Import(
      With(kWorkload, "subscriptionsPerTopic: 1", "subscriptionsPerTopic: 0"), kThroughputDriver);
  EXPECT_EQ(Loaded(result).component_size(), 2);
  EXPECT_THAT(Loading(result), IsEmpty());
}

TEST_F(OmbTest, ASearchForTheHighestRateLeavesTheRateToTheAuthor) {
  for (const char* rate : {"0", "10000000"}) {
    const ImportResult result = Import(With(kWorkload, "200000", rate), kThroughputDriver);
    EXPECT_TRUE(result.ok());
    EXPECT_THAT(Told(result.problems),
                ElementsAre(HasSubstr(
                    absl::StrCat("workload.yaml:11:15: warning: producerRate ", rate, " means "))));
    EXPECT_THAT(Loading(result), ElementsAre(HasSubstr("the producers have no rate; state it")));
    LoadOptions options;
    options.sets = {"component[producers].producers.rate=200k/s"};
    EXPECT_THAT(Loading(result, options), IsEmpty());
  }
}

TEST_F(OmbTest, KeysAreUniformAndCarryTheirBytes) {
  for (const char* law : {"KEY_ROUND_ROBIN", "RANDOM_NANO"}) {
    const ImportResult result =
        Import(absl::StrCat(kWorkload, "keyDistributor: ", law, "\n"), kThroughputDriver);
    EXPECT_THAT(Loading(result), IsEmpty());
    const v1::Scenario scenario = Loaded(result);
    EXPECT_EQ(scenario.component(0).producers().keys().uniform().count(), 10'000u);
    EXPECT_EQ(scenario.component(0).producers().event_size(), "1034B");
  }
}

TEST_F(OmbTest, ABacklogIsNamedAsNotModelled) {
  const ImportResult result = Import(
      With(kWorkload, "consumerBacklogSizeGB: 0", "consumerBacklogSizeGB: 512"), kThroughputDriver);
  EXPECT_TRUE(result.ok());
  EXPECT_THAT(Notes(result, ImportNote::kNotModelled),
              Contains(HasSubstr("workload.yaml:12:1: consumerBacklogSizeGB: building a backlog of "
                                 "512 GB")));
}

TEST_F(OmbTest, ACodecAsksForWhatTheDriverCannotKnow) {
  const ImportResult result =
      Import(kWorkload, With(kThroughputDriver, "acks=all", "acks=all\n  compression.type=zstd"));
  EXPECT_THAT(Told(result.problems),
              ElementsAre(HasSubstr("driver.yaml:17:3: warning: compression.type=zstd needs "
                                    "compression.ratio")));
  EXPECT_THAT(Loading(result), ElementsAre(HasSubstr("codec ZSTD needs ratio")));
}

TEST_F(OmbTest, WithoutBrokersTheScenarioAsksForThem) {
  const ImportResult result = Import(kWorkload, kSyncDriver, "");
  EXPECT_TRUE(result.ok());
  EXPECT_THAT(result.scenario_text, HasSubstr("# REQUIRED: the brokers"));
  std::vector<std::string> lines = Loading(result);
  ASSERT_FALSE(lines.empty());
  for (const std::string& line : lines) EXPECT_THAT(line, Not(HasSubstr("warning")));
  EXPECT_THAT(lines, Contains(HasSubstr("brokers")));
}

TEST_F(OmbTest, ABrokersFileKeepsToBrokers) {
  const std::string brokers = ReadText(FRESHET_BROKERS);
  EXPECT_THAT(
      Told(Import(kWorkload, kSyncDriver, Write("b.textproto", "run_for: \"1h\"\n" + brokers))
               .problems),
      ElementsAre("b.textproto:1:1: a brokers file does not state run_for; keep to zones, "
                  "network and the component of the brokers"));
  EXPECT_THAT(Told(Import(kWorkload, kSyncDriver, Write("b.textproto", "zones: \"a\"\n")).problems),
              ElementsAre(HasSubstr("b.textproto:1:1: the file has no brokers")));
  EXPECT_THAT(Told(Import(kWorkload, kSyncDriver, Write("b.textproto", "zone: \"a\"\n")).problems),
              Contains(HasSubstr("b.textproto:1:1: ")));
}

TEST_F(OmbTest, NamesCannotBreakOutOfTheirComments) {
  const ImportResult result = Import(With(kWorkload, "name: 100-partitions-200K-rate",
                                          "name: \"a\\nrun_for: '1s' \\\"b\\\" \\u00e9\""),
                                     kSyncDriver);
  EXPECT_THAT(Loading(result), IsEmpty());
  EXPECT_THAT(Loaded(result).question(), HasSubstr("a\nrun_for: '1s' \"b\" \u00e9"));
  EXPECT_EQ(Loaded(result).run_for(), "11min");
}

// To renew it: FRESHET_UPDATE_GOLDEN=1 in the environment; then read the diff like code.
TEST_F(OmbTest, TheTextIsTheGoldenOne) {
  const std::string text = Import(kWorkload, kSyncDriver).scenario_text;
  EXPECT_EQ(text, Import(kWorkload, kSyncDriver).scenario_text);
  if (std::getenv("FRESHET_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(FRESHET_IMPORT_GOLDEN, std::ios::binary) << text;
  }
  EXPECT_EQ(text, ReadText(FRESHET_IMPORT_GOLDEN));
}

TEST_F(OmbTest, AllPublishedWorkloadsImport) {
  const char* folder = std::getenv("FRESHET_OMB_DIR");
  if (folder == nullptr) {
    GTEST_SKIP() << "FRESHET_OMB_DIR does not name a folder with workloads and drivers";
  }
  std::vector<std::string> workloads, drivers;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".yaml") continue;
    const std::string text = ReadText(entry.path());
    if (absl::StrContains(text, "producersPerTopic:") && absl::StrContains(text, "topics:")) {
      workloads.push_back(entry.path());
    }
    if (absl::StrContains(text, "KafkaBenchmarkDriver")) drivers.push_back(entry.path());
  }
  std::sort(workloads.begin(), workloads.end());
  std::sort(drivers.begin(), drivers.end());
  ASSERT_FALSE(workloads.empty());
  ASSERT_FALSE(drivers.empty());
  // Each workload with one driver, each driver with one workload.
  for (size_t i = 0; i < std::max(workloads.size(), drivers.size()); ++i) {
    const std::string& workload = workloads[i % workloads.size()];
    const std::string& driver = drivers[i % drivers.size()];
    const absl::StatusOr<ImportResult> result = ImportOmb(workload, driver, FRESHET_BROKERS);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_FALSE(HasError(result->problems)) << workload << "\n" << Report(result->problems);
    // What it warns about is what the scenario then misses.
    if (result->problems.empty()) {
      const LoadResult loaded = LoadText(result->scenario_text, workload);
      EXPECT_TRUE(loaded.ok()) << Report(loaded.problems);
    }
  }
}

}  // namespace
}  // namespace freshet
