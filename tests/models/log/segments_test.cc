// Segments: where they end, and what retention would leave of them.
#include "models/log/segments.h"

#include <vector>

#include "gtest/gtest.h"
#include "models/log/partition_log.h"

namespace freshet {
namespace {

Time At(int64_t seconds) { return Time() + Seconds(seconds); }

// Batches of ten records and 100 bytes, one a second from second 1 on.
Batch BatchAt(int64_t second) {
  Batch batch;
  batch.record_count = 10;
  batch.bytes = Bytes(100);
  batch.created = {At(second), 1, At(second), At(second)};
  return batch;
}

// All committed. Segments hold 250 bytes, so two batches each: offsets 0, 20, 40 and so on.
PartitionLog LogOf(int64_t batches, Duration roll_after = Duration::Max()) {
  PartitionLog log(SegmentRules{Bytes(250), roll_after});
  for (int64_t i = 1; i <= batches; ++i) log.Append(BatchAt(i));
  log.AdvanceHighWatermark(log.log_end_offset(), Time(), 0);
  return log;
}

std::vector<Offset> BasesOf(const PartitionLog& log) {
  std::vector<Offset> bases;
  for (size_t i = 0; i < log.segments().size(); ++i) bases.push_back(log.segments()[i].base_offset);
  return bases;
}

TEST(SegmentsTest, ASegmentEndsBeforeTheBatchThatDoesNotFit) {
  EXPECT_EQ(BasesOf(LogOf(5)), (std::vector<Offset>{0, 20, 40}));
}

TEST(SegmentsTest, ABatchThatFitsExactlyComesIn) {
  PartitionLog log(SegmentRules{Bytes(200), Duration::Max()});
  for (int64_t i = 1; i <= 4; ++i) log.Append(BatchAt(i));
  EXPECT_EQ(BasesOf(log), (std::vector<Offset>{0, 20}));
}

TEST(SegmentsTest, ABatchLargerThanASegmentHasOneOfItsOwn) {
  PartitionLog log(SegmentRules{Bytes(50), Duration::Max()});
  for (int64_t i = 1; i <= 3; ++i) log.Append(BatchAt(i));
  EXPECT_EQ(BasesOf(log), (std::vector<Offset>{0, 10, 20}));
}

TEST(SegmentsTest, ASegmentEndsWhenABatchComesLongAfterItsFirst) {
  PartitionLog log(SegmentRules{Bytes(1000), Seconds(10)});
  for (const int64_t second : {0, 10, 11, 21, 22}) log.Append(BatchAt(second));
  EXPECT_EQ(BasesOf(log), (std::vector<Offset>{0, 20, 40}));  // 11 and 22 s come too late.
}

TEST(SegmentsTest, ASegmentIsOverdueWithItsLatestRecord) {
  const PartitionLog log = LogOf(5);  // Latest records at 2, 4 and 5 s.
  const Retention retention = {Seconds(60), {}};
  EXPECT_EQ(log.RetainedFrom(retention, At(62)), 0);  // Exactly 60 s old: kept.
  EXPECT_EQ(log.RetainedFrom(retention, At(63)), 20);
  EXPECT_EQ(log.RetainedFrom(retention, At(64)), 20);
  EXPECT_EQ(log.RetainedFrom(retention, At(65)), 40);
  EXPECT_EQ(log.RetainedFrom(retention, At(66)), 50);  // The last one goes, too.
}

TEST(SegmentsTest, BySizeWhatRemainsReachesTheLimit) {
  const PartitionLog log = LogOf(6);  // 600 bytes in three segments.
  const auto from = [&](int64_t bytes) {
    return log.RetainedFrom({Duration::Max(), Bytes(bytes)}, At(0));
  };
  EXPECT_EQ(from(600), 0);
  EXPECT_EQ(from(401), 0);  // 400 bytes would be too few.
  EXPECT_EQ(from(400), 20);
  EXPECT_EQ(from(200), 40);
  EXPECT_EQ(from(1), 40);
}

TEST(SegmentsTest, NothingAboveTheHighWatermarkGoes) {
  PartitionLog log(SegmentRules{Bytes(250), Duration::Max()});
  for (int64_t i = 1; i <= 5; ++i) log.Append(BatchAt(i));
  const Retention retention = {Seconds(1), {}};
  log.AdvanceHighWatermark(39, Time(), 0);
  EXPECT_EQ(log.RetainedFrom(retention, At(100)), 20);
  log.AdvanceHighWatermark(40, Time(), 0);
  EXPECT_EQ(log.RetainedFrom(retention, At(100)), 40);
}

TEST(SegmentsTest, ExpiryForgetsSegmentsAndTheirBytes) {
  PartitionLog log = LogOf(5);
  EXPECT_EQ(log.Expire(20), Bytes(200));
  EXPECT_EQ(BasesOf(log), (std::vector<Offset>{20, 40}));
  EXPECT_EQ(log.ExpiredUntil(), At(2));
  EXPECT_EQ(log.bytes(), Bytes(300));
  EXPECT_EQ(log.Expire(50), Bytes(300));
  EXPECT_TRUE(log.segments().empty());
  log.Audit();
  log.Append(BatchAt(9));  // The next one begins a segment.
  EXPECT_EQ(BasesOf(log), (std::vector<Offset>{50}));
  log.Audit();
}

TEST(SegmentsTest, ACutForgetsSegmentsBehindIt) {
  PartitionLog log = LogOf(5);
  log.Truncate(30, [](const LogRange&, int64_t) {});
  EXPECT_EQ(BasesOf(log), (std::vector<Offset>{0, 20}));
  log.Truncate(20, [](const LogRange&, int64_t) {});
  EXPECT_EQ(BasesOf(log), (std::vector<Offset>{0}));
  log.Audit();
}

// Coalesced ranges cross the bounds of segments; what a segment weighs stays exact.
TEST(SegmentsTest, ACoalescedRangeIsCutWhereItsSegmentEnds) {
  PartitionLog log(SegmentRules{Bytes(1'000), Duration::Max()});
  int64_t first_segment = 0;
  for (int64_t i = 1; i <= 1'000; ++i) {
    Batch batch = BatchAt(i);
    batch.bytes = Bytes(100 + i % 7);  // Nine of them fill a segment.
    if (i <= 9) first_segment += batch.bytes.count();
    log.Append(batch);
    log.AdvanceHighWatermark(log.log_end_offset(), Time(), 0);
    log.AllowCoalescingBelow(log.log_end_offset());
  }
  ASSERT_EQ(log.segments()[1].base_offset, 90);
  EXPECT_EQ(log.Expire(90), Bytes(first_segment));
  EXPECT_EQ(log.log_start_offset(), 90);
  log.Audit();
}

// A week at 10 records a second and 100 bytes each is 6 048 000 records and 604.8 MB.
LogHistory Week() { return {6'048'000, Bytes(604'800'000), Time() - Days(7), Time()}; }

TEST(SegmentsTest, AHistoryIsOneRangeAndItsSegments) {
  PartitionLog log(SegmentRules{Bytes(100'000'000), Duration::Max()});
  log.Fill(Week());
  EXPECT_EQ(log.range_count(), 1u);
  EXPECT_EQ(log.bytes(), Bytes(604'800'000));
  EXPECT_EQ(log.high_watermark(), 6'048'000);
  EXPECT_EQ(log.segments().size(), 7u);  // Six of a million records, and the rest.
  EXPECT_EQ(log.segments()[1].base_offset, 1'000'000);
  EXPECT_EQ(log.segments()[1].position, 100'000'000);
  EXPECT_EQ(log.segments()[1].first_created, Time() - Days(7) + Seconds(100'000));
  log.Audit();
}

TEST(SegmentsTest, TheSegmentsOfAHistoryRollByTime) {
  PartitionLog log(SegmentRules{GiB(1), Days(1)});
  log.Fill(Week());
  EXPECT_EQ(log.segments().size(), 7u);
}

TEST(SegmentsTest, AHistoryIsLookedUpByTime) {
  PartitionLog log(SegmentRules{Bytes(100'000'000), Duration::Max()});
  log.Fill(Week());
  EXPECT_EQ(log.FirstCreatedSince(Time() - Days(8)), 0);
  EXPECT_EQ(log.FirstCreatedSince(Time() - Seconds(1)), 6'047'990);
  EXPECT_EQ(log.FirstCreatedSince(At(1)), 6'048'000);
  EXPECT_EQ(log.OldestCreatedFrom(6'047'990), Time() - Seconds(1));
  log.Append(BatchAt(5));
  log.Append(BatchAt(7));
  log.AdvanceHighWatermark(log.log_end_offset(), Time(), 0);
  EXPECT_EQ(log.FirstCreatedSince(At(1)), 6'048'000);
  EXPECT_EQ(log.FirstCreatedSince(At(6)), 6'048'010);
  EXPECT_EQ(log.FirstCreatedSince(At(8)), 6'048'020);
}

}  // namespace
}  // namespace freshet
