#include "scenarios/language/places.h"

#include <algorithm>
#include <memory>

namespace freshet {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::OneofDescriptor;
using google::protobuf::Reflection;
using google::protobuf::TextFormat;

namespace {

bool IsSingularMessage(const FieldDescriptor& field) {
  return !field.is_repeated() && field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
}

}  // namespace

const Places& Places::In(const std::string& field, size_t index) const {
  const auto found = fields.find(field);
  if (found == fields.end() || index >= found->second.size()) return *this;
  return found->second[index];
}

bool AnyWithin(const std::vector<Place>& points, const Places& block) {
  return std::any_of(points.begin(), points.end(), [&](const Place& point) {
    return point.file == block.place.file && block.place <= point && point <= block.end;
  });
}

size_t CountPlaces(const Places& places) {
  size_t count = 1;
  for (const auto& [name, list] : places.fields) {
    for (const Places& each : list) count += CountPlaces(each);
  }
  return count;
}

Places PlacesOf(const Message& message, const TextFormat::ParseInfoTree& tree, int file) {
  Places places;
  const Descriptor* type = message.GetDescriptor();
  const Reflection* reflection = message.GetReflection();
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    // Asked of the tree, not of the message: `name: ""` was written although the field is not set.
    const int count = field->is_repeated() ? reflection->FieldSize(message, field) : 1;
    for (int index = 0; index < count; ++index) {
      const int slot = field->is_repeated() ? index : -1;
      const TextFormat::ParseLocationRange range = tree.GetLocationRange(field, slot);
      if (range.start.line < 0) continue;
      Places child;
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        const TextFormat::ParseInfoTree* nested = tree.GetTreeForNested(field, slot);
        if (nested != nullptr) {
          const Message& value = field->is_repeated()
                                     ? reflection->GetRepeatedMessage(message, field, index)
                                     : reflection->GetMessage(message, field);
          child = PlacesOf(value, *nested, file);
        }
      }
      child.place = {file, range.start.line + 1, range.start.column + 1};
      child.end = {file, range.end.line + 1, range.end.column + 1};
      places.fields[field->name()].push_back(std::move(child));
    }
  }
  return places;
}

void Overlay(const Message& over, const Places& over_places, Message* base, Places* base_places) {
  const Descriptor* type = over.GetDescriptor();
  const Reflection* reflection = over.GetReflection();

  // A oneof that switches takes the places of its former member along.
  for (int i = 0; i < type->real_oneof_decl_count(); ++i) {
    const OneofDescriptor* oneof = type->oneof_decl(i);
    const FieldDescriptor* now = reflection->GetOneofFieldDescriptor(over, oneof);
    const FieldDescriptor* before = reflection->GetOneofFieldDescriptor(*base, oneof);
    if (now != nullptr && before != nullptr && now != before) {
      base_places->fields.erase(before->name());
      reflection->ClearField(base, before);
    }
  }

  // All but the messages goes over in one merge of a copy without them.
  std::unique_ptr<Message> shallow(over.New());
  shallow->CopyFrom(over);
  std::vector<const FieldDescriptor*> given;
  reflection->ListFields(over, &given);
  for (const FieldDescriptor* field : given) {
    const auto written = over_places.fields.find(field->name());
    if (IsSingularMessage(*field)) {
      reflection->ClearField(shallow.get(), field);
      std::vector<Places>& child = base_places->fields[field->name()];
      if (child.empty()) {
        const Places& opened = over_places.In(field->name());
        child.push_back({opened.place, opened.end, {}});
      }
      Overlay(reflection->GetMessage(over, field), over_places.In(field->name()),
              reflection->MutableMessage(base, field), &child.front());
      continue;
    }
    if (field->is_repeated()) reflection->ClearField(base, field);
    if (written != over_places.fields.end()) {
      base_places->fields[field->name()] = written->second;
    } else {
      base_places->fields.erase(field->name());
    }
  }
  base->MergeFrom(*shallow);
}

}  // namespace freshet
