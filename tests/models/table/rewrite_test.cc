// Rewrites of data files: what a commit of them costs, what it conflicts with, what is worth it.
#include <gtest/gtest.h>

#include <vector>

#include "models/sink/data_file_rewriter.h"
#include "models/sink/iceberg_table.h"
#include "models/sink/table_planner.h"
#include "tests/models/metrics.h"
#include "tests/models/table/quiet_table.h"

namespace freshet {
namespace {

// Bodies take some nanoseconds each; the rest is whole milliseconds.
int64_t Millis(Duration time) { return time.nanos() / 1'000'000; }

Network::Config OneZone() {
  Network::Config config;
  config.zones = {"a"};
  config.rtt_within_zone = config.rtt_across_zones = Sampler::Constant(0);
  return config;
}

IcebergTable::Config Known() {
  IcebergTable::Config config = QuietTable();
  config.knows_files = true;
  config.is_planned = true;
  config.snapshot_age = Seconds(30);
  return config;
}

class RewriteTest : public testing::Test {
 protected:
  RewriteTest()
      : sim(1),
        network(sim, "network", OneZone()),
        store(sim, "warehouse", InstantBodies()),
        table(sim, "lake", &store, &network, Known()),
        host(network.AddHost("committer", 0, BytesPerSecond(int64_t{1} << 45))),
        client(sim, "committer/client", &store, &network, host, ObjectClient::Defaults(4)) {}

