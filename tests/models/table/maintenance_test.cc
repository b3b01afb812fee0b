// Iceberg's procedures of maintenance: what an expiry, a rewrite of manifests and a removal of
// orphans read, write and delete, what conflicts with them, and who notices.
#include <gtest/gtest.h>

#include <vector>

#include "models/sink/iceberg_table.h"
#include "models/sink/manifest_rewriter.h"
#include "models/sink/orphan_file_remover.h"
#include "models/sink/snapshot_expirer.h"
#include "models/sink/table_planner.h"
#include "tests/models/metrics.h"
#include "tests/models/table/quiet_table.h"

namespace freshet {
namespace {

// Bodies take some nanoseconds each; the rest is whole milliseconds.
int64_t Millis(int64_t nanos) { return nanos / 1'000'000; }

Network::Config OneZone() {
  Network::Config config;
  config.zones = {"a"};
  config.rtt_within_zone = config.rtt_across_zones = Sampler::Constant(0);
  return config;
}

// Nobody expires with commits.
IcebergTable::Config Kept() {
  IcebergTable::Config config = QuietTable();
  config.knows_files = true;
  config.is_planned = true;
  config.is_overwritten = true;
  config.knows_strays = true;
  return config;
}

class MaintenanceTest : public testing::Test {
 protected:
  MaintenanceTest()
      : sim(1),
        network(sim, "network", OneZone()),
        store(sim, "warehouse", InstantBodies()),
        table(sim, "lake", &store, &network, Kept()),
        host(network.AddHost("committer", 0, BytesPerSecond(int64_t{1} << 45))),
        client(sim, "committer/client", &store, &network, host, ObjectClient::Defaults(4)) {}

