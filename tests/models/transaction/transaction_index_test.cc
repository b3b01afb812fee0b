// The last stable offset and what readers are given, by hand on small logs.
#include "models/log/transaction_index.h"

#include <optional>
#include <tuple>
#include <vector>

#include "gtest/gtest.h"
#include "models/log/partition_log.h"

namespace freshet {
namespace {

constexpr ProducerId kAnna = 1;
constexpr ProducerId kBert = 2;

Batch Records(int64_t count, ProducerId producer = 0) {
  Batch batch;
  batch.record_count = count;
  batch.bytes = Bytes(count * 10);
  batch.producer = producer;
  batch.producer_component = producer;
  if (producer != 0) batch.kind = BatchKind::kTransactional;
  return batch;
}

Batch Marker(ProducerId producer, bool commits, int64_t number = 1) {
  Batch batch = Records(1, producer);
  batch.kind = commits ? BatchKind::kCommitMarker : BatchKind::kAbortMarker;
  batch.sequence = number;
  return batch;
}

class Log : public PartitionLog {
 public:
  // The high watermark follows at once, at second `at`.
  void Add(const Batch& batch, int64_t at = 0) {
    Append(batch);
    AdvanceHighWatermark(log_end_offset(), Time() + Seconds(at), 0);
    Audit();
  }
};

using Part = std::tuple<Offset, Offset, int>;  // 0 given, 1 a marker, 2 aborted.
std::vector<Part> PartsOf(const PartitionLog& log, Offset from, Offset to, Isolation isolation) {
  std::vector<Part> parts;
  log.transactions()->Split(from, to, isolation,
                            [&](Offset a, Offset b, std::optional<TransactionIndex::Withheld> why) {
                              const bool marker = why == TransactionIndex::Withheld::kMarker;
                              parts.emplace_back(a, b, !why ? 0 : marker ? 1 : 2);
                            });
  return parts;
}

TEST(TransactionIndexTest, WithoutTransactionsTheHighWatermarkIsStable) {
  Log log;
  log.Add(Records(5));
  EXPECT_EQ(log.transactions(), nullptr);
  EXPECT_EQ(log.last_stable_offset(), 5);
}

TEST(TransactionIndexTest, TheOldestOpenTransactionHoldsBackAllThatFollows) {
  Log log;
  log.Add(Records(5));
  log.Add(Records(3, kAnna));  // 5 to 8.
  log.Add(Records(2, kBert));  // 8 to 10.
  log.Add(Records(4));         // 10 to 14.
  EXPECT_EQ(log.last_stable_offset(), 5);
  log.Add(Marker(kBert, true));  // 14: the younger one ends, and the older one holds still.
  EXPECT_EQ(log.last_stable_offset(), 5);
  log.Add(Records(2, kBert));       // 15 to 17: its next transaction.
  log.Add(Marker(kAnna, true), 7);  // 17
  EXPECT_EQ(log.last_stable_offset(), 15);
  log.Add(Marker(kBert, true, 2));  // 18
  EXPECT_EQ(log.last_stable_offset(), 19);
  EXPECT_EQ(log.high_watermark(), 19);
  const TransactionIndex::Held* held = log.transactions()->HolderOf(12);
  ASSERT_NE(held, nullptr);
  EXPECT_EQ(held->until, Time() + Seconds(7));
  EXPECT_EQ(held->component, kAnna);
  EXPECT_EQ(log.transactions()->HolderOf(4), nullptr);
}

TEST(TransactionIndexTest, AMarkerHoldsWhenTheHighWatermarkHasPassedIt) {
  Log log;
  log.Add(Records(3, kAnna));
  log.Append(Marker(kAnna, true));
  log.AdvanceHighWatermark(3, Time(), 0);
  EXPECT_EQ(log.last_stable_offset(), 0);
  EXPECT_FALSE(log.transactions()->IsOpen(kAnna));
  log.AdvanceHighWatermark(4, Time(), 0);
  EXPECT_EQ(log.last_stable_offset(), 4);
}

TEST(TransactionIndexTest, MarkersAreForNobodyAndAbortedRecordsForReadUncommitted) {
  Log log;
  log.Add(Records(3, kAnna));     // 0 to 3.
  log.Add(Records(2));            // 3 to 5.
  log.Add(Records(4, kAnna));     // 5 to 9.
  log.Add(Marker(kAnna, false));  // 9
  log.Add(Records(1));            // 10
  EXPECT_EQ(PartsOf(log, 0, 11, Isolation::kReadCommitted),
            (std::vector<Part>{{0, 3, 2}, {3, 5, 0}, {5, 9, 2}, {9, 10, 1}, {10, 11, 0}}));
  EXPECT_EQ(PartsOf(log, 1, 11, Isolation::kReadUncommitted),
            (std::vector<Part>{{1, 9, 0}, {9, 10, 1}, {10, 11, 0}}));
  EXPECT_EQ(log.transactions()->WithheldIn(2, 10, Isolation::kReadCommitted), 6);
}

TEST(TransactionIndexTest, AnElectionThatCutsTheMarkerOpensTheTransactionAgain) {
  Log log;
  log.Add(Records(3, kAnna));
  log.Append(Marker(kAnna, false));
  EXPECT_TRUE(log.transactions()->HasEnded(kAnna, 1));
  log.Truncate(3, [](const LogRange&, int64_t) {});
  EXPECT_FALSE(log.transactions()->HasEnded(kAnna, 1));
  EXPECT_TRUE(log.transactions()->IsOpen(kAnna));
  log.Add(Marker(kAnna, true));
  EXPECT_EQ(log.last_stable_offset(), 4);
  EXPECT_EQ(PartsOf(log, 0, 4, Isolation::kReadCommitted),
            (std::vector<Part>{{0, 3, 0}, {3, 4, 1}}));
}

TEST(TransactionIndexTest, RetentionRaisesTheFirstUnstableOffset) {
  Log log;
  log.Add(Records(3, kAnna));
  log.Add(Records(3));
  log.Expire(3);
  log.Audit();
  EXPECT_EQ(log.log_start_offset(), 3);
  EXPECT_EQ(log.last_stable_offset(), 3);
}

}  // namespace
}  // namespace freshet
