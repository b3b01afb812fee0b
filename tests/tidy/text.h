// Reading source text: comments and literals blanked, lines kept.
#ifndef FRESHET_TESTS_TIDY_TEXT_H_
#define FRESHET_TESTS_TIDY_TEXT_H_

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace freshet::tidy {

std::string ReadFile(const std::filesystem::path& path);
std::vector<std::string> SplitLines(std::string_view text);

// C++ or proto source with every comment blanked and, unless `keep_literals`, the insides of string
// and character literals too. Line numbers stay.
enum class Literals { kKeep, kBlank };
std::string StripComments(std::string_view source, Literals literals);

// Whether line `index` (or the one above) of the raw source carries the escape with a reason.
bool IsAllowed(const std::vector<std::string>& raw_lines, size_t index);

inline bool IsWordCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Whether `word` occurs in `text` with no word character on either side.
bool ContainsWord(std::string_view text, std::string_view word);

}  // namespace freshet::tidy

#endif  // FRESHET_TESTS_TIDY_TEXT_H_
