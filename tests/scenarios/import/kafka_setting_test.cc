// Settings of Kafka in the words of the language.
#include "scenarios/import/kafka_setting.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

// The statement, "default", "not modelled", or the text of the problem.
std::string Said(const google::protobuf::Descriptor* type, const char* key, const char* value) {
  const KafkaField at = FieldOfKafkaKey(*type, key);
  if (at.field == nullptr) return "no field";
  const absl::StatusOr<KafkaSetting> meant = TranslateKafka(at, value);
  if (!meant.ok()) return std::string(meant.status().message());
  if (meant->outcome == KafkaSetting::kDefault) return "default";
  if (meant->outcome == KafkaSetting::kNotModelled) return "not modelled";
  return meant->statement;
}

std::string Topic(const char* key, const char* value) {
  return Said(v1::Topic::descriptor(), key, value);
}
std::string Producers(const char* key, const char* value) {
  return Said(v1::Producers::descriptor(), key, value);
}
std::string Consumers(const char* key, const char* value) {
  return Said(v1::Consumers::descriptor(), key, value);
}

TEST(KafkaSettingTest, BareNumbersGetTheirUnit) {
  EXPECT_EQ(Producers("linger.ms", "1"), "linger: \"1ms\"");
  EXPECT_EQ(Producers("batch.size", "131072"), "batch_size: \"128KiB\"");
  EXPECT_EQ(Producers("request.timeout.ms", "1200000"), "request_timeout: \"20min\"");
  EXPECT_EQ(Consumers("max.partition.fetch.bytes", "10485760"),
            "max_partition_fetch_bytes: \"10MiB\"");
  EXPECT_EQ(Topic("min.insync.replicas", "2"), "min_insync_replicas: 2");
}

TEST(KafkaSettingTest, ChoicesHaveTheNamesOfTheLanguage) {
  EXPECT_EQ(Producers("acks", "all"), "acks: ALL");
  EXPECT_EQ(Producers("acks", "-1"), "acks: ALL");
  EXPECT_EQ(Producers("acks", "1"), "acks: LEADER");
  EXPECT_EQ(Producers("acks", "0"), "acks: NONE");
  EXPECT_EQ(Producers("enable.idempotence", "TRUE"), "idempotence: true");
  EXPECT_EQ(Producers("compression.type", "lz4"), "compression { codec: LZ4 }");
  EXPECT_EQ(Consumers("auto.offset.reset", "earliest"), "start_from: EARLIEST");
  EXPECT_EQ(Consumers("isolation.level", "read_committed"), "isolation_level: READ_COMMITTED");
}

TEST(KafkaSettingTest, NoLimitIsAnAbsentField) {
  EXPECT_EQ(Topic("flush.messages", "9223372036854775807"), "default");
  EXPECT_EQ(Topic("flush.ms", "9223372036854775807"), "default");
  EXPECT_EQ(Topic("retention.bytes", "-1"), "default");
  EXPECT_EQ(Topic("retention.ms", "-1"), "retention: \"36530d\"");
  EXPECT_EQ(Topic("local.retention.ms", "-2"), "default");
  EXPECT_EQ(Topic("local.retention.bytes", "-2"), "default");
  EXPECT_EQ(Topic("local.retention.ms", "3600000"), "local_retention: \"1h\"");
  EXPECT_EQ(Topic("remote.storage.enable", "true"), "remote_storage: true");
  EXPECT_EQ(Topic("flush.ms", "0"), "not modelled");
  EXPECT_EQ(Producers("partitioner.class", "org.example.Mine"), "not modelled");
}

TEST(KafkaSettingTest, WhatNeedsMoreThanASettingIsNotModelled) {
  EXPECT_EQ(Producers("transaction.timeout.ms", "60000"), "not modelled");
}

TEST(KafkaSettingTest, WhatKafkaWouldRefuseIsRefused) {
  EXPECT_EQ(Producers("linger.ms", "1ms"),
            "linger.ms=1ms: \"1ms\" is not a number of milliseconds; write digits, such as 5");
  EXPECT_EQ(Producers("batch.size", ""),
            "batch.size=: \"\" is not a number of bytes; write digits, such as 16384");
  EXPECT_THAT(Producers("batch.size", "99999999999"), HasSubstr("1GiB"));
  EXPECT_THAT(Producers("linger.ms", "9223372036854775807"), HasSubstr("beyond 292 years"));
  EXPECT_THAT(Producers("linger.ms", "-5"), HasSubstr("is not zero or more"));
  EXPECT_THAT(Producers("retries", "2147483648"), HasSubstr("is not between 0 and 2147483647"));
  EXPECT_THAT(Producers("acks", "2"), HasSubstr("write all, 1 or 0"));
  EXPECT_THAT(Producers("acks", "leader"), HasSubstr("write all, 1 or 0"));
  EXPECT_THAT(Producers("enable.idempotence", "yes"), HasSubstr("true or false"));
  EXPECT_THAT(Consumers("auto.offset.reset", "first"), HasSubstr("\"earliest\" and \"latest\""));
}

TEST(KafkaSettingTest, EveryKeyOfTheSchemaIsFoundAgain) {
  for (const auto* type :
       {v1::Topic::descriptor(), v1::Producers::descriptor(), v1::Consumers::descriptor()}) {
    EXPECT_GE(KafkaKeysOf(*type).size(), 7u) << type->name();
    for (const std::string& key : KafkaKeysOf(*type)) {
      EXPECT_NE(FieldOfKafkaKey(*type, key).field, nullptr) << key;
    }
  }
  EXPECT_EQ(FieldOfKafkaKey(*v1::Topic::descriptor(), "linger.ms").field, nullptr);
  EXPECT_EQ(FieldOfKafkaKey(*v1::Topic::descriptor(), "").field, nullptr);
}

TEST(KafkaSettingTest, KeysWithoutAFieldAreSortedAndHaveNone) {
  const std::vector<std::string>& keys = OtherKafkaKeys();
  EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
  for (const std::string& key : keys) {
    for (const auto* type :
         {v1::Topic::descriptor(), v1::Producers::descriptor(), v1::Consumers::descriptor()}) {
      EXPECT_EQ(FieldOfKafkaKey(*type, key).field, nullptr) << key << " has a field now";
    }
  }
}

}  // namespace
}  // namespace freshet
