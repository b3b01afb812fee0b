#include "scenarios/import/import_result.h"

#include "absl/strings/str_cat.h"

namespace freshet {

std::string ToText(const ImportNote& note) {
  if (note.line == 0) return absl::StrCat(note.key, ": ", note.text);
  return absl::StrCat(note.file, ":", note.line, ":", note.column, ": ", note.key, ": ", note.text);
}

std::string Coverage(const ImportResult& result) {
  return absl::StrCat(result.settings_used, " of ", result.settings, " settings used");
}

}  // namespace freshet
