// What a driver file says: replication, and the properties of its four blocks.
#include <algorithm>
#include <array>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "scenarios/import/kafka_setting.h"
#include "scenarios/import/omb_import.h"
#include "scenarios/language/facts.h"
#include "scenarios/language/suggest.h"

namespace freshet::omb {
namespace {

// Settings of Kafka that have no field, for a reason worth telling.
constexpr std::array kReasons = {
    KnownKey{"bootstrap.servers", "a simulated client needs no address"},
    KnownKey{"group.id", "the benchmark itself replaces it by the name of the subscription"},
    KnownKey{"key.serializer", "the benchmark itself replaces it"},
    KnownKey{"value.serializer", "the benchmark itself replaces it"},
    KnownKey{"key.deserializer", "the benchmark itself replaces it"},
    KnownKey{"value.deserializer", "the benchmark itself replaces it"},
    KnownKey{"security.protocol", "encryption costs no CPU here; raise cpu_per_mib to include it"},
    KnownKey{"client.rack",
             "a rack is the zone of the member's host here; state client_rack: OWN_ZONE, and "
             "replica_selector: RACK_AWARE of the brokers"},
    KnownKey{"session.timeout.ms", "imported members have fixed partitions"},
    KnownKey{"heartbeat.interval.ms", "imported members have fixed partitions"},
    KnownKey{"max.poll.interval.ms", "imported members have fixed partitions"},
    KnownKey{"partition.assignment.strategy", "partitions are dealt out evenly once"},
    KnownKey{"transactional.id", "transactions are not modelled"},
    KnownKey{"transaction.timeout.ms", "transactions are not modelled"},
};

}  // namespace

void OmbImport::ReadDriver() {
  if (const YamlSetting* name = driver_.Find("name")) {
    driver_name_ = name->value;
    Taken(*name, "named in the question");
  }
  if (const YamlSetting* type = driver_.Find("driverClass")) {
    if (absl::EndsWith(type->value, ".KafkaBenchmarkDriver")) {
      Taken(*type, "a component of kind kafka");
    } else {
      findings_.Error(type->value_place,
                      absl::StrCat("driverClass: ", Quoted(type->value),
                                   " is not the driver for Kafka; name a driver file whose "
                                   "class is KafkaBenchmarkDriver"));
    }
  }
  if (const YamlSetting* reset = driver_.Find("reset")) {
    if (reset->value == "true") {
      Taken(*reset, "every run begins with empty topics");
    } else {
      Note(ImportNote::kNotModelled, reset->key_place, "reset",
           "topics of earlier runs stay in the benchmark; a simulation begins without any");
    }
  }
  if (const auto factor = Count(driver_, "replicationFactor", 1, 1'000)) {
    const YamlSetting& setting = *driver_.Find("replicationFactor");
    topic_.SetCount("replication_factor", *factor,
                    Provenance("replicationFactor", setting.key_place));
    Taken(setting, "topic.replication_factor");
  }
  for (const char* block : {"topicConfig", "commonConfig", "producerConfig", "consumerConfig"}) {
    ReadBlock(block);
  }
  Apply("topics", v1::Topic::descriptor(), {"topicConfig"}, &topic_);
  Apply("producers", v1::Producers::descriptor(), {"commonConfig", "producerConfig"}, &produce_);
  Apply("consumers", v1::Consumers::descriptor(), {"commonConfig", "consumerConfig"}, &consume_);
  for (const DriverProperty& property : properties_) Account(property);
}

std::string OmbImport::Provenance(absl::string_view key, Place place) {
  return absl::StrCat(key, ", line ", place.line, " of the driver");
}

void OmbImport::ReadBlock(const char* block) {
  const YamlSetting* setting = driver_.Find(block);
  if (setting == nullptr) return;
  for (Property& property : ParseProperties(setting->value)) {
    const Place place = driver_.PlaceInside(*setting, property.line, property.column);
    ++settings_;
    bool is_bad = property.is_broken || property.key.empty();
    if (is_bad) {
      findings_.Error(place, property.is_broken
                                 ? "\\u needs four hexadecimal digits behind it; mend or drop it"
                                 : "the line has no key; write key=value");
    }
    for (DriverProperty& earlier : properties_) {
      if (earlier.block != block || earlier.property.key != property.key || is_bad) continue;
      earlier.overridden_in = place.line;
      findings_.Add(
          place,
          absl::StrCat(property.key, " is stated twice, first in line ", earlier.place.line,
                       "; the last one counts, as in Java, so delete the other"),
          ProblemSeverity::kWarning);
    }
    properties_.push_back({block, std::move(property), place, is_bad, {}, {}, std::nullopt});
  }
}

void OmbImport::Apply(const char* whose, const google::protobuf::Descriptor* type,
                      const std::vector<absl::string_view>& blocks, MessageText* text) {
  for (DriverProperty& property : properties_) {
    if (std::find(blocks.begin(), blocks.end(), property.block) == blocks.end()) continue;
    if (property.is_bad || WhyOf(kReasons, property.property.key) != nullptr) continue;
    const KafkaField at = FieldOfKafkaKey(*type, property.property.key);
    if (at.field == nullptr) continue;
    const auto again =
        std::find_if(properties_.begin(), properties_.end(), [&](const DriverProperty& other) {
          return other.place > property.place && other.property.key == property.property.key &&
                 other.block != property.block &&
                 std::find(blocks.begin(), blocks.end(), other.block) != blocks.end() &&
                 std::find(blocks.begin(), blocks.end(), other.block) >
                     std::find(blocks.begin(), blocks.end(), property.block);
        });
    if (again != properties_.end()) property.overridden_in = again->place.line;
    const absl::StatusOr<KafkaSetting> meant = TranslateKafka(at, property.property.value);
    if (!meant.ok()) {
      property.is_bad = true;
      findings_.Error(property.place, meant.status().message());
      continue;
    }
    if (property.overridden_in) continue;
    if (meant->outcome == KafkaSetting::kNotModelled) {
      property.remarks.push_back(meant->remark);
      continue;
    }
    if (meant->outcome == KafkaSetting::kDefault) {
      property.said.push_back(absl::StrCat(at.field->name(), " of ", whose, " as it is absent"));
      continue;
    }
    std::string comment = Provenance(property.property.key, property.place);
    if (!meant->remark.empty()) absl::StrAppend(&comment, " (", meant->remark, ")");
    property.said.push_back(absl::StrCat(meant->statement, " of ", whose));
    text->Set(at.outer->name(), meant->statement, comment);
    if (at.field->enum_type() == v1::Compression::Codec_descriptor() &&
        !absl::StrContains(meant->statement, "NONE")) {
      AskForCompression(property, meant->statement, comment, text);
    }
  }
}

void OmbImport::AskForCompression(const DriverProperty& property, const std::string& statement,
                                  const std::string& comment, MessageText* text) {
  text->Set("compression", statement,
            absl::StrCat(comment, "; REQUIRED with it: ratio and cpu_per_mib"));
  findings_.Add(property.place,
                absl::StrCat(property.property.key, "=", property.property.value,
                             " needs compression.ratio and compression.cpu_per_mib, which hang on "
                             "your data; add them to the scenario"),
                ProblemSeverity::kWarning);
}

void OmbImport::Account(const DriverProperty& property) {
  const std::string& key = property.property.key;
  if (!property.said.empty()) {
    Note(ImportNote::kTaken, property.place, key, absl::StrJoin(property.said, ", "));
    return;
  }
  std::string why;
  if (property.is_bad) {
    why = "it cannot be read";
  } else if (property.overridden_in) {
    why = absl::StrCat("line ", *property.overridden_in, " states another value, which counts");
  } else if (!property.remarks.empty()) {
    why = property.remarks.front();
  } else if (const char* reason = WhyOf(kReasons, key)) {
    why = reason;
  } else {
    why = WhyUnknown(property);
  }
  Note(ImportNote::kNotModelled, property.place, key, why);
}

std::string OmbImport::WhyUnknown(const DriverProperty& property) {
  const std::string& key = property.property.key;
  const auto& others = OtherKafkaKeys();
  if (std::binary_search(others.begin(), others.end(), key)) {
    return "a setting of Kafka that has no counterpart in a scenario";
  }
  std::vector<std::string> known = others;
  for (const auto& [whose, type] : {std::pair{"topics", v1::Topic::descriptor()},
                                    std::pair{"producers", v1::Producers::descriptor()},
                                    std::pair{"consumers", v1::Consumers::descriptor()}}) {
    for (const std::string& name : KafkaKeysOf(*type)) {
      if (name == key) {
        return absl::StrCat("a setting of ", whose, ", without effect in ", property.block);
      }
      known.push_back(name);
    }
  }
  return absl::StrCat("unknown to Kafka and to Freshet", Hint(key, known));
}

}  // namespace freshet::omb