  TableFile File(int64_t records, int64_t partition = 0) {
    TableFile file = {table.NewFile(), Bytes(records * 100'000), records, partition};
    store.SetObject(file.object, file.bytes);
    return file;
  }
  // Files of 1 MB with ten records each.
  TableAppend Append(uint64_t id, int64_t files) {
    TableAppend append;
    append.id = id;
    for (int64_t i = 0; i < files; ++i) append.files.push_back(File(10));
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
    rewrite.files = {File(records)};
    return rewrite;
  }
  IcebergTable::CommitKey Stage(const TableAppend& append) {
    const IcebergTable::CommitKey key =
        table.Begin(append, &client, [this](TableOutcome outcome) { outcomes.push_back(outcome); });
    sim.Run();
    return key;
  }
  void Commit(IcebergTable::CommitKey key) {
    table.Commit(key, [this](TableOutcome outcome) {
      outcomes.push_back(outcome);
      ended = sim.Now();  // What is deleted afterwards is on its way.
    });
    sim.Run();
  }
  int64_t CommitNow(const TableAppend& append) {
    const Time began = sim.Now();
    Commit(Stage(append));
    return Millis(ended - began);
  }
  int64_t Value(const MetricDef& def) const { return ValueOf(sim, table, def); }

  Simulation sim;
  Network network;
  ObjectStore store;
  IcebergTable table;
  HostId host;
  ObjectClient client;
  std::vector<TableOutcome> outcomes;
  Time ended;
};

// Load 50, the new manifest 100, list 20, the old manifest 20, the new list 100; load 50, metadata
// file 100, swap 50. Nothing is left in the old manifest, so it is dropped.
TEST_F(RewriteTest, OldFilesGoAndTheirRowsStay) {
  const TableAppend first = Append(1, 3);
  CommitNow(first);
  CommitNow(Append(2, 2));
  EXPECT_EQ(CommitNow(Rewrite(first.files)), 490);
  EXPECT_EQ(outcomes.back(), TableOutcome::kVisible);
  EXPECT_EQ(Value(IcebergTable::kRecords), 50);
  EXPECT_EQ(Value(IcebergTable::kFiles), 3);
  EXPECT_EQ(Value(IcebergTable::kBytes), 5'000'000);
  EXPECT_EQ(Value(IcebergTable::kManifests), 2);
  EXPECT_EQ(Value(IcebergTable::kRewrites), 1);
  EXPECT_EQ(Value(IcebergTable::kFilesRewritten), 3);
  EXPECT_EQ(Value(IcebergTable::kBytesRewritten), 3'000'000);
  EXPECT_EQ(Value(IcebergTable::kRetiredBytes), 3'000'000);
  // One file of 1 MB is above a MiB? No: 1 000 000 < 1 048 576; the rewritten one has 3 MB.
  EXPECT_EQ(Value(IcebergTable::kFilesOfSize[0]), 2);
  EXPECT_EQ(Value(IcebergTable::kFilesOfSize[1]), 1);
}

// A manifest with a file that stays is written anew: 100 more.
TEST_F(RewriteTest, AManifestWithFilesThatStayIsFiltered) {
  const TableAppend first = Append(1, 3);
  CommitNow(first);
  EXPECT_EQ(CommitNow(Rewrite({first.files[0], first.files[2]})), 590);
  EXPECT_EQ(Value(IcebergTable::kManifests), 2);
  EXPECT_EQ(Value(IcebergTable::kFiles), 2);
  // And again, of what is in two manifests now.
  std::vector<TableFile> all;
  table.VisitFiles([&all](const TableFile& file) { all.push_back(file); });
  ASSERT_EQ(all.size(), 2U);
  CommitNow(Rewrite(all));
  EXPECT_EQ(Value(IcebergTable::kFiles), 1);
  EXPECT_EQ(Value(IcebergTable::kManifests), 1);
  EXPECT_EQ(Value(IcebergTable::kRecords), 30);
}

// Staged on the state before an append: load 50, the newer list 20, a list of all 100, metadata
// 100, swap 50. What was filtered holds.
TEST_F(RewriteTest, AnAppendInBetweenIsNoConflict) {
  const TableAppend first = Append(1, 3);
  CommitNow(first);
  const IcebergTable::CommitKey key = Stage(Rewrite({first.files[0], first.files[1]}));
  CommitNow(Append(2, 1));
  const Time began = sim.Now();
  Commit(key);
  EXPECT_EQ(Millis(ended - began), 320);
  EXPECT_EQ(outcomes.back(), TableOutcome::kVisible);
  EXPECT_EQ(Value(IcebergTable::kFiles), 3);
  EXPECT_EQ(Value(IcebergTable::kManifests), 3);
  EXPECT_EQ(Value(IcebergTable::kConflicts), 0);
}

TEST_F(RewriteTest, TwoRewritesOfOneFileConflictForGood) {
  const TableAppend first = Append(1, 3);
  CommitNow(first);
  const IcebergTable::CommitKey one = Stage(Rewrite({first.files[0], first.files[1]}));
  const IcebergTable::CommitKey other = Stage(Rewrite({first.files[1], first.files[2]}));
  Commit(one);
  EXPECT_EQ(outcomes.back(), TableOutcome::kVisible);
  const Time began = sim.Now();
  Commit(other);
  EXPECT_EQ(outcomes.back(), TableOutcome::kFailed);
  EXPECT_EQ(Millis(ended - began), 50);  // Seen as it loads the table; not tried again.
  EXPECT_EQ(Value(IcebergTable::kFailedCommits), 1);
  EXPECT_EQ(Value(IcebergTable::kFiles), 2);
}

// Snapshots are expired after 30 s with the next commit; what only they had is deleted.
TEST_F(RewriteTest, OldFilesAreDeletedWithTheLastSnapshotThatHasThem) {
  const TableAppend first = Append(1, 3);
  CommitNow(first);
  CommitNow(Rewrite(first.files));
  sim.RunUntil(sim.Now() + Seconds(60));
  const Bytes before = store.stored();
  CommitNow(Append(2, 1));
  sim.Run();
  EXPECT_EQ(Value(IcebergTable::kRetiredBytes), 0);
  EXPECT_LT(store.stored(), before - Bytes(1'900'000));  // 3 MB went, 1 MB came.
}

DataFileRewriter::Config Packing() {
  DataFileRewriter::Config config;
  config.every = Seconds(60);
  config.target_file = Bytes(10'000'000);
  config.min_input_files = 5;
  config.max_group = Bytes(100'000'000);
  config.groups_at_once = 5;
  config.cpu_per_mib = Duration::Zero();
  config.part_size = MiB(32);
  config.object_client = ObjectClient::Defaults(1);
  return config;
}

// Below 75 % and above 180 % of 10 MB; five files, or more than 10 MB of fewer; each partition for
// itself.
TEST_F(RewriteTest, WhatIsWorthIt) {
  const auto files = [this](int64_t count, int64_t records, int64_t partition) {
    std::vector<TableFile> made;
    for (int64_t i = 0; i < count; ++i) made.push_back(File(records, partition));
    return made;
  };
  const auto groups = [](std::vector<std::vector<TableFile>> parts) {
    std::vector<TableFile> all;
    for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
    return DataFileRewriter::Pack(all, Packing());
  };
  EXPECT_TRUE(groups({files(4, 10, 0)}).empty());  // 4 of 1 MB.
  EXPECT_TRUE(groups({files(4, 10, 0), files(4, 10, 1)}).empty());
  EXPECT_TRUE(groups({files(9, 80, 0)}).empty());  // 8 MB is good enough.
  ASSERT_EQ(groups({files(5, 10, 0)}).size(), 1U);
  EXPECT_EQ(groups({files(5, 10, 0)})[0].outputs, 1);
  ASSERT_EQ(groups({files(2, 60, 0)}).size(), 1U);  // 12 MB: one of 12, not 10 and 2.
  EXPECT_EQ(groups({files(2, 60, 0)})[0].outputs, 1);
  ASSERT_EQ(groups({files(1, 400, 0)}).size(), 1U);  // 40 MB are cut.
  EXPECT_EQ(groups({files(1, 400, 0)})[0].outputs, 4);
  EXPECT_EQ(groups({files(20, 60, 0)}).size(), 2U);  // 16 of 6 MB are a group.
}

// After 60 s: load 50, metadata, list and manifest 20 side by side; six files 20, the new one 100;
// and the commit, 490, and 20 for the list of the snapshot that it expires.
TEST_F(RewriteTest, TheJobReadsWritesAndCommits) {
  CommitNow(Append(1, 6));
  DataFileRewriter job(sim, "job", &table, &network, host, Packing());
  const Time began = sim.Now();
  sim.RunUntil(began + Seconds(100));
  EXPECT_EQ(Value(IcebergTable::kFiles), 1);
  EXPECT_EQ(Value(IcebergTable::kBacklogFiles), 0);
  EXPECT_EQ(ValueOf(sim, job, DataFileRewriter::kRuns), 1);
  const auto& times = HistogramOf(sim, job, DataFileRewriter::kTime);
  EXPECT_EQ(times.count(), 1);
  EXPECT_EQ(times.max() / 1'000'000, 50 + 20 + 20 + 100 + 490 + 20);
}

// Load 50, metadata 20, list 20; three manifests by two threads 40, and five entries of 1 ms each:
// 25 ms a manifest, two of them one after the other.
TEST_F(RewriteTest, PlanningReadsAllManifests) {
  for (uint64_t id = 1; id <= 3; ++id) CommitNow(Append(id, 5));
  TablePlanner::Config config;
  config.every = Seconds(60);
  config.threads = 2;
  config.time_per_file = Milliseconds(1);
  config.object_client = ObjectClient::Defaults(1);
  TablePlanner planner(sim, "planner", &table, &network, host, config);
  sim.RunUntil(sim.Now() + Seconds(100));
  const auto& times = HistogramOf(sim, table, IcebergTable::kPlanningTime);
  EXPECT_EQ(times.count(), 1);
  EXPECT_EQ(times.max() / 1'000'000, 50 + 20 + 20 + 2 * (20 + 5));
  EXPECT_EQ(HistogramOf(sim, planner, TablePlanner::kFiles).max(), 15);
}

}  // namespace
}  // namespace freshet
