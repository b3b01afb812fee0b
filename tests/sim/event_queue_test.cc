#include "sim/event_queue.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"
#include "sim/random.h"

namespace freshet::sim_internal {
namespace {

// The queue and its specification, a vector kept in order, side by side.
class Twin {
 public:
  void Push(int64_t time, unsigned priority = 1) {
    const uint64_t sequence = ++sequence_;
    const QueueEntry entry = {
        time, QueueEntry::Pack(priority, sequence, static_cast<uint32_t>(sequence % 1000))};
    queue_.Push(entry);
    expected_.push_back(entry);
    sorted_ = false;
  }
  // Pops both and returns the time.
  int64_t Pop() {
    Sort();
    const QueueEntry entry = queue_.Front([](uint32_t) {});
    queue_.Pop();
    EXPECT_EQ(entry.time, expected_[head_].time);
    EXPECT_EQ(entry.order, expected_[head_].order);
    ++head_;
    EXPECT_EQ(queue_.size(), expected_.size() - head_);
    return entry.time;
  }
  // Drops every entry whose sequence is a multiple of `factor`.
  void Purge(uint64_t factor) {
    Sort();
    const auto stale = [factor](const QueueEntry& entry) { return entry.sequence() % factor == 0; };
    queue_.Purge(stale);
    expected_.erase(std::remove_if(expected_.begin() + static_cast<std::ptrdiff_t>(head_),
                                   expected_.end(), stale),
                    expected_.end());
    EXPECT_EQ(queue_.size(), expected_.size() - head_);
  }
  bool empty() const { return head_ == expected_.size(); }

 private:
  void Sort() {
    if (sorted_) return;
    std::stable_sort(expected_.begin() + static_cast<std::ptrdiff_t>(head_), expected_.end(),
                     [](const QueueEntry& a, const QueueEntry& b) {
                       if (a.time != b.time) return a.time < b.time;
                       return a.priority() < b.priority();
                     });
    sorted_ = true;
  }

