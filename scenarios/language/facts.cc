#include "scenarios/language/facts.h"

namespace freshet {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;

const FieldFacts& FactsOf(const FieldDescriptor& field) {
  return field.options().GetExtension(facts);
}

const std::string& DefaultOf(const FieldDescriptor& field, const std::string& kafka_version) {
  const FieldFacts& stated = FactsOf(field);
  const bool before_3_0 = kafka_version == "2.8";
  const bool before_4_0 = before_3_0 || kafka_version == "3.9";
  if (before_3_0 && !stated.default_before_3_0().empty()) return stated.default_before_3_0();
  if (before_4_0 && !stated.default_before_4_0().empty()) return stated.default_before_4_0();
  return stated.default_value();
}

const std::vector<std::string>& KafkaVersions() {
  static const auto* const kVersions = new std::vector<std::string>{"4.0", "3.9", "2.8"};
  return *kVersions;
}

std::vector<std::string> ChoicesOf(const EnumDescriptor& type) {
  std::vector<std::string> choices;
  for (int i = 0; i < type.value_count(); ++i) {
    if (type.value(i)->number() != 0) choices.push_back(type.value(i)->name());
  }
  return choices;
}

std::vector<std::string> FieldNamesOf(const Descriptor& type) {
  std::vector<std::string> names;
  for (int i = 0; i < type.field_count(); ++i) names.push_back(type.field(i)->name());
  return names;
}

}  // namespace freshet
