#include "tests/tidy/text.h"

#include <fstream>
#include <sstream>

namespace freshet::tidy {

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<std::string> SplitLines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return lines;
}

std::string StripComments(std::string_view source, Literals literals) {
  std::string out(source);
  const auto blank = [&](size_t from, size_t to) {
    for (size_t i = from; i < to && i < out.size(); ++i) {
      if (out[i] != '\n') out[i] = ' ';
    }
  };
  size_t i = 0;
  while (i < source.size()) {
    const char c = source[i];
    const char next = i + 1 < source.size() ? source[i + 1] : '\0';
    if (c == '/' && next == '/') {
      const size_t end = std::min(source.find('\n', i), source.size());
      blank(i, end);
      i = end;
    } else if (c == '/' && next == '*') {
      const size_t close = source.find("*/", i + 2);
      const size_t end = close == std::string_view::npos ? source.size() : close + 2;
      blank(i, end);
      i = end;
    } else if (c == 'R' && next == '"' && (i == 0 || !IsWordCharacter(source[i - 1]))) {
      const size_t open = source.find('(', i);
      if (open == std::string_view::npos) break;
      const std::string closing = ")" + std::string(source.substr(i + 2, open - i - 2)) + "\"";
      const size_t close = source.find(closing, open);
      const size_t end =
          close == std::string_view::npos ? source.size() : close + closing.size() - 1;
      if (literals == Literals::kBlank) blank(i + 2, end);
      i = end + 1;
    } else if (c == '"' || (c == '\'' && (i == 0 || !IsWordCharacter(source[i - 1])))) {
      // A quote after a word character separates digits: 1'000.
      size_t end = i + 1;
      while (end < source.size() && source[end] != c && source[end] != '\n') {
        end += source[end] == '\\' ? 2 : 1;
      }
      if (literals == Literals::kBlank) blank(i + 1, end);
      i = end + 1;
    } else {
      ++i;
    }
  }
  return out;
}

bool IsAllowed(const std::vector<std::string>& raw_lines, size_t index) {
  constexpr std::string_view kEscape = "tidy: allowed, because ";
  const auto has = [&](size_t at) {
    const size_t found = raw_lines[at].find(kEscape);
    return found != std::string::npos && found + kEscape.size() < raw_lines[at].size();
  };
  return has(index) || (index > 0 && has(index - 1));
}

bool ContainsWord(std::string_view text, std::string_view word) {
  for (size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const size_t end = at + word.size();
    if ((at == 0 || !IsWordCharacter(text[at - 1])) &&
        (end == text.size() || !IsWordCharacter(text[end]))) {
      return true;
    }
  }
  return false;
}

}  // namespace freshet::tidy
