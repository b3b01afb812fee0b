#include "results/golden.h"

#include <sys/stat.h>

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "results/metric_window.h"
#include "results/number_format.h"
#include "results/output_file.h"
#include "results/report.h"
#include "results/run_summary.h"
#include "results/verdict.h"

namespace freshet {
namespace {

constexpr uint64_t kMostGoldenBytes = uint64_t{16} << 20;

std::string VerdictLine(const ObjectiveVerdict& verdict) {
  const char* outcome = verdict.outcome() == ObjectiveVerdict::MET      ? "met"
                        : verdict.outcome() == ObjectiveVerdict::MISSED ? "missed"
                                                                        : "not converged";
  // Numbers stand on the metric's own line, so that one cause moves one line.
  return absl::StrCat("objective ", Describe(verdict.objective()), ": ", outcome);
}

// Six digits say what moved; the digest says that something did.
std::string SixDigits(double value) {
  std::string text = SignificantText(value, 6);
  if (text.find('.') == std::string::npos) return text;
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

void AddMetricLines(const SummaryMetric& metric, std::vector<std::string>* lines) {
  const SummaryWindow* window = FindWindow(metric, NameOf(Window::kAfterWarmUp));
  if (window == nullptr) return;
  const MachineUnit unit = MachineUnitOf(metric.measure());
  const std::string stem = absl::StrCat("metric ", metric.owner(), " ", metric.name());
  if (metric.kind() == MetricRow::DISTRIBUTION) {
    lines->push_back(absl::StrCat(stem, "_count ", window->count()));
  }
  for (const char* statistic : {"total", "mean", "p50", "p99", "max"}) {
    const SummaryValue* value = FindValue(*window, statistic);
    if (value == nullptr) continue;
    const double number = value->value() / unit.divisor;
    std::string text = "not converged";
    if (value->exactness() != SummaryValue::NOT_CONVERGED) {
      text = metric.kind() == MetricRow::COUNTER ? ShortestText(number) : SixDigits(number);
    }
    lines->push_back(absl::StrCat(stem, unit.suffix, "_", statistic, " ", text));
  }
}

// One for each transaction and partition, in milliseconds.
void AddHangingLines(const RunSummary& summary, std::vector<std::string>* lines) {
  const auto millis = [](int64_t nanos) { return SixDigits(static_cast<double>(nanos) / 1e6); };
  for (const HangingTransaction& each : summary.hanging_transaction()) {
    const std::string id = each.transactional_id().empty() ? "unknown" : each.transactional_id();
    lines->push_back(absl::StrCat(
        "hanging_transaction ", id, " of ", each.producer(), " in ", each.topic(), "-",
        each.partition(), " since_ms ", millis(each.since_ns()),
        each.ended() ? absl::StrCat(" ended_ms ", millis(each.ended_ns())) : " open", " waits ",
        each.waits().empty() ? "nobody" : absl::StrJoin(each.waits(), ",")));
  }
}

std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    if (line[0] != '#') lines.emplace_back(line);
  }
  return lines;
}

}  // namespace

std::string GoldenFileName(const RunSummary& summary) {
  return summary.variant().empty()
             ? absl::StrCat(summary.scenario(), ".txt")
             : absl::StrCat(summary.scenario(), ".", summary.variant(), ".txt");
}

std::string GoldenText(const RunSummary& summary) {
  std::vector<std::string> lines;
  for (const ObjectiveVerdict& verdict : summary.verdict().objective()) {
    lines.push_back(VerdictLine(verdict));
  }
  AddHangingLines(summary, &lines);
  for (const SummaryMetric& metric : summary.metric()) AddMetricLines(metric, &lines);
  std::sort(lines.begin(), lines.end());
  return absl::StrCat("# ", ReportTitle(summary), "; after warm-up; written by --update-goldens\n",
                      absl::StrFormat("result_digest %016x\n", summary.result_digest()),
                      "exit_code ", summary.verdict().exit_code(), "\n", absl::StrJoin(lines, "\n"),
                      lines.empty() ? "" : "\n");
}

std::string DiffGolden(const std::string& golden, const std::string& run) {
  std::vector<std::string> before = LinesOf(golden);
  std::vector<std::string> after = LinesOf(run);
  std::sort(before.begin(), before.end());
  std::sort(after.begin(), after.end());
  std::vector<std::string> gone, come;
  std::set_difference(before.begin(), before.end(), after.begin(), after.end(),
                      std::back_inserter(gone));
  std::set_difference(after.begin(), after.end(), before.begin(), before.end(),
                      std::back_inserter(come));
  // Merged by text: the two values of one number stand one under the other.
  std::string diff;
  size_t g = 0, c = 0;
  const auto name_of = [](const std::string& line) { return line.substr(0, line.rfind(' ')); };
  while (g < gone.size() || c < come.size()) {
    if (c == come.size() || (g < gone.size() && name_of(gone[g]) <= name_of(come[c]))) {
      absl::StrAppend(&diff, "- ", gone[g++], "\n");
    } else {
      absl::StrAppend(&diff, "+ ", come[c++], "\n");
    }
  }
  return diff;
}

absl::Status CompareWithGolden(const std::string& directory, const RunSummary& summary) {
  const std::string name = GoldenFileName(summary);
  const std::string path = absl::StrCat(directory, "/", name);
  struct stat file_facts;
  if (::stat(path.c_str(), &file_facts) != 0) {
    return absl::NotFoundError(
        absl::StrCat(name, ": there is no such golden; --update-goldens writes it"));
  }
  absl::StatusOr<std::string> golden = ReadWholeFile(path, kMostGoldenBytes);
  if (!golden.ok()) return golden.status();
  const std::string diff = DiffGolden(*golden, GoldenText(summary));
  if (diff.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      name, ": the run differs from its golden; if it should, --update-goldens\n", diff));
}

absl::StatusOr<std::string> UpdateGolden(const std::string& directory, const RunSummary& summary) {
  const std::string path = absl::StrCat(directory, "/", GoldenFileName(summary));
  const std::string text = GoldenText(summary);
  struct stat file_facts;
  std::string before;
  if (::stat(path.c_str(), &file_facts) == 0) {
    absl::StatusOr<std::string> read = ReadWholeFile(path, kMostGoldenBytes);
    if (!read.ok()) return read.status();
    before = *std::move(read);
    if (before == text) return std::string();
  }
  if (absl::Status written = WriteWholeFile(path, text, Overwrite::kYes); !written.ok()) {
    return written;
  }
  return DiffGolden(before, text);
}

}  // namespace freshet
