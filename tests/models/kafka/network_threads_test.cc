// Network threads of Kafka brokers: what a read of the disk makes the others wait for.
#include "models/broker/network_threads.h"

#include <string>

#include "gtest/gtest.h"
#include "tests/models/mini_pipeline.h"

namespace freshet {
namespace {

TEST(NetworkThreadsTest, ConnectionsAreDealtRoundRobinAndForGood) {
  NetworkThreads threads(3);
  std::string dealt;
  uint32_t first = NetworkThreads::kNone;
  threads.Deal(&first);
  for (int i = 0; i < 4; ++i) {
    uint32_t thread = NetworkThreads::kNone;
    threads.Deal(&thread);
    dealt += std::to_string(thread);
  }
  threads.Deal(&first);
  EXPECT_EQ(first, 0u);
  EXPECT_EQ(dealt, "1201");
}

TEST(NetworkThreadsTest, WhoWaitsIsCalledInOrderUntilTheThreadSleepsAgain) {
  NetworkThreads threads(2);
  std::string order;
  threads.Sleep(0);
  EXPECT_FALSE(threads.IsBusy(1));
  threads.Await(0, [&order] { order += 'a'; });
  threads.Await(0, [&order, &threads] {
    order += 'b';
    threads.Sleep(0);
  });
  threads.Await(0, [&order] { order += 'c'; });
  threads.Wake(0);
  EXPECT_EQ(order, "ab");
  EXPECT_EQ(threads.asleep(), 1);
  threads.Wake(0);
  EXPECT_EQ(order, "abc");
  EXPECT_EQ(threads.asleep(), 0);
}

// What waits at a dead process is told once; what waits again does so for the next one.
TEST(NetworkThreadsTest, ADeadProcessLetsGoOfThoseWhoWait) {
  NetworkThreads threads(1);
  int calls = 0;
  threads.Sleep(0);
  threads.Await(0, [&calls, &threads] {
    ++calls;
    threads.Await(0, [&calls] { calls += 10; });
  });
  threads.Abandon();
  EXPECT_EQ(calls, 1);
  threads.Wake(0);
  EXPECT_EQ(calls, 11);
}

// One broker; ten seconds of 4 MB/s lie on its disk and in no memory. A reader begins to read them
// at 20 s, in answers of 1 MiB, of 10.5 ms each at the volume's 100 MB/s.
MiniSettings ReplayFromDisk(int64_t network_threads) {
  MiniSettings s = Instant();
  s.brokers = 1;
  s.broker.network_threads = network_threads;
  s.broker.volume.bandwidth = BytesPerSecond(100'000'000);
  s.broker.volume.read_latency = s.broker.volume.write_latency = Sampler::Constant(0);
  s.broker.page_cache.memory = KiB(64);  // Holds no more than what has just come.
  s.broker.page_cache.dirty_ratio = Ratio::Percent(100);
  s.topic.partitions = 1;
  s.topic.replication_factor = s.topic.min_in_sync_replicas = 1;
  s.producers.rate = Steady(1000);
  s.producers.linger = Duration::Zero();
  s.producers.acks = Acks::kLeader;
  s.consumers = Reading();
  s.consumers->network_bandwidth = s.producers.network_bandwidth;
  s.consumers->start_at = Seconds(20);
  s.consumers->fetch_max_bytes = MiB(1);
  return s;
}

// With one thread a produce request waits for up to one answer's read, and without a reader for
// nothing; with two, the reader has one for itself.
TEST(NetworkThreadsTest, ProducersWaitBehindAReadOfTheDisk) {
  for (const auto& [threads, longest] : {std::pair<int64_t, int64_t>(1, 10'485'760), {2, 0}}) {
    MiniPipeline pipeline(ReplayFromDisk(threads));
    pipeline.Run(Seconds(20));
    EXPECT_LE(pipeline.ProducerHistogram(Producers::kLatency).max(), 100);
    pipeline.Run(Seconds(30));
    const Histogram latency = pipeline.ProducerHistogram(Producers::kLatency);
    EXPECT_GE(latency.max(), longest * 9 / 10) << threads;
    EXPECT_LE(latency.max(), longest + longest / 10 + 1000) << threads;
    EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), pipeline.RecordsInLog());
  }
}

// Requests that wait for a thread die with the process, and everything comes to its end.
TEST(NetworkThreadsTest, ACrashInTheMiddleOfAReadLosesNothing) {
  MiniSettings s = ReplayFromDisk(1);
  s.producers.rate = Until(Seconds(40), 1000);
  for (int i = 0; i < 12; ++i) {
    MiniPipeline pipeline(s);
    pipeline.Down(pipeline.Broker(0), Seconds(20) + Microseconds(700 + 3'000 * i), Seconds(5));
    pipeline.Run(Minutes(3));
    EXPECT_EQ(pipeline.Producer(Producers::kAcked), pipeline.Producer(Producers::kTaken));
    EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), pipeline.RecordsInLog());
  }
}

}  // namespace
}  // namespace freshet
