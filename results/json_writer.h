// Writes one JSON document, indented, keys in the order they are given.
//
// Integers that a double cannot hold (2^53 and beyond) are written as strings, since most readers
// would round them silently. Doubles are the shortest text that reads back the same.
#ifndef FRESHET_RESULTS_JSON_WRITER_H_
#define FRESHET_RESULTS_JSON_WRITER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace freshet {

class JsonWriter {
 public:
  // Appends to `out`, which outlives the writer.
  explicit JsonWriter(std::string* out) : out_(out) {}

  void BeginObject() { Begin('{'); }
  void EndObject() { End('}'); }
  void BeginArray() { Begin('['); }
  void EndArray() { End(']'); }

  void Key(absl::string_view key);
  void Text(absl::string_view text);
  void Integer(int64_t value);
  void Unsigned(uint64_t value);
  // Infinities and NaN, which JSON cannot say, become null.
  void Real(double value);
  void Bool(bool value);
  void Null();

  void Field(absl::string_view key, absl::string_view text) { Key(key), Text(text); }
  void Field(absl::string_view key, const std::string& text) { Key(key), Text(text); }
  void Field(absl::string_view key, const char* text) { Key(key), Text(text); }
  void Field(absl::string_view key, int value) { Key(key), Integer(value); }
  void Field(absl::string_view key, int64_t value) { Key(key), Integer(value); }
  void Field(absl::string_view key, uint64_t value) { Key(key), Unsigned(value); }
  void Field(absl::string_view key, double value) { Key(key), Real(value); }
  void Field(absl::string_view key, bool value) { Key(key), Bool(value); }

 private:
  void Begin(char bracket);
  void End(char bracket);
  void BeforeValue();
  void NewLine();
  void Quote(absl::string_view text);

  std::string* out_;
  std::vector<bool> has_members_;  // Per open bracket.
  bool after_key_ = false;
};

}  // namespace freshet

#endif  // FRESHET_RESULTS_JSON_WRITER_H_
