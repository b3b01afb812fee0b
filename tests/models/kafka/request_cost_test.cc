// What requests and partitions cost a broker beside their bytes: time of its cores and handlers,
// and bytes on the wire, by hand.
#include "gtest/gtest.h"
#include "tests/models/mini_pipeline.h"

namespace freshet {
namespace {

// One broker and one replica; a record a request, whose work is the only thing that takes time.
MiniSettings SmallRequests(int64_t per_second) {
  MiniSettings s = Instant();
  s.brokers = 1;
  s.topic.partitions = 1;
  s.topic.replication_factor = 1;
  s.topic.min_in_sync_replicas = 1;
  s.producers.rate = Steady(per_second);
  s.producers.linger = Duration::Zero();
  return s;
}

int64_t Sent(const MiniPipeline& pipeline, TrafficCause cause) {
  return ValueOf(pipeline.sim, pipeline.network, Network::kBytes[static_cast<size_t>(cause)]);
}

// 400 requests a second of 1.5 ms and one partition of 0.5 ms keep 0.8 of a core busy, and as much
// of a handler thread.
TEST(RequestCostTest, ManySmallRequestsLoadCoresAndHandlers) {
  MiniSettings s = SmallRequests(400);
  s.broker.cpu_per_request = Microseconds(1'500);
  s.broker.cpu_per_partition = Microseconds(500);
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(10));
  const int64_t requests = ValueOf(pipeline.sim, pipeline.log.broker(0), Broker::kProduceRequests);
  EXPECT_NEAR(requests, 4'000, 1);
  EXPECT_NEAR(pipeline.log.broker(0).cpu().BusyTime().nanos(), (Milliseconds(2) * requests).nanos(),
              Milliseconds(2).nanos());
  EXPECT_LE(ValueOf(pipeline.sim, pipeline.log.broker(0), Broker::kBusyHandlers), 1);
  // An unloaded request: its work, and nothing else.
  EXPECT_NEAR(pipeline.ProducerHistogram(Producers::kLatency).max(), Milliseconds(2).nanos(), 10);
}

// The same records in batches of 16: a sixteenth of the requests, and of the work.
TEST(RequestCostTest, BatchesSaveRequests) {
  MiniSettings s = SmallRequests(1'600);
  s.broker.cpu_per_request = Milliseconds(1);
  s.producers.linger = Seconds(1);
  MiniPipeline pipeline(s);
  pipeline.Run(Milliseconds(10'005));
  EXPECT_NEAR(pipeline.log.broker(0).cpu().BusyTime().nanos(), Milliseconds(1'000).nanos(),
              Milliseconds(1).nanos());
}

// Two handlers, a core, requests of 10 ms from clients that ask again at once: both handlers are
// always taken, one of them waits for the core.
TEST(RequestCostTest, HandlersAreTakenWhileTheyWaitForACore) {
  MiniSettings s = SmallRequests(10'000);
  s.producers.client_zones = {0, 0, 0};
  s.producers.max_in_flight = 1;
  s.broker.vcpus = 1;
  s.broker.io_threads = 2;
  s.broker.cpu_per_request = Milliseconds(10);
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(10));
  EXPECT_EQ(ValueOf(pipeline.sim, pipeline.log.broker(0), Broker::kBusyHandlers), 2);
  EXPECT_NEAR(pipeline.log.broker(0).cpu().BusyTime().nanos(), Seconds(10).nanos(),
              Milliseconds(20).nanos());
}

// A thousand idle partitions on two brokers, five hundred each way: after the first fetch names all
// of them, the others name none (KIP-227), but each looks at all.
TEST(RequestCostTest, IdlePartitionsCostNoBytesAndSomeWork) {
  MiniSettings s = Instant();
  s.brokers = 2;
  s.topic.partitions = 1'000;
  s.topic.replication_factor = 2;
  s.topic.min_in_sync_replicas = 1;
  s.producers.rate = Steady(0);
  s.broker.cpu_per_request = Microseconds(10);
  s.broker.cpu_per_partition = Microseconds(2);
  MiniPipeline pipeline(s);
  pipeline.Run(Milliseconds(60'100));
  int64_t fetches = 0;
  for (BrokerId id = 0; id < 2; ++id) {
    const int64_t of_one = ValueOf(pipeline.sim, pipeline.log.broker(id), Broker::kFetchRequests);
    // 10 us + 500 x 2 us for each: of a core the 2 x 1.01 ms a second that they come.
    EXPECT_EQ(pipeline.log.broker(id).cpu().BusyTime(), Microseconds(1'010) * of_one);
    // One every 500 ms and the 1.01 ms of its work, and the first one.
    EXPECT_EQ(of_one, 120);
    fetches += of_one;
  }
  const int64_t requests = Sent(pipeline, TrafficCause::kControl);
  EXPECT_EQ(requests, 128 * fetches + 2 * (500 * 33 + 18));
  // The last fetch of each way is not answered yet.
  const int64_t answers = Sent(pipeline, TrafficCause::kReplicate);
  EXPECT_EQ(answers, 64 * (fetches - 2) + 2 * (500 * 39 + 18));
}

// One record a second in one of them: its answer has the record and an entry, the next request says
// how far the follower has come, and its answer that the high watermark has moved.
TEST(RequestCostTest, APartitionThatMovesIsNamedTwice) {
  MiniSettings s = Instant();
  s.brokers = 2;
  s.topic.partitions = 1;
  s.topic.replication_factor = 2;
  s.topic.min_in_sync_replicas = 1;
  s.producers.rate = Steady(1);
  s.producers.linger = Duration::Zero();
  s.cluster.replica_fetch_wait_max = Milliseconds(300);
  MiniPipeline pipeline(s);
  pipeline.Run(Milliseconds(10'950));
  const int64_t records = pipeline.RecordsInLog();
  const int64_t bytes = pipeline.BytesInLog().count();
  int64_t fetches = 0;
  for (BrokerId id = 0; id < 2; ++id) {
    fetches += ValueOf(pipeline.sim, pipeline.log.broker(id), Broker::kFetchRequests);
  }
  EXPECT_GE(records, 10);
  EXPECT_EQ(Sent(pipeline, TrafficCause::kControl), 128 * fetches + (1 + records) * (33 + 18));
  EXPECT_EQ(Sent(pipeline, TrafficCause::kReplicate),
            64 * (fetches - 1) + bytes + (1 + 2 * records) * (39 + 18));
}

}  // namespace
}  // namespace freshet
