// Text to message, with every mistake of form told at once.
//
// The library's parser stops at its first error. Here the statement that failed is blanked and the
// text parsed again, so that the rest is still read and checked. Unknown fields come from the
// parser's warnings. Hostile text is met before the parser sees it: nesting, NUL bytes, a mark of
// byte order, YAML.
#ifndef FRESHET_SCENARIOS_LANGUAGE_PARSE_H_
#define FRESHET_SCENARIOS_LANGUAGE_PARSE_H_

#include <google/protobuf/message.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "scenarios/language/places.h"
#include "scenarios/language/problem.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// Nesting beyond this is refused; the parser's own recursion is limited to the same.
inline constexpr int kDeepestNesting = 100;

// What kind of text is read: for the messages.
struct TextKind {
  const char* noun;   // "a scenario"
  const char* least;  // What it needs at least: "name and run_for".
};

struct ParsedForm {
  Places places;
  // Where statements were given up. What they said is unknown, so nobody should miss it.
  std::vector<Place> blanked;
  // Whether a name or a whole block is among them: references may then dangle without blame.
  bool names_are_missing = false;
};

// Text to `message`, of any type whose fields have facts. Problems go to `findings`, under `file`,
// an index that it gave out.
ParsedForm ParseMessage(absl::string_view text, int file, const TextKind& kind, Findings* findings,
                        google::protobuf::Message* message);

struct ParsedText : ParsedForm {
  v1::Scenario scenario;
};

ParsedText ParseScenario(absl::string_view text, int file, Findings* findings);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_PARSE_H_
