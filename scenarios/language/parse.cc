#include "scenarios/language/parse.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "scenarios/language/facts.h"
#include "scenarios/language/quantity.h"
#include "scenarios/language/statements.h"
#include "scenarios/language/suggest.h"

namespace freshet {

namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::TextFormat;

// How often a text is parsed again after a mistake, and how many bytes that may cost in all.
constexpr int kMostRounds = 100;
constexpr size_t kMostBytesParsed = size_t{64} << 20;

struct Complaint {
  int line = 0;  // From 0, as the tokenizer counts.
  int column = 0;
  std::string message;
};

// Unknown fields that are told of a text of this size. Each costs a scan for its place, and nobody
// mends thousands at once.
size_t MostWarnings(size_t bytes) {
  return std::clamp<size_t>(kMostBytesParsed / (bytes + 1), 10, 500);
}

// Keeps the first error of a round (later ones follow from it) and the first warnings.
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  explicit FirstError(size_t most_warnings) : most_warnings_(most_warnings) {}

  void AddError(int line, int column, const std::string& message) override {
    if (!error.has_value()) error = Complaint{std::max(line, 0), std::max(column, 0), message};
  }
  void AddWarning(int line, int column, const std::string& message) override {
    if (warnings.size() >= most_warnings_) return;
    warnings.push_back({std::max(line, 0), std::max(column, 0), message});
  }

  std::optional<Complaint> error;
  std::vector<Complaint> warnings;

 private:
  const size_t most_warnings_;
};

// The text between the n-th pair of quotes of a message of the parser.
std::string QuotedPart(const std::string& message, int n) {
  size_t at = 0;
  for (int i = 0; i < 2 * n; ++i) {
    at = message.find('"', at);
    if (at == std::string::npos) return "";
    ++at;
  }
  at = message.find('"', at);
  const size_t end = at == std::string::npos ? at : message.find('"', at + 1);
  return end == std::string::npos ? "" : message.substr(at + 1, end - at - 1);
}

// The field that a path of names leads to, from `type` down; null when a name is unknown.
const FieldDescriptor* FieldBelow(const Descriptor* type, const std::vector<std::string>& path) {
  const FieldDescriptor* field = nullptr;
  for (const std::string& name : path) {
    if (type == nullptr) return nullptr;
    field = type->FindFieldByName(name);
    if (field == nullptr) return nullptr;
    type = field->message_type();
  }
  return field;
}

class Parse {
 public:
  Parse(absl::string_view text, int file, const TextKind& kind, Findings* findings,
        google::protobuf::Message* message)
      : text_(text), file_(file), kind_(kind), findings_(findings), message_(message) {}

  ParsedForm Run() {
    if (!Acceptable()) {
      parsed_.names_are_missing = true;
      parsed_.blanked.push_back(PlaceOf(0));
      parsed_.places.place = {file_, 1, 1};
      return std::move(parsed_);
    }
    for (const size_t offset : LeadingZeros(text_)) {
      findings_->Warning(PlaceOf(offset),
                         "a number with a leading zero is read as octal (010 is 8); "
                         "write it without the zero");
    }
    size_t bytes = 0;
    for (int round = 0;; ++round) {
      message_->Clear();
      TextFormat::ParseInfoTree tree;
      FirstError errors(MostWarnings(text_.size()));
      TextFormat::Parser parser;
      parser.RecordErrorsTo(&errors);
      parser.WriteLocationsTo(&tree);
      parser.AllowUnknownField(true);
      parser.SetRecursionLimit(kDeepestNesting);
      const bool whole = parser.ParseFromString(text_, message_);
      for (const Complaint& warning : errors.warnings) TellUnknown(warning);
      bytes += text_.size();
      const bool again = !whole && errors.error.has_value() && TellError(*errors.error);
      if (again && round < kMostRounds && bytes < kMostBytesParsed) continue;
      if (again) {
        findings_->Error(PlaceOf(OffsetOf(text_, errors.error->line, errors.error->column)),
                         "there are more mistakes behind this one; mend these first");
      }
      parsed_.places = PlacesOf(*message_, tree, file_);
      parsed_.places.place = {file_, 1, 1};
      return std::move(parsed_);
    }
  }

