#include "sim/digest.h"

#include <algorithm>
#include <vector>

#include "gtest/gtest.h"
#include "sim/hash.h"

namespace freshet {
namespace {

constexpr uint64_t kFetch = Fnv1a64OfBytes("fetch", 5);
constexpr uint64_t kAppend = Fnv1a64OfBytes("append", 6);
constexpr uint64_t kBroker = Fnv1a64OfBytes("broker-0", 8);

RunDigest AfterOneEvent(int64_t nanos, uint64_t type, uint64_t component) {
  RunDigest digest;
  digest.AddEvent(Time::FromNanos(nanos), type, component);
  return digest;
}

TEST(DigestTest, OrderDependsOnTimeTypeAndComponent) {
  const Digests base = AfterOneEvent(1, kFetch, kBroker).Get();
  EXPECT_EQ(base, AfterOneEvent(1, kFetch, kBroker).Get());
  EXPECT_NE(base.order, AfterOneEvent(2, kFetch, kBroker).Get().order);
  EXPECT_NE(base.order, AfterOneEvent(1, kAppend, kBroker).Get().order);
  EXPECT_NE(base.order, AfterOneEvent(1, kFetch, kAppend).Get().order);
}

TEST(DigestTest, OrderDependsOnWhichEventCameFirst) {
  RunDigest first, second;
  first.AddEvent(Time(), kFetch, kBroker);
  first.AddEvent(Time(), kAppend, kBroker);
  second.AddEvent(Time(), kAppend, kBroker);
  second.AddEvent(Time(), kFetch, kBroker);
  EXPECT_NE(first.Get().order, second.Get().order);
}

TEST(DigestTest, AFieldMovesFullAlone) {
  RunDigest digest = AfterOneEvent(1, kFetch, kBroker);
  const Digests before = digest.Get();
  digest.AddField(7);
  EXPECT_EQ(digest.Get().order, before.order);
  EXPECT_EQ(digest.Get().result, before.result);
  EXPECT_NE(digest.Get().full, before.full);
}

TEST(DigestTest, AnEventDoesNotMoveResult) {
  RunDigest digest;
  const Digests before = digest.Get();
  digest.AddEvent(Time(), kFetch, kBroker);
  EXPECT_EQ(digest.Get().result, before.result);
  digest.AddResult(7);
  EXPECT_NE(digest.Get().result, before.result);
}

TEST(DigestTest, CheckpointsAreBoundedAndEvenlySpaced) {
  RunDigest digest;
  std::vector<uint64_t> orders;  // After each 65536 events.
  constexpr int64_t kEvents = int64_t{4096} * 65536 + 3 * 65536;
  for (int64_t i = 1; i <= kEvents; ++i) {
    digest.AddEvent(Time::FromNanos(i), kFetch, kBroker);
    if (i % 65536 == 0) orders.push_back(digest.Get().order);
  }
  EXPECT_EQ(digest.CheckpointSpacing(), 2 * 65536u);
  ASSERT_EQ(digest.Checkpoints().size(), orders.size() / 2);
  for (size_t i = 0; i < digest.Checkpoints().size(); ++i) {
    EXPECT_EQ(digest.Checkpoints()[i], orders[2 * i + 1]);
  }
}

// Frozen: goldens are made of these.
TEST(DigestTest, TheValuesAreFrozen) {
  RunDigest digest;
  for (int64_t i = 0; i < 1000; ++i) {
    digest.AddEvent(Time::FromNanos(i * 1'000'003), i % 3 == 0 ? kFetch : kAppend, kBroker);
    digest.AddField(static_cast<uint64_t>(i * i));
    digest.AddResult(static_cast<uint64_t>(-i));
  }
  EXPECT_EQ(digest.Get().order, 0xef0d6f58046c90f2ULL);
  EXPECT_EQ(digest.Get().full, 0xf58d216327e946c3ULL);
  EXPECT_EQ(digest.Get().result, 0x01ce47a9289306baULL);
}

TEST(HashTest, MixingIsFrozen) {
  EXPECT_EQ(MixHash(kFnvOffset, 0), 0xf8bb92c91b3f5cc0ULL);
  EXPECT_EQ(MixHash(0, 1), 0x9e3779b97f4a7c15ULL ^ (0x9e3779b97f4a7c15ULL >> 32));
}

}  // namespace
}  // namespace freshet
