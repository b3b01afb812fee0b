#include "apps/command_line.h"

#include <algorithm>

#include "absl/flags/reflection.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "scenarios/language/suggest.h"

namespace freshet {
namespace {

std::vector<std::string>& MutableSets() {
  static auto& sets = *new std::vector<std::string>;
  return sets;
}

// "--until-event" is the flag until_event in code.
std::string InCode(absl::string_view name) { return absl::StrReplaceAll(name, {{"-", "_"}}); }

std::vector<std::string> FlagNames(const Verb& verb) {
  std::vector<std::string> names(verb.flags.begin(), verb.flags.end());
  names.push_back("set");
  return names;
}

}  // namespace

const std::vector<std::string>& Sets() { return MutableSets(); }

std::string Nearest(absl::string_view word, absl::Span<const std::string> candidates) {
  return Closest(word, std::vector<std::string>(candidates.begin(), candidates.end()));
}

absl::Status ParseArguments(const Verb& verb, absl::Span<const std::string> arguments,
                            std::vector<std::string>* operands) {
  const std::vector<std::string> known = FlagNames(verb);
  std::vector<std::string> problems;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (!absl::StartsWith(argument, "--")) {
      operands->push_back(argument);
      continue;
    }
    const size_t equals = argument.find('=');
    const std::string name = argument.substr(2, equals == std::string::npos ? equals : equals - 2);
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      const std::string nearest = Nearest(name, known);
      problems.push_back(absl::StrCat(
          "unknown flag \"--", name, "\"; ",
          nearest.empty() ? absl::StrCat("`freshet help ", verb.name, "` lists the flags")
                          : absl::StrCat("did you mean \"--", nearest, "\"?")));
      continue;
    }
    absl::CommandLineFlag* flag = name == "set" ? nullptr : absl::FindCommandLineFlag(InCode(name));
    const bool is_switch = flag != nullptr && flag->IsOfType<bool>();
    std::string value = equals == std::string::npos ? "" : argument.substr(equals + 1);
    if (equals == std::string::npos && is_switch) value = "true";
    if (equals == std::string::npos && !is_switch) {
      if (i + 1 == arguments.size()) {
        problems.push_back(absl::StrCat("\"--", name, "\" needs a value; write --", name, "=..."));
        continue;
      }
      value = arguments[++i];
    }
    if (flag == nullptr) {
      MutableSets().push_back(value);
      continue;
    }
    std::string error;
    if (!flag->ParseFrom(value, &error)) {
      problems.push_back(absl::StrCat("\"--", name, "=", value, "\" cannot be read",
                                      error.empty() ? "" : ": ", error,
                                      "; it means: ", flag->Help()));
    }
  }
  if (problems.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(problems, "\n"));
}

std::string UsageOfAll(absl::Span<const Verb> verbs) {
  std::string text = "usage: freshet VERB ...\n\n";
  for (const Verb& verb : verbs)
    absl::StrAppend(&text, "  ", verb.name, " ", verb.usage, "\n      ", verb.help, "\n");
  absl::StrAppend(&text,
                  "\nexit codes: 0 objectives met, 1 missed or vacuous, 2 the author's mistake, "
                  "3 the outside world's,\n4 an invariant of ours, 128+n a signal\n");
  return text;
}

std::string UsageOf(const Verb& verb) {
  std::string text =
      absl::StrCat("usage: freshet ", verb.name, " ", verb.usage, "\n\n", verb.help, "\n");
  for (const char* name : verb.flags) {
    const absl::CommandLineFlag* flag = absl::FindCommandLineFlag(InCode(name));
    absl::StrAppend(&text, "  --", name, "  ", flag == nullptr ? "" : flag->Help(), "\n");
  }
  return text;
}

}  // namespace freshet
