// Producers whose serializers ask a registry, in a small pipeline.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "models/fault/registry_target.h"
#include "tests/models/mini_pipeline.h"

namespace freshet {
namespace {

// Two clients, a thousand records a second for twenty seconds; a registry that answers after 5 ms.
struct Deploying {
  explicit Deploying(Compatibility compatibility) : settings(Instant()), ground(settings) {
    SchemaRegistry::Config versions;
    versions.request_latency = Sampler::Constant(5e6);
    versions.subjects = {{"t-value",
                          SchemaFormat::kAvro,
                          compatibility,
                          {{1, {{"id", "int"}}}, {2, {{"id", "long"}}}, {3, {{"id", "string"}}}}}};
    registry = std::make_unique<SchemaRegistry>(ground.sim, "registry", versions);
    registry->BeginWith(0, 1);
    settings.producers.client_zones = {0, 0};
    settings.producers.rate = Until(Seconds(20), 1'000);
    settings.producers.schema = {registry.get(), 0, 1, true};
    log.reset(new KafkaCluster(ground.NewLog(settings)));
    producers = std::make_unique<Producers>(ground.sim, "shop", &ground.network, log.get(),
                                            settings.producers);
  }

  void Run(Duration until) { ground.sim.RunUntil(Time() + until); }
  int64_t Value(const MetricDef& def) const { return ValueOf(ground.sim, *producers, def); }
  // Records in the log by schema version.
  int64_t Written(int32_t version) const {
    int64_t records = 0;
    for (PartitionId p = 0; p < 6; ++p) {
      const PartitionLog& of = log->LogOf(p);
      of.VisitMarks(0, of.log_end_offset(), [&](Offset from, Offset to, const RecordMark& mark) {
        if (mark.schema_version == version) records += to - from;
      });
    }
    return records;
  }

  MiniSettings settings;
  KafkaGround ground;
  std::unique_ptr<SchemaRegistry> registry;
  std::unique_ptr<KafkaCluster> log;
  std::unique_ptr<Producers> producers;
};

TEST(DeploymentTest, RecordsCarryTheVersionOfTheirRelease) {
  Deploying pipeline(Compatibility::kBackward);
  pipeline.producers->Start();
  pipeline.Run(Seconds(10));
  bool done = false;
  pipeline.producers->Deploy(2, Seconds(5), true, [&done] { done = true; });
  pipeline.Run(Seconds(14));
  EXPECT_FALSE(done);
  pipeline.Run(Seconds(30));
  EXPECT_TRUE(done);
  EXPECT_EQ(pipeline.Written(1) + pipeline.Written(2), 20'000);
  // One client from 10 s on, the other from 15 s on.
  EXPECT_NEAR(static_cast<double>(pipeline.Written(2)), 7'500, 20);
  EXPECT_EQ(pipeline.Value(Producers::kUnserialized), 0);
  EXPECT_EQ(pipeline.Value(Producers::kWithoutSchema), 0);
}

TEST(DeploymentTest, ABreakingVersionIsRefusedAndRolledBack) {
  Deploying pipeline(Compatibility::kBackward);
  pipeline.producers->Start();
  pipeline.Run(Seconds(10));
  bool done = false;
  pipeline.producers->Deploy(3, Seconds(5), true, [&done] { done = true; });
  pipeline.Run(Seconds(30));
  EXPECT_TRUE(done);
  EXPECT_EQ(pipeline.Value(Producers::kRolledBack), 1);  // The other one's turn never came.
  EXPECT_EQ(pipeline.Written(1), 20'000);
  EXPECT_EQ(pipeline.Value(Producers::kUnserialized), 0);
}

TEST(DeploymentTest, WithoutRollbackWhatIsRefusedIsLost) {
  Deploying pipeline(Compatibility::kBackward);
  pipeline.producers->Start();
  pipeline.Run(Seconds(10));
  bool done = false;
  pipeline.producers->Deploy(3, Duration::Zero(), false, [&done] { done = true; });
  pipeline.Run(Seconds(15));
  EXPECT_TRUE(done);
  EXPECT_EQ(pipeline.Value(Producers::kWithoutSchema), 2);
  pipeline.producers->Deploy(2, Duration::Zero(), false, [] {});
  pipeline.Run(Seconds(30));
  EXPECT_EQ(pipeline.Written(3), 0);
  EXPECT_NEAR(static_cast<double>(pipeline.Value(Producers::kUnserialized)), 5'000, 30);
  EXPECT_EQ(pipeline.Written(1) + pipeline.Written(2) + pipeline.Value(Producers::kUnserialized),
            20'000);
}

TEST(DeploymentTest, WithoutACheckTheBreakGoesThrough) {
  Deploying pipeline(Compatibility::kNone);
  pipeline.producers->Start();
  pipeline.Run(Seconds(10));
  pipeline.producers->Deploy(3, Duration::Zero(), true, [] {});
  pipeline.Run(Seconds(30));
  EXPECT_NEAR(static_cast<double>(pipeline.Written(3)), 10'000, 30);
}

TEST(DeploymentTest, AnOutageStopsOnlyWhoNeedsSomethingNew) {
  Deploying pipeline(Compatibility::kBackward);
  pipeline.producers->Start();
  pipeline.Run(Seconds(5));
  RegistryTarget fault(pipeline.registry.get());
  fault.SetDown(true);
  pipeline.Run(Seconds(10));
  EXPECT_EQ(pipeline.Value(Producers::kUnserialized), 0);
  pipeline.producers->Deploy(2, Seconds(60), true, [] {});  // The first client only.
  pipeline.Run(Seconds(15));
  EXPECT_EQ(pipeline.Value(Producers::kWithoutSchema), 1);
  fault.SetDown(false);
  pipeline.Run(Seconds(30));
  EXPECT_EQ(pipeline.Value(Producers::kWithoutSchema), 0);
  // Its half of five seconds, and up to the second until it asks again.
  EXPECT_GE(pipeline.Value(Producers::kUnserialized), 2'400);
  EXPECT_LE(pipeline.Value(Producers::kUnserialized), 3'050);
  EXPECT_EQ(pipeline.Written(1) + pipeline.Written(2) + pipeline.Value(Producers::kUnserialized),
            20'000);
}

}  // namespace
}  // namespace freshet
