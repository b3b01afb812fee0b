#include "scenarios/language/explain.h"

#include <deque>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "scenarios/language/facts.h"
#include "scenarios/language/quantity.h"
#include "scenarios/language/scenario.pb.h"
#include "scenarios/language/suggest.h"

namespace freshet {

using v1::Scenario;
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

// Breadth first, so that each block is met by its shortest path, and only once: a Distribution has
// the same fields wherever it stands.
std::vector<FieldEntry> FindFields() {
  std::vector<FieldEntry> fields;
  std::set<const Descriptor*> seen = {Scenario::descriptor()};
  std::deque<std::pair<const Descriptor*, std::string>> waiting = {{Scenario::descriptor(), ""}};
  while (!waiting.empty()) {
    const auto [type, prefix] = waiting.front();
    waiting.pop_front();
    for (int i = 0; i < type->field_count(); ++i) {
      const FieldDescriptor* field = type->field(i);
      const std::string path = absl::StrCat(prefix, field->name());
      fields.push_back({path, field});
      const Descriptor* block = field->message_type();
      if (block != nullptr && seen.insert(block).second) {
        waiting.emplace_back(block, absl::StrCat(path, "."));
      }
    }
  }
  return fields;
}

void AppendLine(absl::string_view label, const std::string& text, std::string* out) {
  if (text.empty()) return;
  absl::StrAppend(out, "  ", label, std::string(10 - label.size(), ' '), text, "\n");
}

std::string ExplainField(const FieldEntry& entry) {
  const FieldDescriptor& field = *entry.field;
  const FieldFacts& stated = FactsOf(field);
  std::string text = absl::StrCat(entry.path, "\n  ", stated.help(), "\n");
  AppendLine("unit", DescribeUnit(field), &text);
  AppendLine("default", DescribeDefault(field), &text);
  AppendLine("range", DescribeRange(field), &text);
  AppendLine("key", stated.key(), &text);
  AppendLine("source", stated.source(), &text);
  if (field.message_type() != nullptr) {
    AppendLine("fields", absl::StrJoin(FieldNamesOf(*field.message_type()), ", "), &text);
  }
  AppendLine("not yet", stated.not_yet(), &text);
  return text;
}

}  // namespace

const std::vector<FieldEntry>& AllFields() {
  static const auto* const kFields = new std::vector<FieldEntry>(FindFields());
  return *kFields;
}

absl::StatusOr<std::string> Explain(absl::string_view query) {
  std::vector<std::string> texts;
  for (const FieldEntry& entry : AllFields()) {
    if (entry.path == query) return ExplainField(entry);
    if (absl::EndsWith(entry.path, absl::StrCat(".", query))) texts.push_back(ExplainField(entry));
  }
  if (!texts.empty()) return absl::StrJoin(texts, "\n");

  // A path of which only the end is a field's: "network.rtt_within_zone.normal.sd".
  const size_t dot = query.rfind('.');
  const absl::string_view last = dot == absl::string_view::npos ? query : query.substr(dot + 1);
  std::vector<std::string> names;
  std::vector<std::string> paths;
  for (const FieldEntry& entry : AllFields()) {
    names.push_back(entry.field->name());
    paths.push_back(entry.path);
  }
  const std::string closest = Closest(last, names);
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] != closest) continue;
    return absl::NotFoundError(
        absl::StrCat("no field ", Quoted(query), "; did you mean ", Quoted(paths[i]), "?"));
  }
  return absl::NotFoundError(
      absl::StrCat("no field ", Quoted(query), "; docs/reference/scenario.md lists them"));
}

std::string DescribeUnit(const FieldDescriptor& field) {
  const FieldFacts& stated = FactsOf(field);
  std::string text;
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
    text = absl::StrCat("one of ", absl::StrJoin(ChoicesOf(*field.enum_type()), ", "));
  } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL) {
    text = "true or false";
  } else if (field.message_type() != nullptr) {
    text = absl::StrCat("a block");
    if (stated.unit() == UNIT_VALUE) absl::StrAppend(&text, " of the same unit");
    if (IsQuantity(stated.unit()) && stated.unit() != UNIT_VALUE) {
      absl::StrAppend(&text, " whose values are each ", NounOf(stated.unit()));
    }
  } else if (stated.unit() == UNIT_VALUE &&
             field.containing_type()->full_name().find("Distribution") != std::string::npos) {
    text = "a duration or a size in bytes, as the law is used";
  } else if (stated.unit() == UNIT_UNSPECIFIED) {
    text = stated.min().empty() && stated.max().empty() ? "a text" : "a plain number";
  } else {
    text = std::string(NounOf(stated.unit()));
  }
  if (!stated.refers_to().empty()) {
    absl::StrAppend(&text, " of a ", stated.refers_to());
    if (field.name() == "target") absl::StrAppend(&text, ", or of a part of it");
  }
  if (field.is_repeated()) absl::StrAppend(&text, ", any number of times");
  return text;
}

std::string DescribeDefault(const FieldDescriptor& field) {
  const FieldFacts& stated = FactsOf(field);
  if (stated.required()) return "none: required";
  std::string text = stated.default_value();
  if (!stated.default_before_4_0().empty()) {
    absl::StrAppend(&text, " (before Kafka 4.0: ", stated.default_before_4_0(), ")");
  }
  if (!stated.default_before_3_0().empty()) {
    absl::StrAppend(&text, " (before Kafka 3.0: ", stated.default_before_3_0(), ")");
  }
  return text;
}

std::string DescribeRange(const FieldDescriptor& field) {
  const FieldFacts& stated = FactsOf(field);
  if (stated.unit() == UNIT_NAME) return "1 to 63 of a-z 0-9 _ . - after a letter";
  if (stated.min().empty() && stated.max().empty()) return "";
  if (stated.max().empty()) return absl::StrCat("at least ", stated.min());
  if (stated.min().empty()) return absl::StrCat("at most ", stated.max());
  return absl::StrCat(stated.min(), " to ", stated.max());
}

}  // namespace freshet
