#include "models/schema/schema.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

using Types = std::pair<absl::string_view, absl::string_view>;  // Written, read.

// Avro 1.11, Schema Resolution: what is promoted to the reader's type.
constexpr std::array<Types, 8> kAvro = {{{"int", "long"},
                                         {"int", "float"},
                                         {"int", "double"},
                                         {"long", "float"},
                                         {"long", "double"},
                                         {"float", "double"},
                                         {"string", "bytes"},
                                         {"bytes", "string"}}};
// Every integer is a number.
constexpr std::array<Types, 1> kJson = {{{"integer", "number"}}};

// Protobuf, Updating a Message Type: kinds that are the same on the wire. 0: like itself alone.
int WireKindOf(absl::string_view type) {
  for (const absl::string_view each : {"int32", "uint32", "int64", "uint64", "bool"}) {
    if (type == each) return 1;
  }
  if (type == "sint32" || type == "sint64") return 2;
  if (type == "string" || type == "bytes") return 3;
  if (type == "fixed32" || type == "sfixed32") return 4;
  if (type == "fixed64" || type == "sfixed64") return 5;
  return 0;
}

bool CanReadType(SchemaFormat format, const std::string& reader, const std::string& writer) {
  if (reader == writer) return true;
  const auto is_promoted = [&](const Types& types) {
    return types.first == writer && types.second == reader;
  };
  switch (format) {
    case SchemaFormat::kAvro:
      return std::any_of(kAvro.begin(), kAvro.end(), is_promoted);
    case SchemaFormat::kJsonSchema:
      return std::any_of(kJson.begin(), kJson.end(), is_promoted);
    case SchemaFormat::kProtobuf:
      return WireKindOf(reader) != 0 && WireKindOf(reader) == WireKindOf(writer);
  }
  return false;
}

const SchemaField* Find(const Schema& schema, const std::string& name) {
  const auto found = std::find_if(schema.fields.begin(), schema.fields.end(),
                                  [&name](const SchemaField& field) { return field.name == name; });
  return found == schema.fields.end() ? nullptr : &*found;
}

}  // namespace

std::string WhyUnreadable(SchemaFormat format, const Schema& reader, const Schema& writer) {
  for (const SchemaField& wanted : reader.fields) {
    const SchemaField* written = Find(writer, wanted.name);
    if (written == nullptr) {
      if (format == SchemaFormat::kProtobuf || wanted.has_default) continue;
      return absl::StrCat("version ", writer.version, " has no field \"", wanted.name,
                          "\", which version ", reader.version, " has without a default");
    }
    if (!CanReadType(format, wanted.type, written->type)) {
      return absl::StrCat("field \"", wanted.name, "\" is ", written->type, " in version ",
                          writer.version, " and ", wanted.type, " in version ", reader.version);
    }
    if (format == SchemaFormat::kJsonSchema && written->has_default && !wanted.has_default) {
      return absl::StrCat("field \"", wanted.name, "\" may be missing in version ", writer.version,
                          ", and version ", reader.version, " requires it");
    }
  }
  return "";
}

absl::string_view NameOf(Compatibility compatibility) {
  switch (compatibility) {
    case Compatibility::kBackward:
      return "BACKWARD";
    case Compatibility::kBackwardTransitive:
      return "BACKWARD_TRANSITIVE";
    case Compatibility::kForward:
      return "FORWARD";
    case Compatibility::kForwardTransitive:
      return "FORWARD_TRANSITIVE";
    case Compatibility::kFull:
      return "FULL";
    case Compatibility::kFullTransitive:
      return "FULL_TRANSITIVE";
    case Compatibility::kNone:
      return "NONE";
  }
  return "";
}

std::string WhyIncompatible(SchemaFormat format, Compatibility compatibility, const Schema& added,
                            absl::Span<const Schema* const> registered) {
  if (compatibility == Compatibility::kNone || registered.empty()) return "";
  const bool transitive = compatibility == Compatibility::kBackwardTransitive ||
                          compatibility == Compatibility::kForwardTransitive ||
                          compatibility == Compatibility::kFullTransitive;
  const bool backward = compatibility != Compatibility::kForward &&
                        compatibility != Compatibility::kForwardTransitive;
  const bool forward = compatibility != Compatibility::kBackward &&
                       compatibility != Compatibility::kBackwardTransitive;
  // The newest is looked at first.
  const size_t oldest = transitive ? 0 : registered.size() - 1;
  for (size_t i = registered.size(); i-- > oldest;) {
    const Schema& other = *registered[i];
    std::string why;
    if (backward) why = WhyUnreadable(format, added, other);
    if (why.empty() && forward) why = WhyUnreadable(format, other, added);
    if (!why.empty()) return why;
  }
  return "";
}

}  // namespace freshet
