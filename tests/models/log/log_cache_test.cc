#include "models/log/log_cache.h"

#include "gtest/gtest.h"
#include "sim/check.h"

namespace freshet {
namespace {

// 100 bytes, blocks of 30.
LogCache Small() { return LogCache(Bytes(100), Bytes(30), 2); }

TEST(LogCacheTest, ABlockGathersEachPartitionsRecordsInOnePart) {
  LogCache cache = Small();
  cache.Put(0, 0, 2, Bytes(10));
  cache.Put(1, 5, 6, Bytes(5));
  cache.Put(0, 2, 3, Bytes(15));
  EXPECT_FALSE(cache.HasRoomFor(Bytes(1)));
  const LogCache::Block& block = cache.BlockOf(cache.Archive(Time()));
  ASSERT_EQ(block.parts.size(), 2u);
  EXPECT_EQ(block.parts[0].to, 3);
  EXPECT_EQ(block.parts[0].bytes, Bytes(25));
  EXPECT_EQ(block.parts[1].from, 5);
  EXPECT_TRUE(cache.HasRoomFor(Bytes(1'000)));  // An empty one takes anything.
  EXPECT_EQ(cache.NotUploaded(), Bytes(30));
}

TEST(LogCacheTest, UploadedBlocksStayUntilNineTenthsAreFull) {
  LogCache cache = Small();
  for (Offset offset = 0; offset < 3; ++offset) {
    cache.Put(0, offset, offset + 1, Bytes(30));
    cache.Archive(Time());
  }
  cache.MarkUploaded(1);
  EXPECT_EQ(cache.MemoryFrom(0), 0);  // 90 bytes.
  cache.Put(0, 3, 4, Bytes(1));
  EXPECT_EQ(cache.MemoryFrom(0), 1);
  EXPECT_EQ(cache.MemoryFrom(1), LogCache::kNothing);
  EXPECT_EQ(cache.size(), Bytes(61));
  cache.Put(0, 4, 5, Bytes(60));  // The next one is not uploaded: it stays, whatever the size.
  EXPECT_EQ(cache.size(), Bytes(121));
  cache.MarkUploaded(2);
  EXPECT_EQ(cache.size(), Bytes(91));
  cache.Audit();
}

TEST(LogCacheTest, ACrashTakesTheMemoryAndLeavesWhatIsToBeRecovered) {
  LogCache cache = Small();
  cache.Put(0, 0, 1, Bytes(10));
  cache.LoseMemory(Time() + Seconds(1));
  EXPECT_EQ(cache.MemoryFrom(0), LogCache::kNothing);
  EXPECT_EQ(cache.NotUploaded(), Bytes(10));
  EXPECT_LT(cache.FirstNotUploaded(), cache.LastBlock());
  cache.MarkUploaded(cache.FirstNotUploaded());
  cache.BeginAnew(Time() + Seconds(2), 500);
  EXPECT_EQ(cache.uploaded_to(), 500);
  cache.Put(0, 7, 8, Bytes(1));
  EXPECT_EQ(cache.MemoryFrom(0), 7);
}

// Canaries.
TEST(LogCacheTest, AGapAndAnUploadOutOfTurnAreNoticed) {
  LogCache cache = Small();
  cache.Put(0, 0, 1, Bytes(10));
  EXPECT_THROW(cache.Put(0, 2, 3, Bytes(10)), InvariantBroken);
  cache.Archive(Time());
  cache.Put(0, 1, 2, Bytes(10));
  cache.Archive(Time());
  EXPECT_THROW(cache.MarkUploaded(2), InvariantBroken);
}

}  // namespace
}  // namespace freshet
