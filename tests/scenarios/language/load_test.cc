// Files: what may stand under a name, and what an include may reach.
#include "scenarios/language/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "scenarios/language/include.h"
#include "scenarios/language/read_file.h"
#include "tests/scenarios/language/scenario_text.h"

namespace freshet {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class LoadTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(::testing::TempDir()) /
            absl::StrCat("freshet_load_", getpid(), "_",
                         ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(root_);
    fs::create_directories(root_ / "in" / "sub");
  }
  void TearDown() override { fs::remove_all(root_); }

  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(root_ / name, std::ios::binary) << text;
    return (root_ / name).string();
  }

  // Problems as "file name:line:column: text".
  std::vector<std::string> Told(const std::string& path, const LoadOptions& options = {}) {
    const absl::StatusOr<LoadResult> result = Load(path, options);
    if (!result.ok()) return {std::string(result.status().ToString())};
    std::vector<std::string> lines;
    for (Problem problem : result->problems) {
      problem.file = fs::path(problem.file).filename();
      lines.push_back(ToText(problem));
    }
    return lines;
  }

  fs::path root_;
};

TEST_F(LoadTest, AFileIsLoaded) {
  EXPECT_THAT(Told(Write("in/a.textproto", SmallScenario())), IsEmpty());
}

TEST_F(LoadTest, WhatIsNoRegularFileIsTheAuthorsMistake) {
  EXPECT_THAT(Told((root_ / "in").string()), ElementsAre(HasSubstr("this is a directory")));
  const std::string fifo = (root_ / "fifo").string();
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_THAT(Told(fifo), ElementsAre("fifo:1:1: this is not a regular file; name a file of text"));
  EXPECT_THAT(Told("/dev/zero"), ElementsAre(HasSubstr("this is not a regular file")));
  EXPECT_THAT(Told("/dev/null"), ElementsAre(HasSubstr("this is not a regular file")));
}

TEST_F(LoadTest, AnEmptyFileAndAFileTooLargeAreRefused) {
  EXPECT_THAT(Told(Write("e", "")),
              ElementsAre("e:1:1: the file is empty; a scenario needs at least name and run_for"));
  const std::string sparse = Write("huge", "");
  fs::resize_file(sparse, uintmax_t{2} << 30);
  EXPECT_THAT(Told(sparse),
              ElementsAre("huge:1:1: the file is larger than 16 MiB; a scenario is smaller"));
  const std::string limit = Write("limit", "12345");
  EXPECT_TRUE(ReadRegularFile(limit, 5).ok());
  EXPECT_FALSE(ReadRegularFile(limit, 4).ok());
}

// A MiB of each kind of nonsense: the cost stays proportional to the text.
TEST_F(LoadTest, LargeTextsOfMistakesEndSoon) {
  constexpr size_t kSize = size_t{1} << 20;
  const auto repeated = [](const std::string& text) {
    std::string all;
    while (all.size() + text.size() <= kSize) all += text;
    return all;
  };
  for (const std::string& text :
       {repeated("a:1 "), repeated("topic{}\n"), repeated("seed:01 "), repeated("name:\"\n"),
        repeated("component{name:\"a\"}"), repeated("zones:\"a\""), repeated("}"),
        std::string(kSize, 'x'), "name: \"" + std::string(kSize, 'x') + "\""}) {
    const LoadResult result = LoadText(text, "large");
    EXPECT_FALSE(result.ok());
    EXPECT_LE(result.problems.size(), 1'001u);
  }
}

TEST_F(LoadTest, AnIncludeOfTheLibraryLeavesTheRootAndStaysInTheLibrary) {
  fs::create_directories(root_ / "library" / "catalogue");
  Write("library/catalogue/a.textproto", "include: \"b.textproto\"");
  Write("library/catalogue/b.textproto",
        "topic { name: \"more\" partitions: 0 replication_factor: 1 }\n");
  LoadOptions options;
  options.library = (root_ / "library").string();
  const std::string path =
      Write("in/a.textproto", SmallScenario() + "include: \"library:catalogue/a.textproto\"\n");
  const absl::StatusOr<LoadResult> loaded = Load(path, options);
  ASSERT_TRUE(loaded.ok());
  ASSERT_FALSE(loaded->problems.empty());
  EXPECT_EQ(loaded->problems.front().file, "library:catalogue/b.textproto");

  Write("in/a.textproto", SmallScenario() + "include: \"library:../in/sub/x.textproto\"\n");
  EXPECT_THAT(Told(path, options), ElementsAre(HasSubstr("has \"..\"")));
  Write("in/a.textproto", SmallScenario() + "include: \"library:catalogue/a.textproto\"\n");
  EXPECT_THAT(Told(path),
              ElementsAre(HasSubstr("is in the library that comes with the program, and "
                                    "none was found")));
}

TEST_F(LoadTest, AMissingFileIsTheWorldsError) {
  const absl::StatusOr<LoadResult> result = Load((root_ / "nobody").string());
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(result.status().message()), HasSubstr("No such file"));
}

