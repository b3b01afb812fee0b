#include "scenarios/language/fields.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "scenarios/language/facts.h"
#include "scenarios/language/quantity.h"
#include "scenarios/language/suggest.h"

namespace freshet {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::OneofDescriptor;
using google::protobuf::Reflection;

constexpr size_t kLongestName = 63;
constexpr size_t kLongestText = 4096;

absl::Status Wrong(absl::string_view problem, absl::string_view remedy) {
  return absl::InvalidArgumentError(absl::StrCat(problem, "; ", remedy));
}

// UTF-8 without control characters, line breaks and tabs excepted.
bool IsPrintable(absl::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const unsigned char c = text[i];
    if (c < 0x80) {
      if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f) return false;
      ++i;
      continue;
    }
    const int length = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    if (c < 0xc2 || c > 0xf4 || i + length > text.size()) return false;
    uint32_t point = c & (0xff >> (length + 1));
    for (int k = 1; k < length; ++k) {
      const unsigned char next = text[i + k];
      if ((next & 0xc0) != 0x80) return false;
      point = point << 6 | (next & 0x3f);
    }
    const uint32_t least = length == 4 ? 0x10000 : length == 3 ? 0x800 : 0x80;
    const bool surrogate = point >= 0xd800 && point <= 0xdfff;
    if (point < least || point > 0x10ffff || surrogate || (point >= 0x80 && point < 0xa0)) {
      return false;
    }
    i += length;
  }
  return true;
}

std::string RangeOf(const FieldFacts& stated) {
  if (stated.max().empty()) return absl::StrCat("at least ", stated.min());
  if (stated.min().empty()) return absl::StrCat("at most ", stated.max());
  return absl::StrCat("from ", stated.min(), " to ", stated.max());
}

absl::Status CheckRange(const FieldFacts& stated, Unit unit, absl::string_view text,
                        int64_t amount) {
  const auto bound = [unit](const std::string& limit) {
    return ParseQuantity(unit, limit)->amount;
  };
  const bool low = !stated.min().empty() && amount < bound(stated.min());
  const bool high = !stated.max().empty() && amount > bound(stated.max());
  if (!low && !high) return absl::OkStatus();
  return Wrong(absl::StrCat(Quoted(text), " is too ", low ? "small" : "large"),
               absl::StrCat("write a value ", RangeOf(stated)));
}

absl::Status CheckInteger(const FieldFacts& stated, uint64_t value) {
  uint64_t low = 0, high = 0;
  const bool has_low = absl::SimpleAtoi(stated.min(), &low);
  const bool has_high = absl::SimpleAtoi(stated.max(), &high);
  if ((!has_low || value >= low) && (!has_high || value <= high)) return absl::OkStatus();
  return Wrong(absl::StrCat(value, " is too ", has_low && value < low ? "small" : "large"),
               absl::StrCat("write a number ", RangeOf(stated)));
}

// A singular field's value as a scenario writes it; empty for a block.
std::string TextOf(const Message& message, const FieldDescriptor* field) {
  const Reflection* reflection = message.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection->GetString(message, field);
    case FieldDescriptor::CPPTYPE_ENUM:
      return reflection->GetEnum(message, field)->name();
    case FieldDescriptor::CPPTYPE_UINT32:
      return absl::StrCat(reflection->GetUInt32(message, field));
    case FieldDescriptor::CPPTYPE_UINT64:
      return absl::StrCat(reflection->GetUInt64(message, field));
    default:
      return "";
  }
}

class FieldCheck {
 public:
  explicit FieldCheck(Findings* findings) : findings_(findings) {}

  void Walk(const Message& message, const Places& places, Unit holder, const std::string& path) {
    const Descriptor* type = message.GetDescriptor();
    const Reflection* reflection = message.GetReflection();
    for (int i = 0; i < type->field_count(); ++i) {
      const FieldDescriptor* field = type->field(i);
      if (field->is_repeated()) {
        const int count = reflection->FieldSize(message, field);
        for (int index = 0; index < count; ++index) {
          Visit(message, field, index, places, holder, path);
        }
      } else if (reflection->HasField(message, field) || places.Has(field->name())) {
        Visit(message, field, -1, places, holder, path);
      }
    }
  }

