// An application of Kafka Streams' kind before three Kafka brokers that take no time: reads "t"
// (six partitions, 600 records a second until a time), keeps state if it is told to, writes "out".
// Round trips of 0.2 ms; timers of Kafka's defaults.
#ifndef FRESHET_TESTS_MODELS_PROCESSING_STREAMS_PIPELINE_H_
#define FRESHET_TESTS_MODELS_PROCESSING_STREAMS_PIPELINE_H_

#include <memory>
#include <string>
#include <vector>

#include "models/fault/streams_target.h"
#include "models/group/transaction_coordinator.h"
#include "tests/models/group/group_pipeline.h"

namespace freshet {

inline constexpr char kOut[] = "out";
inline constexpr char kChangelog[] = "app-count-changelog";
inline constexpr char kRepartition[] = "app-count-repartition";
inline constexpr char kTransactionState[] = "__transaction_state";

inline MiniSettings BehindStreams(Duration stop) {
  MiniSettings s = Subscribed(1);
  s.producers.rate = Until(stop, 600);
  for (const char* name : {kOut, kChangelog, kRepartition}) {
    TopicConfig topic = s.topic;
    topic.name = name;
    s.more_topics.push_back(topic);
  }
  TopicConfig state = s.topic;
  state.name = kTransactionState;
  state.partitions = 50;
  s.more_topics.push_back(state);
  return s;
}

// A sub-topology that reads `topic` and does nothing to its records.
inline SubTopologyConfig PassingOn(const MiniSettings& settings, const char* name,
                                   const char* topic, const char* to) {
  SubTopologyConfig part;
  part.name = name;
  part.source = *settings.consumers;
  part.source.topic = topic;
  part.source.group->id = std::string("app-") + name;
  part.source.group->assignor = Assignor::kCooperativeSticky;
  part.source.group->leave_on_close = false;
  OperatorConfig pass;
  pass.name = name;
  part.chain = {pass};
  part.topic = to;
  return part;
}

// Every record is of a key that was not there before, and adds 100 bytes to the state.
inline void KeepState(SubTopologyConfig* part) {
  OperatorConfig distinct;
  distinct.name = "distinct";
  distinct.kind = OperatorKind::kDeduplicate;
  distinct.deduplicate = {Ratio::Percent(0), Minutes(600), Bytes(100)};
  part->chain.push_back(distinct);
  part->changelog = kChangelog;
  part->changelog_record = Bytes(100);
}

inline StreamsConfig Streams(std::vector<SubTopologyConfig> parts, int instances) {
  StreamsConfig config;
  config.sub_topologies = std::move(parts);
  config.instance_zones.assign(static_cast<size_t>(instances), 0);
  config.network_bandwidth = BytesPerSecond(int64_t{1} << 45);
  config.vcpus = 2;
  config.transaction_timeout = Seconds(10);
  config.commit_interval = Seconds(30);
  config.acceptable_lag = 10'000;
  config.max_warmups = 2;
  config.probing_interval = Minutes(10);
  config.cache = MiB(10);
  config.linger = Milliseconds(100);
  config.batch_size = KiB(16);
  config.buffer = MiB(32);
  config.retry_backoff = Milliseconds(100);
  return config;
}

class StreamsPipeline : public MiniPipeline {
 public:
  // `exactly_once`: the config's transactions are the pipeline's.
  StreamsPipeline(const MiniSettings& settings, StreamsConfig config, bool exactly_once = false)
      : MiniPipeline(Without(settings)) {
    faults.SchedulePhases(Duration::Zero());
    TransactionCoordinator::Config coordinating;
    coordinating.state_first = log.PartitionsOf(kTransactionState).first;
    coordinating.state_partitions = log.PartitionsOf(kTransactionState).count;
    coordinating.retry_backoff = Milliseconds(100);
    coordinator =
        std::make_unique<TransactionCoordinator>(sim, "transactions", &network, &log, coordinating);
    if (exactly_once) {
      config.transactions = coordinator.get();
      config.commit_interval = Milliseconds(100);
    }
    app = std::make_unique<StreamsApp>(sim, "app", &network, &log, config);
    for (int i = 0; i < app->instance_count(); ++i) {
      instances.push_back(std::make_unique<InstanceTarget>(app.get(), i));
    }
    app->Start();
  }
  // Instances from 1, as in a scenario.
  FaultTarget* Instance(int number) { return instances[static_cast<size_t>(number - 1)].get(); }
  int64_t App(const MetricDef& def) const { return ValueOf(sim, *app, def); }
  int64_t Restored() const { return ValueOf(sim, *app->copies(0), StateCopies::kRestoredRecords); }
  Histogram Downtime() const { return HistogramOf(sim, *app, StreamsApp::kDowntime); }
  const EffectLedger& ledger(int part = 0) const { return app->topic_sink(part)->ledger(); }
  int64_t RecordsIn(const char* topic) const {
    const LogService::TopicPartitions partitions = log.PartitionsOf(topic);
    int64_t records = 0;
    for (int p = 0; p < partitions.count; ++p) {
      const PartitionLog& each = log.LogOf(partitions.first + static_cast<PartitionId>(p));
      records += each.log_end_offset();
      if (each.transactions() != nullptr) {
        records -=
            each.transactions()->WithheldIn(0, each.log_end_offset(), Isolation::kReadCommitted);
      }
    }
    return records;
  }
  std::vector<int> TasksOf(int instance) const { return app->consumers(0).OwnedBy(instance - 1); }

  std::unique_ptr<TransactionCoordinator> coordinator;
  std::unique_ptr<StreamsApp> app;
  std::vector<std::unique_ptr<InstanceTarget>> instances;

 private:
  static MiniSettings Without(MiniSettings settings) {
    settings.consumers.reset();
    return settings;
  }
};

}  // namespace freshet

#endif  // FRESHET_TESTS_MODELS_PROCESSING_STREAMS_PIPELINE_H_
