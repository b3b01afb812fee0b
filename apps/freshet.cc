// The program: which verb, which flags, go.
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "apps/command_line.h"
#include "apps/verbs.h"
#include "scenarios/language/run.h"
#include "sim/check.h"

#ifndef FRESHET_VERSION
#define FRESHET_VERSION "unknown"
#endif

namespace freshet {

std::atomic<int> caught_signal{0};
std::atomic<bool> interrupted{false};

namespace {

void OnSignal(int number) {
  caught_signal = number;
  interrupted = true;
}

const std::vector<Verb>& Verbs() {
  static const auto& verbs = *new std::vector<Verb>{
      {"run",
       "FILE [--variant=NAME] [--set PATH=VALUE]...",
       "Runs a scenario and judges its objectives.",
       {"variant", "seed", "record", "force", "recording", "format", "parts", "json", "until-event",
        "trace", "golden", "update-goldens", "root"},
       RunVerb},
      {"compare",
       "FILE [--set PATH=VALUE]... | RECORD.frun...",
       "Runs all variants of a scenario, or takes records, and shows them in one table.",
       {"variant", "seed", "format", "json", "jobs", "root"},
       CompareVerb},
      {"validate",
       "FILE [--set PATH=VALUE]...",
       "Checks a scenario and prints every problem at once; runs nothing.",
       {"json", "canonical", "root"},
       ValidateVerb},
      {"explain",
       "FIELD",
       "Says what a field of the language means, its unit, default and source.",
       {},
       ExplainVerb},
      {"list",
       "[scenarios|metrics|formats]",
       "Lists the shipped scenarios, the metrics or the report formats.",
       {},
       ListVerb},
      {"report",
       "RECORD... [--format=NAME] [--waterfall | --against=PUBLISHED.csv | "
       "--price-book=BOOK.textproto]",
       "Reports on records of earlier runs, draws where their time went, holds them against a "
       "published table, or prices them.",
       {"format", "parts", "json", "waterfall", "against", "price-book"},
       ReportVerb},
      {"import",
       "omb WORKLOAD.yaml DRIVER.yaml [--brokers=FILE] [--out=FILE]",
       "Turns OpenMessaging Benchmark files into a scenario.",
       {"brokers", "out", "force", "kafka-version"},
       ImportVerb},
  };
  return verbs;
}

int Dispatch(const std::vector<std::string>& arguments) {
  if (arguments.empty() || arguments[0] == "help" || arguments[0] == "--help") {
    if (arguments.size() > 1) {
      for (const Verb& verb : Verbs()) {
        if (arguments[1] == verb.name) return Print(UsageOf(verb), 0);
      }
    }
    return Print(UsageOfAll(Verbs()), arguments.empty() ? kExitAuthor : 0);
  }
  if (arguments[0] == "--version" || arguments[0] == "version") {
    return Print(
        absl::StrCat("freshet ", FRESHET_VERSION, ", model revision ", kModelRevision, "\n"), 0);
  }
  std::vector<std::string> names;
  for (const Verb& verb : Verbs()) {
    names.push_back(verb.name);
    if (arguments[0] != verb.name) continue;
    std::vector<std::string> operands;
    const absl::Status parsed =
        ParseArguments(verb, absl::MakeConstSpan(arguments).subspan(1), &operands);
    for (const std::string& operand : arguments) {
      if (operand == "--help") return Print(UsageOf(verb), 0);
    }
    if (!parsed.ok()) return Complain(parsed);
    return verb.run(operands);
  }
  const std::string nearest = Nearest(arguments[0], names);
  return Complain(absl::InvalidArgumentError(
      absl::StrCat("unknown verb \"", arguments[0], "\"; ",
                   nearest.empty() ? "`freshet help` lists the verbs"
                                   : absl::StrCat("did you mean \"", nearest, "\"?"))));
}

}  // namespace

int Complain(const absl::Status& status) {
  std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  const bool author = status.code() == absl::StatusCode::kInvalidArgument ||
                      status.code() == absl::StatusCode::kFailedPrecondition;
  return author ? kExitAuthor : kExitWorld;
}

int Print(const std::string& text, int exit_code) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    std::perror("freshet: standard output");
    return kExitWorld;
  }
  return exit_code;
}

std::string LibraryDirectory() {
  std::error_code error;
  const std::filesystem::path program =
      std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  for (const std::filesystem::path& root :
       {std::filesystem::path("scenarios/library"), program / ".." / FRESHET_LIBRARY_DIRECTORY}) {
    if (std::filesystem::is_directory(root, error)) return root.string();
  }
  return "";
}

bool ColourWanted() {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  return isatty(STDOUT_FILENO) == 1 && (no_colour == nullptr || *no_colour == '\0') &&
         term != nullptr && std::string(term) != "dumb";
}

}  // namespace freshet

int main(int argc, char** argv) {
  std::signal(SIGINT, freshet::OnSignal);
  std::signal(SIGTERM, freshet::OnSignal);
  std::signal(SIGPIPE, SIG_IGN);  // A closed pipe is a failed write, and told as one.
  try {
    return freshet::Dispatch(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::bad_alloc&) {
    std::fputs(
        "out of memory; fewer partitions, a coarser resolution or --recording=off need less\n",
        stderr);
    return freshet::kExitWorld;
  } catch (const freshet::InvariantBroken& broken) {
    std::fprintf(stderr, "INVARIANT BROKEN  %s %s\n  when    %s\n", broken.invariant().c_str(),
                 broken.what(), broken.where.c_str());
    return freshet::kExitOurs;
  }
}