  TableFile File(int64_t records, int64_t partition = 0) {
    TableFile file = {table.NewFile(), Bytes(records * 100'000), records, partition};
    store.SetObject(file.object, file.bytes);
    table.FileWritten(file);
    return file;
  }
  // Files of 1 MB with ten records each, of one partition of the table.
  TableAppend Append(uint64_t id, int64_t files, int64_t partition = 0) {
    TableAppend append;
    append.id = id;
    for (int64_t i = 0; i < files; ++i) append.files.push_back(File(10, partition));
    return append;
  }
  TableAppend Rewrite(const std::vector<TableFile>& old) {
    TableAppend rewrite;
    rewrite.id = 1;
    int64_t records = 0;
    for (const TableFile& file : old) {
      rewrite.replaces.push_back(file.object);
      records += file.records;
    }
    rewrite.files = {File(records, old.front().partition)};
    return rewrite;
  }
  // Takes the place of `partition` with one file of ten records.
  TableAppend Overwrite(uint64_t id, int64_t partition,
                        TableAppend::Isolation isolation = TableAppend::Isolation::kNone) {
    TableAppend overwrite = Append(id, 1, partition);
    overwrite.overwrites = true;
    overwrite.isolation = isolation;
    overwrite.validates_from = table.version();
    return overwrite;
  }
  IcebergTable::CommitKey Stage(const TableAppend& append) {
    const IcebergTable::CommitKey key =
        table.Begin(append, &client, [this](TableOutcome outcome) { outcomes.push_back(outcome); });
    Settle();
    return key;
  }
  void Commit(IcebergTable::CommitKey key) {
    const Time began = sim.Now();
    table.Commit(key, [this, began](TableOutcome outcome) {
      outcomes.push_back(outcome);
      took = Millis((sim.Now() - began).nanos());
    });
    Settle();
  }
  void CommitNow(const TableAppend& append) { Commit(Stage(append)); }
  // Longer than any request here, shorter than any schedule.
  void Settle() { sim.RunUntil(sim.Now() + Seconds(2)); }
  int64_t Value(const MetricDef& def) const { return ValueOf(sim, table, def); }
  int64_t Store(const MetricDef& def) const { return ValueOf(sim, store, def); }

  Simulation sim;
  Network network;
  ObjectStore store;
  IcebergTable table;
  HostId host;
  ObjectClient client;
  std::vector<TableOutcome> outcomes;
  int64_t took = 0;
};

SnapshotExpirer::Config Expiring(Duration every, Duration older_than, int64_t retain_last = 1) {
  return {every, older_than, retain_last, ObjectClient::Defaults(1)};
}

// --- expire_snapshots ---

// Three snapshots, all older than 30 s, and the last is retained. Load 50, metadata file 100, swap
// 50; the lists of all three, 20 each; and the lists of two deleted side by side, 100.
TEST_F(MaintenanceTest, AnExpiryIsACommitAndThenReadsTheListsOfAllSnapshots) {
  for (uint64_t id = 1; id <= 3; ++id) CommitNow(Append(id, 1));
  const int64_t puts = Store(ObjectStore::kPutRequests);
  const int64_t gets = Store(ObjectStore::kGetRequests);
  SnapshotExpirer job(sim, "job", &table, &network, host, Expiring(Minutes(1), Seconds(30)));
  sim.RunUntil(sim.Now() + Seconds(70));
  EXPECT_EQ(Value(IcebergTable::kLiveSnapshots), 1);
  EXPECT_EQ(ValueOf(sim, job, SnapshotExpirer::kSnapshots), 2);
  EXPECT_EQ(ValueOf(sim, job, SnapshotExpirer::kMetadataFiles), 2);
  EXPECT_EQ(ValueOf(sim, job, SnapshotExpirer::kDataFiles), 0);  // Appends lose no file.
  EXPECT_EQ(Millis(HistogramOf(sim, job, SnapshotExpirer::kTime).max()), 50 + 100 + 50 + 60 + 100);
  EXPECT_EQ(Store(ObjectStore::kPutRequests) - puts, 1);
  EXPECT_EQ(Store(ObjectStore::kGetRequests) - gets, 3);
  EXPECT_EQ(Store(ObjectStore::kDeleteRequests), 2);
  EXPECT_EQ(Value(IcebergTable::kSnapshots), 3);  // It made none.
  EXPECT_EQ(Value(IcebergTable::kFiles), 3);
}

TEST_F(MaintenanceTest, WhatIsYoungOrAmongTheLastIsKept) {
  for (uint64_t id = 1; id <= 3; ++id) CommitNow(Append(id, 1));
  SnapshotExpirer two(sim, "two", &table, &network, host, Expiring(Minutes(1), Seconds(30), 2));
  SnapshotExpirer old(sim, "old", &table, &network, host, Expiring(Minutes(2), Minutes(10)));
  sim.RunUntil(sim.Now() + Seconds(130));
  EXPECT_EQ(Value(IcebergTable::kLiveSnapshots), 2);
  EXPECT_EQ(ValueOf(sim, two, SnapshotExpirer::kSnapshots), 1);
  EXPECT_EQ(ValueOf(sim, old, SnapshotExpirer::kSnapshots), 0);
  EXPECT_EQ(ValueOf(sim, old, SnapshotExpirer::kRuns), 1);
}

// A rewrite has taken three files out of a manifest. With the snapshot that has them go: they, that
// manifest, and the list. 200 for the commit, two lists 40, the manifest 20, deletes 100.
TEST_F(MaintenanceTest, DataFilesGoWithTheLastSnapshotThatHasThem) {
  const TableAppend first = Append(1, 3);
  CommitNow(first);
  CommitNow(Rewrite(first.files));
  EXPECT_EQ(Value(IcebergTable::kRetiredBytes), 3'000'000);
  SnapshotExpirer job(sim, "job", &table, &network, host, Expiring(Minutes(1), Seconds(30)));
  sim.RunUntil(sim.Now() + Seconds(70));
  EXPECT_EQ(ValueOf(sim, job, SnapshotExpirer::kDataFiles), 3);
  EXPECT_EQ(ValueOf(sim, job, SnapshotExpirer::kMetadataFiles), 2);
  EXPECT_EQ(Millis(HistogramOf(sim, job, SnapshotExpirer::kTime).max()), 200 + 40 + 20 + 100);
  EXPECT_EQ(Value(IcebergTable::kRetiredBytes), 0);
  for (const TableFile& file : first.files) EXPECT_FALSE(store.SizeOf(file.object).has_value());
  EXPECT_EQ(Value(IcebergTable::kFiles), 1);
}

// In seconds of theirs: the reader plans at 60 and goes back at 90; by then a second snapshot came,
// and the first was expired at 80. The one that it plans at 120 is retained.
TEST_F(MaintenanceTest, AReaderOfAnExpiredSnapshotFails) {
  CommitNow(Append(1, 1));
  TablePlanner::Config config;
  config.every = Minutes(1);
  config.object_client = ObjectClient::Defaults(1);
  config.goes_back_after = Seconds(30);
  TablePlanner reader(sim, "reader", &table, &network, host, config);
  SnapshotExpirer job(sim, "job", &table, &network, host, Expiring(Seconds(80), Seconds(1)));
  sim.RunUntil(sim.Now() + Seconds(65));
  CommitNow(Append(2, 1));
  sim.RunUntil(Time() + Seconds(155));
  EXPECT_EQ(ValueOf(sim, reader, TablePlanner::kExpired), 1);
  EXPECT_EQ(ValueOf(sim, reader, TablePlanner::kWentBack), 1);
  EXPECT_EQ(ValueOf(sim, reader, TablePlanner::kFailed), 0);
}

// The swap of an expiry moves the table on: an append that loaded it before has to try again.
TEST_F(MaintenanceTest, AnExpiryIsSomebodyElsesCommit) {
  CommitNow(Append(1, 1));
  CommitNow(Append(2, 1));
  const IcebergTable::CommitKey key = Stage(Append(3, 1));
  bool expired = false;
  table.ExpireSnapshots(Milliseconds(1), 1, &client, [&expired](const IcebergTable::Expired& did) {
    expired = did.outcome == TableOutcome::kVisible && did.snapshots == 1;
  });
  // It swaps at 200 ms; the append has loaded at 195, writes until 295, and swaps at 345: refused.
  sim.RunUntil(sim.Now() + Milliseconds(145));
  Commit(key);
  EXPECT_TRUE(expired);
  EXPECT_EQ(outcomes.back(), TableOutcome::kVisible);
  EXPECT_EQ(Value(IcebergTable::kConflicts), 1);
  EXPECT_EQ(Value(IcebergTable::kRecords), 30);
}

// --- rewrite_manifests ---

// Two threads read five manifests in three rounds, and one in one. The job: load 50, all metadata
// 20 side by side, the new manifest 100; load 50, list 20, the new list 100, metadata file 100,
// swap 50.
TEST_F(MaintenanceTest, FewerManifestsAreReadForAPlan) {
  for (uint64_t id = 1; id <= 5; ++id) CommitNow(Append(id, 1));
  TablePlanner::Config config;
  config.every = Minutes(1);
  config.threads = 2;
  config.object_client = ObjectClient::Defaults(1);
  TablePlanner reader(sim, "reader", &table, &network, host, config);
  ManifestRewriter job(sim, "job", &table, &network, host,
                       {Seconds(90), ObjectClient::Defaults(1)});
  sim.RunUntil(sim.Now() + Seconds(85));
  const auto planning = [this] { return HistogramOf(sim, table, IcebergTable::kPlanningTime); };
  EXPECT_EQ(Millis(planning().max()), 50 + 20 + 20 + 3 * 20);
  sim.RunUntil(sim.Now() + Seconds(50));
  EXPECT_EQ(planning().count(), 2);
  EXPECT_EQ(Millis(planning().min()), 50 + 20 + 20 + 20);
  EXPECT_EQ(Value(IcebergTable::kManifests), 1);
  EXPECT_EQ(Value(IcebergTable::kFiles), 5);
  EXPECT_EQ(ValueOf(sim, job, ManifestRewriter::kRewritten), 5);
  EXPECT_EQ(ValueOf(sim, job, ManifestRewriter::kAdded), 1);
  EXPECT_EQ(Millis(HistogramOf(sim, job, ManifestRewriter::kTime).max()),
            50 + 20 + 100 + 50 + 20 + 100 + 100 + 50);
  // Files are found in the new manifest: a rewrite of them filters that.
  std::vector<TableFile> all;
  table.VisitFiles([&all](const TableFile& file) { all.push_back(file); });
  CommitNow(Rewrite({all[0], all[3]}));
  EXPECT_EQ(Value(IcebergTable::kFiles), 4);
  EXPECT_EQ(Value(IcebergTable::kManifests), 2);
}

class ManifestConflictTest : public MaintenanceTest {
 protected:
  // One manifest for all that the table has now, written and not swapped in.
  void Replace(const std::vector<IcebergTable::Part>& manifests) {
    std::vector<ObjectId> old;
    int64_t files = 0;
    for (const IcebergTable::Part& manifest : manifests) {
      old.push_back(manifest.object);
      files += manifest.files;
    }
    const IcebergTable::Part made = {table.NewManifest(), table.ManifestBytes(files), files};
    store.SetObject(made.object, made.bytes);
    table.ReplaceManifests(old, {made}, &client,
                           [this](TableOutcome outcome) { outcomes.push_back(outcome); });
    Settle();
  }
};

TEST_F(ManifestConflictTest, WhatWasAppendedMeanwhileStaysBesideIt) {
  for (uint64_t id = 1; id <= 3; ++id) CommitNow(Append(id, 1));
  const auto before = table.CurrentMetadata().manifests;
  CommitNow(Append(4, 1));
  Replace(before);
  EXPECT_EQ(outcomes.back(), TableOutcome::kVisible);
  EXPECT_EQ(Value(IcebergTable::kManifests), 2);
  EXPECT_EQ(Value(IcebergTable::kFiles), 4);
}

TEST_F(ManifestConflictTest, AManifestThatWasFilteredMeanwhileFailsItForGood) {
  const TableAppend first = Append(1, 3);
  CommitNow(first);
  CommitNow(Append(2, 1));
  const auto before = table.CurrentMetadata().manifests;
  CommitNow(Rewrite({first.files[0], first.files[1]}));
  Replace(before);
  EXPECT_EQ(outcomes.back(), TableOutcome::kFailed);
  EXPECT_EQ(Value(IcebergTable::kFailedCommits), 1);
  EXPECT_EQ(Value(IcebergTable::kFiles), 3);
}

// --- remove_orphan_files ---

// Two data files that nobody commits, and the manifest and the list of a committer that died at
// 390 ms, before its metadata file was there. At 60 s they are younger than 100 s. A run lists one
// page: load 50, the page 20, deletes 100.
TEST_F(MaintenanceTest, OrphansAreDeletedWhenTheyAreOldEnough) {
  for (const TableFile& file : {File(10), File(10)}) table.FileDropped(file.object);
  TableAppend append = Append(1, 1);
  const IcebergTable::CommitKey key =
      table.Begin(append, &client, [](TableOutcome outcome) { (void)outcome; });
  sim.RunUntil(Time() + Milliseconds(260));
  table.Commit(key, [](TableOutcome outcome) { (void)outcome; });
  sim.RunUntil(Time() + Milliseconds(390));
  client.DropAll();
  table.Abandon(key);
  OrphanFileRemover job(sim, "job", &table, &network, host,
                        {Minutes(1), Seconds(100), ObjectClient::Defaults(1)});
  sim.RunUntil(Time() + Seconds(100));
  EXPECT_EQ(Value(IcebergTable::kOrphans), 2);
  EXPECT_EQ(ValueOf(sim, job, OrphanFileRemover::kRuns), 1);
  const int64_t puts = Store(ObjectStore::kPutRequests);
  sim.RunUntil(Time() + Seconds(150));
  EXPECT_EQ(ValueOf(sim, job, OrphanFileRemover::kDataFiles), 2);
  EXPECT_EQ(ValueOf(sim, job, OrphanFileRemover::kMetadataFiles), 2);
  EXPECT_EQ(Value(IcebergTable::kOrphans), 0);
  EXPECT_EQ(Store(ObjectStore::kPutRequests) - puts, 1);  // A listing is billed as a PUT.
  EXPECT_EQ(Millis(HistogramOf(sim, job, OrphanFileRemover::kTime).max()), 50 + 20 + 100);
  // The file that its writer still holds is spared.
  EXPECT_TRUE(store.SizeOf(append.files[0].object).has_value());
  EXPECT_EQ(store.object_count(), 1U);
}

// 1501 keys are two pages, one after the other.
TEST_F(MaintenanceTest, AThousandKeysAreAPage) {
  CommitNow(Append(1, 1));
  while (store.object_count() < 1'501) File(1);
  OrphanFileRemover job(sim, "job", &table, &network, host,
                        {Minutes(1), Hours(72), ObjectClient::Defaults(1)});
  sim.RunUntil(sim.Now() + Seconds(70));
  EXPECT_EQ(ValueOf(sim, job, OrphanFileRemover::kPages), 2);
  // Load 50; metadata file, list and manifest 20 side by side; two pages 40.
  EXPECT_EQ(Millis(HistogramOf(sim, job, OrphanFileRemover::kTime).max()), 50 + 20 + 40);
}

// --- Overwrites of partitions ---

// One manifest lists three files of partition 0 and two of partition 1; the three go. Staged and
// committed: load 50 is before the clock of Commit(); it loads 50, metadata 100, swap 50.
TEST_F(MaintenanceTest, AnOverwriteTakesThePlaceOfItsPartitions) {
  TableAppend both = Append(1, 3, 0);
  const TableAppend other = Append(1, 2, 1);
  both.files.insert(both.files.end(), other.files.begin(), other.files.end());
  CommitNow(both);
  CommitNow(Overwrite(2, 0));
  EXPECT_EQ(outcomes.back(), TableOutcome::kVisible);
  EXPECT_EQ(took, 200);
  EXPECT_EQ(Value(IcebergTable::kFiles), 3);
  EXPECT_EQ(Value(IcebergTable::kFilesOverwritten), 3);
  EXPECT_EQ(Value(IcebergTable::kOverwrites), 1);
  EXPECT_EQ(Value(IcebergTable::kBytes), 3'000'000);
  EXPECT_EQ(Value(IcebergTable::kRetiredBytes), 3'000'000);
  EXPECT_EQ(Value(IcebergTable::kManifests), 2);
  EXPECT_EQ(Value(IcebergTable::kRecords), 60);
}

// Staged, and then somebody appends to the same partition: the commit finds a newer table, and
// drops what came as well. Told to be serializable it fails instead.
TEST_F(MaintenanceTest, WhatIsAppendedMeanwhileIsDroppedOrAConflict) {
  using Isolation = TableAppend::Isolation;
  CommitNow(Append(1, 3));
  uint64_t id = 2;
  for (const Isolation isolation : {Isolation::kNone, Isolation::kSnapshot}) {
    const IcebergTable::CommitKey key = Stage(Overwrite(id++, 0, isolation));
    CommitNow(Append(id++, 2));
    Commit(key);
    EXPECT_EQ(outcomes.back(), TableOutcome::kVisible);
    EXPECT_EQ(Value(IcebergTable::kFiles), 1);
  }
  EXPECT_EQ(Value(IcebergTable::kFilesOverwritten), 3 + 2 + 1 + 2);
  IcebergTable::CommitKey key = Stage(Overwrite(id++, 0, Isolation::kSerializable));
  CommitNow(Append(id++, 2, 1));  // Another partition is none of its concern.
  Commit(key);
  EXPECT_EQ(outcomes.back(), TableOutcome::kVisible);
  key = Stage(Overwrite(id++, 0, Isolation::kSerializable));
  CommitNow(Append(id++, 2));
  Commit(key);
  EXPECT_EQ(outcomes.back(), TableOutcome::kFailed);
  EXPECT_EQ(took, 50);  // Seen as it loads the table; not tried again.
  EXPECT_EQ(Value(IcebergTable::kFiles), 1 + 2 + 2);
}

// A rewrite keeps all rows, but files go: a conflict for a snapshot's isolation, none without. And
// the other way round a rewrite of files that an overwrite has dropped fails for good.
TEST_F(MaintenanceTest, RewritesAndOverwritesOfOnePartition) {
  using Isolation = TableAppend::Isolation;
  const TableAppend first = Append(1, 3);
  CommitNow(first);
  const IcebergTable::CommitKey checked = Stage(Overwrite(2, 0, Isolation::kSnapshot));
  const IcebergTable::CommitKey unchecked = Stage(Overwrite(3, 0));
  const IcebergTable::CommitKey late = Stage(Rewrite({first.files[0], first.files[2]}));
  CommitNow(Rewrite({first.files[0], first.files[1]}));
  Commit(checked);
  EXPECT_EQ(outcomes.back(), TableOutcome::kFailed);
  Commit(unchecked);
  EXPECT_EQ(outcomes.back(), TableOutcome::kVisible);
  EXPECT_EQ(Value(IcebergTable::kFiles), 1);
  Commit(late);
  EXPECT_EQ(outcomes.back(), TableOutcome::kFailed);
  EXPECT_EQ(Value(IcebergTable::kFailedCommits), 2);
}

}  // namespace
}  // namespace freshet
