#include "results/output_file.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "gmock/gmock.h"
#include "tests/results/sample_run.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

TEST(OutputFileTest, AppearsOnlyWhenWhole) {
  TemporaryDirectory directory;
  const std::string path = directory / "report.txt";
  absl::StatusOr<OutputFile> file = OutputFile::Create(path, Overwrite::kNo);
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_TRUE(file->Write("all of it").ok());
  ASSERT_TRUE(file->Flush().ok());

  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_EQ(FileBytes(path + ".partial"), "all of it");

  ASSERT_TRUE(file->Commit().ok());
  EXPECT_EQ(FileBytes(path), "all of it");
  EXPECT_FALSE(std::filesystem::exists(path + ".partial"));
}

TEST(OutputFileTest, OverwritesOnlyWhenAsked) {
  TemporaryDirectory directory;
  const std::string path = directory / "report.txt";
  ASSERT_TRUE(WriteWholeFile(path, "first", Overwrite::kNo).ok());

  const absl::Status refused = WriteWholeFile(path, "second", Overwrite::kNo);
  EXPECT_EQ(refused.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(refused.message()), HasSubstr(path));
  EXPECT_EQ(FileBytes(path), "first");

  ASSERT_TRUE(WriteWholeFile(path, "second", Overwrite::kYes).ok());
  EXPECT_EQ(FileBytes(path), "second");
}

TEST(OutputFileTest, AFullDeviceIsTold) {
  const absl::Status written = WriteWholeFile("/dev/full", "some bytes", Overwrite::kNo);
  EXPECT_EQ(written.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(written.message()), HasSubstr("/dev/full"));
  EXPECT_THAT(std::string(written.message()), HasSubstr("No space left on device"));
}

TEST(OutputFileTest, AFullDiskLeavesTheEarlierFile) {
  TemporaryDirectory directory;
  const std::string path = directory / "report.txt";
  ASSERT_TRUE(WriteWholeFile(path, "earlier", Overwrite::kNo).ok());
  // In a child: a limit on file sizes stands in for the disk.
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {4096, 4096};
    setrlimit(RLIMIT_FSIZE, &limit);
    const absl::Status written = WriteWholeFile(path, std::string(100'000, 'x'), Overwrite::kYes);
    _exit(written.code() == absl::StatusCode::kUnavailable &&
                  written.message().find("File too large") != absl::string_view::npos
              ? 0
              : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_EQ(FileBytes(path), "earlier");
  EXPECT_FALSE(std::filesystem::exists(path + ".partial"));
}

TEST(OutputFileTest, ASecondWriterIsRefused) {
  TemporaryDirectory directory;
  const std::string path = directory / "report.txt";
  absl::StatusOr<OutputFile> first = OutputFile::Create(path, Overwrite::kYes);
  ASSERT_TRUE(first.ok());
  ASSERT_TRUE(first->Write("first").ok());

  EXPECT_EQ(OutputFile::Create(path, Overwrite::kYes).status().code(), absl::StatusCode::kAborted);

  ASSERT_TRUE(first->Commit().ok());
  EXPECT_EQ(FileBytes(path), "first");
  EXPECT_TRUE(OutputFile::Create(path, Overwrite::kYes).ok());
}

TEST(OutputFileTest, ACrashLeavesThePartialAndTheNextRunReplacesIt) {
  TemporaryDirectory directory;
  const std::string path = directory / "report.txt";
  {
    absl::StatusOr<OutputFile> file = OutputFile::Create(path, Overwrite::kNo);
    ASSERT_TRUE(file->Write("a long beginning").ok());
  }
  EXPECT_EQ(FileBytes(path + ".partial"), "a long beginning");

  ASSERT_TRUE(WriteWholeFile(path, "short", Overwrite::kNo).ok());
  EXPECT_EQ(FileBytes(path), "short");
}

TEST(OutputFileTest, AMissingDirectoryIsTold) {
  TemporaryDirectory directory;
  const absl::Status written =
      WriteWholeFile(directory / "none/report.txt", "text", Overwrite::kNo);
  EXPECT_THAT(std::string(written.message()), HasSubstr("No such file or directory"));
}

TEST(ReadWholeFileTest, RefusesWhatIsNoRegularFile) {
  TemporaryDirectory directory;
  EXPECT_EQ(ReadWholeFile(directory.path(), 100).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReadWholeFile("/dev/zero", 100).status().code(), absl::StatusCode::kInvalidArgument);
  WriteBytes(directory / "large", std::string(101, 'x'));
  EXPECT_EQ(ReadWholeFile(directory / "large", 100).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace freshet
