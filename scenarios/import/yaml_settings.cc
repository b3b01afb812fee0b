#include "scenarios/import/yaml_settings.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "scenarios/language/fields.h"
#include "scenarios/language/read_file.h"
#include "scenarios/language/suggest.h"

namespace freshet {
namespace {

// A workload is a page of text; a larger file is something else.
constexpr size_t kLargestYaml = size_t{1} << 20;

// The library counts from 0.
Place PlaceOf(const YAML::Mark& mark, int file) {
  if (mark.is_null()) return {file, 1, 1};
  return {file, mark.line + 1, mark.column + 1};
}

void ReadMapping(const YAML::Node& mapping, int file, Findings* findings,
                 std::vector<YamlSetting>* settings) {
  for (const auto& entry : mapping) {
    const Place key_place = PlaceOf(entry.first.Mark(), file);
    if (!entry.first.IsScalar()) {
      findings->Error(key_place, "the key is not a text; write \"key: value\"");
      continue;
    }
    YamlSetting setting;
    setting.key = entry.first.Scalar();
    setting.key_place = key_place;
    if (setting.key == "<<") {
      findings->Error(key_place, "merge keys (\"<<\") are not followed; write the keys out");
      continue;
    }
    const auto twin =
        std::find_if(settings->begin(), settings->end(),
                     [&](const YamlSetting& other) { return other.key == setting.key; });
    if (twin != settings->end()) {
      findings->Error(key_place,
                      absl::StrCat(Quoted(setting.key), " is stated twice, first in line ",
                                   twin->key_place.line, "; delete one"));
      continue;
    }
    // The mark of an alias is that of its anchor.
    const Place value_place = PlaceOf(entry.second.Mark(), file);
    setting.value_place = value_place < key_place ? key_place : value_place;
    if (entry.second.IsScalar()) {
      setting.value = entry.second.Scalar();
    } else if (!entry.second.IsNull()) {
      findings->Error(key_place, absl::StrCat("the value of ", Quoted(setting.key),
                                              " is a list or a mapping; write one value"));
    }
    for (const std::string* text : {&setting.key, &setting.value}) {
      const absl::Status is_plain = CheckText(FieldFacts(), UNIT_UNSPECIFIED, *text);
      if (!is_plain.ok()) findings->Error(key_place, is_plain.message());
    }
    settings->push_back(std::move(setting));
  }
}

}  // namespace

YamlSettings YamlSettings::Parse(absl::string_view text, int file, Findings* findings) {
  YamlSettings yaml;
  yaml.file_ = file;
  yaml.lines_ = absl::StrSplit(text, '\n');
  // The library reports by exceptions; none leaves this function.
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
    if (documents.empty()) {
      findings->Error(yaml.start(), "the file says nothing; write one \"key: value\" a line");
    } else if (documents.size() > 1) {
      findings->Error(PlaceOf(documents[1].Mark(), file),
                      "a second document begins here; keep one to a file");
    } else if (!documents[0].IsMap()) {
      findings->Error(PlaceOf(documents[0].Mark(), file),
                      "this is not a mapping; write one \"key: value\" a line");
    } else {
      ReadMapping(documents[0], file, findings, &yaml.settings_);
    }
  } catch (const YAML::Exception& error) {
    findings->Error(
        PlaceOf(error.mark, file),
        absl::StrCat("this is not YAML (", error.msg, "); mend the text or name another file"));
  }
  return yaml;
}

absl::StatusOr<YamlSettings> YamlSettings::Read(const std::string& path, Findings* findings) {
  const absl::StatusOr<std::string> text = ReadRegularFile(path, kLargestYaml);
  if (!text.ok() && !absl::IsInvalidArgument(text.status())) return text.status();
  const int file = findings->AddFile(path);
  if (text.ok()) return Parse(*text, file, findings);
  YamlSettings nothing;
  nothing.file_ = file;
  findings->Error(nothing.start(), text.status().message());
  return nothing;
}

const YamlSetting* YamlSettings::Find(absl::string_view key) const {
  for (const YamlSetting& setting : settings_) {
    if (setting.key == key) return &setting;
  }
  return nullptr;
}

Place YamlSettings::PlaceInside(const YamlSetting& setting, int line, int column) const {
  const std::vector<absl::string_view> value = absl::StrSplit(setting.value, '\n');
  // A literal block begins on the line behind its indicator, and keeps its lines.
  const size_t at = static_cast<size_t>(setting.value_place.line) + static_cast<size_t>(line);
  if (static_cast<size_t>(line) >= value.size() || at >= lines_.size()) return setting.value_place;
  absl::string_view written = lines_[at];
  if (absl::EndsWith(written, "\r")) written.remove_suffix(1);
  absl::string_view wanted = value[static_cast<size_t>(line)];
  if (absl::EndsWith(wanted, "\r")) wanted.remove_suffix(1);
  const size_t indent = written.size() - std::min(written.size(), wanted.size());
  const bool is_there = absl::EndsWith(written, wanted) &&
                        written.substr(0, indent).find_first_not_of(' ') == absl::string_view::npos;
  if (!is_there) return setting.value_place;
  return {file_, static_cast<int>(at) + 1, static_cast<int>(indent) + column + 1};
}

}  // namespace freshet
