// Versions of a record's schema, and who can read what: the rules of Avro's schema resolution, of
// Protobuf's wire format and of JSON Schema, as far as fields and their types go
// (docs/models/schema.md).
#ifndef FRESHET_MODELS_SCHEMA_SCHEMA_H_
#define FRESHET_MODELS_SCHEMA_SCHEMA_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace freshet {

enum class SchemaFormat : uint8_t { kAvro, kProtobuf, kJsonSchema };

struct SchemaField {
  std::string name;
  std::string type;
  bool has_default = false;  // A reader can do without it.
};

struct Schema {
  int32_t version = 0;  // In its subject.
  std::vector<SchemaField> fields;
};

// What keeps a reader with schema `reader` from records written with `writer`, for people; empty if
// nothing does.
std::string WhyUnreadable(SchemaFormat format, const Schema& reader, const Schema& writer);

enum class Compatibility : uint8_t {
  kBackward,  // Who has the new version can read the last one.
  kBackwardTransitive,
  kForward,  // Who has the last one can read the new version.
  kForwardTransitive,
  kFull,
  kFullTransitive,
  kNone,
};
absl::string_view NameOf(Compatibility compatibility);

// Why `added` must not follow the registered versions, which are in the order of registration;
// empty if it may.
std::string WhyIncompatible(SchemaFormat format, Compatibility compatibility, const Schema& added,
                            absl::Span<const Schema* const> registered);

}  // namespace freshet

#endif  // FRESHET_MODELS_SCHEMA_SCHEMA_H_