  EventQueue queue_;
  std::vector<QueueEntry> expected_;
  size_t head_ = 0;
  bool sorted_ = true;
  uint64_t sequence_ = 0;
};

// How far ahead of the present events are scheduled.
enum class Law { kEqual, kShort, kLong, kHuge, kMixed, kBursts, kFarAndNear };

int64_t Increment(Law law, RandomStream& stream, int64_t now) {
  const int64_t room = (int64_t{1} << 62) - now;
  switch (law) {
    case Law::kEqual:
      return 0;
    case Law::kShort:
      return static_cast<int64_t>(stream.NextBelow(100));
    case Law::kLong:
      return std::min(room, static_cast<int64_t>(stream.NextBelow(1'000'000'000)));
    case Law::kHuge:
      return static_cast<int64_t>(stream.NextBelow(static_cast<uint64_t>(room) + 1));
    case Law::kMixed: {  // Every scale equally often.
      const uint64_t bits = stream.NextBelow(62);
      return std::min(room, static_cast<int64_t>(stream.NextBelow(uint64_t{1} << bits)));
    }
    case Law::kBursts:
      return std::min(room, static_cast<int64_t>(stream.NextBelow(20)) * 1'000'000);
    case Law::kFarAndNear:
      return stream.NextBelow(2) == 0 ? static_cast<int64_t>(stream.NextBelow(1000))
                                      : std::min(room, int64_t{1} << (30 + stream.NextBelow(30)));
  }
  return 0;
}

class EventQueueLaws : public ::testing::TestWithParam<Law> {};

TEST_P(EventQueueLaws, PopsAsAStableSortWould) {
  RandomStream stream(92, "queue", "pushes");
  for (const int pending : {1, 10, 300, 5000}) {
    Twin twin;
    for (int i = 0; i < pending; ++i) twin.Push(Increment(GetParam(), stream, 0));
    int64_t now = 0;
    for (int i = 0; i < 4000 && !twin.empty(); ++i) {
      now = twin.Pop();
      twin.Push(now + Increment(GetParam(), stream, now));
    }
    while (!twin.empty()) twin.Pop();
  }
}

INSTANTIATE_TEST_SUITE_P(All, EventQueueLaws,
                         ::testing::Values(Law::kEqual, Law::kShort, Law::kLong, Law::kHuge,
                                           Law::kMixed, Law::kBursts, Law::kFarAndNear));

RC_GTEST_PROP(EventQueueTest, AnyPushesPopsAndPurgesKeepTheOrder, ()) {
  const auto law = static_cast<Law>(*rc::gen::inRange(0, 7));
  const auto seed = *rc::gen::arbitrary<uint64_t>();
  const auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 100));
  RandomStream stream(seed, "queue", "pushes");
  Twin twin;
  int64_t now = 0;
  for (const int step : steps) {
    if (step < 50) {
      // Many at once, so that runs grow long and are shortened.
      for (int i = 0; i <= step * step; ++i) {
        twin.Push(now + Increment(law, stream, now), static_cast<unsigned>(stream.NextBelow(4)));
      }
    } else if (step < 95) {
      for (int i = 0; i < step * 10 && !twin.empty(); ++i) now = twin.Pop();
    } else {
      twin.Purge(static_cast<uint64_t>(step - 93));
    }
    if (::testing::Test::HasFailure()) RC_FAIL("order");
  }
  while (!twin.empty()) twin.Pop();
  RC_ASSERT(!::testing::Test::HasFailure());
}

// A run is made of neighbouring buckets, and the wheel's base is the last of them; what the run
// gives back when it grows too long may lie before that.
TEST(EventQueueTest, ARunGivesBackWhatLiesBeforeTheBase) {
  RandomStream stream(7, "queue", "run");
  Twin twin;
  for (int64_t i = 1; i <= 20; ++i) twin.Push((1 << 20) + i * 4096);
  for (int64_t i = 1; i <= 40; ++i) twin.Push((1 << 20) + 21 * 4096 + i);
  int64_t now = twin.Pop();
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 600; ++i) twin.Push(now + static_cast<int64_t>(stream.NextBelow(70'000)));
    for (int i = 0; i < 400; ++i) now = twin.Pop();
  }
  while (!twin.empty()) twin.Pop();
}

// As RunUntil() does: it looks at an event beyond its end, and then nearer ones are scheduled.
TEST(EventQueueTest, ALookAheadDoesNotHideWhatComesBefore) {
  RandomStream stream(8, "queue", "ahead");
  EventQueue queue;
  auto push = [&queue, sequence = uint64_t{0}](int64_t time) mutable {
    queue.Push({time, QueueEntry::Pack(1, ++sequence, 0)});
  };
  for (int64_t i = 0; i < 10; ++i) push((int64_t{1} << 40) + i);
  EXPECT_EQ(queue.Front([](uint32_t) {}).time, int64_t{1} << 40);
  std::vector<int64_t> times;
  for (int i = 0; i < 2000; ++i) {
    times.push_back(static_cast<int64_t>(stream.NextBelow(uint64_t{1} << 41)));
    push(times.back());
  }
  for (int64_t i = 0; i < 10; ++i) times.push_back((int64_t{1} << 40) + i);
  std::sort(times.begin(), times.end());
  for (const int64_t time : times) {
    EXPECT_EQ(queue.Front([](uint32_t) {}).time, time);
    queue.Pop();
  }
  EXPECT_TRUE(queue.empty());
}

TEST(EventQueueTest, ReachesTheEndOfTime) {
  Twin twin;
  twin.Push(INT64_MAX);
  twin.Push(0);
  twin.Push(int64_t{1} << 62);
  twin.Push(INT64_MAX);
  EXPECT_EQ(twin.Pop(), 0);
  EXPECT_EQ(twin.Pop(), int64_t{1} << 62);
  EXPECT_EQ(twin.Pop(), INT64_MAX);
  twin.Push(INT64_MAX);
  EXPECT_EQ(twin.Pop(), INT64_MAX);
  EXPECT_EQ(twin.Pop(), INT64_MAX);
  EXPECT_TRUE(twin.empty());
}

}  // namespace
}  // namespace freshet::sim_internal
