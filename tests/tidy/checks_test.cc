// Each check against a small tree: silent when the tree is in order, loud for each planted
// violation.
#include "tests/tidy/checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace freshet::tidy {
namespace {

namespace fs = std::filesystem;

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class TidyCheckTest : public testing::Test {
 protected:
  TidyCheckTest() {
    const auto* const info = testing::UnitTest::GetInstance()->current_test_info();
    root_ = fs::path(testing::TempDir()) / ("freshet_tidy_" + std::string(info->name()));
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  ~TidyCheckTest() override { fs::remove_all(root_); }

  void Write(const std::string& file, const std::string& text) {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }
  // The findings for one file of sim with this one line.
  std::string BannedIn(const std::string& line) {
    Write("sim/planted.cc", line + "\n");
    return ToString(CheckBannedNames(root_).broken);
  }

  fs::path root_;
};

TEST_F(TidyCheckTest, ArrowsThatFollowTheTablePass) {
  Write("sim/a.h", "#include <vector>\n#include \"absl/types/span.h\"\n");
  Write("models/storage/b.cc", "#include \"models/storage/b.h\"\n#include \"sim/a.h\"\n");
  Write("results/c.cc", "#include <zstd.h>\n#include <unistd.h>\n#include \"results/c.pb.h\"\n");
  Write("scenarios/import/d.cc", "#include <yaml-cpp/yaml.h>\n#include \"models/b.h\"\n");
  Write("scenarios/language/e.proto", "import \"results/objective.proto\";\n");
  Write("models/CMakeLists.txt", "target_link_libraries(freshet_models PUBLIC freshet_sim)\n");
  const Report report = CheckArrows(root_);
  EXPECT_THAT(report.broken, IsEmpty()) << ToString(report.broken);
  EXPECT_EQ(report.things_read, 6);
}

TEST_F(TidyCheckTest, ArrowsAgainstTheTableFail) {
  Write("sim/a.h", "// why not\n#include \"models/b.h\"\n");
  Write("models/b.h", "#include \"results/record.pb.h\"\n");
  Write("results/c.h", "#include \"scenarios/language/load.h\"\n");
  Write("viz/d.h", "#include \"models/b.h\"\n");
  Write("results/e.proto", "import \"scenarios/language/scenario.proto\";\n");
  Write("results/CMakeLists.txt", "target_link_libraries(freshet_results freshet_scenarios)\n");
  const Report report = CheckArrows(root_);
  EXPECT_THAT(report.broken, SizeIs(6)) << ToString(report.broken);
  EXPECT_THAT(ToString(report.broken), HasSubstr("sim/a.h:2: an arrow from sim to models"));
}

TEST_F(TidyCheckTest, ThirdPartiesStayInTheirRooms) {
  Write("sim/a.h", "#include <google/protobuf/message.h>\n");
  Write("models/b.h", "#include <unistd.h>\n");
  Write("scenarios/study/c.cc", "#include <nlohmann/json.hpp>\n");
  Write("viz/core.cc", "#include <GLFW/glfw3.h>\n");
  Write("apps/main.cc", "#include <gtest/gtest.h>\n");
  Write("results/d.cc", "#include \"d.h\"\n");
  EXPECT_THAT(CheckArrows(root_).broken, SizeIs(6)) << ToString(CheckArrows(root_).broken);
}

TEST_F(TidyCheckTest, AReasonAllowsALineAndIsCounted) {
  Write("sim/a.cc",
        "#include \"models/b.h\"  // tidy: allowed, because this is a test\n"
        "// tidy: allowed, because the line below is one too\n"
        "#include \"models/c.h\"\n"
        "#include \"models/d.h\"  // tidy: allowed, because \n");
  const Report report = CheckArrows(root_);
  EXPECT_THAT(report.allowed, SizeIs(2));
  EXPECT_THAT(report.broken, SizeIs(1));
}

TEST_F(TidyCheckTest, CommentsAndLiteralsAreNotCode) {
  EXPECT_EQ(BannedIn("// like std::mt19937, but log(x) is ours\n"
                     "/* getenv(\n rand() */ const char* text = \"pow(2, 3) \\\" exp(1)\";\n"
                     "const char* raw = R\"(time(nullptr) \" sin(0))\"; int64_t n = 1'000;"),
            "");
}

TEST_F(TidyCheckTest, NamesOfOurOwnPass) {
  EXPECT_EQ(
      BannedIn("double Log(double x); auto y = Log(2.0) + samplers::log(3); queue.time();\n"
               "Time time; Duration sample = histogram.sample(); log->exp(2); int random = 3;\n"
               "std::vector<std::optional<Time>> times; void f(int); auto g = [](int) {};\n"
               "absl::btree_map<std::string, Node*> nodes; return sim::Round(x); throw;\n"
               "std::sqrt(x) + std::floor(y); std::stable_sort(a, b); Log log(config);"),
      "");
}

TEST_F(TidyCheckTest, EachBannedNameFails) {
  for (const char* line : {
           "std::mt19937_64 rng;",
           "std::random_device seed;",
           "std::exponential_distribution<double> gap(2);",
           "absl::BitGen gen;",
           "x = absl::Uniform(gen, 0, 1);",
           "std::shuffle(a, b, rng);",
           "int x = rand();",
           "x = std::log(y);",
           "x = log(y);",
           "return exp(-x);",
           "x = 2 * ::pow(y, 3);",
           "x = a * cos(b);",
           "n = std::llround(x);",
           "absl::flat_hash_map<int, int> m;",
           "std::unordered_set<int> s;",
           "size_t h = std::hash<std::string>()(name);",
           "size_t h = absl::Hash<int>()(1);",
           "std::sort(a.begin(), a.end());",
           "auto t = std::chrono::steady_clock::now();",
           "auto t = absl::Now();",
           "auto t = std::time(nullptr);",
           "const char* home = std::getenv(x);",
           "auto id = std::this_thread::get_id();",
           "auto key = reinterpret_cast<uintptr_t>(p);",
           "absl::btree_map<Node*, int> ranks;",
           "std::set<const Node*> seen;",
           "printf(x);",
           "double x = std::stod(text);",
           "std::ostringstream out;",
           "thread_local int depth;",
           "std::atomic<int> count;",
           "std::function<void()> done;",
           "n = (int64_t)x;",
           "n = 3 * (int)(x + 1);",
           "long double x;",
           "throw std::runtime_error(x);",
           "auto built = __DATE__;",
       }) {
    EXPECT_THAT(BannedIn(line), HasSubstr("sim/planted.cc:1: ")) << line;
  }
}

TEST_F(TidyCheckTest, OtherRoomsMayUseThem) {
  Write("results/a.cc", "std::ofstream out(std::getenv(\"HOME\")); double x = std::log(2.0);\n");
  EXPECT_THAT(CheckBannedNames(root_).broken, IsEmpty());
}

TEST_F(TidyCheckTest, DeadFilesAreFound) {
  Write("sim/CMakeLists.txt", "add_library(freshet_sim a.cc parts/b.cc)\n");
  Write("sim/a.cc", "#include \"sim/a.h\"\n");
  Write("sim/a.h", "");
  Write("sim/parts/b.cc", "");
  Write("tests/sim/CMakeLists.txt", "foreach(t a_test b_test)\n");
  Write("tests/sim/a_test.cc", "");
  Write("results/CMakeLists.txt", "protobuf_generate(PROTOS record.proto)\n");
  Write("results/record.proto", "import \"results/annotations.proto\";\n");
  Write("results/annotations.proto", "");
  Write("scenarios/library/headline.textproto", "");
  Write("tests/x/run.sh", "");
  Write("CONTRIBUTING.md", "run tests/x/run.sh\n");
  EXPECT_EQ(ToString(CheckDeadFiles(root_).broken), "");

  Write("sim/dead.cc", "#include \"sim/a.h\"\n");
  Write("sim/dead.h", "// sim/dead.h\n");
  Write("results/dead.proto", "");
  Write("scenarios/dead.textproto", "");
  Write("tests/dead.csv", "");
  Write("tests/dead.sh", "");
  EXPECT_THAT(CheckDeadFiles(root_).broken, SizeIs(6)) << ToString(CheckDeadFiles(root_).broken);
}

TEST_F(TidyCheckTest, BuildTreesAreNotTheProject) {
  Write("build/release/dead.cc", "");
  Write("out/CMakeCache.txt", "");
  Write("out/dead.cc", "");
  Write(".git/dead.sh", "");
  Write("sim/live.cc", "");
  EXPECT_THAT(ListFiles(root_), testing::ElementsAre("sim/live.cc"));
}

TEST_F(TidyCheckTest, LinksMustLeadSomewhere) {
  Write("README.md", "[concepts](docs/concepts.md#batch) [web](https://example.org) [sim](sim/)\n");
  Write("docs/concepts.md", "[up](../README.md)\n");
  Write("sim/README.md", "");
  EXPECT_EQ(ToString(CheckLinks(root_).broken), "");
  Write("docs/concepts.md", "[gone](gone.md)\n");
  Write("docs/lonely.md", "");
  EXPECT_THAT(CheckLinks(root_).broken, SizeIs(2)) << ToString(CheckLinks(root_).broken);
}

TEST_F(TidyCheckTest, ScriptsMustParse) {
  Write("good.sh", "#!/usr/bin/env bash\necho fine\n");
  fs::permissions(root_ / "good.sh", fs::perms::owner_all);
  EXPECT_EQ(ToString(CheckScripts(root_).broken), "");
  Write("bad.sh", "#!/usr/bin/env bash\nif true; then\n");
  fs::permissions(root_ / "bad.sh", fs::perms::owner_all);
  Write("plain.sh", "#!/usr/bin/env bash\n");
  EXPECT_THAT(CheckScripts(root_).broken, SizeIs(2));
}

TEST_F(TidyCheckTest, PathsOfOneMachineAreFound) {
  Write("tests/a.cc", "const char* data = \"/somewhere/else/a.csv\";\n");
  EXPECT_THAT(CheckPaths(root_, {"/somewhere/"}).broken, SizeIs(1));
  EXPECT_THAT(CheckPaths(root_, {"/nowhere/"}).broken, IsEmpty());
}

TEST_F(TidyCheckTest, InvariantsAreExplained) {
  Write("docs/determinism.md", "| `inv.I1` | no time travel |\n");
  Write("sim/a.cc", "SIM_CHECK(a, \"inv.I1\", \"\");  // \"inv.I99\"\n");
  EXPECT_EQ(ToString(CheckInvariants(root_).broken), "");
  Write("sim/b.cc", "SIM_CHECK(a, \"inv.I12\", \"\");\n");
  EXPECT_THAT(CheckInvariants(root_).broken, SizeIs(1));
}

TEST_F(TidyCheckTest, RoomsSayWhatTheyAre) {
  Write("sim/a.h", "");
  EXPECT_THAT(CheckRooms(root_).broken, SizeIs(1));
  Write("sim/README.md", "# sim\nThe engine.\n");
  EXPECT_THAT(CheckRooms(root_).broken, IsEmpty());
  Write("sim/README.md", std::string(40, '\n'));
  EXPECT_THAT(CheckRooms(root_).broken, SizeIs(1));
}

TEST(TidySymbolTest, LibmIsFound) {
  const Report report = CheckUndefinedSymbols(
      "sampler.cc.o:\n                 U sqrt\n                 U log@GLIBC_2.29\n"
      "                 U _ZN7freshet3LogEd\n                 U expf\n");
  EXPECT_EQ(ToString(report.broken),
            "sampler.cc.o: calls log (rule D5 or D9); use sim's own\n"
            "sampler.cc.o: calls expf (rule D5 or D9); use sim's own\n");
  EXPECT_EQ(report.things_read, 4);
}

TEST(TidySymbolTest, ACastOfADoubleIsFound) {
  const std::string text =
      "0000000000000000 <freshet::Duration::FromDouble(double)>:\n"
      "   4:\tf2 48 0f 2c c0       \tcvttsd2si %xmm0,%rax\n"
      "0000000000000010 <freshet::Mean(double)>:\n"
      "   4:\tf2 48 0f 2c c0       \tcvttsd2si %xmm0,%rax\n"
      "0000000000000020 <freshet::Other(long)>:\n"
      "   4:\tf2 48 0f 2a c7       \tcvtsi2sd %rdi,%xmm0\n";
  const Report report = CheckDoubleToInteger(text, {"freshet::Duration::FromDouble("});
  EXPECT_THAT(report.allowed, SizeIs(1));
  ASSERT_THAT(report.broken, SizeIs(1));
  EXPECT_EQ(report.broken[0].file, "freshet::Mean(double)");
}

TEST(TidySymbolTest, GlobalsAreFound) {
  const Report report = CheckGlobals(
      "a.cc.o:     file format elf64-x86-64\n\nSYMBOL TABLE:\n"
      "0000000000000000 l    d  .bss\t0000000000000000 .bss\n"
      "0000000000000000 l     O .bss\t0000000000000004 freshet::counter\n"
      "0000000000000000 l     O .rodata\t0000000000000020 freshet::kTable\n"
      "0000000000000000  w    O .data.rel.ro._ZTV1A\t0000000000000020 vtable for A\n"
      "0000000000000000 g     F .text\t0000000000000020 freshet::Run()\n");
  EXPECT_THAT(ToString(report.broken), HasSubstr("a.cc.o: freshet::counter is a global"));
  EXPECT_THAT(report.broken, SizeIs(1));
}

}  // namespace
}  // namespace freshet::tidy
