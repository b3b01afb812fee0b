#include "sim/bounded_queue.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace freshet {

template <class Item>
class BoundedQueueTestPeer {
 public:
  static void LoseAnItem(BoundedQueue<Item>& queue) { ++queue.popped_; }
  static void ShutTheDoor(BoundedQueue<Item>& queue) {
    queue.inside_.pop_front();
    ++queue.popped_;
    queue.bytes_inside_ -= 10;
    queue.bytes_popped_ += 10;
  }
};

namespace {

constexpr uint64_t kSeed = 92;

BoundedQueueConfig Room(int64_t items, int64_t bytes) {
  BoundedQueueConfig config;
  config.most_items = items;
  config.most_bytes = Bytes(bytes);
  return config;
}

TEST(BoundedQueueTest, PushesBackWhenItsBytesAreUsedUp) {
  Simulation sim(kSeed);
  BoundedQueue<char> queue(sim, "buffer", Room(100, 30));
  std::string entered;
  EXPECT_TRUE(queue.Push('a', Bytes(20), [&] { entered += 'a'; }));
  EXPECT_FALSE(queue.Push('b', Bytes(20), [&] { entered += 'b'; }));
  EXPECT_FALSE(queue.Push('c', Bytes(5), [&] { entered += 'c'; }));  // Fits, but b is before.
  char item = 'd';
  EXPECT_FALSE(queue.TryPush(item, Bytes(1)));
  EXPECT_EQ(queue.blocked(), 2);
  EXPECT_EQ(queue.bytes_blocked(), Bytes(25));
  EXPECT_EQ(queue.Pop(), 'a');
  EXPECT_EQ(queue.bytes(), Bytes(25));
  EXPECT_EQ(entered, "");  // Never re-entrantly.
  sim.Run();
  EXPECT_EQ(entered, "bc");
  EXPECT_EQ(queue.Pop(), 'b');
  EXPECT_EQ(queue.Pop(), 'c');
  EXPECT_TRUE(queue.empty());
}

TEST(BoundedQueueTest, PushesBackWhenItIsFullOfItems) {
  Simulation sim(kSeed);
  BoundedQueue<int> queue(sim, "buffer", Room(2, 1000));
  EXPECT_TRUE(queue.Push(1, Bytes(0), Callback()));
  EXPECT_TRUE(queue.Push(2, Bytes(0), Callback()));
  EXPECT_FALSE(queue.Push(3, Bytes(0), Callback()));
  queue.Pop();
  EXPECT_EQ(queue.size(), 2);
  EXPECT_EQ(queue.blocked(), 0);
}

TEST(BoundedQueueTest, AConsumerIsToldOnce) {
  Simulation sim(kSeed);
  BoundedQueue<int> queue(sim, "buffer", Room(2, 1000));
  int told = 0;
  queue.WhenNotEmpty([&] { ++told; });
  queue.Push(1, Bytes(1), Callback());
  queue.Push(2, Bytes(1), Callback());
  EXPECT_EQ(told, 0);
  sim.Run();
  EXPECT_EQ(told, 1);
  queue.WhenNotEmpty([&] { ++told; });
  sim.Run();
  EXPECT_EQ(told, 2);
}

TEST(BoundedQueueTest, ACrashForgetsAllAndTellsNobody) {
  Simulation sim(kSeed);
  BoundedQueue<int> queue(sim, "buffer", Room(1, 1000));
  queue.Push(1, Bytes(1), Callback());
  queue.Push(2, Bytes(1), [] { FAIL(); });
  queue.Push(3, Bytes(1), [] { FAIL(); });
  queue.Pop();  // The second has entered and would hear of it at this instant.
  EXPECT_EQ(queue.DropAll(), 2);
  sim.Run();
  EXPECT_TRUE(queue.empty());
}

std::string BrokenBy(void (*breach)(BoundedQueue<int>&)) {
  Simulation sim(kSeed);
  BoundedQueue<int> queue(sim, "buffer", Room(2, 20));
  for (int i = 0; i < 4; ++i) queue.Push(i, Bytes(10), Callback());
  breach(queue);
  try {
    sim.Run();
  } catch (const InvariantBroken& broken) {
    return broken.invariant();
  }
  return "nothing";
}
TEST(BoundedQueueCanary, ALostItem) {
  EXPECT_EQ(BrokenBy(BoundedQueueTestPeer<int>::LoseAnItem), "inv.I3");
}
TEST(BoundedQueueCanary, RoomThatIsKeptFromWhoWaits) {
  EXPECT_EQ(BrokenBy(BoundedQueueTestPeer<int>::ShutTheDoor), "inv.I5");
}
TEST(BoundedQueueCanary, AnItemThatNeverFits) {
  EXPECT_EQ(BrokenBy([](BoundedQueue<int>&) {}), "nothing");
  Simulation sim(kSeed);
  BoundedQueue<int> queue(sim, "buffer", Room(2, 20));
  EXPECT_THROW(queue.Push(1, Bytes(21), Callback()), InvariantBroken);
}

}  // namespace
}  // namespace freshet
