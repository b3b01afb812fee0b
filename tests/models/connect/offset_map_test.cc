// Offsets of a copy: exactly, and as MirrorMaker 2 translates them.
#include "models/connect/offset_map.h"

#include "gtest/gtest.h"

namespace freshet {
namespace {

TEST(OffsetMapTest, ASyncFollowsWhenTheCopyIsAHundredAhead) {
  OffsetMap map(100);
  for (Offset at = 0; at < 1000; at += 100) map.Acknowledged(at, at + 100, at);
  // At 0, 101, 202, ..., 909: each is translated exactly, what is behind it to one behind it.
  EXPECT_EQ(map.syncs(), 10);
  EXPECT_EQ(map.Translate(909), 909);
  EXPECT_EQ(map.Translate(910), 910);
  EXPECT_EQ(map.Translate(1000), 910);
  EXPECT_EQ(map.Translate(0), 0);
}

TEST(OffsetMapTest, WithoutLagEachRecordHasASync) {
  OffsetMap map(0);
  map.Acknowledged(0, 50, 7);
  EXPECT_EQ(map.syncs(), 50);
  EXPECT_EQ(map.Translate(49), 56);
  EXPECT_EQ(map.Translate(50), 57);
}

TEST(OffsetMapTest, AGapAndANewTaskHaveASync) {
  OffsetMap map(100);
  map.Acknowledged(10, 20, 0);
  EXPECT_EQ(map.Translate(9), std::nullopt);
  EXPECT_EQ(map.Translate(10), 0);
  map.Acknowledged(21, 30, 10);  // A marker lies between.
  EXPECT_EQ(map.syncs(), 2);
  EXPECT_EQ(map.Translate(21), 10);
  map.Restart();
  map.Acknowledged(30, 40, 19);
  EXPECT_EQ(map.syncs(), 3);
  EXPECT_EQ(map.Translate(40), 20);
}

TEST(OffsetMapTest, GoingBackVoidsAllSyncs) {
  OffsetMap map(100);
  map.Acknowledged(0, 500, 0);
  map.Restart();
  map.Acknowledged(300, 500, 500);
  EXPECT_EQ(map.Translate(299), std::nullopt);
  EXPECT_EQ(map.Translate(300), 500);
  // At 300 and 401 of the source.
  EXPECT_EQ(map.Translate(500), 602);
  EXPECT_EQ(map.CopiedIn(0, 500, 0), 500);
  EXPECT_EQ(map.CopiedIn(0, 500, 500), 200);
  EXPECT_EQ(map.CopiedIn(250, 350, 300), 50);  // 250 to 300 have a copy before that alone.
}

TEST(OffsetMapTest, OldSyncsAreThinnedToTwiceTheDistance) {
  OffsetMap map(100);
  map.Acknowledged(0, 1'000'000, 0);
  EXPECT_EQ(map.syncs(), 9'901);
  EXPECT_LE(map.kept_syncs(), 64u);
  const Offset newest = 999'900;
  for (Offset at = 0; at <= newest; at += 997) {
    const Offset translated = *map.Translate(at);
    EXPECT_LE(translated, at + 1);
    EXPECT_LE(newest - translated, 2 * (newest - at) + 2 * 101) << at;
  }
}

TEST(OffsetMapTest, WhatTheTargetHasCutIsNoCopy) {
  OffsetMap map(100);
  map.Acknowledged(0, 100, 0);
  map.CutTarget(90);
  EXPECT_EQ(map.CopiedIn(0, 100, 0), 90);
}

}  // namespace
}  // namespace freshet
