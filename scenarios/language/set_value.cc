// SetValue(): `path=value` from the command line, resolved against the schema and a scenario.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "scenarios/language/facts.h"
#include "scenarios/language/fields.h"
#include "scenarios/language/parse.h"
#include "scenarios/language/statements.h"
#include "scenarios/language/suggest.h"
#include "scenarios/language/variants.h"

namespace freshet {

using v1::Component;
using v1::Scenario;
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::TextFormat;

// `field` or `field[key]`.
struct Step {
  std::string field;
  std::string key;
  bool has_key = false;
};

// Splits at dots outside brackets. Returns what is wrong, or an empty text.
std::string SplitPath(absl::string_view path, std::vector<Step>* steps) {
  while (true) {
    Step step;
    const size_t stop = path.find_first_of(".[");
    step.field = std::string(path.substr(0, stop));
    if (step.field.empty()) return "the path has an empty part";
    path.remove_prefix(step.field.size());
    if (!path.empty() && path.front() == '[') {
      const size_t close = path.find(']');
      if (close == absl::string_view::npos) return "the path has \"[\" without \"]\"";
      step.key = std::string(path.substr(1, close - 1));
      step.has_key = true;
      path.remove_prefix(close + 1);
    }
    steps->push_back(step);
    if (path.empty()) return "";
    if (path.front() != '.') return "a \".\" is missing behind \"]\"";
    path.remove_prefix(1);
  }
}

class Quiet : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int, int, const std::string& message) override {
    if (first.empty()) first = message;
  }
  std::string first;
};

class Setter {
 public:
  Setter(const std::vector<Step>& steps, const std::string& value, Place place, bool* matched)
      : steps_(steps), value_(value), place_(place), matched_(matched) {}

  std::string Apply(size_t depth, Message* message, Places* places) {
    const Step& step = steps_[depth];
    const Descriptor* type = message->GetDescriptor();
    const Reflection* reflection = message->GetReflection();
    const FieldDescriptor* field = type->FindFieldByName(step.field);
    if (field == nullptr) {
      const std::string closest = Closest(step.field, FieldNamesOf(*type));
      return absl::StrCat(type->name(), " has no field ", Quoted(step.field), "; ",
                          closest.empty()
                              ? absl::StrCat("its fields are ", Listed(FieldNamesOf(*type)))
                              : absl::StrCat("did you mean ", Quoted(closest), "?"));
    }
    const bool last = depth + 1 == steps_.size();
    const bool is_message = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (!is_message && !last) {
      return absl::StrCat(Quoted(step.field), " has no fields of its own; end the path there");
    }
    if (field->is_repeated() && is_message) return InList(depth, field, message, places);
    if (step.has_key) return absl::StrCat(Quoted(step.field), " is not a list; leave out the key");
    // Another kind of component is another component: the path is not about this one.
    const bool other_kind = type == Component::descriptor() &&
                            field->real_containing_oneof() != nullptr &&
                            reflection->HasOneof(*message, field->real_containing_oneof()) &&
                            !reflection->HasField(*message, field);
    if (last) return other_kind ? "" : Assign(field, message, places);
    if (other_kind) {
      // The rest of the path is still checked against the schema.
      std::unique_ptr<Message> other(reflection->GetMessage(*message, field).New());
      Places nowhere;
      bool ignored = false;
      return Setter(steps_, value_, place_, &ignored).Apply(depth + 1, other.get(), &nowhere);
    }
    return Apply(depth + 1, reflection->MutableMessage(message, field), Child(field, 0, places));
  }

 private:
  std::string InList(size_t depth, const FieldDescriptor* field, Message* message, Places* places) {
    const Step& step = steps_[depth];
    const Reflection* reflection = message->GetReflection();
    if (!step.has_key) {
      return absl::StrCat(Quoted(step.field), " is a list; name the element: ", step.field,
                          "[name]");
    }
    if (depth + 1 == steps_.size()) {
      return absl::StrCat("an element of ", Quoted(step.field),
                          " cannot be set as a whole; set one of its fields");
    }
    const int count = reflection->FieldSize(*message, field);
    for (int i = 0; i < count; ++i) {
      Message* element = reflection->MutableRepeatedMessage(message, field, i);
      if (ElementName(*element, step.field, i) != absl::StrCat(step.field, "[", step.key, "]")) {
        continue;
      }
      return Apply(depth + 1, element, Child(field, i, places));
    }
    // No such element here; another variant may have it. The rest of the path must make sense.
    std::unique_ptr<Message> other(
        reflection->GetMessageFactory()->GetPrototype(field->message_type())->New());
    Places nowhere;
    bool ignored = false;
    return Setter(steps_, value_, place_, &ignored).Apply(depth + 1, other.get(), &nowhere);
  }

