#include "scenarios/language/assemble_streams.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "models/fault/streams_target.h"
#include "models/processing/blackhole_sink.h"
#include "scenarios/language/assemble_groups.h"
#include "scenarios/language/assemble_job.h"
#include "scenarios/language/quantity.h"
#include "scenarios/language/streams_rules.h"
#include "scenarios/language/unlimited.h"

namespace freshet {

using v1::StreamOperator;
namespace {

// Kafka's consumer and producer (KSRC): fetch.min.bytes, fetch.max.wait.ms, fetch.max.bytes,
// max.partition.fetch.bytes, metadata.max.age.ms, retry.backoff.ms.
constexpr Bytes kFetchMinBytes(1);
constexpr Duration kFetchMaxWait = Milliseconds(500);
constexpr Bytes kFetchMaxBytes = MiB(50);
constexpr Bytes kMaxPartitionFetchBytes = MiB(1);
constexpr Duration kMetadataMaxAge = Minutes(5);
constexpr Duration kRetryBackoff = Milliseconds(100);
// KSRC, StreamsConfig: commit.interval.ms, and with exactly-once.
constexpr Duration kCommitInterval = Seconds(30);
constexpr Duration kCommitIntervalExactlyOnce = Milliseconds(100);
// Of a sink that answers at once: as many as StreamSink.max_in_flight_requests.
constexpr int64_t kMostWrites = 50;
// Of a changelog record whose operator does not say how large its state is.
constexpr Bytes kChangelogRecord(1024);

// The steps [first, last) of one sub-topology.
struct SubTopology {
  int first;
  int last;
};

std::vector<SubTopology> SubTopologiesOf(const v1::StreamsApp& text) {
  std::vector<SubTopology> all;
  for (int at = 0; at < text.step_size(); ++at) {
    if (at == 0 || text.step(at).by_key()) {
      if (!all.empty()) all.back().last = at;
      all.push_back({at, text.step_size()});
    }
  }
  return all;
}

bool HasState(const StreamOperator& text) { return text.has_window() || text.has_deduplicate(); }

bool HasState(const v1::StreamsApp& text, const SubTopology& part) {
  for (int at = part.first; at < part.last; ++at) {
    if (HasState(text.step(at))) return true;
  }
  return false;
}

std::string ChangelogOf(const std::string& name, const v1::StreamsApp& text,
                        const SubTopology& part) {
  return absl::StrCat(name, "-", text.step(part.first).name(), "-changelog");
}

std::string RepartitionOf(const std::string& name, const v1::StreamsApp& text,
                          const SubTopology& part) {
  return absl::StrCat(name, "-", text.step(part.first).name(), "-repartition");
}

// By partition; none: even.
std::vector<int64_t> WeightsOf(const StreamOperator& text, int partitions) {
  return text.hot_share().empty() ? std::vector<int64_t>()
                                  : HotWeights(RatioOf(text.hot_share()), partitions);
}

Bytes ChangelogRecordOf(const v1::StreamsApp& text, const SubTopology& part) {
  for (int at = part.first; at < part.last; ++at) {
    const StreamOperator& step = text.step(at);
    const std::string& size = step.has_window()        ? step.window().state_per_key()
                              : step.has_deduplicate() ? step.deduplicate().state_per_key()
                                                       : "";
    if (!HasState(step)) continue;
    const Bytes record = step.window().keep_records() ? kChangelogRecord : BytesOf(size);
    return std::max(record, Bytes(1));
  }
  return kChangelogRecord;
}

Consumers::Config ReaderOf(const v1::Scenario& scenario, const v1::StreamsApp& text,
                           const std::string& topic, const std::string& group) {
  Consumers::Config config;
  config.topic = topic;
  config.network_bandwidth = kUnlimited;  // Hosts are the instances'.
  config.start_from = StartFrom::kEarliest;
  config.fetch_min_bytes = kFetchMinBytes;
  config.fetch_max_wait = kFetchMaxWait;
  config.fetch_max_bytes = kFetchMaxBytes;
  config.max_partition_fetch_bytes = kMaxPartitionFetchBytes;
  config.metadata_max_age = kMetadataMaxAge;
  config.max_poll_records = text.max_poll_records();
  config.group = StreamsGroupOf(scenario, group, text);
  return config;
}

}  // namespace

std::vector<TopicConfig> InternalTopicsOf(const v1::Scenario& scenario,
                                          const std::vector<TopicConfig>& topics) {
  std::vector<TopicConfig> internal;
  for (const v1::Component& component : scenario.component()) {
    if (!component.has_streams_app()) continue;
    const v1::StreamsApp& text = component.streams_app();
    const auto read = std::find_if(topics.begin(), topics.end(), [&](const TopicConfig& topic) {
      return topic.name == text.step(0).source().reads();
    });
    TopicConfig made;
    made.partitions = read->partitions;
    made.replication_factor = text.has_internal_replication_factor()
                                  ? static_cast<int>(text.internal_replication_factor())
                                  : read->replication_factor;
    made.min_in_sync_replicas = std::min(read->min_in_sync_replicas, made.replication_factor);
    made.segments = read->segments;
    for (const SubTopology& part : SubTopologiesOf(text)) {
      if (part.first > 0) {
        made.name = RepartitionOf(component.name(), text, part);
        made.retention = read->retention;
        internal.push_back(made);
      }
      if (!HasState(text, part)) continue;
      made.name = ChangelogOf(component.name(), text, part);
      made.retention = Retention();
      internal.push_back(made);
    }
  }
  return internal;
}

void BuildStreamsApp(const v1::Scenario& scenario, const std::string& name,
                     const v1::StreamsApp& text, const std::vector<ZoneId>& zones, Simulation& sim,
                     Pipeline* pipeline) {
  StreamsConfig config;
  const std::vector<SubTopology> parts = SubTopologiesOf(text);
  const std::string source = text.step(0).source().reads();
  const int partitions = pipeline->log->PartitionsOf(source).count;
  for (size_t i = 0; i < parts.size(); ++i) {
    const SubTopology& part = parts[i];
    SubTopologyConfig made;
    made.name = text.step(part.first).name();
    const bool reads_source = part.first == 0;
    made.source = ReaderOf(scenario, text, reads_source ? source : RepartitionOf(name, text, part),
                           reads_source ? name : absl::StrCat(name, "-", made.name));
    if (reads_source) {
      made.source.start_from = text.step(0).source().start_from() == v1::StreamSource::LATEST
                                   ? StartFrom::kLatest
                                   : StartFrom::kEarliest;
    }
    for (int at = part.first; at < part.last; ++at) {
      const StreamOperator& step = text.step(at);
      made.chain.push_back(OperatorOf(step));
      if (!step.has_window()) continue;
      made.grace = std::max(made.grace, made.chain.back().window.allowed_lateness);
      // Closed for good: stream time is behind by the grace period instead.
      made.chain.back().window.allowed_lateness = Duration::Zero();
    }
    if (HasState(text, part)) {
      made.changelog = ChangelogOf(name, text, part);
      made.changelog_record = ChangelogRecordOf(text, part);
    }
    const StreamOperator& last = text.step(part.last - 1);
    if (i + 1 < parts.size()) {
      made.topic = RepartitionOf(name, text, parts[i + 1]);
      made.weights = WeightsOf(text.step(parts[i + 1].first), partitions);
    } else if (last.has_to_topic()) {
      made.topic = last.to_topic().name();
    } else if (last.has_sink()) {
      made.sink = pipeline->sinks.at(last.sink().name()).get();
      made.most_retries = last.sink().max_retries();
      made.retry_delay = DurationOf(last.sink().retry_delay());
    } else {
      pipeline->job_sinks.push_back(
          std::make_unique<BlackholeSink>(sim, absl::StrCat(name, "/", last.name(), "/sink")));
      made.sink = pipeline->job_sinks.back().get();
    }
    made.most_writes = kMostWrites;
    config.sub_topologies.push_back(std::move(made));
  }
  const bool exactly_once = text.processing_guarantee() == v1::StreamsApp::EXACTLY_ONCE_V2;
  config.instance_zones = zones;
  config.network_bandwidth =
      text.network_bandwidth().empty() ? kUnlimited : BytesPerSecondOf(text.network_bandwidth());
  config.threads = static_cast<int>(text.threads());
  config.vcpus = text.vcpus();
  if (exactly_once) config.transactions = pipeline->transactions.get();
  config.transaction_timeout = DurationOf(text.transaction_timeout());
  config.commit_interval = !text.commit_interval().empty() ? DurationOf(text.commit_interval())
                           : exactly_once                  ? kCommitIntervalExactlyOnce
                                                           : kCommitInterval;
  config.standbys = static_cast<int>(text.standby_replicas());
  config.acceptable_lag = static_cast<int64_t>(text.acceptable_recovery_lag());
  config.max_warmups = static_cast<int>(text.max_warmup_replicas());
  config.probing_interval = DurationOf(text.probing_rebalance_interval());
  config.persistent = text.store() != v1::StreamsApp::IN_MEMORY;
  config.cache = BytesOf(text.cache());
  config.linger = DurationOf(text.linger());
  config.batch_size = BytesOf(text.batch_size());
  config.buffer = BytesOf(text.buffer_memory());
  config.retry_backoff = kRetryBackoff;
  config.cpu_per_restored_record = DurationOf(text.cpu_per_restored_record());
  config.start_time = DurationOf(text.start_time());
  pipeline->streams_apps.push_back(std::make_unique<StreamsApp>(sim, name, pipeline->network.get(),
                                                                pipeline->log.get(), config));
  StreamsApp* const app = pipeline->streams_apps.back().get();
  for (int i = 0; i < app->instance_count(); ++i) {
    const std::string handle = absl::StrCat(name, "/instance-", i + 1);
    pipeline->targets[handle] = std::make_unique<InstanceTarget>(app, i);
    pipeline->targets[handle + "/nic"] =
        std::make_unique<NicTarget>(pipeline->network.get(), app->HostOf(i));
  }
}

}  // namespace freshet
