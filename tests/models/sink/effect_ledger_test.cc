#include "models/sink/effect_ledger.h"

#include <gtest/gtest.h>

#include "sim/check.h"

namespace freshet {
namespace {

using Again = EffectLedger::Again;
using How = EffectLedger::How;

RecordSpan Span(Offset from, Offset to) {
  RecordSpan span;
  span.partition = 3;
  span.from = from;
  span.to = to;
  return span;
}

// A batch of offsets [0, 100), of which a filter lets the first 30 in a hundred through.
RecordSpan Filtered(Offset from, Offset to) {
  RecordSpan span = Span(from, to);
  span.whole = 100;
  span.high = 30;
  return span;
}

// Each at an instant of its own.
int64_t Visible(EffectLedger& ledger, const RecordSpan& records, Again again = Again::kAdds) {
  static int64_t now = 0;
  return ledger.Visible(records, again, Time::FromNanos(++now));
}

TEST(EffectLedgerTest, OnceIsWhatItShouldBe) {
  EffectLedger ledger;
  ledger.Begin(3, 0);
  EXPECT_EQ(Visible(ledger, Span(0, 10)), 10);
  EXPECT_EQ(Visible(ledger, Span(10, 30)), 20);
  EXPECT_EQ(ledger.visible(), 30);
  EXPECT_EQ(ledger.duplicated(), 0);
  EXPECT_EQ(ledger.reordered(), 0);
  EXPECT_EQ(ledger.FirstUnsettled(3, 0), 30);
  ledger.Audit("lake");
}

TEST(EffectLedgerTest, TwiceNeedsACause) {
  EffectLedger ledger;
  Visible(ledger, Span(0, 50));
  ledger.GoOn(3, 20, EffectCause::kReset, EffectCause::kRestart);
  EXPECT_EQ(Visible(ledger, Span(20, 60)), 10);
  EXPECT_EQ(ledger.duplicated(), 30);
  EXPECT_EQ(ledger.duplicated_by(EffectCause::kRestart), 30);
  ledger.Audit("lake");
  Visible(ledger, Span(10, 30));  // Of these ten are excused.
  EXPECT_EQ(ledger.duplicated_by(EffectCause::kNoneKnown), 10);
  EXPECT_THROW(ledger.Audit("lake"), InvariantBroken);
}

TEST(EffectLedgerTest, AStoreThatReplacesHasItOnce) {
  EffectLedger ledger;
  Visible(ledger, Span(0, 50), Again::kReplaces);
  EXPECT_EQ(Visible(ledger, Span(0, 60), Again::kReplaces), 10);
  EXPECT_EQ(ledger.visible(), 60);
  EXPECT_EQ(ledger.duplicated(), 0);
  EXPECT_EQ(ledger.replaced(), 50);
  ledger.Audit("cache");
}

// Visible, dropped by an overwrite, and there again.
TEST(EffectLedgerTest, WhatIsOverwrittenIsLostUntilItIsBack) {
  EffectLedger ledger;
  Visible(ledger, Span(0, 50));
  ledger.Overwrite(Span(10, 30));
  EXPECT_EQ(ledger.lost(), 20);
  EXPECT_EQ(ledger.lost_by(EffectCause::kOverwritten), 20);
  EXPECT_EQ(ledger.visible(), 50);
  EXPECT_EQ(ledger.FirstUnsettled(3, 0), 50);  // Nobody will settle it.
  ledger.Overwrite(Span(20, 35));              // Of these ten are gone already.
  EXPECT_EQ(ledger.lost(), 25);
  EXPECT_EQ(Visible(ledger, Span(15, 40), Again::kReplaces), 0);
  EXPECT_EQ(ledger.lost(), 5);
  EXPECT_EQ(ledger.replaced(), 5);  // Those that were not gone.
  ledger.Overwrite(Span(45, 60));   // The last ten were never there.
  EXPECT_EQ(ledger.lost(), 10);
  EXPECT_EQ(Visible(ledger, Span(50, 60)), 10);
  EXPECT_EQ(ledger.duplicated(), 0);
  ledger.Audit("lake");
}

TEST(EffectLedgerTest, WhatIsPassedOverIsLostUntilItComesAfterAll) {
  EffectLedger ledger;
  ledger.Begin(3, 0);
  Visible(ledger, Span(0, 10));
  ledger.GoOn(3, 25, EffectCause::kCommitFirst, EffectCause::kRestart);
  EXPECT_EQ(ledger.lost(), 15);
  EXPECT_EQ(ledger.lost_by(EffectCause::kCommitFirst), 15);
  Visible(ledger, Span(25, 30));
  Visible(ledger, Span(10, 15));  // A zombie's.
  EXPECT_EQ(ledger.lost(), 10);
  EXPECT_EQ(ledger.lost_by(EffectCause::kCommitFirst), 10);
  EXPECT_EQ(ledger.reordered(), 5);
  ledger.Settle(Span(15, 25), How::kDeadLettered);
  EXPECT_EQ(ledger.lost(), 0);
  EXPECT_EQ(ledger.settled(How::kDeadLettered), 10);
  EXPECT_EQ(ledger.FirstUnsettled(3, 0), 30);
  ledger.Audit("lake");
}

// 30 of 100, read again in other parts: the same records, none more.
TEST(EffectLedgerTest, SharesOfABatchAddUp) {
  EffectLedger ledger;
  // Of a hundred records the i-th has place 61 i mod 100, and those below 30 pass.
  EXPECT_EQ(Visible(ledger, Filtered(0, 33)), 10);
  EXPECT_EQ(Visible(ledger, Filtered(33, 100)), 20);
  ledger.GoOn(3, 7, EffectCause::kReset, EffectCause::kReplay);
  EXPECT_EQ(Visible(ledger, Filtered(7, 100)), 0);
  EXPECT_EQ(ledger.duplicated(), 27);  // 30 without places 0, 22 and 5 of the first seven.
  EXPECT_EQ(ledger.visible(), 30);
  ledger.Audit("lake");
}

TEST(EffectLedgerTest, PartsOfASplitAreDifferentRecords) {
  EffectLedger ledger;
  RecordSpan left = Filtered(0, 100);
  RecordSpan right = Filtered(0, 100);
  right.low = 30;
  right.high = 100;
  right.split = 1;
  EXPECT_EQ(Visible(ledger, left) + Visible(ledger, right), 100);
  EXPECT_EQ(ledger.duplicated(), 0);
  EXPECT_EQ(ledger.FirstUnsettled(3, 0), 100);
}

// A batch of 100, cut in two by a window and split by key; a filter held back the first 30. What is
// lost is counted by records, not by offsets of each part.
TEST(EffectLedgerTest, LostRecordsOfASplitAreCountedOnce) {
  EffectLedger ledger;
  ledger.Begin(3, 0);
  ledger.Settle(Filtered(0, 100), How::kFiltered);
  RecordSpan left = Filtered(0, 50);
  left.low = 30;
  left.high = 60;
  left.split = 2;
  EXPECT_EQ(Visible(ledger, left), left.record_count());
  ledger.GoOn(3, 100, EffectCause::kCommitFirst, EffectCause::kRestart);
  EXPECT_EQ(ledger.lost(), 70 - left.record_count());
  EXPECT_EQ(ledger.lost_by(EffectCause::kCommitFirst), ledger.lost());
  EXPECT_EQ(ledger.FirstUnsettled(3, 0), 0);
  left.from = 50;  // On its way when its writer died, and taken all the same.
  left.to = 100;
  Visible(ledger, left);
  EXPECT_EQ(ledger.lost(), 40);
  EXPECT_EQ(ledger.lost_by(EffectCause::kCommitFirst), 40);
  EXPECT_EQ(ledger.reordered(), 0);
  ledger.Audit("cache");
}

TEST(EffectLedgerTest, WhatIsCommittedAtOnceHasNoOrder) {
  EffectLedger ledger;
  const Time now = Time::FromNanos(1);
  ledger.Visible(Span(10, 20), Again::kAdds, now);
  ledger.Visible(Span(5, 10), Again::kAdds, now);
  EXPECT_EQ(ledger.reordered(), 0);
  ledger.Visible(Span(0, 5), Again::kAdds, now + Nanoseconds(1));
  EXPECT_EQ(ledger.reordered(), 5);
}

TEST(EffectLedgerTest, WhatWasDeletedIsLostUntilItComesAfterAll) {
  EffectLedger ledger;
  ledger.Begin(3, 0);
  ledger.Settle(Span(0, 10), How::kDeleted);
  EXPECT_EQ(ledger.lost(), 10);
  EXPECT_EQ(ledger.lost_by(EffectCause::kRetention), 10);
  Visible(ledger, Span(0, 4));  // From the state of a window.
  EXPECT_EQ(ledger.lost(), 6);
  EXPECT_EQ(ledger.visible(), 4);
  EXPECT_EQ(ledger.duplicated(), 0);
  ledger.Audit("lake");
}

TEST(EffectLedgerTest, WhatAnElectionCutsIsAPhantom) {
  EffectLedger ledger;
  Visible(ledger, Span(0, 50));
  ledger.Cut(3, 40);
  EXPECT_EQ(ledger.phantom(), 10);
  EXPECT_EQ(Visible(ledger, Span(40, 60)), 20);  // Others, at the same offsets.
  ledger.Audit("lake");
}

// [0, 10) once, [5, 8) again, [10, 12) too late, [12, 15) nothing; of a batch of a hundred behind
// that a filter lets 30 through and holds 70 back.
TEST(EffectLedgerTest, ATallySaysWhatBecameOfAPart) {
  EffectLedger ledger;
  ledger.Begin(3, 0);
  Visible(ledger, Span(0, 10));
  ledger.GoOn(3, 5, EffectCause::kReset, EffectCause::kRestart);
  Visible(ledger, Span(5, 8));
  ledger.Settle(Span(10, 12), How::kLateDropped);
  const EffectLedger::Tally all = ledger.TallyIn(3, 0, 15);
  EXPECT_EQ(all.visible, 10);
  EXPECT_EQ(all.again, 3);
  EXPECT_EQ(all.settled_as(How::kLateDropped), 2);
  EXPECT_EQ(all.missing, 3);
  EXPECT_EQ(all.not_tracked, 0);
  const EffectLedger::Tally part = ledger.TallyIn(3, 6, 11);
  EXPECT_EQ(part.visible, 4);
  EXPECT_EQ(part.again, 2);
  EXPECT_EQ(part.settled_as(How::kLateDropped), 1);
  EXPECT_EQ(part.missing, 0);
  EXPECT_EQ(ledger.TallyIn(4, 0, 15).missing, 15);  // Nobody has heard of it.
}

TEST(EffectLedgerTest, ATallyOfAShareCountsTheRest) {
  EffectLedger ledger;
  ledger.Begin(3, 0);
  Visible(ledger, Filtered(0, 100));
  const EffectLedger::Tally before = ledger.TallyIn(3, 0, 100);
  EXPECT_EQ(before.visible, 30);
  EXPECT_EQ(before.missing, 70);
  RecordSpan rest = Filtered(0, 100);
  rest.low = 30;
  rest.high = 100;
  ledger.Settle(rest, How::kFiltered);
  const EffectLedger::Tally after = ledger.TallyIn(3, 0, 100);
  EXPECT_EQ(after.visible, 100);  // With those that were left out on purpose.
  EXPECT_EQ(after.again, 0);
  EXPECT_EQ(after.missing, 0);
}

}  // namespace
}  // namespace freshet
