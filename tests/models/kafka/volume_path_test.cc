// What producers feel of the path to network volumes when its credits are gone.
#include "gtest/gtest.h"
#include "tests/models/mini_pipeline.h"

namespace freshet {
namespace {

// One broker stores 4 MB/s, of which its path sustains 2: two seconds and a half on the 5 MB that
// are in the bucket, if every batch is flushed.
MiniSettings OnCredit() {
  MiniSettings s = Plausible();
  s.brokers = 1;
  s.topic.replication_factor = 1;
  s.topic.min_in_sync_replicas = 1;
  s.topic.flush_messages = 1;
  s.broker.volume.flush_latency = Sampler::Constant(1'000'000);
  s.broker.volume_path_bandwidth = BytesPerSecond(2'000'000);
  s.broker.volume_path_burst = {BytesPerSecond(300'000'000), Bytes(50'000'000), Bytes(5'000'000)};
  s.producers.rate = Steady(4'000'000 / 1028);  // A record and its share of the batch's header.
  return s;
}

Duration SlowestUntil(Duration end, const MiniSettings& settings) {
  MiniPipeline pipeline(settings);
  pipeline.Run(end);
  return Nanoseconds(pipeline.ProducerHistogram(Producers::kLatency).max());
}

TEST(VolumePathTest, LatencyJumpsWhenTheBucketIsEmpty) {
  EXPECT_LT(SlowestUntil(Milliseconds(2450), OnCredit()), Milliseconds(20));
  EXPECT_GT(SlowestUntil(Milliseconds(2700), OnCredit()), Milliseconds(50));
}

TEST(VolumePathTest, ThePageCacheLendsOnceMoreWhatMayBeDirty) {
  MiniSettings s = OnCredit();
  s.topic.flush_messages = 0;
  // 40 MB may be dirty: 22.5 s in all, but for the piece of 4 MiB that is being written.
  s.broker.page_cache.memory = Bytes(200'000'000);
  EXPECT_LT(SlowestUntil(Seconds(20), s), Milliseconds(20));
  EXPECT_GT(SlowestUntil(Seconds(23), s), Milliseconds(50));
}

}  // namespace
}  // namespace freshet
