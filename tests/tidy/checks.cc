#include "tests/tidy/checks.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <regex>
#include <set>
#include <string_view>

#include "tests/tidy/text.h"

namespace freshet::tidy {
namespace {

namespace fs = std::filesystem;

bool StartsWith(std::string_view text, std::string_view prefix) { return text.starts_with(prefix); }
bool EndsWith(std::string_view text, std::string_view suffix) { return text.ends_with(suffix); }

bool IsCpp(std::string_view file) { return EndsWith(file, ".cc") || EndsWith(file, ".h"); }

std::string BaseName(const std::string& file) { return fs::path(file).filename().string(); }

void Judge(Report& report, const std::vector<std::string>& raw_lines, const std::string& file,
           size_t index, std::string text) {
  auto& list = IsAllowed(raw_lines, index) ? report.allowed : report.broken;
  list.push_back({file, static_cast<int>(index) + 1, std::move(text)});
}

// --- The table of rooms (docs/decisions/0005-rooms.md, and the README). --------------------------

struct Room {
  std::vector<std::string> rooms;          // Whom it may include, besides itself.
  std::vector<std::string> third_parties;  // Prefixes of include paths.
};

const std::map<std::string, Room>& Rooms() {
  static const auto* const rooms = new std::map<std::string, Room>{
      {"sim", {{}, {"absl/"}}},
      {"models", {{"sim"}, {"absl/"}}},
      {"results", {{"sim"}, {"absl/", "google/protobuf/", "xxhash.h", "zstd.h"}}},
      {"scenarios", {{"models", "results", "sim"}, {"absl/", "google/protobuf/", "boost/"}}},
      {"viz",
       {{"results", "sim"}, {"absl/", "google/protobuf/", "imgui", "backends/imgui", "stb"}}},
      {"apps", {{"sim", "models", "results", "scenarios", "viz"}, {"absl/"}}},
      {"tests",
       {{"sim", "models", "results", "scenarios", "viz", "apps"},
        {"absl/", "google/protobuf/", "boost/", "xxhash.h", "zstd.h", "yaml-cpp/", "nlohmann/",
         "gtest/", "gmock/", "rapidcheck", "benchmark/", "imgui", "stb"}}},
  };
  return *rooms;
}

// Third parties that one corner of a room may use and the rest of it may not.
const std::vector<std::pair<std::string, std::string>>& Corners() {
  static const auto* const corners = new std::vector<std::pair<std::string, std::string>>{
      {"scenarios/import/", "yaml-cpp/"},
      {"scenarios/import/", "nlohmann/"},
      {"viz/host/", "GLFW/"},
      {"viz/host/", "GL/"},
      {"viz/host/", "imgui_impl"},
  };
  return *corners;
}

std::string RoomOf(const std::string& path) {
  const size_t slash = path.find('/');
  if (slash == std::string::npos) return "";
  const std::string first = path.substr(0, slash);
  return Rooms().contains(first) ? first : "";
}

bool MayUse(const std::string& from, const std::string& to) {
  if (from == to) return true;
  const auto& allowed = Rooms().at(from).rooms;
  return std::find(allowed.begin(), allowed.end(), to) != allowed.end();
}

std::string ArrowText(const std::string& from, const std::string& to) {
  std::string text = "an arrow from " + from + " to " + to + "; " + from + " may use ";
  const auto& allowed = Rooms().at(from).rooms;
  if (allowed.empty()) text += "no other room";
  for (size_t i = 0; i < allowed.size(); ++i) text += (i == 0 ? "" : ", ") + allowed[i];
  return text;
}

bool IsStandardHeader(const std::string& header) {
  return header.find_first_of("/.") == std::string::npos;
}

// Headers of the operating system: fine at the edges, not where results are made.
bool IsSystemHeader(const std::string& header) {
  static const auto* const known = new std::set<std::string>{
      "unistd.h", "fcntl.h", "signal.h", "poll.h",   "pthread.h", "dlfcn.h",  "errno.h",
      "spawn.h",  "sched.h", "malloc.h", "locale.h", "termios.h", "dirent.h", "stdlib.h"};
  return StartsWith(header, "sys/") || known->contains(header);
}

void CheckInclude(Report& report, const std::vector<std::string>& raw, const std::string& file,
                  size_t index, const std::string& header) {
  const std::string from = RoomOf(file);
  const std::string to = RoomOf(header);
  if (!to.empty()) {
    if (!MayUse(from, to)) Judge(report, raw, file, index, ArrowText(from, to));
    return;
  }
  if (IsStandardHeader(header)) return;
  if (IsSystemHeader(header)) {
    if (from == "sim" || from == "models") {
      Judge(report, raw, file, index,
            "<" + header + "> in " + from + "; results must not depend on the operating system");
    }
    return;
  }
  for (const auto& [corner, prefix] : Corners()) {
    if (StartsWith(header, prefix) && StartsWith(file, corner)) return;
  }
  for (const std::string& prefix : Rooms().at(from).third_parties) {
    if (StartsWith(header, prefix)) return;
  }
  Judge(report, raw, file, index,
        "\"" + header + "\" is not one of the third parties of " + from +
            "; write paths from the root of the tree, or see the table in tests/tidy/checks.cc");
}

// --- Names that break the same-bytes promise. ----------------------------------------------------

enum class Where {
  kAnywhere,  // Any component of a qualified name.
  kCall,      // A call of the global or std function: not a member, not another namespace's.
  kStd,       // Qualified with std::.
  kAbsl,      // Qualified with absl::.
};

struct Ban {
  Where where;
  std::string rule;
  std::string remedy;
};

const std::map<std::string, Ban>& Bans() {
  static const auto* const bans = [] {
    auto* map = new std::map<std::string, Ban>;
    const auto add = [&](Where where, const std::string& rule, const std::string& remedy,
                         std::initializer_list<const char*> names) {
      for (const char* name : names) (*map)[name] = {where, rule, remedy};
    };
    add(Where::kAnywhere, "D6", "draw from the component's own random stream",
        {"mt19937", "mt19937_64", "minstd_rand", "minstd_rand0", "ranlux24", "ranlux48", "knuth_b",
         "default_random_engine", "random_device", "random_shuffle", "generate_canonical", "BitGen",
         "InsecureBitGen", "SharedBitGen", "BitGenRef"});
    add(Where::kStd, "D6", "draw from the component's own random stream", {"shuffle", "sample"});
    add(Where::kCall, "D6", "draw from the component's own random stream",
        {"rand", "srand", "random", "drand48", "lrand48", "rand_r"});
    add(Where::kAbsl, "D6", "use the samplers of sim",
        {"Uniform", "Exponential", "Gaussian", "Poisson", "Zipf", "Bernoulli", "LogUniform",
         "Beta"});
    add(Where::kCall, "D5",
        "libm differs between processors and versions; use the functions of sim",
        {"log",   "log2",  "log10", "log1p", "exp",   "exp2",  "expm1", "pow",    "sin",
         "cos",   "tan",   "asin",  "acos",  "atan",  "atan2", "sinh",  "cosh",   "tanh",
         "asinh", "acosh", "atanh", "cbrt",  "hypot", "erf",   "erfc",  "tgamma", "lgamma",
         "fma",   "logf",  "expf",  "powf",  "logl",  "expl",  "powl"});
    add(Where::kCall, "D3",
        "a double becomes an integer in Duration::FromDouble() and the gateways"
        " of sim only",
        {"round", "lround", "llround", "rint", "lrint", "llrint", "nearbyint"});
    add(Where::kAnywhere, "D7",
        "its order differs from run to run; use absl::btree_map, or a vector with an index",
        {"unordered_map", "unordered_set", "unordered_multimap", "unordered_multiset",
         "flat_hash_map", "flat_hash_set", "node_hash_map", "node_hash_set"});
    add(Where::kAnywhere, "D7", "hashes differ from run to run; use sim/hash.h",
        {"HashOf", "AbslHashValue"});
    add(Where::kStd, "D7", "hashes differ between libraries; use sim/hash.h", {"hash"});
    add(Where::kAbsl, "D7", "hashes differ from run to run; use sim/hash.h", {"Hash"});
    add(Where::kStd, "D8",
        "equal keys come out in any order; use std::stable_sort, or say why keys"
        " are unique",
        {"sort", "nth_element", "partial_sort", "partial_sort_copy"});
    add(Where::kAnywhere, "D9", "simulated time is the only clock",
        {"system_clock", "steady_clock", "high_resolution_clock", "gettimeofday", "clock_gettime",
         "localtime", "localtime_r", "gmtime", "gmtime_r", "mktime", "strftime",
         "GetCurrentTimeNanos"});
    add(Where::kCall, "D9", "simulated time is the only clock", {"time", "clock"});
    add(Where::kAbsl, "D9", "simulated time is the only clock", {"Now", "LocalTimeZone"});
    add(Where::kAnywhere, "D9", "results must not depend on the environment or on addresses",
        {"getenv", "secure_getenv", "setlocale", "this_thread", "uintptr_t", "intptr_t", "__DATE__",
         "__TIME__", "getpid", "source_location"});
    add(Where::kAnywhere, "D11", "make text in results, with to_chars or absl::StrFormat",
        {"printf", "fprintf", "sprintf", "snprintf",      "vprintf",       "vsnprintf",
         "sscanf", "scanf",   "puts",    "stod",          "stof",          "stold",
         "strtod", "strtof",  "atof",    "ostringstream", "istringstream", "stringstream",
         "cout",   "cerr",    "clog",    "ifstream",      "ofstream",      "fstream",
         "fopen",  "iostream"});
    add(Where::kAnywhere, "D13", "a run is single-threaded; runs are parallel", {"thread_local"});
    add(Where::kStd, "D13", "a run is single-threaded; runs are parallel",
        {"thread", "jthread", "mutex", "atomic", "async", "condition_variable", "future"});
    add(Where::kAbsl, "D13", "a run is single-threaded; runs are parallel", {"Mutex"});
    add(Where::kStd, "speed", "it allocates; use the inline callable of sim", {"function"});
    return map;
  }();
  return *bans;
}

struct Name {
  std::vector<std::string> parts;  // std::chrono::x is {"std", "chrono", "x"}; ::x is {"", "x"}.
  size_t begin;
  size_t end;
};

// The qualified names of one line of blanked code.
std::vector<Name> NamesOf(std::string_view line) {
  std::vector<Name> names;
  size_t i = 0;
  while (i < line.size()) {
    const bool global = line.substr(i, 2) == "::";
    const bool word = IsWordCharacter(line[i]) && !(line[i] >= '0' && line[i] <= '9');
    if (!global && !word) {
      // A number: 0x1p-53, 1'000.
      if (IsWordCharacter(line[i])) {
        while (i < line.size() && (IsWordCharacter(line[i]) || line[i] == '\'')) ++i;
      } else {
        ++i;
      }
      continue;
    }
    Name name{{}, i, i};
    if (global) {
      name.parts.emplace_back();
      i += 2;
    }
    while (i < line.size() && IsWordCharacter(line[i])) {
      size_t end = i;
      while (end < line.size() && IsWordCharacter(line[end])) ++end;
      name.parts.emplace_back(line.substr(i, end - i));
      i = end;
      if (line.substr(i, 2) != "::") break;
      if (i + 2 >= line.size() || !IsWordCharacter(line[i + 2])) break;
      i += 2;
    }
    name.end = i;
    if (!name.parts.empty() && !name.parts.back().empty()) names.push_back(name);
    if (i == name.begin) ++i;
  }
  return names;
}

char NextVisible(std::string_view line, size_t at) {
  while (at < line.size() && line[at] == ' ') ++at;
  return at < line.size() ? line[at] : '\0';
}

// What stands before `at`, without spaces: enough to tell a member, a declaration, a call.
std::string_view Before(std::string_view line, size_t at) {
  while (at > 0 && line[at - 1] == ' ') --at;
  return line.substr(0, at);
}

bool IsCallOfTheFunction(std::string_view line, const Name& name) {
  if (NextVisible(line, name.end) != '(') return false;
  if (name.parts.size() == 2) return name.parts[0] == "std" || name.parts[0].empty();
  if (name.parts.size() > 2) return false;
  const std::string_view before = Before(line, name.begin);
  if (EndsWith(before, ".") || EndsWith(before, "->")) return false;
  if (EndsWith(before, "*") || EndsWith(before, "&") || EndsWith(before, ">")) {
    // "a * log(b)" is a call, "T* log(" a declaration: clang-format sets the space apart.
    return before.size() > 1 && before[before.size() - 2] == ' ';
  }
  if (!before.empty() && IsWordCharacter(before.back())) {
    // After a word it is a declaration, unless the word is a statement's.
    for (const char* word : {"return", "else", "case", "co_return", "do"}) {
      if (EndsWith(before, word)) return true;
    }
    return false;
  }
  return true;
}

void CheckNames(Report& report, const std::vector<std::string>& raw, const std::string& file,
                size_t index, std::string_view line) {
  for (const Name& name : NamesOf(line)) {
    for (size_t part = 0; part < name.parts.size(); ++part) {
      const std::string& word = name.parts[part];
      const bool is_last = part + 1 == name.parts.size();
      if (EndsWith(word, "_distribution") && name.parts[0] == "std") {
        Judge(report, raw, file, index, word + " (rule D6); use the samplers of sim");
        continue;
      }
      const auto found = Bans().find(word);
      if (found == Bans().end()) continue;
      bool hit = false;
      switch (found->second.where) {
        case Where::kAnywhere:
          hit = true;
          break;
        case Where::kCall:
          hit = is_last && IsCallOfTheFunction(line, name);
          break;
        case Where::kStd:
          hit = part == 1 && name.parts[0] == "std";
          break;
        case Where::kAbsl:
          hit = part == 1 && name.parts[0] == "absl";
          break;
      }
      if (hit) {
        Judge(report, raw, file, index,
              word + " (rule " + found->second.rule + "); " + found->second.remedy);
      }
    }
  }
}

void CheckPatterns(Report& report, const std::vector<std::string>& raw, const std::string& file,
                   size_t index, const std::string& line) {
  // A C cast: "(int64_t)x" after something that is not a name, a template or a closing bracket.
  static const auto* const cast = new std::regex(
      R"((^|[^\w>\)\]])\((u?int(8|16|32|64)?_t|int|long|unsigned|size_t|double|float)\) ?[\w\(-])");
  if (std::regex_search(line, *cast)) {
    Judge(report, raw, file, index, "a C cast (rule D3); use static_cast, or a gateway of sim");
  }
  static const auto* const pointer_key = new std::regex(
      R"(\b(map|set|multimap|multiset|btree_map|btree_set|btree_multimap)<[^<>,]*\*\s*(,|>))");
  if (std::regex_search(line, *pointer_key)) {
    Judge(report, raw, file, index, "a pointer as a key (rule D9); key by index or name");
  }
  if (line.find("long double") != std::string::npos) {
    Judge(report, raw, file, index, "long double (rule D4); 80 bits here, 64 or 128 elsewhere");
  }
  static const auto* const raises = new std::regex(R"(\bthrow\b\s*[^;\s])");
  // A check throws, Simulation::Run() adds the time and the place.
  const bool may_throw = file == "sim/check.cc" || file == "sim/simulation.cc";
  if (!may_throw && std::regex_search(line, *raises)) {
    Judge(report, raw, file, index, "throw; SIM_CHECK and SIM_REQUIRE are the only exceptions");
  }
}

// --- Who uses a file. ----------------------------------------------------------------------------

bool IsText(const std::string& file) {
  static const auto* const endings =
      new std::vector<std::string>{".cc", ".h",   ".proto", ".textproto", ".txt", ".cmake", ".sh",
                                   ".md", ".yml", ".yaml",  ".json",      ".in",  ".tidy"};
  if (file == ".ci/run" || file == "Dockerfile") return true;
  return std::any_of(endings->begin(), endings->end(),
                     [&](const std::string& ending) { return EndsWith(file, ending); });
}

// Folders whose files are picked up by a pattern, and by what.
bool IsPickedUp(const std::string& file) {
  static const auto* const patterns = new std::vector<std::regex>{
      std::regex(R"(scenarios/library/.*\.textproto)"),  // Named by the user; goldens run them all.
      std::regex(R"(results/(golden|published)/.*)"),    // Read by folder.
      std::regex(R"(tests/oracle/data/.*)"),             // Read by folder.
      std::regex(R"(tests/([a-z_]+/)*(corpus|testdata|data)/.*)"),
  };
  return std::any_of(patterns->begin(), patterns->end(),
                     [&](const std::regex& pattern) { return std::regex_match(file, pattern); });
}

// A CMakeLists.txt (here or further up) or a .cmake names the file, by path or by stem.
bool IsNamedByCMake(const std::map<std::string, std::string>& cmake_texts,
                    const std::string& file) {
  fs::path folder = fs::path(file).parent_path();
  while (true) {
    const std::string list = (folder / "CMakeLists.txt").generic_string();
    const auto found = cmake_texts.find(list);
    if (found != cmake_texts.end()) {
      const fs::path relative = fs::path(file).lexically_relative(folder.empty() ? "." : folder);
      const std::string path = folder.empty() ? file : relative.generic_string();
      const std::string stem = fs::path(path).replace_extension().generic_string();
      if (ContainsWord(found->second, path) || ContainsWord(found->second, stem)) return true;
    }
    if (folder.empty()) break;
    folder = folder.parent_path();
  }
  return std::any_of(cmake_texts.begin(), cmake_texts.end(), [&](const auto& entry) {
    return EndsWith(entry.first, ".cmake") && ContainsWord(entry.second, file);
  });
}

std::vector<std::string> Matches(const std::string& text, const std::regex& pattern) {
  std::vector<std::string> found;
  for (std::sregex_iterator it(text.begin(), text.end(), pattern), end; it != end; ++it) {
    found.push_back((*it)[1].str());
  }
  return found;
}

}  // namespace

std::string ToString(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    text += finding.file;
    if (finding.line > 0) text += ":" + std::to_string(finding.line);
    text += ": " + finding.text + "\n";
  }
  return text;
}

