#include "scenarios/language/statements.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace freshet {
namespace {

constexpr int kTabWidth = 8;
constexpr size_t kMostLeadingZeros = 20;

struct Token {
  enum class Kind { kEnd, kWord, kString, kMark };
  Kind kind = Kind::kEnd;
  size_t begin = 0;
  size_t end = 0;
  char first = '\0';
};

class Scanner {
 public:
  explicit Scanner(absl::string_view text) : text_(text) {}

  Token Next() {
    SkipBlanks();
    Token token;
    token.begin = token.end = at_;
    if (at_ >= text_.size()) return token;
    token.first = text_[at_];
    if (IsWord(token.first)) {
      token.kind = Token::Kind::kWord;
      while (at_ < text_.size() && (IsWord(text_[at_]) || IsExponentSign(token))) ++at_;
    } else if (token.first == '"' || token.first == '\'') {
      token.kind = Token::Kind::kString;
      SkipString(token.first);
    } else {
      token.kind = Token::Kind::kMark;
      ++at_;
    }
    token.end = at_;
    return token;
  }

  // The next byte that is no blank and no comment; 0 at the end.
  char Peek() {
    SkipBlanks();
    return at_ < text_.size() ? text_[at_] : '\0';
  }

 private:
  static bool IsWord(char c) {
    return absl::ascii_isalnum(c) || c == '_' || c == '.' || c == '+' || (c & 0x80) != 0;
  }

  // The minus of "1e-400".
  bool IsExponentSign(const Token& token) const {
    return text_[at_] == '-' && absl::ascii_isdigit(token.first) &&
           absl::ascii_tolower(text_[at_ - 1]) == 'e';
  }

  void SkipBlanks() {
    while (at_ < text_.size()) {
      if (text_[at_] == '#') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else if (absl::ascii_isspace(text_[at_])) {
        ++at_;
      } else {
        return;
      }
    }
  }

  // A string that is not closed ends with its line, as it does for the parser.
  void SkipString(char quote) {
    ++at_;
    while (at_ < text_.size() && text_[at_] != '\n') {
      if (text_[at_] == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n') {
        at_ += 2;
        continue;
      }
      if (text_[at_++] == quote) return;
    }
  }

  absl::string_view text_;
  size_t at_ = 0;
};

// A statement that is being read.
struct Open {
  size_t begin = 0;
  std::string name;
  bool is_list = false;
};

class Finder {
 public:
  Finder(absl::string_view text, size_t offset) : text_(text), offset_(offset), scanner_(text) {}

  bool Find(Statement* statement, std::vector<size_t>* unclosed) {
    bool found = false;
    while (!found) {
      const Token token = scanner_.Next();
      if (token.kind == Token::Kind::kEnd) {
        found = EndsUnfinished(token, statement) ||
                (phase_ == Phase::kAfterString && last_end_ > offset_ &&
                 Ends(current_, last_end_, false, statement));
        break;
      }
      found = Take(token, statement);
    }
    unclosed->clear();
    for (const Open& block : blocks_) unclosed->push_back(block.begin);
    return found;
  }

 private:
  enum class Phase { kName, kAfterName, kValue, kAfterString, kInList };

  // Fills `statement` if `open`, which ends at `end`, stands around the offset.
  bool Ends(const Open& open, size_t end, bool is_block, Statement* statement) {
    if (open.begin > offset_ || end < offset_ || (is_block && end == offset_)) return false;
    statement->begin = open.begin;
    statement->end = end;
    statement->is_block = is_block;
    statement->path.clear();
    for (const Open& block : blocks_) {
      if (!block.is_list) statement->path.push_back(block.name);
    }
    if (!is_block) statement->path.push_back(open.name);
    return true;
  }

  bool Alone(const Token& token, Statement* statement) {
    return token.begin <= offset_ && offset_ < token.end &&
           Ends({token.begin, "", false}, token.end, false, statement);
  }

  bool Take(const Token& token, Statement* statement) {
    const bool word = token.kind == Token::Kind::kWord;
    const bool string = token.kind == Token::Kind::kString;
    const char mark = token.kind == Token::Kind::kMark ? token.first : '\0';

    if (phase_ == Phase::kInList) {
      if (mark == '{' || mark == '<') return Push(blocks_.back().name, token.begin, false);
      if (mark == ']') return Pop(token, statement);
      if (mark == '}' || mark == '>') return Alone(token, statement);
      return false;
    }
    if (phase_ == Phase::kAfterString) {
      if (string) {
        last_end_ = token.end;
        return false;
      }
      phase_ = Phase::kName;
      if (last_end_ > offset_ && Ends(current_, last_end_, false, statement)) return true;
    }
    if (mark == '}' || mark == '>') {
      if (EndsUnfinished(token, statement)) return true;
      return blocks_.empty() ? Alone(token, statement) : Pop(token, statement);
    }
    if (mark == ',' || mark == ';') {
      return EndsUnfinished(token, statement);
    }
    switch (phase_) {
      case Phase::kName:
        if (mark == '[') return BeginExtension(token);
        if (!word) return Alone(token, statement);
        current_ = {token.begin, std::string(text_.substr(token.begin, token.end - token.begin)),
                    false};
        phase_ = Phase::kAfterName;
        return false;
      case Phase::kAfterName:
        if (mark == ':') {
          phase_ = Phase::kValue;
          return false;
        }
        [[fallthrough]];
      case Phase::kValue: {
        if (mark == '{' || mark == '<') return Push(current_.name, current_.begin, false);
        if (mark == '[') return Push(current_.name, current_.begin, true);
        if (mark == '-') return false;
        if (string) {
          phase_ = Phase::kAfterString;
          last_end_ = token.end;
          return false;
        }
        const char next = scanner_.Peek();
        const bool begins_another =
            word && (phase_ == Phase::kAfterName || next == ':' || next == '{');
        if (begins_another) {
          if (EndsUnfinished(token, statement)) return true;
          return Take(token, statement);
        }
        phase_ = Phase::kName;
        return token.end > offset_ && Ends(current_, token.end, false, statement);
      }
      default:
        return false;
    }
  }

