// Java properties, read as java.util.Properties.load() reads them: "key=value", "key: value" or
// "key value", comments with # or !, lines continued by a backslash, escapes such as \u00e9.
#ifndef FRESHET_SCENARIOS_IMPORT_PROPERTIES_H_
#define FRESHET_SCENARIOS_IMPORT_PROPERTIES_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace freshet {

struct Property {
  std::string key;
  std::string value;       // White space behind it is dropped: Kafka trims what it parses.
  int line = 0;            // Of the key in the text, from 0.
  int column = 0;          // From 0.
  bool is_broken = false;  // A \u without four hexadecimal digits, which Java refuses.
};

// All of them in the order of the text; a key stated twice is there twice (Java keeps the last).
std::vector<Property> ParseProperties(absl::string_view text);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_IMPORT_PROPERTIES_H_