std::vector<std::string> ListFiles(const fs::path& root) {
  std::vector<std::string> files;
  for (auto it = fs::recursive_directory_iterator(root); it != fs::recursive_directory_iterator();
       ++it) {
    const std::string name = it->path().filename().string();
    if (it->is_directory()) {
      const bool is_top = it.depth() == 0;
      const bool is_build =
          (is_top && StartsWith(name, "build")) || fs::exists(it->path() / "CMakeCache.txt");
      const bool is_hidden = StartsWith(name, ".") && name != ".ci" && name != ".github";
      if (is_build || is_hidden) it.disable_recursion_pending();
      continue;
    }
    if (!it->is_regular_file() || EndsWith(name, "~") || EndsWith(name, ".swp") ||
        EndsWith(name, ".partial") || EndsWith(name, ".orig")) {
      continue;
    }
    files.push_back(it->path().lexically_relative(root).generic_string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

Report CheckArrows(const fs::path& root) {
  static const auto* const include = new std::regex(R"(^\s*#\s*include\s*["<]([^">]+)[">])");
  static const auto* const import = new std::regex(R"(^\s*import\s+(?:public\s+)?"([^"]+)\")");
  static const auto* const library = new std::regex(R"(\bfreshet_([a-z]+))");
  Report report;
  for (const std::string& file : ListFiles(root)) {
    const std::string from = RoomOf(file);
    const bool is_cmake = BaseName(file) == "CMakeLists.txt";
    if (from.empty() || !(IsCpp(file) || EndsWith(file, ".proto") || is_cmake)) continue;
    ++report.things_read;
    const std::string source = ReadFile(root / file);
    const std::vector<std::string> raw = SplitLines(source);
    if (is_cmake) {
      for (size_t i = 0; i < raw.size(); ++i) {
        const std::string code = raw[i].substr(0, raw[i].find('#'));
        for (const std::string& to : Matches(code, *library)) {
          if (Rooms().contains(to) && !MayUse(from, to)) {
            Judge(report, raw, file, i, ArrowText(from, to));
          }
        }
      }
      continue;
    }
    const std::vector<std::string> lines = SplitLines(StripComments(source, Literals::kKeep));
    for (size_t i = 0; i < lines.size(); ++i) {
      std::smatch match;
      if (std::regex_search(lines[i], match, IsCpp(file) ? *include : *import)) {
        CheckInclude(report, raw, file, i, match[1].str());
      }
    }
  }
  return report;
}

Report CheckBannedNames(const fs::path& root) {
  Report report;
  for (const std::string& file : ListFiles(root)) {
    const std::string room = RoomOf(file);
    if (!IsCpp(file) || (room != "sim" && room != "models")) continue;
    ++report.things_read;
    const std::string source = ReadFile(root / file);
    const std::vector<std::string> raw = SplitLines(source);
    const std::vector<std::string> lines = SplitLines(StripComments(source, Literals::kBlank));
    for (size_t i = 0; i < lines.size(); ++i) {
      CheckNames(report, raw, file, i, lines[i]);
      CheckPatterns(report, raw, file, i, lines[i]);
    }
  }
  return report;
}

Report CheckDeadFiles(const fs::path& root) {
  const std::vector<std::string> files = ListFiles(root);
  std::map<std::string, std::string> texts, cmake_texts;
  std::set<std::string> included;
  static const auto* const include =
      new std::regex(R"re((?:#\s*include|import(?:\s+public)?)\s*["<]([^">]+)[">])re");
  for (const std::string& file : files) {
    if (!IsText(file)) continue;
    const std::string text = ReadFile(root / file);
    if (BaseName(file) == "CMakeLists.txt" || EndsWith(file, ".cmake")) cmake_texts[file] = text;
    if (IsCpp(file) || EndsWith(file, ".proto")) {
      for (const std::string& path : Matches(StripComments(text, Literals::kKeep), *include)) {
        included.insert(path);
      }
    }
    texts[file] = text;
  }

  Report report;
  for (const std::string& file : files) {
    const std::string extension = fs::path(file).extension().string();
    const bool is_judged = extension == ".cc" || extension == ".h" || extension == ".proto" ||
                           extension == ".textproto" || extension == ".csv" || extension == ".sh" ||
                           extension == ".cmake" || extension == ".yaml" || extension == ".json" ||
                           extension == ".txt";
    const std::string name = BaseName(file);
    if (!is_judged || name == "CMakeLists.txt" || name == "CMakePresets.json") continue;
    ++report.things_read;
    if (IsPickedUp(file)) continue;
    bool used;
    if (extension == ".cc") {
      used = IsNamedByCMake(cmake_texts, file);
    } else if (extension == ".h") {
      used = included.contains(file);
    } else if (extension == ".proto") {
      used = included.contains(file) || IsNamedByCMake(cmake_texts, file);
    } else {
      used = std::any_of(texts.begin(), texts.end(), [&](const auto& entry) {
        return entry.first != file && ContainsWord(entry.second, name);
      });
    }
    if (!used) {
      report.broken.push_back(
          {file, 0, "nothing uses this file; name it in a CMakeLists.txt or a test, or delete it"});
    }
  }
  return report;
}

Report CheckLinks(const fs::path& root) {
  static const auto* const link = new std::regex(R"(\]\(([^)\s]+)\))");
  Report report;
  std::set<std::string> linked = {"README.md"};
  std::vector<std::string> pages;
  for (const std::string& file : ListFiles(root)) {
    if (!EndsWith(file, ".md")) continue;
    ++report.things_read;
    pages.push_back(file);
    const std::vector<std::string> lines = SplitLines(ReadFile(root / file));
    bool in_code = false;
    for (size_t i = 0; i < lines.size(); ++i) {
      if (StartsWith(lines[i], "```")) in_code = !in_code;
      if (in_code) continue;
      for (std::string target : Matches(lines[i], *link)) {
        if (target.find("://") != std::string::npos || StartsWith(target, "mailto:")) continue;
        target = target.substr(0, target.find('#'));
        if (target.empty()) continue;
        const fs::path path = (fs::path(file).parent_path() / target).lexically_normal();
        const std::string to = path.generic_string();
        if (StartsWith(to, "..") || !fs::exists(root / path)) {
          Judge(report, lines, file, i, "the link to " + target + " leads nowhere");
        } else if (fs::is_directory(root / path)) {
          linked.insert((path / "README.md").lexically_normal().generic_string());
          // A link to a folder is a link to the pages in it.
          for (const auto& entry : fs::directory_iterator(root / path)) {
            linked.insert((path / entry.path().filename()).lexically_normal().generic_string());
          }
        } else {
          linked.insert(to);
        }
      }
    }
  }
  for (const std::string& page : pages) {
    if (linked.contains(page) || IsPickedUp(page)) continue;
    report.broken.push_back({page, 0, "no page links to this one"});
  }
  return report;
}

Report CheckScripts(const fs::path& root) {
  Report report;
  for (const std::string& file : ListFiles(root)) {
    const std::string text = ReadFile(root / file);
    if (!EndsWith(file, ".sh") && !StartsWith(text, "#!/usr/bin/env bash")) continue;
    ++report.things_read;
    const std::string command = "bash -n '" + (root / file).string() + "'";
    if (std::system(command.c_str()) != 0) {
      report.broken.push_back({file, 0, "bash -n rejects it"});
    }
    if (!StartsWith(text, "#!/usr/bin/env bash\n")) {
      report.broken.push_back({file, 1, "the first line must be #!/usr/bin/env bash"});
    }
    const auto permissions = fs::status(root / file).permissions();
    if ((permissions & fs::perms::owner_exec) == fs::perms::none) {
      report.broken.push_back({file, 0, "not executable; chmod +x"});
    }
  }
  return report;
}

Report CheckPaths(const fs::path& root, const std::vector<std::string>& forbidden_texts) {
  Report report;
  for (const std::string& file : ListFiles(root)) {
    if (!IsText(file) && fs::path(file).has_extension()) continue;
    ++report.things_read;
    const std::vector<std::string> lines = SplitLines(ReadFile(root / file));
    for (size_t i = 0; i < lines.size(); ++i) {
      for (const std::string& text : forbidden_texts) {
        if (lines[i].find(text) != std::string::npos) {
          Judge(report, lines, file, i,
                "\"" + text + "\" is a place on one machine; paths start at the root of the tree");
        }
      }
    }
  }
  return report;
}

Report CheckInvariants(const fs::path& root) {
  static const auto* const id = new std::regex(R"re("(inv\.[A-Za-z0-9_]+)")re");
  const std::string page = ReadFile(root / "docs/determinism.md");
  Report report;
  for (const std::string& file : ListFiles(root)) {
    if (!IsCpp(file) || RoomOf(file) == "tests") continue;
    const std::vector<std::string> lines =
        SplitLines(StripComments(ReadFile(root / file), Literals::kKeep));
    for (size_t i = 0; i < lines.size(); ++i) {
      for (const std::string& name : Matches(lines[i], *id)) {
        ++report.things_read;
        if (!ContainsWord(page, name)) {
          Judge(report, lines, file, i, name + " is not explained in docs/determinism.md");
        }
      }
    }
  }
  return report;
}

Report CheckRooms(const fs::path& root) {
  Report report;
  for (const auto& [room, unused] : Rooms()) {
    if (!fs::is_directory(root / room)) continue;
    ++report.things_read;
    const std::string file = room + "/README.md";
    if (!fs::exists(root / file)) {
      report.broken.push_back({file, 0, "a room says in ten lines what it is"});
      continue;
    }
    const size_t lines = SplitLines(ReadFile(root / file)).size();
    if (lines > 25) {
      report.broken.push_back(
          {file, 0,
           std::to_string(lines) + " lines; a room says in about ten what it is, docs/ has more"});
    }
  }
  return report;
}

Report CheckUndefinedSymbols(const std::string& nm_output) {
  static const auto* const libm = [] {
    auto* names = new std::set<std::string>;
    for (const char* name :
         {"log",    "log2",   "log10", "log1p",    "exp",   "exp2", "exp10", "expm1", "pow",
          "sin",    "cos",    "tan",   "sincos",   "asin",  "acos", "atan",  "atan2", "sinh",
          "cosh",   "tanh",   "asinh", "acosh",    "atanh", "cbrt", "hypot", "erf",   "erfc",
          "tgamma", "lgamma", "gamma", "lgamma_r", "fma",   "j0",   "j1",    "y0",    "y1"}) {
      for (const char* suffix : {"", "f", "l", "f128"}) names->insert(std::string(name) + suffix);
      names->insert("__" + std::string(name) + "_finite");
    }
    for (const char* name : {"rand", "srand", "random", "drand48", "time", "clock", "getenv",
                             "gettimeofday", "clock_gettime", "strtod", "setlocale"}) {
      names->insert(name);
    }
    return names;
  }();
  Report report;
  std::string object = "?";
  for (const std::string& line : SplitLines(nm_output)) {
    if (EndsWith(line, ":")) {
      object = line.substr(0, line.size() - 1);
      continue;
    }
    const size_t space = line.rfind(' ');
    if (line.find(" U ") == std::string::npos || space == std::string::npos) continue;
    ++report.things_read;
    const std::string symbol = line.substr(space + 1);
    const std::string name = symbol.substr(0, symbol.find('@'));
    if (libm->contains(name)) {
      report.broken.push_back({object, 0, "calls " + name + " (rule D5 or D9); use sim's own"});
    }
  }
  return report;
}

Report CheckDoubleToInteger(const std::string& objdump_output,
                            const std::vector<std::string>& allowed_functions) {
  static const auto* const header = new std::regex(R"(^[0-9a-f]+ <(.*)>:$)");
  static const auto* const conversion = new std::regex(
      R"(\b(v?cvtt?s[sd]2u?si[lq]?|v?cvtt?p[sd]2u?(dq|qq)[xy]?|fcvt[zanmp][su]|fistt?p(l|ll)?)\b)");
  Report report;
  std::string function;
  std::set<std::string> seen;
  for (const std::string& line : SplitLines(objdump_output)) {
    if (line.empty()) continue;
    std::smatch match;
    if (EndsWith(line, ">:")) {
      if (std::regex_match(line, match, *header)) {
        function = match[1].str();
        ++report.things_read;
      }
      continue;
    }
    if (line.find("cvt") == std::string::npos && line.find("fist") == std::string::npos) continue;
    if (!std::regex_search(line, match, *conversion) || !seen.insert(function).second) continue;
    const Finding finding{function, 0,
                          "turns a double into an integer with " + match[1].str() +
                              " (rule D3); go through a gateway of sim"};
    const bool allowed =
        std::any_of(allowed_functions.begin(), allowed_functions.end(),
                    [&](const std::string& name) { return StartsWith(function, name); });
    (allowed ? report.allowed : report.broken).push_back(finding);
  }
  return report;
}

Report CheckGlobals(const std::string& objdump_output) {
  // "0000 l     O .bss  0004 name": address, flags, section, size, name.
  static const auto* const entry =
      new std::regex(R"(^[0-9a-f]+ .{7}\s*(\S+)\s+([0-9a-f]+)\s+(.*)$)");
  Report report;
  std::string object = "?";
  for (const std::string& line : SplitLines(objdump_output)) {
    const size_t format = line.find(":     file format");
    if (format != std::string::npos) {
      object = line.substr(0, format);
      continue;
    }
    std::smatch match;
    if (!std::regex_match(line, match, *entry)) continue;
    ++report.things_read;
    const std::string section = match[1].str();
    const bool is_mutable =
        (StartsWith(section, ".data") && !StartsWith(section, ".data.rel.ro")) ||
        StartsWith(section, ".bss") || StartsWith(section, ".tbss") ||
        StartsWith(section, ".tdata");
    std::string name = match[3].str();
    if (StartsWith(name, ".hidden ")) name = name.substr(8);
    if (!is_mutable || name == section) continue;
    // The compiler's for exceptions, and <iostream>'s, which Abseil's btree_map.h includes.
    if (StartsWith(name, "DW.ref.") || name == "std::__ioinit") continue;
    report.broken.push_back({object, 0,
                             name + " is a global; a Simulation is a value, and two live"
                                    " in one process"});
  }
  return report;
}

}  // namespace freshet::tidy
