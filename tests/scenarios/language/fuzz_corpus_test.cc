// Replays the corpus of the fuzzers, past crashes included, in every build.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "scenarios/language/read_file.h"
#include "tests/scenarios/language/fuzz_input.h"

namespace freshet {
namespace {

std::vector<std::string> CorpusFiles() {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(FRESHET_CORPUS)) {
    files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

TEST(FuzzCorpusTest, EveryInputIsAcceptedOrRefusedWithAPlace) {
  const std::vector<std::string> files = CorpusFiles();
  ASSERT_GE(files.size(), 10u);
  for (const std::string& file : files) {
    SCOPED_TRACE(file);
    const absl::StatusOr<std::string> text = ReadRegularFile(file);
    ASSERT_TRUE(text.ok()) << text.status();
    EXPECT_NO_THROW(LoadOneInput(*text));
  }
}

TEST(FuzzCorpusTest, NamesSayWhetherAnInputIsAccepted) {
  for (const std::string& file : CorpusFiles()) {
    const std::string name = std::filesystem::path(file).filename();
    const LoadResult result = LoadText(*ReadRegularFile(file), name);
    if (name.rfind("good_", 0) == 0) {
      EXPECT_TRUE(result.ok()) << Report(result.problems);
    }
    if (name.rfind("bad_", 0) == 0) {
      EXPECT_FALSE(result.ok()) << name;
    }
  }
}

// Every prefix of a text, and every text with one byte gone: what an editor leaves behind.
TEST(FuzzCorpusTest, TruncatedTextIsAcceptedOrRefusedWithAPlace) {
  const std::string text = *ReadRegularFile(std::string(FRESHET_CORPUS) + "/good_small.textproto");
  for (size_t i = 0; i < text.size(); ++i) {
    EXPECT_NO_THROW(LoadOneInput(text.substr(0, i))) << "first " << i << " bytes";
    EXPECT_NO_THROW(LoadOneInput(text.substr(0, i) + text.substr(i + 1))) << "without byte " << i;
  }
}

}  // namespace
}  // namespace freshet
