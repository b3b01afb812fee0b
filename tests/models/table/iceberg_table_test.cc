#include "models/sink/iceberg_table.h"

#include <gtest/gtest.h>

#include <vector>

#include "models/storage/object_writer.h"
#include "tests/models/metrics.h"
#include "tests/models/table/quiet_table.h"

namespace freshet {

class IcebergTableTestPeer {
 public:
  static void Lose(IcebergTable& table, uint32_t source) {
    SourceEffects& effects = table.sources_.at(source);
    const Offset end = effects.FirstMissing(effects.start());
    effects.Take(end, end + 1, SourceEffects::How::kDone, SourceEffects::Again::kAdds,
                 [](Offset, Offset, int32_t) {});
  }
};

namespace {

// Bodies take some nanoseconds each; the rest is whole milliseconds.
int64_t Millis(Duration time) { return time.nanos() / 1'000'000; }
int64_t Millis(Time at) { return Millis(at.SinceStart()); }

Network::Config OneZone() {
  Network::Config config;
  config.zones = {"a"};
  config.rtt_within_zone = config.rtt_across_zones = Sampler::Constant(0);
  return config;
}

// One committer, and a table of which source 7 begins at 0.
class IcebergTableTest : public testing::Test {
 protected:
  explicit IcebergTableTest(const IcebergTable::Config& config = QuietTable())
      : sim(1),
        network(sim, "network", OneZone()),
        store(sim, "warehouse", InstantBodies()),
        table(sim, "lake", &store, &network, config),
        host(network.AddHost("committer", 0, BytesPerSecond(int64_t{1} << 45))),
        client(sim, "committer/client", &store, &network, host, ObjectClient::Defaults(4)) {
    table.BeginAt(7, 0);
  }

  // Files of 1 MB with ten records each, as if a writer had put them.
  TableAppend Append(uint64_t id, Offset from, int64_t files) {
    TableAppend append;
    append.id = id;
    for (int64_t i = 0; i < files; ++i) {
      const TableFile file = {table.NewFile(), Bytes(1'000'000), 10};
      store.SetObject(file.object, file.bytes);
      table.FileWritten(file);
      append.files.push_back(file);
    }
    RecordSpan span;
    span.partition = 7;
    span.from = from;
    span.to = from + 10 * files;
    append.ranges = {span};
    return append;
  }
  IcebergTable::CommitKey Begin(TableAppend append) {
    return table.Begin(std::move(append), &client, [this](TableOutcome outcome) {
      outcomes.push_back(outcome);
      at.push_back(sim.Now());
    });
  }
  void Commit(IcebergTable::CommitKey key) {
    table.Commit(key, [this](TableOutcome outcome) {
      outcomes.push_back(outcome);
      at.push_back(sim.Now());
    });
  }
  // Staged and swapped in; returns the milliseconds that it took.
  int64_t CommitNow(TableAppend append) {
    const Time began = sim.Now();
    const IcebergTable::CommitKey key = Begin(std::move(append));
    sim.Run();
    Commit(key);
    sim.Run();
    return Millis(at.back() - began);
  }
  int64_t Value(const MetricDef& def) const { return ValueOf(sim, table, def); }
  int64_t Store(const MetricDef& def) const { return ValueOf(sim, store, def); }

