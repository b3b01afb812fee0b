// Members that write what they can read: what stops them, what they leave out, what comes later.
#include "models/schema/reading_service.h"

#include <memory>
#include <utility>

#include "gtest/gtest.h"
#include "tests/models/sink/sink_pipeline.h"

namespace freshet {
namespace {

constexpr char kDeadLetters[] = "dead";

// The thousand records of sink_pipeline.h. From 5 s on the order's number is text under another
// name: who reads with version 1 cannot do without the old one; version 3 takes both.
class ReadingPipeline : public MiniPipeline {
 public:
  ReadingPipeline(OnUnreadable action, SinkPromise promise, int32_t reader = 1)
      : ReadingPipeline(SettingsFor(promise), action, reader) {}

  int64_t SinkValue(const MetricDef& def) const { return ValueOf(sim, *sink, def); }
  int64_t Policy(const MetricDef& def) const { return ValueOf(sim, service->policy(), def); }
  int64_t Service(const MetricDef& def) const { return ValueOf(sim, *service, def); }
  // Records that were written with version 2.
  int64_t Broken() const {
    const LogService::TopicPartitions topic = log.PartitionsOf("t");
    int64_t broken = 0;
    log.LogOf(topic.first)
        .VisitMarks(0, 1'000, [&](Offset from, Offset to, const RecordMark& mark) {
          if (mark.schema_version == 2) broken += to - from;
        });
    return broken;
  }
  void RepairAt(Time at, bool redrive) {
    sim.At<"test.repair">(at, 0, [this, redrive] {
      service->policy().SetReaderVersion(3);
      if (redrive) service->Redrive();
      service->StartFailedNow();
    });
  }

  std::unique_ptr<SchemaRegistry> registry;
  std::unique_ptr<DatabaseSink> sink;
  std::unique_ptr<ReadingService> service;

 private:
  static SinkSettings SettingsFor(SinkPromise promise) {
    SinkSettings s =
        ThousandInto(promise, ApplicationCommits::kAfterProcessing, Work::kOfTheMember);
    TopicConfig dead = s.topic;
    dead.name = kDeadLetters;
    s.more_topics.push_back(dead);
    return s;
  }
  static MiniSettings WithoutClients(MiniSettings settings) {
    settings.consumers.reset();
    // The shop has a schema, which takes a registry, which takes a simulation: it is made later.
    settings.producers.rate = Until(Milliseconds(1), 1);
    return settings;
  }

  ReadingPipeline(const SinkSettings& s, OnUnreadable action, int32_t reader)
      : MiniPipeline(WithoutClients(s)) {
    faults.SchedulePhases(Duration::Zero());
    SchemaRegistry::Config versions;
    versions.request_latency = Sampler::Constant(1e6);
    versions.subjects = {{"t-value",
                          SchemaFormat::kAvro,
                          Compatibility::kNone,
                          {{1, {{"order", "long"}}},
                           {2, {{"order_id", "string"}}},
                           {3, {{"order", "long", true}, {"order_id", "string", true}}}}}};
    registry = std::make_unique<SchemaRegistry>(sim, "registry", versions);
    registry->BeginWith(0, 1);
    shop = s.producers;
    shop.schema = {registry.get(), 0, 1, true};
    producers_with_schema = std::make_unique<Producers>(sim, "schema-shop", &network, &log, shop);
    producers_with_schema->Start();
    sim.At<"test.release">(Time() + Seconds(5), 0, [this] {
      producers_with_schema->Deploy(2, Duration::Zero(), true, [] {});
    });
    sink = std::make_unique<DatabaseSink>(sim, "db", &network, s.database);
    auto dead = std::make_unique<DeadLetterTopic>(
        sim, "dead-letters", &network, &log, log.PartitionsOf(kDeadLetters), std::vector<HostId>());
    ReadPolicy::Config policy;
    policy.on_unreadable = action;
    policy.registry = registry.get();
    policy.reader_version = reader;
    policy.dead_letters = dead.get();
    policy.window = Seconds(2);
    ReadingService::Config config;
    config.writer = s.writer;
    config.max_poll_records = 100;
    config.restart_wait = Seconds(10);
    service = std::make_unique<ReadingService>(
        sim, "service", sink.get(), config,
        std::make_unique<ReadPolicy>(sim, "service/reading", policy), std::move(dead));
    Consumers::Config group = *s.consumers;
    group.handler = service.get();
    consumers = std::make_unique<Consumers>(sim, "audit", &network, &log, group);
    service->Serve(consumers.get(), &log, log.PartitionsOf("t"));
    service->AddSenders(consumers->hosts());
  }

