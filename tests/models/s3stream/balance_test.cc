// Self-balancing: what comes back empty is filled, and not before its reports say so.
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "tests/models/s3stream/s3stream_pipeline.h"

namespace freshet {
namespace {

// AutoMQ's times (AMQSRC); twelve partitions of 1 MiB/s on three brokers.
S3Settings Balanced() {
  S3Settings s = PlausibleS3();
  s.topic.partitions = 12;
  s.producers.client_zones = {0, 0, 0, 0};
  s.producers.rate = Steady(12'288);
  AutoBalancer::Config balancer;
  balancer.report_interval = Seconds(10);
  balancer.metrics_delay = Seconds(60);
  balancer.detect_interval = Seconds(60);
  balancer.goals = {{{Ratio::Percent(10), MiBPerSecond(1)}, {Ratio::Percent(10), MiBPerSecond(1)}}};
  balancer.most_moves = 50;
  balancer.execution_interval = Seconds(5);
  s.cluster.balancer = balancer;
  return s;
}

int64_t Ordered(const S3Pipeline& pipeline) {
  int64_t ordered = 0;
  for (const auto& metric : pipeline.sim.metrics().All()) {
    if (absl::string_view(metric->def().name) == AutoBalancer::kOrdered.name)
      ordered += metric->Value();
  }
  return ordered;
}

TEST(S3StreamBalanceTest, EvenLoadStaysWhereItIs) {
  S3Settings s = Balanced();
  S3Pipeline pipeline(s);
  pipeline.Run(Minutes(10));
  EXPECT_EQ(Ordered(pipeline), 0);
  EXPECT_EQ(pipeline.LedBy(0), 4);
}

// A broker that comes back has nothing (as a new one would): two reports, a detection, and four
// partitions are its own, seconds later.
TEST(S3StreamBalanceTest, ABrokerThatComesBackIsFilled) {
  S3Settings s = Balanced();
  S3Pipeline pipeline(s);
  pipeline.Down(pipeline.Broker(0), Seconds(25), Seconds(70));
  pipeline.Run(Seconds(95));
  EXPECT_EQ(pipeline.LedBy(0), 0);
  // At 120 s the detection knows the reports of 100 s on.
  pipeline.Run(Seconds(119));
  EXPECT_EQ(pipeline.Log(S3StreamCluster::kMoves), 0);
  pipeline.Run(Seconds(140));
  EXPECT_EQ(pipeline.LedBy(0), 4);
  EXPECT_EQ(pipeline.LedBy(1), 4);
  // Four, or one more where the batches that producers drew made two brokers uneven.
  const int64_t moved = pipeline.Log(S3StreamCluster::kMoves);
  EXPECT_GE(moved, 4);
  EXPECT_LE(moved, 5);
  EXPECT_EQ(Ordered(pipeline), moved);
  pipeline.Run(Minutes(10));
  EXPECT_EQ(Ordered(pipeline), moved);  // And then there is peace.
}

TEST(S3StreamBalanceTest, WithoutItNothingComesBack) {
  S3Settings s = Balanced();
  s.cluster.balancer.reset();
  S3Pipeline pipeline(s);
  pipeline.Down(pipeline.Broker(0), Seconds(25), Seconds(70));
  pipeline.Run(Minutes(10));
  EXPECT_EQ(pipeline.LedBy(0), 0);
}

TEST(S3StreamBalanceTest, ExcludedBrokersAndTopicsAreLetAlone) {
  for (const bool broker : {true, false}) {
    S3Settings s = Balanced();
    if (broker) {
      s.cluster.balancer->excluded_brokers = {0};
    } else {
      s.cluster.balancer->excluded_topics = {0};
    }
    S3Pipeline pipeline(s);
    pipeline.Down(pipeline.Broker(0), Seconds(25), Seconds(70));
    pipeline.Run(Minutes(5));
    EXPECT_EQ(pipeline.LedBy(0), 0);
    EXPECT_EQ(Ordered(pipeline), 0);
  }
}

// Half of a topic's partitions move in one batch at the most; the next comes five seconds later.
TEST(S3StreamBalanceTest, MovesComeInBatches) {
  S3Settings s = Balanced();
  s.cluster.balancer->most_moves = 1;
  S3Pipeline pipeline(s);
  pipeline.Down(pipeline.Broker(0), Seconds(25), Seconds(70));
  pipeline.Run(Seconds(121));
  EXPECT_EQ(Ordered(pipeline), 1);
  pipeline.Run(Seconds(131));
  EXPECT_EQ(Ordered(pipeline), 3);
  pipeline.Run(Seconds(150));
  EXPECT_EQ(pipeline.LedBy(0), 4);
}

// What is read counts too: one partition's readers make its broker send most.
TEST(S3StreamBalanceTest, NothingIsLostOnTheWay) {
  S3Settings s = Balanced();
  s.producers.rate = Until(Minutes(5), 12'288);
  s.consumers = Reading(3);
  S3Pipeline pipeline(s);
  pipeline.Down(pipeline.Broker(1), Seconds(25), Seconds(70));
  pipeline.Run(Minutes(8));
  EXPECT_EQ(pipeline.Producer(Producers::kAcked), 300 * 12'288);
  EXPECT_EQ(pipeline.RecordsInLog(), 300 * 12'288);
  EXPECT_EQ(pipeline.Consumer(Consumers::kLag), 0);
  EXPECT_EQ(pipeline.LedBy(1), 4);
}

}  // namespace
}  // namespace freshet