 private:
  const FieldDescriptor* FieldAt(const std::vector<std::string>& path) const {
    return FieldBelow(message_->GetDescriptor(), path);
  }

  Place PlaceOf(size_t offset) const {
    Place place{file_, 1, 1};
    LineAndColumn(text_, offset, &place.line, &place.column);
    return place;
  }

  // What no parser needs to see.
  bool Acceptable() {
    const absl::string_view text = text_;
    if (absl::StartsWith(text, "\xef\xbb\xbf") || absl::StartsWith(text, "\xff\xfe") ||
        absl::StartsWith(text, "\xfe\xff")) {
      findings_->Error(PlaceOf(0),
                       "the file begins with a byte-order mark; save it as UTF-8 without one");
      return false;
    }
    if (const size_t nul = text.find('\0'); nul != absl::string_view::npos) {
      findings_->Error(PlaceOf(nul), absl::StrCat("a NUL byte: this is not text; write ",
                                                  kind_.noun, " as UTF-8 text"));
      return false;
    }
    if (absl::StripAsciiWhitespace(text).empty()) {
      findings_->Error(PlaceOf(0), absl::StrCat("the file is empty; ", kind_.noun,
                                                " needs at least ", kind_.least));
      return false;
    }
    if (const int depth = NestingDepth(text); depth > kDeepestNesting) {
      findings_->Error(PlaceOf(0), absl::StrCat("blocks are nested ", depth, " deep; at most ",
                                                kDeepestNesting, " are allowed"));
      return false;
    }
    size_t offset = 0;
    if (LooksLikeYaml(&offset)) {
      findings_->Error(PlaceOf(offset),
                       absl::StrCat("this looks like YAML; ", kind_.noun,
                                    " is Protobuf text: name: \"x\", and blocks in braces"));
      return false;
    }
    return true;
  }

  // A document mark, a list item, or a key alone on its line with a more indented line below.
  bool LooksLikeYaml(size_t* offset) const {
    size_t begin = 0;
    while (begin < text_.size()) {
      size_t end = text_.find('\n', begin);
      if (end == std::string::npos) end = text_.size();
      const absl::string_view line =
          absl::StripAsciiWhitespace(absl::string_view(text_).substr(begin, end - begin));
      if (!line.empty() && line.front() != '#') {
        *offset = begin;
        if (line == "---" || absl::StartsWith(line, "- ")) return true;
        // Only the first statement is judged, and only when its value cannot be ours.
        const size_t colon = line.find(": ");
        if (colon == absl::string_view::npos) return false;
        const absl::string_view value = absl::StripAsciiWhitespace(line.substr(colon + 2));
        const bool bare_word = !value.empty() && absl::ascii_isalpha(value.front()) &&
                               std::all_of(value.begin(), value.end(), [](char c) {
                                 return absl::ascii_isalnum(c) || c == '_' || c == '-';
                               });
        const FieldDescriptor* field = FieldAt({std::string(line.substr(0, colon))});
        return bare_word && field != nullptr &&
               field->cpp_type() == FieldDescriptor::CPPTYPE_STRING;
      }
      begin = end + 1;
    }
    return false;
  }

  void Tell(Place place, const std::string& text) {
    if (told_.insert({place, text}).second) findings_->Error(place, text);
  }

