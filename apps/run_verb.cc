// `freshet run`: loads, runs each variant, prints reports, verdicts and digests.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "apps/flags.h"
#include "apps/simulate.h"
#include "apps/verbs.h"
#include "results/golden.h"
#include "results/json_writer.h"
#include "results/report.h"
#include "results/run_summary.h"
#include "scenarios/language/defaults.h"
#include "scenarios/language/load.h"
#include "scenarios/language/run.h"
#include "sim/check.h"

namespace freshet {
namespace {

std::string ProblemsAsJson(const std::vector<Problem>& problems) {
  std::string text;
  JsonWriter json(&text);
  json.BeginObject();
  json.Key("problems");
  json.BeginArray();
  for (const Problem& problem : problems) {
    json.BeginObject();
    json.Field("file", problem.file);
    json.Field("line", problem.line);
    json.Field("column", problem.column);
    json.Field("severity", problem.severity == ProblemSeverity::kError ? "error" : "warning");
    json.Field("text", problem.text);
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
  return text + "\n";
}

// A line of progress on a terminal, nothing in a pipe.
class Progress {
 public:
  explicit Progress(std::string title)
      : title_(std::move(title)), on_(isatty(STDERR_FILENO) == 1) {}
  ~Progress() {
    if (shown_) std::fputs("\r\x1b[K", stderr);
  }
  void Show(const RunProgress& progress) {
    if (!on_ || ++calls_ % 8 != 1) return;
    shown_ = true;
    const double share =
        progress.end.SinceStart().ToSeconds() > 0
            ? progress.now.SinceStart().ToSeconds() / progress.end.SinceStart().ToSeconds()
            : 1;
    std::fprintf(stderr, "\r\x1b[K%s  %3.0f%%  %.1f M events", title_.c_str(), 100 * share,
                 static_cast<double>(progress.events) * 1e-6);
  }

 private:
  std::string title_;
  bool on_;
  bool shown_ = false;
  int calls_ = 0;
};

absl::StatusOr<std::string> RecordPath(const std::string& scenario, const std::string& variant,
                                       size_t variants) {
  const std::string wanted = absl::GetFlag(FLAGS_record);
  if (wanted.empty()) return wanted;
  std::error_code error;
  if (!std::filesystem::is_directory(wanted, error)) {
    if (variants > 1) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--record=", wanted, " is one file, and ", variants,
          " variants are run; name an existing directory, or one variant with --variant"));
    }
    return wanted;
  }
  const std::string name = variant.empty() ? scenario : absl::StrCat(scenario, ".", variant);
  return (std::filesystem::path(wanted) / absl::StrCat(name, ".frun")).string();
}

int Golden(const RunSummary& summary) {
  if (!absl::GetFlag(FLAGS_update_goldens).empty()) {
    absl::StatusOr<std::string> changed =
        UpdateGolden(absl::GetFlag(FLAGS_update_goldens), summary);
    if (!changed.ok()) return Complain(changed.status());
    return changed->empty() ? 0 : Print(absl::StrCat("golden updated:\n", *changed), 0);
  }
  if (absl::GetFlag(FLAGS_golden).empty()) return 0;
  const absl::Status same = CompareWithGolden(absl::GetFlag(FLAGS_golden), summary);
  if (same.ok()) return 0;
  std::fprintf(stderr, "%s\n", std::string(same.message()).c_str());
  return absl::IsFailedPrecondition(same) ? kExitOurs : kExitWorld;
}

int RunOne(const std::string& file, const LoadResult& loaded, const ExpandedVariant& variant) {
  absl::StatusOr<std::string> record =
      RecordPath(variant.scenario.name(), variant.name,
                 absl::GetFlag(FLAGS_variant).empty() ? loaded.variants.size() : 1);
  if (!record.ok()) return Complain(record.status());
  RunOptions options = OptionsOf(file, variant);
  options.record_path = *record;
  options.overwrite = absl::GetFlag(FLAGS_force) ? Overwrite::kYes : Overwrite::kNo;
  if (absl::GetFlag(FLAGS_until_event) > 0) options.until_event = absl::GetFlag(FLAGS_until_event);
  options.trace = absl::GetFlag(FLAGS_trace);
  absl::StatusOr<RunOutcome> outcome;
  try {
    Progress progress(
        absl::StrCat(variant.scenario.name(), variant.name.empty() ? "" : ", ", variant.name));
    options.on_progress = [&](const RunProgress& at) { progress.Show(at); };
    outcome = RunScenario(variant.scenario, options);
  } catch (const InvariantBroken& broken) {
    return SayBroken(broken, file, variant.name);
  }
  if (!outcome.ok()) return Complain(outcome.status());
  if (outcome->interrupted) return SayInterrupted(*outcome, *record);
  if (outcome->stopped_early) {
    std::fprintf(stderr, "stopped after %llu events, as --until-event asked; nothing was judged\n",
                 static_cast<unsigned long long>(outcome->events));
    return 0;
  }
  std::string text;
  const std::string format =
      absl::GetFlag(FLAGS_json) ? std::string("json") : absl::GetFlag(FLAGS_format);
  ReportOptions report;
  report.colour = ColourWanted();
  report.parts = absl::GetFlag(FLAGS_parts);
  const absl::Status written = WriteReport(format, outcome->summary, report, &text);
  if (!written.ok()) return Complain(written);
  int code = outcome->exit_code;
  code = std::max(code, Print(text, 0));
  SayVacuous(*outcome);
  if (isatty(STDERR_FILENO) == 1) {
    std::fprintf(
        stderr, "%.1f M events in %.2f s: %.1f M events/s\n",
        static_cast<double>(outcome->events) * 1e-6, outcome->wall_seconds,
        static_cast<double>(outcome->events) * 1e-6 / std::max(outcome->wall_seconds, 1e-9));
  }
  return std::max(code, Golden(outcome->summary));
}

}  // namespace

int RunVerb(const std::vector<std::string>& operands) {
  absl::StatusOr<LoadResult> loaded = LoadOnly("run", operands);
  if (!loaded.ok()) return Complain(loaded.status());
  std::fputs(Report(loaded->problems).c_str(), stderr);
  if (!loaded->ok()) return kExitAuthor;
  absl::StatusOr<std::vector<const ExpandedVariant*>> wanted = WantedVariants(*loaded);
  if (!wanted.ok()) return Complain(wanted.status());
  int worst = 0;
  for (const ExpandedVariant* variant : *wanted) {
    worst = std::max(worst, RunOne(operands[0], *loaded, *variant));
    if (interrupted) break;
  }
  return worst;
}

int ValidateVerb(const std::vector<std::string>& operands) {
  absl::StatusOr<LoadResult> loaded = LoadOnly("validate", operands);
  if (!loaded.ok()) return Complain(loaded.status());
  if (absl::GetFlag(FLAGS_json))
    return Print(ProblemsAsJson(loaded->problems), loaded->ok() ? 0 : kExitAuthor);
  std::fputs(Report(loaded->problems).c_str(), stderr);
  if (!loaded->ok()) return kExitAuthor;
  std::string text;
  for (const ExpandedVariant& variant : loaded->variants) {
    if (absl::GetFlag(FLAGS_canonical)) {
      absl::StrAppend(&text,
                      variant.name.empty() ? "" : absl::StrCat("# variant ", variant.name, "\n"),
                      CanonicalText(variant.scenario));
    } else {
      absl::StrAppend(&text, variant.scenario.name(), variant.name.empty() ? "" : ".", variant.name,
                      " ", ContentAddress(variant.scenario), "\n");
    }
  }
  return Print(text, 0);
}

}  // namespace freshet
