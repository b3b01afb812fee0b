#include "scenarios/language/problem.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"

namespace freshet {

std::string ToText(const Problem& problem) {
  std::string text = problem.file;
  if (problem.line > 0) absl::StrAppend(&text, ":", problem.line, ":", problem.column);
  absl::StrAppend(&text, ": ", problem.severity == ProblemSeverity::kWarning ? "warning: " : "",
                  problem.text);
  return text;
}

void SortProblems(std::vector<Problem>* problems) {
  const auto key = [](const Problem& p) {
    return std::tie(p.file, p.line, p.column, p.text, p.severity);
  };
  std::sort(problems->begin(), problems->end(),
            [&](const Problem& a, const Problem& b) { return key(a) < key(b); });
  problems->erase(std::unique(problems->begin(), problems->end()), problems->end());
}

bool HasError(const std::vector<Problem>& problems) {
  return std::any_of(problems.begin(), problems.end(),
                     [](const Problem& p) { return p.severity == ProblemSeverity::kError; });
}

std::string Report(const std::vector<Problem>& problems) {
  std::string report;
  size_t errors = 0;
  for (const Problem& problem : problems) {
    absl::StrAppend(&report, ToText(problem), "\n");
    if (problem.severity == ProblemSeverity::kError) ++errors;
  }
  const size_t warnings = problems.size() - errors;
  const auto counted = [](size_t count, absl::string_view noun) {
    return absl::StrCat(count, " ", noun, count == 1 ? "" : "s");
  };
  if (errors > 0) {
    absl::StrAppend(&report, counted(errors, "problem"),
                    warnings > 0 ? absl::StrCat(" and ", counted(warnings, "warning")) : "",
                    ", nothing was run\n");
  } else if (warnings > 0) {
    absl::StrAppend(&report, counted(warnings, "warning"), "\n");
  }
  return report;
}

int Findings::AddFile(absl::string_view name) {
  files_.emplace_back(name);
  return static_cast<int>(files_.size()) - 1;
}

void Findings::Add(Place place, absl::string_view text, ProblemSeverity severity) {
  problems_.push_back({place.file < 0 ? std::string() : files_[place.file], place.line,
                       place.column, std::string(text), severity});
}

}  // namespace freshet
