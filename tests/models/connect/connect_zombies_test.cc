// Workers that should not write any more, and do.
#include "gtest/gtest.h"
#include "models/sink/lakehouse_sink.h"
#include "tests/models/connect/connect_pipeline.h"
#include "tests/models/table/quiet_table.h"

namespace freshet {
namespace {

// Cut off at 31.5 s, worker 1 has heard from its group last at 30 s. It takes the coordinator for
// lost at 40 s, and gives its task up at 43 s. Its consumer has never committed: all that was
// written until then is read again from the start.
TEST(ConnectZombiesTest, AWorkerThatIsCutOffGivesItsTasksUp) {
  ConnectPipeline pipeline(Connected(2, 1, Seconds(60)));
  pipeline.Down(pipeline.Group(1), Milliseconds(31'500), Duration::Zero());
  pipeline.Run(Seconds(43) - Nanoseconds(1));
  EXPECT_EQ(pipeline.Connect(ConnectCluster::kGaveUp), 0);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLag), 0);
  pipeline.Run(Seconds(43));
  EXPECT_EQ(pipeline.Connect(ConnectCluster::kGaveUp), 1);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 4'299);
  pipeline.Run(Seconds(500));
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 6'000);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated), 4'299);
}

TEST(ConnectZombiesTest, AShortCutIsNotNoticed) {
  ConnectPipeline pipeline(Connected(2, 1, Seconds(60)));
  pipeline.Down(pipeline.Group(1), Milliseconds(31'500), Seconds(5));
  pipeline.Run(Seconds(100));
  EXPECT_EQ(pipeline.Connect(ConnectCluster::kGaveUp), 0);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 6'000);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated), 0);
}

// Into a lakehouse table, an epoch every ten seconds.
struct LakeSettings : ConnectSettings {
  IcebergTable::Config table = QuietTable();
  LakehouseSink::Config lake;
};

struct LakeParts {
  std::unique_ptr<ObjectStore> warehouse;
  std::unique_ptr<IcebergTable> table;
};

class LakePipeline : public LakeParts, public ConnectPipelineOf<LakehouseSink> {
 public:
  explicit LakePipeline(const LakeSettings& settings)
      : ConnectPipelineOf(settings, [this, &settings](Simulation& on, Network* over) {
          warehouse = std::make_unique<ObjectStore>(on, "lake/warehouse", InstantBodies());
          table = std::make_unique<IcebergTable>(on, "lake", warehouse.get(), over, settings.table);
          return std::make_unique<LakehouseSink>(on, "rows", table.get(), over, settings.lake);
        }) {}
};

// The tasks of worker 1 hang from 100 s to 200 s. After a minute the group goes on without it, and
// another task has its partition and the coordinator, at 162 s, when it is told by its heartbeat;
// the old one's thread runs on until the task wakes up and is told. All that is committed in
// between is committed by both.
LakeSettings Hanging(bool fenced) {
  LakeSettings s;
  static_cast<ConnectSettings&>(s) = Connected(2, 2, Seconds(300));
  s.connect.consumers.group->max_poll_interval = Seconds(60);
  s.connect.sink.writer.fenced = fenced;
  s.lake = {Duration::Zero(), Ratio::Percent(50),        MiB(512), 1,
            MiB(32),          ObjectClient::Defaults(4), fenced};
  return s;
}

TEST(ConnectZombiesTest, TheZombieCoordinatorDoublesFilesUnlessItIsFenced) {
  for (const bool fenced : {true, false}) {
    LakePipeline pipeline(Hanging(fenced));
    pipeline.Down(pipeline.Tasks(1), Seconds(100), Seconds(100));
    pipeline.Run(Seconds(161));
    const int64_t before = pipeline.SinkValue(MeteredSink::kVisible);
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated), 0);
    pipeline.Run(Seconds(203));  // With the commit that is under way as it wakes up.
    const int64_t by_both = pipeline.SinkValue(MeteredSink::kVisible) - before;
    EXPECT_GT(by_both, 5'000);  // A minute of one partition, and 30 s of both.
    pipeline.Run(Seconds(400));
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 30'000) << fenced;
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLost), 0) << fenced;
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLag), 0) << fenced;
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated), fenced ? 0 : by_both);
    EXPECT_EQ(pipeline.ledger().duplicated_by(EffectCause::kZombie),
              pipeline.SinkValue(MeteredSink::kDuplicated));
    EXPECT_EQ(ValueOf(pipeline.sim, *pipeline.table, IcebergTable::kRecords),
              30'000 + pipeline.SinkValue(MeteredSink::kDuplicated));
  }
}

// A worker with the coordinator dies at sixty instants of a few epochs.
class ConnectDeathTest : public testing::TestWithParam<bool> {};

TEST_P(ConnectDeathTest, NoRecordOfALakehouseIsLost) {
  for (int i = 0; i < 60; ++i) {
    LakeSettings s = Hanging(GetParam());
    s.producers.rate = Until(Seconds(60), 100);
    s.connect.max_delay = Seconds(30);
    LakePipeline pipeline(s);
    pipeline.Down(pipeline.Worker(1), Milliseconds(20'000 + i * 211), Seconds(5));
    pipeline.Run(Seconds(300));
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 6'000) << i;
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLost), 0) << i;
    if (GetParam()) {
      EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated), 0) << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Fenced, ConnectDeathTest, testing::Bool());

}  // namespace
}  // namespace freshet
