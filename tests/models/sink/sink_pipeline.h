// A group whose members write what they poll to a sink, before three Kafka brokers. A thousand
// records of one partition, each a batch of its own, are there before the group begins; member 1
// reads them, a hundred a poll and a second a poll, and member 2 has nothing to do until it dies.
// It starts at 11 s and has its share at 14 s and a few round trips.
#ifndef FRESHET_TESTS_MODELS_SINK_SINK_PIPELINE_H_
#define FRESHET_TESTS_MODELS_SINK_SINK_PIPELINE_H_

#include <memory>
#include <utility>
#include <vector>

#include "models/sink/database_sink.h"
#include "models/sink/sink_writer.h"
#include "tests/models/group/group_pipeline.h"

namespace freshet {

// Workers that take no time, answers at once.
inline DatabaseSink::Config QuietDatabase(SinkPromise promise) {
  DatabaseSink::Config config;
  config.network_bandwidth = BytesPerSecond(int64_t{1} << 45);
  config.workers = 8;
  config.request_timeout = Seconds(30);
  config.promise = promise;
  config.commit_latency = Sampler::Constant(0);
  return config;
}

struct SinkSettings : MiniSettings {
  DatabaseSink::Config database;
  SinkWriter::Config writer;
};

// `work`: the hundred records of a poll take a second of the member, or else of the store.
enum class Work : uint8_t { kOfTheMember, kOfTheStore };
inline SinkSettings ThousandInto(SinkPromise promise, ApplicationCommits commits, Work work) {
  SinkSettings s;
  static_cast<MiniSettings&>(s) = Subscribed(2);
  s.topic.partitions = 1;
  s.producers.rate = Until(Seconds(10), 100);
  s.producers.linger = Duration::Zero();
  s.consumers->start_at = Seconds(11);
  s.consumers->max_poll_records = 100;
  s.consumers->auto_commit = commits == ApplicationCommits::kNone;
  s.consumers->group->application_commits = commits;
  s.consumers->group->initial_rebalance_delay = Milliseconds(1500);
  s.database = QuietDatabase(promise);
  (work == Work::kOfTheMember ? s.consumers->cpu_per_record : s.database.time_per_record) =
      Milliseconds(10);
  s.writer.retry = {Seconds(1)};
  s.writer.commit_interval = Milliseconds(2500);
  s.writer.commits_first = commits == ApplicationCommits::kBeforeProcessing;
  return s;
}

// `Store` is made by store(sim, network), before the consumers.
template <class Store>
class SinkPipelineOf : public MiniPipeline {
 public:
  template <class Settings, class MakeStore>
  SinkPipelineOf(const Settings& settings, MakeStore make)
      : MiniPipeline(WithoutReaders(settings)) {
    faults.SchedulePhases(Duration::Zero());
    sink = make(sim, &network);
    writer = std::make_unique<SinkWriter>(sim, "writer", sink.get(), settings.writer);
    Consumers::Config config = *settings.consumers;
    config.handler = writer.get();
    consumers = std::make_unique<Consumers>(sim, "audit", &network, &log, config);
    writer->Serve(consumers.get(), &log, log.PartitionsOf("t"));
    for (int member = 0; member < consumers->member_count(); ++member) {
      members.push_back(std::make_unique<MemberTarget>(consumers.get(), member));
      threads.push_back(std::make_unique<MemberThreadTarget>(consumers.get(), member));
    }
  }
  FaultTarget* Member(int member) { return members[static_cast<size_t>(member - 1)].get(); }
  FaultTarget* Thread(int member) { return threads[static_cast<size_t>(member - 1)].get(); }
  int64_t SinkValue(const MetricDef& def) const { return ValueOf(sim, *sink, def); }
  int64_t WriterValue(const MetricDef& def) const { return ValueOf(sim, *writer, def); }

  std::unique_ptr<Store> sink;
  std::unique_ptr<SinkWriter> writer;
  std::vector<std::unique_ptr<MemberTarget>> members;
  std::vector<std::unique_ptr<MemberThreadTarget>> threads;

 private:
  static MiniSettings WithoutReaders(MiniSettings settings) {
    settings.consumers.reset();
    return settings;
  }
};

class SinkPipeline : public SinkPipelineOf<DatabaseSink> {
 public:
  explicit SinkPipeline(const SinkSettings& settings)
      : SinkPipelineOf(settings, [&settings](Simulation& on, Network* over) {
          return std::make_unique<DatabaseSink>(on, "db", over, settings.database);
        }) {}
};

}  // namespace freshet

#endif  // FRESHET_TESTS_MODELS_SINK_SINK_PIPELINE_H_
