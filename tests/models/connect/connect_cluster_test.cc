// Workers, tasks and what their troubles do to a sink: exact, by hand.
#include "models/connect/connect_cluster.h"

#include "gtest/gtest.h"
#include "tests/models/connect/connect_pipeline.h"

namespace freshet {
namespace {

TEST(ConnectClusterTest, EachRecordIsThereOnceWithoutTrouble) {
  ConnectPipeline pipeline(Connected(3, 3, Seconds(60)));
  pipeline.Run(Seconds(120));
  EXPECT_EQ(pipeline.Connect(ConnectCluster::kWorkers), 3);
  EXPECT_EQ(pipeline.Connect(ConnectCluster::kRunning), 3);
  EXPECT_EQ(pipeline.Connect(ConnectCluster::kStarts), 3);
  for (int worker = 0; worker < 3; ++worker) {
    EXPECT_EQ(pipeline.connect->TasksOf(worker), (std::vector<int>{worker}));
  }
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 6'000);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated), 0);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLost), 0);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLag), 0);
}

}  // namespace
}  // namespace freshet
