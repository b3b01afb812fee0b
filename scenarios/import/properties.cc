#include "scenarios/import/properties.h"

#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"

namespace freshet {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\f'; }

// A line ends in an odd number of backslashes: it goes on in the next.
bool IsContinued(absl::string_view line) {
  size_t backslashes = 0;
  while (backslashes < line.size() && line[line.size() - 1 - backslashes] == '\\') ++backslashes;
  return backslashes % 2 == 1;
}

void AppendUtf8(uint32_t code, std::string* text) {
  if (code < 0x80) {
    text->push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    text->push_back(static_cast<char>(0xC0 | (code >> 6)));
    text->push_back(static_cast<char>(0x80 | (code & 0x3F)));
  } else {
    text->push_back(static_cast<char>(0xE0 | (code >> 12)));
    text->push_back(static_cast<char>(0x80 | ((code >> 6) & 0x3F)));
    text->push_back(static_cast<char>(0x80 | (code & 0x3F)));
  }
}

std::string Unescape(absl::string_view raw, bool* is_broken) {
  std::string text;
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\' || i + 1 == raw.size()) {
      if (raw[i] != '\\') text.push_back(raw[i]);
      continue;
    }
    const char escaped = raw[++i];
    if (escaped == 't') {
      text.push_back('\t');
    } else if (escaped == 'n') {
      text.push_back('\n');
    } else if (escaped == 'r') {
      text.push_back('\r');
    } else if (escaped == 'f') {
      text.push_back('\f');
    } else if (escaped == 'u') {
      uint32_t code = 0;
      for (int digit = 0; digit < 4; ++digit) {
        if (i + 1 >= raw.size() || !absl::ascii_isxdigit(raw[i + 1])) {
          *is_broken = true;
          return text;
        }
        const char c = absl::ascii_tolower(raw[++i]);
        code = code * 16 + static_cast<uint32_t>(c <= '9' ? c - '0' : c - 'a' + 10);
      }
      AppendUtf8(code, &text);
    } else {
      text.push_back(escaped);
    }
  }
  return text;
}

// Splits a logical line at its first separator that no backslash hides.
Property Split(absl::string_view line) {
  Property property;
  size_t end = 0;
  while (end < line.size() && !IsBlank(line[end]) && line[end] != '=' && line[end] != ':') {
    end += line[end] == '\\' && end + 1 < line.size() ? 2 : 1;
  }
  size_t value = end;
  while (value < line.size() && IsBlank(line[value])) ++value;
  if (value < line.size() && (line[value] == '=' || line[value] == ':')) {
    ++value;
    while (value < line.size() && IsBlank(line[value])) ++value;
  }
  property.key = Unescape(line.substr(0, end), &property.is_broken);
  property.value = Unescape(line.substr(value), &property.is_broken);
  absl::StripTrailingAsciiWhitespace(&property.value);
  return property;
}

}  // namespace

std::vector<Property> ParseProperties(absl::string_view text) {
  std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  for (absl::string_view& line : lines) {
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  }
  std::vector<Property> properties;
  for (size_t i = 0; i < lines.size(); ++i) {
    size_t column = 0;
    while (column < lines[i].size() && IsBlank(lines[i][column])) ++column;
    if (column == lines[i].size()) continue;
    if (lines[i][column] == '#' || lines[i][column] == '!') continue;

    const size_t first = i;
    std::string logical(lines[i].substr(column));
    while (IsContinued(logical)) {
      logical.pop_back();
      if (i + 1 == lines.size()) break;
      absl::string_view next = lines[++i];
      while (!next.empty() && IsBlank(next.front())) next.remove_prefix(1);
      logical.append(next.data(), next.size());
    }
    Property property = Split(logical);
    property.line = static_cast<int>(first);
    property.column = static_cast<int>(column);
    properties.push_back(std::move(property));
  }
  return properties;
}

}  // namespace freshet
