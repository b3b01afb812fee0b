#include "sim/batcher.h"

#include <vector>

#include "gtest/gtest.h"

namespace freshet {
namespace {

constexpr uint64_t kSeed = 92;

class Script : public Component {
 public:
  using Component::After;
  using Component::Component;
};

Batcher::Config Even(int64_t per_second, Duration linger, int64_t most) {
  return {Rate::PerSecond(per_second), linger, most, Batcher::Arrivals::kEven};
}

struct Collector {
  std::vector<Batcher::Batch> batches;
  Completion<const Batcher::Batch&> Collect() {
    return [this](const Batcher::Batch& batch) { batches.push_back(batch); };
  }
  int64_t Records() const {
    int64_t sum = 0;
    for (const Batcher::Batch& batch : batches) sum += batch.records;
    return sum;
  }
};

TEST(BatcherTest, EvenArrivalsCloseBySizeAtTheLastRecord) {
  Simulation sim(kSeed);
  Collector collector;
  Batcher batcher(sim, "batcher", Even(1000, Seconds(1), 10), collector.Collect());
  batcher.Start();
  sim.RunUntil(Time() + Milliseconds(20));
  ASSERT_EQ(collector.batches.size(), 2u);  // Records at 1, 2, ... ms.
  EXPECT_EQ(collector.batches[0].opened, Time() + Milliseconds(1));
  EXPECT_EQ(collector.batches[0].closed, Time() + Milliseconds(10));
  EXPECT_TRUE(collector.batches[0].full);
  EXPECT_EQ(collector.batches[1].closed, Time() + Milliseconds(20));
}

TEST(BatcherTest, EvenArrivalsCloseByTheTimer) {
  Simulation sim(kSeed);
  Collector collector;
  Batcher batcher(sim, "batcher", Even(1000, Microseconds(4500), 100), collector.Collect());
  batcher.Start();
  sim.RunUntil(Time() + Milliseconds(20));
  ASSERT_EQ(collector.batches.size(), 3u);  // At 5.5, 10.5, 15.5 ms.
  EXPECT_EQ(collector.batches[0].closed, Time() + Microseconds(5500));
  EXPECT_EQ(collector.batches[0].records, 5);
  EXPECT_FALSE(collector.batches[0].full);
  EXPECT_EQ(collector.batches[1].opened, Time() + Milliseconds(6));
}

TEST(BatcherTest, OneEventABatch) {
  Simulation sim(kSeed);
  Collector collector;
  Batcher batcher(sim, "batcher", {Rate::PerSecond(1'000'000), Milliseconds(5), 100'000},
                  collector.Collect());
  batcher.Start();
  sim.RunUntil(Time() + Seconds(1));
  EXPECT_NEAR(static_cast<double>(collector.batches.size()), 200, 1);
  EXPECT_EQ(sim.EventsFired(), collector.batches.size());
  for (const Batcher::Batch& batch : collector.batches) {
    EXPECT_EQ(batch.closed - batch.opened, Milliseconds(5));
    EXPECT_NEAR(static_cast<double>(batch.records), 5000, 500);
  }
}

TEST(BatcherTest, WithoutLingerEveryRecordIsABatch) {
  Simulation sim(kSeed);
  Collector collector;
  Batcher batcher(sim, "batcher", {Rate::PerSecond(1000), Duration(), 16}, collector.Collect());
  batcher.Start();
  sim.RunUntil(Time() + Seconds(1));
  for (const Batcher::Batch& batch : collector.batches) EXPECT_EQ(batch.records, 1);
}

TEST(BatcherTest, NothingArrivesAtARateOfZero) {
  Simulation sim(kSeed);
  Collector collector;
  Batcher batcher(sim, "batcher", {Rate(), Seconds(1), 16}, collector.Collect());
  batcher.Start();
  sim.Run();
  EXPECT_TRUE(collector.batches.empty());
  batcher.SetRate(Rate::PerSecond(1000));
  sim.RunUntil(Time() + Seconds(10));
  EXPECT_FALSE(collector.batches.empty());
}

// A rate that doubles in the middle of every batch: as many records come as the rates say.
TEST(BatcherTest, AChangedRateKeepsTheLaw) {
  Simulation sim(kSeed);
  Collector collector;
  Batcher batcher(sim, "batcher", {Rate::PerSecond(1000), Milliseconds(10), 1000},
                  collector.Collect());
  Script script(sim, "script");
  batcher.Start();
  struct Turner {
    Script& script;
    Batcher& batcher;
    bool fast = false;
    void Turn() {
      fast = !fast;
      batcher.SetRate(Rate::PerSecond(fast ? 3000 : 1000));
      script.After<"turn">(Milliseconds(5), [this] { Turn(); });
    }
  } turner{script, batcher};
  turner.Turn();
  sim.RunUntil(Time() + Seconds(500));
  // A million on average, with a standard deviation of a thousand.
  EXPECT_NEAR(static_cast<double>(collector.Records()), 1e6, 5e3);
  for (const Batcher::Batch& batch : collector.batches) {
    int64_t waits = 0;
    for (int i = 0; i < batch.waits_count; ++i) {
      const Batcher::Waits& part = batch.waits[static_cast<size_t>(i)];
      waits += part.records;
      EXPECT_LE(part.shortest, part.longest);
      EXPECT_LE(part.longest, batch.closed - batch.opened);
    }
    EXPECT_EQ(waits, batch.records);
  }
}

TEST(BatcherTest, ACrashTakesWhatHasCome) {
  Simulation sim(kSeed);
  Collector collector;
  Batcher batcher(sim, "batcher", Even(1000, Seconds(1), 100), collector.Collect());
  Script script(sim, "script");
  batcher.Start();
  Batcher::Batch taken;
  script.After<"crash">(Microseconds(7500), [&] { taken = batcher.TakeOpen(); });
  sim.RunUntil(Time() + Milliseconds(50));
  EXPECT_EQ(taken.records, 7);
  EXPECT_EQ(taken.opened, Time() + Milliseconds(1));
  EXPECT_TRUE(collector.batches.empty());
  sim.RunUntil(Time() + Milliseconds(107));
  ASSERT_EQ(collector.batches.size(), 1u);  // A hundred from 8 ms on.
  EXPECT_EQ(collector.batches[0].opened, Time() + Milliseconds(8));
}

}  // namespace
}  // namespace freshet
