// Workers that die, hang, are cut off, come and go at random: nothing is lost, and what is twice
// has its reason. The audits of all parts hold.
#include "gtest/gtest.h"
#include "models/sink/lakehouse_sink.h"
#include "sim/random.h"
#include "tests/models/connect/connect_pipeline.h"

namespace freshet {
namespace {

// Three workers and one that may be added, four tasks on six partitions, sixty seconds of records;
// patience is short, so that much happens in little time.
ConnectSettings Restless(uint64_t seed, SinkPromise promise, bool fenced) {
  ConnectSettings s = Connected(4, 4, Seconds(120), promise);
  s.seed = seed;
  s.topic.partitions = 6;
  s.network.rtt_within_zone = Sampler::Constant(200'000);
  s.database.commit_latency = Sampler::Constant(20e6);
  s.database.time_per_record = Microseconds(300);
  s.connect.absent_workers = 1;
  s.connect.max_delay = Seconds(20);
  s.connect.sink.writer.commit_interval = Seconds(4);
  s.connect.sink.writer.fenced = fenced;
  s.connect.consumers.auto_commit_interval = Seconds(7);
  s.connect.consumers.cpu_per_record = Milliseconds(2);
  s.connect.consumers.group->session_timeout = Seconds(12);
  s.connect.consumers.group->max_poll_interval = Seconds(15);
  return s;
}

void Disturb(uint64_t seed, ConnectPipeline* pipeline) {
  uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
  const auto draw = [&state](int64_t below) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return static_cast<int64_t>(state >> 16) % below;
  };
  for (int i = 0; i < 8; ++i) {
    const int worker = static_cast<int>(draw(4)) + 1;
    const Duration at = Milliseconds(8'000 + draw(110'000));
    const Duration lasts = Milliseconds(50 + draw(i % 2 == 0 ? 4'000 : 45'000));
    FaultTarget* const target = i % 4 == 0   ? pipeline->Tasks(worker)
                                : i % 4 == 1 ? pipeline->Group(worker)
                                             : pipeline->Worker(worker);
    pipeline->Down(target, at, lasts);
  }
  ConnectCluster* const connect = pipeline->connect.get();
  Simulation& sim = pipeline->sim;
  sim.At<"test.add">(Time() + Milliseconds(20'000 + draw(50'000)), 0,
                     [connect] { connect->AddWorkers(1, Seconds(2), [] {}); });
  sim.At<"test.restart">(Time() + Milliseconds(40'000 + draw(50'000)), 0,
                         [connect] { connect->RestartTasks(false); });
  sim.At<"test.remove">(Time() + Milliseconds(90'000 + draw(20'000)), 0,
                        [connect] { connect->RemoveWorkers(1, [] {}); });
}

struct Delivery {
  SinkPromise promise;
  bool fenced;
};
class ConnectSwarmTest : public testing::TestWithParam<Delivery> {};

TEST_P(ConnectSwarmTest, NothingIsLost) {
  const auto [promise, fenced] = GetParam();
  int64_t again = 0;
  for (uint64_t seed = 1; seed <= 25; ++seed) {
    SCOPED_TRACE(seed);
    ConnectPipeline pipeline(Restless(seed, promise, fenced));
    pipeline.sim.SetPeriodicAudits(true);
    Disturb(seed, &pipeline);
    pipeline.Run(Seconds(400));
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 12'000);
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLost), 0);
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLag), 0);
    EXPECT_EQ(pipeline.Connect(ConnectCluster::kUnassigned), 0);
    EXPECT_EQ(pipeline.Connect(ConnectCluster::kRunning), 4);
    again += pipeline.SinkValue(MeteredSink::kDuplicated);
    again += pipeline.SinkValue(MeteredSink::kReplaced);
    if (promise != SinkPromise::kPlain && fenced) {
      EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated), 0);
    }
  }
  EXPECT_EQ(again > 0, promise != SinkPromise::kTransactional || !fenced);
}

INSTANTIATE_TEST_SUITE_P(Deliveries, ConnectSwarmTest,
                         testing::Values(Delivery{SinkPromise::kPlain, true},
                                         Delivery{SinkPromise::kIdempotent, true},
                                         Delivery{SinkPromise::kTransactional, true},
                                         Delivery{SinkPromise::kTransactional, false}));

}  // namespace
}  // namespace freshet
