#include "models/log/source_effects.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "rapidcheck/gtest.h"

namespace freshet {
namespace {

using How = SourceEffects::How;
using Again = SourceEffects::Again;

// Records with effect before, by how often.
int64_t Take(SourceEffects& effects, Offset from, Offset to, Again again = Again::kAdds) {
  int64_t before = 0;
  effects.Take(from, to, How::kDone, again, [&before](Offset low, Offset high, int32_t times) {
    if (times > 0) before += high - low;
  });
  return before;
}

TEST(SourceEffectsTest, InOrderItIsOneInterval) {
  SourceEffects effects;
  effects.Begin(100);
  for (Offset at = 100; at < 200; at += 10) EXPECT_EQ(Take(effects, at, at + 10), 0);
  EXPECT_EQ(effects.interval_count(), 1u);
  EXPECT_EQ(effects.taken(), 100);
  EXPECT_EQ(effects.FirstMissing(100), 200);
  EXPECT_EQ(effects.missing(), 0);
}

TEST(SourceEffectsTest, WhatIsPassedOverIsMissingUntilItComes) {
  SourceEffects effects;
  effects.Begin(0);
  Take(effects, 0, 10);
  Take(effects, 20, 30);
  EXPECT_EQ(effects.missing(), 0);  // Nobody has gone on from there.
  effects.Reach(30);
  EXPECT_EQ(effects.missing(), 10);
  effects.Reach(35);
  EXPECT_EQ(effects.missing(), 15);
  EXPECT_EQ(Take(effects, 5, 25), 10);  // Ten of them a second time.
  EXPECT_EQ(effects.missing(), 5);
  EXPECT_EQ(effects.Disagreement(), "");
}

TEST(SourceEffectsTest, ACutGivesOffsetsAnew) {
  SourceEffects effects;
  effects.Begin(0);
  Take(effects, 0, 30);
  effects.Reach(30);
  effects.Cut(20);
  EXPECT_EQ(effects.taken(), 20);
  EXPECT_EQ(effects.reached(), 20);
  EXPECT_EQ(Take(effects, 20, 30), 0);
  EXPECT_EQ(effects.Disagreement(), "");
}

TEST(SourceEffectsTest, WhatIsTooScatteredIsFoldedAndSaysSo) {
  SourceEffects effects(4);
  effects.Begin(0);
  for (Offset at = 0; at < 50; at += 10) Take(effects, at, at + 5);  // Five gaps of five.
  EXPECT_LE(effects.interval_count(), 4u);
  EXPECT_EQ(effects.taken(), 25);
  effects.Reach(50);
  const int64_t missing = effects.missing();
  EXPECT_EQ(missing + effects.not_tracked(), 25);
  Take(effects, 0, 5);  // Below the fold: nobody knows.
  EXPECT_EQ(effects.not_tracked() + missing, 30);
  EXPECT_EQ(effects.Disagreement(), "");
}

RecordSpan ShareOf(Offset from, Offset to, Offset base, int64_t whole, int64_t low, int64_t high) {
  RecordSpan span;
  span.from = from;
  span.to = to;
  span.base = base;
  span.whole = whole;
  span.low = low;
  span.high = high;
  return span;
}

int64_t TakeShare(SourceEffects& effects, const RecordSpan& span, How how = How::kDone) {
  int64_t fresh = 0;
  effects.Take(span, how, Again::kAdds, [&](const RecordSpan& part, SourceEffects::Effect before) {
    if (before.times == 0) fresh += part.record_count();
  });
  return fresh;
}

TEST(SourceEffectsTest, SharesOfABatchBecomeOneStretch) {
  SourceEffects effects;
  effects.Begin(0);
  EXPECT_EQ(TakeShare(effects, ShareOf(0, 10, 0, 10, 3, 10)), 7);
  EXPECT_EQ(effects.FirstMissing(0), 0);
  effects.Reach(10);
  EXPECT_EQ(effects.missing(), 3);
  EXPECT_EQ(effects.MissingIn(0, 10), 3);
  EXPECT_EQ(TakeShare(effects, ShareOf(0, 10, 0, 10, 0, 3), How::kFiltered), 3);
  EXPECT_EQ(effects.missing(), 0);
  EXPECT_EQ(effects.FirstMissing(0), 10);
  EXPECT_EQ(TakeShare(effects, ShareOf(10, 11, 10, 1, 0, 0)), 0);  // Empty: no trace of it.
  EXPECT_EQ(TakeShare(effects, ShareOf(10, 11, 10, 1, 0, 1)), 1);
  EXPECT_EQ(effects.interval_count(), 1u);
  EXPECT_EQ(effects.Disagreement(), "");
}

// What was put aside and comes after all is new, once.
TEST(SourceEffectsTest, WhatWasLateAndComesAfterAllIsDoneForTheFirstTime) {
  SourceEffects effects;
  effects.Begin(0);
  EXPECT_EQ(TakeShare(effects, ShareOf(0, 10, 0, 10, 0, 4), How::kLateDropped), 4);
  std::vector<How> before;
  effects.Take(ShareOf(0, 10, 0, 10, 0, 10), How::kDone, Again::kReplaces,
               [&](const RecordSpan& part, SourceEffects::Effect was) {
                 if (was.times > 0) {
                   before.push_back(was.how);
                   EXPECT_EQ(part.record_count(), 4);
                 }
               });
  EXPECT_EQ(before, std::vector<How>{How::kLateDropped});
  EXPECT_EQ(effects.interval_count(), 1u);
  EXPECT_EQ(effects.taken(), 10);
}

// Batches of ten cut by offset and by share, in any order, against a record-by-record array.
RC_GTEST_PROP(SourceEffectsProperty, SharesSayWhatAnArrayOfRecordsSays, ()) {
  constexpr int64_t kBatch = 10;
  constexpr Offset kEnd = 40;
  std::vector<int32_t> counts(kEnd, 0);
  SourceEffects effects;
  effects.Begin(0);
  Offset reached = 0;
  const int steps = *rc::gen::inRange(1, 40);
  for (int i = 0; i < steps; ++i) {
    const Offset base = *rc::gen::inRange<Offset>(0, kEnd / kBatch) * kBatch;
    const Offset from = base + *rc::gen::inRange<Offset>(0, kBatch);
    const Offset to = *rc::gen::inRange<Offset>(from, base + kBatch + 1);
    const int64_t low = *rc::gen::inRange<int64_t>(0, kBatch);
    const int64_t high = *rc::gen::inRange<int64_t>(low, kBatch + 1);
    if (*rc::gen::inRange(0, 8) == 0) {
      effects.Reach(to);
      reached = std::max(reached, to);
    }
    RecordSpan span = ShareOf(from, to, base, kBatch, low, high);
    if (*rc::gen::inRange(0, 4) == 0) span.whole = span.low = span.high = 0;  // All of them.
    int64_t visited = 0;
    effects.Take(span, How::kDone, Again::kAdds,
                 [&](const RecordSpan& part, SourceEffects::Effect before) {
                   for (Offset at = part.from; at < part.to; ++at) {
                     if (part.CountIn(at, at + 1) == 0) continue;
                     ++visited;
                     RC_ASSERT(counts[static_cast<size_t>(at)]++ == before.times);
                   }
                 });
    RC_ASSERT(visited == span.record_count());
    int64_t missing = 0;
    int64_t taken = 0;
    for (Offset at = 0; at < kEnd; ++at) {
      missing += at < reached && counts[static_cast<size_t>(at)] == 0;
      taken += counts[static_cast<size_t>(at)] > 0;
    }
    RC_ASSERT(effects.missing() == missing);
    RC_ASSERT(effects.MissingIn(0, reached) == missing);
    RC_ASSERT(effects.taken() == taken);
    RC_ASSERT(effects.Disagreement() == "");
  }
}

// Against a plain array of counts.
RC_GTEST_PROP(SourceEffectsProperty, SaysWhatAnArrayOfCountsSays, ()) {
  constexpr Offset kEnd = 60;
  std::vector<int32_t> counts(kEnd, 0);
  SourceEffects effects;
  effects.Begin(0);
  Offset reached = 0;
  const int steps = *rc::gen::inRange(1, 40);
  for (int i = 0; i < steps; ++i) {
    const Offset from = *rc::gen::inRange<Offset>(0, kEnd);
    const Offset to = *rc::gen::inRange<Offset>(from, kEnd);
    const int verb = *rc::gen::inRange(0, 6);
    if (verb == 0) {
      effects.Reach(to);
      reached = std::max(reached, to);
    } else if (verb == 1) {
      effects.Cut(from);
      reached = std::min(reached, from);
      for (Offset at = from; at < kEnd; ++at) counts[static_cast<size_t>(at)] = 0;
    } else {
      effects.Take(from, to, How::kDone, Again::kAdds,
                   [&counts](Offset low, Offset high, int32_t times) {
                     for (Offset at = low; at < high; ++at) {
                       RC_ASSERT(counts[static_cast<size_t>(at)]++ == times);
                     }
                   });
    }
    int64_t missing = 0;
    int64_t taken = 0;
    for (Offset at = 0; at < kEnd; ++at) {
      missing += at < reached && counts[static_cast<size_t>(at)] == 0;
      taken += counts[static_cast<size_t>(at)] > 0;
    }
    RC_ASSERT(effects.missing() == missing);
    RC_ASSERT(effects.taken() == taken);
    RC_ASSERT(effects.Disagreement() == "");
  }
}

}  // namespace
}  // namespace freshet
