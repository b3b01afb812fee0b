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