 private:
  void Visit(const Message& message, const FieldDescriptor* field, int index, const Places& places,
             Unit holder, const std::string& parent) {
    const Reflection* reflection = message.GetReflection();
    const bool repeated = index >= 0;
    const FieldFacts& stated = FactsOf(*field);
    const Places& here = places.In(field->name(), std::max(index, 0));
    const std::string path = absl::StrCat(parent, parent.empty() ? "" : ".", field->name());
    if (!stated.not_yet().empty() && places.Has(field->name()) &&
        TextOf(message, field) != stated.default_value()) {
      findings_->Warning(here.place, absl::StrCat("\"", field->name(), "\" changes nothing yet; ",
                                                  stated.not_yet()));
    }
    absl::Status status;
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE: {
        const Message& value = repeated ? reflection->GetRepeatedMessage(message, field, index)
                                        : reflection->GetMessage(message, field);
        const std::string name = repeated ? absl::StrCat(parent, parent.empty() ? "" : ".",
                                                         ElementName(value, field->name(), index))
                                          : path;
        const bool gives_unit = stated.unit() != UNIT_UNSPECIFIED && stated.unit() != UNIT_VALUE;
        Walk(value, here, gives_unit ? stated.unit() : holder, name);
        return;
      }
      case FieldDescriptor::CPPTYPE_STRING: {
        const std::string value = repeated ? reflection->GetRepeatedString(message, field, index)
                                           : reflection->GetString(message, field);
        status = CheckText(stated, holder, value);
        break;
      }
      case FieldDescriptor::CPPTYPE_ENUM: {
        const int value = repeated ? reflection->GetRepeatedEnumValue(message, field, index)
                                   : reflection->GetEnumValue(message, field);
        if (field->enum_type()->FindValueByNumber(value) == nullptr) {
          status =
              Wrong(absl::StrCat(value, " is no value of this field"),
                    absl::StrCat("choose ", absl::StrJoin(ChoicesOf(*field->enum_type()), ", ")));
        }
        break;
      }
      case FieldDescriptor::CPPTYPE_UINT32:
        status =
            CheckInteger(stated, repeated ? reflection->GetRepeatedUInt32(message, field, index)
                                          : reflection->GetUInt32(message, field));
        break;
      case FieldDescriptor::CPPTYPE_UINT64:
        status =
            CheckInteger(stated, repeated ? reflection->GetRepeatedUInt64(message, field, index)
                                          : reflection->GetUInt64(message, field));
        break;
      default:
        break;
    }
    if (!status.ok()) findings_->Error(here.place, absl::StrCat(path, ": ", Text(status)));
  }

  static std::string Text(const absl::Status& status) { return std::string(status.message()); }

  Findings* const findings_;
};

class RequiredCheck {
 public:
  RequiredCheck(const std::vector<Place>& blanked, Findings* findings, absl::string_view whole)
      : blanked_(blanked), findings_(findings), whole_(whole) {}

