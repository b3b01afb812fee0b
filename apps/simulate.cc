#include "apps/simulate.h"

#include <cstdio>
#include <filesystem>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "apps/flags.h"
#include "apps/verbs.h"
#include "results/run_summary.h"
#include "scenarios/language/assemble.h"

namespace freshet {
namespace {

std::vector<std::string> MetricNames() {
  std::vector<std::string> names;
  for (const MetricDef* metric : KnownMetrics()) names.push_back(metric->name);
  return names;
}

// The command that repeats this run: printed with every failure.
std::string ReplayCommand(const std::string& file, const std::string& variant) {
  std::string command = absl::StrCat("freshet run ", file);
  if (!variant.empty()) absl::StrAppend(&command, " --variant=", variant);
  for (const std::string& set : AllSets()) absl::StrAppend(&command, " --set '", set, "'");
  return command;
}

}  // namespace

absl::StatusOr<LoadResult> LoadOnly(absl::string_view verb,
                                    const std::vector<std::string>& operands) {
  if (operands.size() != 1) {
    return absl::InvalidArgumentError(absl::StrCat("`freshet ", verb, "` takes one scenario file"));
  }
  LoadOptions options;
  options.root = absl::GetFlag(FLAGS_root);
  options.library = LibraryDirectory();
  options.sets = AllSets();
  options.metrics = MetricNames();
  return Load(operands[0], options);
}

absl::StatusOr<std::vector<const ExpandedVariant*>> WantedVariants(const LoadResult& loaded) {
  const std::string only = absl::GetFlag(FLAGS_variant);
  std::vector<const ExpandedVariant*> wanted;
  std::string names;
  for (const ExpandedVariant& variant : loaded.variants) {
    absl::StrAppend(&names, names.empty() ? "" : ", ", variant.name);
    if (only.empty() || variant.name == only) wanted.push_back(&variant);
  }
  if (!wanted.empty()) return wanted;
  return absl::InvalidArgumentError(absl::StrCat(
      "no variant is called \"", only, "\"; the scenario has: ", names.empty() ? "none" : names));
}

absl::StatusOr<ReadRuns> ReadRecords(const std::vector<std::string>& paths) {
  ReadRuns runs;
  for (const std::string& path : paths) {
    absl::StatusOr<RunRecord> record = ReadRunRecord(path);
    if (!record.ok()) return absl::DataLossError(record.status().message());
    absl::StatusOr<RunSummary> summary = Summarise(*record);
    if (!summary.ok()) return absl::DataLossError(summary.status().message());
    runs.summaries.push_back(*std::move(summary));
    runs.records.push_back(*std::move(record));
  }
  return runs;
}

RunOptions OptionsOf(const std::string& file, const ExpandedVariant& variant) {
  RunOptions options;
  options.variant = variant.name;
  options.root = absl::GetFlag(FLAGS_root).empty()
                     ? std::filesystem::path(file).parent_path().string()
                     : absl::GetFlag(FLAGS_root);
  options.interrupted = &interrupted;
  return options;
}

int SayBroken(const InvariantBroken& broken, const std::string& file, const std::string& variant) {
  std::fprintf(stderr,
               "INVARIANT BROKEN  %s %s\n  when    %s\n  replay  %s --until-event=%llu --trace\n",
               broken.invariant().c_str(), broken.what(), broken.where.c_str(),
               ReplayCommand(file, variant).c_str(), static_cast<unsigned long long>(broken.event));
  return kExitOurs;
}

int SayInterrupted(const RunOutcome& outcome, const std::string& record_path) {
  std::fprintf(stderr, "interrupted after %llu events; incomplete%s%s\n",
               static_cast<unsigned long long>(outcome.events),
               record_path.empty() ? "" : ", what there is stands in ",
               record_path.empty() ? "" : absl::StrCat(record_path, ".partial").c_str());
  return 128 + caught_signal.load();
}

void SayVacuous(const RunOutcome& outcome) {
  for (const std::string& fault : outcome.vacuous_faults) {
    std::fprintf(stderr, "vacuous: the fault %s touched nothing; the run proves nothing about it\n",
                 fault.c_str());
  }
}

}  // namespace freshet