  // `Message type "freshet.Producers" has no field named "linge".`
  void TellUnknown(const Complaint& warning) {
    if (!warned_.insert({warning.line, warning.column}).second) return;  // Of an earlier round.
    const Place place = PlaceOf(OffsetOf(text_, warning.line, warning.column));
    const Descriptor* type =
        google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(
            QuotedPart(warning.message, 0));
    if (type == nullptr || !absl::StrContains(warning.message, "has no field named")) {
      if (!absl::StrContains(warning.message, "leading zero"))
        Tell(place, Trimmed(warning.message));
      return;
    }
    const std::string name = QuotedPart(warning.message, 1);
    const std::string closest = Closest(name, FieldNamesOf(*type));
    // Unknown fields are reported at the name's end by some paths of the parser: go to its start.
    size_t offset = OffsetOf(text_, warning.line, warning.column);
    Statement statement;
    std::vector<size_t> unclosed;
    if (FindStatement(text_, offset, &statement, &unclosed) && !statement.path.empty() &&
        statement.path.back() == name) {
      offset = statement.begin;
    }
    const std::string remedy = closest.empty()
                                   ? absl::StrCat("its fields are ", Listed(FieldNamesOf(*type)))
                                   : absl::StrCat("did you mean ", Quoted(closest), "?");
    Tell(PlaceOf(offset), absl::StrCat(type->name(), " has no field ", Quoted(name), "; ", remedy));
  }

  // A complaint of the parser that is about no field of ours: its own words, and a remedy.
  static std::string Trimmed(absl::string_view message) {
    if (message == "Expected identifier, got: }") {
      return "this \"}\" closes nothing; remove it, or open its block";
    }
    absl::string_view remedy = "a field is written name: value, a block name { ... }";
    if (absl::StrContains(message, "String literals") ||
        absl::StrContains(message, "end of string")) {
      remedy = "close the quotes on the same line";
    }
    if (absl::StrContains(message, "xtension")) remedy = "there are none here; remove it";
    return absl::StrCat(absl::StripSuffix(message, "."), "; ", remedy);
  }

  // Reports, blanks the statement, and says whether it is worth parsing again.
  bool TellError(const Complaint& error) {
    const size_t offset = OffsetOf(text_, error.line, error.column);
    Statement statement;
    std::vector<size_t> unclosed;
    bool found = FindStatement(text_, offset, &statement, &unclosed);
    // A wrong word is reported where the next token stands, in or behind the statement it is about.
    const std::string about = absl::StartsWith(error.message, "Unknown enumeration value")
                                  ? QuotedPart(error.message, 1)
                              : absl::StartsWith(error.message, "Invalid value for boolean")
                                  ? QuotedPart(error.message, 0)
                                  : "";
    const bool open_quote = absl::StartsWith(error.message, "String literals") ||
                            absl::StartsWith(error.message, "Unexpected end of string");
    if (open_quote ||
        (!about.empty() && (!found || statement.path.empty() || statement.path.back() != about))) {
      found = FindStatement(text_, TokenBefore(text_, offset), &statement, &unclosed);
    }
    if (!found) {
      if (unclosed.empty()) {
        Tell(PlaceOf(offset), Trimmed(error.message));
      } else {
        Tell(PlaceOf(unclosed.back()), "this block is never closed; add \"}\"");
        if (offset >= absl::StripTrailingAsciiWhitespace(text_).size())
          return CloseBlocks(unclosed.size());
      }
      parsed_.blanked.push_back(PlaceOf(offset));
      parsed_.names_are_missing = true;
      return false;
    }
    const Place place = PlaceOf(statement.is_block ? offset : statement.begin);
    // What stands right behind a mistake on the same line is mostly a part of it.
    const bool echo = !parsed_.blanked.empty() && parsed_.blanked.back().line == place.line &&
                      (absl::StartsWith(error.message, "Expected identifier") ||
                       absl::StartsWith(error.message, "Expected \":\""));
    if (!echo) Tell(place, Translate(error, statement));

    // A second value is a mistake that leaves the first one standing: nothing is missing then.
    const bool surplus = absl::StrContains(error.message, "specified multiple times") ||
                         absl::StrContains(error.message, "another member of oneof");
    if (!surplus) {
      parsed_.blanked.push_back(place);
      const std::string name = statement.path.empty() ? "" : statement.path.back();
      if (statement.is_block || name == "name" || name.empty()) parsed_.names_are_missing = true;
    }
    return Blank(statement.begin, statement.end);
  }