  // `is_root`: the message as a whole stands at the top of its file.
  void Walk(const Message& message, const Places& places, const std::string& path, bool is_root) {
    const Descriptor* type = message.GetDescriptor();
    const Reflection* reflection = message.GetReflection();
    const bool forgiven = is_root ? !blanked_.empty() : AnyWithin(blanked_, places);
    const std::string where = path.empty() ? whole_ : path;
    for (int i = 0; i < type->field_count(); ++i) {
      const FieldDescriptor* field = type->field(i);
      // Overlays have what they need from their base.
      if (is_root && field->name() == "variant") continue;
      const int count = field->is_repeated() ? reflection->FieldSize(message, field)
                        : reflection->HasField(message, field) ? 1
                                                               : 0;
      if (count == 0 && FactsOf(*field).required() && !forgiven && !places.Has(field->name())) {
        findings_->Error(places.place, absl::StrCat(where, " has no ", field->name(),
                                                    "; state it: ", FactsOf(*field).help()));
      }
      if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
      for (int index = 0; index < count; ++index) {
        const Message& value = field->is_repeated()
                                   ? reflection->GetRepeatedMessage(message, field, index)
                                   : reflection->GetMessage(message, field);
        const std::string name =
            field->is_repeated() ? ElementName(value, field->name(), index) : field->name();
        Walk(value, places.In(field->name(), index),
             absl::StrCat(path, path.empty() ? "" : ".", name), false);
      }
    }
    if (forgiven) return;
    for (int i = 0; i < type->real_oneof_decl_count(); ++i) {
      const OneofDescriptor* oneof = type->oneof_decl(i);
      if (reflection->HasOneof(message, oneof)) continue;
      std::vector<std::string> members;
      for (int k = 0; k < oneof->field_count(); ++k) members.push_back(oneof->field(k)->name());
      findings_->Error(places.place, absl::StrCat(where, " does not say which ", oneof->name(),
                                                  "; give one of ", absl::StrJoin(members, ", ")));
    }
  }

 private:
  const std::vector<Place>& blanked_;
  Findings* const findings_;
  const std::string whole_;
};

}  // namespace

bool IsName(absl::string_view text) {
  if (text.empty() || text.size() > kLongestName || !absl::ascii_islower(text.front())) {
    return false;
  }
  return std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '_' || c == '.' || c == '-';
  });
}

absl::Status CheckText(const FieldFacts& stated, Unit holder, absl::string_view text) {
  const Unit unit =
      stated.unit() == UNIT_VALUE && holder != UNIT_UNSPECIFIED ? holder : stated.unit();
  if (!IsPrintable(text)) {
    return Wrong(absl::StrCat(Quoted(text), " is not UTF-8 or has control characters"),
                 "write plain text");
  }
  if (text.size() > kLongestText) {
    return Wrong(absl::StrCat("the text has ", text.size(), " bytes"),
                 absl::StrCat("at most ", kLongestText, " are allowed"));
  }
  if (IsQuantity(unit)) {
    const absl::StatusOr<Quantity> quantity = ParseQuantity(unit, text);
    if (!quantity.ok()) return quantity.status();
    return CheckRange(stated, unit, text, quantity->amount);
  }
  if (unit == UNIT_NAME && !IsName(text)) {
    return Wrong(absl::StrCat(Quoted(text), " is not a name"),
                 "a name has 1 to 63 of a-z 0-9 _ . - and begins with a letter");
  }
  if (unit == UNIT_PATH && text.empty()) return Wrong("the path is empty", "name a file");
  if (unit == UNIT_UNSPECIFIED && (!stated.min().empty() || !stated.max().empty())) {
    // A bare decimal, such as a percentile: "99.9". "99%" would be 0.99, which nobody means.
    const absl::StatusOr<Quantity> number = ParseQuantity(UNIT_RATIO, text);
    if (!number.ok() || text.find('%') != absl::string_view::npos) {
      return Wrong(absl::StrCat(Quoted(text), " is not a plain number"),
                   absl::StrCat("write a value ", RangeOf(stated)));
    }
    return CheckRange(stated, UNIT_RATIO, text, number->amount);
  }
  return absl::OkStatus();
}

void CheckFields(const Message& message, const Places& places, Findings* findings) {
  FieldCheck(findings).Walk(message, places, UNIT_UNSPECIFIED, "");
}

void CheckRequired(const Message& message, const Places& places, const std::vector<Place>& blanked,
                   Findings* findings, absl::string_view whole) {
  RequiredCheck(blanked, findings, whole).Walk(message, places, "", true);
}

std::string ElementName(const Message& element, const std::string& field, int index) {
  const FieldDescriptor* name = element.GetDescriptor()->FindFieldByName("name");
  if (name != nullptr && name->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
    const std::string text = element.GetReflection()->GetString(element, name);
    if (IsName(text)) return absl::StrCat(field, "[", text, "]");
  }
  return absl::StrCat(field, "[", index, "]");
}

}  // namespace freshet