  // The current statement has no value: it ends where the next token begins, and a complaint about
  // that token is a complaint about this statement.
  bool EndsUnfinished(const Token& next, Statement* statement) {
    const bool unfinished = phase_ == Phase::kAfterName || phase_ == Phase::kValue;
    if (unfinished || next.kind != Token::Kind::kEnd) phase_ = Phase::kName;
    if (!unfinished || !Ends(current_, next.begin, false, statement)) return false;
    while (statement->end > statement->begin && absl::ascii_isspace(text_[statement->end - 1])) {
      --statement->end;
    }
    return true;
  }

  bool BeginExtension(const Token& bracket) {
    current_ = {bracket.begin, "[]", false};
    phase_ = Phase::kAfterName;
    while (true) {
      const char next = scanner_.Peek();
      if (next == '\0' || next == '{' || next == '}' || next == ':') return false;
      const Token token = scanner_.Next();
      if (token.kind == Token::Kind::kMark && token.first == ']') return false;
    }
  }

  bool Push(const std::string& name, size_t begin, bool is_list) {
    blocks_.push_back({begin, name, is_list});
    phase_ = is_list ? Phase::kInList : Phase::kName;
    return false;
  }

  bool Pop(const Token& token, Statement* statement) {
    const Open closed = blocks_.back();
    if (token.end > offset_ && Ends(closed, token.end, true, statement)) return true;
    blocks_.pop_back();
    phase_ = !blocks_.empty() && blocks_.back().is_list ? Phase::kInList : Phase::kName;
    return false;
  }

  absl::string_view text_;
  size_t offset_;
  Scanner scanner_;
  std::vector<Open> blocks_;
  Open current_;
  Phase phase_ = Phase::kName;
  size_t last_end_ = 0;
};

}  // namespace

bool FindStatement(absl::string_view text, size_t offset, Statement* statement,
                   std::vector<size_t>* unclosed) {
  return Finder(text, offset).Find(statement, unclosed);
}

size_t TokenBefore(absl::string_view text, size_t offset) {
  Scanner scanner(text);
  size_t before = offset;
  for (Token token = scanner.Next(); token.kind != Token::Kind::kEnd && token.begin < offset;
       token = scanner.Next()) {
    before = token.begin;
  }
  return before;
}

size_t OffsetOf(absl::string_view text, int line, int column) {
  size_t at = 0;
  for (; line > 0 && at < text.size(); ++at) {
    if (text[at] == '\n') --line;
  }
  for (int seen = 0; seen < column && at < text.size() && text[at] != '\n'; ++at) {
    seen += text[at] == '\t' ? kTabWidth - seen % kTabWidth : 1;
  }
  return at;
}

void LineAndColumn(absl::string_view text, size_t offset, int* line, int* column) {
  *line = 1;
  int seen = 0;
  for (size_t at = 0; at < std::min(offset, text.size()); ++at) {
    if (text[at] == '\n') {
      ++*line;
      seen = 0;
    } else {
      seen += text[at] == '\t' ? kTabWidth - seen % kTabWidth : 1;
    }
  }
  *column = seen + 1;
}

int NestingDepth(absl::string_view text) {
  Scanner scanner(text);
  int depth = 0, deepest = 0;
  for (Token token = scanner.Next(); token.kind != Token::Kind::kEnd; token = scanner.Next()) {
    if (token.kind != Token::Kind::kMark) continue;
    if (token.first == '{' || token.first == '<' || token.first == '[') {
      deepest = std::max(deepest, ++depth);
    } else if (token.first == '}' || token.first == '>' || token.first == ']') {
      depth = std::max(0, depth - 1);
    }
  }
  return deepest;
}

std::vector<size_t> LeadingZeros(absl::string_view text) {
  std::vector<size_t> found;
  Scanner scanner(text);
  for (Token token = scanner.Next();
       token.kind != Token::Kind::kEnd && found.size() < kMostLeadingZeros;
       token = scanner.Next()) {
    const bool word = token.kind == Token::Kind::kWord && token.first == '0';
    if (word && token.end - token.begin > 1 && absl::ascii_isdigit(text[token.begin + 1])) {
      found.push_back(token.begin);
    }
  }
  return found;
}

}  // namespace freshet