  // Overwrites with blanks, lines kept; false when there was nothing left to blank.
  bool Blank(size_t begin, size_t end) {
    bool any = false;
    for (size_t i = begin; i < end && i < text_.size(); ++i) {
      if (absl::ascii_isspace(text_[i])) continue;
      text_[i] = ' ';
      any = true;
    }
    return any;
  }

  bool CloseBlocks(size_t count) {
    if (closed_) return false;
    closed_ = true;
    parsed_.names_are_missing = true;
    text_.append("\n");
    text_.append(count, '}');
    return true;
  }

  // The parser's words in the author's terms, with a remedy.
  std::string Translate(const Complaint& error, const Statement& statement) const {
    const std::string& message = error.message;
    const std::string name = statement.path.empty() ? "" : statement.path.back();
    const FieldDescriptor* field = FieldAt(statement.path);
    if (absl::StrContains(message, "specified multiple times")) {
      return absl::StrCat(QuotedPart(message, 0), " is given twice in one block; keep one");
    }
    if (absl::StrContains(message, "another member of oneof")) {
      return absl::StrCat(QuotedPart(message, 0), " and ", QuotedPart(message, 1),
                          " exclude each other; keep one");
    }
    if (field == nullptr) return Trimmed(message);
    const std::string path = absl::StrJoin(statement.path, ".");
    if (absl::StartsWith(message, "Expected \":\"")) {
      return absl::StrCat(path, " has no colon; write ", name, ": and then the value");
    }
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
      const std::vector<std::string> choices = ChoicesOf(*field->enum_type());
      const absl::string_view written = Value(statement);
      const std::string closest = Closest(written, choices);
      return absl::StrCat(path, " has no value ", Quoted(written), "; ",
                          closest.empty() ? "" : absl::StrCat("did you mean ", closest, "? "),
                          "choose ", absl::StrJoin(choices, ", "));
    }
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      const Unit unit = FactsOf(*field).unit();
      return absl::StrCat(path, ": ", absl::StripSuffix(message, "."), "; write ", NounOf(unit),
                          " in quotes, such as ", ExampleOf(unit));
    }
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      return absl::StrCat(path, ": ", absl::StripSuffix(message, "."), "; write ", name,
                          " { ... }");
    }
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_BOOL) {
      return absl::StrCat(path, ": ", Quoted(Value(statement)), " is neither true nor false; ",
                          "write one of them");
    }
    const FieldFacts& stated = FactsOf(*field);
    const std::string range = stated.max().empty()
                                  ? absl::StrCat("from ", stated.min().empty() ? "0" : stated.min())
                                  : absl::StrCat("from ", stated.min(), " to ", stated.max());
    return absl::StrCat(path, ": ", Quoted(Value(statement)), " is not a whole number ", range,
                        "; write one without quotes");
  }

  // What stands behind the field's name, as it was written.
  absl::string_view Value(const Statement& statement) const {
    absl::string_view value =
        absl::string_view(text_).substr(statement.begin, statement.end - statement.begin);
    const size_t colon = value.find(':');
    if (colon != absl::string_view::npos) value.remove_prefix(colon + 1);
    value = absl::StripAsciiWhitespace(value);
    if (value.size() > 1 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    return value;
  }

  std::string text_;
  const int file_;
  const TextKind kind_;
  Findings* const findings_;
  google::protobuf::Message* const message_;
  ParsedForm parsed_;
  std::set<std::pair<Place, std::string>> told_;
  std::set<std::pair<int, int>> warned_;
  bool closed_ = false;
};

}  // namespace

ParsedForm ParseMessage(absl::string_view text, int file, const TextKind& kind, Findings* findings,
                        google::protobuf::Message* message) {
  return Parse(text, file, kind, findings, message).Run();
}

ParsedText ParseScenario(absl::string_view text, int file, Findings* findings) {
  constexpr TextKind kScenario = {"a scenario", "name and run_for"};
  ParsedText parsed;
  static_cast<ParsedForm&>(parsed) =
      ParseMessage(text, file, kScenario, findings, &parsed.scenario);
  return parsed;
}

}  // namespace freshet
