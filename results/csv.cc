#include "results/csv.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace freshet {

void AppendCsvLine(const std::vector<std::string>& cells, std::string* out) {
  bool first = true;
  for (const std::string& cell : cells) {
    if (!std::exchange(first, false)) out->push_back(',');
    if (cell.find_first_of(",\"\r\n") == std::string::npos) {
      out->append(cell);
    } else {
      absl::StrAppend(out, "\"", absl::StrReplaceAll(cell, {{"\"", "\"\""}}), "\"");
    }
  }
  out->append("\r\n");
}

absl::StatusOr<std::vector<CsvLine>> ParseCsv(absl::string_view text) {
  absl::ConsumePrefix(&text, "\xef\xbb\xbf");
  std::vector<CsvLine> lines;
  int line_number = 1;
  size_t at = 0;
  const auto ends_line = [&] {
    return at == text.size() || text[at] == '\n' ||
           (text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n');
  };
  while (at < text.size()) {
    if (text[at] == '#') {
      while (at < text.size() && text[at] != '\n') ++at;
    }
    CsvLine line = {line_number, {}};
    bool more = !ends_line();
    while (more) {
      std::string cell;
      if (at < text.size() && text[at] == '"') {
        ++at;
        while (true) {
          if (at == text.size()) {
            return absl::InvalidArgumentError(
                absl::StrCat(line.number, ": a quoted cell is not closed"));
          }
          if (text[at] == '"') {
            if (at + 1 == text.size() || text[at + 1] != '"') break;
            ++at;
          }
          if (text[at] == '\n') ++line_number;
          cell.push_back(text[at++]);
        }
        ++at;
        if (!ends_line() && text[at] != ',') {
          return absl::InvalidArgumentError(
              absl::StrCat(line_number, ": text after a closing quote"));
        }
      } else {
        while (!ends_line() && text[at] != ',') {
          if (text[at] == '"') {
            return absl::InvalidArgumentError(
                absl::StrCat(line_number, ": a quote inside a cell that is not quoted"));
          }
          cell.push_back(text[at++]);
        }
      }
      line.cells.push_back(std::move(cell));
      more = at < text.size() && text[at] == ',';
      if (more) ++at;
    }
    if (!line.cells.empty()) lines.push_back(std::move(line));
    if (at < text.size() && text[at] == '\r') ++at;
    if (at < text.size()) ++at;
    ++line_number;
  }
  return lines;
}

}  // namespace freshet
