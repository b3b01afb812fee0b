// A flat YAML file: one mapping of keys to texts, each with its place.
//
// What a YAML library lets pass is told here: a key stated twice (it would silently keep the
// first), merge keys ("<<", which it does not follow), nested values, a second document.
#ifndef FRESHET_SCENARIOS_IMPORT_YAML_SETTINGS_H_
#define FRESHET_SCENARIOS_IMPORT_YAML_SETTINGS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "scenarios/language/problem.h"

namespace freshet {

struct YamlSetting {
  std::string key;
  std::string value;  // Empty for null, too.
  Place key_place;
  Place value_place;  // Of a block ("|"), the place of its indicator.
};

class YamlSettings {
 public:
  // Problems go to `findings`. `file` is the index that it gave out for `name`.
  static YamlSettings Parse(absl::string_view text, int file, Findings* findings);

  // The same for a file, under the path as given. A status is the world's error.
  static absl::StatusOr<YamlSettings> Read(const std::string& path, Findings* findings);

  const std::vector<YamlSetting>& settings() const { return settings_; }
  int file() const { return file_; }
  // Where what is about the whole file is told.
  Place start() const { return {file_, 1, 1}; }

  // The setting of that key, or nullptr.
  const YamlSetting* Find(absl::string_view key) const;

  // Where a line of a value stands in the file: exact for literal blocks, the place of the value
  // for other ways to write a text. `line` and `column` count from 0.
  Place PlaceInside(const YamlSetting& setting, int line, int column) const;

 private:
  int file_ = -1;
  std::vector<std::string> lines_;
  std::vector<YamlSetting> settings_;
};

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_IMPORT_YAML_SETTINGS_H_
