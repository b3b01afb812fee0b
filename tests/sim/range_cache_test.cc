#include "sim/range_cache.h"

#include <algorithm>
#include <vector>

#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"
#include "sim/check.h"
#include "sim/random.h"

namespace freshet {

class RangeCacheTestPeer {
 public:
  static void Miscount(RangeCache& cache) { ++cache.bytes_; }
  // The least recently used range is no longer in the order of use.
  static void Unlist(RangeCache& cache) {
    cache.oldest_ = cache.pool_[cache.oldest_].newer;
    cache.pool_[cache.oldest_].older = RangeCache::kNone;
  }
};

namespace {

using Piece = RangeCache::Piece;

TEST(RangeCacheTest, TellsHitsFromMisses) {
  RangeCache cache(Bytes(100));
  cache.Insert(1, 10, 20);
  cache.Insert(1, 30, 40);
  cache.Insert(2, 0, 40);
  std::vector<Piece> pieces;
  EXPECT_EQ(cache.Lookup(1, 5, 35, &pieces), Bytes(15));
  EXPECT_EQ(pieces,
            (std::vector<Piece>{{5, 10, false}, {10, 20, true}, {20, 30, false}, {30, 35, true}}));
  EXPECT_EQ(cache.bytes(), Bytes(60));
}

TEST(RangeCacheTest, NeighboursAreOnePiece) {
  RangeCache cache(Bytes(100));
  cache.Insert(1, 0, 10);
  cache.Insert(1, 10, 20);
  std::vector<Piece> pieces;
  cache.Lookup(1, 0, 20, &pieces);
  EXPECT_EQ(pieces, (std::vector<Piece>{{0, 20, true}}));
}

TEST(RangeCacheTest, TheLeastRecentlyUsedGoFirstByTheByte) {
  RangeCache cache(Bytes(30));
  cache.Insert(1, 0, 10);
  cache.Insert(2, 0, 10);
  cache.Insert(3, 0, 10);
  cache.Lookup(1, 0, 1);   // Now 2 is the oldest.
  cache.Insert(4, 0, 14);  // All of 2, and the old end of 3.
  EXPECT_EQ(cache.Peek(1, 0, 10), Bytes(10));
  EXPECT_EQ(cache.Peek(2, 0, 10), Bytes(0));
  EXPECT_EQ(cache.Peek(3, 0, 4), Bytes(0));
  EXPECT_EQ(cache.Peek(3, 4, 10), Bytes(6));
  EXPECT_EQ(cache.evicted(), Bytes(14));
  cache.Audit();
}

TEST(RangeCacheTest, OverlapsAreCountedOnce) {
  RangeCache cache(Bytes(100));
  cache.Insert(1, 0, 30);
  cache.Insert(1, 10, 20);  // Cuts it into three.
  EXPECT_EQ(cache.bytes(), Bytes(30));
  EXPECT_EQ(cache.inserted(), Bytes(30));
  EXPECT_EQ(cache.ranges(), 3u);
  cache.Erase(1, 5, 15);
  EXPECT_EQ(cache.bytes(), Bytes(20));
  cache.Audit();
}

TEST(RangeCacheTest, AppendsGrowARangeUpToTheGrain) {
  RangeCache cache(Bytes(1000), Bytes(100));
  for (int64_t at = 0; at < 1000; at += 10) cache.Insert(1, at, at + 10);
  EXPECT_EQ(cache.ranges(), 10u);
  cache.Insert(2, 0, 50);
  EXPECT_EQ(cache.Peek(1, 0, 50), Bytes(0));
  EXPECT_EQ(cache.Peek(1, 50, 1000), Bytes(950));
  cache.Audit();
}

TEST(RangeCacheTest, MoreThanTheCapacityKeepsItsEnd) {
  RangeCache cache(Bytes(100));
  cache.Insert(1, 0, 1000);
  EXPECT_EQ(cache.Peek(1, 900, 1000), Bytes(100));
  EXPECT_EQ(cache.bytes(), Bytes(100));
  cache.SetCapacity(Bytes(0));
  EXPECT_EQ(cache.ranges(), 0u);
  cache.Audit();
}

// Look-ups tell the same as a peek, in pieces without gaps; what was just inserted is there as far
// as it fits; no byte is lost or counted twice.
// Against a list that each use moves to the back of.
RC_GTEST_PROP(RangeCacheTest, WhatIsEvictedWasUsedLeastRecently, ()) {
  struct Held {
    int64_t from;
    int64_t to;
  };
  constexpr int64_t kCapacity = 75;
  RangeCache cache{Bytes(kCapacity)};
  std::vector<Held> oldest_first;
  RandomStream stream(*rc::gen::arbitrary<uint64_t>(), "test", "steps");
  int64_t bytes = 0;
  const auto evict = [&] {
    bytes = 0;
    for (const Held& held : oldest_first) bytes += held.to - held.from;
    while (bytes > kCapacity) {
      Held& oldest = oldest_first.front();
      const int64_t gone = std::min(bytes - kCapacity, oldest.to - oldest.from);
      bytes -= gone;
      oldest.from += gone;
      if (oldest.from == oldest.to) oldest_first.erase(oldest_first.begin());
    }
  };
  for (int i = 0; i < 500; ++i) {
    // Ten bytes, a gap, ten bytes ...: nothing grows together.
    const auto from = static_cast<int64_t>(20 * stream.NextBelow(20));
    const auto others = std::stable_partition(
        oldest_first.begin(), oldest_first.end(),
        [from](const Held& held) { return held.to <= from || from + 10 <= held.from; });
    std::vector<Held> parts(others, oldest_first.end());
    oldest_first.erase(others, oldest_first.end());
    switch (stream.NextBelow(8)) {
      case 0:
        cache.Erase(0, from, from + 10);
        break;
      case 1:
      case 2:
      case 3:
        cache.Lookup(0, from, from + 10);
        std::sort(parts.begin(), parts.end(),
                  [](const Held& a, const Held& b) { return a.from < b.from; });
        oldest_first.insert(oldest_first.end(), parts.begin(), parts.end());
        break;
      case 4:  // What is left and right of a gap has one age.
        cache.Insert(0, from, from + 10);
        oldest_first.push_back({from, from + 10});
        evict();
        cache.Erase(0, from + 3, from + 6);
        oldest_first.back() = {from, from + 3};
        oldest_first.push_back({from + 6, from + 10});
        break;
      default:
        cache.Insert(0, from, from + 10);
        oldest_first.push_back({from, from + 10});
    }
    evict();
    cache.Audit();
    RC_ASSERT(cache.bytes() == Bytes(bytes));
    for (const Held& held : oldest_first) {
      RC_ASSERT(cache.Peek(0, held.from, held.to) == Bytes(held.to - held.from));
    }
  }
}

RC_GTEST_PROP(RangeCacheTest, BytesAreExactThroughAnyTreatment, ()) {
  const auto capacity = *rc::gen::inRange<int64_t>(0, 300);
  const auto grain = *rc::gen::element<int64_t>(0, 50);
  const auto seed = *rc::gen::arbitrary<uint64_t>();
  RangeCache cache{Bytes(capacity), Bytes(grain)};
  RandomStream stream(seed, "test", "steps");
  for (int i = 0; i < 300; ++i) {
    const uint64_t of = 512 * stream.NextBelow(3);  // 0 and 1024 share an entry.
    const auto from = static_cast<int64_t>(stream.NextBelow(200));
    const auto to = from + static_cast<int64_t>(stream.NextBelow(80));
    switch (stream.NextBelow(6)) {
      case 0:
        cache.Erase(of, from, to);
        RC_ASSERT(cache.Peek(of, from, to) == Bytes(0));
        break;
      case 1: {
        std::vector<Piece> pieces;
        const Bytes expected = cache.Peek(of, from, to);
        RC_ASSERT(cache.Lookup(of, from, to, &pieces) == expected);
        int64_t position = from;
        int64_t hit = 0;
        for (size_t p = 0; p < pieces.size(); ++p) {
          RC_ASSERT(pieces[p].from == position && pieces[p].to > pieces[p].from);
          // In parentheses: RapidCheck takes a bare || apart and evaluates both sides.
          RC_ASSERT((p == 0 || pieces[p].hit != pieces[p - 1].hit));
          if (pieces[p].hit) hit += pieces[p].to - pieces[p].from;
          position = pieces[p].to;
        }
        RC_ASSERT(position == to && hit == expected.count());
        RC_ASSERT(cache.Lookup(of, from, to) == expected);
        break;
      }
      default:
        cache.Insert(of, from, to);
        // The newest are there, as far as they fit.
        RC_ASSERT(cache.Peek(of, from, to).count() >= std::min(to - from, capacity) || grain > 0);
    }
    cache.Audit();
  }
}

TEST(RangeCacheCanary, AMiscountIsNoticed) {
  RangeCache cache(Bytes(100));
  cache.Insert(1, 0, 10);
  RangeCacheTestPeer::Miscount(cache);
  EXPECT_THROW(cache.Audit(), InvariantBroken);
}

TEST(RangeCacheCanary, AuditsInTurnNoticeItWithinTheirTurn) {
  RangeCache cache(Bytes(100'000));
  for (int64_t range = 0; range < 1000; ++range) cache.Insert(1, 20 * range, 20 * range + 10);
  cache.AuditInTurn(/*last=*/false);
  RangeCacheTestPeer::Unlist(cache);
  // A walk for every 256 ranges: the fourth audit is the first that walks a thousand.
  for (int turn = 2; turn < 4; ++turn) cache.AuditInTurn(false);
  EXPECT_THROW(cache.AuditInTurn(false), InvariantBroken);
  EXPECT_THROW(cache.AuditInTurn(/*last=*/true), InvariantBroken);
  // What is wrong with a sum shows at once.
  RangeCacheTestPeer::Miscount(cache);
  EXPECT_THROW(cache.AuditInTurn(false), InvariantBroken);
}

}  // namespace
}  // namespace freshet
