#include "models/log/remote_log.h"

#include "gtest/gtest.h"
#include "sim/check.h"

namespace freshet {

class RemoteLogTestPeer {
 public:
  static void Widen(RemoteLog& remote) { ++remote.segments_.front().range.end_offset; }
  static void Miscount(RemoteLog& remote) { remote.bytes_ += Bytes(1); }
};

namespace {

// Segments of 100 records and 1000 bytes.
RemoteSegment Segment(int64_t number) {
  RemoteSegment segment;
  segment.range = {100 * number, 100 * (number + 1), 1'000 * number, Bytes(1'000)};
  segment.log = static_cast<ObjectId>(number + 1);
  return segment;
}

RemoteLog Three() {
  RemoteLog remote;
  for (int64_t i = 0; i < 3; ++i) remote.Add(Segment(i));
  return remote;
}

PartitionLog FiveHundredRecords() {
  PartitionLog log(SegmentRules{Bytes(1'000), Duration::Max()});
  log.Fill({500, Bytes(5'000), Time(), Time()});
  return log;
}

TEST(RemoteLogTest, FindsTheSegmentOfAnOffset) {
  const RemoteLog remote = Three();
  EXPECT_EQ(remote.end_offset(), 300);
  EXPECT_EQ(remote.bytes(), Bytes(3'000));
  EXPECT_EQ(remote.Find(0)->log, 1);
  EXPECT_EQ(remote.Find(99)->log, 1);
  EXPECT_EQ(remote.Find(100)->log, 2);
  EXPECT_EQ(remote.Find(299)->log, 3);
  EXPECT_EQ(remote.Find(300), nullptr);
}

TEST(RemoteLogTest, DeletesWholeSegmentsAndKnowsThemUntilTheyAreForgotten) {
  RemoteLog remote = Three();
  remote.DeleteBelow(250);
  EXPECT_EQ(remote.size(), 1);
  EXPECT_EQ(remote.bytes(), Bytes(1'000));
  EXPECT_EQ(remote.Find(199), nullptr);
  ASSERT_EQ(remote.deleted().size(), 2);
  EXPECT_EQ(remote.deleted().front().log, 1);
  remote.Forget();
  EXPECT_EQ(remote.deleted().front().log, 2);
}

TEST(RemoteLogTest, TakesNoSegmentThatLeavesAGap) {
  RemoteLog remote = Three();
  EXPECT_THROW(remote.Add(Segment(4)), InvariantBroken);
}

TEST(RemoteLogTest, TheAuditSeesGapsAndSums) {
  const PartitionLog log = FiveHundredRecords();
  EXPECT_NO_THROW(Three().Audit(log, 300));
  EXPECT_NO_THROW(Three().Audit(log, 0));
  // Local from 400 on, remote up to 300.
  EXPECT_THROW(Three().Audit(log, 400), InvariantBroken);
  EXPECT_THROW(RemoteLog().Audit(log, 100), InvariantBroken);
  RemoteLog wide = Three();
  RemoteLogTestPeer::Widen(wide);
  EXPECT_THROW(wide.Audit(log, 300), InvariantBroken);
  RemoteLog wrong = Three();
  RemoteLogTestPeer::Miscount(wrong);
  EXPECT_THROW(wrong.Audit(log, 300), InvariantBroken);
  // Nothing that is not committed may be remote.
  PartitionLog shorter(SegmentRules{Bytes(1'000), Duration::Max()});
  shorter.Fill({200, Bytes(2'000), Time(), Time()});
  EXPECT_THROW(Three().Audit(shorter, 0), InvariantBroken);
}

}  // namespace
}  // namespace freshet
