#include "scenarios/language/catalogue.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "scenarios/language/suggest.h"

namespace freshet {

using v1::Component;
using v1::InstanceType;
using v1::Kafka;
using v1::Scenario;
using v1::Volume;
using v1::VolumeType;
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Components and rows call a figure alike, but for this one, which components had before there were
// rows.
std::string FieldOfComponent(const std::string& field_of_row) {
  return field_of_row == "network_baseline" ? "network_bandwidth" : field_of_row;
}

void CopyValue(const Message& row, const FieldDescriptor* from, Message* into,
               const FieldDescriptor* to) {
  const Reflection* reads = row.GetReflection();
  const Reflection* writes = into->GetReflection();
  switch (from->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return writes->SetString(into, to, reads->GetString(row, from));
    case FieldDescriptor::CPPTYPE_UINT32:
      return writes->SetUInt32(into, to, reads->GetUInt32(row, from));
    case FieldDescriptor::CPPTYPE_UINT64:
      return writes->SetUInt64(into, to, reads->GetUInt64(row, from));
    case FieldDescriptor::CPPTYPE_ENUM:
      return writes->SetEnumValue(into, to, reads->GetEnumValue(row, from));
    default:
      return writes->MutableMessage(into, to)->CopyFrom(reads->GetMessage(row, from));
  }
}

// What is written counts, even where it could not be read: the author is told about that already.
void Fill(const Message& row, const Places& written, Message* into) {
  std::vector<const FieldDescriptor*> given;
  row.GetReflection()->ListFields(row, &given);
  for (const FieldDescriptor* field : given) {
    if (field->name() == "name" || field->name() == "source") continue;
    const std::string name = FieldOfComponent(field->name());
    const FieldDescriptor* target = into->GetDescriptor()->FindFieldByName(name);
    if (written.Has(name) || into->GetReflection()->HasField(*into, target)) continue;
    CopyValue(row, field, into, target);
  }
}

// The row of that name. Without it a problem is told, and the nearest row is given, or any: nothing
// will run, and so the figures that only the row would have given are not missed too. Null: there
// is no catalogue.
template <typename Rows>
const typename Rows::value_type* FindRow(const Rows& rows, const std::string& name,
                                         const char* field, const char* kind, Place place,
                                         Findings* findings) {
  if (rows.empty()) return nullptr;
  std::vector<std::string> names;
  for (const auto& row : rows) {
    if (row.name() == name) return &row;
    names.push_back(row.name());
  }
  const std::string closest = Closest(name, names);
  findings->Error(place,
                  absl::StrCat(field, " ", Quoted(name), " is no ", kind, " of the catalogue; ",
                               closest.empty() ? absl::StrCat("there is ", Listed(names))
                                               : absl::StrCat("closest: ", Quoted(closest))));
  for (const auto& row : rows) {
    if (row.name() == closest) return &row;
  }
  return &rows.Get(0);
}

// Why what a row would have given is missing, where the scenario has no rows at all.
void TellOfLabel(const Message& message, const Places& written,
                 const std::vector<std::string>& fields, const std::string& what, Place place,
                 Findings* findings) {
  for (const std::string& name : fields) {
    const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
    if (written.Has(name) || message.GetReflection()->HasField(message, field)) continue;
    findings->Error(place, absl::StrCat(what,
                                        " is a mere label: the scenario has no catalogue; "
                                        "include \"library:catalogue/aws.textproto\", or state "
                                        "what is missing beside it"));
    return;
  }
}

void ApplyToVolume(const Scenario& scenario, const Places& here, Volume* volume,
                   Findings* findings) {
  if (volume->type().empty()) return;
  const Place place = here.In("type").place;
  const VolumeType* row = FindRow(scenario.volume_type(), volume->type(), "volume type",
                                  "volume_type", place, findings);
  if (row != nullptr) {
    Fill(*row, here, volume);
    return;
  }
  TellOfLabel(*volume, here, {"kind", "bandwidth", "write_latency", "read_latency"},
              absl::StrCat("volume type ", Quoted(volume->type())), place, findings);
}

void ApplyToKafka(const Scenario& scenario, const Places& here, Kafka* kafka, Findings* findings) {
  if (kafka->has_volume()) {
    ApplyToVolume(scenario, here.In("volume"), kafka->mutable_volume(), findings);
  }
  if (kafka->instance().empty()) return;
  const Place place = here.In("instance").place;
  const InstanceType* row = FindRow(scenario.instance_type(), kafka->instance(), "instance",
                                    "instance_type", place, findings);
  if (row == nullptr) {
    TellOfLabel(*kafka, here, {"vcpus", "memory", "network_bandwidth"},
                absl::StrCat("instance ", Quoted(kafka->instance())), place, findings);
    return;
  }
  Fill(*row, here, kafka);
  // A burst whose bucket the row does not know never holds.
  if (kafka->network_credits().empty() && !here.Has("network_burst")) {
    kafka->clear_network_burst();
  }
  if (kafka->volume_path_credits().empty() && !here.Has("volume_path_burst")) {
    kafka->clear_volume_path_burst();
  }
  if (IsNetworkVolume(kafka->volume().kind()) && kafka->volume_path_baseline().empty() &&
      !here.Has("volume_path_baseline")) {
    findings->Error(
        place,
        absl::StrCat("the catalogue does not know what the path of ", Quoted(kafka->instance()),
                     " to network volumes sustains; state volume_path_baseline beside it"));
  }
}

}  // namespace

bool IsNetworkVolume(Volume::Kind kind) {
  return kind == Volume::GP3 || kind == Volume::IO2 || kind == Volume::ST1 || kind == Volume::GP2;
}

void ApplyCatalogue(Scenario* scenario, const Places& places, Findings* findings) {
  for (int i = 0; i < scenario->component_size(); ++i) {
    Component* component = scenario->mutable_component(i);
    const Places& here = places.In("component", i);
    if (component->has_kafka()) {
      ApplyToKafka(*scenario, here.In("kafka"), component->mutable_kafka(), findings);
    } else if (component->has_s3stream() && component->s3stream().wal().has_volume()) {
      ApplyToVolume(*scenario, here.In("s3stream").In("wal").In("volume"),
                    component->mutable_s3stream()->mutable_wal()->mutable_volume(), findings);
    }
  }
}

}  // namespace freshet
