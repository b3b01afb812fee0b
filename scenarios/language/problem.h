// What is wrong with a scenario, and where: the author's mistakes, told all at once.
#ifndef FRESHET_SCENARIOS_LANGUAGE_PROBLEM_H_
#define FRESHET_SCENARIOS_LANGUAGE_PROBLEM_H_

#include <compare>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace freshet {

enum class ProblemSeverity {
  kError,    // Nothing is run.
  kWarning,  // Runs, and may be meant: overload is a legal study.
};

struct Problem {
  std::string file;  // As the author named it; "--set 1" for the first override.
  int line = 0;      // From 1; 0 where the file has no lines (an override).
  int column = 0;    // From 1.
  std::string text;  // "what is wrong; how to mend it".
  ProblemSeverity severity = ProblemSeverity::kError;

  friend bool operator==(const Problem&, const Problem&) = default;
};

// "file:line:col: problem; remedy", with "warning: " before the text of a warning.
std::string ToText(const Problem& problem);

// Sorts by file, line, column and text, and drops what was found twice.
void SortProblems(std::vector<Problem>* problems);

bool HasError(const std::vector<Problem>& problems);

// One line for each problem and a closing one: "2 problems, nothing was run", "1 warning", or both.
// Empty when there are none.
std::string Report(const std::vector<Problem>& problems);

// A point in one of the files of a scenario, by the index of the file in the list of the loader.
struct Place {
  int file = -1;
  int line = 0;
  int column = 0;
  friend auto operator<=>(const Place&, const Place&) = default;
};

// Collects problems while the checks run, and knows the names of the files.
class Findings {
 public:
  // Returns the index by which places name this file.
  int AddFile(absl::string_view name);
  const std::string& FileName(int file) const { return files_[file]; }
  const std::vector<std::string>& files() const { return files_; }

  void Error(Place place, absl::string_view text) { Add(place, text, ProblemSeverity::kError); }
  void Warning(Place place, absl::string_view text) { Add(place, text, ProblemSeverity::kWarning); }
  void Add(Place place, absl::string_view text, ProblemSeverity severity);

  const std::vector<Problem>& problems() const { return problems_; }
  std::vector<Problem>* mutable_problems() { return &problems_; }

 private:
  std::vector<std::string> files_;
  std::vector<Problem> problems_;
};

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_PROBLEM_H_