  static Places* Child(const FieldDescriptor* field, size_t index, Places* places) {
    std::vector<Places>& list = places->fields[field->name()];
    while (list.size() <= index) list.push_back({places->place, places->end, {}});
    return &list[index];
  }

  std::string Assign(const FieldDescriptor* field, Message* message, Places* places) {
    const Reflection* reflection = message->GetReflection();
    if (field->real_containing_oneof() != nullptr &&
        reflection->HasOneof(*message, field->real_containing_oneof())) {
      places->fields.erase(
          reflection->GetOneofFieldDescriptor(*message, field->real_containing_oneof())->name());
    }
    places->fields[field->name()] = {{place_, place_, {}}};
    *matched_ = true;
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      if (!field->is_repeated()) {
        reflection->SetString(message, field, value_);
        return "";
      }
      reflection->ClearField(message, field);
      std::vector<Places>& list = places->fields[field->name()];
      list.clear();
      for (const absl::string_view part : absl::StrSplit(value_, ',', absl::SkipEmpty())) {
        reflection->AddString(message, field, std::string(part));
        list.push_back({place_, place_, {}});
      }
      return "";
    }
    return field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE
               ? AssignBlock(field, reflection->MutableMessage(message, field))
               : AssignWord(field, message);
  }

  std::string AssignBlock(const FieldDescriptor* field, Message* block) {
    const absl::string_view text = absl::StripAsciiWhitespace(value_);
    if (text.size() < 2 || text.front() != '{' || text.back() != '}' ||
        NestingDepth(text) > kDeepestNesting) {
      return absl::StrCat(Quoted(field->name()),
                          " is a block; set one of its fields, or write {...}");
    }
    Quiet errors;
    TextFormat::Parser parser;
    parser.RecordErrorsTo(&errors);
    parser.SetRecursionLimit(kDeepestNesting);
    block->Clear();
    if (parser.ParseFromString(std::string(text.substr(1, text.size() - 2)), block)) return "";
    return absl::StrCat(errors.first, " The value is ", Quoted(value_),
                        "; write it as in a scenario");
  }

  std::string AssignWord(const FieldDescriptor* field, Message* message) {
    Quiet errors;
    TextFormat::Parser parser;
    parser.RecordErrorsTo(&errors);
    message->GetReflection()->ClearField(message, field);
    if (parser.ParseFieldValueFromString(value_, field, message)) return "";
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
      return absl::StrCat(Quoted(value_), " is no value of ", field->name(), "; choose ",
                          absl::StrJoin(ChoicesOf(*field->enum_type()), ", "));
    }
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_BOOL) {
      return absl::StrCat(Quoted(value_), " is neither true nor false; write one of them");
    }
    return absl::StrCat(Quoted(value_), " is not a whole number in range; see `freshet explain ",
                        field->name(), "`");
  }

  const std::vector<Step>& steps_;
  const std::string& value_;
  const Place place_;
  bool* const matched_;
};

}  // namespace

std::string SetValue(absl::string_view assignment, Place place, Scenario* scenario, Places* places,
                     bool* matched) {
  *matched = false;
  const size_t equals = assignment.find('=');
  if (equals == absl::string_view::npos) {
    return absl::StrCat(Quoted(assignment), " has no \"=\"; write path=value");
  }
  std::vector<Step> steps;
  const std::string wrong = SplitPath(assignment.substr(0, equals), &steps);
  if (!wrong.empty()) return absl::StrCat(wrong, "; write it like component[log].kafka.brokers=6");
  if (steps.front().field == "variant" || steps.front().field == "include") {
    return absl::StrCat(Quoted(steps.front().field),
                        " cannot be set; it is resolved before values are set");
  }
  const std::string value(assignment.substr(equals + 1));
  return Setter(steps, value, place, matched).Apply(0, scenario, places);
}

}  // namespace freshet