TEST_F(LoadTest, AForbiddenFileIsTheWorldsError) {
  const std::string path = Write("secret", SmallScenario());
  ASSERT_EQ(chmod(path.c_str(), 0), 0);
  const bool was_root = geteuid() == 0;
  fs::permissions(root_, fs::perms::all);
  if (was_root) {
    ASSERT_EQ(seteuid(65534), 0);
  }
  const absl::StatusOr<LoadResult> result = Load(path);
  if (was_root) {
    ASSERT_EQ(seteuid(0), 0);
  }
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.status().code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(LoadTest, AReadThatFailsIsTheWorldsError) {
  // A regular file whose first page cannot be read.
  const absl::StatusOr<std::string> text = ReadRegularFile("/proc/self/mem");
  ASSERT_FALSE(text.ok());
  EXPECT_FALSE(absl::IsInvalidArgument(text.status()));
  EXPECT_THAT(std::string(text.status().message()), HasSubstr("cannot read"));
}

TEST_F(LoadTest, IncludesComeFirstAndKeepTheirPlaces) {
  Write("in/sub/topics.textproto",
        "seed: 5\nwarm_up: \"1s\"\ntopic { name: \"more\" partitions: 0 replication_factor: 1 }\n");
  const std::string path =
      Write("in/a.textproto", SmallScenario() + "seed: 7 include: \"sub/topics.textproto\"\n");
  EXPECT_THAT(
      Told(path),
      ElementsAre(StartsWith("topics.textproto:3:1: warning: topic \"more\" is neither"),
                  StartsWith("topics.textproto:3:22: topic[more].partitions: 0 is too small")));
  const LoadResult result = *Load(path);
  EXPECT_EQ(result.scenario.seed(), 7u);
  EXPECT_EQ(result.scenario.warm_up(), "1s");
  EXPECT_EQ(result.scenario.topic(0).name(), "more");
  EXPECT_EQ(result.scenario.topic(1).name(), "orders");
  EXPECT_THAT(result.files[result.places.In("warm_up").place.file], HasSubstr("topics"));
  EXPECT_THAT(result.files[result.places.In("seed").place.file], HasSubstr("a.textproto"));
}

TEST_F(LoadTest, AFileIncludedTwiceCountsOnce) {
  Write("in/t", "topic { name: \"t\" partitions: 1 replication_factor: 1 }");
  Write("in/b", "include: \"t\"");
  Write("in/c", "include: \"t\"");
  EXPECT_THAT(Told(Write("in/a", SmallScenario() + "include: \"b\" include: \"c\"")),
              ElementsAre(HasSubstr("neither written nor read")));
}

TEST_F(LoadTest, IncludesStayBelowTheRoot) {
  Write("outside", "seed: 3");
  fs::create_symlink(root_ / "outside", root_ / "in" / "link");
  fs::create_directory_symlink(root_, root_ / "in" / "up");
  for (const std::string& target :
       {std::string("../outside"), (root_ / "outside").string(), std::string("link"),
        std::string("up/outside"), std::string("sub/../../outside"), std::string("")}) {
    const auto told = Told(Write("in/a", SmallScenario() + "include: \"" + target + "\"\n"));
    ASSERT_FALSE(told.empty()) << target;
    EXPECT_THAT(told[0], AllOf(StartsWith("a:13:1: include"))) << target;
  }
  EXPECT_THAT(
      Told(Write("in/a", SmallScenario() + "include: \"../outside\"\n")),
      ElementsAre("a:13:1: include: the path \"../outside\" has \"..\"; name a file below the "
                  "scenario root"));
  EXPECT_THAT(Told(Write("in/a", SmallScenario() + "include: \"link\"\n")),
              ElementsAre(HasSubstr("leads out of the scenario root")));
  // A wider root makes the link legal.
  LoadOptions options;
  options.root = root_.string();
  EXPECT_THAT(Told(Write("in/a", SmallScenario() + "include: \"link\"\n"), options), IsEmpty());
}

TEST_F(LoadTest, ACircleOfIncludesIsRefused) {
  Write("in/b", "include: \"a\"");
  EXPECT_THAT(Told(Write("in/a", SmallScenario() + "include: \"b\"\n")),
              ElementsAre(StartsWith("b:1:1: include: \"a\" includes itself, by way of 2 files")));
  EXPECT_THAT(Told(Write("in/self", SmallScenario() + "include: \"self\"\n")),
              ElementsAre(HasSubstr("by way of 1 file;")));
}

TEST_F(LoadTest, IncludesAreLimitedInDepthAndNumber) {
  for (int i = 0; i < 20; ++i)
    Write(absl::StrCat("in/d", i), absl::StrCat("include: \"d", i + 1, "\""));
  Write("in/d20", "seed: 1");
  EXPECT_THAT(Told(Write("in/a", SmallScenario() + "include: \"d0\"\n")),
              ElementsAre(HasSubstr("files include files 16 deep")));
  std::string many = SmallScenario();
  for (int i = 0; i < 300; ++i) {
    Write(absl::StrCat("in/n", i), "# nothing\n");
    many += absl::StrCat("include: \"n", i, "\"\n");
  }
  EXPECT_THAT(Told(Write("in/a", many)), testing::Contains(HasSubstr("more than 256 files")));
}

TEST_F(LoadTest, AMissingIncludeIsTheAuthorsMistake) {
  EXPECT_THAT(
      Told(Write("in/a", SmallScenario() + "include: \"nobody\"\n")),
      ElementsAre(AllOf(StartsWith("a:13:1: include"), HasSubstr("the file does not exist"))));
  EXPECT_THAT(Told(Write("in/a", SmallScenario() + "include: \"sub\"\n")),
              ElementsAre(HasSubstr("this is a directory")));
}

TEST_F(LoadTest, TextInMemoryIncludesNothing) {
  EXPECT_THAT(ProblemsOf(SmallScenario() + "include: \"x\""),
              ElementsAre(HasSubstr("this text is no file")));
}

TEST(ReportTest, ProblemsAreSortedAndCounted) {
  std::vector<Problem> problems = {{"b", 1, 1, "x", ProblemSeverity::kError},
                                   {"a", 2, 1, "y; z", ProblemSeverity::kWarning},
                                   {"a", 1, 9, "y", ProblemSeverity::kError},
                                   {"a", 1, 9, "y", ProblemSeverity::kError}};
  SortProblems(&problems);
  EXPECT_EQ(
      Report(problems),
      "a:1:9: y\na:2:1: warning: y; z\nb:1:1: x\n2 problems and 1 warning, nothing was run\n");
  EXPECT_EQ(Report({{"a", 2, 1, "y", ProblemSeverity::kWarning}}),
            "a:2:1: warning: y\n1 warning\n");
  EXPECT_EQ(Report({}), "");
}

TEST_F(LoadTest, ThePriceBookOfAScenarioIsCheckedWithIt) {
  Write("in/sub/good.textproto",
        "name: \"x\" region: \"r\" as_of: \"2026-07-20\" hours_in_month: 730\n"
        "line { traffic {} price: \"0.02 USD\" per: GIB source: \"a contract\" }\n");
  Write("in/sub/bad.textproto",
        "name: \"x\" region: \"r\" as_of: \"2026-07-20\" hours_in_month: 730\n"
        "line { traffic {} price: \"-0.02 USD\" per: GIB source: \"a contract\" }\n");
  const auto told = [this](const std::string& book) {
    return Told(Write("in/a.textproto", SmallScenario() + "price_book: \"" + book + "\"\n"));
  };
  EXPECT_THAT(told("sub/good.textproto"), IsEmpty());
  EXPECT_THAT(told("sub/bad.textproto"),
              ElementsAre("bad.textproto:2:19: line[0].price: \"-0.02 USD\" is negative; an amount "
                          "of money is zero or more"));
  EXPECT_THAT(told("sub/none.textproto"),
              ElementsAre("a.textproto:13:1: price_book: the file \"sub/none.textproto\" does not "
                          "exist; correct the path"));
  EXPECT_THAT(told("../good.textproto"),
              ElementsAre(StartsWith("a.textproto:13:1: price_book: the path "
                                     "\"../good.textproto\" has \"..\"; ")));
  EXPECT_THAT(told("sub"), ElementsAre(HasSubstr("sub:1:1: ")));
}

}  // namespace
}  // namespace freshet
