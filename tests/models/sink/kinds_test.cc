// Each kind of store behind consumers that write to it: when records can be seen there, and what
// the store does to them.
#include "gtest/gtest.h"
#include "models/sink/archive_sink.h"
#include "models/sink/dashboard.h"
#include "models/sink/olap_sink.h"
#include "models/sink/search_sink.h"
#include "models/sink/warehouse_sink.h"
#include "tests/models/sink/sink_pipeline.h"
#include "tests/models/table/quiet_table.h"

namespace freshet {

class OlapSinkTestPeer {
 public:
  static Bytes BytesOf(const OlapSink& sink) {
    Bytes bytes;
    for (const auto& part : sink.parts_) bytes += part.bytes;
    return bytes;
  }
};

namespace {

constexpr ApplicationCommits kAfter = ApplicationCommits::kAfterProcessing;

// A batch of one record: 1024 bytes and 61 of overhead.
constexpr int64_t kBatchBytes = 1'085;

template <class Config>
Config Server() {
  Config config;
  static_cast<ServerSink::Config&>(config) = QuietDatabase(SinkPromise::kPlain);
  return config;
}

// --- OLAP ---

OlapSink::Config QuietOlap() {
  auto config = Server<OlapSink::Config>();
  config.column_ratio = Ratio::Percent(50);
  config.parts_to_delay = 1'000;
  config.parts_to_refuse = 3'000;
  config.min_delay = Milliseconds(10);
  config.max_delay = Seconds(1);
  config.merges_at_once = 1;
  config.merge_rate = BytesPerSecond(int64_t{1} << 40);
  config.blocks_remembered = 0;
  return config;
}

template <class Sink, class Config>
std::unique_ptr<SinkPipelineOf<Sink>> Into(const SinkSettings& settings, const Config& config) {
  return std::make_unique<SinkPipelineOf<Sink>>(settings, [&config](Simulation& on, Network* over) {
    return std::make_unique<Sink>(on, "store", over, config);
  });
}

TEST(OlapSinkTest, EachInsertIsAPartUntilMergesTakeThem) {
  OlapSink::Config config = QuietOlap();
  config.merges_at_once = 0;
  const SinkSettings s = ThousandInto(SinkPromise::kPlain, kAfter, Work::kOfTheMember);
  auto pipeline = Into<OlapSink>(s, config);
  pipeline->Run(Seconds(60));
  EXPECT_EQ(pipeline->sink->part_count(), 11u);  // A fetch of 1 MiB has 966 of them: 66 and 34.
  EXPECT_EQ(pipeline->SinkValue(MeteredSink::kVisible), 1'000);
  EXPECT_EQ(OlapSinkTestPeer::BytesOf(*pipeline->sink).count(), 1'000 * ((kBatchBytes + 1) / 2));
}

// A merge has to be five times as large as its largest part. Each counts for 5 MiB more than it
// has, so the first five become one; that is a bit larger than the others, and goes with the next
// five.
TEST(OlapSinkTest, MergesKeepTheNumberOfPartsDownAndTheirBytes) {
  const SinkSettings s = ThousandInto(SinkPromise::kPlain, kAfter, Work::kOfTheMember);
  auto pipeline = Into<OlapSink>(s, QuietOlap());
  pipeline->Run(Seconds(60));
  EXPECT_EQ(pipeline->SinkValue(OlapSink::kMerges), 2);
  EXPECT_EQ(pipeline->sink->part_count(), 2u);  // And the eleventh.
  EXPECT_EQ(OlapSinkTestPeer::BytesOf(*pipeline->sink).count(), 1'000 * ((kBatchBytes + 1) / 2));
}

TEST(OlapSinkTest, TooManyPartsAreDelayedAndThenRefused) {
  OlapSink::Config config = QuietOlap();
  config.merges_at_once = 0;
  config.parts_to_delay = 3;
  config.parts_to_refuse = 5;
  const SinkSettings s = ThousandInto(SinkPromise::kPlain, kAfter, Work::kOfTheMember);
  auto pipeline = Into<OlapSink>(s, config);
  pipeline->Run(Seconds(60));
  EXPECT_EQ(pipeline->sink->part_count(), 5u);
  EXPECT_EQ(pipeline->SinkValue(OlapSink::kDelayed), 2);
  EXPECT_GT(pipeline->SinkValue(OlapSink::kRefused), 2);
  EXPECT_EQ(pipeline->SinkValue(MeteredSink::kVisible), 500);
  EXPECT_EQ(pipeline->SinkValue(MeteredSink::kLag), 500);
}

// The same poll is read again: the same rows in the same order are a known block.
TEST(OlapSinkTest, ABlockThatComesAgainIsRecognisedWhileItIsRemembered) {
  const SinkSettings s = ThousandInto(SinkPromise::kPlain, kAfter, Work::kOfTheStore);
  for (const int64_t remembered : {0, 100}) {
    OlapSink::Config config = QuietOlap();
    config.time_per_record = Milliseconds(10);
    config.blocks_remembered = remembered;
    auto pipeline = Into<OlapSink>(s, config);
    pipeline->Down(pipeline->Member(1), Milliseconds(16'500), Duration::Zero());
    pipeline->Run(Seconds(120));
    EXPECT_EQ(pipeline->SinkValue(MeteredSink::kVisible), 1'000);
    EXPECT_EQ(pipeline->SinkValue(MeteredSink::kDuplicated), remembered == 0 ? 100 : 0);
    EXPECT_EQ(pipeline->SinkValue(OlapSink::kDeduplicated), remembered == 0 ? 0 : 1);
  }
}

// --- Search ---

TEST(SearchSinkTest, WhatIsAcknowledgedIsFoundAtTheNextRefresh) {
  auto config = Server<SearchSink::Config>();
  config.refresh_interval = Seconds(30);
  const SinkSettings s = ThousandInto(SinkPromise::kPlain, kAfter, Work::kOfTheMember);
  auto pipeline = Into<SearchSink>(s, config);
  pipeline->Run(Milliseconds(29'900));
  EXPECT_EQ(pipeline->SinkValue(MeteredSink::kVisible), 0);
  EXPECT_EQ(pipeline->SinkValue(SearchSink::kHidden), 1'000);
  pipeline->Run(Milliseconds(30'100));
  EXPECT_EQ(pipeline->SinkValue(MeteredSink::kVisible), 1'000);
  EXPECT_EQ(pipeline->SinkValue(SearchSink::kRefreshes), 1);
}

TEST(SearchSinkTest, AFullQueueRefusesABulkAndItComesAgain) {
  auto config = Server<SearchSink::Config>();
  config.refresh_interval = Seconds(1);
  config.workers = 1;
  config.queue = 0;
  config.time_per_record = Milliseconds(30);
  SinkSettings s = ThousandInto(SinkPromise::kPlain, kAfter, Work::kOfTheMember);
  s.topic.partitions = 2;  // Both members have one, and one worker for their bulks.
  auto pipeline = Into<SearchSink>(s, config);
  pipeline->Run(Seconds(200));
  EXPECT_EQ(pipeline->SinkValue(MeteredSink::kVisible), 1'000);
  EXPECT_EQ(pipeline->SinkValue(MeteredSink::kDuplicated), 0);
  EXPECT_GT(pipeline->SinkValue(MeteredSink::kFailedWrites), 0);
}

// --- Warehouse ---

// Loads begin at 0, 20, 40 s: that of 20 s has what was polled by then, and takes 2 s.
TEST(WarehouseSinkTest, WhatIsStagedIsLoadedAtTheInterval) {
  auto config = Server<WarehouseSink::Config>();
  config.load_interval = Seconds(20);
  config.load_time = Seconds(2);
  config.load_rate = BytesPerSecond(int64_t{1} << 40);
  const SinkSettings s = ThousandInto(SinkPromise::kPlain, kAfter, Work::kOfTheMember);
  auto pipeline = Into<WarehouseSink>(s, config);
  pipeline->Run(Milliseconds(21'900));
  EXPECT_EQ(pipeline->SinkValue(MeteredSink::kVisible), 0);
  pipeline->Run(Milliseconds(22'100));
  EXPECT_EQ(pipeline->SinkValue(MeteredSink::kVisible), 500);  // 15.0 to 19.1 s.
  pipeline->Run(Milliseconds(42'100));
  EXPECT_EQ(pipeline->SinkValue(MeteredSink::kVisible), 1'000);
  EXPECT_EQ(pipeline->SinkValue(WarehouseSink::kLoads), 2);
}

// --- Archive ---

ArchiveSink::Config QuietArchive() {
  return {MiB(64), std::nullopt, Ratio::One(), MiB(8), ObjectClient::Defaults(4)};
}

struct Bucket {
  std::unique_ptr<ObjectStore> bucket;
};
class ArchivePipeline : public Bucket, public SinkPipelineOf<ArchiveSink> {
 public:
  ArchivePipeline(const SinkSettings& settings, const ArchiveSink::Config& config)
      : SinkPipelineOf(settings, [this, &config](Simulation& on, Network* over) {
          bucket = std::make_unique<ObjectStore>(on, "archive/bucket", InstantBodies());
          return std::make_unique<ArchiveSink>(on, "archive", bucket.get(), over, config);
        }) {}
};

TEST(ArchiveSinkTest, ObjectsRollBySizeAndAreVisibleWithTheirEpoch) {
  ArchiveSink::Config config = QuietArchive();
  config.roll_size = Bytes(100 * kBatchBytes);
  config.part_size = Bytes(50 * kBatchBytes);
  ArchivePipeline pipeline(ThousandInto(SinkPromise::kTransactional, kAfter, Work::kOfTheMember),
                           config);
  pipeline.Run(Seconds(60));
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 1'000);
  EXPECT_EQ(pipeline.SinkValue(ArchiveSink::kObjects), 10);
  EXPECT_EQ(pipeline.bucket->stored(), Bytes(1'000 * kBatchBytes));
  // Create, two parts, complete.
  EXPECT_EQ(ValueOf(pipeline.sim, *pipeline.bucket, ObjectStore::kPutRequests), 40);
}

TEST(ArchiveSinkTest, ObjectsRollByAge) {
  ArchiveSink::Config config = QuietArchive();
  config.roll_age = Milliseconds(1'500);  // Two polls each, but where an epoch ends.
  SinkSettings s = ThousandInto(SinkPromise::kTransactional, kAfter, Work::kOfTheMember);
  s.writer.commit_interval = Seconds(30);
  ArchivePipeline pipeline(s, config);
  pipeline.Run(Seconds(70));
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 1'000);
  EXPECT_EQ(pipeline.SinkValue(ArchiveSink::kObjects), 5);
}

TEST(ArchiveSinkTest, ACrashDoublesNothing) {
  for (int i = 0; i < 50; ++i) {
    ArchiveSink::Config config = QuietArchive();
    config.roll_size = Bytes(100 * kBatchBytes);
    ArchivePipeline pipeline(ThousandInto(SinkPromise::kTransactional, kAfter, Work::kOfTheMember),
                             config);
    pipeline.Down(pipeline.Member(1), Milliseconds(14'900 + i * 211), Seconds(3));
    pipeline.Run(Seconds(120));
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 1'000) << i;
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated), 0) << i;
    EXPECT_EQ(pipeline.SinkValue(ArchiveSink::kPending), 0) << i;
  }
}

// --- Dashboard ---

// The store is down from 30 to 90 s, and behind for a moment. Refreshed at 0, 10, ... s.
Dashboard::Config Every10s(Dashboard::Label label) {
  return {Seconds(10), Sampler::Constant(0), Seconds(25), Seconds(20), label};
}
struct Shown {
  int64_t fresh;
  int64_t labelled;
  int64_t silent;
};
Shown SecondsOf(Dashboard::Label label, bool store_answers) {
  SinkSettings s = ThousandInto(SinkPromise::kPlain, kAfter, Work::kOfTheStore);
  s.producers.rate = Steady(10);
  s.database.time_per_record = Duration::Zero();
  s.database.request_timeout = Seconds(1);
  SinkPipeline pipeline(s);
  Dashboard board(pipeline.sim, "board", pipeline.sink.get(), Every10s(label));
  if (!store_answers) {
    pipeline.sim.At<"test.down">(Time() + Seconds(30), 0,
                                 [&pipeline] { pipeline.sink->SetDown(true); });
    pipeline.sim.At<"test.up">(Time() + Seconds(90), 0,
                               [&pipeline] { pipeline.sink->SetDown(false); });
  } else {
    pipeline.Down(pipeline.Member(1), Seconds(30), Seconds(60));
    pipeline.Down(pipeline.Member(2), Seconds(30), Seconds(60));
  }
  pipeline.Run(Seconds(200));
  const auto seconds = [&](const MetricDef& def) {
    return ValueOf(pipeline.sim, board, def) / 1'000'000'000;
  };
  return {seconds(Dashboard::kFresh), seconds(Dashboard::kLabelled), seconds(Dashboard::kSilent)};
}

TEST(DashboardTest, WithoutALabelNobodyKnows) {
  const Shown down = SecondsOf(Dashboard::Label::kNone, false);
  EXPECT_EQ(down.fresh + down.silent, 200);
  EXPECT_GT(down.silent, 40);
  EXPECT_EQ(down.labelled, 0);
}

TEST(DashboardTest, TheTimeOfTheRefreshTellsFailuresButNotOldData) {
  const Shown down = SecondsOf(Dashboard::Label::kRefreshTime, false);
  EXPECT_GT(down.labelled, 40);
  EXPECT_EQ(down.silent, 10);  // The first answer, at 90 s, is of a store that is behind.
  // Nobody writes, and each refresh is answered: with old data.
  const Shown behind = SecondsOf(Dashboard::Label::kRefreshTime, true);
  EXPECT_EQ(behind.labelled, 0);
  EXPECT_GT(behind.silent, 40);
}

TEST(DashboardTest, TheAgeOfTheDataTellsBoth) {
  EXPECT_EQ(SecondsOf(Dashboard::Label::kDataTime, false).silent, 0);
  EXPECT_EQ(SecondsOf(Dashboard::Label::kDataTime, true).silent, 0);
  EXPECT_GT(SecondsOf(Dashboard::Label::kDataTime, true).labelled, 40);
}

}  // namespace
}  // namespace freshet
