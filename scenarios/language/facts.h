// The facts of a schema field, and the few questions that every reader of them asks.
#ifndef FRESHET_SCENARIOS_LANGUAGE_FACTS_H_
#define FRESHET_SCENARIOS_LANGUAGE_FACTS_H_

#include <google/protobuf/descriptor.h>

#include <string>
#include <vector>

#include "results/annotations.pb.h"

namespace freshet {

const FieldFacts& FactsOf(const google::protobuf::FieldDescriptor& field);

// The default under a version ("4.0", "3.9", "2.8"); empty when the field has none.
const std::string& DefaultOf(const google::protobuf::FieldDescriptor& field,
                             const std::string& kafka_version);

// The versions whose defaults are known, newest first.
const std::vector<std::string>& KafkaVersions();

// The names of an enum that a scenario may write: all but the zero value.
std::vector<std::string> ChoicesOf(const google::protobuf::EnumDescriptor& type);

// The fields of a message by name, for suggestions.
std::vector<std::string> FieldNamesOf(const google::protobuf::Descriptor& type);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_FACTS_H_
