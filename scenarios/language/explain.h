// What `freshet explain` says about a field, and the list of fields that it and the reference
// share.
#ifndef FRESHET_SCENARIOS_LANGUAGE_EXPLAIN_H_
#define FRESHET_SCENARIOS_LANGUAGE_EXPLAIN_H_

#include <google/protobuf/descriptor.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace freshet {

// A field by the shortest path that leads to it: "component.producers.linger".
struct FieldEntry {
  std::string path;
  const google::protobuf::FieldDescriptor* field = nullptr;
};

// Every field of the language once, in the order of the schema, outer blocks before inner ones.
const std::vector<FieldEntry>& AllFields();

// The text for a field, by its path, the end of its path or its bare name; "pareto.alpha" and
// "alpha" find the same. Several fields of one name are all explained. kNotFound carries a
// suggestion: `no field "lingr"; did you mean "component.producers.linger"?`
absl::StatusOr<std::string> Explain(absl::string_view query);

// The parts of the text, in the words that the reference page uses too.
std::string DescribeUnit(const google::protobuf::FieldDescriptor& field);
std::string DescribeDefault(const google::protobuf::FieldDescriptor& field);
std::string DescribeRange(const google::protobuf::FieldDescriptor& field);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_EXPLAIN_H_
