// The checks against the real tree, and against the libraries and the program built from it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "tests/tidy/checks.h"
#include "tests/tidy/text.h"

namespace freshet::tidy {
namespace {

namespace fs = std::filesystem;

const char kSource[] = FRESHET_SOURCE_DIR;
const char kBinary[] = FRESHET_BINARY_DIR;

// A double becomes an integer here and nowhere else (rule D3). Each of these checks its range.
const std::vector<std::string>& Gateways() {
  static const auto* const gateways = new std::vector<std::string>{
      "freshet::Duration::FromDouble(",
      "freshet::RoundToInt64(double)",
      "freshet::FloorToInt64(double)",
      // RoundToInt64() for values it has found to be positive and in range, on the path of every
      // draw.
      "freshet::Sampler::Draw(freshet::RandomStream&) const",
      // Has FloorToInt64() inlined.
      "freshet::Pow(double, double)",
  };
  return *gateways;
}

void Expect(const Report& report) {
  EXPECT_GT(report.things_read, 0) << "the check read nothing";
  EXPECT_TRUE(report.broken.empty()) << report.broken.size() << " found:\n"
                                     << ToString(report.broken);
  if (!report.allowed.empty()) {
    std::cout << report.allowed.size() << " allowed, with a reason:\n" << ToString(report.allowed);
  }
}

std::string OutputOf(const std::string& command) {
  std::string text;
  FILE* const pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return text;
  std::array<char, 1 << 16> buffer;
  size_t count;
  while ((count = fread(buffer.data(), 1, buffer.size(), pipe)) > 0) {
    text.append(buffer.data(), count);
  }
  EXPECT_EQ(pclose(pipe), 0) << command;
  return text;
}

// The libraries of sim and models, quoted for a shell.
std::string Libraries() {
  std::string quoted;
  for (const char* room : {"sim", "models"}) {
    const fs::path folder = fs::path(kBinary) / room;
    if (!fs::exists(folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (entry.path().extension() == ".a") quoted += " '" + entry.path().string() + "'";
    }
  }
  return quoted;
}

// binutils comes with the compiler; without it the leg is missing, visibly.
#define REQUIRE_TOOL(name)                                                        \
  if (std::system("command -v " name " >/dev/null 2>&1") != 0) {                  \
    if (std::getenv("FRESHET_REQUIRE_ALL_LEGS") != nullptr) FAIL() << "no " name; \
    GTEST_SKIP() << "no " name " here";                                           \
  }

TEST(TidyTreeTest, ArrowsFollowTheTableOfRooms) { Expect(CheckArrows(kSource)); }

TEST(TidyTreeTest, SimAndModelsNameNothingBanned) { Expect(CheckBannedNames(kSource)); }

TEST(TidyTreeTest, NoFileIsDead) { Expect(CheckDeadFiles(kSource)); }

TEST(TidyTreeTest, LinksLeadSomewhere) { Expect(CheckLinks(kSource)); }

TEST(TidyTreeTest, EveryPageOfAModelIsListed) {
  const fs::path pages = fs::path(kSource) / "docs/models";
  const std::string list = ReadFile(pages / "README.md");
  int listed = 0;
  for (const auto& page : fs::directory_iterator(pages)) {
    const std::string name = page.path().filename().string();
    if (name == "README.md") continue;
    EXPECT_NE(list.find("](" + name + ")"), std::string::npos) << "docs/models/README.md: " << name;
    ++listed;
  }
  EXPECT_GT(listed, 20);
}

TEST(TidyTreeTest, ScriptsParse) { Expect(CheckScripts(kSource)); }

TEST(TidyTreeTest, InvariantsAreExplained) { Expect(CheckInvariants(kSource)); }

TEST(TidyTreeTest, RoomsSayWhatTheyAre) { Expect(CheckRooms(kSource)); }

TEST(TidyTreeTest, NoPathOfOneMachine) {
  // Put together here, so that this file does not name them.
  const std::string slash = "/";
  std::vector<std::string> forbidden = {slash + "home" + slash, slash + "root" + slash,
                                        ".." + slash + "shared"};
  // A path of one component, as in a container, is too common a word.
  if (std::string(kSource).find('/', 1) != std::string::npos) forbidden.push_back(kSource + slash);
  Expect(CheckPaths(kSource, forbidden));
}

TEST(TidyLibrariesTest, NoLibmInSimAndModels) {
  REQUIRE_TOOL("nm");
  const std::string libraries = Libraries();
  if (libraries.empty()) GTEST_SKIP() << "no library of sim or models is built";
  Expect(CheckUndefinedSymbols(OutputOf("nm -u" + libraries)));
}

TEST(TidyLibrariesTest, DoublesBecomeIntegersInTheGatewaysOnly) {
  REQUIRE_TOOL("objdump");
  const std::string libraries = Libraries();
  if (libraries.empty()) GTEST_SKIP() << "no library of sim or models is built";
  Expect(CheckDoubleToInteger(OutputOf("objdump -d -C" + libraries), Gateways()));
}

TEST(TidyLibrariesTest, NoGlobalsInSimAndModels) {
  REQUIRE_TOOL("objdump");
  const std::string libraries = Libraries();
  if (libraries.empty()) GTEST_SKIP() << "no library of sim or models is built";
  Expect(CheckGlobals(OutputOf("objdump -t -C" + libraries)));
}

TEST(TidyLibrariesTest, TheProgramNamesNoPathOfTheBuild) {
  REQUIRE_TOOL("strings");
  const fs::path program = fs::path(kBinary) / "bin" / "freshet";
  if (!fs::exists(program)) GTEST_SKIP() << "the program is not built";
  const std::string quoted = "'" + program.string() + "'";
  // Without the run path, which an installed program does not have.
  const std::string text = OutputOf("strings " + quoted);
  for (const std::string& path : {std::string(kSource) + "/", std::string(kBinary) + "/"}) {
    for (size_t found = text.find(path); found != std::string::npos;
         found = text.find(path, found + 1)) {
      // "/usr/share/freshet/" is not the path of a source tree in "/freshet/".
      const bool inside_another =
          found > 0 && (std::isalnum(static_cast<unsigned char>(text[found - 1])) != 0);
      EXPECT_TRUE(inside_another) << text.substr(found, 120);
    }
  }
}

}  // namespace
}  // namespace freshet::tidy
