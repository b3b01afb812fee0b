// Rules of the tree that no compiler knows, as functions over a root directory, so that each can be
// tried on a small tree with a planted violation (checks_test.cc) before it judges the real one
// (tree_test.cc).
//
// A line that must break a rule says so on itself or on the line above:
//   // tidy: allowed, because <reason>
// Such lines are counted and printed, not forgotten.
#ifndef FRESHET_TESTS_TIDY_CHECKS_H_
#define FRESHET_TESTS_TIDY_CHECKS_H_

#include <filesystem>
#include <string>
#include <vector>

namespace freshet::tidy {

struct Finding {
  std::string file;  // Relative to the root.
  int line;          // 0: the whole file.
  std::string text;  // "problem; remedy".
};

struct Report {
  std::vector<Finding> broken;
  std::vector<Finding> allowed;  // By a comment that gives a reason.
  int things_read = 0;           // Files or symbols: a check that read nothing proved nothing.
};

// "file:line: text", one a line.
std::string ToString(const std::vector<Finding>& findings);

// Every file of the project below `root`, relative to it and sorted. Leaves out .git, build trees
// (a directory build* at the top, or one with a CMakeCache.txt) and editor droppings.
std::vector<std::string> ListFiles(const std::filesystem::path& root);

// Every #include, every import of a .proto and every freshet_<room> library in a room's
// CMakeLists.txt follows the table of rooms; so do third parties.
Report CheckArrows(const std::filesystem::path& root);

// What sim and models must not name: rules D3 and D5 to D11 and D13 of docs/determinism.md.
Report CheckBannedNames(const std::filesystem::path& root);

// Every source, schema, script and data file is named by something that uses it, or lies where a
// pattern picks it up.
Report CheckDeadFiles(const std::filesystem::path& root);

// Links between the project's pages lead to files that exist, and every page is linked from one.
Report CheckLinks(const std::filesystem::path& root);

// Every shell script is one to bash.
Report CheckScripts(const std::filesystem::path& root);

// No text names a path of the machine it was written on, nor a place outside the checkout.
Report CheckPaths(const std::filesystem::path& root,
                  const std::vector<std::string>& forbidden_texts);

// Every invariant that code names ("inv.I8") is explained in docs/determinism.md.
Report CheckInvariants(const std::filesystem::path& root);

// Every room has a README of about ten lines.
Report CheckRooms(const std::filesystem::path& root);

// `nm -u` of the libraries of sim and models: no libm beyond what rounds exactly (rule D5).
Report CheckUndefinedSymbols(const std::string& nm_output);

// `objdump -d -C` of the same: a double becomes an integer in the gateways of `allowed_functions`
// only (rule D3). Knows x86-64 and aarch64.
Report CheckDoubleToInteger(const std::string& objdump_output,
                            const std::vector<std::string>& allowed_functions);

// `objdump -t -C` of the same: no object in .data, .bss or thread storage, since a Simulation is a
// value and two must be able to live in one process.
Report CheckGlobals(const std::string& objdump_output);

}  // namespace freshet::tidy

#endif  // FRESHET_TESTS_TIDY_CHECKS_H_
