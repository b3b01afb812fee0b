#include "scenarios/import/scenario_writer.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "sim/check.h"

namespace freshet {
namespace {

constexpr size_t kLineWidth = 100;
constexpr size_t kLongestName = 63;
constexpr size_t kCommentColumn = 44;  // Comments line up, where statements are short enough.

}  // namespace

void MessageText::Set(absl::string_view field, absl::string_view statement,
                      absl::string_view comment) {
  const auto* descriptor = type_->FindFieldByName(std::string(field));
  SIM_CHECK(descriptor != nullptr, "contract", "no such field: " + std::string(field));
  const int number = descriptor->number();
  const auto at =
      std::lower_bound(statements_.begin(), statements_.end(), number,
                       [](const Statement& made, int wanted) { return made.number < wanted; });
  const Statement fresh = {number, std::string(statement), std::string(comment)};
  if (at != statements_.end() && at->number == number) {
    *at = fresh;
  } else {
    statements_.insert(at, fresh);
  }
}

void MessageText::SetText(absl::string_view field, absl::string_view value,
                          absl::string_view comment) {
  Set(field, absl::StrCat(field, ": ", Literal(value)), comment);
}

void MessageText::SetCount(absl::string_view field, int64_t value, absl::string_view comment) {
  Set(field, absl::StrCat(field, ": ", value), comment);
}

std::string MessageText::Lines(int indent) const {
  std::string text;
  for (const Statement& statement : statements_) {
    std::string line = absl::StrCat(std::string(static_cast<size_t>(indent), ' '), statement.text);
    if (!statement.comment.empty()) {
      line.resize(std::max(line.size() + 2, kCommentColumn), ' ');
      absl::StrAppend(&line, "# ", statement.comment);
    }
    absl::StrAppend(&text, line, "\n");
  }
  return text;
}

std::string MessageText::Line() const {
  std::string text;
  for (const Statement& statement : statements_) {
    absl::StrAppend(&text, text.empty() ? "" : " ", statement.text);
  }
  return text;
}

std::string Literal(absl::string_view text) {
  // The escaper also hides what needs no hiding in double quotes.
  return absl::StrCat("\"", absl::StrReplaceAll(absl::Utf8SafeCEscape(text), {{"\\'", "'"}}), "\"");
}

std::string Wrapped(absl::string_view first, absl::string_view next, absl::string_view text) {
  std::string all;
  std::string line(first);
  bool is_empty = true;
  for (const absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    if (!is_empty && line.size() + 1 + word.size() > kLineWidth) {
      absl::StrAppend(&all, line, "\n");
      line = std::string(next);
      is_empty = true;
    }
    absl::StrAppend(&line, is_empty ? "" : " ", word);
    is_empty = false;
  }
  return absl::StrCat(all, line, "\n");
}

std::string NameFrom(absl::string_view prefix, absl::string_view text) {
  std::string name(prefix);
  for (const char c : text) {
    const char lower = absl::ascii_tolower(c);
    if (absl::ascii_isalnum(lower) || lower == '_' || lower == '.') {
      name.push_back(lower);
    } else if (!name.empty() && name.back() != '-') {
      name.push_back('-');
    }
  }
  name.resize(std::min(name.size(), kLongestName));
  while (!name.empty() && name.back() == '-') name.pop_back();
  return name;
}

}  // namespace freshet
