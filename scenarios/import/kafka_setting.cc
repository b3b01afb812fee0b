#include "scenarios/import/kafka_setting.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "scenarios/language/facts.h"
#include "scenarios/language/fields.h"
#include "scenarios/language/group_rules.h"
#include "scenarios/language/quantity.h"
#include "scenarios/language/suggest.h"

namespace freshet {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

constexpr absl::string_view kNever = "9223372036854775807";  // Kafka's word for "no limit".

KafkaSetting Default() { return {KafkaSetting::kDefault, "", ""}; }

KafkaSetting NotModelled(absl::string_view why) {
  return {KafkaSetting::kNotModelled, "", std::string(why)};
}

// What a field says in its message, wrapped in the message around it if there is one.
KafkaSetting Stated(const KafkaField& at, absl::string_view value, absl::string_view remark = "") {
  std::string statement = absl::StrCat(at.field->name(), ": ", value);
  if (at.outer != at.field) statement = absl::StrCat(at.outer->name(), " { ", statement, " }");
  return {KafkaSetting::kStated, statement, std::string(remark)};
}

absl::Status Refused(absl::string_view key, absl::string_view value, absl::string_view wanted) {
  return absl::InvalidArgumentError(
      absl::StrCat(key, "=", value, ": ", Quoted(value), " is not ", wanted));
}

absl::StatusOr<KafkaSetting> TranslateQuantity(const KafkaField& at, absl::string_view value) {
  const FieldFacts& stated = FactsOf(*at.field);
  const std::string& key = stated.key();
  const bool is_duration = stated.unit() == UNIT_DURATION;
  int64_t number;
  if (!absl::SimpleAtoi(value, &number)) {
    return Refused(key, value,
                   is_duration ? "a number of milliseconds; write digits, such as 5"
                               : "a number of bytes; write digits, such as 16384");
  }
  if (is_duration && number > std::numeric_limits<int64_t>::max() / 1'000'000) {
    return absl::InvalidArgumentError(
        absl::StrCat(key, "=", value, ": so many milliseconds are beyond 292 years; lower it"));
  }
  if (number < 0) return Refused(key, value, "zero or more; write a number without a sign");
  const std::string text =
      ToText(Quantity{stated.unit(), is_duration ? number * 1'000'000 : number});
  const absl::Status fits = CheckText(stated, UNIT_UNSPECIFIED, text);
  if (!fits.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(key, "=", value, ": ", fits.message()));
  }
  return Stated(at, absl::StrCat("\"", text, "\""));
}

absl::StatusOr<KafkaSetting> TranslateCount(const KafkaField& at, absl::string_view value) {
  const FieldFacts& stated = FactsOf(*at.field);
  int64_t number;
  if (!absl::SimpleAtoi(value, &number)) {
    return Refused(stated.key(), value, "a whole number; write digits, such as 5");
  }
  int64_t least = 0;
  int64_t most = at.field->cpp_type() == FieldDescriptor::CPPTYPE_UINT32
                     ? std::numeric_limits<uint32_t>::max()
                     : std::numeric_limits<int64_t>::max();
  int64_t bound;
  if (absl::SimpleAtoi(stated.min(), &bound)) least = std::max(least, bound);
  if (absl::SimpleAtoi(stated.max(), &bound)) most = std::min(most, bound);
  if (number < least || number > most) {
    return Refused(stated.key(), value,
                   absl::StrCat("between ", least, " and ", most, "; write a number between them"));
  }
  return Stated(at, absl::StrCat(number));
}

absl::StatusOr<KafkaSetting> TranslateChoice(const KafkaField& at, absl::string_view value) {
  const std::string& key = FactsOf(*at.field).key();
  std::string name = absl::AsciiStrToUpper(value);
  if (key == "acks") {
    if (value == "-1") name = "ALL";
    if (value == "1") name = "LEADER";
    if (value == "0") name = "NONE";
    if (name != "ALL" && value != "1" && value != "0") {
      return Refused(key, value, "known to Kafka; write all, 1 or 0");
    }
  } else if (key == "partitioner.class") {
    if (absl::EndsWith(value, "DefaultPartitioner")) return Default();
    if (absl::EndsWith(value, "UniformStickyPartitioner")) return Stated(at, "STICKY");
    return NotModelled("the partitioners known here are the default one and UniformSticky");
  } else if (key == "auto.offset.reset" && value == "none") {
    return NotModelled("imported members do not subscribe, and have nothing to stop for");
  }
  const std::vector<std::string> choices = ChoicesOf(*at.field->enum_type());
  if (std::find(choices.begin(), choices.end(), name) != choices.end()) return Stated(at, name);
  std::vector<std::string> spelled;
  for (const std::string& choice : choices) {
    if (choice != "NO_RESET") spelled.push_back(absl::AsciiStrToLower(choice));
  }
  return Refused(key, value, absl::StrCat("known here; write one of ", Listed(spelled)));
}

}  // namespace

