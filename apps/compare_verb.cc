// `freshet compare`: all variants of a scenario, or records of earlier runs, in one table.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "apps/flags.h"
#include "apps/simulate.h"
#include "apps/verbs.h"
#include "results/compare.h"
#include "scenarios/language/run_many.h"

namespace freshet {
namespace {

int Show(const std::vector<RunSummary>& runs, int exit_code) {
  ReportOptions options;
  options.colour = ColourWanted();
  const std::string format =
      absl::GetFlag(FLAGS_json) ? std::string("json") : absl::GetFlag(FLAGS_format);
  std::string text;
  const absl::Status written = WriteComparison(format, Compare(runs), options, &text);
  if (!written.ok()) return Complain(written);
  return Print(text, exit_code);
}

int CompareRecords(const std::vector<std::string>& paths) {
  const absl::StatusOr<ReadRuns> runs = ReadRecords(paths);
  if (!runs.ok()) return Complain(runs.status());
  int worst = 0;
  for (const RunSummary& summary : runs->summaries) {
    worst = std::max(worst, static_cast<int>(summary.verdict().exit_code()));
  }
  return Show(runs->summaries, worst);
}

// Says what became of one run; its exit code, and its summary if it has one.
int Take(const FinishedRun& run, const std::string& file, const std::string& variant,
         std::vector<RunSummary>* runs) {
  if (run.broken != nullptr) {
    try {
      std::rethrow_exception(run.broken);
    } catch (const InvariantBroken& broken) {
      return SayBroken(broken, file, variant);
    }
  }
  if (!run.outcome.ok()) return Complain(run.outcome.status());
  if (run.outcome->interrupted) return SayInterrupted(*run.outcome, "");
  SayVacuous(*run.outcome);
  runs->push_back(run.outcome->summary);
  return run.outcome->exit_code;
}

int Workers() {
  if (absl::GetFlag(FLAGS_jobs) > 0) return static_cast<int>(absl::GetFlag(FLAGS_jobs));
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

}  // namespace

int CompareVerb(const std::vector<std::string>& operands) {
  const bool records =
      !operands.empty() && std::all_of(operands.begin(), operands.end(), [](const auto& operand) {
        return absl::EndsWith(operand, ".frun");
      });
  if (records) return CompareRecords(operands);
  absl::StatusOr<LoadResult> loaded = LoadOnly("compare", operands);
  if (!loaded.ok()) return Complain(loaded.status());
  std::fputs(Report(loaded->problems).c_str(), stderr);
  if (!loaded->ok()) return kExitAuthor;
  absl::StatusOr<std::vector<const ExpandedVariant*>> wanted = WantedVariants(*loaded);
  if (!wanted.ok()) return Complain(wanted.status());
  std::vector<RunJob> jobs;
  for (const ExpandedVariant* variant : *wanted) {
    jobs.push_back({&variant->scenario, OptionsOf(operands[0], *variant)});
  }
  const bool terminal = isatty(STDERR_FILENO) == 1;
  const std::vector<FinishedRun> finished = RunMany(jobs, Workers(), [&](size_t over) {
    if (terminal) std::fprintf(stderr, "\r\x1b[K%zu of %zu runs are over", over, jobs.size());
  });
  if (terminal) std::fputs("\r\x1b[K", stderr);
  std::vector<RunSummary> runs;
  int worst = 0;
  for (size_t i = 0; i < finished.size(); ++i) {
    worst = std::max(worst, Take(finished[i], operands[0], (*wanted)[i]->name, &runs));
  }
  // A table without one of its columns would look whole.
  if (runs.size() < finished.size()) return worst;
  return Show(runs, worst);
}

}  // namespace freshet
