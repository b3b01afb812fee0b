// The verbs of `freshet`. Each parses nothing itself: flags are set, operands given; it returns the
// exit code (DESIGN: 0 met, 1 missed, 2 author, 3 world, 4 ours, 128+n signal).
#ifndef FRESHET_APPS_VERBS_H_
#define FRESHET_APPS_VERBS_H_

#include <atomic>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace freshet {

inline constexpr int kExitAuthor = 2;
inline constexpr int kExitWorld = 3;
inline constexpr int kExitOurs = 4;

int CompareVerb(const std::vector<std::string>& operands);
int RunVerb(const std::vector<std::string>& operands);
int ValidateVerb(const std::vector<std::string>& operands);
int ExplainVerb(const std::vector<std::string>& operands);
int ListVerb(const std::vector<std::string>& operands);
int ReportVerb(const std::vector<std::string>& operands);
int ImportVerb(const std::vector<std::string>& operands);

// Set by SIGINT and SIGTERM: the number of the signal, 0 before.
extern std::atomic<int> caught_signal;
extern std::atomic<bool> interrupted;

// Prints `status` on stderr and returns 2 for the author's errors, 3 for the world's.
int Complain(const absl::Status& status);
// Writes to stdout, checked: a full disk or a closed pipe behind it is exit code 3.
int Print(const std::string& text, int exit_code);
// The scenario library beside the sources, or beside the program where a package put both; empty
// without one.
std::string LibraryDirectory();
// Whether colour may be used on stdout: a terminal, NO_COLOR unset, TERM not dumb.
bool ColourWanted();

}  // namespace freshet

#endif  // FRESHET_APPS_VERBS_H_
