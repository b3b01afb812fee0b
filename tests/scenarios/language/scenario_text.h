// A small scenario that is right, for tests to break in one place, and its problems as lines.
#ifndef FRESHET_TESTS_SCENARIOS_LANGUAGE_SCENARIO_TEXT_H_
#define FRESHET_TESTS_SCENARIOS_LANGUAGE_SCENARIO_TEXT_H_

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "scenarios/language/load.h"

namespace freshet {

// Lines matter: tests name them.
inline std::string SmallScenario() {
  return
      R"(name: "small"
run_for: "10min"
topic { name: "orders" partitions: 6 replication_factor: 3 }
component { name: "shop" producers { clients: 2 topic: "orders" rate: "1k/s" event_size: "1KiB" } }
component { name: "audit" consumers { reads: "orders" members: 3 } }
component {
  name: "log"
  kafka {
    brokers: 3 vcpus: 4 memory: "32GiB" network_bandwidth: "200MiB/s"
    volume { kind: NVME bandwidth: "300MiB/s" write_latency { constant: "100us" } read_latency { constant: "80us" } }
  }
}
)";
}

// The small scenario with one text replaced by another, everywhere.
inline std::string Small(const std::string& from, const std::string& to) {
  return absl::StrReplaceAll(SmallScenario(), {{from, to}});
}

// Problems as "line:column: text", warnings with their mark.
inline std::vector<std::string> Lines(const LoadResult& result) {
  std::vector<std::string> lines;
  for (const Problem& problem : result.problems) {
    lines.push_back(absl::StrCat(
        problem.line > 0 ? "" : problem.file + ": ",
        problem.line > 0 ? absl::StrCat(problem.line, ":", problem.column, ": ") : "",
        problem.severity == ProblemSeverity::kWarning ? "warning: " : "", problem.text));
  }
  return lines;
}

inline std::vector<std::string> ProblemsOf(const std::string& text,
                                           const LoadOptions& options = {}) {
  return Lines(LoadText(text, "test.textproto", options));
}

}  // namespace freshet

#endif  // FRESHET_TESTS_SCENARIOS_LANGUAGE_SCENARIO_TEXT_H_
