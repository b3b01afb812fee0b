// Workers that run a connector's tasks before three Kafka brokers: nothing but what a test says
// takes time, so that the timers of Connect and of its groups can be followed by hand. Workers and
// tasks are numbered from 1 and from 0, as Connect does.
#ifndef FRESHET_TESTS_MODELS_CONNECT_CONNECT_PIPELINE_H_
#define FRESHET_TESTS_MODELS_CONNECT_CONNECT_PIPELINE_H_

#include <memory>
#include <vector>

#include "models/connect/connect_cluster.h"
#include "models/fault/connect_targets.h"
#include "tests/models/sink/sink_pipeline.h"

namespace freshet {

struct ConnectSettings : SinkSettings {
  ConnectCluster::Config connect;
};

// So many workers with a task each, a hundred records a second of a topic of so many partitions
// until `stop`, into a database that answers at once.
inline ConnectSettings Connected(int workers, int tasks, Duration stop,
                                 SinkPromise promise = SinkPromise::kPlain) {
  ConnectSettings s;
  static_cast<MiniSettings&>(s) = Subscribed(1);
  s.network.rtt_within_zone = Sampler::Constant(0);
  s.topic.partitions = tasks;
  s.producers.rate = Until(stop, 100);
  s.producers.linger = Duration::Zero();
  s.database = QuietDatabase(promise);
  ConnectCluster::Config& connect = s.connect;
  connect.worker_zones.assign(static_cast<size_t>(workers), 0);
  connect.network_bandwidth = BytesPerSecond(int64_t{1} << 45);
  connect.tasks = tasks;
  connect.group = "connect-cluster";
  connect.session_timeout = Seconds(10);
  connect.heartbeat_interval = Seconds(3);
  connect.rebalance_timeout = Seconds(60);
  connect.max_delay = Minutes(5);
  connect.graceful_stop = Seconds(5);
  connect.sink.writer.retry = {Seconds(1)};
  connect.sink.writer.commit_interval = Seconds(10);
  connect.consumers = *s.consumers;
  connect.consumers.group->id = "connect-pipes";
  connect.consumers.auto_commit_interval = Seconds(60);
  s.consumers.reset();
  return s;
}

template <class Store>
class ConnectPipelineOf : public MiniPipeline {
 public:
  template <class Settings, class MakeStore>
  ConnectPipelineOf(const Settings& settings, MakeStore make) : MiniPipeline(settings) {
    faults.SchedulePhases(Duration::Zero());
    sink = make(sim, &network);
    connect = std::make_unique<ConnectCluster>(sim, "pipes", &network, &log, sink.get(),
                                               settings.connect);
    for (int worker = 0; worker < connect->worker_count(); ++worker) {
      workers.push_back(std::make_unique<WorkerTarget>(connect.get(), worker));
      tasks.push_back(std::make_unique<WorkerTasksTarget>(connect.get(), worker));
      groups.push_back(std::make_unique<WorkerGroupTarget>(connect.get(), worker));
    }
    connect->Start();
  }
  FaultTarget* Worker(int worker) { return workers[static_cast<size_t>(worker - 1)].get(); }
  FaultTarget* Tasks(int worker) { return tasks[static_cast<size_t>(worker - 1)].get(); }
  FaultTarget* Group(int worker) { return groups[static_cast<size_t>(worker - 1)].get(); }
  int64_t Connect(const MetricDef& def) const { return ValueOf(sim, *connect, def); }
  int64_t SinkValue(const MetricDef& def) const { return ValueOf(sim, *sink, def); }
  const EffectLedger& ledger() const { return sink->ledger(); }

  std::unique_ptr<Store> sink;
  std::unique_ptr<ConnectCluster> connect;
  std::vector<std::unique_ptr<WorkerTarget>> workers;
  std::vector<std::unique_ptr<WorkerTasksTarget>> tasks;
  std::vector<std::unique_ptr<WorkerGroupTarget>> groups;
};

class ConnectPipeline : public ConnectPipelineOf<DatabaseSink> {
 public:
  explicit ConnectPipeline(const ConnectSettings& settings)
      : ConnectPipelineOf(settings, [&settings](Simulation& on, Network* over) {
          return std::make_unique<DatabaseSink>(on, "db", over, settings.database);
        }) {}
};

}  // namespace freshet

#endif  // FRESHET_TESTS_MODELS_CONNECT_CONNECT_PIPELINE_H_
