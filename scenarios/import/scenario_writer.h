// Text of a scenario for a reader who will edit it: statements in the order of the schema, each
// with a comment that says where it comes from.
#ifndef FRESHET_SCENARIOS_IMPORT_SCENARIO_WRITER_H_
#define FRESHET_SCENARIOS_IMPORT_SCENARIO_WRITER_H_

#include <google/protobuf/descriptor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace freshet {

// The statements of one message. Copies are cheap to vary: Set() replaces.
class MessageText {
 public:
  explicit MessageText(const google::protobuf::Descriptor* type) : type_(type) {}

  // `statement` is "field: value" or "field { ... }", all in one line.
  // REQUIRES: the type has a field of that name.
  void Set(absl::string_view field, absl::string_view statement, absl::string_view comment = "");
  void SetText(absl::string_view field, absl::string_view value, absl::string_view comment = "");
  void SetCount(absl::string_view field, int64_t value, absl::string_view comment = "");

  // One statement a line, comments behind it.
  std::string Lines(int indent) const;
  // All in one line, without comments.
  std::string Line() const;

 private:
  struct Statement {
    int number;
    std::string text;
    std::string comment;
  };
  const google::protobuf::Descriptor* type_;
  std::vector<Statement> statements_;  // By field number.
};

// "\"...\"" as the language writes a text.
std::string Literal(absl::string_view text);

// Comment lines of at most 100 columns: `first` before the first line, `next` before the others.
std::string Wrapped(absl::string_view first, absl::string_view next, absl::string_view text);

// A name of the language ([a-z][a-z0-9_.-]{0,62}) from any text; `prefix` makes it begin well.
std::string NameFrom(absl::string_view prefix, absl::string_view text);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_IMPORT_SCENARIO_WRITER_H_