  Producers::Config shop;
  std::unique_ptr<Producers> producers_with_schema;
};

TEST(ReadingServiceTest, WhoHasTheNewVersionReadsAll) {
  ReadingPipeline pipeline(OnUnreadable::kStop, SinkPromise::kPlain, 3);
  pipeline.Run(Seconds(60));
  EXPECT_NEAR(static_cast<double>(pipeline.Broken()), 500, 10);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 1'000);
  EXPECT_EQ(pipeline.Policy(ReadPolicy::kUnreadable), 0);
}

// The first member ends at the first record of version 2; the second one has its partition then,
// and ends there, too. Each start finds the same record, after 10 s, 20 s, 40 s.
TEST(ReadingServiceTest, OneRecordEndsAllMembersUntilTheFix) {
  ReadingPipeline pipeline(OnUnreadable::kStop, SinkPromise::kPlain);
  pipeline.RepairAt(Time() + Seconds(120), false);
  pipeline.Run(Seconds(119));
  const int64_t before = 1'000 - pipeline.Broken();
  // A poll that ends before the break is written; the one with the break in it is not.
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), before / 100 * 100);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLag),
            1'000 - pipeline.SinkValue(MeteredSink::kVisible));
  EXPECT_GE(pipeline.Service(ReadingService::kFailures), 4);
  EXPECT_EQ(pipeline.service->policy().blast_radius().records, 0);
  pipeline.Run(Seconds(200));
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 1'000);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated), 0);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLost), 0);
  EXPECT_EQ(pipeline.Service(ReadingService::kWaiting), 0);
}

TEST(ReadingServiceTest, WhatIsQuarantinedIsFilteredUntilItIsRedriven) {
  for (const SinkPromise promise : {SinkPromise::kPlain, SinkPromise::kTransactional}) {
    ReadingPipeline pipeline(OnUnreadable::kQuarantine, promise);
    pipeline.RepairAt(Time() + Milliseconds(22'500), true);
    pipeline.Run(Seconds(22));
    EXPECT_GT(pipeline.SinkValue(MeteredSink::kFiltered), 0);
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kFiltered),
              pipeline.Policy(ReadPolicy::kQuarantined));
    pipeline.Run(Seconds(60));
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 1'000);
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kFiltered), 0);
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated), 0);
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLost), 0);
    EXPECT_EQ(pipeline.Policy(ReadPolicy::kQuarantined), 0);
    EXPECT_EQ(pipeline.service->policy().blast_radius().records, 0);
  }
}

// Windows of two seconds: created from 5 s to 10 s are those of 4, 6 and 8 s, and the last one, at
// 10 s, is of the next.
TEST(ReadingServiceTest, DeadLettersAreInTheirTopic) {
  ReadingPipeline pipeline(OnUnreadable::kDeadLetter, SinkPromise::kPlain);
  pipeline.Run(Seconds(60));
  const int64_t broken = pipeline.Broken();
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 1'000 - broken);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDeadLettered), broken);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLag), 0);
  const LogService::TopicPartitions dead = pipeline.log.PartitionsOf(kDeadLetters);
  EXPECT_EQ(pipeline.log.LogOf(dead.first).high_watermark(), broken);
  EXPECT_EQ(pipeline.service->policy().blast_radius(), (ReadPolicy::BlastRadius{broken, 4, 0}));
}

// They are visible, and wrong; the fix helps those that come after it.
TEST(ReadingServiceTest, WhatIsReadCorruptlyIsVisibleAndWrong) {
  ReadingPipeline pipeline(OnUnreadable::kCorrupt, SinkPromise::kTransactional);
  pipeline.Run(Seconds(60));
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 1'000);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kCorrupt), pipeline.Broken());
  EXPECT_EQ(pipeline.Policy(ReadPolicy::kCorrupt), pipeline.Broken());
}

TEST(ReadingServiceTest, AContractCountsWhatIsOfAnotherVersion) {
  ReadingPipeline pipeline(OnUnreadable::kStop, SinkPromise::kPlain, 3);
  pipeline.sink->Promise({.schema_version = 1, .lateness = Duration::Zero()});
  pipeline.Run(Seconds(60));
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kOtherVersion), pipeline.Broken());
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kTooLate), 0);
}

}  // namespace
}  // namespace freshet
