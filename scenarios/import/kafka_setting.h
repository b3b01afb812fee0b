// A setting of Kafka ("linger.ms=1") said in the language (`linger: "1ms"`). The schema knows which
// field stands for which key (facts.key), so a field that gets a key is imported without more ado.
#ifndef FRESHET_SCENARIOS_IMPORT_KAFKA_SETTING_H_
#define FRESHET_SCENARIOS_IMPORT_KAFKA_SETTING_H_

#include <google/protobuf/descriptor.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace freshet {

struct KafkaSetting {
  enum Outcome {
    kStated,       // `statement` says it.
    kDefault,      // Saying nothing says the same.
    kNotModelled,  // The field exists, but not for this value; `remark` says why.
  };
  Outcome outcome = kStated;
  std::string statement;
  std::string remark;  // For kStated: what differs from Kafka, if anything.
};

// The field of `type` (or of a message in it, such as compression) that stands for a key; `outer`
// is the field of `type` itself. Both are nullptr when none does.
struct KafkaField {
  const google::protobuf::FieldDescriptor* outer = nullptr;
  const google::protobuf::FieldDescriptor* field = nullptr;
};
KafkaField FieldOfKafkaKey(const google::protobuf::Descriptor& type, absl::string_view key);

// The keys for which a message has a field.
std::vector<std::string> KafkaKeysOf(const google::protobuf::Descriptor& type);

// kInvalidArgument, with the text of a problem, for a value that Kafka would refuse or the field
// cannot hold. REQUIRES: FieldOfKafkaKey() gave `at`.
absl::StatusOr<KafkaSetting> TranslateKafka(const KafkaField& at, absl::string_view value);

// Keys that clients and topics of Kafka have and the language does not: known, but without effect.
// Sorted.
const std::vector<std::string>& OtherKafkaKeys();

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_IMPORT_KAFKA_SETTING_H_
