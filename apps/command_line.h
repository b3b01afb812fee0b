// The command line as a verb, flags and operands; mistakes become problems with a suggestion.
//
// Flags are Abseil flags, looked up and parsed one by one: absl::ParseCommandLine() would end the
// program with exit code 1, which here means "an objective was missed", and would not say which
// flag was meant.
#ifndef FRESHET_APPS_COMMAND_LINE_H_
#define FRESHET_APPS_COMMAND_LINE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace freshet {

struct Verb {
  const char* name;
  const char* usage;               // "FILE [--variant=NAME] ..."
  const char* help;                // One sentence.
  std::vector<const char*> flags;  // Those it takes, beside --set.
  int (*run)(const std::vector<std::string>& operands);
};

// Parses `arguments` (without the program's name and the verb): sets the flags, returns the
// operands.
// --set may be repeated and is collected in Sets(). kInvalidArgument lists every mistake.
absl::Status ParseArguments(const Verb& verb, absl::Span<const std::string> arguments,
                            std::vector<std::string>* operands);
// The values of --set, in order.
const std::vector<std::string>& Sets();

// The candidate nearest to `word`, empty if none is near: for "did you mean".
std::string Nearest(absl::string_view word, absl::Span<const std::string> candidates);

// "usage: freshet ..." for all verbs, or for one with its flags.
std::string UsageOfAll(absl::Span<const Verb> verbs);
std::string UsageOf(const Verb& verb);

}  // namespace freshet

#endif  // FRESHET_APPS_COMMAND_LINE_H_
