#include "models/log/partition_log.h"

#include <deque>
#include <vector>

#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"
#include "sim/check.h"

namespace freshet {
namespace {

constexpr int64_t kRecordBytes = 10;

Batch BatchOf(int64_t records, int64_t sequence = 0, Time created = Time()) {
  Batch batch;
  batch.record_count = records;
  batch.bytes = Bytes(records * kRecordBytes);
  batch.sequence = sequence;
  batch.created = {created, 1, created, created};
  return batch;
}

struct Part {
  Offset base;
  int64_t records;
  int64_t bytes;
  friend bool operator==(const Part&, const Part&) = default;
};

std::vector<Part> ReadAll(const PartitionLog& log, Offset from, Offset limit, Bytes most,
                          Offset* next = nullptr) {
  std::vector<Part> parts;
  const Offset end =
      log.Read(from, limit, most, [&](const LogRange& range, int64_t records, Bytes b) {
        parts.push_back({range.base_offset, records, b.count()});
      });
  if (next != nullptr) *next = end;
  return parts;
}

TEST(PartitionLogTest, OffsetsAreContiguous) {
  PartitionLog log;
  EXPECT_EQ(log.Append(BatchOf(3)), 0);
  EXPECT_EQ(log.Append(BatchOf(5)), 3);
  EXPECT_EQ(log.log_end_offset(), 8);
  EXPECT_EQ(log.bytes(), Bytes(80));
}

TEST(PartitionLogTest, TheFirstRangeIsReadEvenIfLarger) {
  PartitionLog log;
  log.Append(BatchOf(3));
  log.Append(BatchOf(5));
  Offset next = 0;
  EXPECT_EQ(ReadAll(log, 0, 8, Bytes(1), &next), (std::vector<Part>{{0, 3, 30}}));
  EXPECT_EQ(next, 3);
  EXPECT_EQ(ReadAll(log, 0, 8, Bytes(79), &next), (std::vector<Part>{{0, 3, 30}}));
  EXPECT_EQ(ReadAll(log, 0, 8, Bytes(80), &next), (std::vector<Part>{{0, 3, 30}, {3, 5, 50}}));
}

TEST(PartitionLogTest, AReadEndsAtItsLimitInsideARange) {
  PartitionLog log;
  log.Append(BatchOf(5));
  EXPECT_EQ(ReadAll(log, 1, 4, MiB(1)), (std::vector<Part>{{0, 3, 30}}));
}

TEST(PartitionLogTest, TheHighWatermarkStampsWhatItPassesOnce) {
  PartitionLog log;
  log.Append(BatchOf(1));
  log.Append(BatchOf(1));
  log.AdvanceHighWatermark(1, Time::FromNanos(10), 7);
  log.AdvanceHighWatermark(2, Time::FromNanos(20), 8);
  log.AdvanceHighWatermark(1, Time::FromNanos(30), 9);  // It never goes back.
  EXPECT_EQ(log.high_watermark(), 2);
  std::vector<std::pair<int64_t, ComponentId>> durable;
  log.Read(0, 2, MiB(1), [&](const LogRange& range, int64_t, Bytes) {
    durable.emplace_back(range.batch.durable_at.nanos(), range.batch.durable_blocker);
  });
  EXPECT_EQ(durable, (std::vector<std::pair<int64_t, ComponentId>>{{10, 7}, {20, 8}}));
  EXPECT_THROW(log.AdvanceHighWatermark(3, Time::FromNanos(40), 7), InvariantBroken);
}

TEST(PartitionLogTest, WhatIsCutIsToldLatestFirst) {
  PartitionLog log;
  for (int64_t i = 0; i < 3; ++i) log.Append(BatchOf(4, i));
  std::vector<std::pair<int64_t, int64_t>> cut;  // Sequence, records.
  log.Truncate(6, [&](const LogRange& range, int64_t records) {
    cut.emplace_back(range.batch.sequence, records);
  });
  EXPECT_EQ(cut, (std::vector<std::pair<int64_t, int64_t>>{{2, 4}, {1, 2}}));
  EXPECT_EQ(log.log_end_offset(), 6);
  EXPECT_EQ(log.bytes(), Bytes(60));
}

TEST(PartitionLogTest, RetentionDropsWholeRangesBelowTheHighWatermark) {
  PartitionLog log;
  for (int i = 0; i < 3; ++i) log.Append(BatchOf(4));
  log.AdvanceHighWatermark(8, Time(), 0);
  EXPECT_EQ(log.Expire(7), Bytes(40));
  EXPECT_EQ(log.log_start_offset(), 4);
  EXPECT_EQ(log.Expire(12), Bytes(40));  // The last range is not committed.
  EXPECT_EQ(log.log_start_offset(), 8);
}

TEST(PartitionLogTest, RangesThatAllHavePassedCoalesceAndKeepCountsBytesAndSpan) {
  PartitionLog log;
  for (int64_t i = 0; i < 10'000; ++i) {
    log.Append(BatchOf(2, i, Time::FromNanos(i)));
    log.AdvanceHighWatermark(log.log_end_offset(), Time(), 0);
    log.AllowCoalescingBelow(log.log_end_offset());
  }
  EXPECT_LE(log.range_count(), 2 * PartitionLog::kMostCoalesced + 1);
  EXPECT_EQ(log.bytes(), Bytes(200'000));
  EXPECT_EQ(log.BytesBetween(0, 20'000), Bytes(200'000));
  EXPECT_EQ(log.OldestCreatedFrom(0), Time());
  EXPECT_EQ(log.OldestCreatedFrom(19'999), Time::FromNanos(9'999));
  log.Audit();
}

TEST(PartitionLogTest, MemoryIsBoundedEvenIfNobodyReads) {
  PartitionLog log;
  for (int64_t i = 0; i < 20'000; ++i) log.Append(BatchOf(1, i));
  EXPECT_LE(log.range_count(), PartitionLog::kMostRanges + PartitionLog::kMostCoalesced);
  EXPECT_EQ(log.BytesBetween(0, 20'000), Bytes(200'000));
}

TEST(PartitionLogTest, ACoalescedRangeIsServedInParts) {
  PartitionLog log;
  for (int64_t i = 0; i < 10'000; ++i) log.Append(BatchOf(1));
  Offset next = 0;
  const auto parts = ReadAll(log, 0, 10'000, Bytes(35), &next);
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts[0], (Part{0, 3, 30}));
  EXPECT_EQ(next, 3);
}

TEST(PartitionLogTest, AnAcknowledgementFindsItsBatchOrSaysThatItIsGone) {
  PartitionLog log;
  log.Append(BatchOf(4, 0));
  log.Append(BatchOf(4, 1));
  EXPECT_TRUE(log.NoteAcknowledged(BatchOf(4, 1), 8));
  log.Truncate(
      4, [](const LogRange& range, int64_t) { EXPECT_TRUE(range.batch.acked_before_replication); });
  EXPECT_FALSE(log.NoteAcknowledged(BatchOf(4, 1), 8));
  log.Append(BatchOf(4, 2));  // Another one has taken its place.
  EXPECT_FALSE(log.NoteAcknowledged(BatchOf(4, 1), 8));
  log.Truncate(0, [](const LogRange& range, int64_t) {
    EXPECT_FALSE(range.batch.acked_before_replication);
  });
}

// The plain model: which batch each record belongs to, from the log start on.
RC_GTEST_PROP(PartitionLogProperty, BehavesAsAVectorOfRecords, ()) {
  PartitionLog log;
  std::deque<int64_t> records;  // Batch numbers by offset - log_start.
  Offset start = 0;
  Offset high_watermark = 0;
  int64_t batches = 0;
  bool coalesces = false;
  const int steps = *rc::gen::inRange(1, 60);
  for (int step = 0; step < steps; ++step) {
    const Offset end = start + static_cast<Offset>(records.size());
    switch (*rc::gen::inRange(0, 7)) {
      case 0:
      case 1: {
        const int times = *rc::gen::inRange(1, 80);
        const int64_t count = *rc::gen::inRange(1, 9);
        for (int i = 0; i < times; ++i) {
          RC_ASSERT(log.Append(BatchOf(count, batches)) ==
                    start + static_cast<Offset>(records.size()));
          records.insert(records.end(), static_cast<size_t>(count), batches++);
        }
        break;
      }
      case 2: {
        const Offset to = *rc::gen::inRange(start, end + 1);
        log.AdvanceHighWatermark(to, Time(), 0);
        high_watermark = std::max(high_watermark, to);
        break;
      }
      case 3: {
        const Offset to = *rc::gen::inRange(high_watermark, end + 1);
        int64_t cut = 0;
        log.Truncate(to, [&](const LogRange&, int64_t count) { cut += count; });
        RC_ASSERT(cut == end - to);
        records.resize(static_cast<size_t>(to - start));
        break;
      }
      case 4: {
        const Offset below = *rc::gen::inRange(start, end + 1);
        const Bytes expired = log.Expire(below);
        RC_ASSERT(log.log_start_offset() <= std::max(start, std::min(below, high_watermark)));
        RC_ASSERT(expired.count() == (log.log_start_offset() - start) * kRecordBytes);
        while (start < log.log_start_offset()) {
          records.pop_front();
          ++start;
        }
        break;
      }
      case 5: {
        log.AllowCoalescingBelow(*rc::gen::inRange(start, high_watermark + 1));
        coalesces = true;
        break;
      }
      default: {
        const Offset from = *rc::gen::inRange(start, end + 1);
        const Offset limit = *rc::gen::inRange(from, end + 1);
        const int64_t most = *rc::gen::inRange(1, 500);
        Offset at = from;
        int64_t bytes = 0;
        int parts = 0;
        const Offset next = log.Read(
            from, limit, Bytes(most), [&](const LogRange& range, int64_t count, Bytes size) {
              RC_ASSERT(range.base_offset <= at && at + count <= range.end_offset());
              RC_ASSERT(size.count() == count * kRecordBytes);
              if (!range.coalesced) {
                const auto index = static_cast<size_t>(at - start);
                RC_ASSERT(records[index] == range.batch.sequence);
              }
              at += count;
              bytes += size.count();
              ++parts;
            });
        RC_ASSERT(next == at && next <= limit);
        RC_ASSERT(from == limit || parts > 0);
        RC_ASSERT(parts <= 1 || bytes <= most);
      }
    }
    const Offset now_end = start + static_cast<Offset>(records.size());
    RC_ASSERT(log.log_start_offset() == start);
    RC_ASSERT(log.log_end_offset() == now_end);
    RC_ASSERT(log.high_watermark() == high_watermark);
    RC_ASSERT(log.bytes().count() == (now_end - start) * kRecordBytes);
    RC_ASSERT(log.BytesBetween(start, now_end) == log.bytes());
    log.Audit();
  }
  RC_CLASSIFY(coalesces);
}

}  // namespace
}  // namespace freshet
