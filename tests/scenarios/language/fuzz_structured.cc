// libFuzzer on the message of a scenario: the mutator parses the input, changes a field by
// reflection and prints it again, so that mutations get past the parser to the rules behind it.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string>
#include <vector>

#include "scenarios/language/facts.h"
#include "scenarios/language/scenario.pb.h"
#include "tests/scenarios/language/fuzz_input.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace freshet {

using v1::Scenario;
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::TextFormat;

class Mutator {
 public:
  explicit Mutator(uint64_t seed) : state_(seed) {}

  uint64_t Below(uint64_t bound) { return Next() % bound; }

  // Changes one field somewhere in the tree; deeper places come up as often as shallow ones.
  void Mutate(Scenario* scenario) {
    std::vector<Message*> messages;
    Collect(scenario, &messages);
    Message* message = messages[Below(messages.size())];
    const Descriptor* type = message->GetDescriptor();
    if (type->field_count() == 0) return;
    Change(message, type->field(static_cast<int>(Below(type->field_count()))));
  }

 private:
  uint64_t Next() {  // SplitMix64.
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }

  void Collect(Message* message, std::vector<Message*>* found) {
    found->push_back(message);
    const Reflection* reflection = message->GetReflection();
    std::vector<const FieldDescriptor*> given;
    reflection->ListFields(*message, &given);
    for (const FieldDescriptor* field : given) {
      if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
      const int count = field->is_repeated() ? reflection->FieldSize(*message, field) : 1;
      for (int i = 0; i < count; ++i) {
        Collect(field->is_repeated() ? reflection->MutableRepeatedMessage(message, field, i)
                                     : reflection->MutableMessage(message, field),
                found);
      }
    }
  }

  void Change(Message* message, const FieldDescriptor* field) {
    const Reflection* reflection = message->GetReflection();
    if (Below(5) == 0) {
      if (field->is_repeated() && reflection->FieldSize(*message, field) > 0) {
        reflection->RemoveLast(message, field);
      } else {
        reflection->ClearField(message, field);
      }
      return;
    }
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        if (!field->is_repeated()) {
          reflection->MutableMessage(message, field);
        } else if (const int size = reflection->FieldSize(*message, field);
                   size > 0 && Below(2) == 0) {
          // A copy, and so a duplicate name.
          const int copied = static_cast<int>(Below(size));
          Message* added = reflection->AddMessage(message, field);
          added->CopyFrom(reflection->GetRepeatedMessage(*message, field, copied));
        } else {
          reflection->AddMessage(message, field);
        }
        return;
      case FieldDescriptor::CPPTYPE_STRING:
        if (field->is_repeated()) {
          reflection->AddString(message, field, Text(*field));
        } else {
          reflection->SetString(message, field, Text(*field));
        }
        return;
      case FieldDescriptor::CPPTYPE_ENUM: {
        const int value = static_cast<int>(Below(9)) - 1;
        if (field->is_repeated()) {
          reflection->AddEnumValue(message, field, value);
        } else {
          reflection->SetEnumValue(message, field, value);
        }
        return;
      }
      case FieldDescriptor::CPPTYPE_BOOL:
        reflection->SetBool(message, field, Below(2) == 0);
        return;
      case FieldDescriptor::CPPTYPE_UINT32:
        if (field->is_repeated()) {
          reflection->AddUInt32(message, field, static_cast<uint32_t>(Number()));
        } else {
          reflection->SetUInt32(message, field, static_cast<uint32_t>(Number()));
        }
        return;
      case FieldDescriptor::CPPTYPE_UINT64:
        reflection->SetUInt64(message, field, Number());
        return;
      default:
        return;
    }
  }

  uint64_t Number() {
    static constexpr uint64_t kNumbers[] = {0,     1,         2,          3,          4,
                                            6,     7,         12,         100,        1'000,
                                            1'001, 1'000'000, 0x7fffffff, 0xffffffff, ~uint64_t{0}};
    return Below(4) == 0 ? Next() >> Below(64) : kNumbers[Below(std::size(kNumbers))];
  }

  std::string Text(const FieldDescriptor& field) {
    static constexpr const char* kTexts[] = {"a",
                                             "b",
                                             "log",
                                             "shop",
                                             "audit",
                                             "orders",
                                             "log/broker-1",
                                             "log/broker-9/nic",
                                             "",
                                             "0s",
                                             "1ns",
                                             "5ms",
                                             "1h",
                                             "7d",
                                             "3653d",
                                             "300000d",
                                             "0B",
                                             "1B",
                                             "16KiB",
                                             "1PiB",
                                             "9PiB",
                                             "0B/s",
                                             "1B/s",
                                             "9000TiB/s",
                                             "1/s",
                                             "9000G/s",
                                             "0.1/h",
                                             "0",
                                             "1",
                                             "0.5",
                                             "1.5",
                                             "50%",
                                             "1000000",
                                             "nan",
                                             "-1s",
                                             "1e9s",
                                             "2.8",
                                             "3.9",
                                             "2026-03-02T00:00:00Z",
                                             "x\xff"};
    const FieldFacts& stated = FactsOf(field);
    switch (Below(8)) {
      case 0:
        return stated.min();
      case 1:
        return stated.max();
      case 2:
        return stated.default_value();
      default:
        return kTexts[Below(std::size(kTexts))];
    }
  }

  uint64_t state_;
};

class Silent : public google::protobuf::io::ErrorCollector {
  void AddError(int, int, const std::string&) override {}
};

}  // namespace
}  // namespace freshet

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned int seed) {
  freshet::Mutator mutator(seed);
  freshet::Scenario scenario;
  google::protobuf::TextFormat::Parser parser;
  freshet::Silent silent;
  parser.RecordErrorsTo(&silent);
  parser.SetRecursionLimit(100);
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (!parser.ParseFromString(text, &scenario) || mutator.Below(20) == 0) {
    return LLVMFuzzerMutate(data, size, max_size);
  }
  for (uint64_t changes = 1 + mutator.Below(4); changes > 0; --changes) mutator.Mutate(&scenario);
  std::string mutated;
  google::protobuf::TextFormat::PrintToString(scenario, &mutated);
  if (mutated.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::memcpy(data, mutated.data(), mutated.size());
  return mutated.size();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  freshet::LoadOneInput({reinterpret_cast<const char*>(data), size});
  return 0;
}
