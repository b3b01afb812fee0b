#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <random>

#include "gmock/gmock.h"
#include "google/protobuf/util/message_differencer.h"
#include "results/record_format.h"
#include "results/record_reader.h"
#include "results/record_writer.h"
#include "tests/results/sample_run.h"

namespace freshet {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A whole record of the sample run; returns what was put in.
RunResults WriteSample(const std::string& path) {
  auto writer = RunRecordWriter::Create(path, SampleHeader(), Overwrite::kYes);
  EXPECT_TRUE(writer.ok()) << writer.status();
  SampleRun run(writer->get());
  run.Run();
  RunResults results = run.Results();
  const absl::Status finished = (*writer)->Finish(results);
  EXPECT_TRUE(finished.ok()) << finished;
  return results;
}

TEST(RunRecordTest, GivesBackWhatWasWritten) {
  TemporaryDirectory directory;
  const std::string path = directory / "sample.frun";
  const RunResults written = WriteSample(path);

  absl::StatusOr<RunRecord> record = ReadRunRecord(path);
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_TRUE(record->complete()) << record->problem();
  EXPECT_EQ(record->header().scenario(), "sample");
  EXPECT_EQ(record->header().schema_version(), RunRecordWriter::kSchemaVersion);
  EXPECT_TRUE(MessageDifferencer::Equals(record->results().metrics, written.metrics));
  EXPECT_TRUE(MessageDifferencer::Equals(record->results().digest, written.digest));
  ASSERT_EQ(record->results().series.size(), written.series.size());
  for (size_t i = 0; i < written.series.size(); ++i) {
    EXPECT_TRUE(MessageDifferencer::Equals(record->results().series[i], written.series[i]));
  }
  EXPECT_EQ(record->results().events_fired, written.events_fired);
  ASSERT_EQ(record->lanes().size(), 2u);
  EXPECT_EQ(record->lanes()[1].name(), "queue");
  EXPECT_EQ(record->lanes()[1].parent(), record->lanes()[0].id());
}

TEST(RunRecordTest, GivesBackEveryItem) {
  TemporaryDirectory directory;
  const std::string path = directory / "sample.frun";
  WriteSample(path);
  absl::StatusOr<RunRecord> record = ReadRunRecord(path);
  ASSERT_TRUE(record.ok());
  EXPECT_THAT(record->names(), ElementsAre("queued", "append", "fetch"));
  ASSERT_EQ(record->chunks().size(), 2u);

  absl::StatusOr<ItemChunk> spans = record->ReadChunk(0);
  ASSERT_TRUE(spans.ok()) << spans.status();
  ASSERT_EQ(spans->size(), 600u);  // A span per second.
  EXPECT_EQ(spans->start_ns[1], Milliseconds(1050).nanos());
  EXPECT_EQ(spans->duration_ns[1], Milliseconds(10).nanos());
  // 5990 ms is more than 32 bits of nanoseconds hold.
  EXPECT_EQ(spans->duration_ns[599], Milliseconds(5990).nanos());
  EXPECT_EQ(spans->value[599], 5990);
  EXPECT_EQ(record->names()[spans->name[599]], "fetch");
  EXPECT_EQ(spans->kind[599], RecordedItem::Kind::kSpan);
  // Each tick descends from the tick before, so a span's ancestor is the span before.
  EXPECT_EQ(spans->ancestor[599], spans->id[598]);
  EXPECT_GT(spans->event[599], spans->event[598]);

  absl::StatusOr<ItemChunk> states = record->ReadChunk(1);
  ASSERT_TRUE(states.ok()) << states.status();
  EXPECT_EQ(states->size(), 10u);
  EXPECT_EQ(states->severity[5], Severity::kWarning);
  EXPECT_EQ(states->value[5], 9);
}

TEST(RunRecordTest, TheSameRunGivesTheSameBytes) {
  TemporaryDirectory directory;
  WriteSample(directory / "a.frun");
  WriteSample(directory / "b.frun");
  EXPECT_EQ(FileBytes(directory / "a.frun"), FileBytes(directory / "b.frun"));
}

TEST(RunRecordTest, ItemsBeyondAChunkMakeAnother) {
  TemporaryDirectory directory;
  const std::string path = directory / "many.frun";
  auto writer = RunRecordWriter::Create(path, SampleHeader(), Overwrite::kNo);
  ASSERT_TRUE(writer.ok());
  Recorder recorder;
  recorder.Configure(RecordLevel::kState, writer->get());
  const LaneId lane = recorder.AddLane("faults");
  for (int i = 0; i < 10'000; ++i) recorder.Mark(RecordLevel::kState, lane, "mark", Time(), i);
  ASSERT_TRUE((*writer)->Finish(RunResults()).ok());

  absl::StatusOr<RunRecord> record = ReadRunRecord(path);
  ASSERT_TRUE(record.ok());
  ASSERT_TRUE(record->complete()) << record->problem();
  std::vector<uint32_t> sizes;
  for (const RunRecord::ChunkPlace& chunk : record->chunks()) sizes.push_back(chunk.items);
  EXPECT_THAT(sizes, ElementsAre(4096, 4096, 10'000 - 2 * 4096));
  EXPECT_EQ(record->ReadChunk(2)->value.back(), 9'999);
  for (const RunRecord::ChunkPlace& chunk : record->chunks()) {
    EXPECT_EQ(chunk.payload_offset % record_format::kAlignment, 0u);
  }
}

TEST(RunRecordTest, ManySlowLanesDoNotFillTheMemory) {
  TemporaryDirectory directory;
  const std::string path = directory / "lanes.frun";
  auto writer = RunRecordWriter::Create(path, SampleHeader(), Overwrite::kNo);
  ASSERT_TRUE(writer.ok());
  Recorder recorder;
  recorder.Configure(RecordLevel::kState, writer->get());
  constexpr size_t kLanes = 600;
  std::vector<LaneId> lanes;
  for (size_t i = 0; i < kLanes; ++i) lanes.push_back(recorder.AddLane("lane"));
  // No lane reaches a whole chunk, all together pass the bound.
  constexpr size_t kItems = RunRecordWriter::kMostPendingItems + 5'000;
  for (size_t i = 0; i < kItems; ++i) {
    recorder.Mark(RecordLevel::kState, lanes[i % kLanes], "mark", Time());
  }
  ASSERT_GT(std::filesystem::file_size(path + ".partial"), 50'000u);
  ASSERT_TRUE((*writer)->Finish(RunResults()).ok());
  absl::StatusOr<RunRecord> record = ReadRunRecord(path);
  ASSERT_TRUE(record.ok());
  EXPECT_TRUE(record->complete()) << record->problem();
  EXPECT_TRUE(record->VerifyItems().ok());
}

TEST(RunRecordTest, ACrashLeavesWhatWasWholeReadable) {
  TemporaryDirectory directory;
  const std::string path = directory / "crash.frun";
  const pid_t child = fork();
  if (child == 0) {
    auto writer = RunRecordWriter::Create(path, SampleHeader(), Overwrite::kNo);
    Recorder recorder;
    recorder.Configure(RecordLevel::kState, writer->get());
    const LaneId lane = recorder.AddLane("faults");
    for (int i = 0; i < 5'000; ++i) recorder.Mark(RecordLevel::kState, lane, "mark", Time(), i);
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);

  EXPECT_FALSE(std::filesystem::exists(path));
  absl::StatusOr<RunRecord> record = ReadRunRecord(path + ".partial");
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_FALSE(record->complete());
  EXPECT_THAT(record->problem(), HasSubstr("cut short"));
  ASSERT_EQ(record->chunks().size(), 1u);
  absl::StatusOr<ItemChunk> chunk = record->ReadChunk(0);
  ASSERT_TRUE(chunk.ok()) << chunk.status();
  EXPECT_EQ(chunk->value.back(), 4'095);
  EXPECT_EQ(record->names()[chunk->name.back()], "mark");
  EXPECT_EQ(record->lanes()[0].name(), "faults");
  EXPECT_EQ(Summarise(*record).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(RunRecordTest, AnInterruptedRunKeepsItsItems) {
  TemporaryDirectory directory;
  const std::string path = directory / "interrupted.frun";
  {
    auto writer = RunRecordWriter::Create(path, SampleHeader(), Overwrite::kNo);
    ASSERT_TRUE(writer.ok());
    SampleRun run(writer->get());
    run.Run();
    EXPECT_TRUE((*writer)->Interrupt().ok());
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  absl::StatusOr<RunRecord> record = ReadRunRecord(path + ".partial");
  ASSERT_TRUE(record.ok());
  EXPECT_FALSE(record->complete());
  EXPECT_EQ(record->chunks().size(), 2u);
  EXPECT_TRUE(record->VerifyItems().ok());
}

TEST(RunRecordTest, AFullDiskIsToldAndTheEarlierRecordStays) {
  TemporaryDirectory directory;
  const std::string path = directory / "sample.frun";
  WriteSample(path);
  const std::string earlier = FileBytes(path);
  // At several depths into the file; in a child, whose file sizes are limited.
  for (const rlim_t bytes : {rlim_t{100}, rlim_t{4096}, rlim_t{earlier.size() - 1}}) {
    const pid_t child = fork();
    if (child == 0) {
      std::signal(SIGXFSZ, SIG_IGN);
      const rlimit limit = {bytes, bytes};
      setrlimit(RLIMIT_FSIZE, &limit);
      auto writer = RunRecordWriter::Create(path, SampleHeader(), Overwrite::kYes);
      absl::Status status = writer.status();
      if (writer.ok()) {
        SampleRun run(writer->get());
        run.Run();
        status = (*writer)->Finish(run.Results());
      }
      _exit(status.code() == absl::StatusCode::kUnavailable &&
                    status.message().find("sample.frun") != absl::string_view::npos
                ? 0
                : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << bytes;
    EXPECT_EQ(FileBytes(path), earlier) << bytes;
  }
}

TEST(RunRecordTest, AnExistingRecordIsNotOverwrittenUnasked) {
  TemporaryDirectory directory;
  const std::string path = directory / "sample.frun";
  WriteSample(path);
  EXPECT_EQ(RunRecordWriter::Create(path, SampleHeader(), Overwrite::kNo).status().code(),
            absl::StatusCode::kAlreadyExists);
}

// Either refused, or opened as incomplete: never a crash, never taken for whole.
void ExpectSeenAsDamaged(const std::string& path, const std::string& what) {
  absl::StatusOr<RunRecord> record = ReadRunRecord(path);
  if (!record.ok()) return;
  const absl::Status items = record->VerifyItems();
  EXPECT_TRUE(!record->complete() || !items.ok()) << what;
  EXPECT_EQ(record->complete(), record->problem().empty()) << what;
}

TEST(RunRecordDamageTest, TruncationAnywhereIsSeen) {
  TemporaryDirectory directory;
  WriteSample(directory / "whole.frun");
  const std::string whole = FileBytes(directory / "whole.frun");
  const std::string path = directory / "cut.frun";
  // Every block boundary is a multiple of 64; one byte on either side too.
  WriteBytes(path, whole);
  for (size_t length = whole.size(); length-- > 0;) {
    const size_t place = length % record_format::kAlignment;
    if (place > 1 && place != record_format::kAlignment - 1) continue;
    std::filesystem::resize_file(path, length);
    ExpectSeenAsDamaged(path, "cut at " + std::to_string(length));
  }
  WriteBytes(path, whole + "x");
  ExpectSeenAsDamaged(path, "one byte more");
}

TEST(RunRecordDamageTest, AFlippedBitAnywhereIsSeen) {
  TemporaryDirectory directory;
  WriteSample(directory / "whole.frun");
  const std::string whole = FileBytes(directory / "whole.frun");
  const std::string path = directory / "flipped.frun";
  WriteBytes(path, whole);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const auto put = [&file](size_t at, char byte) {
    file.seekp(static_cast<std::streamoff>(at));
    file.put(byte);
    file.flush();
  };
  std::mt19937 random(92);
  for (int i = 0; i < 5'000; ++i) {
    const size_t at = random() % whole.size();
    put(at, static_cast<char>(whole[at] ^ (1 << (random() % 8))));
    ExpectSeenAsDamaged(path, "flipped at " + std::to_string(at));
    put(at, whole[at]);
  }
  absl::StatusOr<RunRecord> record = ReadRunRecord(path);
  ASSERT_TRUE(record.ok());
  EXPECT_TRUE(record->complete());
}

TEST(RunRecordDamageTest, SwappedAndRepeatedBlocksAreSeen) {
  TemporaryDirectory directory;
  WriteSample(directory / "whole.frun");
  const std::string whole = FileBytes(directory / "whole.frun");
  const std::string path = directory / "shuffled.frun";
  std::mt19937 random(92);
  const size_t units = whole.size() / record_format::kAlignment;
  for (int i = 0; i < 300; ++i) {
    const size_t from = random() % units * record_format::kAlignment;
    const size_t bytes = (1 + random() % 40) * record_format::kAlignment;
    std::string shuffled = whole;
    shuffled.insert(random() % units * record_format::kAlignment, whole.substr(from, bytes));
    WriteBytes(path, shuffled);
    ExpectSeenAsDamaged(path, "repeated from " + std::to_string(from));
  }
}

TEST(RunRecordDamageTest, OtherFilesAreNoRecords) {
  TemporaryDirectory directory;
  WriteBytes(directory / "empty", "");
  WriteBytes(directory / "text", std::string(1000, 'x'));
  for (const char* name : {"empty", "text"}) {
    EXPECT_EQ(ReadRunRecord(directory / name).status().code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(ReadRunRecord(directory.path()).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(ReadRunRecord(directory / "none").status().message()),
              HasSubstr("No such file or directory"));
}

TEST(HostSidecarTest, KeepsTheHostOutOfTheRecord) {
  TemporaryDirectory directory;
  const std::string path = directory / "sample.frun";
  WriteSample(path);
  HostFacts host = ThisHost();
  host.wall_seconds = 1.5;
  ASSERT_TRUE(WriteHostSidecar(path, host).ok());
  EXPECT_THAT(FileBytes(path + ".host.json"), HasSubstr("\"wall_s\": 1.5"));
  EXPECT_EQ(FileBytes(path).find(directory.path()), std::string::npos);
}

}  // namespace
}  // namespace freshet
