// Steady state allocates nothing: this program counts every allocation it makes.
#include <cstdlib>
#include <new>
#include <vector>

#include "gtest/gtest.h"
#include "sim/bandwidth.h"
#include "sim/bounded_queue.h"
#include "sim/random.h"
#include "sim/station.h"
#include "sim/token_bucket.h"

namespace {
int64_t allocations = 0;

void* Allocate(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void* AllocateAligned(std::size_t size, std::align_val_t alignment) {
  ++allocations;
  const auto align = static_cast<std::size_t>(alignment);
  if (void* memory = std::aligned_alloc(align, (size + align - 1) / align * align)) return memory;
  throw std::bad_alloc();
}
}  // namespace

void* operator new(std::size_t size) { return Allocate(size); }
void* operator new[](std::size_t size) { return Allocate(size); }
void* operator new(std::size_t size, std::align_val_t align) {
  return AllocateAligned(size, align);
}
void* operator new[](std::size_t size, std::align_val_t align) {
  return AllocateAligned(size, align);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace freshet {
namespace {

// Keeps so many jobs, timers and transfers going, each of which starts its next.
class Churn : public Component {
 public:
  explicit Churn(Simulation& sim)
      : Component(sim, "churn"),
        station_(sim, "churn/station", Threads()),
        link_(sim, "churn/link", Link()),
        bucket_(sim, "churn/bucket", {Rate::PerSecond(100'000), 100}),
        queue_(sim, "churn/queue", {.most_items = 8}),
        stream_(NewStream("draws")) {}

  void Start() {
    for (int i = 0; i < 50; ++i) {
      Hold();
      Timeout();
      Serve();
      Transfer(i % 3);
      Take();
    }
    for (int i = 0; i < 20; ++i) Push();
    Drain();
  }

 private:
  static Station::Config Threads() {
    Station::Config config;
    config.workers = 4;
    config.classes = 2;
    config.preemptive = true;
    return config;
  }
  static Bandwidth::Config Link() {
    Bandwidth::Config config;
    config.capacity = BytesPerSecond(1'000'000'000);
    config.classes = {{.tier = 0}, {.tier = 0, .weight = 2}, {.tier = 1}};
    return config;
  }
  int64_t Draw(uint64_t bound) { return 1 + static_cast<int64_t>(stream_.NextBelow(bound)); }
  void Hold() {
    After<"churn.hold">(Nanoseconds(Draw(100'000)), [this] { Hold(); });
  }
  void Timeout() {
    const EventId timeout = After<"churn.timeout">(Seconds(30), [] {});
    After<"churn.answer">(Nanoseconds(Draw(100'000)), [this, timeout] {
      sim().Cancel(timeout);
      Timeout();
    });
  }
  void Serve() {
    station_.Serve(
        Nanoseconds(Draw(1000)), [this] { Serve(); }, static_cast<int>(Draw(2)) - 1);
  }
  void Transfer(int index) {
    const int64_t size = Draw(10'000);
    const bool capped = Draw(4) == 1;
    link_.Start(
        Bytes(size), [this, index] { Transfer(index); }, index,
        BytesPerSecond(capped ? 50'000'000 : INT64_MAX));
  }
  void Take() {
    bucket_.Take(1, [this] { Take(); });
  }
  void Push() {
    if (queue_.Push(1, Bytes(1), [this] { Push(); })) {
      After<"churn.push">(Nanoseconds(Draw(1000)), [this] { Push(); });
    }
  }
  void Drain() {
    if (!queue_.empty()) queue_.Pop();
    After<"churn.drain">(Nanoseconds(500), [this] { Drain(); });
  }

  Station station_;
  Bandwidth link_;
  TokenBucket bucket_;
  BoundedQueue<int> queue_;
  RandomStream stream_;
};

TEST(AllocationTest, SteadyStateAllocatesNothing) {
  Simulation sim(92);
  sim.SetSeries(false);  // A series grows to its bound of buckets; it is tried below.
  Churn churn(sim);
  churn.Start();
  sim.RunUntil(Time() + Milliseconds(400));
  const uint64_t events = sim.EventsFired();
  const int64_t before = allocations;
  sim.RunUntil(Time() + Milliseconds(500));
  const int64_t made = allocations - before;
  EXPECT_EQ(made, 0) << "in " << sim.EventsFired() - events << " events";
  EXPECT_GT(sim.EventsFired() - events, 500'000u);
}

// With series on: as many as there are buckets to open, whatever the number of events.
TEST(AllocationTest, SeriesAllocateByTheBucketNotByTheEvent) {
  Simulation sim(92);
  Churn churn(sim);
  churn.Start();
  sim.RunUntil(Time() + Milliseconds(500));
  const int64_t before = allocations;
  sim.RunUntil(Time() + Milliseconds(1000));
  EXPECT_LE(allocations - before, 200);
}

TEST(AllocationTest, TheCounterCounts) {
  const int64_t before = allocations;
  std::vector<int> some(100);
  EXPECT_EQ(some.size(), 100u);
  EXPECT_GT(allocations, before);
}

}  // namespace
}  // namespace freshet