  Simulation sim;
  Network network;
  ObjectStore store;
  IcebergTable table;
  HostId host;
  ObjectClient client;
  std::vector<TableOutcome> outcomes;
  std::vector<Time> at;
};

// Load 50, manifest 100, list 100; load 50, metadata file 100, swap 50.
TEST_F(IcebergTableTest, ACommitIsTwoLoadsThreeWritesAndASwap) {
  const IcebergTable::CommitKey key = Begin(Append(1, 0, 3));
  sim.Run();
  EXPECT_EQ(outcomes, std::vector{TableOutcome::kStaged});
  EXPECT_EQ(Millis(at[0]), 250);
  EXPECT_EQ(table.VisibleTo(7), 0);  // Nobody sees it yet.

  Commit(key);
  sim.Run();
  EXPECT_EQ(outcomes.back(), TableOutcome::kVisible);
  EXPECT_EQ(Millis(at[1]), 450);
  EXPECT_EQ(table.VisibleTo(7), 30);
  EXPECT_EQ(Value(IcebergTable::kRecords), 30);
  EXPECT_EQ(Value(IcebergTable::kFiles), 3);
  EXPECT_EQ(Value(IcebergTable::kSmallFiles), 3);  // 1 MB of 16 MiB.
  EXPECT_EQ(Value(IcebergTable::kBytes), 3'000'000);
  EXPECT_EQ(Store(ObjectStore::kPutRequests), 3);
  // Data 3 x 1 MB; manifest 4000 + 3 x 500, list 2000 + 100, metadata 5000 + 700.
  EXPECT_EQ(store.stored(), Bytes(3'000'000 + 5500 + 2100 + 5700));
}

// The second reads the first one's list, 20 ms.
TEST_F(IcebergTableTest, EachCommitReadsTheListBefore) {
  EXPECT_EQ(CommitNow(Append(1, 0, 1)), 450);
  EXPECT_EQ(CommitNow(Append(2, 10, 1)), 470);
  EXPECT_EQ(Store(ObjectStore::kGetRequests), 1);
  EXPECT_EQ(Value(IcebergTable::kManifests), 2);
  EXPECT_EQ(Value(IcebergTable::kSnapshots), 2);
  EXPECT_EQ(Value(IcebergTable::kMetadataRequests), 7);
}

// Both are staged on the empty table. The one that commits first wins at 450 ms, when the other has
// loaded the table too; its swap is refused at 500, it waits 100, loads, reads the list and writes
// one with both manifests, and a metadata file: 500 + 100 + 50 + 20 + 100 + 100 + 50.
TEST_F(IcebergTableTest, WhoLosesTheRaceTriesAgainFromTheNewState) {
  const IcebergTable::CommitKey first = Begin(Append(1, 0, 1));
  const IcebergTable::CommitKey second = Begin(Append(2, 10, 1));
  sim.Run();
  Commit(first);
  sim.RunUntil(Time() + Milliseconds(280));
  Commit(second);
  sim.Run();
  EXPECT_EQ(Millis(at[2]), 450);
  EXPECT_EQ(Millis(at[3]), 280 + 200 + 100 + 50 + 20 + 100 + 100 + 50);
  EXPECT_EQ(Value(IcebergTable::kConflicts), 1);
  EXPECT_EQ(Value(IcebergTable::kRecords), 20);
  EXPECT_EQ(Value(IcebergTable::kManifests), 2);
  // The metadata file and the list of the attempt that lost are deleted.
  EXPECT_EQ(Store(ObjectStore::kDeleteRequests), 2);
  EXPECT_EQ(store.object_count(), 2u + 2 + 2 + 2);
}

class NoRetryTest : public IcebergTableTest {
 protected:
  static IcebergTable::Config Config() {
    IcebergTable::Config config = QuietTable();
    config.commit_retry.most_retries = 0;
    return config;
  }
  NoRetryTest() : IcebergTableTest(Config()) {}
};

TEST_F(NoRetryTest, ACommitIsGivenUpWhenNoRetryIsLeft) {
  const IcebergTable::CommitKey first = Begin(Append(1, 0, 1));
  const IcebergTable::CommitKey second = Begin(Append(2, 10, 1));
  sim.Run();
  Commit(first);
  sim.RunUntil(Time() + Milliseconds(280));
  Commit(second);
  sim.Run();
  EXPECT_EQ(outcomes.back(), TableOutcome::kFailed);
  EXPECT_EQ(Value(IcebergTable::kFailedCommits), 1);
  EXPECT_EQ(Value(IcebergTable::kRecords), 10);
}

TEST_F(IcebergTableTest, ASwapThatWasAskedForIsCarriedOutForTheDead) {
  const IcebergTable::CommitKey key = Begin(Append(1, 0, 1));
  sim.Run();
  Commit(key);
  sim.RunUntil(Time() + Milliseconds(410));  // The swap was asked for at 400.
  client.DropAll();
  table.Abandon(key);
  sim.Run();
  EXPECT_EQ(outcomes, std::vector{TableOutcome::kStaged});  // Nobody is told,
  EXPECT_EQ(table.VisibleTo(7), 10);                        // and all see it.
}

TEST_F(IcebergTableTest, OneThatWasNotAskedForYetIsNot) {
  const IcebergTable::CommitKey key = Begin(Append(1, 0, 1));
  sim.Run();
  Commit(key);
  sim.RunUntil(Time() + Milliseconds(390));
  client.DropAll();
  table.Abandon(key);
  sim.Run();
  EXPECT_EQ(table.VisibleTo(7), 0);
  EXPECT_EQ(Value(IcebergTable::kRecords), 0);
}

// A zombie: the commit went through, and its successor appends the same again.
TEST_F(IcebergTableTest, TheSameOffsetsTwiceAreDuplicates) {
  const TableAppend append = Append(1, 0, 2);
  CommitNow(append);
  CommitNow(append);
  EXPECT_EQ(Value(IcebergTable::kDuplicates), 20);
  EXPECT_EQ(Value(IcebergTable::kRecords), 40);
  EXPECT_EQ(table.VisibleTo(7), 20);
}

TEST_F(IcebergTableTest, TheCatalogSaysWhoseTheCurrentSnapshotIs) {
  std::vector<uint64_t> loaded;
  const auto load = [this, &loaded] {
    table.Load([&loaded](IcebergTable::Loaded answer) { loaded.push_back(answer.append); });
    sim.Run();
  };
  load();
  CommitNow(Append(41, 0, 1));
  load();
  EXPECT_EQ(loaded, (std::vector<uint64_t>{0, 41}));
}

TEST_F(IcebergTableTest, NothingIsCommittedWhileTheCatalogIsDown) {
  table.SetDown(true);
  Begin(Append(1, 0, 1));
  sim.Run();
  EXPECT_EQ(outcomes, std::vector{TableOutcome::kFailed});
  EXPECT_EQ(Millis(at[0]), 50);
}

TEST_F(IcebergTableTest, AHundredManifestsAreMergedIntoOne) {
  Offset from = 0;
  for (uint64_t id = 1; id <= 99; ++id, from += 10) CommitNow(Append(id, from, 1));
  EXPECT_EQ(Value(IcebergTable::kManifests), 99);
  const int64_t reads = Store(ObjectStore::kGetRequests);
  // The hundredth: its list, 99 manifests to read at 20 ms, the merged one to write.
  EXPECT_EQ(CommitNow(Append(100, from, 1)), 450 + 20 + 99 * 20 + 100);
  EXPECT_EQ(Value(IcebergTable::kManifests), 1);
  EXPECT_EQ(Store(ObjectStore::kGetRequests) - reads, 100);
  EXPECT_EQ(Value(IcebergTable::kFiles), 100);
}

class ExpiryTest : public IcebergTableTest {
 protected:
  static IcebergTable::Config Config() {
    IcebergTable::Config config = QuietTable();
    config.snapshot_age = Minutes(1);
    config.metadata_kept = 2;
    config.delete_metadata = true;
    return config;
  }
  ExpiryTest() : IcebergTableTest(Config()) {}
};

// Two snapshots are too old when the third commit comes: it reads the list of the current one, then
// those of both once more, one after the other, and deletes both.
TEST_F(ExpiryTest, OldSnapshotsLeaveWithACommitThatReadsAllLists) {
  CommitNow(Append(1, 0, 1));
  CommitNow(Append(2, 10, 1));
  sim.RunUntil(Time() + Minutes(2));
  EXPECT_EQ(CommitNow(Append(3, 20, 1)), 450 + 20 + 2 * 20);
  EXPECT_EQ(Value(IcebergTable::kLiveSnapshots), 1);
  EXPECT_EQ(Store(ObjectStore::kDeleteRequests), 2);
  EXPECT_EQ(Value(IcebergTable::kRecords), 30);  // Rows stay.

  // The metadata file remembers two versions before it; a fourth has the first deleted.
  CommitNow(Append(4, 30, 1));
  EXPECT_EQ(Store(ObjectStore::kDeleteRequests), 3);
}

class OrphanTest : public IcebergTableTest {
 protected:
  static IcebergTable::Config Config() {
    IcebergTable::Config config = QuietTable();
    config.orphan_age = Minutes(10);
    return config;
  }
  OrphanTest() : IcebergTableTest(Config()) {}
};

TEST_F(OrphanTest, FilesThatNobodyCommitsAreBilledUntilTheyAreDeleted) {
  const TableAppend lost = Append(1, 0, 2);
  const TableAppend late = Append(2, 0, 1);
  for (const TableFile& file : lost.files) table.FileDropped(file.object);
  for (const TableFile& file : late.files) table.FileDropped(file.object);
  EXPECT_EQ(Value(IcebergTable::kOrphans), 3);
  EXPECT_EQ(Value(IcebergTable::kOrphanBytes), 3'000'000);
  const IcebergTable::CommitKey key = Begin(late);  // Somebody had it in a commit.
  sim.RunUntil(Time() + Seconds(1));
  Commit(key);
  sim.RunUntil(Time() + Minutes(9));
  EXPECT_EQ(Value(IcebergTable::kOrphans), 2);
  EXPECT_EQ(store.stored(), Bytes(3'000'000 + 4500 + 2100 + 5700));
  sim.Run();
  EXPECT_EQ(Value(IcebergTable::kOrphans), 0);
  EXPECT_EQ(Store(ObjectStore::kDeleteRequests), 2);
  EXPECT_EQ(Value(IcebergTable::kFiles), 1);
}

TEST_F(IcebergTableTest, AuditNoticesRowsThatNoSnapshotHas) {
  CommitNow(Append(1, 0, 1));
  IcebergTableTestPeer::Lose(table, 7);
  EXPECT_THROW(sim.Run(), InvariantBroken);
}

}  // namespace
}  // namespace freshet