KafkaField FieldOfKafkaKey(const Descriptor& type, absl::string_view key) {
  if (key.empty()) return {};  // As most fields have it.
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* outer = type.field(i);
    if (FactsOf(*outer).key() == key) return {outer, outer};
    if (outer->message_type() == nullptr || outer->is_repeated()) continue;
    for (int k = 0; k < outer->message_type()->field_count(); ++k) {
      const FieldDescriptor* inner = outer->message_type()->field(k);
      if (FactsOf(*inner).key() == key) return {outer, inner};
    }
  }
  return {};
}

std::vector<std::string> KafkaKeysOf(const Descriptor& type) {
  std::vector<std::string> keys;
  const auto add = [&](const FieldDescriptor& field) {
    if (!FactsOf(field).key().empty()) keys.push_back(FactsOf(field).key());
  };
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* outer = type.field(i);
    add(*outer);
    if (outer->message_type() == nullptr || outer->is_repeated()) continue;
    for (int k = 0; k < outer->message_type()->field_count(); ++k) {
      add(*outer->message_type()->field(k));
    }
  }
  return keys;
}

absl::StatusOr<KafkaSetting> TranslateKafka(const KafkaField& at, absl::string_view value) {
  const FieldFacts& stated = FactsOf(*at.field);
  const std::string& key = stated.key();
  if (at.outer->containing_type() == v1::Consumers::descriptor() && IsOfGroups(at.outer->name())) {
    return NotModelled(
        "imported members have fixed partitions; state assignment: SUBSCRIBE to "
        "have a group");
  }
  if (at.outer->containing_type() == v1::Producers::descriptor() &&
      at.outer->name() == "transactions") {
    return NotModelled(
        "imported producers have no transactions; state transactions { commit_interval } to have "
        "them");
  }
  const bool has_default_never = key == "flush.messages" || key == "flush.ms";
  if (has_default_never && value == kNever) return Default();
  if (key == "retention.bytes" && value == "-1") return Default();
  const bool is_local = key == "local.retention.ms" || key == "local.retention.bytes";
  if (is_local && value == "-2") return Default();  // As the total.
  if (key == "retention.ms" && value == "-1") {
    return Stated(at, absl::StrCat("\"", stated.max(), "\""),
                  "for ever in Kafka; the longest retention of a scenario stands for it");
  }
  if (key == "flush.ms" && value == "0") {
    return NotModelled(
        "an interval of 0 ms flushes whenever the broker's scheduler looks, which it never does by "
        "default (log.flush.scheduler.interval.ms, KSRC); flush.messages=1 is what flushes every "
        "batch");
  }
  if (at.field->enum_type() != nullptr) return TranslateChoice(at, value);
  if (at.field->cpp_type() == FieldDescriptor::CPPTYPE_BOOL) {
    if (absl::EqualsIgnoreCase(value, "true")) return Stated(at, "true");
    if (absl::EqualsIgnoreCase(value, "false")) return Stated(at, "false");
    return Refused(key, value, "true or false; write one of them");
  }
  if (at.field->cpp_type() != FieldDescriptor::CPPTYPE_STRING) return TranslateCount(at, value);
  if (IsQuantity(stated.unit())) return TranslateQuantity(at, value);
  const absl::Status fits = CheckText(stated, UNIT_UNSPECIFIED, value);
  if (!fits.ok()) return absl::InvalidArgumentError(absl::StrCat(key, ": ", fits.message()));
  return Stated(at, absl::StrCat("\"", value, "\""));
}

const std::vector<std::string>& OtherKafkaKeys() {
  // From the configuration classes of Kafka's clients and topics (KSRC).
  static const auto* const kKeys = new std::vector<std::string>{
      "allow.auto.create.topics",
      "bootstrap.servers",
      "check.crcs",
      "cleanup.policy",
      "client.dns.lookup",
      "client.id",
      "connections.max.idle.ms",
      "default.api.timeout.ms",
      "delete.retention.ms",
      "exclude.internal.topics",
      "file.delete.delay.ms",
      "index.interval.bytes",
      "interceptor.classes",
      "key.deserializer",
      "key.serializer",
      "max.compaction.lag.ms",
      "max.message.bytes",
      "message.timestamp.type",
      "metadata.max.idle.ms",
      "metric.reporters",
      "metrics.num.samples",
      "metrics.recording.level",
      "metrics.sample.window.ms",
      "min.cleanable.dirty.ratio",
      "min.compaction.lag.ms",
      "partition.assignment.strategy",
      "partitioner.adaptive.partitioning.enable",
      "partitioner.availability.timeout.ms",
      "partitioner.ignore.keys",
      "preallocate",
      "receive.buffer.bytes",
      "reconnect.backoff.max.ms",
      "reconnect.backoff.ms",
      "sasl.client.callback.handler.class",
      "sasl.jaas.config",
      "sasl.mechanism",
      "security.protocol",
      "segment.index.bytes",
      "segment.jitter.ms",
      "send.buffer.bytes",
      "ssl.endpoint.identification.algorithm",
      "ssl.key.password",
      "ssl.keystore.location",
      "ssl.keystore.password",
      "ssl.truststore.location",
      "ssl.truststore.password",
      "transactional.id",
      "unclean.leader.election.enable",
      "value.deserializer",
      "value.serializer",
  };
  return *kKeys;
}

}  // namespace freshet
