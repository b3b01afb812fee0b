// Random deaths of instances and brokers under applications of Kafka Streams' kind: whatever comes,
// nothing is lost, and with exactly-once nothing is twice.
#include "gtest/gtest.h"
#include "tests/models/processing/streams_pipeline.h"

namespace freshet {
namespace {

class StreamsSwarm : public testing::TestWithParam<int> {
 protected:
  // Two sub-topologies with state in the second, three instances, and deaths in the first three
  // minutes of six.
  void Suffer(bool exactly_once) {
    MiniSettings settings = BehindStreams(Minutes(3));
    settings.seed = static_cast<uint64_t>(1000 + GetParam());
    SubTopologyConfig first = PassingOn(settings, "read", "t", kRepartition);
    SubTopologyConfig second = PassingOn(settings, "count", kRepartition, kOut);
    KeepState(&second);
    StreamsConfig config = Streams({first, second}, 3);
    config.standbys = GetParam() % 2;
    config.persistent = GetParam() % 3 > 0;
    StreamsPipeline p(settings, config, exactly_once);
    uint64_t state = settings.seed * 0x9e3779b97f4a7c15u + 1;
    const auto draw = [&state](int64_t below) {
      state ^= state << 13;
      state ^= state >> 7;
      state ^= state << 17;
      return static_cast<int64_t>(state >> 16) % below;
    };
    for (int fault = 0; fault < 4; ++fault) {
      const int instance = 1 + static_cast<int>(draw(3));
      const int64_t at = 20'000 + draw(150'000);
      const int64_t lasts = 1 + draw(40'000);
      p.Down(p.Instance(instance), Milliseconds(at), Milliseconds(lasts));
    }
    p.Down(p.Broker(static_cast<BrokerId>(draw(3))), Seconds(60), Seconds(15));
    p.Run(Minutes(8));
    const int64_t repartitioned = p.RecordsIn(kRepartition);
    EXPECT_EQ(p.ledger(0).visible(), p.RecordsInLog());
    EXPECT_EQ(p.ledger(1).visible(), repartitioned);
    EXPECT_EQ(p.App(StreamsApp::kRunning), 12);
    EXPECT_EQ(p.App(StreamsApp::kLag), 0);
    if (!exactly_once) return;
    EXPECT_EQ(p.ledger(0).duplicated(), 0);
    EXPECT_EQ(p.ledger(1).duplicated(), 0);
    EXPECT_EQ(repartitioned, p.RecordsInLog());
    EXPECT_EQ(p.RecordsIn(kOut), p.RecordsInLog());
  }
};

TEST_P(StreamsSwarm, AtLeastOnceLosesNothing) { Suffer(false); }
TEST_P(StreamsSwarm, ExactlyOnceNeitherLosesNorDoubles) { Suffer(true); }

INSTANTIATE_TEST_SUITE_P(Seeds, StreamsSwarm, testing::Range(0, 6));

}  // namespace
}  // namespace freshet
