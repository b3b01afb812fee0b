#include "scenarios/language/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_replace.h"
#include "scenarios/language/references.h"
#include "scenarios/language/topology.h"
#include "tests/scenarios/language/scenario_text.h"

namespace freshet {

using v1::Producers;
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

std::string Producers(const std::string& fields) {
  return Small("event_size: \"1KiB\"", absl::StrCat("event_size: \"1KiB\" ", fields));
}

TEST(RulesTest, ReplicasNeedBrokersAndInSyncReplicasNeedReplicas) {
  EXPECT_THAT(ProblemsOf(Small("replication_factor: 3", "replication_factor: 4")),
              ElementsAre("3:38: topic \"orders\" wants 4 replicas of 3 brokers; lower "
                          "replication_factor or add brokers"));
  EXPECT_THAT(
      ProblemsOf(Small("replication_factor: 3", "replication_factor: 3 min_insync_replicas: 4")),
      ElementsAre(HasSubstr("min_insync_replicas 4 is above replication_factor 3")));
}

TEST(RulesTest, ZonesWithoutBrokersAndMembersWithoutPartitionsAreWarnings) {
  EXPECT_THAT(ProblemsOf(SmallScenario() + "zones: ['a', 'b', 'c', 'd']"),
              ElementsAre(HasSubstr("warning: 4 zones for 3 brokers")));
  EXPECT_THAT(ProblemsOf(Small("members: 3", "members: 8")),
              ElementsAre("5:55: warning: 8 members share 6 partitions: 2 will be idle; is that "
                          "meant?"));
}

TEST(RulesTest, ARackAndASelectorNeedEachOther) {
  const std::string rack = "members: 3 client_rack: OWN_ZONE";
  const std::string selector = "brokers: 3 replica_selector: RACK_AWARE";
  EXPECT_THAT(ProblemsOf(Small("members: 3", rack)),
              ElementsAre("5:66: warning: client_rack has no effect: \"log\" sends nobody to "
                          "followers; state replica_selector: RACK_AWARE there"));
  EXPECT_THAT(ProblemsOf(Small("brokers: 3", selector)),
              ElementsAre(HasSubstr("warning: replica_selector has no effect: no consumers state a "
                                    "rack; state client_rack: OWN_ZONE there")));
  const std::string both =
      absl::StrReplaceAll(Small("members: 3", rack), {{"brokers: 3", selector}});
  EXPECT_THAT(ProblemsOf(both), IsEmpty());
  EXPECT_THAT(ProblemsOf(both + "kafka_version: \"2.8\""),
              ElementsAre(HasSubstr("warning: followers serve consumers as they do since 3.4")));
  EXPECT_THAT(
      ProblemsOf(absl::StrReplaceAll(both, {{"OWN_ZONE", "OWN_ZONE metadata_max_age: \"0s\""}})),
      Contains(HasSubstr("metadata_max_age: \"0s\" is too small")));
  EXPECT_THAT(
      ProblemsOf(absl::StrReplaceAll(both, {{"OWN_ZONE", "OWN_ZONE metadata_max_age: \"1ms\""}})),
      ElementsAre(HasSubstr("metadata_max_age 1ms is not above fetch_max_wait 500ms")));
}

TEST(RulesTest, IdempotenceNeedsAcksFewInFlightAndRetries) {
  EXPECT_THAT(ProblemsOf(Producers("idempotence: true acks: LEADER")),
              ElementsAre(HasSubstr("idempotence needs acks ALL, not LEADER")));
  EXPECT_THAT(ProblemsOf(Producers("max_in_flight: 6")),
              ElementsAre(HasSubstr("idempotence needs max_in_flight of at most 5, not 6")));
  EXPECT_THAT(ProblemsOf(Producers("idempotence: true retries: 0")),
              ElementsAre(HasSubstr("idempotence needs retries above 0")));
  // As Kafka does, what was not asked for gives way in silence.
  EXPECT_THAT(ProblemsOf(Producers("acks: LEADER")), IsEmpty());
  EXPECT_THAT(ProblemsOf(Producers("retries: 0")), IsEmpty());
  EXPECT_THAT(ProblemsOf(Producers("max_in_flight: 6") + "kafka_version: \"3.9\""), IsEmpty());
}

// The small scenario on shared storage, its topic going into a table.
std::string TableScenario(const std::string& table_topic, const std::string& table,
                          const std::string& more = "") {
  const std::string text = Small("replication_factor: 3",
                                 absl::StrCat("replication_factor: 1 table_topic { table: \"lake\" "
                                              "cpu_per_mib: \"20ms\" parquet_ratio: \"0.4\" ",
                                              table_topic, " }"));
  const size_t log = text.find("component {\n  name: \"log\"");
  return absl::StrCat(
      text.substr(0, log),
      "component { name: \"log\" s3stream { brokers: 3 vcpus: 4 direct_memory: \"12GiB\" "
      "network_bandwidth: \"1Gbit/s\" } }\n"
      "component { name: \"s3\" object_store { } }\n"
      "component { name: \"lake\" lakehouse_table { catalog_latency { constant: \"80ms\" } ",
      table, " } }\n", more);
}

TEST(RulesTest, ATableTopicNeedsBrokersThatDoItAndATableOfItsOwn) {
  EXPECT_THAT(ProblemsOf(TableScenario("", "")), IsEmpty());
  EXPECT_THAT(
      ProblemsOf(Small("replication_factor: 3",
                       "replication_factor: 3 table_topic { table: \"log\" cpu_per_mib: "
                       "\"1ms\" parquet_ratio: \"1\" }")),
      UnorderedElementsAre(
          HasSubstr("topic \"orders\" is to go into a table, which brokers of kind s3stream "
                    "alone do"),
          HasSubstr("\"log\" is no table")));
  EXPECT_THAT(ProblemsOf(TableScenario("", "",
                                       "topic { name: \"more\" partitions: 1 replication_factor: 1 "
                                       "table_topic { table: \"lake\" cpu_per_mib: \"1ms\" "
                                       "parquet_ratio: \"1\" } }")),
              Contains(HasSubstr("topic \"orders\" goes into \"lake\" already; give each topic a "
                                 "table of its own")));
  EXPECT_THAT(ProblemsOf(TableScenario("", "",
                                       "component { name: \"pond\" lakehouse_table { "
                                       "catalog_latency { constant: \"80ms\" } } }")),
              ElementsAre(HasSubstr("nobody writes the table \"pond\"")));
}

TEST(RulesTest, ATableThatCannotBeMeant) {
  EXPECT_THAT(ProblemsOf(TableScenario("commit_interval: \"20min\"", "")),
              ElementsAre(HasSubstr("15min")));
  EXPECT_THAT(ProblemsOf(TableScenario("open_partitions: 4000000000", "")),
              ElementsAre(HasSubstr("10000")));
  EXPECT_THAT(ProblemsOf(TableScenario("", "warehouse { preset: EXPRESS_ONE_ZONE }")),
              ElementsAre(HasSubstr("a warehouse lies in a bucket of the region")));
  EXPECT_THAT(ProblemsOf(TableScenario("", "warehouse { small_put: \"8MiB\" }")),
              ElementsAre(HasSubstr("small_put 8MiB is not below large_put 4MiB")));
  EXPECT_THAT(ProblemsOf(TableScenario("", "commit_retry_wait: \"2min\"")),
              ElementsAre(HasSubstr("commit_retry_wait 2min is above commit_retry_max_wait 1min")));
  EXPECT_THAT(ProblemsOf(TableScenario("", "other_commits: \"1ns\"")),
              ElementsAre(HasSubstr("1s")));
  const std::string short_lived =
      absl::StrReplaceAll(TableScenario("commit_interval: \"5min\"", ""),
                          {{"partitions: 6", "partitions: 6 retention: \"2min\""}});
  EXPECT_THAT(ProblemsOf(short_lived),
              Contains(HasSubstr("warning: retention 2min is not above commit_interval 5min")));
}

TEST(RulesTest, ATableOffersItsCatalogAndItsWarehouseToFaults) {
  const auto with_fault = [](const std::string& target) {
    return TableScenario("", "",
                         absl::StrCat("fault { at: \"1s\" down { target: \"", target, "\" } }"));
  };
  EXPECT_THAT(ProblemsOf(with_fault("lake")), IsEmpty());
  EXPECT_THAT(ProblemsOf(with_fault("lake/warehouse")), IsEmpty());
  EXPECT_THAT(ProblemsOf(with_fault("lake/disk")),
              ElementsAre(HasSubstr("\"lake/disk\" is no handle; write \"lake\" for the catalog, "
                                    "or \"lake/warehouse\" for its bucket")));
}

std::string TieredScenario(
    const std::string& topic, const std::string& remote,
    const std::string& more = "component { name: \"s3\" object_store { } }") {
  const std::string text = Small("replication_factor: 3", "replication_factor: 3 " + topic);
  return absl::StrReplaceAll(text, {{"brokers: 3", remote + " brokers: 3"}}) + more;
}

TEST(RulesTest, TieredStorageNeedsAStoreAVersionAndATopic) {
  const std::string on = "remote_log_storage { } ";
  const std::string tiered = "remote_storage: true local_retention: \"1h\"";
  EXPECT_THAT(ProblemsOf(TieredScenario(tiered, on)), IsEmpty());
  EXPECT_THAT(ProblemsOf(TieredScenario(tiered, on, "")),
              ElementsAre(HasSubstr("tiered storage needs an object store, and there is none")));
  EXPECT_THAT(ProblemsOf(TieredScenario(tiered, on) + "kafka_version: \"2.8\""),
              Contains(HasSubstr("kafka_version 2.8 has no tiered storage")));
  EXPECT_THAT(ProblemsOf(TieredScenario("", on)),
              ElementsAre(HasSubstr("warning: no topic has remote_storage: true")));
  EXPECT_THAT(
      ProblemsOf(TieredScenario(tiered, "")),
      ElementsAre(HasSubstr("topic \"orders\" is to be tiered, and tiered storage is off")));
}

TEST(RulesTest, LocalRetentionIsAPartOfRetention) {
  const auto problems = [](const std::string& topic) {
    return ProblemsOf(TieredScenario(topic, "remote_log_storage { } "));
  };
  EXPECT_THAT(problems("remote_storage: true local_retention: \"8d\""),
              ElementsAre(HasSubstr("local_retention 8d is above retention 7d; lower it")));
  EXPECT_THAT(problems("remote_storage: true local_retention_bytes: \"5GiB\" "
                       "retention_bytes: \"4GiB\""),
              ElementsAre(HasSubstr("local_retention_bytes 5GiB is above retention_bytes 4GiB")));
  EXPECT_THAT(problems("remote_storage: true"),
              ElementsAre(HasSubstr("warning: topic \"orders\" has no local_retention")));
  EXPECT_THAT(
      ProblemsOf(Small("replication_factor: 3", "replication_factor: 3 local_retention: \"1h\"")),
      ElementsAre(HasSubstr("warning: local_retention has no effect without "
                            "remote_storage: true")));
}

TEST(RulesTest, TieredStorageIsBounded) {
  const std::string tiered = "remote_storage: true local_retention: \"1h\"";
  EXPECT_THAT(ProblemsOf(TieredScenario(
                  tiered, "remote_log_storage { chunk_size: \"1KiB\" prefetch: \"16MiB\" } ")),
              ElementsAre(HasSubstr("prefetch 16MiB is more than 1000 chunks of 1KiB")));
  // Two tasks of six partitions, a thousand times a second for 900 days, are 9.3e11 events.
  const auto of_900_days = [&](const std::string& remote) {
    return ProblemsOf(absl::StrReplaceAll(TieredScenario(tiered, remote),
                                          {{"run_for: \"10min\"", "run_for: \"900d\""}}));
  };
  EXPECT_THAT(of_900_days("remote_log_storage { task_interval: \"1ms\" } "),
              Contains(HasSubstr("events would be simulated")));
  EXPECT_THAT(of_900_days("remote_log_storage { } "),
              Not(Contains(HasSubstr("events would be simulated"))));
}

TEST(RulesTest, AChunkCacheHoldsAChunkAndThePrefetch) {
  const std::string tiered = "remote_storage: true local_retention: \"1h\"";
  EXPECT_THAT(
      ProblemsOf(TieredScenario(tiered, "remote_log_storage { chunk_cache: \"16MiB\" } ")),
      ElementsAre(HasSubstr("chunk_cache 16MiB has no room for a chunk of 4MiB and the prefetch of "
                            "16MiB")));
  EXPECT_THAT(ProblemsOf(TieredScenario(
                  tiered, "remote_log_storage { chunk_cache: \"0B\" prefetch: \"0B\" } ")),
              IsEmpty());
  EXPECT_THAT(
      ProblemsOf(TieredScenario(tiered, "remote_log_storage { chunk_cache_class: MEMORY } ")),
      ElementsAre(HasSubstr("chunk_cache 16GiB in MEMORY does not fit into heap 8GiB; lower "
                            "it, or raise heap")));
}

TEST(RulesTest, ADeliveryTimeoutCoversLingerAndRequest) {
  EXPECT_THAT(
      ProblemsOf(Producers("delivery_timeout: \"30s\" linger: \"1ms\"")),
      ElementsAre(HasSubstr("delivery_timeout 30s is below linger 1ms + request_timeout 30s")));
  EXPECT_THAT(ProblemsOf(Producers("delivery_timeout: \"30001ms\" linger: \"1ms\"")), IsEmpty());
  EXPECT_THAT(ProblemsOf(Producers("request_timeout: \"5min\"")), IsEmpty());
}

TEST(RulesTest, RecordsMustFitARequestAndTheBuffer) {
  EXPECT_THAT(ProblemsOf(Producers("max_request_size: \"1000B\"")),
              ElementsAre(HasSubstr("records of 1KiB exceed max_request_size 1000B")));
}

TEST(RulesTest, ProducersNeedARateUnlessTheyReplay) {
  EXPECT_THAT(ProblemsOf(Small(" rate: \"1k/s\"", "")),
              ElementsAre(HasSubstr("the producers have no rate")));
  EXPECT_THAT(ProblemsOf(Small("rate: \"1k/s\"", "arrivals { replay { path: \"counts.csv\" } }")),
              IsEmpty());
}

TEST(RulesTest, ArrivalsMustMakeSense) {
  EXPECT_THAT(
      ProblemsOf(Producers("arrivals { burst { every: \"1min\" lasts: \"1min\" factor: \"3\" } }")),
      ElementsAre(HasSubstr("never ends")));
  EXPECT_THAT(ProblemsOf(Producers("arrivals { diurnal { amplitude: \"0.6\" peak_at: \"24h\" } }")),
              ElementsAre(HasSubstr("is not within the period 24h")));
}

TEST(RulesTest, KeysAndPartitionerAgree) {
  EXPECT_THAT(ProblemsOf(Producers("partitioner: KEYED")),
              ElementsAre(HasSubstr("partitioner KEYED needs keys")));
  EXPECT_THAT(ProblemsOf(Producers("partitioner: KEYED keys { zipf { count: 1000 } }")), IsEmpty());
}

TEST(RulesTest, ACodecNeedsItsRatioAndItsCost) {
  EXPECT_THAT(ProblemsOf(Producers("compression { codec: ZSTD }")),
              ElementsAre(HasSubstr("codec ZSTD needs ratio")));
  EXPECT_THAT(ProblemsOf(Producers("compression { codec: ZSTD ratio: \"0.3\" }")),
              ElementsAre(HasSubstr("codec ZSTD needs cpu_per_mib")));
}

TEST(RulesTest, AParetoTailNeedsAMean) {
  const auto with = [](const std::string& alpha) {
    return Small("{ constant: \"80us\" }",
                 absl::StrCat("{ pareto { scale: \"80us\" alpha: \"", alpha, "\" } }"));
  };
  EXPECT_THAT(ProblemsOf(with("1")),
              ElementsAre(AllOf(HasSubstr("has an infinite mean"), Not(HasSubstr("warning")))));
  EXPECT_THAT(ProblemsOf(with("1.5")),
              ElementsAre(HasSubstr("warning: pareto.alpha 1.5 has an infinite variance")));
  EXPECT_THAT(ProblemsOf(with("2.5")),
              ElementsAre(HasSubstr("warning: pareto.alpha 2.5: the mean has no valid interval")));
  EXPECT_THAT(ProblemsOf(with("3.1")), IsEmpty());
}

TEST(RulesTest, LawsHaveBoundsInOrderAndSomeWeight) {
  EXPECT_THAT(
      ProblemsOf(Small("{ constant: \"80us\" }", "{ uniform { min: \"2ms\" max: \"1ms\" } }")),
      ElementsAre(HasSubstr("uniform.min 2ms is above max 1ms")));
  EXPECT_THAT(ProblemsOf(Small("{ constant: \"80us\" }",
                               "{ empirical { point { value: \"2ms\" weight: \"0\" } } }")),
              ElementsAre(HasSubstr("all weights of the empirical law are zero")));
}

TEST(RulesTest, RetentionBelowSegmentOrRunIsAWarning) {
  EXPECT_THAT(ProblemsOf(Small("partitions: 6", "partitions: 6 retention_bytes: \"1MiB\"")),
              ElementsAre(HasSubstr("warning: retention_bytes 1MiB is below segment_bytes 1GiB")));
  EXPECT_THAT(ProblemsOf(Small("partitions: 6", "partitions: 6 retention: \"5min\"")),
              ElementsAre(HasSubstr("warning: retention 5min is below run_for 10min")));
}

TEST(RulesTest, AHistoryNeedsAnIngressAndBoundedSegments) {
  EXPECT_THAT(ProblemsOf(Small("partitions: 6", "partitions: 6 history: \"7d\"")), IsEmpty());
  EXPECT_THAT(ProblemsOf(Small("partitions: 6", "partitions: 6 history_rate: \"1k/s\"")),
              ElementsAre(HasSubstr("warning: history_rate says how the history came")));
  EXPECT_THAT(ProblemsOf(Small("partitions: 6",
                               "partitions: 6 history: \"7d\" "
                               "history_rate: \"1M/s\" "
                               "history_record_size: \"1KiB\" "
                               "segment_bytes: \"1MiB\"")),
              ElementsAre(HasSubstr("is more than 1000000 segments of 1MiB")));
  EXPECT_THAT(ProblemsOf(Small("topic {",
                               "topic { name: \"quiet\" partitions: 1 "
                               "replication_factor: 1 history: \"7d\" } topic {")),
              Contains(HasSubstr("topic \"quiet\" has a history and no producers")));
}

// A day at 1 MiB a second and three replicas is 253 GiB.
TEST(RulesTest, AHistoryThatDoesNotFitIsAWarning) {
  const auto with = [](const std::string& size) {
    std::string text = Small("partitions: 6", "partitions: 6 history: \"1d\"");
    return ProblemsOf(absl::StrReplaceAll(
        text, {{"kind: NVME", absl::StrCat("kind: NVME size: \"", size, "\"")}}));
  };
  EXPECT_THAT(with("90GiB"), IsEmpty());
  EXPECT_THAT(with("80GiB"),
              ElementsAre(HasSubstr("warning: the histories of the topics are more than all")));
}

TEST(RulesTest, FlushesNeedALatency) {
  EXPECT_THAT(ProblemsOf(Small("partitions: 6", "partitions: 6 flush_messages: 1")),
              ElementsAre(HasSubstr("the volume has no flush_latency")));
}

TEST(RulesTest, OverloadIsALegalStudy) {
  EXPECT_THAT(
      ProblemsOf(Small("rate: \"1k/s\"", "rate: \"1M/s\"")),
      ElementsAre(
          HasSubstr("warning: overload: \"log\" is asked for 214% of its CPU"),
          HasSubstr("warning: overload: \"log\" is asked for 325% of its volume bandwidth"),
          HasSubstr("warning: overload: \"log\" is asked for 488% of its network bandwidth")));
  EXPECT_THAT(ProblemsOf(Small("members: 3", "members: 3 cpu_per_record: \"4ms\"")),
              ElementsAre(HasSubstr(
                  "warning: overload: cpu_per_record 4ms is more than 3 working members")));
  EXPECT_THAT(ProblemsOf(Producers("network_bandwidth: \"100KiB/s\" cpu_per_record: \"3ms\"")),
              ElementsAre(HasSubstr("warning: overload: cpu_per_record 3ms"),
                          HasSubstr("warning: overload: the clients write")));
}

TEST(RulesTest, WarmUpVersionAndResolutionAreChecked) {
  EXPECT_THAT(ProblemsOf(SmallScenario() + "warm_up: \"10min\""),
              ElementsAre(HasSubstr("warm_up 10min leaves nothing of run_for 10min")));
  EXPECT_THAT(ProblemsOf(SmallScenario() + "kafka_version: \"4.7\""),
              ElementsAre(HasSubstr(
                  "kafka_version \"4.7\" is unknown; write \"4.0\", \"3.9\" and \"2.8\"")));
  EXPECT_THAT(ProblemsOf(SmallScenario() + "resolution { batches_per_parcel: 5 }"),
              ElementsAre(HasSubstr("batches_per_parcel is 5; write 1, 4 or 16")));
  EXPECT_THAT(
      ProblemsOf(SmallScenario() + "variant { name: \"a\" resolution { batches_per_parcel: 5 } }"),
      ElementsAre(HasSubstr("13:34: batches_per_parcel is 5; write 1, 4 or 16")));
  EXPECT_THAT(ProblemsOf(Producers("sends_until: \"0s\"")), ElementsAre(HasSubstr("sends_until")));
}

std::string SharedStorage(const std::string& fields, const std::string& store) {
  const std::string base = SmallScenario();
  return absl::StrCat(base.substr(0, base.find("component {\n  name: \"log\"")),
                      "component { name: \"log\" s3stream { brokers: 3 vcpus: 4 direct_memory: "
                      "\"8GiB\" network_bandwidth: \"200MiB/s\" ",
                      fields, " } }\n", store);
}

TEST(RulesTest, SharedStorageNeedsAStoreAndOneOnly) {
  const std::string store = "component { name: \"s3\" object_store { } }\n";
  EXPECT_THAT(ProblemsOf(SharedStorage("", store)), IsEmpty());
  EXPECT_THAT(ProblemsOf(SharedStorage("", "")),
              ElementsAre(HasSubstr("add component { name: \"s3\" object_store { } }")));
  EXPECT_THAT(
      ProblemsOf(SharedStorage("", store + "component { name: \"other\" object_store { } }")),
      ElementsAre(HasSubstr("the scenario has 2 object stores")));
  EXPECT_THAT(ProblemsOf(SharedStorage("log_cache: \"9GiB\"", store)),
              ElementsAre(HasSubstr("log_cache 9GiB is more than direct_memory 8GiB; lower it")));
}

TEST(RulesTest, AStoreWaitsLongerForLargerBodies) {
  const auto with = [](const std::string& fields) {
    return ProblemsOf(
        SharedStorage("", "component { name: \"s3\" object_store { " + fields + " } }\n"));
  };
  EXPECT_THAT(with("small_put: \"4MiB\""),
              ElementsAre(HasSubstr("small_put 4MiB is not below large_put 4MiB")));
  EXPECT_THAT(with("large_put: \"1KiB\""), ElementsAre(HasSubstr("is not below large_put 1KiB")));
  EXPECT_THAT(with("get_latency { constant: \"1MB\" }"), ElementsAre(HasSubstr("1MB")));
  EXPECT_THAT(with("stream_rate { constant: \"1s\" }"), ElementsAre(HasSubstr("1s")));
  EXPECT_THAT(with("stall_probability: \"1.5\""), ElementsAre(HasSubstr("1.5")));
  EXPECT_THAT(with("get_latency { constant: \"1ms\" } stream_rate { lognormal { median: "
                   "\"50MB/s\" sigma: \"0.2\" } } stall_probability: \"0\""),
              IsEmpty());
}

TEST(RulesTest, RoutingByZonesNeedsALogThatAllCanRead) {
  const std::string store = "component { name: \"s3\" object_store { } }\n";
  EXPECT_THAT(ProblemsOf(SharedStorage("zone_router { enable: true }", store)), IsEmpty());
  EXPECT_THAT(
      ProblemsOf(SharedStorage(
          "zone_router { enable: true } wal { kind: VOLUME capacity: \"2GiB\" attach_time: "
          "\"20s\" volume { kind: GP3 bandwidth: \"125MB/s\" write_latency { constant: \"2ms\" } "
          "read_latency { constant: \"1ms\" } } }",
          store)),
      ElementsAre(HasSubstr("use wal { kind: S3 } with zone_router")));
}

TEST(RulesTest, SelfBalancingNeedsReportsThatCountAndBrokersThatExist) {
  const std::string store = "component { name: \"s3\" object_store { } }\n";
  const auto with = [&store](const std::string& fields) {
    return ProblemsOf(SharedStorage("self_balancing { " + fields + " }", store));
  };
  EXPECT_THAT(with("enable: true exclude_brokers: \"broker-3\" exclude_topics: \"orders\""),
              IsEmpty());
  EXPECT_THAT(with("metrics_delay: \"5s\""),
              ElementsAre(HasSubstr("metrics_delay 5s is below reporting_interval 10s")));
  EXPECT_THAT(with("exclude_brokers: \"broker-4\" exclude_brokers: \"broker-03\""),
              ElementsAre(HasSubstr("\"broker-4\" is no broker of this cluster"),
                          HasSubstr("\"broker-03\" is no broker")));
  EXPECT_THAT(with("exclude_topics: \"order\""), ElementsAre(HasSubstr("order")));
  EXPECT_THAT(with("network_in_deviation: \"2\""), ElementsAre(HasSubstr("2")));
}

TEST(RulesTest, SharedStorageKeepsAHistoryOfAMillionObjectsAtMost) {
  std::string text = SharedStorage("", "component { name: \"s3\" object_store { } }\n");
  const std::string topic = "topic { ";
  const size_t at = text.find(topic);
  ASSERT_NE(at, std::string::npos);
  const std::string rest = text.substr(at + topic.size());
  const std::string begin = text.substr(0, at + topic.size());
  EXPECT_THAT(ProblemsOf(begin + "history: \"7d\" retention: \"8d\" " + rest), IsEmpty());
  // 1 GB a second for 7 days is 4.5 million objects, and 0.56 million segments of the largest size.
  EXPECT_THAT(ProblemsOf(begin +
                         "history: \"7d\" history_rate: \"1M/s\" history_record_size: \"1KB\" "
                         "segment_bytes: \"2GiB\" " +
                         rest),
              ElementsAre(HasSubstr("more than 1000000 objects of 128 MiB")));
}

TEST(RulesTest, AWriteAheadLogOnAVolumeNeedsTheVolume) {
  const std::string store = "component { name: \"s3\" object_store { } }\n";
  EXPECT_THAT(ProblemsOf(SharedStorage("wal { kind: VOLUME }", store)),
              ElementsAre(HasSubstr("kind VOLUME needs volume, capacity, attach_time; state it")));
  EXPECT_THAT(
      ProblemsOf(SharedStorage(
          "wal { kind: VOLUME capacity: \"2GiB\" attach_time: \"20s\" volume { kind: GP3 "
          "bandwidth: "
          "\"125MB/s\" write_latency { constant: \"2ms\" } read_latency { constant: \"1ms\" } } }",
          store)),
      IsEmpty());
}

std::string Leaderless(const std::string& fields, const std::string& rest) {
  const std::string base = SmallScenario();
  return absl::StrCat(base.substr(0, base.find("component {\n  name: \"log\"")),
                      "component { name: \"log\" leaderless { brokers: 3 vcpus: 4 "
                      "network_bandwidth: \"200MiB/s\" ",
                      fields, " } }\n", rest);
}
constexpr char kStore[] = "component { name: \"s3\" object_store { } }\n";
constexpr char kZonal[] =
    "component { name: \"fast\" object_store { preset: EXPRESS_ONE_ZONE get_latency { constant: "
    "\"5ms\" } small_put_latency { constant: \"5ms\" } } }\n";
constexpr char kThreeZones[] = "zones: ['a', 'b', 'c']\n";

TEST(RulesTest, LeaderlessBrokersNeedAStore) {
  EXPECT_THAT(ProblemsOf(Leaderless("", kStore)), IsEmpty());
  EXPECT_THAT(ProblemsOf(Leaderless("", "")),
              ElementsAre(HasSubstr("6:25: brokers of this kind keep their log in object storage, "
                                    "and there is none; add component")));
  EXPECT_THAT(ProblemsOf(Leaderless("kind: WARPSTREAM", kStore)), IsEmpty());
  EXPECT_THAT(ProblemsOf(Leaderless("kind: WARPSTREAM batch_interval: \"20ms\"", kStore)),
              ElementsAre(HasSubstr("warning: batch_interval 20ms is below the 25ms")));
  EXPECT_THAT(ProblemsOf(Leaderless("batch_interval: \"0ms\"", kStore)), SizeIs(1));
  EXPECT_THAT(ProblemsOf(Leaderless("max_commit_rate: \"0/s\"", kStore)), SizeIs(1));
  EXPECT_THAT(ProblemsOf(Leaderless("merge_files: 1", kStore)), SizeIs(1));
}

TEST(RulesTest, LeaderlessBrokersStandInEveryZone) {
  EXPECT_THAT(ProblemsOf(Leaderless("", std::string(kStore) + kThreeZones)), IsEmpty());
  EXPECT_THAT(ProblemsOf(Leaderless("zones: \"a\"", std::string(kStore) + kThreeZones)),
              ElementsAre(HasSubstr("warning: 1 of 3 zones have brokers: clients in the others")));
}

TEST(RulesTest, ZonalBucketsTakeTheNewFilesOfLeaderlessBrokers) {
  const std::string stores = absl::StrCat(kStore, kZonal, kThreeZones);
  EXPECT_THAT(ProblemsOf(Leaderless("ingest: \"fast\"", stores)), IsEmpty());
  EXPECT_THAT(ProblemsOf(Leaderless("", stores)),
              ElementsAre(HasSubstr("nobody writes to \"fast\": EXPRESS_ONE_ZONE is for")));
  EXPECT_THAT(ProblemsOf(Leaderless("ingest: \"s3\"", absl::StrCat(kStore, kThreeZones))),
              ElementsAre(HasSubstr("ingest \"s3\" is no store with a bucket in each zone")));
  EXPECT_THAT(ProblemsOf(Leaderless("ingest: \"fast\" ingest_quorum: 4", stores)),
              ElementsAre(HasSubstr("a quorum of 4 of 3 buckets is never there; lower")));
  EXPECT_THAT(ProblemsOf(Leaderless("ingest_quorum: 3", kStore)),
              ElementsAre(HasSubstr("warning: ingest_quorum has no effect without ingest")));
  EXPECT_THAT(ProblemsOf(Leaderless("ingest: \"fast\"", absl::StrCat(kZonal, kThreeZones))),
              ElementsAre(HasSubstr("and there is none")));
  EXPECT_THAT(
      ProblemsOf(Leaderless("ingest: \"fast\"",
                            absl::StrCat(kStore, kThreeZones,
                                         "component { name: \"fast\" object_store { preset: "
                                         "EXPRESS_ONE_ZONE } }"))),
      ElementsAre(HasSubstr("nobody neutral has measured latencies; state get_latency and")));
  EXPECT_THAT(ProblemsOf(SmallScenario() + kZonal),
              ElementsAre(HasSubstr("nobody writes to \"fast\"")));
}

TEST(RulesTest, LeaderlessBrokersOfferTheirCoordinatorAndZonalStoresTheirBuckets) {
  const auto with = [](const std::string& target) {
    return Leaderless("ingest: \"fast\"",
                      absl::StrCat(kStore, kZonal, kThreeZones,
                                   "fault { at: \"1min\" down { target: \"", target, "\" } }"));
  };
  EXPECT_THAT(ProblemsOf(with("log/coordinator")), IsEmpty());
  EXPECT_THAT(ProblemsOf(with("log/broker-3")), IsEmpty());
  EXPECT_THAT(ProblemsOf(with("fast/b")), IsEmpty());
  EXPECT_THAT(ProblemsOf(with("log/broker-1/disk")),
              ElementsAre(HasSubstr("for its link, or \"log/coordinator\"")));
  EXPECT_THAT(ProblemsOf(with("fast")), ElementsAre(HasSubstr("is no bucket; write \"fast\"")));
  EXPECT_THAT(ProblemsOf(with("fast/d")), ElementsAre(HasSubstr("a slash and a zone: ")));
}

TEST(RulesTest, SomebodyMustHoldTheLogAndOnlyOne) {
  EXPECT_THAT(ProblemsOf("name: \"x\" run_for: \"1h\""),
              ElementsAre(HasSubstr("the scenario has no component")));
  const std::string log =
      SmallScenario().substr(SmallScenario().find("component {\n  name: \"log\""));
  EXPECT_THAT(ProblemsOf(SmallScenario() + absl::StrReplaceAll(log, {{"\"log\"", "\"log2\""}})),
              ElementsAre(HasSubstr("the scenario has 2 clusters of brokers")));
}

TEST(RulesTest, TheHeapLeavesRoomForTheCache) {
  EXPECT_THAT(ProblemsOf(Small("\"32GiB\"", "\"8GiB\"")),
              ElementsAre(HasSubstr("heap 8GiB leaves nothing of memory 8GiB")));
}

TEST(RulesTest, ObjectivesHaveOneBound) {
  EXPECT_THAT(ProblemsOf(SmallScenario() + "objective { metric: \"m\" }"),
              ElementsAre(HasSubstr("the objective has no bound")));
  EXPECT_THAT(
      ProblemsOf(SmallScenario() + "objective { metric: \"m\" at_most: \"5\" at_least: \"1ms\" }"),
      ElementsAre(HasSubstr("the objective has two bounds")));
}

TEST(RulesTest, AFaultThatNeverHappensIsWarnedAbout) {
  EXPECT_THAT(ProblemsOf(SmallScenario() + "fault { at: \"10min\" down { target: \"log\" } }"),
              ElementsAre(HasSubstr("warning: the fault begins at 10min, after run_for 10min")));
}

TEST(RulesTest, ElementsAndEventsAreCapped) {
  std::string topics;
  for (int i = 0; i < 2; ++i) {
    topics +=
        absl::StrCat("topic { name: \"t", i, "\" partitions: 600000 replication_factor: 1 }\n");
  }
  EXPECT_THAT(ProblemsOf(SmallScenario() + topics),
              testing::Contains(HasSubstr("1200006 partitions; at most 1000000")));
  EXPECT_THAT(
      ProblemsOf(absl::StrReplaceAll(SmallScenario(), {{"10min", "3650d"}, {"1k/s", "1M/s"}})),
      testing::Contains(HasSubstr("events would be simulated, more than 1000000000000")));
  EXPECT_THAT(
      ProblemsOf(absl::StrReplaceAll(SmallScenario(), {{"10min", "3650d"}, {"1k/s", "9000G/s"}})),
      testing::Contains(HasSubstr("exceeds 2^63 bytes or records")));
  std::string many;
  for (int i = 0; i < 65; ++i) many += absl::StrCat("variant { name: \"v", i, "\" }\n");
  EXPECT_THAT(ProblemsOf(SmallScenario() + many),
              ElementsAre(HasSubstr("65 entries of variant; at most 64")));
}

TEST(ReferencesTest, NamesThatNobodyHasAreAnsweredWithTheNearest) {
  EXPECT_THAT(ProblemsOf(Small("reads: \"orders\"", "reads: \"order\"")),
              ElementsAre("5:39: reads \"order\" is no topic; closest topic: \"orders\""));
  EXPECT_THAT(ProblemsOf(Small("members: 3", "members: 3 zones: \"b\"")),
              ElementsAre(HasSubstr("zones \"b\" is no zone; there is \"a\"")));
  EXPECT_THAT(
      ProblemsOf(SmallScenario() + "fault { at: \"1min\" down { target: \"lag\" } }"),
      ElementsAre("13:27: fault target \"lag\" is no component; closest component: \"log\""));
}

TEST(ReferencesTest, HandlesMustBeOffered) {
  const auto with = [](const std::string& target) {
    return absl::StrCat(SmallScenario(), "fault { at: \"1min\" down { target: \"", target,
                        "\" } }");
  };
  for (const char* target :
       {"log", "shop", "log/broker-1", "log/broker-3/disk", "log/broker-2/nic"}) {
    EXPECT_THAT(ProblemsOf(with(target)), IsEmpty()) << target;
  }
  for (const char* target : {"log/broker-0", "log/broker-4", "log/broker-01", "log/broker", "log/",
                             "log/broker-1/cpu", "log/broker-1/disk/x", "shop/client-1"}) {
    EXPECT_THAT(ProblemsOf(with(target)), SizeIs(1)) << target;
  }
}

TEST(ReferencesTest, MetricsAreCheckedWhenTheyAreKnown) {
  const std::string text =
      SmallScenario() + "objective { metric: \"producer.latencies\" at_most: \"5ms\" }";
  EXPECT_THAT(ProblemsOf(text), IsEmpty());
  LoadOptions options;
  options.metrics = {"producer.latency", "lag.seconds"};
  EXPECT_THAT(ProblemsOf(text, options),
              ElementsAre(HasSubstr("is no metric; closest metric: \"producer.latency\"")));
}

TEST(ReferencesTest, DuplicateNamesTellTheFirst) {
  EXPECT_THAT(ProblemsOf(Small("\"audit\"", "\"shop\"")),
              testing::Contains(
                  "5:1: component \"shop\" was already defined at line 4; give it another name"));
  EXPECT_THAT(ProblemsOf(SmallScenario() + "zones: 'a' zones: 'a'"),
              ElementsAre(HasSubstr("zone \"a\" is listed twice")));
}

TEST(ReferencesTest, NamesWithOneHashAreRefused) {
  EXPECT_EQ(Fnv1a64(""), 0xcbf29ce484222325u);
  EXPECT_EQ(Fnv1a64("foobar"), 0x85944171f73967e8u);  // Of the published test vectors.
  const NameHash weak = [](absl::string_view text) -> uint64_t { return text.size(); };
  EXPECT_EQ(FirstCollision({"a", "bb", "cc"}, weak),
            std::make_pair(std::string("bb"), std::string("cc")));
  EXPECT_EQ(FirstCollision({"a", "a"}, weak).first, "");  // One name twice is a duplicate.
}

TEST(TopologyTest, AConsumerThatNoProducerReachesIsRefused) {
  EXPECT_THAT(ProblemsOf(Small("reads: \"orders\"", "reads: \"other\"") +
                         "topic { name: \"other\" partitions: 3 replication_factor: 1 }"),
              ElementsAre(HasSubstr("no producer reaches \"audit\"")));
}

TEST(TopologyTest, AnUnusedTopicIsWarnedAbout) {
  EXPECT_THAT(
      ProblemsOf(SmallScenario() + "topic { name: \"other\" partitions: 3 replication_factor: 1 }"),
      ElementsAre(HasSubstr("warning: topic \"other\" is neither written nor read")));
}

TEST(TopologyTest, LoopsArePrintedInTheOrderOfTheWalk) {
  Flow flow;
  for (const char* name : {"shop", "orders", "job", "retries", "sink", "self"})
    flow.nodes.push_back({name});
  flow.nodes[0].is_source = true;
  flow.edges = {{0, 1}, {1, 2}, {2, 3}, {3, 1}, {2, 4}, {5, 5}};
  EXPECT_THAT(Cycles(flow), ElementsAre(ElementsAre(1, 2, 3), ElementsAre(5)));
  EXPECT_THAT(Unreachable(flow), ElementsAre(5));
  Findings findings;
  CheckTopology(flow, &findings);
  ASSERT_THAT(findings.problems(), SizeIs(2));
  EXPECT_EQ(findings.problems()[0].text,
            "the data runs in a loop: orders -> job -> retries -> orders; break it");
  EXPECT_EQ(findings.problems()[1].text, "the data runs in a loop: self -> self; break it");
}

// --- Operations ---

std::string Doing(const std::string& operation) {
  return SmallScenario() + "operation { at: \"1min\" " + operation + " }";
}

TEST(RulesTest, OperationsNameBrokersThatAreThere) {
  EXPECT_THAT(ProblemsOf(Doing("rolling_restart { restart_time: \"30s\" }")), IsEmpty());
  EXPECT_THAT(ProblemsOf(Doing("replace_broker { target: \"log/broker-4\" start_time: \"1min\" }")),
              ElementsAre("13:41: target \"log/broker-4\" is no handle; write \"log/broker-1\" to "
                          "\"log/broker-3\""));
  EXPECT_THAT(
      ProblemsOf(Doing("replace_broker { target: \"log/broker-1/disk\" start_time: \"1min\" }")),
      ElementsAre(HasSubstr("is no handle")));
  EXPECT_THAT(ProblemsOf(Doing("replace_broker { target: \"log\" start_time: \"1min\" }")),
              ElementsAre(HasSubstr("target \"log\" is no handle")));
  EXPECT_THAT(ProblemsOf(Doing("replace_broker { target: \"shop\" start_time: \"1min\" }")),
              ElementsAre(HasSubstr("target \"shop\" is no broker")));
  EXPECT_THAT(ProblemsOf(Doing("rolling_restart { restart_time: \"-1s\" }")), SizeIs(1));
  EXPECT_THAT(ProblemsOf(Doing("rolling_restart { }")),
              ElementsAre(HasSubstr("has no restart_time; state it")));
  EXPECT_THAT(ProblemsOf(Doing("")),
              ElementsAre(HasSubstr("does not say which kind; give one of add_broker")));
}

TEST(RulesTest, RemovingABrokerLeavesEnoughForTheReplicas) {
  EXPECT_THAT(
      ProblemsOf(Doing("remove_broker { target: \"log/broker-2\" }")),
      ElementsAre(HasSubstr("without \"log/broker-2\" there are 2 brokers for 3 replicas of a "
                            "partition; add a broker before")));
  const std::string add = "operation { at: \"30s\" add_broker { start_time: \"1min\" } }";
  EXPECT_THAT(ProblemsOf(Doing("remove_broker { target: \"log/broker-2\" }") + add), IsEmpty());
  EXPECT_THAT(ProblemsOf(Doing("remove_broker { target: \"log/broker-4\" }") + add), IsEmpty());
  const std::string late = "operation { at: \"2min\" add_broker { start_time: \"1min\" } }";
  EXPECT_THAT(ProblemsOf(Doing("remove_broker { target: \"log/broker-4\" }") + late),
              ElementsAre(HasSubstr("\"log/broker-4\" is added by a later operation")));
  EXPECT_THAT(
      ProblemsOf(Doing("remove_broker { target: \"log/broker-2\" }") + add +
                 "operation { at: \"3min\" replace_broker { target: \"log/broker-2\" start_time: "
                 "\"1min\" } }"),
      ElementsAre(HasSubstr("\"log/broker-2\" was removed by an earlier operation")));
}

TEST(RulesTest, ReassignmentsNameEnoughBrokersAndPartitionsThatExist) {
  const std::string all =
      "target: \"log/broker-1\" target: \"log/broker-2\" target: \"log/broker-3\"";
  EXPECT_THAT(ProblemsOf(Doing("reassign { topic: \"orders\" " + all + " }")), IsEmpty());
  EXPECT_THAT(ProblemsOf(Doing("reassign { topic: \"order\" " + all + " }")),
              ElementsAre(HasSubstr("topic \"order\" is no topic; closest topic: \"orders\"")));
  EXPECT_THAT(ProblemsOf(Doing("reassign { topic: \"orders\" partition: 6 " + all + " }")),
              ElementsAre(HasSubstr("has no partition 6; they go from 0 to 5")));
  EXPECT_THAT(
      ProblemsOf(Doing("reassign { topic: \"orders\" partition: 1 partition: 1 " + all + " }")),
      ElementsAre(HasSubstr("partition 1 is listed twice")));
  EXPECT_THAT(
      ProblemsOf(Doing("reassign { topic: \"orders\" target: \"log/broker-1\" }")),
      ElementsAre(HasSubstr("has 3 replicas of a partition for 1 broker; name more targets")));
  EXPECT_THAT(
      ProblemsOf(Doing("reassign { topic: \"orders\" " + all + " target: \"log/broker-1\" }")),
      ElementsAre(HasSubstr("\"log/broker-1\" is listed twice")));
  // 1000 records of 1024 bytes and ten come in a second, to each of the three.
  EXPECT_THAT(ProblemsOf(Doing("reassign { topic: \"orders\" throttle: \"900KB/s\" " + all + " }")),
              ElementsAre(HasSubstr("they may never be in sync")));
  EXPECT_THAT(ProblemsOf(Doing("reassign { topic: \"orders\" throttle: \"2MB/s\" " + all + " }")),
              IsEmpty());
}

TEST(RulesTest, AReplicationFactorOfOneDoesNotSurviveAReplacement) {
  const std::string one = Small("replication_factor: 3", "replication_factor: 1");
  EXPECT_THAT(ProblemsOf(one + "operation { at: \"1min\" replace_broker { target: \"log/broker-1\" "
                               "start_time: \"1min\" } }"),
              ElementsAre(HasSubstr("topic \"orders\" has one replica: what the broker holds of it "
                                    "would be gone")));
  EXPECT_THAT(
      ProblemsOf(one + "operation { at: \"1min\" rolling_restart { restart_time: \"1min\" } }"),
      ElementsAre(
          HasSubstr("warning: topic \"orders\" has one replica: its partitions are offline")));
}

TEST(RulesTest, AGroupIsStartedOnceFromOnePlace) {
  EXPECT_THAT(ProblemsOf(Doing("start_consumer { consumers: \"audit\" from: EARLIEST }")),
              IsEmpty());
  EXPECT_THAT(ProblemsOf(Doing("start_consumer { consumers: \"shop\" from: EARLIEST }")),
              ElementsAre(HasSubstr("\"shop\" is no group of consumers")));
  EXPECT_THAT(ProblemsOf(Doing("start_consumer { consumers: \"audit\" }")),
              ElementsAre(HasSubstr("states 0 places to begin at")));
  EXPECT_THAT(
      ProblemsOf(Doing("start_consumer { consumers: \"audit\" from: LATEST from_offset: 7 }")),
      ElementsAre(HasSubstr("states 2 places to begin at")));
  EXPECT_THAT(ProblemsOf(Small("members: 3", "members: 3 start_at: \"1min\"") +
                         "operation { at: \"1min\" start_consumer { consumers: \"audit\" from_age: "
                         "\"1h\" } }"),
              ElementsAre(HasSubstr("start_at of \"audit\": an operation says when")));
}

TEST(RulesTest, OtherOperationsThatMakeNoSense) {
  EXPECT_THAT(ProblemsOf(Doing("change_retention { topic: \"orders\" }")),
              ElementsAre(HasSubstr("change_retention changes nothing")));
  EXPECT_THAT(
      ProblemsOf(SmallScenario() +
                 "operation { at: \"20min\" rolling_restart { restart_time: \"1min\" } }"),
      ElementsAre(HasSubstr("warning: the operation begins at 20min, after run_for 10min")));
  EXPECT_THAT(ProblemsOf(Doing("add_broker { count: 0 start_time: \"1min\" }")), SizeIs(1));
}

TEST(RulesTest, ControllersAreOddAndSessionsLongerThanHeartbeats) {
  const auto with = [](const std::string& controllers) {
    return ProblemsOf(Small("brokers: 3", "brokers: 3 controllers { " + controllers + " }"));
  };
  EXPECT_THAT(with("count: 5 broker_session_timeout: \"18s\""), IsEmpty());
  EXPECT_THAT(with("broker_session_timeout: \"2s\""),
              ElementsAre(HasSubstr("broker_session_timeout 2s is not above "
                                    "broker_heartbeat_interval 2s")));
  EXPECT_THAT(with("count: 2"),
              ElementsAre(HasSubstr("warning: 2 controllers survive the loss of 0, as 1 does")));
  EXPECT_THAT(with("count: 0"), SizeIs(1));
  EXPECT_THAT(with("fetch_timeout: \"1ms\""), SizeIs(1));
}

TEST(RulesTest, ControllersAreHandlesOfFaults) {
  const auto down = [](const std::string& target) {
    return ProblemsOf(SmallScenario() + "fault { at: \"1min\" down { target: \"" + target +
                      "\" } }");
  };
  EXPECT_THAT(down("log/controller-3"), IsEmpty());
  EXPECT_THAT(down("log/controller-4"), ElementsAre(HasSubstr("is no handle")));
  EXPECT_THAT(down("log/controller-0"), ElementsAre(HasSubstr("is no handle")));
}

}  // namespace
}  // namespace freshet
