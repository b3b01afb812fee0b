#include "sim/random.h"

#include <set>
#include <vector>

#include "gtest/gtest.h"
#include "sim/check.h"
#include "sim/hash.h"
#include "sim/math.h"

namespace freshet {
namespace {

TEST(RandomStreamTest, DrawsAreTheWordsOfConsecutiveBlocks) {
  RandomStream stream(42, "producer-0", "arrivals");
  const uint64_t lane = Fnv1a64(absl::string_view("producer-0/arrivals"));
  for (uint64_t block = 0; block < 100; ++block) {
    const auto words = Philox(42, {block, lane});
    EXPECT_EQ(stream.NextUint64(), words[0]);
    EXPECT_EQ(stream.NextUint64(), words[1]);
  }
}

TEST(RandomStreamTest, SeedNameAndPurposeEachMakeAnotherStream) {
  std::set<uint64_t> firsts;
  for (const uint64_t seed : {1, 2}) {
    for (const char* name : {"a", "b"}) {
      for (const char* purpose : {"x", "y"}) {
        firsts.insert(RandomStream(seed, name, purpose).NextUint64());
      }
    }
  }
  EXPECT_EQ(firsts.size(), 8u);
}

TEST(RandomStreamTest, UniformsLieStrictlyInsideTheUnitInterval) {
  RandomStream stream(1, "a", "b");
  for (int i = 0; i < 100'000; ++i) {
    const double u = stream.NextUniform();
    ASSERT_GT(u, 0.0);
    ASSERT_LT(u, 1.0);
  }
  // The ends of the grid.
  EXPECT_GT((0.0 + 0.5) * 0x1p-52, 0.0);
  EXPECT_LT((0x1p52 - 1 + 0.5) * 0x1p-52, 1.0);
}

TEST(RandomStreamTest, BelowABoundEveryValueIsAsLikely) {
  RandomStream stream(92, "a", "below");
  constexpr int kDraws = 120'000;
  int seen[12] = {};
  for (int i = 0; i < kDraws; ++i) ++seen[stream.NextBelow(12)];
  double chi_square = 0;
  for (const int count : seen) chi_square += (count - 10'000.0) * (count - 10'000.0) / 10'000.0;
  EXPECT_LT(chi_square, 31.26);  // 11 degrees of freedom, 0.001.
}

TEST(RandomStreamTest, BelowAHugeBoundIsUnbiased) {
  // 3/4 of the range: without rejection a third of the values would come twice as often.
  RandomStream stream(92, "a", "huge");
  constexpr uint64_t kBound = uint64_t{3} << 62;
  int thirds[3] = {};
  for (int i = 0; i < 30'000; ++i) {
    const uint64_t value = stream.NextBelow(kBound);
    ASSERT_LT(value, kBound);
    ++thirds[value % 3];
  }
  for (const int count : thirds) EXPECT_NEAR(count, 10'000, 5 * 82);
  EXPECT_EQ(stream.NextBelow(1), 0u);
  EXPECT_THROW(stream.NextBelow(0), InvariantBroken);
}

// Whatever was drawn of the same buffered words before.
TEST(RandomStreamTest, VariatesAreFunctionsOfTheNextWord) {
  RandomStream words(7, "test", "variates");
  RandomStream mixed(7, "test", "variates");
  for (int i = 0; i < 1000; ++i) {
    const double uniform = words.NextUniform();
    switch (i * i % 5) {
      case 0:
        ASSERT_EQ(mixed.NextUniform(), uniform);
        break;
      case 1:
        ASSERT_EQ(mixed.NextExponential(), -Log(uniform));
        break;
      default:
        ASSERT_EQ(mixed.NextLognormal(1.5 + i % 2), Exp((1.5 + i % 2) * Probit(uniform)));
    }
  }
}

TEST(RandomStreamTest, ASubstreamDependsOnItsIndexAlone) {
  RandomStream fresh(7, "a", "b");
  RandomStream used(7, "a", "b");
  for (int i = 0; i < 13; ++i) used.NextUint64();
  EXPECT_EQ(fresh.Substream(5).NextUint64(), used.Substream(5).NextUint64());
}

TEST(RandomStreamTest, SubstreamsDoNotMeet) {
  const RandomStream a(7, "a", "x");
  const RandomStream b(7, "b", "x");
  std::set<uint64_t> words;
  int drawn = 0;
  for (uint64_t index = 0; index < 20'000; ++index) {
    for (const RandomStream& parent : {a, b, a.Substream(3)}) {
      RandomStream child = parent.Substream(index);
      for (int i = 0; i < 6; ++i, ++drawn) words.insert(child.NextUint64());
    }
  }
  EXPECT_EQ(words.size(), static_cast<size_t>(drawn));
}

// A bit of one substream says nothing about the same bit of the next.
TEST(RandomStreamTest, NeighbouringSubstreamsAreUncorrelated) {
  const RandomStream parent(7, "a", "x");
  constexpr int kPairs = 20'000;
  int equal_bits[64] = {};
  uint64_t last = parent.Substream(0).NextUint64();
  for (uint64_t i = 1; i <= kPairs; ++i) {
    const uint64_t word = parent.Substream(i).NextUint64();
    for (int bit = 0; bit < 64; ++bit) equal_bits[bit] += ((word ^ last) >> bit & 1) == 0;
    last = word;
  }
  for (const int count : equal_bits) EXPECT_NEAR(2 * count, kPairs, 10 * 71);
}

}  // namespace
}  // namespace freshet
